//! IIP, image identifiability precision: whether a reconstruction still points to its own image.

use std::collections::HashMap;

use crate::data::{Batch, DataError, Dataset, Images};

/// Most candidates of a class, the first of the set: pictures of a large folder take long to read.
pub const MOST_CANDIDATES: usize = 5000;
/// Candidates that are in memory at once.
const CHUNK: usize = 100;

/// How often reconstructions point to their own image.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Identification {
    /// Share of reconstructions whose nearest neighbour (pixel l2) among all samples of its class is the true
    /// image, range [0, 1].
    pub precision: f64,
    /// Candidates of the class that has fewest.
    pub pool: usize,
}

/// Looks for each reconstruction, aligned with `truth` sample by sample, among the samples of its class in
/// `set`, resized to `size` as the batch was. `None` if a class has no other sample: then nothing can be told
/// apart. Images equal to the true one count as the true one.
///
/// # Errors
/// If a sample of the set cannot be read.
pub fn identification(
    truth: &Batch,
    reconstruction: &Images,
    set: &Dataset,
    size: Option<usize>,
) -> Result<Option<Identification>, DataError> {
    let reconstruction = reconstruction.clamped();
    let mut classes: HashMap<usize, Vec<usize>> = HashMap::new();
    for (i, &label) in truth.labels.iter().enumerate() {
        classes.entry(label).or_default().push(i);
    }
    let (mut right, mut pool) = (0, usize::MAX);
    for (label, members) in classes {
        let own = |i: usize| squares(truth.images.sample(i), reconstruction.sample(i));
        let mut nearest = vec![f64::INFINITY; members.len()];
        let candidates: Vec<usize> =
            (0..set.len()).filter(|&i| set.label(i) == Some(label)).take(MOST_CANDIDATES).collect();
        for chunk in candidates.chunks(CHUNK) {
            let images = set.batch(chunk, size)?.images;
            if images.sample_len() != reconstruction.sample_len() {
                return Ok(None);
            }
            for (least, &member) in nearest.iter_mut().zip(&members) {
                let found =
                    (0..images.samples).map(|i| squares(images.sample(i), reconstruction.sample(member)));
                *least = found.fold(*least, f64::min);
            }
        }
        pool = pool.min(candidates.len());
        right += members.iter().zip(&nearest).filter(|&(&i, least)| own(i) <= *least).count();
    }
    let precision = right as f64 / truth.labels.len() as f64;
    Ok((pool > 1 && pool < usize::MAX).then_some(Identification { precision, pool }))
}

/// Sum of squared differences; NaN if a value is NaN.
fn squares(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::data;

    fn identified(change: impl Fn(usize, &mut Vec<f64>)) -> Option<Identification> {
        let set = data::open("digits28").unwrap();
        let truth = set.batch(&[3, 4, 5, 6], None).unwrap();
        let mut images = truth.images.clone();
        let length = images.sample_len();
        let samples: Vec<f64> = (0..images.samples)
            .flat_map(|i| {
                let mut sample = images.pixels[i * length..(i + 1) * length].to_vec();
                change(i, &mut sample);
                sample
            })
            .collect();
        images.pixels = samples;
        identification(&truth, &images, &set, None).unwrap()
    }

    #[test]
    fn noise_below_the_distance_of_neighbours_does_no_harm() {
        let perfect = Identification { precision: 1.0, pool: 50 };
        assert_eq!(identified(|_, _| {}), Some(perfect));
        let noisy = identified(|i, sample| {
            sample
                .iter_mut()
                .enumerate()
                .for_each(|(at, v)| *v += if (at + i) % 2 == 0 { 0.04 } else { -0.04 });
        });
        assert_eq!(noisy, Some(perfect));
    }

    #[test]
    fn another_sample_of_the_class_and_nan_are_not_it() {
        let set = data::open("digits28").unwrap();
        let label = set.label(3);
        let other = (0..500).find(|&i| i != 3 && set.label(i) == label).unwrap();
        let other = set.batch(&[other], None).unwrap().images.pixels;
        let swapped = identified(|i, sample| {
            if i == 0 {
                sample.clone_from(&other)
            }
        });
        assert_eq!(swapped, Some(Identification { precision: 0.75, pool: 50 }));
        let broken = identified(|i, sample| {
            if i < 2 {
                sample[0] = f64::NAN
            }
        });
        assert_eq!(broken.unwrap().precision, 0.5);
    }

    #[test]
    fn a_class_of_one_sample_identifies_nothing() {
        let set = data::open("photos").unwrap();
        let truth = set.batch(&[0], Some(16)).unwrap();
        assert_eq!(identification(&truth, &truth.images, &set, Some(16)).unwrap(), None);
    }
}
