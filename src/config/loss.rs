//! `victim.loss`: the task loss whose gradient clients take.

use serde::{Deserialize, Serialize};

/// The loss of a batch, of scores z `[batch, classes]` and targets t, one-hot rows for labels.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Loss {
    /// Softmax cross-entropy, the mean over the batch.
    #[default]
    Ce,
    /// Softmax cross-entropy, the sum over the batch.
    CeSum,
    /// The mean cross-entropy against `(1 - e) t + e / classes`.
    LabelSmoothing(f64),
    /// Binary cross-entropy of each output's sigmoid, the mean over batch and outputs. With one output its target is
    /// the label, 0 or 1.
    Bce,
    /// Squared difference of scores and targets, the mean over batch and outputs.
    Mse,
    /// The same of the softmax of the scores.
    MseSoftmax,
}

impl Loss {
    /// For headers.
    pub fn name(self) -> String {
        match self {
            Loss::Ce => "cross-entropy".into(),
            Loss::CeSum => "summed cross-entropy".into(),
            Loss::LabelSmoothing(e) => format!("cross-entropy, label smoothing {e}"),
            Loss::Bce => "binary cross-entropy".into(),
            Loss::Mse => "squared error".into(),
            Loss::MseSoftmax => "squared error of the softmax".into(),
        }
    }

    /// As written in a preset.
    pub fn key(self) -> String {
        match self {
            Loss::Ce => "\"ce\"".into(),
            Loss::CeSum => "\"ce-sum\"".into(),
            Loss::LabelSmoothing(e) => format!("{{ label-smoothing = {e} }}"),
            Loss::Bce => "\"bce\"".into(),
            Loss::Mse => "\"mse\"".into(),
            Loss::MseSoftmax => "\"mse-softmax\"".into(),
        }
    }

    /// Whether it is a softmax cross-entropy: the gradients of the last layer's rows add up to zero.
    pub fn is_cross_entropy(self) -> bool {
        matches!(self, Loss::Ce | Loss::CeSum | Loss::LabelSmoothing(_))
    }

    /// The targets that the loss compares with, `keep t + floor` of the rows t: smoothed, or as they are.
    pub fn smoothing(self, classes: usize) -> (f64, f64) {
        match self {
            Loss::LabelSmoothing(e) => (1.0 - e, e / classes as f64),
            _ => (1.0, 0.0),
        }
    }

    /// What a sum over all entries is multiplied by.
    pub fn share(self, batch: usize, classes: usize) -> f64 {
        match self {
            Loss::CeSum => 1.0,
            Loss::Ce | Loss::LabelSmoothing(_) => 1.0 / batch as f64,
            Loss::Bce | Loss::Mse | Loss::MseSoftmax => 1.0 / (batch * classes) as f64,
        }
    }
}
