//! Normalisation by a sample's own statistics: over features, or over groups of channels.

use super::Dual;

/// `gamma (x - m) / sqrt(var + eps) + beta` over the last axis (biased variance), with its tangent.
///
/// `x` is `[batch, tokens, features]`; `gamma` and `beta` are `[features]`.
pub fn layer_norm(x: Dual<3>, gamma: Dual<1>, beta: Dual<1>, eps: f64) -> Dual<3> {
    let shape = x.value.dims();
    let row = |v: Dual<1>| v.map_linear(|v| v.reshape([1, 1, shape[2]]));
    standardise(x, eps).times(row(gamma)).plus(row(beta).expand(shape))
}

/// The same over groups of channels with their height and width; one group is a LayerNorm of the map.
///
/// `x` is `[batch, channels, height, width]`; `gamma` and `beta` are `[channels]`; `groups` divides the
/// channels.
pub fn group_norm(x: Dual<4>, gamma: Dual<1>, beta: Dual<1>, groups: usize, eps: f64) -> Dual<4> {
    let shape @ [batch, channels, height, width] = x.value.dims();
    let count = channels / groups * height * width;
    let standardised = standardise(x.map_linear(|x| x.reshape([batch, groups, count])), eps);
    let channelwise = |v: Dual<1>| v.map_linear(|v| v.reshape([1, channels, 1, 1]));
    standardised
        .map_linear(|x| x.reshape(shape))
        .times(channelwise(gamma))
        .plus(channelwise(beta).expand(shape))
}

/// Zero mean and unit variance along the last axis: c = x - m, r = (var + eps)^(-1/2), y = c r;
/// var' = 2 mean(c c'), r' = -r^3 var' / 2.
fn standardise(x: Dual<3>, eps: f64) -> Dual<3> {
    let c = x.map_linear(|x| x.clone() - x.mean_dim(2));
    let variance = c.value.clone().square().mean_dim(2);
    let r = variance.add_scalar(eps).sqrt().recip();
    let tangent = c.tangent.map(|dc| {
        let half_dvariance = (c.value.clone() * dc.clone()).mean_dim(2);
        dc * r.clone() - c.value.clone() * r.clone().powi_scalar(3) * half_dvariance
    });
    Dual { value: c.value * r, tangent }
}
