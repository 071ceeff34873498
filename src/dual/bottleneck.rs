//! The stochastic part of a variational bottleneck.

use burn::tensor::{Tensor, activation};

use super::{Dual, sigmoid};
use crate::backend::Tape;

/// `z = m + softplus(s) (noise - 1)`, and the divergence of N(m, softplus(s)^2) from N(0, 1) in bits, summed over the batch,
/// each with its tangent.
///
/// `statistics` holds m and s side by side, `[batch, 2 K]`; `noise` is `[K]`; z is `[batch, K]`, the divergence one element.
pub fn reparametrise(statistics: Dual<2>, noise: Dual<1>) -> (Dual<2>, Dual<1>) {
    let [batch, width] = statistics.value.dims();
    let half = |at: usize| statistics.clone().map_linear(|x| x.narrow(1, at * width / 2, width / 2));
    let (mean, s) = (half(0), half(1));
    // log(1 + e^s) = s - log sigmoid(s), which is stable.
    let deviation = Dual {
        tangent: s.tangent.map(|ds| sigmoid(s.value.clone()) * ds),
        value: s.value.clone() - activation::log_sigmoid(s.value),
    };
    let bits = divergence(&mean, &deviation);
    let noise = Dual { value: noise.value.sub_scalar(1.0), ..noise };
    let noise = noise.map_linear(|x| x.unsqueeze::<2>()).expand([batch, width / 2]);
    (mean.plus(deviation.times(noise)), bits)
}

/// `1/2 sum(m^2 + d^2 - 1 - 2 log d)` over ln 2, with the tangent `sum(m m' + (d - 1/d) d')` over ln 2.
fn divergence(mean: &Dual<2>, deviation: &Dual<2>) -> Dual<1> {
    let bits = |nats: Tensor<Tape, 1>| nats.mul_scalar(std::f64::consts::LOG2_E);
    let (m, d) = (mean.value.clone(), deviation.value.clone());
    let value = m.clone().square() + d.clone().square() - d.clone().log().mul_scalar(2.0);
    let along = |value: Tensor<Tape, 2>, of: &Dual<2>| of.tangent.clone().map(|tangent| value * tangent);
    let tangent = super::sum(along(m, mean), along(d.clone() - d.recip(), deviation));
    Dual { value: bits(value.sub_scalar(1.0).sum().mul_scalar(0.5)), tangent: tangent.map(|t| bits(t.sum())) }
}
