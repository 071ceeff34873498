//! `layer-cosine` (Balunovic et al. 2022): one cosine for each tensor.

use super::silent::speaking;
use super::{Match, Measure};
use crate::config::{Distance, Over};
use crate::model::Parameters;

/// D = sum (or mean) of w (1 - c) over the tensors that say something, v as of `cosine` tensor by tensor. A tensor of g that
/// is all zero has no direction: it is a full 1 away and does not pull.
#[derive(Debug)]
pub(super) struct LayerCosine {
    observed: Parameters,
    /// |h| of each tensor; `None` of those left out.
    norms: Vec<Option<f64>>,
    /// What the term of each tensor is multiplied by.
    shares: Vec<f64>,
}

impl LayerCosine {
    pub(super) fn new(config: Distance, observed: Parameters) -> Self {
        let squares = observed.products_by_tensor(&observed);
        let speaking = speaking(observed.specs(), &squares);
        let norms: Vec<Option<f64>> =
            squares.iter().zip(speaking).map(|((square, _), speaks)| speaks.then(|| square.sqrt())).collect();
        let share = match config.over.unwrap_or_default() {
            Over::Sum => 1.0,
            Over::Mean => 1.0 / norms.iter().flatten().count() as f64,
        };
        let weights = config.layers.unwrap_or_default().of(norms.len());
        let shares = weights.into_iter().map(|weight| share * weight).collect();
        LayerCosine { observed, norms, shares }
    }
}

impl Measure for LayerCosine {
    fn compare(&self, g: Parameters) -> Match {
        let products = g.products_by_tensor(&self.observed);
        let (mut distance, mut of_g, mut of_h) = (0.0, Vec::new(), Vec::new());
        for ((&(gg, gh), norm), share) in products.iter().zip(&self.norms).zip(&self.shares) {
            let (term, a, b) = match norm {
                None => (0.0, 0.0, 0.0),
                Some(_) if gg == 0.0 => (1.0, 0.0, 0.0),
                Some(norm) => {
                    let norms = gg.sqrt() * norm;
                    (1.0 - gh / norms, gh / norms / gg, -1.0 / norms)
                }
            };
            distance += share * term;
            of_g.push(share * a);
            of_h.push(share * b);
        }
        let cotangent = g.combine_by_tensor(&of_g, &self.observed, &of_h);
        Match { distance: distance.into(), cotangent }
    }

    fn of_nothing(&self) -> f64 {
        let speaking = self.shares.iter().zip(&self.norms).filter(|(_, norm)| norm.is_some());
        speaking.map(|(share, _)| share).sum()
    }
}
