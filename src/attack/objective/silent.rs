//! Which tensors of a gradient say nothing: distances by tensor leave them out.

use crate::model::TensorSpec;

/// A bias below this share of the weights in front of it, entry by entry, is rounding noise. Exact zeros come out at
/// about 1e-7 of them in 32 bit, true gradients at about 1. Ours.
const NOISE: f64 = 1e-5;

/// For each tensor, with its squared norm, whether it says something: it is not all zero, and no bias whose gradient is
/// zero but for rounding, as that of a convolution in front of a BatchNorm in train mode.
pub(super) fn speaking(specs: &[TensorSpec], squares: &[(f64, f64)]) -> Vec<bool> {
    let mean_square = |i: usize| squares[i].0 / specs[i].count().max(1) as f64;
    let speaks = |i: usize| {
        let weight = specs[i].name.strip_suffix("bias").map(|layer| format!("{layer}weight"));
        let weight = weight.and_then(|weight| specs.iter().position(|spec| spec.name == weight));
        let least = weight.map_or(0.0, |weight| NOISE * NOISE * mean_square(weight));
        mean_square(i) > least
    };
    (0..specs.len()).map(speaks).collect()
}
