//! CENSOR: a direction across the gradient that lowers the loss as well.

use std::sync::Arc;

use rand_chacha::ChaCha8Rng;

use super::gaussian_noise::noised;
use super::{Post, Received, Sending, Transform};
use crate::backend;
use crate::config::{RunConfig, Settings};
use crate::fl::At;
use crate::model::{Model, Net, Parameters, TensorSpec};

/// Zhang et al. 2025, equation 12, which their code divides by |g_l| where the square belongs. Of `trials` draws the one
/// whose loss after a step is lowest; the true gradient where none has a lower one than no step at all.
#[derive(Debug)]
pub(super) struct Censor {
    pub(super) trials: usize,
    pub(super) step: f64,
}

/// The step with these settings.
pub fn build(settings: &Settings, _: &[TensorSpec]) -> Result<Arc<dyn Post>, String> {
    Ok(Arc::new(Censor { trials: settings.number("trials") as usize, step: settings.number("step") }))
}

impl Post for Censor {
    fn fits(&self, _: &Net, config: &RunConfig) -> Result<(), String> {
        match config.local() {
            None => Ok(()),
            Some(_) => Err("compares losses after a step along a gradient, and local steps send a weight difference; use \
                            federation.algorithm = \"fedsgd\""
                .to_owned()),
        }
    }

    fn apply(&self, update: Parameters, at: &Sending<'_>, generator: &mut ChaCha8Rng) -> Parameters {
        let zeros = update.clone().scaled(0.0);
        self.chosen(update, at.own, |_| noised(&zeros, 1.0, generator))
    }

    fn transform(&self, _: &Received<'_>) -> Option<Arc<dyn Transform>> {
        None
    }
}

impl Censor {
    /// What is sent in the place of g, given what each trial draws of N(0, 1).
    pub(super) fn chosen(
        &self,
        g: Parameters,
        own: At<'_>,
        mut draw: impl FnMut(usize) -> Parameters,
    ) -> Parameters {
        let loss = |parameters: Parameters| {
            let model = Model { parameters, ..own.model.clone() };
            backend::scalar(model.gradient(own.mode, own.x, own.targets).0)
        };
        let (mut least, mut best) = (loss(own.model.parameters.clone()), None);
        for trial in 0..self.trials {
            let across = across(&g, draw(trial));
            let reached = loss(own.model.parameters.clone().combine(1.0, &across, -self.step));
            if reached < least {
                (least, best) = (reached, Some(across));
            }
        }
        best.unwrap_or(g)
    }
}

/// What of r is orthogonal to g in every tensor, and made as long there. A tensor of one number has nothing.
fn across(g: &Parameters, r: Parameters) -> Parameters {
    let along: Vec<f64> = g
        .products_by_tensor(&r)
        .iter()
        .map(|(square, product)| if *square > 0.0 { -product / square } else { 0.0 })
        .collect();
    let ones = vec![1.0; along.len()];
    let across = r.combine_by_tensor(&ones, g, &along);
    let lengths = across.products_by_tensor(&across);
    let factors: Vec<f64> = g
        .products_by_tensor(g)
        .iter()
        .zip(&lengths)
        .zip(g.specs().iter())
        .map(
            |(((wanted, _), (there, _)), spec)| {
                if spec.count() > 1 && *there > 0.0 { (wanted / there).sqrt() } else { 0.0 }
            },
        )
        .collect();
    across.scaled_by_tensor(&factors)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::backend::{Compute, Precision};
    use crate::seed::Seed;

    #[test]
    fn what_is_sent_is_orthogonal_and_as_long_in_every_tensor() {
        let compute = Compute::select("flex", Precision::F64).unwrap();
        let specs = [vec![7, 3], vec![5], vec![1], vec![4]];
        let specs: Vec<TensorSpec> =
            specs.into_iter().map(|shape| TensorSpec { name: "t".to_owned(), shape }).collect();
        // The last one is zero.
        let g = Parameters::from_values(&compute, specs.into(), |spec| {
            (0..spec.count()).map(|i| if spec.shape == [4] { 0.0 } else { (i as f64 + 0.3).sin() }).collect()
        });
        let zeros = g.clone().scaled(0.0);
        let sent = across(&g, noised(&zeros, 1.0, &mut Seed(5).stream("test", &[])));
        let both = g.products_by_tensor(&sent);
        let lengths = sent.products_by_tensor(&sent);
        for tensor in 0..2 {
            let (square, product) = both[tensor];
            assert!(product.abs() < 1e-12 * square, "{tensor}: {product:e}");
            assert!((lengths[tensor].0 / square - 1.0).abs() < 1e-12, "{tensor}");
        }
        assert_eq!((lengths[2].0, lengths[3].0), (0.0, 0.0));
    }
}
