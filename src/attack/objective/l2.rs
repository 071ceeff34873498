//! `l2` (Zhu et al. 2019): sum of squared differences, without 1/2 and without mean.

use std::sync::Arc;

use super::directions::NORM;
use super::{Match, Measure};
use crate::config::{Distance, LayerWeights};
use crate::model::{Parameters, Scalar};

pub(super) fn measure(config: Distance, observed: Parameters) -> Arc<dyn Measure> {
    match config.layers.unwrap_or_default() {
        LayerWeights::Equal => Arc::new(L2 { norm: observed.norm(), observed }),
        layers => Arc::new(Weighted { weights: layers.of(observed.specs().len()), observed }),
    }
}

/// D = sum |g - h|^2, v = 2 (g - h).
#[derive(Debug)]
struct L2 {
    observed: Parameters,
    norm: f64,
}

impl Measure for L2 {
    fn compare(&self, g: Parameters) -> Match {
        let cotangent = g.combine(2.0, &self.observed, -2.0);
        Match { distance: cotangent.square() / 4.0, cotangent }
    }

    fn of_nothing(&self) -> f64 {
        self.norm * self.norm
    }
}

/// D = sum over the tensors of w |g - h|^2, v = 2 w (g - h).
#[derive(Debug)]
struct Weighted {
    observed: Parameters,
    weights: Vec<f64>,
}

impl Measure for Weighted {
    fn compare(&self, g: Parameters) -> Match {
        let difference = g.combine(1.0, &self.observed, -1.0);
        let squares = difference.products_by_tensor(&difference);
        let terms = squares.iter().zip(&self.weights).map(|((square, _), weight)| weight * square);
        let distance: f64 = terms.sum();
        let factors: Vec<f64> = self.weights.iter().map(|weight| 2.0 * weight).collect();
        Match { distance: distance.into(), cotangent: difference.scaled_by_tensor(&factors) }
    }

    fn of_nothing(&self) -> f64 {
        let squares = self.observed.products_by_tensor(&self.observed);
        squares.iter().zip(&self.weights).map(|((square, _), weight)| weight * square).sum()
    }
}

/// D = |r|^2 with r = N (g / |g| - h / |h|), of the directions alone; v = 2 (N r - D g / (2 |g|)) / |g|, since
/// <g, r> = |g| D / (2 N). Without the cosine's difference from 1, which rounding eats.
#[derive(Debug)]
pub(super) struct Directions {
    observed: Parameters,
    norm: f64,
}

impl Directions {
    pub(super) fn new(observed: Parameters) -> Self {
        Directions { norm: observed.norm(), observed }
    }
}

impl Measure for Directions {
    fn compare(&self, g: Parameters) -> Match {
        let g_norm = g.norm();
        let r = g.clone().combine(NORM / g_norm, &self.observed, -NORM / self.norm);
        let distance = r.square();
        let back: Scalar = distance.clone() * (-1.0 / (g_norm * g_norm));
        Match { distance, cotangent: r.combine(2.0 * NORM / g_norm, &g, back) }
    }

    fn of_nothing(&self) -> f64 {
        NORM * NORM
    }
}
