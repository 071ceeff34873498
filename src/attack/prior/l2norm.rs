//! `l2norm`: mean square of the reconstruction.

use burn::tensor::Tensor;

use crate::backend::Tape;

/// `sum x^2 / numel(x)`.
pub fn l2norm(x: Tensor<Tape, 4>) -> Tensor<Tape, 1> {
    x.square().mean()
}
