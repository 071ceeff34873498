//! `layer-l2` (Yin et al. 2021): the distance of each tensor, not squared.

use super::{Match, Measure};
use crate::model::Parameters;

/// D = sum over the tensors of |g - h|, v = (g - h) / |g - h|, 0 where they are equal.
#[derive(Debug)]
pub(super) struct LayerL2 {
    pub observed: Parameters,
}

impl Measure for LayerL2 {
    fn compare(&self, g: Parameters) -> Match {
        let difference = g.combine(1.0, &self.observed, -1.0);
        let norms: Vec<f64> =
            difference.products_by_tensor(&difference).iter().map(|(square, _)| square.sqrt()).collect();
        let factors: Vec<f64> = norms.iter().map(|&norm| if norm > 0.0 { 1.0 / norm } else { 0.0 }).collect();
        let distance: f64 = norms.iter().sum();
        Match { distance: distance.into(), cotangent: difference.scaled_by_tensor(&factors) }
    }

    fn of_nothing(&self) -> f64 {
        self.observed.products_by_tensor(&self.observed).iter().map(|(square, _)| square.sqrt()).sum()
    }
}
