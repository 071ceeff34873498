//! Perceptual distances after Zhang, Isola, Efros, Shechtman, Wang, "The unreasonable effectiveness of deep
//! features as a perceptual metric", CVPR 2018: both images go through a fixed network; at some of its layers
//! the features of each position are brought to length 1; the squared differences are weighted by channel,
//! averaged over positions, and summed over layers.
//!
//! A distance is named after its network: figures of two networks cannot be compared.

use burn::tensor::ops::{ConvOptions, PadMode};
use burn::tensor::{Tensor, activation, module};

use crate::backend::{self, BackendError, Compute, Plain, Precision};
use crate::data::Images;
use crate::weights::{Fault, WeightFile};

/// Where the networks expect the channels, for images in [-1, 1]: ImageNet's means and deviations.
const SHIFT: [f64; 3] = [-0.030, -0.088, -0.188];
const SCALE: [f64; 3] = [0.458, 0.448, 0.450];
/// Added to the length of a feature vector before it is divided by it.
const EPSILON: f64 = 1e-10;

/// One layer of a backbone. Names are PyTorch's module paths; parameters are `name.weight`, `name.bias`.
#[derive(Debug, Clone, Copy)]
pub(super) enum Layer {
    /// Convolution with a square kernel and a bias.
    Conv {
        name: &'static str,
        input: usize,
        output: usize,
        kernel: usize,
        stride: usize,
        padding: usize,
    },
    /// Blur of each channel by the kernel `name.filt` of 3x3, border reflected by 2, stride 2.
    Blur {
        name: &'static str,
        channels: usize,
    },
    Relu,
    /// Maximum over square windows. `ceil`: a window may hang over the border.
    MaxPool {
        kernel: usize,
        stride: usize,
        ceil: bool,
    },
    /// SqueezeNet's block: 1x1 to `squeeze` channels, then 1x1 and 3x3 to `expand` channels each, all with ReLU.
    Fire {
        name: &'static str,
        input: usize,
        squeeze: usize,
        expand: usize,
    },
    /// Features are compared here.
    Tap,
}

/// A network that images are compared through.
#[derive(Debug)]
pub(super) struct Backbone {
    pub layers: &'static [Layer],
    /// Least height and width that passes through all layers.
    pub least_side: usize,
}

/// A layer with its weights.
#[derive(Debug)]
enum Step {
    Conv(Box<Conv>),
    Blur(Tensor<Plain, 4>),
    Relu,
    MaxPool { kernel: usize, stride: usize, ceil: bool },
    Fire(Box<Fire>),
    Tap,
}

#[derive(Debug)]
struct Fire {
    squeeze: Conv,
    small: Conv,
    large: Conv,
}

#[derive(Debug)]
struct Conv {
    weight: Tensor<Plain, 4>,
    bias: Tensor<Plain, 1>,
    stride: usize,
    padding: usize,
}

/// A perceptual distance, ready to be computed.
#[derive(Debug)]
pub struct Perceptual {
    compute: Compute,
    steps: Vec<Step>,
    /// Weights of the channels, for each tap `[1, channels, 1, 1]`.
    heads: Vec<Tensor<Plain, 4>>,
    least_side: usize,
}

/// Why a distance cannot be made of some weights.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unfit {
    #[error("it has no {0} of the right shape")]
    Missing(String),
    #[error("{0} holds values that are not finite")]
    NotFinite(String),
    #[error(transparent)]
    Damaged(#[from] Fault),
    #[error(transparent)]
    Backend(#[from] BackendError),
}

impl Backbone {
    /// Names and shapes of all parameters.
    pub fn parameters(&self) -> Vec<(String, Vec<usize>)> {
        let conv = |name: &str, output: usize, input: usize, kernel: usize| {
            [
                (format!("{name}.weight"), vec![output, input, kernel, kernel]),
                (format!("{name}.bias"), vec![output]),
            ]
        };
        let mut all = Vec::new();
        for layer in self.layers {
            match *layer {
                Layer::Conv { name, input, output, kernel, .. } => {
                    all.extend(conv(name, output, input, kernel))
                }
                Layer::Blur { name, channels } => all.push((format!("{name}.filt"), vec![channels, 1, 3, 3])),
                Layer::Fire { name, input, squeeze, expand } => {
                    all.extend(conv(&format!("{name}.squeeze"), squeeze, input, 1));
                    all.extend(conv(&format!("{name}.expand1x1"), expand, squeeze, 1));
                    all.extend(conv(&format!("{name}.expand3x3"), expand, squeeze, 3));
                }
                Layer::Relu | Layer::MaxPool { .. } | Layer::Tap => {}
            }
        }
        all
    }

    /// The part of the names in front of this network's own, if the file holds all its tensors.
    pub fn prefix<'a>(&self, file: &'a WeightFile) -> Option<&'a str> {
        let parameters = self.parameters();
        let (first, _) = parameters.first()?;
        let mut prefixes = file.tensors.iter().filter_map(|tensor| tensor.name.strip_suffix(first.as_str()));
        prefixes.find(|prefix| {
            parameters.iter().all(|(name, shape)| {
                let own = |tensor: &&crate::weights::Tensor| {
                    tensor.name.strip_prefix(prefix) == Some(name) && tensor.shape == *shape
                };
                file.tensors.iter().find(own).is_some()
            })
        })
    }
}

impl Perceptual {
    /// Joins a backbone, whose tensors are named `prefix` and then PyTorch's name, with the weights `lin0`,
    /// `lin1`, ... of its taps.
    pub(super) fn new(
        backbone: &Backbone,
        weights: &WeightFile,
        prefix: &str,
        heads: &WeightFile,
    ) -> Result<Perceptual, Unfit> {
        let compute = Compute::select("flex", Precision::F32)?;
        let conv = |name: &str, shape: [usize; 4], stride: usize, padding: usize| -> Result<Conv, Unfit> {
            let weight = tensor(&compute, weights, &format!("{prefix}{name}.weight"), shape)?;
            let bias = tensor(&compute, weights, &format!("{prefix}{name}.bias"), [shape[0]])?;
            Ok(Conv { weight, bias, stride, padding })
        };
        let mut steps = Vec::with_capacity(backbone.layers.len());
        let mut taps = Vec::new();
        let mut channels = 3;
        for layer in backbone.layers {
            steps.push(match *layer {
                Layer::Conv { name, input, output, kernel, stride, padding } => {
                    channels = output;
                    Step::Conv(Box::new(conv(name, [output, input, kernel, kernel], stride, padding)?))
                }
                Layer::Blur { name, channels } => Step::Blur(tensor(
                    &compute,
                    weights,
                    &format!("{prefix}{name}.filt"),
                    [channels, 1, 3, 3],
                )?),
                Layer::Relu => Step::Relu,
                Layer::MaxPool { kernel, stride, ceil } => Step::MaxPool { kernel, stride, ceil },
                Layer::Fire { name, input, squeeze, expand } => {
                    channels = 2 * expand;
                    Step::Fire(Box::new(Fire {
                        squeeze: conv(&format!("{name}.squeeze"), [squeeze, input, 1, 1], 1, 0)?,
                        small: conv(&format!("{name}.expand1x1"), [expand, squeeze, 1, 1], 1, 0)?,
                        large: conv(&format!("{name}.expand3x3"), [expand, squeeze, 3, 3], 1, 1)?,
                    }))
                }
                Layer::Tap => {
                    let name = format!("lin{}.model.1.weight", taps.len());
                    taps.push(tensor(&compute, heads, &name, [1, channels, 1, 1])?);
                    Step::Tap
                }
            });
        }
        Ok(Perceptual { compute, steps, heads: taps, least_side: backbone.least_side })
    }

    /// Least height and width in pixels that can be compared.
    pub fn least_side(&self) -> usize {
        self.least_side
    }

    /// Distance of each pair of images, 0 if they are equal; grey is taken as three equal channels, values are
    /// clamped to [0, 1]. `None` for images below [`Perceptual::least_side`]; NaN where an image has NaN.
    ///
    /// # Panics
    /// If the two have different shapes.
    pub fn distances(&self, a: &Images, b: &Images) -> Option<Vec<f64>> {
        assert_eq!(a.shape(), b.shape(), "images that are compared have one shape");
        let [samples, channels, height, width] = a.shape();
        if height.min(width) < self.least_side || ![1, 3].contains(&channels) {
            return None;
        }
        Some((0..samples).map(|i| self.distance(a.sample(i), b.sample(i), [height, width])).collect())
    }

    fn distance(&self, a: &[f64], b: &[f64], [height, width]: [usize; 2]) -> f64 {
        // ReLU and maximum would swallow a NaN.
        if a.iter().chain(b).any(|value| value.is_nan()) {
            return f64::NAN;
        }
        let mut pair = Vec::with_capacity(6 * height * width);
        for image in [a, b] {
            for channel in 0..3 {
                let plane = image.chunks_exact(height * width).cycle().nth(channel).unwrap_or_default();
                let fed = |value: &f64| (2.0 * value.clamp(0.0, 1.0) - 1.0 - SHIFT[channel]) / SCALE[channel];
                pair.extend(plane.iter().map(fed));
            }
        }
        let mut signal: Tensor<Plain, 4> = self.compute.tensor(&pair, [2, 3, height, width]);
        let mut heads = self.heads.iter();
        let mut total = 0.0;
        for step in &self.steps {
            signal = match (step, signal) {
                (Step::Conv(conv), signal) => conv.apply(signal),
                (Step::Blur(kernel), signal) => blur(signal, kernel.clone()),
                (Step::Relu, signal) => activation::relu(signal),
                (Step::MaxPool { kernel, stride, ceil }, signal) => {
                    module::max_pool2d(signal, [*kernel; 2], [*stride; 2], [0, 0], [1, 1], *ceil)
                }
                (Step::Fire(fire), signal) => {
                    let squeezed = activation::relu(fire.squeeze.apply(signal));
                    let both = vec![fire.small.apply(squeezed.clone()), fire.large.apply(squeezed)];
                    activation::relu(Tensor::cat(both, 1))
                }
                (Step::Tap, signal) => {
                    total += heads.next().map_or(0.0, |head| compared(signal.clone(), head.clone()));
                    signal
                }
            };
        }
        total
    }
}

impl Conv {
    fn apply(&self, signal: Tensor<Plain, 4>) -> Tensor<Plain, 4> {
        let options = ConvOptions::new([self.stride; 2], [self.padding; 2], [1, 1], 1);
        module::conv2d(signal, self.weight.clone(), Some(self.bias.clone()), options)
    }
}

fn blur(signal: Tensor<Plain, 4>, kernel: Tensor<Plain, 4>) -> Tensor<Plain, 4> {
    let [channels, ..] = kernel.dims();
    let padded = signal.pad((2, 2, 2, 2), PadMode::Reflect);
    module::conv2d(padded, kernel, None, ConvOptions::new([2, 2], [0, 0], [1, 1], channels))
}

/// Weighted squared difference of the unit features of the two samples, mean over positions.
fn compared(features: Tensor<Plain, 4>, head: Tensor<Plain, 4>) -> f64 {
    let [_, _, height, width] = features.dims();
    let length = features.clone().powf_scalar(2.0).sum_dim(1).sqrt() + EPSILON;
    let unit = features / length;
    let difference = unit.clone().narrow(0, 0, 1) - unit.narrow(0, 1, 1);
    let weighted = difference.clone() * difference * head;
    backend::scalar(weighted.sum()) / (height * width) as f64
}

fn tensor<const D: usize>(
    compute: &Compute,
    file: &WeightFile,
    name: &str,
    shape: [usize; D],
) -> Result<Tensor<Plain, D>, Unfit> {
    let found = file.tensors.iter().find(|tensor| tensor.name == name && tensor.shape == shape);
    let found = found.ok_or_else(|| Unfit::Missing(name.to_owned()))?;
    if found.values.iter().any(|value| !value.is_finite()) {
        return Err(Unfit::NotFinite(name.to_owned()));
    }
    Ok(compute.tensor(&found.values, shape))
}
