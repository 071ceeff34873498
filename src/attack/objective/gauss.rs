//! `gauss` (Wang et al. 2020, SAPAG): a Gaussian kernel on each tensor.

use super::silent::speaking;
use super::{Match, Measure};
use crate::config::Distance;
use crate::model::Parameters;

/// Least s^2 of a tensor, where all its entries are the same.
const FLOOR: f64 = 1e-12;

/// D = sum over the tensors that say something of w (1 - exp(-|g - h|^2 / s^2)), with s^2 = sum (h - mean h)^2 of the tensor;
/// v = 2 w exp(-|g - h|^2 / s^2) (g - h) / s^2.
#[derive(Debug)]
pub(super) struct Gauss {
    observed: Parameters,
    /// s^2 of each tensor with w; `None` of those left out.
    widths: Vec<Option<(f64, f64)>>,
}

impl Gauss {
    pub(super) fn new(config: Distance, observed: Parameters) -> Self {
        let speaking = speaking(observed.specs(), &observed.products_by_tensor(&observed));
        let width = |data: &burn::tensor::TensorData| {
            let count = data.num_elements() as f64;
            let mean = data.iter::<f64>().sum::<f64>() / count;
            data.iter::<f64>().map(|value| (value - mean).powi(2)).sum::<f64>().max(FLOOR)
        };
        let weights = config.layers.unwrap_or_default().of(observed.specs().len());
        let tensors = observed.host().iter().zip(speaking).zip(weights);
        let widths = tensors.map(|((data, speaks), weight)| speaks.then(|| (width(data), weight))).collect();
        Gauss { observed, widths }
    }

    /// The distance at these squared differences, and what each difference is multiplied by in v.
    fn of(&self, squares: &[(f64, f64)]) -> (f64, Vec<f64>) {
        let term = |(&(square, _), width): (&(f64, f64), &Option<(f64, f64)>)| match width {
            None => (0.0, 0.0),
            Some((width, weight)) => {
                let kernel = (-square / width).exp();
                (weight * (1.0 - kernel), 2.0 * weight * kernel / width)
            }
        };
        let (terms, factors): (Vec<f64>, Vec<f64>) = squares.iter().zip(&self.widths).map(term).unzip();
        (terms.iter().sum(), factors)
    }
}

impl Measure for Gauss {
    fn compare(&self, g: Parameters) -> Match {
        let difference = g.combine(1.0, &self.observed, -1.0);
        let (distance, factors) = self.of(&difference.products_by_tensor(&difference));
        Match { distance: distance.into(), cotangent: difference.scaled_by_tensor(&factors) }
    }

    fn of_nothing(&self) -> f64 {
        self.of(&self.observed.products_by_tensor(&self.observed)).0
    }
}
