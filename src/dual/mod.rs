//! Tensors that carry a directional derivative: forward mode on top of burn's reverse mode.
//!
//! A [`Dual`] is a value and its derivative along one direction in parameter space,
//! `d/de f(theta + e v)` at `e = 0`. Every layer is written once on duals; a forward pass without tangents
//! is the ordinary model, and one reverse pass over the tangent of the loss is the second-order gradient
//! that gradient matching needs (see `ARCHITECTURE.md`).
//!
//! A tangent that is identically zero is `None` and costs nothing.

mod activation;
mod conv;
mod linear;
mod loss;
mod norm;
mod pool;

pub use activation::Activation;
pub use conv::{ConvShape, conv2d};
pub use linear::linear;
pub use loss::cross_entropy;
pub use norm::{Statistics, batch_norm};
pub use pool::{PoolShape, avg_pool, global_avg_pool, max_pool};

use burn::tensor::Tensor;

use crate::backend::Tape;

/// A value and its directional derivative.
#[derive(Debug, Clone)]
pub struct Dual<const D: usize> {
    /// The value itself.
    pub value: Tensor<Tape, D>,
    /// Its derivative along the direction; `None` where it is identically zero.
    pub tangent: Option<Tensor<Tape, D>>,
}

impl<const D: usize> Dual<D> {
    /// A value that does not move along the direction.
    pub fn constant(value: Tensor<Tape, D>) -> Self {
        Dual { value, tangent: None }
    }

    /// A value with its derivative.
    pub fn new(value: Tensor<Tape, D>, tangent: Tensor<Tape, D>) -> Self {
        Dual { value, tangent: Some(tangent) }
    }

    /// Applies a linear map to value and tangent alike: padding, reshaping, averaging.
    pub fn map_linear<const E: usize>(self, map: impl Fn(Tensor<Tape, D>) -> Tensor<Tape, E>) -> Dual<E> {
        Dual { value: map(self.value), tangent: self.tangent.map(map) }
    }

    /// The sum of two duals of the same shape (residual connections).
    pub fn plus(self, other: Dual<D>) -> Dual<D> {
        Dual { value: self.value + other.value, tangent: sum(self.tangent, other.tangent) }
    }
}

impl Dual<4> {
    /// `[batch, channels, height, width]` to `[batch, channels * height * width]`.
    pub fn flatten(self) -> Dual<2> {
        self.map_linear(|x| x.flatten(1, 3))
    }
}

/// The sum of two tangents either of which may be zero.
fn sum<const D: usize>(a: Option<Tensor<Tape, D>>, b: Option<Tensor<Tape, D>>) -> Option<Tensor<Tape, D>> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a + b),
        (one, None) | (None, one) => one,
    }
}

#[cfg(test)]
mod tests;
