//! `l1`: sum of absolute differences.

use super::{Match, Measure};
use crate::config::{Distance, LayerWeights};
use crate::model::Parameters;

/// D = sum over the tensors of w |g - h|_1, v = w sign(g - h) with sign(0) = 0.
#[derive(Debug)]
pub(super) struct L1 {
    observed: Parameters,
    /// `None` where all tensors count the same.
    weights: Option<Vec<f64>>,
}

impl L1 {
    pub(super) fn new(config: Distance, observed: Parameters) -> Self {
        let layers = config.layers.filter(|layers| *layers != LayerWeights::Equal);
        L1 { weights: layers.map(|layers| layers.of(observed.specs().len())), observed }
    }
}

impl Measure for L1 {
    fn compare(&self, g: Parameters) -> Match {
        let difference = g.combine(1.0, &self.observed, -1.0);
        let signs = difference.signs();
        let cotangent = match &self.weights {
            None => signs,
            Some(weights) => signs.scaled_by_tensor(weights),
        };
        let (_, distance) = difference.products(&cotangent);
        Match { distance, cotangent }
    }

    fn of_nothing(&self) -> f64 {
        let signs = self.observed.signs();
        match &self.weights {
            None => self.observed.dot(&signs),
            Some(weights) => self.observed.dot(&signs.scaled_by_tensor(weights)),
        }
    }
}
