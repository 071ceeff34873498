//! The layers an architecture is made of, as data: names, shapes and parameters.

use crate::dual::{Activation, ConvShape, Filter, PoolShape};

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
    /// Transpose of a convolution with a square kernel: enlarges a map by its stride.
    ConvTranspose {
        /// Module path.
        name: String,
        /// Channels in.
        input: usize,
        /// Channels out.
        output: usize,
        /// Side of the kernel.
        kernel: usize,
        /// Distance between the windows that two neighbours are spread over.
        stride: usize,
        /// What is cut off on every side.
        padding: usize,
        /// With a bias?
        bias: bool,
    },
    /// Every side times a whole factor.
    Upsample {
        /// The factor.
        factor: usize,
        /// How values in between are made.
        filter: Filter,
    },
    /// Fully connected layer; on tokens, the same for each.
    Linear {
        /// Module path.
        name: String,
        /// Features in.
        input: usize,
        /// Features out.
        output: usize,
        /// With a bias?
        bias: bool,
    },
    /// Batch normalisation over channels.
    BatchNorm {
        /// Module path.
        name: String,
        /// Channels.
        channels: usize,
        /// Added to the variance.
        eps: f64,
    },
    /// Normalisation over groups of channels of each sample.
    GroupNorm {
        /// Module path.
        name: String,
        /// Channels.
        channels: usize,
        /// Number of groups; it divides the channels.
        groups: usize,
    },
    /// Normalisation over the features of each token.
    LayerNorm {
        /// Module path.
        name: String,
        /// Features.
        features: usize,
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
    /// One axis to channels, height and width.
    Unflatten([usize; 3]),
    /// A border of a constant.
    Pad {
        /// Above and below.
        rows: [usize; 2],
        /// Left and right.
        columns: [usize; 2],
        /// The constant.
        value: f64,
    },
    /// Channels of zeros before and after.
    ZeroChannels {
        /// Before the first channel.
        before: usize,
        /// After the last channel.
        after: usize,
    },
    /// `activation(body(x) + shortcut(x))`; an empty shortcut is the identity.
    Residual {
        /// The residual branch.
        body: Vec<Layer>,
        /// What the skip connection does.
        shortcut: Vec<Layer>,
        /// After the sum.
        activation: Option<Activation>,
    },
    /// The channels of x followed by those of `branch(x)`.
    Concat {
        /// Gives maps of the same side.
        branch: Vec<Layer>,
    },
    /// Square patches as tokens behind a class token, with positions: `cls_token`, `pos_embed` and
    /// `patch_embed.proj`.
    Patches {
        /// Channels in.
        input: usize,
        /// Side of a patch.
        side: usize,
        /// Tokens with the class token.
        tokens: usize,
        /// Features of a token.
        width: usize,
    },
    /// Self-attention of tokens that hold queries, keys and values (see [`crate::dual::attention`]).
    Attention {
        /// Heads; the number divides the width.
        heads: usize,
    },
    /// The first token.
    ClassToken,
    /// Means and spreads to one draw of each, with `name.noise` (see [`crate::dual::reparametrise`]).
    Reparametrise {
        /// Module path.
        name: String,
        /// Features out, half of those in.
        width: usize,
        /// What a bit of divergence from N(0, 1) adds to the loss of a sample.
        beta: f64,
    },
}

/// How a fresh parameter begins.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Start {
    /// Drawn at this fan-in.
    FanIn(usize),
    /// Normal with this deviation.
    Normal(f64),
    /// A constant.
    Constant(f64),
    /// A constant, whatever the initialisation.
    Fixed(f64),
}

/// Shape of one sample between two layers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SampleShape {
    /// `[channels, height, width]`.
    Map([usize; 3]),
    /// `[tokens, features]`.
    Tokens([usize; 2]),
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
            SampleShape::Tokens([tokens, features]) => format!("{tokens} tokens of {features} features"),
            SampleShape::Features(count) => format!("{count} features"),
        }
    }
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
        Layer::conv(name, input, output, kernel, stride, padding).with_bias(false)
    }

    /// Convolution without bias of each channel by itself.
    pub fn depthwise(name: &str, channels: usize, kernel: usize, stride: usize, padding: usize) -> Layer {
        let shape = ConvShape { groups: channels, ..ConvShape::new(stride, padding) };
        let name = name.to_owned();
        Layer::Conv { name, input: channels, output: channels, kernel, shape, bias: false }
    }

    /// Fully connected layer.
    pub fn linear(name: &str, input: usize, output: usize) -> Layer {
        Layer::Linear { name: name.to_owned(), input, output, bias: true }
    }

    /// Batch normalisation.
    pub fn batch_norm(name: &str, channels: usize) -> Layer {
        Layer::BatchNorm { name: name.to_owned(), channels, eps: BATCH_NORM_EPS }
    }

    /// Normalisation of tokens.
    pub fn layer_norm(name: &str, features: usize) -> Layer {
        Layer::LayerNorm { name: name.to_owned(), features }
    }

    /// A convolution or fully connected layer with or without its bias.
    #[must_use]
    pub fn with_bias(mut self, with: bool) -> Layer {
        if let Layer::Conv { bias, .. } | Layer::Linear { bias, .. } = &mut self {
            *bias = with;
        }
        self
    }

    /// For messages.
    pub fn name(&self) -> String {
        match self {
            Layer::Conv { name, kernel, .. } => format!("the {kernel}x{kernel} convolution {name}"),
            Layer::ConvTranspose { name, kernel, .. } => {
                format!("the {kernel}x{kernel} transposed convolution {name}")
            }
            Layer::Upsample { factor, .. } => format!("enlarging {factor} times"),
            Layer::Linear { name, .. } => format!("the fully connected layer {name}"),
            Layer::BatchNorm { name, .. } | Layer::GroupNorm { name, .. } | Layer::LayerNorm { name, .. } => {
                format!("the normalisation {name}")
            }
            Layer::Activation(_) => "an activation".to_owned(),
            Layer::MaxPool(pool) => format!("a maximum over {0}x{0}", pool.kernel),
            Layer::AvgPool(pool) => format!("a mean over {0}x{0}", pool.kernel),
            Layer::GlobalAvgPool => "the global mean".to_owned(),
            Layer::Flatten => "flattening".to_owned(),
            Layer::Unflatten(_) => "unflattening".to_owned(),
            Layer::Pad { .. } => "a border".to_owned(),
            Layer::ZeroChannels { .. } => "widening by zeros".to_owned(),
            Layer::Residual { .. } => "a residual block".to_owned(),
            Layer::Concat { .. } => "a dense block".to_owned(),
            Layer::Patches { side, .. } => format!("cutting into patches of {side}x{side}"),
            Layer::Attention { heads } => format!("attention of {heads} heads"),
            Layer::ClassToken => "the class token".to_owned(),
            Layer::Reparametrise { name, .. } => format!("the draw of {name}"),
        }
    }

    /// Shape after this layer, or why it does not fit.
    pub fn output_shape(&self, shape: SampleShape) -> Result<SampleShape, String> {
        use SampleShape::{Features, Map, Tokens};
        let misfit = || Err(format!("{} does not fit {}", self.name(), shape.name()));
        let through = |layers: &[Layer]| layers.iter().try_fold(shape, |s, l| l.output_shape(s));
        match (self, shape) {
            (Layer::Conv { input, output, kernel, shape: geometry, .. }, Map([c, h, w])) if c == *input => {
                match (geometry.output(h, *kernel), geometry.output(w, *kernel)) {
                    (Some(h), Some(w)) => Ok(Map([*output, h, w])),
                    _ => misfit(),
                }
            }
            (Layer::ConvTranspose { input, output, kernel, stride, padding, .. }, Map([c, h, w]))
                if c == *input && h > 0 && w > 0 =>
            {
                let side = |side: usize| ((side - 1) * stride + kernel).checked_sub(2 * padding);
                match (side(h), side(w)) {
                    (Some(h), Some(w)) if h > 0 && w > 0 => Ok(Map([*output, h, w])),
                    _ => misfit(),
                }
            }
            (Layer::Upsample { factor, .. }, Map([c, h, w])) => Ok(Map([c, h * factor, w * factor])),
            (Layer::Linear { input, output, .. }, Features(n)) if n == *input => Ok(Features(*output)),
            (Layer::Linear { input, output, .. }, Tokens([t, n])) if n == *input => Ok(Tokens([t, *output])),
            (Layer::BatchNorm { channels, .. } | Layer::GroupNorm { channels, .. }, Map([c, ..]))
                if c == *channels =>
            {
                Ok(shape)
            }
            (Layer::LayerNorm { features, .. }, Tokens([_, n])) if n == *features => Ok(shape),
            (Layer::Activation(_), _) => Ok(shape),
            (Layer::MaxPool(pool) | Layer::AvgPool(pool), Map([c, h, w])) => {
                match (pool.output(h), pool.output(w)) {
                    (Some(h), Some(w)) => Ok(Map([c, h, w])),
                    _ => misfit(),
                }
            }
            (Layer::GlobalAvgPool, Map([c, ..])) => Ok(Features(c)),
            (Layer::Flatten, Map([c, h, w])) => Ok(Features(c * h * w)),
            (Layer::Unflatten(to), Features(features)) if to.iter().product::<usize>() == features => {
                Ok(Map(*to))
            }
            (Layer::Pad { rows, columns, .. }, Map([c, h, w])) => {
                Ok(Map([c, h + rows[0] + rows[1], w + columns[0] + columns[1]]))
            }
            (Layer::ZeroChannels { before, after }, Map([c, h, w])) => Ok(Map([before + c + after, h, w])),
            (Layer::Residual { body, shortcut, .. }, Map(_) | Tokens(_)) => {
                let (body, shortcut) = (through(body)?, through(shortcut)?);
                if body == shortcut { Ok(body) } else { misfit() }
            }
            (Layer::Concat { branch }, Map([c, h, w])) => match through(branch)? {
                Map([more, rows, columns]) if (rows, columns) == (h, w) => Ok(Map([c + more, h, w])),
                _ => misfit(),
            },
            (Layer::Patches { input, side, tokens, width }, Map([c, h, w])) if c == *input => {
                let fits = h % side == 0 && w % side == 0 && (h / side) * (w / side) + 1 == *tokens;
                if fits { Ok(Tokens([*tokens, *width])) } else { misfit() }
            }
            (Layer::Attention { heads }, Tokens([t, n])) if n % (3 * heads) == 0 => Ok(Tokens([t, n / 3])),
            (Layer::ClassToken, Tokens([_, n])) => Ok(Features(n)),
            (Layer::Reparametrise { width, .. }, Features(n)) if n == 2 * width => Ok(Features(*width)),
            _ => misfit(),
        }
    }

    /// Trainable tensors in PyTorch's order, and how they begin.
    pub fn parameters(&self, specs: &mut Vec<(TensorSpec, Start)>) {
        let mut push =
            |name: String, shape: Vec<usize>, start| specs.push((TensorSpec { name, shape }, start));
        let mut pair = |name: &str, shape: Vec<usize>, bias: bool| {
            let (output, fan_in) = (shape[0], Start::FanIn(shape[1..].iter().product()));
            push(format!("{name}.weight"), shape, fan_in);
            if bias {
                push(format!("{name}.bias"), vec![output], fan_in);
            }
        };
        match self {
            Layer::Conv { name, input, output, kernel, shape, bias } => {
                pair(name, vec![*output, input / shape.groups, *kernel, *kernel], *bias);
            }
            Layer::ConvTranspose { name, input, output, kernel, bias, .. } => {
                // PyTorch takes the second axis for the fan-in here too.
                let fan_in = Start::FanIn(output * kernel * kernel);
                push(format!("{name}.weight"), vec![*input, *output, *kernel, *kernel], fan_in);
                if *bias {
                    push(format!("{name}.bias"), vec![*output], fan_in);
                }
            }
            Layer::Linear { name, input, output, bias } => pair(name, vec![*output, *input], *bias),
            Layer::BatchNorm { name, channels: count, .. }
            | Layer::GroupNorm { name, channels: count, .. }
            | Layer::LayerNorm { name, features: count } => {
                push(format!("{name}.weight"), vec![*count], Start::Constant(1.0));
                push(format!("{name}.bias"), vec![*count], Start::Constant(0.0));
            }
            Layer::Reparametrise { name, width, .. } => {
                push(format!("{name}.noise"), vec![*width], Start::Fixed(1.0));
            }
            Layer::Patches { input, side, tokens, width } => {
                push("cls_token".to_owned(), vec![1, 1, *width], Start::Normal(0.02));
                push("pos_embed".to_owned(), vec![1, *tokens, *width], Start::Normal(0.02));
                let fan_in = Start::FanIn(input * side * side);
                push("patch_embed.proj.weight".to_owned(), vec![*width, *input, *side, *side], fan_in);
                push("patch_embed.proj.bias".to_owned(), vec![*width], fan_in);
            }
            _ => self.inside().for_each(|layer| layer.parameters(specs)),
        }
    }

    /// BatchNorm's running statistics in PyTorch's order.
    pub fn buffers(&self, specs: &mut Vec<TensorSpec>) {
        match self {
            Layer::BatchNorm { name, channels, .. } => {
                for suffix in ["running_mean", "running_var"] {
                    specs.push(TensorSpec { name: format!("{name}.{suffix}"), shape: vec![*channels] });
                }
            }
            _ => self.inside().for_each(|layer| layer.buffers(specs)),
        }
    }

    /// Layers that this one is made of.
    fn inside(&self) -> impl Iterator<Item = &Layer> {
        let (first, second): (&[Layer], &[Layer]) = match self {
            Layer::Residual { body, shortcut, .. } => (body, shortcut),
            Layer::Concat { branch } => (branch, &[]),
            _ => (&[], &[]),
        };
        first.iter().chain(second)
    }

    /// Multiply-adds of one sample's forward pass, given the shape in front of this layer: those of
    /// convolutions, fully connected layers and attention.
    pub fn multiply_adds(&self, shape: SampleShape) -> u64 {
        use SampleShape::{Map, Tokens};
        match (self, shape) {
            (Layer::Conv { input, kernel, shape: geometry, .. }, _) => match self.output_shape(shape) {
                Ok(Map([c, h, w])) => (c * h * w * (input / geometry.groups) * kernel * kernel) as u64,
                _ => 0,
            },
            (Layer::ConvTranspose { input, output, kernel, .. }, Map([_, h, w])) => {
                (h * w * input * output * kernel * kernel) as u64
            }
            (Layer::Linear { input, output, .. }, Tokens([tokens, _])) => (tokens * input * output) as u64,
            (Layer::Linear { input, output, .. }, _) => (input * output) as u64,
            (Layer::Patches { input, side, tokens, width }, _) => {
                ((tokens - 1) * input * side * side * width) as u64
            }
            (Layer::Attention { .. }, Tokens([tokens, triple])) => (2 * tokens * tokens * triple / 3) as u64,
            (Layer::Residual { body, shortcut, .. }, _) => {
                super::net::multiply_adds(body, shape) + super::net::multiply_adds(shortcut, shape)
            }
            (Layer::Concat { branch }, _) => super::net::multiply_adds(branch, shape),
            _ => 0,
        }
    }

    /// Entries that this layer makes of one sample, inside and out, given the shape in front of it.
    pub fn entries(&self, shape: SampleShape) -> u64 {
        use SampleShape::{Features, Map, Tokens};
        let out = match self.output_shape(shape) {
            Ok(Map([c, h, w])) => (c * h * w) as u64,
            Ok(Tokens([t, n])) => (t * n) as u64,
            Ok(Features(n)) => n as u64,
            Err(_) => 0,
        };
        match (self, shape) {
            (Layer::Residual { body, shortcut, .. }, _) => {
                out + super::net::entries(body, shape) + super::net::entries(shortcut, shape)
            }
            (Layer::Concat { branch }, _) => out + super::net::entries(branch, shape),
            // Grouped, standardised, and with factors and offsets.
            (Layer::GroupNorm { .. }, _) => 3 * out,
            (Layer::Attention { heads }, Tokens([t, _])) => out + (2 * heads * t * t) as u64,
            _ => out,
        }
    }
}
