//! What can be said of a private batch without any update: a figure that is not above it says nothing.

use super::{mean, mse, psnr};
use crate::data::{Dataset, Images};

/// Most samples of the set that are read for their mean, spread evenly over it.
const MOST: usize = 256;

/// PSNR in dB of one picture `[channels, height, width]` as the answer for every sample of the batch, mean over it.
pub fn score_of(truth: &Images, picture: &[f64]) -> f64 {
    let score = |i: usize| psnr(mse(truth.sample(i), picture)).min(psnr::CAP);
    mean(&(0..truth.samples).map(score).collect::<Vec<_>>())
}

/// The mean of the other samples of the set, at most 256, resized to `size` as the batch was; `None` if there is none
/// of its shape. Samples equal to a private one are left out, pictures that cannot be read as well.
pub fn mean_of_others(set: &Dataset, truth: &Images, size: Option<usize>) -> Option<Vec<f64>> {
    let count = set.len().min(MOST);
    let is_private = |sample: &[f64]| (0..truth.samples).any(|i| truth.sample(i) == sample);
    let mut sum = vec![0.0; truth.sample_len()];
    let mut others = 0;
    for at in (0..count).map(|i| i * set.len() / count) {
        let Ok(batch) = set.batch(&[at], size) else { continue };
        let sample = batch.images.sample(0);
        if sample.len() != sum.len() || is_private(sample) {
            continue;
        }
        sum.iter_mut().zip(sample).for_each(|(sum, value)| *sum += value);
        others += 1;
    }
    (others > 0).then(|| sum.into_iter().map(|value| value / f64::from(others)).collect())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::data;

    #[test]
    fn grey_scores_as_its_formula_says() {
        let images =
            Images { samples: 2, channels: 1, height: 1, width: 2, pixels: vec![0.5, 1.0, 0.0, 1.0] };
        // Mean squared errors 1/8 and 1/4.
        let expected = (10.0 * 8.0f64.log10() + 10.0 * 4.0f64.log10()) / 2.0;
        assert!((score_of(&images, &[0.5, 0.5]) - expected).abs() < 1e-12);
    }

    #[test]
    fn the_mean_knows_nothing_of_the_private_samples() {
        let folder = tempfile::tempdir().unwrap();
        for (name, level) in [("a", 0u8), ("b", 100), ("c", 200)] {
            image::GrayImage::from_pixel(8, 8, image::Luma([level]))
                .save(folder.path().join(format!("{name}.png")))
                .unwrap();
        }
        let set = data::open(folder.path().to_str().unwrap()).unwrap();
        let mean = |private: &[usize]| mean_of_others(&set, &set.batch(private, None).unwrap().images, None);
        assert!((mean(&[0]).unwrap()[0] - 150.0 / 255.0).abs() < 1e-12);
        assert!((mean(&[1, 2]).unwrap()[0]).abs() < 1e-12);
        assert_eq!(mean(&[0, 1, 2]), None);
    }
}
