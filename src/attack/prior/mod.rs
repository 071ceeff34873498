//! Priors R(x) on the reconstruction, in normalised space, `[batch, channels, height, width]`.

mod l2norm;
mod tv;

pub use l2norm::l2norm;
pub use tv::tv_aniso;

use burn::tensor::Tensor;

use crate::backend::Tape;

/// Weighted priors of an attack; a weight of 0 switches one off.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Priors {
    /// Weight of [`tv_aniso`].
    pub tv: f64,
    /// Weight of [`l2norm`].
    pub l2norm: f64,
}

impl Priors {
    /// The weighted sum as one element, or `None` if every weight is 0.
    pub fn value(&self, x: Tensor<Tape, 4>) -> Option<Tensor<Tape, 1>> {
        let term = |weight: f64, prior: fn(Tensor<Tape, 4>) -> Tensor<Tape, 1>| {
            (weight != 0.0).then(|| prior(x.clone()).mul_scalar(weight))
        };
        match (term(self.tv, tv_aniso), term(self.l2norm, l2norm)) {
            (Some(a), Some(b)) => Some(a + b),
            (one, None) | (None, one) => one,
        }
    }
}
