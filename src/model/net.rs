//! A network as a list of layers, and its forward pass as a function of parameters and input.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use burn::tensor::Tensor;

use crate::backend::{Compute, Plain, Tape, Vector};
use crate::config::{BatchNormMode, Loss};
use crate::dual::{Dual, Statistics};
use crate::seed::{self, Seed};

use super::forward::Signal;
use super::layer::{Layer, SampleShape, Start};
use super::parameters::{Parameters, TensorSpec};

/// Module path of a variational bottleneck.
pub const BOTTLENECK: &str = "bottleneck";

/// How fresh parameters are drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Initialisation {
    /// PyTorch's defaults: U(+-1/sqrt(fan in)) for weights and biases, BatchNorm at 1 and 0.
    PyTorch,
    /// U(-bound, bound) for everything (Zhu et al. 2019 use 0.5).
    Uniform(f64),
    /// He et al. 2015: weights N(0, 2/fan in), biases 0.
    He,
}

/// An architecture for one input shape and number of classes, with the loss that it is trained on.
#[derive(Debug, Clone)]
pub struct Net {
    layers: Vec<Layer>,
    input: [usize; 3],
    classes: usize,
    loss: Loss,
    initialisation: Initialisation,
    /// Positions of parameters that are not trained.
    frozen: Arc<[usize]>,
    parameters: Arc<[TensorSpec]>,
    starts: Arc<[Start]>,
    buffers: Arc<[TensorSpec]>,
}

/// The fully connected layer that ends a network: where its parameters are, and its size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Classifier {
    /// Position of its weight, `[classes, features]`.
    pub weight: usize,
    /// Position of its bias, if it has one.
    pub bias: Option<usize>,
    /// Rows, C.
    pub classes: usize,
    /// Columns.
    pub features: usize,
}

/// A fully connected layer that stands in the net itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FullLayer {
    /// Module path.
    pub name: String,
    /// Its place among the net's layers.
    pub at: usize,
    /// Position of its weight, `[output, input]`.
    pub weight: usize,
    /// Position of its bias, if it has one.
    pub bias: Option<usize>,
    /// Features in.
    pub input: usize,
    /// Whether they are the values of the network's input, in its order.
    pub sees_input: bool,
}

impl Net {
    /// Checks that the layers fit each other and the input `[channels, height, width]`.
    ///
    /// # Errors
    /// The layer that does not fit, in words.
    pub fn new(layers: Vec<Layer>, input: [usize; 3], initialisation: Initialisation) -> Result<Net, String> {
        let output = Net::shape(&layers, input)?;
        let SampleShape::Features(classes) = output else {
            return Err(format!("the last layer gives {output:?}, not one score per class"));
        };
        let mut parameters = Vec::new();
        let mut buffers = Vec::new();
        for layer in &layers {
            layer.parameters(&mut parameters);
            layer.buffers(&mut buffers);
        }
        let (parameters, starts): (Vec<_>, Vec<_>) = parameters.into_iter().unzip();
        Ok(Net {
            layers,
            input,
            classes,
            loss: Loss::default(),
            initialisation,
            frozen: Arc::new([]),
            parameters: parameters.into(),
            starts: starts.into(),
            buffers: buffers.into(),
        })
    }

    /// Shape of one sample behind these layers, or why they do not fit.
    pub(super) fn shape(layers: &[Layer], input: [usize; 3]) -> Result<SampleShape, String> {
        layers.iter().try_fold(SampleShape::Map(input), |shape, layer| layer.output_shape(shape))
    }

    /// The features behind these layers, for a fully connected layer that follows.
    pub(super) fn features(layers: &[Layer], input: [usize; 3]) -> Result<usize, String> {
        match Net::shape(layers, input)? {
            SampleShape::Features(features) => Ok(features),
            other => Err(format!("{other:?} is not flat")),
        }
    }

    /// Whether a BatchNorm gets one value a channel of each sample: of a batch of one there is no variance then, and
    /// PyTorch refuses to train.
    pub fn normalises_single_values(&self) -> bool {
        single_values(&self.layers, SampleShape::Map(self.input)) > 0
    }

    /// In the order of the forward pass.
    pub fn layers(&self) -> &[Layer] {
        &self.layers
    }

    /// Input `[channels, height, width]`.
    pub fn input(&self) -> [usize; 3] {
        self.input
    }

    /// Scalars of one sample, d.
    pub fn input_count(&self) -> usize {
        self.input.iter().product()
    }

    /// The same network under another task loss.
    #[must_use]
    pub fn with_loss(self, loss: Loss) -> Net {
        Net { loss, ..self }
    }

    /// The same network with these of its parameters frozen: their gradient is not taken, and counts as zero.
    #[must_use]
    pub fn with_frozen(self, positions: Vec<usize>) -> Net {
        Net { frozen: positions.into(), ..self }
    }

    /// Positions of parameters that are frozen.
    pub fn frozen(&self) -> &[usize] {
        &self.frozen
    }

    /// The task loss.
    pub fn loss(&self) -> Loss {
        self.loss
    }

    /// Labels that samples can have: one for each output; of a single output, a sigmoid, 0 and 1.
    pub fn labels(&self) -> usize {
        self.classes.max(2)
    }

    /// The label that a row of scores or of label logits stands for.
    pub fn label_of(&self, row: &[f64]) -> usize {
        match row {
            [single] => usize::from(*single > 0.0),
            _ => row.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1)).map_or(0, |(label, _)| label),
        }
    }

    /// The layer that gives the scores, if it is fully connected.
    pub fn classifier(&self) -> Option<Classifier> {
        let Some(Layer::Linear { name, .. }) = self.layers.last() else { return None };
        let position = |suffix: &str| {
            let name = format!("{name}.{suffix}");
            self.parameters.iter().position(|spec| spec.name == name)
        };
        let weight = position("weight")?;
        let &[classes, features] = self.parameters[weight].shape.as_slice() else { return None };
        Some(Classifier { weight, bias: position("bias"), classes, features })
    }

    /// Fully connected layers that stand in the net itself, from the input on.
    pub fn full_layers(&self) -> Vec<FullLayer> {
        let position = |name: String| self.parameters.iter().position(|spec| spec.name == name);
        let only_moves = |layers: &[Layer]| layers.iter().all(|layer| matches!(layer, Layer::Flatten));
        let full = self.layers.iter().enumerate().filter_map(|(at, layer)| match layer {
            Layer::Linear { name, input, .. } => Some(FullLayer {
                at,
                weight: position(format!("{name}.weight"))?,
                bias: position(format!("{name}.bias")),
                name: name.clone(),
                input: *input,
                sees_input: only_moves(&self.layers[..at]),
            }),
            _ => None,
        });
        full.collect()
    }

    /// The same network behind other layers.
    ///
    /// # Errors
    /// If they do not fit.
    pub fn behind(&self, front: Vec<Layer>) -> Result<Net, String> {
        let added = {
            let mut parameters = Vec::new();
            front.iter().for_each(|layer| layer.parameters(&mut parameters));
            parameters.len()
        };
        let layers = front.into_iter().chain(self.layers.iter().cloned()).collect();
        let frozen = self.frozen.iter().map(|at| at + added).collect();
        Ok(Net::new(layers, self.input, self.initialisation)?.with_loss(self.loss).with_frozen(frozen))
    }

    /// The same network with a variational bottleneck in front of its classifier: an encoder, a draw, a decoder.
    ///
    /// # Errors
    /// If no fully connected layer ends it.
    pub fn with_bottleneck(&self, width: usize, beta: f64) -> Result<Net, String> {
        let Some((Layer::Linear { input, .. }, _)) = self.layers.split_last() else {
            return Err(
                "stands in front of a classifier, and no fully connected layer ends this model".to_owned()
            );
        };
        if self.parameters.iter().any(|spec| spec.name.starts_with(BOTTLENECK)) {
            return Err("stands in this network already".to_owned());
        }
        let bottleneck = [
            Layer::linear(&format!("{BOTTLENECK}.encoder"), *input, 2 * width),
            Layer::Reparametrise { name: BOTTLENECK.to_owned(), width, beta },
            Layer::linear(&format!("{BOTTLENECK}.decoder"), width, *input),
        ];
        let mut layers = self.layers.clone();
        layers.splice(layers.len() - 1..layers.len() - 1, bottleneck);
        let net = Net::new(layers, self.input, self.initialisation)?.with_loss(self.loss);
        let noise = net.parameters.iter().position(|spec| spec.name == format!("{BOTTLENECK}.noise"));
        Ok(net.with_frozen(noise.into_iter().collect()))
    }

    /// Outputs, C.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// Trainable tensors in PyTorch's order.
    pub fn parameter_specs(&self) -> &Arc<[TensorSpec]> {
        &self.parameters
    }

    /// Running statistics in PyTorch's order.
    pub fn buffer_specs(&self) -> &Arc<[TensorSpec]> {
        &self.buffers
    }

    /// Number of trainable scalars, P.
    pub fn parameter_count(&self) -> usize {
        self.parameters.iter().map(TensorSpec::count).sum()
    }

    /// Multiply-adds of one sample's forward pass.
    pub fn multiply_adds(&self) -> u64 {
        multiply_adds(&self.layers, SampleShape::Map(self.input))
    }

    /// Entries of all maps and features of one sample's forward pass.
    pub fn entries(&self) -> u64 {
        entries(&self.layers, SampleShape::Map(self.input))
    }

    /// Fresh parameters, drawn tensor by tensor in order.
    pub fn initial_parameters(&self, compute: &Compute, seed: Seed) -> Parameters {
        let mut values = drawn(&self.parameters, &self.starts, self.initialisation, seed).into_iter();
        Parameters::from_values(compute, self.parameters.clone(), |_| values.next().unwrap_or_default())
    }

    /// Running statistics of an untrained network: mean 0, variance 1.
    pub fn initial_buffers(&self, compute: &Compute) -> Parameters {
        Parameters::from_values(compute, self.buffers.clone(), |spec| {
            vec![if spec.name.ends_with("running_var") { 1.0 } else { 0.0 }; spec.count()]
        })
    }

    /// Scores `[batch, classes]` of `x` `[batch, channels, height, width]`, with tangents if the weights
    /// carry them.
    pub fn forward(&self, weights: &Weights, x: Tensor<Tape, 4>) -> Dual<2> {
        let signal = match (weights.features, self.layers.split_last()) {
            (Some(noted), Some((last @ Layer::Linear { .. }, before))) => {
                let features = through(before, weights, x);
                if let Signal::Features(features) = &features {
                    noted.note(features.value.clone());
                }
                last.forward(features, weights)
            }
            _ => through(&self.layers, weights, x),
        };
        match signal {
            Signal::Features(scores) => scores,
            Signal::Map(_) | Signal::Tokens(_) => {
                unreachable!("Net::new accepts only nets that end in features")
            }
        }
    }

    /// Last features `[batch, features]` of `x`: the input of the fully connected layer that ends the network.
    /// `None` if it ends in another layer.
    pub fn last_features(&self, weights: &Weights, x: Tensor<Tape, 4>) -> Option<Dual<2>> {
        let (Layer::Linear { .. }, before) = self.layers.split_last()? else { return None };
        self.features_into(before.len(), weights, x)
    }

    /// What layer `at` of the net reads of `x`, `[batch, features]`; `None` if those are no features.
    pub(super) fn features_into(&self, at: usize, weights: &Weights, x: Tensor<Tape, 4>) -> Option<Dual<2>> {
        match through(self.layers.get(..at)?, weights, x) {
            Signal::Features(features) => Some(features),
            Signal::Map(_) | Signal::Tokens(_) => None,
        }
    }
}

/// Fresh values of these tensors, drawn one after the other.
pub(super) fn drawn(
    specs: &[TensorSpec],
    starts: &[Start],
    initialisation: Initialisation,
    seed: Seed,
) -> Vec<Vec<f64>> {
    let mut generator = seed.stream("initial parameters", &[]);
    let mut draw = |(spec, start): (&TensorSpec, &Start)| {
        let count = spec.count();
        let mut normal = |deviation: f64| -> Vec<f64> {
            seed::normal(&mut generator, count).into_iter().map(|value| value * deviation).collect()
        };
        match (initialisation, *start) {
            (_, Start::Fixed(value)) => vec![value; count],
            (Initialisation::Uniform(bound), _) => seed::uniform(&mut generator, bound, count),
            (_, Start::Constant(value)) => vec![value; count],
            (_, Start::Normal(deviation)) => normal(deviation),
            (Initialisation::PyTorch, Start::FanIn(fan_in)) => {
                seed::uniform(&mut generator, 1.0 / (fan_in as f64).sqrt(), count)
            }
            (Initialisation::He, Start::FanIn(_)) if spec.shape.len() == 1 => vec![0.0; count],
            (Initialisation::He, Start::FanIn(fan_in)) => normal((2.0 / fan_in as f64).sqrt()),
        }
    };
    specs.iter().zip(starts).map(&mut draw).collect()
}

fn through(layers: &[Layer], weights: &Weights, x: Tensor<Tape, 4>) -> Signal {
    let input = Signal::Map(Dual::constant(x));
    layers.iter().fold(input, |signal, layer| layer.forward(signal, weights))
}

/// Multiply-adds of a chain of layers.
pub(super) fn multiply_adds(layers: &[Layer], shape: SampleShape) -> u64 {
    total(layers, shape, Layer::multiply_adds)
}

/// Entries that a chain of layers makes of one sample.
pub(super) fn entries(layers: &[Layer], shape: SampleShape) -> u64 {
    total(layers, shape, Layer::entries)
}

/// BatchNorms of a chain that have one value a channel and sample.
fn single_values(layers: &[Layer], shape: SampleShape) -> u64 {
    total(layers, shape, |layer, shape| match (layer, shape) {
        (Layer::BatchNorm { .. }, SampleShape::Map([_, 1, 1]) | SampleShape::Features(_)) => 1,
        (Layer::Residual { body, shortcut, .. }, _) => {
            single_values(body, shape) + single_values(shortcut, shape)
        }
        (Layer::Concat { branch }, _) => single_values(branch, shape),
        _ => 0,
    })
}

/// The sum of `of` each layer and the shape in front of it.
fn total(layers: &[Layer], mut shape: SampleShape, of: impl Fn(&Layer, SampleShape) -> u64) -> u64 {
    let mut total = 0;
    for layer in layers {
        total += of(layer, shape);
        if let Ok(next) = layer.output_shape(shape) {
            shape = next;
        }
    }
    total
}

/// What a forward pass reads: parameters on the tape, their tangents, and BatchNorm's statistics.
pub struct Weights<'a> {
    /// Names and order.
    pub specs: &'a [TensorSpec],
    /// Flat parameters on the tape (leaves, if their gradient is wanted).
    pub values: &'a [Tensor<Tape, 1>],
    /// Flat direction in parameter space.
    pub tangents: Option<&'a Parameters>,
    /// Running statistics.
    pub buffers: &'a Parameters,
    /// Whose statistics BatchNorm uses.
    pub mode: BatchNormMode,
    /// Where BatchNorm leaves the statistics of its input in train mode, if they are wanted.
    pub observed: Option<&'a Observed>,
    /// Where BatchNorm leaves its input, if it is wanted.
    pub inputs: Option<&'a Inputs>,
    /// Where the input of the fully connected layer that ends the network is left, if it is wanted.
    pub features: Option<&'a LastFeatures>,
    /// Where layers leave what they add to the loss, if that is wanted.
    pub penalties: Option<&'a Penalties>,
}

/// What layers add to the loss of a batch in one pass, summed over its samples.
#[derive(Debug, Default)]
pub struct Penalties(RefCell<Vec<Dual<1>>>);

impl Penalties {
    pub(super) fn note(&self, penalty: Dual<1>) {
        self.0.borrow_mut().push(penalty);
    }

    /// The loss with them, each times what one sample counts in it.
    pub(super) fn added(self, loss: Dual<1>, share: f64) -> Dual<1> {
        let penalties = self.0.into_inner().into_iter();
        penalties.fold(loss, |loss, penalty| loss.plus(penalty.map_linear(|x| x.mul_scalar(share))))
    }
}

/// Inputs of BatchNorm layers in one pass, from the input of the network on.
#[derive(Debug, Default)]
pub struct Inputs(RefCell<Vec<Tensor<Tape, 4>>>);

impl Inputs {
    pub(super) fn note(&self, input: Tensor<Tape, 4>) {
        self.0.borrow_mut().push(input);
    }

    pub(super) fn taken(self) -> Vec<Tensor<Tape, 4>> {
        self.0.into_inner()
    }
}

/// The last features in one pass, `[batch, features]`.
#[derive(Debug, Default)]
pub struct LastFeatures(RefCell<Option<Tensor<Tape, 2>>>);

impl LastFeatures {
    fn note(&self, features: Tensor<Tape, 2>) {
        *self.0.borrow_mut() = Some(features);
    }

    pub(super) fn taken(self) -> Option<Tensor<Tape, 2>> {
        self.0.into_inner()
    }
}

/// Statistics of BatchNorm's inputs in one pass, by buffer.
#[derive(Debug, Default)]
pub struct Observed(RefCell<HashMap<String, Vector>>);

impl Observed {
    /// Mean and unbiased variance per channel of the input `[batch, channels, height, width]` of the layer `module`.
    pub(super) fn note(&self, module: &str, input: Tensor<Plain, 4>) {
        let [batch, channels, height, width] = input.dims();
        if batch * height * width < 2 {
            // One value has no variance; PyTorch refuses it.
            return;
        }
        let values = input.swap_dims(0, 1).reshape([channels, batch * height * width]);
        let (variance, mean) = values.var_mean(1);
        let mut noted = self.0.borrow_mut();
        noted.insert(format!("{module}.running_mean"), mean.reshape([channels]));
        noted.insert(format!("{module}.running_var"), variance.reshape([channels]));
    }

    /// What was noted, in the order of these buffers; a buffer of a layer that was not passed stays as it is.
    pub(super) fn statistics(&self, buffers: &Parameters) -> Parameters {
        let noted = self.0.borrow();
        let pairs = buffers.specs().iter().zip(buffers.tensors());
        let tensors = pairs.map(|(spec, tensor)| noted.get(&spec.name).unwrap_or(tensor).clone()).collect();
        Parameters::new(buffers.specs().clone(), tensors)
    }
}

impl Weights<'_> {
    /// The parameter `module.suffix` in its own shape.
    pub(super) fn get<const D: usize>(&self, module: &str, suffix: &str) -> Dual<D> {
        self.tensor(&format!("{module}.{suffix}"))
    }

    /// The parameter of this name in its own shape.
    pub(super) fn tensor<const D: usize>(&self, name: &str) -> Dual<D> {
        let index = self
            .specs
            .iter()
            .position(|spec| spec.name == name)
            .unwrap_or_else(|| unreachable!("{name} is in the specs of its own layer"));
        let mut shape = [0; D];
        shape.copy_from_slice(&self.specs[index].shape);
        Dual {
            value: self.values[index].clone().reshape(shape),
            tangent: self.tangents.map(|v| Tensor::from_inner(v.shaped(index))),
        }
    }

    /// BatchNorm's statistics for the layer `module`.
    pub(super) fn statistics(&self, module: &str) -> Statistics {
        match self.mode {
            BatchNormMode::Train => Statistics::Batch,
            BatchNormMode::Eval | BatchNormMode::EvalClient => {
                let buffer = |suffix: &str| {
                    let index = self.buffers.position(&format!("{module}.{suffix}")).unwrap_or_else(|| {
                        unreachable!("{module}.{suffix} is in the buffers of its own layer")
                    });
                    self.buffers.tensors()[index].clone()
                };
                Statistics::running(buffer("running_mean"), buffer("running_var"))
            }
        }
    }
}
