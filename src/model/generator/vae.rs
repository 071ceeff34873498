//! Training a generator as the decoder of a variational autoencoder (Kingma, Welling 2014, arXiv 1312.6114).

use std::sync::Arc;

use burn::tensor::Tensor;

use super::training::{Leaf, Schedule, TrainingFailure, descend, fresh, weights, weights_of};
use super::{Generator, GeneratorNet, flat};
use crate::backend::{self, Compute, Tape};
use crate::dual::{Activation, Dual};
use crate::model::forward::Signal;
use crate::model::net::Weights;
use crate::model::{Layer, Parameters, TensorSpec};
use crate::seed::{self, Seed};

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

/// Features between picture and code.
const HIDDEN: usize = 256;

/// Trains a generator of pictures by number, from 0 to `count`. `pictures` gives pixels in [0, 1], row-major, and labels;
/// `report` is told the means of every epoch, 1-based.
///
/// # Errors
/// What `pictures` says, or divergence.
pub fn train<E>(
    net: GeneratorNet,
    count: usize,
    pictures: &mut Pictures<'_, E>,
    schedule: Schedule,
    compute: &Compute,
    seed: Seed,
    report: &mut dyn FnMut(u32, Standing),
) -> Result<Generator, TrainingFailure<E>> {
    let pixels: usize = net.shape.iter().product();
    let decoder = net.specs.len();
    let encoder = [
        Layer::linear("encoder.in", pixels + net.classes, HIDDEN),
        Layer::Activation(Activation::LeakyRelu(0.2)),
        Layer::linear("encoder.out", HIDDEN, 2 * net.latent),
    ];
    let (own, starts) = weights_of(&encoder);
    let specs: Arc<[TensorSpec]> = net.specs.iter().cloned().chain(own).collect();
    let starts: Vec<_> = net.starts.iter().copied().chain(starts).collect();
    let theta = fresh(compute, &specs, &starts, seed);
    let generator = net.untrained(compute, seed);
    let none = Parameters::new(Arc::new([]), Vec::new());

    let mut pass = |leaves: &[Leaf], chosen: &[usize], step: usize| {
        let (x, labels) = pictures(chosen)?;
        let noise =
            seed::normal(&mut seed.stream("code", &[step as u64]), chosen.len() * generator.net.latent);
        let encoder_weights = weights(&specs[decoder..], &leaves[decoder..], &none);
        let parts = (&*x, &*labels, &*noise);
        Ok(loss(&generator, &encoder, &encoder_weights, &leaves[..decoder], compute, parts))
    };
    let mut say = |epoch, [pixels, code]: [f64; 2]| report(epoch, Standing { pixels, code });
    let theta = descend(theta, count, schedule, seed, &mut pass, &mut say)?;
    Ok(generator.filled(compute, &theta.host()[..decoder]))
}

/// Cross entropy of the pixels and divergence of the code, mean over the pictures.
fn loss(
    generator: &Generator,
    encoder: &[Layer],
    encoder_weights: &Weights,
    decoder_leaves: &[Leaf],
    compute: &Compute,
    (x, labels, noise): (&[f64], &[usize], &[f64]),
) -> (Leaf, [f64; 2]) {
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
    let read = |tensor: &Leaf| backend::scalar(tensor.clone().inner());
    let figures = [read(&of_pixels), read(&of_code)];
    (of_pixels + of_code, figures)
}
