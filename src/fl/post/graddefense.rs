//! GradDefense: noise on slices of the update that are equally sensitive to the samples.

use std::sync::Arc;

use rand::seq::index;
use rand_chacha::ChaCha8Rng;

use super::denoise;
use super::{At, Code, Post, Received, Sending, Transform};
use crate::backend;
use crate::config::Settings;
use crate::model::{Parameters, TensorSpec};
use crate::seed;

/// N(0, sigma^2) on some of the slices into which the numbers of an update, in the order of its tensors, are cut so that
/// each is as sensitive to the samples (Wang et al. 2022). The sensitivity of a tensor, spread evenly over its numbers, is
/// the mean over the samples of |d(sum of its gradient)/dx|.
///
/// Differing from the published code: it is taken on the client's own samples, not on a set that all share, which there
/// is none of; slices are cut at single numbers and do not overlap. Clipped samples are a step of their own. Under cross-entropy the last layer's sums are constant and so without sensitivity: they follow whatever
/// comes before them, in the last slice.
#[derive(Debug)]
struct GradDefense {
    sigma: f64,
    slices: usize,
    noised: usize,
    denoise: bool,
}

/// The step with these settings.
pub fn build(settings: &Settings, _: &[TensorSpec]) -> Result<Arc<dyn Post>, String> {
    let whole = |name: &str| settings.number(name) as usize;
    let (slices, noised) = (whole("slices"), whole("noised"));
    if noised > slices {
        return Err(format!(
            "noised is {noised}, and there are {slices} slices; at most all of them get noise"
        ));
    }
    Ok(Arc::new(GradDefense {
        sigma: settings.number("sigma"),
        slices,
        noised,
        denoise: settings.flag("denoise"),
    }))
}

impl Post for GradDefense {
    fn apply(&self, update: Parameters, at: &Sending<'_>, generator: &mut ChaCha8Rng) -> Parameters {
        let counts: Vec<usize> = update.specs().iter().map(TensorSpec::count).collect();
        let mut places = places(&sensitivity(at.own), &counts, self.slices).into_iter();
        let drawn = index::sample(generator, self.slices, self.noised).into_vec();
        update.mapped(|_, values| {
            let noise = seed::normal(generator, values.len());
            for ((value, noise), slice) in values.iter_mut().zip(noise).zip(places.by_ref()) {
                if drawn.contains(&slice) {
                    *value += self.sigma * noise;
                }
            }
        })
    }

    fn on_mean(&self, mean: Parameters, squares: f64) -> Parameters {
        // Every client draws its own slices: a number has noise in this share of them.
        let share = self.noised as f64 / self.slices as f64;
        match self.denoise {
            true => denoise::denoised(mean, share * self.sigma.powi(2) * squares),
            false => mean,
        }
    }

    /// Its mean is the update.
    fn transform(&self, _: &Received<'_>) -> Option<Arc<dyn Transform>> {
        None
    }

    /// Other numbers than before, which no shorter way of writing fits.
    fn code(&self, _: Code) -> Code {
        Code::default()
    }
}

/// Of every tensor of parameters: the mean over the samples of the norm of d(sum of its gradient)/dx.
fn sensitivity(own: At<'_>) -> Vec<f64> {
    let At { model, mode, x, targets } = own;
    let samples = x.dims()[0].max(1);
    let tensors = model.parameters.specs().len();
    let of = |tensor: usize| {
        let mut place = 0;
        let ones = model.parameters.mapped(|_, values| {
            values.fill(f64::from(u8::from(place == tensor)));
            place += 1;
        });
        let through = backend::values(&model.directional(mode, x, targets, &ones, false).to_input);
        let norm = |row: &[f64]| row.iter().map(|value| value * value).sum::<f64>().sqrt();
        through.chunks((through.len() / samples).max(1)).map(norm).sum::<f64>() / samples as f64
    };
    (0..tensors).map(of).collect()
}

/// The slice of every number, given the sensitivities of the tensors and how many numbers they have. Where nothing is
/// sensitive, slices are of equal length.
fn places(sensitivity: &[f64], counts: &[usize], slices: usize) -> Vec<usize> {
    let total: f64 = sensitivity.iter().sum();
    let all = counts.iter().sum::<usize>().max(1) as f64;
    let mut before = 0.0;
    let mut places = Vec::with_capacity(all as usize);
    for (sensitivity, &count) in sensitivity.iter().zip(counts) {
        let whole = if total > 0.0 { sensitivity / total } else { count as f64 / all };
        let slice = |at: usize| {
            let share = before + whole * at as f64 / count as f64;
            ((share * slices as f64) as usize).min(slices - 1)
        };
        places.extend((0..count).map(slice));
        before += whole;
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slices_are_equally_sensitive_and_what_is_not_sensitive_comes_last() {
        // Half of it in the first tensor, half in the second, nothing in the last.
        assert_eq!(places(&[2.0, 2.0, 0.0], &[2, 4, 3], 4), [0, 1, 2, 2, 3, 3, 3, 3, 3]);
        assert_eq!(places(&[0.0, 0.0], &[2, 4], 3), [0, 0, 1, 1, 2, 2]);
        assert_eq!(places(&[1.0], &[3], 1), [0, 0, 0]);
    }
}
