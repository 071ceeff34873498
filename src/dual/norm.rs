//! Batch normalisation.

use burn::tensor::Tensor;

use super::{Dual, sum};
use crate::backend::Tape;

/// Which mean and variance a BatchNorm layer uses.
#[derive(Debug, Clone)]
#[expect(clippy::large_enum_variant, reason = "one lives at a time, on the stack")]
pub enum Statistics {
    /// Running buffers `[channels]`: constants, eval mode.
    Running {
        /// Running mean.
        mean: Tensor<Tape, 1>,
        /// Running variance.
        variance: Tensor<Tape, 1>,
    },
    /// The batch's own, over batch, height and width (biased variance): train mode.
    Batch,
}

/// `gamma (x - m) / sqrt(var + eps) + beta` per channel, with its tangent.
///
/// `x` is `[batch, channels, height, width]`; `gamma` and `beta` are `[channels]`.
pub fn batch_norm(x: Dual<4>, gamma: Dual<1>, beta: Dual<1>, statistics: Statistics, eps: f64) -> Dual<4> {
    match statistics {
        Statistics::Running { mean, variance } => running(x, gamma, beta, mean, variance, eps),
        Statistics::Batch => batch(x, gamma, beta, eps),
    }
}

/// `[channels]` to `[1, channels, 1, 1]`.
fn channelwise(v: Tensor<Tape, 1>) -> Tensor<Tape, 4> {
    let channels = v.dims()[0];
    v.reshape([1, channels, 1, 1])
}

/// Eval mode is affine per channel: x k + (beta - m k) with k = gamma r.
fn running(
    x: Dual<4>,
    gamma: Dual<1>,
    beta: Dual<1>,
    mean: Tensor<Tape, 1>,
    variance: Tensor<Tape, 1>,
    eps: f64,
) -> Dual<4> {
    let r = variance.add_scalar(eps).sqrt().recip();
    let k = gamma.value * r.clone();
    let offset = beta.value - mean.clone() * k.clone();
    let scale = channelwise(k);
    let value = x.value.clone() * scale.clone() + channelwise(offset);
    let through_input = x.tangent.map(|dx| dx * scale);
    let through_parameters = match (gamma.tangent, beta.tangent) {
        (None, None) => None,
        (dgamma, dbeta) => {
            let dk = dgamma.map(|dgamma| dgamma * r);
            let doffset = sum(dbeta, dk.clone().map(|dk| (mean * dk).neg())).map(channelwise);
            let slope = dk.map(|dk| x.value * channelwise(dk));
            match (slope, doffset) {
                (Some(slope), Some(doffset)) => Some(slope + doffset),
                (Some(slope), None) => Some(slope),
                (None, doffset) => doffset.map(|doffset| doffset.expand(value.dims())),
            }
        }
    };
    Dual { tangent: sum(through_input, through_parameters), value }
}

/// Mean over batch, height and width: `[n, c, h, w]` to `[1, c, 1, 1]`.
fn mean_per_channel(x: Tensor<Tape, 4>) -> Tensor<Tape, 4> {
    let [batch, channels, height, width] = x.dims();
    let per_image = x.reshape([batch, channels, height * width]).mean_dim(2);
    per_image.reshape([batch, channels]).mean_dim(0).reshape([1, channels, 1, 1])
}

/// Train mode: c = x - m, r = (var + eps)^(-1/2), y = gamma c r + beta;
/// m' = mean(x'), var' = 2 mean(c x'), r' = -r^3 var' / 2.
fn batch(x: Dual<4>, gamma: Dual<1>, beta: Dual<1>, eps: f64) -> Dual<4> {
    let c = x.value.clone() - mean_per_channel(x.value);
    let variance = mean_per_channel(c.clone().square());
    let r = variance.add_scalar(eps).sqrt().recip();
    let normalised = c.clone() * r.clone();
    let scale = channelwise(gamma.value);
    let value = normalised.clone() * scale.clone() + channelwise(beta.value);

    let through_input = x.tangent.map(|dx| {
        let dvariance = mean_per_channel(c.clone() * dx.clone()).mul_scalar(2.0);
        let dr = r.clone().powi_scalar(3) * dvariance.mul_scalar(-0.5);
        let dc = dx.clone() - mean_per_channel(dx);
        (dc * r + c * dr) * scale
    });
    let through_gamma = gamma.tangent.map(|dgamma| normalised * channelwise(dgamma));
    let through_beta = beta.tangent.map(|dbeta| channelwise(dbeta).expand(value.dims()));
    Dual { tangent: sum(sum(through_input, through_gamma), through_beta), value }
}
