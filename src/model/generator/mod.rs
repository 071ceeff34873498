//! Networks that end in a picture: from a code, and perhaps a label, to pixels in [0, 1].
//!
//! A generator is a list of the same layers as a victim, read backwards only to the first order: a search over codes, over
//! weights or over the features between two layers needs the cotangent of its pictures and nothing else.

mod autoencoder;
mod dcgan;
mod training;
mod upsampling;
mod vae;

use std::ops::Range;
use std::sync::Arc;

use burn::tensor::{Tensor, TensorData};

use crate::backend::{self, Compute, Plain, Tape};
use crate::config::BatchNormMode;
use crate::dual::Dual;
use crate::seed::Seed;

use super::forward::Signal;
use super::layer::{Layer, SampleShape, Start};
use super::net::{Initialisation, Weights, drawn};
use super::parameters::{Parameters, TensorSpec};

pub use autoencoder::{Autoencoder, MEASURED, front, train_autoencoder};
pub use dcgan::dcgan;
pub use training::{Schedule, TrainingFailure};
pub use upsampling::{upsampling, upsampling_of};
pub use vae::{Standing, train};

/// What the last layer's values are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Output {
    /// Pixels in [0, 1], of a sigmoid.
    Unit,
    /// Pixels in [-1, 1], of a tanh.
    Symmetric,
}

/// Layers from a code to a picture.
#[derive(Debug, Clone)]
pub struct GeneratorNet {
    layers: Vec<Layer>,
    /// Numbers of a code, without its label.
    latent: usize,
    /// Classes that a code tells; 0 where pictures of all kinds come from the code alone.
    classes: usize,
    /// `[channels, height, width]`.
    shape: [usize; 3],
    output: Output,
    specs: Arc<[TensorSpec]>,
    starts: Arc<[Start]>,
    buffers: Arc<[TensorSpec]>,
}

/// A generator with its weights.
#[derive(Debug, Clone)]
pub struct Generator {
    /// Its layers.
    pub net: GeneratorNet,
    /// Weights.
    pub parameters: Parameters,
    /// Running statistics of BatchNorm: generators are used in eval mode.
    pub buffers: Parameters,
}

/// Cotangents of what a stretch of layers was given.
#[derive(Debug, Clone)]
pub struct Pulled {
    /// To the values in front of the stretch.
    pub to_values: Vec<f64>,
    /// To the weights of the whole generator, tensor by tensor; empty where they were not asked for.
    pub to_weights: Vec<f64>,
}

impl GeneratorNet {
    /// Checks that the layers fit each other and end in a picture.
    ///
    /// # Errors
    /// The layer that does not fit, in words.
    pub fn new(layers: Vec<Layer>, latent: usize, classes: usize, output: Output) -> Result<Self, String> {
        let begin = SampleShape::Features(latent + classes);
        let end = layers.iter().try_fold(begin, |shape, layer| layer.output_shape(shape))?;
        let SampleShape::Map(shape) = end else {
            return Err(format!("its last layer gives {end:?}, not a picture"));
        };
        let (mut parameters, mut buffers) = (Vec::new(), Vec::new());
        for layer in &layers {
            layer.parameters(&mut parameters);
            layer.buffers(&mut buffers);
        }
        let (specs, starts): (Vec<_>, Vec<_>) = parameters.into_iter().unzip();
        let (specs, starts, buffers) = (specs.into(), starts.into(), buffers.into());
        Ok(GeneratorNet { layers, latent, classes, shape, output, specs, starts, buffers })
    }

    /// Numbers of a code, without its label.
    pub fn latent(&self) -> usize {
        self.latent
    }

    /// Classes that a code tells; 0 if it tells none.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// Pictures, `[channels, height, width]`.
    pub fn shape(&self) -> [usize; 3] {
        self.shape
    }

    /// Weights in order.
    pub fn parameter_specs(&self) -> &Arc<[TensorSpec]> {
        &self.specs
    }

    /// Running statistics in order.
    pub fn buffer_specs(&self) -> &Arc<[TensorSpec]> {
        &self.buffers
    }

    /// Number of weights.
    pub fn parameter_count(&self) -> usize {
        self.specs.iter().map(TensorSpec::count).sum()
    }

    /// All layers.
    pub fn whole(&self) -> Range<usize> {
        0..self.layers.len()
    }

    /// Places between layers where the features of a picture can be freed, from the code on: behind each non-linearity but
    /// the last layer's.
    pub fn cuts(&self) -> Vec<usize> {
        let inner = &self.layers[..self.layers.len().saturating_sub(1)];
        let is_cut = |(at, layer): (usize, &Layer)| matches!(layer, Layer::Activation(_)).then_some(at + 1);
        inner.iter().enumerate().filter_map(is_cut).collect()
    }

    /// Fresh weights.
    pub fn untrained(self, compute: &Compute, seed: Seed) -> Generator {
        let values = drawn(&self.specs, &self.starts, Initialisation::PyTorch, seed);
        let buffers = self
            .buffers
            .iter()
            .map(|spec| vec![if spec.name.ends_with("running_var") { 1.0 } else { 0.0 }; spec.count()]);
        let buffers = buffers.collect();
        self.with(compute, values, buffers)
    }

    /// With these weights and running statistics, in the order of the specs.
    pub fn with(self, compute: &Compute, weights: Vec<Vec<f64>>, buffers: Vec<Vec<f64>>) -> Generator {
        let fill = |specs: &Arc<[TensorSpec]>, values: Vec<Vec<f64>>| {
            let mut values = values.into_iter();
            Parameters::from_values(compute, specs.clone(), |_| values.next().unwrap_or_default())
        };
        let (parameters, buffers) = (fill(&self.specs, weights), fill(&self.buffers, buffers));
        Generator { net: self, parameters, buffers }
    }

    /// Shape of one sample in front of a layer, or behind the last.
    fn shape_at(&self, at: usize) -> SampleShape {
        let begin = SampleShape::Features(self.latent + self.classes);
        let through = self.layers[..at].iter().try_fold(begin, |shape, layer| layer.output_shape(shape));
        through.unwrap_or_else(|why| unreachable!("the layers fit each other: {why}"))
    }

    /// Values of one sample in front of a layer, or behind the last.
    pub fn count_at(&self, at: usize) -> usize {
        match self.shape_at(at) {
            SampleShape::Map(shape) => shape.iter().product(),
            SampleShape::Tokens(shape) => shape.iter().product(),
            SampleShape::Features(count) => count,
        }
    }
}

impl Generator {
    /// Codes with their labels, one row a sample: `latent` numbers, then 1 at the label.
    pub fn labelled(&self, codes: &[f64], labels: &[usize]) -> Vec<f64> {
        let classes = self.net.classes;
        let mut rows = Vec::with_capacity(labels.len() * (self.net.latent + classes));
        for (code, label) in codes.chunks(self.net.latent).zip(labels) {
            rows.extend_from_slice(code);
            rows.extend((0..classes).map(|class| if class == *label { 1.0 } else { 0.0 }));
        }
        rows
    }

    /// What a stretch of layers makes of values `[samples, ...]`; pixels are in [0, 1] behind the last layer.
    pub fn through(
        &self,
        compute: &Compute,
        stretch: Range<usize>,
        samples: usize,
        values: &[f64],
    ) -> Vec<f64> {
        let leaves = self.on_tape(false);
        let signal = self.given(compute, stretch.start, samples, values).0;
        let out = flat(self.forward(stretch.clone(), signal, &leaves));
        let mut out = backend::values(&out.inner());
        if stretch.end == self.net.layers.len() && self.net.output == Output::Symmetric {
            out.iter_mut().for_each(|pixel| *pixel = 0.5 * (*pixel + 1.0));
        }
        out
    }

    /// Cotangents of what a stretch that ends in pictures was given, for one of its pixels in [0, 1].
    pub fn pull(
        &self,
        compute: &Compute,
        stretch: Range<usize>,
        values: &[f64],
        to_pixels: &[f64],
        with_weights: bool,
    ) -> Pulled {
        let samples = to_pixels.len() / self.net.shape.iter().product::<usize>().max(1);
        let leaves = self.on_tape(with_weights);
        let (signal, leaf) = self.given(compute, stretch.start, samples, values);
        let out = flat(self.forward(stretch, signal, &leaves));
        let factor = if self.net.output == Output::Symmetric { 0.5 } else { 1.0 };
        let cotangent: Vec<f64> = to_pixels.iter().map(|value| factor * value).collect();
        let cotangent = Tensor::<Tape, 1>::from_inner(compute.tensor(&cotangent, [cotangent.len()]));
        let gradients = (out * cotangent).sum().backward();
        let to = |leaf: &Tensor<Tape, 1>| match leaf.grad(&gradients) {
            Some(gradient) => backend::values(&gradient),
            None => vec![0.0; leaf.dims()[0]],
        };
        let to_weights = if with_weights { leaves.iter().flat_map(to).collect() } else { Vec::new() };
        Pulled { to_values: to(&leaf), to_weights }
    }

    /// All weights as one vector.
    pub fn weights(&self) -> Vec<f64> {
        self.parameters.host().iter().flat_map(TensorData::iter::<f64>).collect()
    }

    /// The same generator with other weights.
    pub fn with_weights(&self, compute: &Compute, weights: &[f64]) -> Generator {
        let mut at = 0;
        let parameters = Parameters::from_values(compute, self.net.specs.clone(), |spec| {
            let own = weights[at..at + spec.count()].to_vec();
            at += spec.count();
            own
        });
        Generator { parameters, ..self.clone() }
    }

    /// The same generator with weights as they were trained.
    fn filled(self, compute: &Compute, weights: &[TensorData]) -> Generator {
        let values = |data: &[TensorData]| data.iter().map(|data| data.iter::<f64>().collect()).collect();
        let buffers = values(self.buffers.host());
        self.net.with(compute, values(weights), buffers)
    }

    fn on_tape(&self, as_leaves: bool) -> Vec<Tensor<Tape, 1>> {
        let place = |tensor: &Tensor<Plain, 1>| {
            let tensor = Tensor::from_inner(tensor.clone());
            if as_leaves { tensor.require_grad() } else { tensor }
        };
        self.parameters.tensors().iter().map(place).collect()
    }

    /// Values in front of a layer as a signal, and the leaf that they are.
    fn given(
        &self,
        compute: &Compute,
        at: usize,
        samples: usize,
        values: &[f64],
    ) -> (Signal, Tensor<Tape, 1>) {
        let leaf = Tensor::from_inner(compute.tensor(values, [values.len()])).require_grad();
        let dual = Dual::constant(leaf.clone());
        let signal = match self.net.shape_at(at) {
            SampleShape::Map([c, h, w]) => Signal::Map(dual.map_linear(|x| x.reshape([samples, c, h, w]))),
            SampleShape::Tokens([t, n]) => Signal::Tokens(dual.map_linear(|x| x.reshape([samples, t, n]))),
            SampleShape::Features(n) => Signal::Features(dual.map_linear(|x| x.reshape([samples, n]))),
        };
        (signal, leaf)
    }

    fn forward(&self, stretch: Range<usize>, signal: Signal, values: &[Tensor<Tape, 1>]) -> Signal {
        let weights = Weights {
            specs: &self.net.specs,
            values,
            tangents: None,
            buffers: &self.buffers,
            mode: BatchNormMode::Eval,
            observed: None,
            inputs: None,
            features: None,
            penalties: None,
        };
        self.net.layers[stretch].iter().fold(signal, |signal, layer| layer.forward(signal, &weights))
    }
}

fn flat(signal: Signal) -> Tensor<Tape, 1> {
    match signal {
        Signal::Map(a) => a.value.flatten(0, 3),
        Signal::Tokens(a) => a.value.flatten(0, 2),
        Signal::Features(a) => a.value.flatten(0, 1),
    }
}

#[cfg(test)]
mod tests;
