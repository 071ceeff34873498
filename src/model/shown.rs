//! What a model shows of its input besides the gradient, and pulls on it.

use burn::tensor::Tensor;

use super::direct::Kept;
use super::gradient::{Model, Targets, Through};
use super::net::Inputs;
use super::parameters::Parameters;
use crate::backend::{self, Plain, Tape};
use crate::config::BatchNormMode;

/// Mean and biased variance of the input of a BatchNorm layer, over batch, height and width: `[channels]` each.
#[derive(Debug, Clone, PartialEq)]
pub struct Moments {
    /// Mean per channel.
    pub mean: Vec<f64>,
    /// Biased variance per channel.
    pub variance: Vec<f64>,
}

/// Cotangents of what a model shows at a point: the second pass gives the gradient of their sum of products.
#[derive(Debug, Clone, Copy)]
pub struct Pull<'a> {
    /// v, of the gradient g.
    pub gradient: &'a Parameters,
    /// Of the loss.
    pub loss: f64,
    /// Of the moments of BatchNorm's inputs, layer by layer; none if they are not pulled on.
    pub moments: &'a [Moments],
}

impl<'a> Pull<'a> {
    /// On the gradient alone.
    pub fn gradient(v: &'a Parameters) -> Pull<'a> {
        Pull { gradient: v, loss: 0.0, moments: &[] }
    }
}

impl Model {
    /// Moments of the inputs of BatchNorm layers, from the input of the network on, at the point (mode, x) of the first
    /// pass that `kept` this.
    pub fn moments(&self, kept: &Kept, mode: BatchNormMode, x: &Tensor<Plain, 4>) -> Vec<Moments> {
        match kept {
            Kept::Narrow(first) => first.moments(),
            Kept::Wide(first) => first.moments(),
            Kept::Nothing => {
                let inputs = self.inputs_of_batch_norm(mode, x);
                let host = |tensor: Tensor<Tape, 1>| backend::values(&tensor.inner());
                let moments = inputs.into_iter().map(of_input);
                moments
                    .map(|(mean, variance)| Moments { mean: host(mean), variance: host(variance) })
                    .collect()
            }
        }
    }

    fn inputs_of_batch_norm(&self, mode: BatchNormMode, x: &Tensor<Plain, 4>) -> Vec<Tensor<Tape, 4>> {
        let (inputs, values) = (Inputs::default(), self.on_tape(false));
        let weights = super::net::Weights { inputs: Some(&inputs), ..self.weights(&values, None, mode) };
        self.net.forward(&weights, Tensor::from_inner(x.clone()));
        inputs.taken()
    }

    /// The second pass with pulls on more than the gradient, at the very point of the first pass that `kept` this.
    pub fn pull(
        &self,
        kept: &Kept,
        mode: BatchNormMode,
        x: &Tensor<Plain, 4>,
        targets: &Targets,
        pull: &Pull<'_>,
    ) -> Through {
        match kept {
            Kept::Nothing => self.reverse(mode, x, targets, pull, false),
            kept => self.direct_through(kept, x, targets, pull, false),
        }
    }
}

/// Mean and biased variance per channel of `[batch, channels, height, width]`.
fn of_input(input: Tensor<Tape, 4>) -> (Tensor<Tape, 1>, Tensor<Tape, 1>) {
    let [batch, channels, height, width] = input.dims();
    let rows = input.swap_dims(0, 1).reshape([channels, batch * height * width]);
    let mean = rows.clone().mean_dim(1);
    let variance = (rows - mean.clone()).square().mean_dim(1);
    (mean.reshape([channels]), variance.reshape([channels]))
}

/// The inner product of moments on the tape with their cotangents.
pub(super) fn product(inputs: Vec<Tensor<Tape, 4>>, pulled: &[Moments]) -> Option<Tensor<Tape, 1>> {
    let terms = inputs.into_iter().zip(pulled).map(|(input, pulled)| {
        let (mean, variance) = of_input(input);
        let constant = |values: &[f64], like: &Tensor<Tape, 1>| {
            let device = like.device();
            let data = burn::tensor::TensorData::new(values.to_vec(), [values.len()]);
            Tensor::<Tape, 1>::from_data(data.convert_dtype(like.dtype()), (&device, like.dtype()))
        };
        let (of_mean, of_variance) = (constant(&pulled.mean, &mean), constant(&pulled.variance, &variance));
        (mean * of_mean).sum() + (variance * of_variance).sum()
    });
    terms.reduce(|sum, term| sum + term)
}
