//! The two passes of gradient matching: the gradient to the parameters, and the gradient *through* it.

use burn::tensor::{Tensor, activation};

use crate::backend::{Plain, Tape, Vector};
use crate::config::BatchNormMode;
use crate::dual::cross_entropy;

use super::net::{Net, Weights};
use super::parameters::Parameters;

/// A network with its state: what the server sends to a client.
#[derive(Debug, Clone)]
pub struct Model {
    /// The architecture.
    pub net: Net,
    /// theta.
    pub parameters: Parameters,
    /// Running statistics of BatchNorm.
    pub buffers: Parameters,
}

/// Targets of the task loss, `[batch, classes]`.
#[derive(Debug, Clone)]
pub enum Targets {
    /// One-hot rows.
    Hard(Tensor<Plain, 2>),
    /// Label logits u, used as `softmax(u)` and differentiated.
    Soft(Tensor<Plain, 2>),
}

/// Result of [`Model::gradient_through`].
#[derive(Debug, Clone)]
pub struct Through {
    /// `<g(x), v>`, one element.
    pub directional: Vector,
    /// Value of the prior, one element, if there is one.
    pub prior: Option<Vector>,
    /// Gradient of `<g(x), v> + prior(x)` to x, `[batch, channels, height, width]`.
    pub to_input: Tensor<Plain, 4>,
    /// Gradient to the label logits, `[batch, classes]`, for soft targets.
    pub to_labels: Option<Tensor<Plain, 2>>,
}

impl Model {
    /// Task loss (one element) and its gradient g to the parameters, mean over the batch.
    ///
    /// `x` is normalised, `[batch, channels, height, width]`.
    pub fn gradient(
        &self,
        mode: BatchNormMode,
        x: &Tensor<Plain, 4>,
        targets: &Targets,
    ) -> (Vector, Parameters) {
        let leaves: Vec<Tensor<Tape, 1>> = self
            .parameters
            .tensors()
            .iter()
            .map(|tensor| Tensor::from_inner(tensor.clone()).require_grad())
            .collect();
        let t = Tensor::from_inner(targets.probabilities());
        let scores = self.net.forward(&self.weights(&leaves, None, mode), Tensor::from_inner(x.clone()));
        let loss = cross_entropy(scores, t).value;
        let gradients = loss.backward();
        let tensors = leaves
            .iter()
            .map(|leaf| leaf.grad(&gradients).unwrap_or_else(|| leaf.clone().inner().zeros_like()))
            .collect();
        (loss.inner(), Parameters::new(self.parameters.specs().clone(), tensors))
    }

    /// The gradient of `<g(x), v> + prior(x)` to the input (and to soft labels), with `v` held fixed.
    ///
    /// `<g(x), v>` is the derivative of the loss along `v` in parameter space, so one forward pass with
    /// tangents and one reverse pass give it: no gradient of a gradient is taken.
    pub fn gradient_through(
        &self,
        mode: BatchNormMode,
        x: &Tensor<Plain, 4>,
        targets: &Targets,
        v: &Parameters,
        prior: impl FnOnce(Tensor<Tape, 4>) -> Option<Tensor<Tape, 1>>,
    ) -> Through {
        let values: Vec<Tensor<Tape, 1>> =
            self.parameters.tensors().iter().map(|tensor| Tensor::from_inner(tensor.clone())).collect();
        let x = Tensor::from_inner(x.clone()).require_grad();
        let (t, u) = targets.on_tape();
        let scores = self.net.forward(&self.weights(&values, Some(v), mode), x.clone());
        let loss = cross_entropy(scores, t);
        let directional = loss
            .tangent
            .unwrap_or_else(|| unreachable!("the scores depend on the last layer's weights, which move"));
        let prior = prior(x.clone());
        let objective = match &prior {
            Some(prior) => directional.clone() + prior.clone(),
            None => directional.clone(),
        };
        let gradients = objective.backward();
        Through {
            directional: directional.inner(),
            prior: prior.map(Tensor::inner),
            to_input: x.grad(&gradients).unwrap_or_else(|| x.clone().inner().zeros_like()),
            to_labels: u.map(|u| u.grad(&gradients).unwrap_or_else(|| u.inner().zeros_like())),
        }
    }

    /// Scores `[batch, classes]` of normalised inputs.
    pub fn scores(&self, mode: BatchNormMode, x: &Tensor<Plain, 4>) -> Tensor<Plain, 2> {
        let values: Vec<Tensor<Tape, 1>> =
            self.parameters.tensors().iter().map(|tensor| Tensor::from_inner(tensor.clone())).collect();
        let weights = self.weights(&values, None, mode);
        self.net.forward(&weights, Tensor::from_inner(x.clone())).value.inner()
    }

    /// Last features `[batch, features]` of normalised inputs; `None` if no fully connected layer ends the network.
    pub fn last_features(&self, mode: BatchNormMode, x: &Tensor<Plain, 4>) -> Option<Tensor<Plain, 2>> {
        let values: Vec<Tensor<Tape, 1>> =
            self.parameters.tensors().iter().map(|tensor| Tensor::from_inner(tensor.clone())).collect();
        let weights = self.weights(&values, None, mode);
        Some(self.net.last_features(&weights, Tensor::from_inner(x.clone()))?.value.inner())
    }

    fn weights<'a>(
        &'a self,
        values: &'a [Tensor<Tape, 1>],
        tangents: Option<&'a Parameters>,
        mode: BatchNormMode,
    ) -> Weights<'a> {
        Weights { specs: self.parameters.specs(), values, tangents, buffers: &self.buffers, mode }
    }
}

impl Targets {
    /// Rows of probabilities.
    pub fn probabilities(&self) -> Tensor<Plain, 2> {
        match self {
            Targets::Hard(t) => t.clone(),
            Targets::Soft(u) => activation::softmax(u.clone(), 1),
        }
    }

    /// Probabilities on the tape and, for soft targets, the logits as leaf.
    fn on_tape(&self) -> (Tensor<Tape, 2>, Option<Tensor<Tape, 2>>) {
        match self {
            Targets::Hard(t) => (Tensor::from_inner(t.clone()), None),
            Targets::Soft(u) => {
                let u = Tensor::from_inner(u.clone()).require_grad();
                (activation::softmax(u.clone(), 1), Some(u))
            }
        }
    }
}
