//! Training a generator as the decoder of a variational autoencoder (Kingma, Welling 2014, arXiv 1312.6114).

use rand::seq::SliceRandom;

use burn::tensor::Tensor;

use super::{Generator, GeneratorNet, flat};
use crate::backend::{self, Compute, Tape};
use crate::config::BatchNormMode;
use crate::dual::{Activation, Dual};
use crate::model::forward::Signal;
use crate::model::net::{Initialisation, Weights, drawn};
use crate::model::optimiser::State;
use crate::model::{Descent, Layer, Optimiser, Parameters, TensorSpec};
use crate::seed::{self, Seed};

/// How to train: Adam(0.9, 0.999), the step size falling as half a cosine over all steps.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct VaeTraining {
    /// Passes over the pictures.
    pub epochs: u32,
    /// Pictures of a step.
    pub batch: usize,
    /// Step size at the beginning.
    pub learning_rate: f64,
    /// Features between picture and code.
    pub hidden: usize,
}

/// Why training ended without a generator.
#[derive(Debug, thiserror::Error, PartialEq)]
pub enum TrainingFailure<E> {
    /// A picture cannot be read.
    #[error(transparent)]
    Data(E),
    /// The weights are not finite any more.
    #[error("training diverged in epoch {epoch}: the weights are not finite any more; lower --learning-rate")]
    Diverged {
        /// 1-based.
        epoch: u32,
    },
}

/// Loss per picture: what the pixels cost, and what the code does, in nats.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Standing {
    /// Binary cross entropy of the pixels.
    pub pixels: f64,
    /// Divergence of the code from N(0, 1).
    pub code: f64,
}

/// Pixels in [0, 1], row-major, and labels of pictures by number.
pub type Pictures<'a, E> = dyn FnMut(&[usize]) -> Result<(Vec<f64>, Vec<usize>), E> + 'a;

/// Trains a generator of pictures by number, from 0 to `count`. `pictures` gives pixels in [0, 1], row-major, and labels;
/// `report` is told the means of every epoch, 1-based.
///
/// # Errors
/// What `pictures` says, or divergence.
pub fn train<E>(
    net: GeneratorNet,
    count: usize,
    pictures: &mut Pictures<'_, E>,
    training: VaeTraining,
    compute: &Compute,
    seed: Seed,
    report: &mut dyn FnMut(u32, Standing),
) -> Result<Generator, TrainingFailure<E>> {
    let pixels: usize = net.shape.iter().product();
    let decoder = net.specs.len();
    let encoder = [
        Layer::linear("encoder.in", pixels + net.classes, training.hidden),
        Layer::Activation(Activation::LeakyRelu(0.2)),
        Layer::linear("encoder.out", training.hidden, 2 * net.latent),
    ];
    let mut all = Vec::new();
    encoder.iter().for_each(|layer| layer.parameters(&mut all));
    let (own, starts): (Vec<TensorSpec>, Vec<_>) = all.into_iter().unzip();
    let specs: std::sync::Arc<[TensorSpec]> = net.specs.iter().cloned().chain(own).collect();
    let starts: Vec<_> = net.starts.iter().copied().chain(starts).collect();
    let mut values = drawn(&specs, &starts, Initialisation::PyTorch, seed).into_iter();
    let theta = Parameters::from_values(compute, specs.clone(), |_| values.next().unwrap_or_default());
    let generator = net.untrained(compute, seed);
    let none = Parameters::new(std::sync::Arc::new([]), Vec::new());

    let mut state = State::at(theta.clone());
    let mut order: Vec<usize> = (0..count).collect();
    let steps = training.epochs as usize * count.div_ceil(training.batch);
    let mut step = 0;
    for epoch in 1..=training.epochs {
        order.sort_unstable();
        order.shuffle(&mut seed.stream("training", &[u64::from(epoch)]));
        let mut sum = Standing { pixels: 0.0, code: 0.0 };
        for chosen in order.chunks(training.batch) {
            let (x, labels) = pictures(chosen).map_err(TrainingFailure::Data)?;
            let noise =
                seed::normal(&mut seed.stream("code", &[step as u64]), chosen.len() * generator.net.latent);
            let leaves: Vec<Tensor<Tape, 1>> =
                state.theta.tensors().iter().map(|t| Tensor::from_inner(t.clone()).require_grad()).collect();
            let encoder_weights = weights(&specs[decoder..], &leaves[decoder..], &none);
            let (loss, standing) = loss(
                &generator,
                &encoder,
                &encoder_weights,
                &leaves[..decoder],
                compute,
                (&x, &labels, &noise),
            );
            sum.pixels += standing.pixels * chosen.len() as f64;
            sum.code += standing.code * chosen.len() as f64;
            let gradients = loss.backward();
            let g = leaves
                .iter()
                .map(|leaf| leaf.grad(&gradients).unwrap_or_else(|| leaf.clone().inner().zeros_like()))
                .collect();
            let fallen = 0.5 * (1.0 + (std::f64::consts::PI * step as f64 / steps as f64).cos());
            let adam = Optimiser::Adam { betas: [0.9, 0.999], epsilon: 1e-8, decoupled: false };
            let descent =
                Descent { optimiser: adam, ..Descent::sgd(training.learning_rate * fallen, Vec::new()) };
            state = descent.next(&state, Parameters::new(specs.clone(), g), &theta);
            step += 1;
        }
        if !state.theta.norm().is_finite() {
            return Err(TrainingFailure::Diverged { epoch });
        }
        let mean = |sum: f64| sum / count as f64;
        report(epoch, Standing { pixels: mean(sum.pixels), code: mean(sum.code) });
    }
    let weights = state.theta.host()[..decoder].iter().map(|data| data.iter::<f64>().collect()).collect();
    let buffers = generator.buffers.host().iter().map(|data| data.iter::<f64>().collect()).collect();
    Ok(generator.net.with(compute, weights, buffers))
}

/// Cross entropy of the pixels and divergence of the code, mean over the pictures.
fn loss(
    generator: &Generator,
    encoder: &[Layer],
    encoder_weights: &Weights,
    decoder_leaves: &[Tensor<Tape, 1>],
    compute: &Compute,
    (x, labels, noise): (&[f64], &[usize], &[f64]),
) -> (Tensor<Tape, 1>, Standing) {
    let net = &generator.net;
    let (samples, latent, classes) = (labels.len(), net.latent, net.classes);
    let constant = |values: &[f64], width: usize| -> Tensor<Tape, 2> {
        Tensor::from_inner(compute.tensor(values, [samples, width]))
    };
    let pixels = constant(x, x.len() / samples);
    let one_hot: Vec<f64> = labels
        .iter()
        .flat_map(|label| (0..classes).map(move |class| if class == *label { 1.0 } else { 0.0 }))
        .collect();
    let labelled = |values: Tensor<Tape, 2>| match classes {
        0 => values,
        _ => Tensor::cat(vec![values, constant(&one_hot, classes)], 1),
    };
    let seen = Signal::Features(Dual::constant(labelled(pixels.clone())));
    let Signal::Features(told) =
        encoder.iter().fold(seen, |signal, layer| layer.forward(signal, encoder_weights))
    else {
        unreachable!("the encoder is fully connected")
    };
    let mean = told.value.clone().narrow(1, 0, latent);
    let log_variance = told.value.narrow(1, latent, latent).clamp(-12.0, 6.0);
    let code = mean.clone() + log_variance.clone().mul_scalar(0.5).exp() * constant(noise, latent);
    let picture = flat(generator.forward(
        net.whole(),
        Signal::Features(Dual::constant(labelled(code))),
        decoder_leaves,
    ));
    let share = 1.0 / samples as f64;
    let (pixels, made) = (pixels.flatten::<1>(0, 1), picture.clamp(1e-6, 1.0 - 1e-6));
    let of_pixels =
        pixels.clone() * made.clone().log() + pixels.neg().add_scalar(1.0) * made.neg().add_scalar(1.0).log();
    let of_pixels = of_pixels.sum().mul_scalar(-share);
    let of_code = log_variance.clone().add_scalar(1.0) - mean.square() - log_variance.exp();
    let of_code = of_code.sum().mul_scalar(-0.5 * share);
    let read = |tensor: &Tensor<Tape, 1>| backend::scalar(tensor.clone().inner());
    let standing = Standing { pixels: read(&of_pixels), code: read(&of_code) };
    (of_pixels + of_code, standing)
}

fn weights<'a>(specs: &'a [TensorSpec], values: &'a [Tensor<Tape, 1>], none: &'a Parameters) -> Weights<'a> {
    let mode = BatchNormMode::Eval;
    Weights {
        specs,
        values,
        tangents: None,
        buffers: none,
        mode,
        observed: None,
        inputs: None,
        features: None,
        penalties: None,
    }
}
