//! The task losses of victims.

use burn::tensor::{Tensor, activation};

use super::Dual;
use super::activation::sigmoid;
use crate::backend::Tape;
use crate::config::Loss;

/// The loss of a batch with its tangent `<p, z'>`, p the gradient of the loss to the scores z.
///
/// `scores` and `targets` are `[batch, classes]`. Targets may be hard (one-hot) or soft, need not sum to one, and may
/// lie on the tape: the tangent then carries the gradient to the labels. The result has one element.
pub fn loss(kind: Loss, scores: Dual<2>, targets: Tensor<Tape, 2>) -> Dual<1> {
    let [batch, classes] = scores.value.dims();
    // Not `div_scalar`: burn's reverse rule for it rounds the factor to 32 bit.
    let share = kind.share(batch, classes);
    let t = match kind.smoothing(classes) {
        (1.0, 0.0) => targets,
        (keep, floor) => targets.mul_scalar(keep).add_scalar(floor),
    };
    let Dual { value: z, tangent: dz } = scores;
    match kind {
        Loss::Ce | Loss::CeSum | Loss::LabelSmoothing(_) => cross_entropy(z, dz, t, share),
        Loss::Bce => binary_cross_entropy(z, dz, t, share),
        Loss::Mse => {
            let residual = z - t;
            let tangent = dz.map(|dz| (residual.clone() * dz).sum().mul_scalar(2.0 * share));
            Dual { value: (residual.clone() * residual).sum().mul_scalar(share), tangent }
        }
        Loss::MseSoftmax => {
            let s = activation::softmax(z, 1);
            let residual = s.clone() - t;
            let tangent = dz.map(|dz| {
                let ds = s.clone() * (dz.clone() - (s * dz).sum_dim(1));
                (residual.clone() * ds).sum().mul_scalar(2.0 * share)
            });
            Dual { value: (residual.clone() * residual).sum().mul_scalar(share), tangent }
        }
    }
}

/// `-sum t log s` with `s = softmax(z)` and the tangent `<S s - t, z'>`, S the sum of a row of t.
fn cross_entropy(z: Tensor<Tape, 2>, dz: Option<Tensor<Tape, 2>>, t: Tensor<Tape, 2>, share: f64) -> Dual<1> {
    let log_probabilities = activation::log_softmax(z, 1);
    let value = (t.clone() * log_probabilities.clone()).sum().mul_scalar(-share);
    let tangent = dz.map(|dz| {
        let mass = t.clone().sum_dim(1);
        let residual = log_probabilities.exp() * mass - t;
        (residual * dz).sum().mul_scalar(share)
    });
    Dual { value, tangent }
}

/// `sum log(1 + e^z) - t z` with the tangent `<sigmoid(z) - t, z'>`.
fn binary_cross_entropy(
    z: Tensor<Tape, 2>,
    dz: Option<Tensor<Tape, 2>>,
    t: Tensor<Tape, 2>,
    share: f64,
) -> Dual<1> {
    // log(1 + e^z) = z + log(1 + e^-z), and log sigmoid(z) = -log(1 + e^-z) is stable.
    let softplus = z.clone() - activation::log_sigmoid(z.clone());
    let value = (softplus - t.clone() * z.clone()).sum().mul_scalar(share);
    let tangent = dz.map(|dz| ((sigmoid(z) - t) * dz).sum().mul_scalar(share));
    Dual { value, tangent }
}
