//! Training an autoencoder whose encoder is the front of a victim's network: what a malicious server puts in place of it, and
//! what makes pictures of its features again (Scale-MIA: Shi, Wang, Xiao, Zhang, Shi, Hou, Lou, NDSS 2025, arXiv 2311.05808).

use std::sync::Arc;

use burn::tensor::Tensor;

use super::training::{Leaf, Schedule, TrainingFailure, descend, fresh, weights, weights_of};
use super::{Generator, GeneratorNet, flat};
use crate::backend::{self, Compute, Tape};
use crate::dual::Dual;
use crate::model::forward::Signal;
use crate::model::{Layer, Net, Parameters, TensorSpec};
use crate::seed::Seed;

/// Names of what is kept of the training pictures' features.
pub const MEASURED: [&str; 2] = ["measured.mean", "measured.deviation"];

/// What makes features of pictures, and pictures of features.
#[derive(Debug, Clone)]
pub struct Autoencoder {
    /// Weights of the victim's layers in front of its first fully connected one, by their own names.
    pub encoder: Parameters,
    /// Features to pictures.
    pub decoder: Generator,
    /// Over the training pictures, of the mean of a picture's features: the mean and the deviation, one number each.
    pub measured: Parameters,
}

/// The layers of a network in front of its first fully connected one, and how many features they make of a picture.
///
/// # Errors
/// What is in the way, in words that follow "the model".
pub fn front(net: &Net) -> Result<(&[Layer], usize), String> {
    let Some(first) = net.full_layers().into_iter().next() else {
        return Err("has no fully connected layer that stands in the net itself".to_owned());
    };
    let front = &net.layers()[..first.at];
    let mut buffers = Vec::new();
    front.iter().for_each(|layer| layer.buffers(&mut buffers));
    if weights_of(front).0.is_empty() {
        return Err("has no layer with weights in front of its first fully connected one".to_owned());
    }
    if !buffers.is_empty() {
        return Err("has BatchNorm in front of its first fully connected layer".to_owned());
    }
    Ok((front, first.input))
}

/// Pictures by number: what the encoder sees, normalised, and what the decoder is to make, pixels in [0, 1]; both row-major.
pub type Pairs<'a, E> = dyn FnMut(&[usize]) -> Result<(Vec<f64>, Vec<f64>), E> + 'a;

/// Trains the front of a network for such pictures together with a decoder of its features, on pictures from 0 to `count`, by their squared
/// error. `report` is told the mean squared error of a pixel in every epoch, 1-based.
///
/// # Errors
/// What `pictures` says, or divergence.
///
/// # Panics
/// Never of a front that [`front`] gives, and a decoder of as many numbers.
#[expect(clippy::too_many_arguments, reason = "as many things are what it is about")]
pub fn train_autoencoder<E>(
    ([channels, height, width], layers): ([usize; 3], &[Layer]),
    decoder: GeneratorNet,
    count: usize,
    pictures: &mut Pairs<'_, E>,
    schedule: Schedule,
    compute: &Compute,
    seed: Seed,
    report: &mut dyn FnMut(u32, f64),
) -> Result<Autoencoder, TrainingFailure<E>> {
    let (own, own_starts) = weights_of(layers);
    let of_encoder = own.len();
    let specs: Arc<[TensorSpec]> = own.into_iter().chain(decoder.specs.iter().cloned()).collect();
    let starts: Vec<_> = own_starts.into_iter().chain(decoder.starts.iter().copied()).collect();
    let theta = fresh(compute, &specs, &starts, seed);
    let generator = decoder.untrained(compute, seed);
    let none = Parameters::new(Arc::new([]), Vec::new());

    let encode = |x: &[f64], leaves: &[Leaf]| -> Tensor<Tape, 2> {
        let samples = x.len() / (channels * height * width).max(1);
        let x = Tensor::from_inner(compute.tensor(x, [samples, channels, height, width]));
        let weights = weights(&specs[..of_encoder], &leaves[..of_encoder], &none);
        let begin = Signal::Map(Dual::constant(x));
        match layers.iter().fold(begin, |signal, layer| layer.forward(signal, &weights)) {
            Signal::Features(features) => features.value,
            Signal::Map(_) | Signal::Tokens(_) => unreachable!("a fully connected layer sees features"),
        }
    };
    let mut pass = |leaves: &[Leaf], chosen: &[usize], _: usize| {
        let (x, pixels) = pictures(chosen)?;
        let features = Signal::Features(Dual::constant(encode(&x, leaves)));
        let made = flat(generator.forward(generator.net.whole(), features, &leaves[of_encoder..]));
        let pixels = Leaf::from_inner(compute.tensor(&pixels, [pixels.len()]));
        let loss = (made - pixels).square().mean();
        let error = backend::scalar(loss.clone().inner());
        Ok((loss, [error]))
    };
    let theta = descend(theta, count, schedule, seed, &mut pass, &mut |epoch, [error]| report(epoch, error))?;
    let tensors = theta.tensors();
    let encoder = Parameters::new(specs[..of_encoder].into(), tensors[..of_encoder].to_vec());
    let leaves: Vec<Leaf> = tensors.iter().map(|t| Leaf::from_inner(t.clone())).collect();
    let mut means = Vec::with_capacity(count);
    let order: Vec<usize> = (0..count).collect();
    for chosen in order.chunks(schedule.batch) {
        let (x, _) = pictures(chosen).map_err(TrainingFailure::Data)?;
        means.extend(backend::values(&encode(&x, &leaves).mean_dim(1).flatten::<1>(0, 1).inner()));
    }
    let mean = means.iter().sum::<f64>() / count.max(1) as f64;
    let spread = means.iter().map(|own| (own - mean).powi(2)).sum::<f64>() / count.max(1) as f64;
    let spec = |name: &str| TensorSpec { name: name.to_owned(), shape: vec![1] };
    let mut measured = [mean, spread.sqrt()].into_iter();
    let measured =
        Parameters::from_values(compute, MEASURED.map(spec).into(), |_| measured.by_ref().take(1).collect());
    let decoder = generator.filled(compute, &theta.host()[of_encoder..]);
    Ok(Autoencoder { encoder, decoder, measured })
}
