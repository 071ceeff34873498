//! Fully connected layer.

use burn::tensor::Tensor;

use super::{Dual, sum};
use crate::backend::Tape;

/// `z = a W^T + b` with its tangent `a' W^T + a W'^T + b'`.
///
/// `a` is `[batch, in]`, `weight` is `[out, in]` (PyTorch's layout), `bias` is `[out]`; the result is
/// `[batch, out]`.
pub fn linear(a: Dual<2>, weight: Dual<2>, bias: Option<Dual<1>>) -> Dual<2> {
    let transposed = weight.value.transpose();
    let row = |b: Tensor<Tape, 1>| b.unsqueeze::<2>();
    let mut value = a.value.clone().matmul(transposed.clone());
    let mut tangent = a.tangent.map(|da| da.matmul(transposed));
    tangent = sum(tangent, weight.tangent.map(|dw| a.value.matmul(dw.transpose())));
    if let Some(bias) = bias {
        value = value + row(bias.value);
        tangent = match (tangent, bias.tangent) {
            (Some(tangent), Some(db)) => Some(tangent + row(db)),
            (None, Some(db)) => Some(row(db).expand(value.dims())),
            (tangent, None) => tangent,
        };
    }
    Dual { value, tangent }
}
