//! Federated learning: what a client computes and what the server receives.

mod victim;

pub use victim::{Setup, Victim, VictimError};

use burn::tensor::Tensor;

use crate::backend::{self, Plain};
use crate::config::BatchNormMode;
use crate::model::{Model, Parameters, Targets};

/// The quantity a client sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UpdateKind {
    /// FedSGD: the gradient of the mean loss over the batch.
    Gradient,
}

/// What the server receives from one client in one round.
#[derive(Debug, Clone)]
pub struct Update {
    /// What it is.
    pub kind: UpdateKind,
    /// One tensor for each parameter of the model.
    pub values: Parameters,
    /// Samples it was computed on (metadata of the aggregation).
    pub samples: usize,
}

/// FedSGD: the gradient of the task loss at the model's parameters, mean over the batch.
///
/// `x` is normalised, `[batch, channels, height, width]`; `one_hot` is `[batch, classes]`. Also returns the
/// task loss.
pub fn fed_sgd(
    model: &Model,
    mode: BatchNormMode,
    x: &Tensor<Plain, 4>,
    one_hot: &Tensor<Plain, 2>,
) -> (Update, f64) {
    let (loss, values) = model.gradient(mode, x, &Targets::Hard(one_hot.clone()));
    let update = Update { kind: UpdateKind::Gradient, values, samples: x.dims()[0] };
    (update, backend::scalar(loss))
}
