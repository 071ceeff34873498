//! Tensors that carry a directional derivative: forward mode on top of burn's reverse mode.
//!
//! A [`Dual`] is a value and its derivative along one direction in parameter space,
//! `d/de f(theta + e v)` at `e = 0`. Every layer is written once on duals; a forward pass without tangents
//! is the ordinary model, and one reverse pass over the tangent of the loss is the second-order gradient
//! that gradient matching needs (see `ARCHITECTURE.md`).
//!
//! A tangent that is identically zero is `None` and costs nothing.

mod activation;
mod attention;
mod bottleneck;
mod conv;
mod layer_norm;
mod linear;
mod loss;
mod norm;
mod pool;
mod reshape;
mod upsample;

pub use activation::{Activation, sigmoid};
pub use attention::{attention, softmax};
pub use bottleneck::reparametrise;
pub use conv::{ConvShape, conv_transpose2d, conv2d};
pub use layer_norm::{group_norm, layer_norm};
pub use linear::linear;
pub use loss::loss;
pub use norm::{Statistics, batch_norm};
pub use pool::{PoolShape, avg_pool, global_avg_pool, max_pool};
pub use reshape::{concat, pad, zero_channels};
pub use upsample::{Filter, upsample};

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

    /// The elementwise product `a b` with its tangent `a' b + a b'`; axes of length 1 are repeated.
    pub fn times(self, other: Dual<D>) -> Dual<D> {
        let left = self.tangent.map(|da| da * other.value.clone());
        let right = other.tangent.map(|db| self.value.clone() * db);
        Dual { tangent: sum(left, right), value: self.value * other.value }
    }

    /// Matrix products over the last two axes, `A B` with its tangent `A' B + A B'`.
    pub fn matmul(self, other: Dual<D>) -> Dual<D> {
        let left = self.tangent.map(|da| da.matmul(other.value.clone()));
        let right = other.tangent.map(|db| self.value.clone().matmul(db));
        Dual { tangent: sum(left, right), value: self.value.matmul(other.value) }
    }

    /// Repeats axes of length 1 until the shape is reached.
    pub fn expand(self, shape: [usize; D]) -> Dual<D> {
        self.map_linear(|x| x.expand(shape))
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
