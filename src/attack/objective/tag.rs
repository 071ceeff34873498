//! `tag` (Deng et al. 2021): squared and absolute differences.

use super::{Match, Measure};
use crate::config::Distance;
use crate::model::Parameters;

/// D = sum over the tensors of |g - h|^2 + a |g - h|_1, v = 2 (g - h) + a sign(g - h); layer weights are in a alone.
#[derive(Debug)]
pub(super) struct Tag {
    observed: Parameters,
    alphas: Vec<f64>,
}

impl Tag {
    pub(super) fn new(config: Distance, observed: Parameters) -> Self {
        let weights = config.layers.unwrap_or_default().of(observed.specs().len());
        Tag { alphas: weights.iter().map(|weight| config.alpha() * weight).collect(), observed }
    }

    /// The sum of both terms for a difference with these signs.
    fn of(&self, difference: &Parameters, signs: &Parameters) -> f64 {
        let products = difference.products_by_tensor(signs);
        products.iter().zip(&self.alphas).map(|((square, absolute), alpha)| square + alpha * absolute).sum()
    }
}

impl Measure for Tag {
    fn compare(&self, g: Parameters) -> Match {
        let difference = g.combine(1.0, &self.observed, -1.0);
        let signs = difference.signs();
        let distance = self.of(&difference, &signs);
        let twice = vec![2.0; self.alphas.len()];
        let cotangent = difference.combine_by_tensor(&twice, &signs, &self.alphas);
        Match { distance: distance.into(), cotangent }
    }

    fn of_nothing(&self) -> f64 {
        self.of(&self.observed, &self.observed.signs())
    }
}
