//! Softmax cross-entropy, the task loss of every victim.

use burn::tensor::{Tensor, activation};

use super::Dual;
use crate::backend::Tape;

/// Mean over the batch of `-sum_c t_c log softmax(z)_c` (natural logarithm), with its tangent
/// `mean <S s - t, z'>`, where `s = softmax(z)` and `S = sum_c t_c`.
///
/// `logits` and `targets` are `[batch, classes]`. Targets may be hard (one-hot) or soft, and may lie on the
/// tape: the tangent then carries the gradient to the labels. The result has one element.
pub fn cross_entropy(logits: Dual<2>, targets: Tensor<Tape, 2>) -> Dual<1> {
    let [batch, _] = logits.value.dims();
    // Not `div_scalar`: burn's reverse rule for it rounds the factor to 32 bit.
    let share = 1.0 / batch as f64;
    let log_probabilities = activation::log_softmax(logits.value, 1);
    let value = (targets.clone() * log_probabilities.clone()).sum().mul_scalar(-share);
    let tangent = logits.tangent.map(|dz| {
        let mass = targets.clone().sum_dim(1);
        let residual = log_probabilities.exp() * mass - targets;
        (residual * dz).sum().mul_scalar(share)
    });
    Dual { value, tangent }
}
