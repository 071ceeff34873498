//! The layers an architecture is made of, as data: shapes, parameters and the forward pass on duals.

use crate::dual::{
    self, Activation, ConvShape, Dual, PoolShape, Statistics, avg_pool, batch_norm, conv2d, global_avg_pool,
    linear, max_pool,
};

use super::net::Weights;
use super::parameters::TensorSpec;

/// BatchNorm's epsilon, PyTorch's default.
pub const BATCH_NORM_EPS: f64 = 1e-5;

/// One layer. Names are PyTorch's module paths; parameters are `name.weight`, `name.bias`.
#[derive(Debug, Clone, PartialEq)]
pub enum Layer {
    /// Convolution with a square kernel.
    Conv {
        /// Module path.
        name: String,
        /// Channels in.
        input: usize,
        /// Channels out.
        output: usize,
        /// Side of the kernel.
        kernel: usize,
        /// Stride, padding, dilation, groups.
        shape: ConvShape,
        /// With a bias?
        bias: bool,
    },
    /// Fully connected layer with bias.
    Linear {
        /// Module path.
        name: String,
        /// Features in.
        input: usize,
        /// Features out.
        output: usize,
    },
    /// Batch normalisation over channels.
    BatchNorm {
        /// Module path.
        name: String,
        /// Channels.
        channels: usize,
    },
    /// Elementwise non-linearity.
    Activation(Activation),
    /// Maximum over windows.
    MaxPool(PoolShape),
    /// Mean over windows.
    AvgPool(PoolShape),
    /// Mean over height and width.
    GlobalAvgPool,
    /// Channels, height and width to one axis.
    Flatten,
    /// `relu(body(x) + shortcut(x))`; an empty shortcut is the identity.
    Residual {
        /// The residual branch.
        body: Vec<Layer>,
        /// Projection of the skip connection.
        shortcut: Vec<Layer>,
    },
}

/// Shape of one sample between two layers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SampleShape {
    /// `[channels, height, width]`.
    Map([usize; 3]),
    /// `[features]`.
    Features(usize),
}

impl SampleShape {
    /// For messages.
    fn name(self) -> String {
        match self {
            SampleShape::Map([channels, height, width]) => {
                format!("{channels} feature maps of {height}x{width}")
            }
            SampleShape::Features(count) => format!("{count} features"),
        }
    }
}

/// What flows between layers.
#[derive(Debug, Clone)]
pub enum Signal {
    /// `[batch, channels, height, width]`.
    Map(Dual<4>),
    /// `[batch, features]`.
    Features(Dual<2>),
}

impl Layer {
    /// Convolution with stride and padding.
    pub fn conv(
        name: &str,
        input: usize,
        output: usize,
        kernel: usize,
        stride: usize,
        padding: usize,
    ) -> Layer {
        let shape = ConvShape::new(stride, padding);
        Layer::Conv { name: name.to_owned(), input, output, kernel, shape, bias: true }
    }

    /// Convolution without bias, as in front of BatchNorm.
    pub fn conv_without_bias(
        name: &str,
        input: usize,
        output: usize,
        kernel: usize,
        stride: usize,
        padding: usize,
    ) -> Layer {
        let shape = ConvShape::new(stride, padding);
        Layer::Conv { name: name.to_owned(), input, output, kernel, shape, bias: false }
    }

    /// Fully connected layer.
    pub fn linear(name: &str, input: usize, output: usize) -> Layer {
        Layer::Linear { name: name.to_owned(), input, output }
    }

    /// Batch normalisation.
    pub fn batch_norm(name: &str, channels: usize) -> Layer {
        Layer::BatchNorm { name: name.to_owned(), channels }
    }

    /// For messages.
    fn name(&self) -> String {
        match self {
            Layer::Conv { name, kernel, .. } => format!("the {kernel}x{kernel} convolution {name}"),
            Layer::Linear { name, .. } => format!("the fully connected layer {name}"),
            Layer::BatchNorm { name, .. } => format!("the normalisation {name}"),
            Layer::Activation(_) => "an activation".to_owned(),
            Layer::MaxPool(pool) => format!("a maximum over {0}x{0}", pool.kernel),
            Layer::AvgPool(pool) => format!("a mean over {0}x{0}", pool.kernel),
            Layer::GlobalAvgPool => "the global mean".to_owned(),
            Layer::Flatten => "flattening".to_owned(),
            Layer::Residual { .. } => "a residual block".to_owned(),
        }
    }

    /// Shape after this layer, or why it does not fit.
    pub fn output_shape(&self, shape: SampleShape) -> Result<SampleShape, String> {
        use SampleShape::{Features, Map};
        let misfit = || Err(format!("{} does not fit {}", self.name(), shape.name()));
        match (self, shape) {
            (Layer::Conv { input, output, kernel, shape: geometry, .. }, Map([c, h, w])) if c == *input => {
                match (geometry.output(h, *kernel), geometry.output(w, *kernel)) {
                    (Some(h), Some(w)) => Ok(Map([*output, h, w])),
                    _ => misfit(),
                }
            }
            (Layer::Linear { input, output, .. }, Features(n)) if n == *input => Ok(Features(*output)),
            (Layer::BatchNorm { channels, .. }, Map([c, ..])) if c == *channels => Ok(shape),
            (Layer::Activation(_), _) => Ok(shape),
            (Layer::MaxPool(pool) | Layer::AvgPool(pool), Map([c, h, w])) => {
                match (pool.output(h), pool.output(w)) {
                    (Some(h), Some(w)) => Ok(Map([c, h, w])),
                    _ => misfit(),
                }
            }
            (Layer::GlobalAvgPool, Map([c, ..])) => Ok(Features(c)),
            (Layer::Flatten, Map([c, h, w])) => Ok(Features(c * h * w)),
            (Layer::Residual { body, shortcut }, _) => {
                let through = |layers: &[Layer]| layers.iter().try_fold(shape, |s, l| l.output_shape(s));
                let (body, shortcut) = (through(body)?, through(shortcut)?);
                if body == shortcut { Ok(body) } else { misfit() }
            }
            _ => misfit(),
        }
    }

    /// Trainable tensors in PyTorch's order.
    pub fn parameters(&self, specs: &mut Vec<TensorSpec>) {
        let mut push = |name: &str, suffix: &str, shape: Vec<usize>| {
            specs.push(TensorSpec { name: format!("{name}.{suffix}"), shape });
        };
        match self {
            Layer::Conv { name, input, output, kernel, shape, bias } => {
                push(name, "weight", vec![*output, input / shape.groups, *kernel, *kernel]);
                if *bias {
                    push(name, "bias", vec![*output]);
                }
            }
            Layer::Linear { name, input, output } => {
                push(name, "weight", vec![*output, *input]);
                push(name, "bias", vec![*output]);
            }
            Layer::BatchNorm { name, channels } => {
                push(name, "weight", vec![*channels]);
                push(name, "bias", vec![*channels]);
            }
            Layer::Residual { body, shortcut } => {
                body.iter().chain(shortcut).for_each(|layer| layer.parameters(specs));
            }
            _ => {}
        }
    }

    /// BatchNorm's running statistics in PyTorch's order.
    pub fn buffers(&self, specs: &mut Vec<TensorSpec>) {
        match self {
            Layer::BatchNorm { name, channels } => {
                for suffix in ["running_mean", "running_var"] {
                    specs.push(TensorSpec { name: format!("{name}.{suffix}"), shape: vec![*channels] });
                }
            }
            Layer::Residual { body, shortcut } => {
                body.iter().chain(shortcut).for_each(|layer| layer.buffers(specs));
            }
            _ => {}
        }
    }

    /// Multiply-adds of one sample's forward pass, given the shape in front of this layer.
    pub fn multiply_adds(&self, shape: SampleShape) -> u64 {
        match self {
            Layer::Conv { input, kernel, shape: geometry, .. } => match self.output_shape(shape) {
                Ok(SampleShape::Map([c, h, w])) => {
                    (c * h * w * (input / geometry.groups) * kernel * kernel) as u64
                }
                _ => 0,
            },
            Layer::Linear { input, output, .. } => (input * output) as u64,
            Layer::Residual { body, shortcut } => {
                super::net::multiply_adds(body, shape) + super::net::multiply_adds(shortcut, shape)
            }
            _ => 0,
        }
    }

    /// The layer on duals. Shapes were checked when the net was made.
    pub(super) fn forward(&self, signal: Signal, weights: &Weights) -> Signal {
        use Signal::{Features, Map};
        match (self, signal) {
            (Layer::Conv { name, shape, bias, .. }, Map(a)) => {
                let bias = bias.then(|| weights.get(name, "bias"));
                Map(conv2d(a, weights.get(name, "weight"), bias, *shape))
            }
            (Layer::Linear { name, .. }, Features(a)) => {
                Features(linear(a, weights.get(name, "weight"), Some(weights.get(name, "bias"))))
            }
            (Layer::BatchNorm { name, .. }, Map(a)) => {
                let statistics = weights.statistics(name);
                let (gamma, beta) = (weights.get(name, "weight"), weights.get(name, "bias"));
                Map(batch_norm(a, gamma, beta, statistics, BATCH_NORM_EPS))
            }
            (Layer::Activation(activation), Map(a)) => Map(activation.apply(a)),
            (Layer::Activation(activation), Features(a)) => Features(activation.apply(a)),
            (Layer::MaxPool(pool), Map(a)) => Map(max_pool(a, *pool)),
            (Layer::AvgPool(pool), Map(a)) => Map(avg_pool(a, *pool)),
            (Layer::GlobalAvgPool, Map(a)) => Features(global_avg_pool(a)),
            (Layer::Flatten, Map(a)) => Features(a.flatten()),
            (Layer::Residual { body, shortcut }, Map(a)) => {
                let through = |layers: &[Layer], a: Dual<4>| {
                    layers.iter().fold(Map(a), |signal, layer| layer.forward(signal, weights))
                };
                match (through(body, a.clone()), through(shortcut, a)) {
                    (Map(body), Map(skip)) => Map(dual::Activation::Relu.apply(body.plus(skip))),
                    _ => unreachable!("a residual block of maps gives maps: checked by output_shape"),
                }
            }
            (layer, _) => unreachable!("{layer:?} got a signal that output_shape refuses"),
        }
    }
}

impl Statistics {
    /// Eval-mode statistics from flat buffers.
    pub(super) fn running(mean: crate::backend::Vector, variance: crate::backend::Vector) -> Self {
        let tape = burn::tensor::Tensor::from_inner;
        Statistics::Running { mean: tape(mean), variance: tape(variance) }
    }
}
