//! `cosine` (Geiping et al. 2020): one cosine over all parameters as one vector.

use std::sync::Arc;

use super::{Match, Measure};
use crate::config::{Distance, LayerWeights};
use crate::model::{Parameters, Scalar};

pub(super) fn measure(config: Distance, observed: Parameters) -> Arc<dyn Measure> {
    match config.layers.unwrap_or_default() {
        LayerWeights::Equal => Arc::new(Cosine::new(observed)),
        layers => Arc::new(Weighted::new(layers.of(observed.specs().len()), observed)),
    }
}

/// D = 1 - c with c = <g, h> / (|g| |h|); v = (c g / |g| - h / |h|) / |g|.
#[derive(Debug)]
pub(super) struct Cosine {
    observed: Parameters,
    norm: f64,
}

impl Cosine {
    pub(super) fn new(observed: Parameters) -> Self {
        Cosine { norm: observed.norm(), observed }
    }
}

impl Measure for Cosine {
    fn compare(&self, g: Parameters) -> Match {
        let (gg, gh) = g.products(&self.observed);
        let norms = gg.clone().sqrt() * self.norm;
        let cosine = gh / norms.clone();
        let cotangent = g.combine(cosine.clone() / gg, &self.observed, Scalar::from(-1.0) / norms);
        Match { distance: Scalar::from(1.0) - cosine, cotangent }
    }

    fn of_nothing(&self) -> f64 {
        1.0
    }
}

/// The same with weights inside the products: <a, b> = sum over the tensors of w <a, b>.
#[derive(Debug)]
struct Weighted {
    observed: Parameters,
    weights: Vec<f64>,
    norm: f64,
}

impl Weighted {
    fn new(weights: Vec<f64>, observed: Parameters) -> Self {
        let squares = observed.products_by_tensor(&observed);
        let square: f64 = squares.iter().zip(&weights).map(|((square, _), weight)| weight * square).sum();
        Weighted { observed, weights, norm: square.sqrt() }
    }
}

impl Measure for Weighted {
    fn compare(&self, g: Parameters) -> Match {
        let products = g.products_by_tensor(&self.observed);
        let (mut gg, mut gh) = (0.0, 0.0);
        for ((own, both), weight) in products.iter().zip(&self.weights) {
            gg += weight * own;
            gh += weight * both;
        }
        let norms = gg.sqrt() * self.norm;
        let cosine = gh / norms;
        let of_g: Vec<f64> = self.weights.iter().map(|weight| weight * cosine / gg).collect();
        let of_h: Vec<f64> = self.weights.iter().map(|weight| -weight / norms).collect();
        let cotangent = g.combine_by_tensor(&of_g, &self.observed, &of_h);
        Match { distance: (1.0 - cosine).into(), cotangent }
    }

    fn of_nothing(&self) -> f64 {
        1.0
    }
}
