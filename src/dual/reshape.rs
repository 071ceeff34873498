//! Borders, channels of zeros, and joining: what moves with theta is only moved to another place.

use burn::tensor::Tensor;

use super::Dual;
use crate::backend::Tape;

/// Adds a border of a constant: `rows` above and below, `columns` left and right. The border does not move.
///
/// `a` is `[batch, channels, height, width]`.
pub fn pad(a: Dual<4>, rows: [usize; 2], columns: [usize; 2], value: f64) -> Dual<4> {
    let bordered = |x, value| border(border(x, 2, rows, value), 3, columns, value);
    Dual { value: bordered(a.value, value), tangent: a.tangent.map(|da| bordered(da, 0.0)) }
}

/// Adds channels of zeros before and after those of `a` `[batch, channels, height, width]`.
pub fn zero_channels(a: Dual<4>, before: usize, after: usize) -> Dual<4> {
    a.map_linear(|x| border(x, 1, [before, after], 0.0))
}

/// Not burn's `pad`: it makes its border in the default precision.
fn border(x: Tensor<Tape, 4>, axis: usize, [before, after]: [usize; 2], value: f64) -> Tensor<Tape, 4> {
    let mut shape = x.dims();
    let mut constant = |length| {
        shape[axis] = length;
        Tensor::full(shape, value, (&x.device(), x.dtype()))
    };
    let mut parts = Vec::new();
    if before > 0 {
        parts.push(constant(before));
    }
    let last = (after > 0).then(|| constant(after));
    parts.push(x);
    parts.extend(last);
    Tensor::cat(parts, axis)
}

/// Joins two duals along an axis along which they may differ in length.
pub fn concat<const D: usize>(a: Dual<D>, b: Dual<D>, axis: usize) -> Dual<D> {
    let tangent = match (a.tangent, b.tangent) {
        (None, None) => None,
        (da, db) => {
            let da = da.unwrap_or_else(|| a.value.zeros_like());
            let db = db.unwrap_or_else(|| b.value.zeros_like());
            Some(Tensor::cat(vec![da, db], axis))
        }
    };
    Dual { value: Tensor::cat(vec![a.value, b.value], axis), tangent }
}
