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

/// What a model shows of its input besides the gradient, or cotangents of it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Shown {
    /// The task loss.
    pub loss: f64,
    /// Moments of the inputs of BatchNorm layers, from the input of the network on; as cotangents none where they are not
    /// pulled on.
    pub moments: Vec<Moments>,
    /// The last features, row-major `[batch, features]`; none where no fully connected layer ends the network, and as
    /// cotangents where they are not pulled on.
    pub features: Vec<f64>,
}

/// Cotangents at a point: the second pass gives the gradient of their sum of products.
#[derive(Debug, Clone, Copy)]
pub struct Pull<'a> {
    /// v, of the gradient g.
    pub gradient: &'a Parameters,
    /// Of what the model shows besides it.
    pub shown: &'a Shown,
}

/// Nothing is pulled on besides the gradient.
static NOTHING: Shown = Shown { loss: 0.0, moments: Vec::new(), features: Vec::new() };

impl<'a> Pull<'a> {
    /// On the gradient alone.
    pub fn gradient(v: &'a Parameters) -> Pull<'a> {
        Pull { gradient: v, shown: &NOTHING }
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

    /// The last features at the point of the first pass that `kept` this, row-major `[batch, features]`; none if no fully
    /// connected layer ends the network.
    pub fn features(&self, kept: &Kept, mode: BatchNormMode, x: &Tensor<Plain, 4>) -> Vec<f64> {
        match kept {
            Kept::Narrow(first) => first.features(),
            Kept::Wide(first) => first.features(),
            Kept::Nothing => {
                self.last_features(mode, x).map_or_else(Vec::new, |features| backend::values(&features))
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

/// A constant on the tape, on the device and of the type of `like`.
fn constant<const D: usize>(values: &[f64], like: &Tensor<Tape, D>) -> Tensor<Tape, D> {
    let data = burn::tensor::TensorData::new(values.to_vec(), like.dims());
    Tensor::from_data(data.convert_dtype(like.dtype()), (&like.device(), like.dtype()))
}

/// The inner product of the last features on the tape with their cotangents, if they are pulled on.
pub(super) fn product_of_features(
    features: Option<Tensor<Tape, 2>>,
    pulled: &[f64],
) -> Option<Tensor<Tape, 1>> {
    let features = features.filter(|_| !pulled.is_empty())?;
    let of_features = constant(pulled, &features);
    Some((features * of_features).sum())
}

/// The inner product of moments on the tape with their cotangents.
pub(super) fn product(inputs: Vec<Tensor<Tape, 4>>, pulled: &[Moments]) -> Option<Tensor<Tape, 1>> {
    let terms = inputs.into_iter().zip(pulled).map(|(input, pulled)| {
        let (mean, variance) = of_input(input);
        let (of_mean, of_variance) = (constant(&pulled.mean, &mean), constant(&pulled.variance, &variance));
        (mean * of_mean).sum() + (variance * of_variance).sum()
    });
    terms.reduce(|sum, term| sum + term)
}
