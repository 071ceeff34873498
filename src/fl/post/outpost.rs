//! OUTPOST: pruning, and noise where the update tells most about the weights, less and less often.

use std::sync::Arc;

use rand::Rng;
use rand_chacha::ChaCha8Rng;

use super::gaussian_noise::noised;
use super::mask::{self, Mask};
use super::{Code, Post, Received, Sending, Transform};
use crate::backend;
use crate::config::Settings;
use crate::model::{Parameters, TensorSpec};

/// Wang, Hugh, Li 2023, by the first public code of it that does something. i is the number of rounds before this one:
/// what it is in the paper could not be had.
#[derive(Debug, Clone, Copy)]
pub(super) struct Outpost {
    pub(super) beta: f64,
    pub(super) noised: f64,
    pub(super) pruned: f64,
    pub(super) scale: f64,
}

/// The step with these settings.
pub fn build(settings: &Settings, _: &[TensorSpec]) -> Result<Arc<dyn Post>, String> {
    Ok(Arc::new(Outpost {
        beta: settings.number("beta"),
        noised: settings.number("noised"),
        pruned: settings.number("pruned"),
        scale: settings.number("scale"),
    }))
}

impl Post for Outpost {
    fn apply(&self, update: Parameters, at: &Sending<'_>, generator: &mut ChaCha8Rng) -> Parameters {
        if generator.random::<f64>() >= 1.0 / (1.0 + self.beta * f64::from(at.round)) {
            return update;
        }
        let noise = noised(&update.clone().scaled(0.0), 1.0, generator);
        self.perturbed(update, &at.own.model.parameters, &noise)
    }

    /// The numbers that one client sent; where they are dense, in a round that was left alone, all of them.
    fn transform(&self, received: &Received<'_>) -> Option<Arc<dyn Transform>> {
        Some(Arc::new(Mask(mask::sent(received.alone?))))
    }

    /// Dense in rounds that are left alone.
    fn code(&self, before: Code) -> Code {
        Code { places: true, ..before }
    }
}

impl Outpost {
    /// What becomes of an update of these weights in a round that is not left alone, with these draws of N(0, 1).
    pub(super) fn perturbed(
        &self,
        update: Parameters,
        weights: &Parameters,
        noise: &Parameters,
    ) -> Parameters {
        let spreads = weights.tensors().iter().map(|tensor| variance(&backend::values(tensor)).min(1.0));
        let spreads: Vec<f64> = spreads.collect();
        let tensors = update.specs().iter().zip(update.tensors());
        let fisher: Vec<Vec<f64>> =
            tensors.map(|(spec, tensor)| information(spec, &backend::values(tensor))).collect();
        let threshold = percentile(fisher.iter().flatten().copied().collect(), 1.0 - self.noised);
        let mut tensors = fisher.iter().zip(&spreads).zip(noise.tensors());
        update.mapped(|_, values| {
            let Some(((fisher, spread), noise)) = tensors.next() else { return };
            let least = percentile(values.iter().map(|value| value.abs()).collect(), self.pruned);
            values.iter_mut().filter(|value| value.abs() < least).for_each(|value| *value = 0.0);
            let width = fisher.len();
            for (entry, (value, noise)) in values.iter_mut().zip(backend::values(noise)).enumerate() {
                if fisher[entry % width] >= threshold {
                    *value += self.scale * spread * noise;
                }
            }
        })
    }
}

/// The empirical Fisher information of a tensor: the mean of g^2 over its first axis; of a vector one value.
fn information(spec: &TensorSpec, values: &[f64]) -> Vec<f64> {
    let rows = spec.shape.first().copied().unwrap_or(1).max(1);
    let width = values.len() / rows;
    let mut sums = vec![0.0; width.max(1)];
    values.iter().enumerate().for_each(|(at, value)| sums[at % width.max(1)] += value * value);
    sums.iter().map(|sum| sum / rows as f64).collect()
}

/// Unbiased; of one value 0.
fn variance(values: &[f64]) -> f64 {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    if count > 1.0 { squares / (count - 1.0) } else { 0.0 }
}

/// The value below which this share of them lies, between two of them in proportion.
fn percentile(mut values: Vec<f64>, share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let place = share * (values.len().max(1) - 1) as f64;
    let at = |place: f64| values.get(place as usize).copied().unwrap_or(0.0);
    at(place.floor()) + place.fract() * (at(place.ceil()) - at(place.floor()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_lie_between_values_as_numpy_puts_them() {
        let values = || vec![4.0, 1.0, 3.0, 2.0];
        assert_eq!(percentile(values(), 0.0), 1.0);
        assert_eq!(percentile(values(), 0.8), 3.4000000000000004);
        assert_eq!(percentile(values(), 0.5), 2.5);
        assert_eq!(percentile(vec![7.0], 0.4), 7.0);
    }

    #[test]
    fn information_is_a_mean_over_the_first_axis() {
        let spec = |shape: &[usize]| TensorSpec { name: "t".to_owned(), shape: shape.to_vec() };
        assert_eq!(information(&spec(&[2, 2]), &[1.0, 2.0, 3.0, 4.0]), [5.0, 10.0]);
        assert_eq!(information(&spec(&[2]), &[1.0, 3.0]), [5.0]);
        assert_eq!((variance(&[1.0, 3.0]), variance(&[5.0])), (2.0, 0.0));
    }
}
