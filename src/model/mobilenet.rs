//! Networks of inverted residual blocks: MobileNet-V2 and EfficientNet-Lite0.

use super::layer::SampleShape;
use super::{Architecture, Initialisation, Layer, Net};
use crate::config::{ModelOptions, NormKind};
use crate::dual::Activation::Relu6;

const SWITCHES: &[&str] = &["activation", "norm", "width", "skip", "bias", "initialisation"];

/// EfficientNet's epsilon of BatchNorm.
const EFFICIENTNET_EPS: f64 = 1e-3;

/// torchvision's `mobilenet_v2`; 3,504,872 parameters at 1000 classes.
pub const MOBILENET_V2: Architecture = Architecture {
    name: "mobilenet-v2",
    about: "Sandler et al. 2018: inverted residual blocks with depthwise convolutions and ReLU6 (torchvision)",
    switches: SWITCHES,
    build: mobilenet_v2,
};

/// 4,652,008 parameters at 1000 classes.
pub const EFFICIENTNET_LITE0: Architecture = Architecture {
    name: "efficientnet-lite0",
    about: "Tan and Le 2019 without squeeze-and-excitation, with ReLU6 and TensorFlow's padding",
    switches: SWITCHES,
    build: efficientnet_lite0,
};

/// A multiple of 8 that is not below nine tenths of the number, as MobileNet scales widths.
fn divisible(channels: f64) -> usize {
    let nearest = (((channels + 4.0) / 8.0).floor() as usize * 8).max(8);
    if (nearest as f64) < 0.9 * channels { nearest + 8 } else { nearest }
}

fn mobilenet_v2(options: &ModelOptions, input: [usize; 3], classes: usize) -> Result<Net, String> {
    let factor = options.width.unwrap_or(1.0);
    let scaled = |channels: usize| divisible(channels as f64 * factor);
    let biased = options.bias(false);
    let activation = Layer::Activation(options.activation(Relu6));
    let mut from = scaled(32);
    let mut layers = vec![Layer::conv("features.0.0", input[0], from, 3, 2, 1).with_bias(biased)];
    layers.extend(options.norm(NormKind::Batch, "features.0.1", from));
    layers.push(activation.clone());
    let mut place = 1;
    // Expansion, channels, repeats, stride of the first.
    for (expansion, to, repeats, first) in [
        (1, 16, 1, 1),
        (6, 24, 2, 2),
        (6, 32, 3, 2),
        (6, 64, 4, 2),
        (6, 96, 3, 1),
        (6, 160, 3, 2),
        (6, 320, 1, 1),
    ] {
        let to = scaled(to);
        for repeat in 0..repeats {
            let stride = if repeat == 0 { first } else { 1 };
            let name = |module: &str| format!("features.{place}.conv.{module}");
            let hidden = from * expansion;
            let mut body = Vec::new();
            let mut step = 0;
            if expansion > 1 {
                body.push(Layer::conv(&name("0.0"), from, hidden, 1, 1, 0).with_bias(biased));
                body.extend(options.norm(NormKind::Batch, &name("0.1"), hidden));
                body.push(activation.clone());
                step = 1;
            }
            body.push(Layer::depthwise(&name(&format!("{step}.0")), hidden, 3, stride, 1).with_bias(biased));
            body.extend(options.norm(NormKind::Batch, &name(&format!("{step}.1")), hidden));
            body.push(activation.clone());
            body.push(Layer::conv(&name(&format!("{}", step + 1)), hidden, to, 1, 1, 0).with_bias(biased));
            body.extend(options.norm(NormKind::Batch, &name(&format!("{}", step + 2)), to));
            layers.extend(block(options, body, stride == 1 && from == to));
            from = to;
            place += 1;
        }
    }
    let last = divisible(1280.0 * factor.max(1.0));
    layers.push(Layer::conv("features.18.0", from, last, 1, 1, 0).with_bias(biased));
    layers.extend(options.norm(NormKind::Batch, "features.18.1", last));
    layers.push(activation);
    layers.push(Layer::GlobalAvgPool);
    layers.push(Layer::linear("classifier.1", last, classes).with_bias(options.bias(true)));
    Net::new(layers, input, options.initialisation(Initialisation::PyTorch))
}

fn efficientnet_lite0(options: &ModelOptions, input: [usize; 3], classes: usize) -> Result<Net, String> {
    let biased = options.bias(false);
    let activation = Layer::Activation(options.activation(Relu6));
    let norm = |name: &str, channels| options.norm_with(NormKind::Batch, name, channels, EFFICIENTNET_EPS);
    let conv = |name: &str, from, to, kernel, stride| {
        Layer::conv(name, from, to, kernel, stride, 0).with_bias(biased)
    };
    let mut from = options.channels(32);
    let mut layers = same(conv("_conv_stem", input[0], from, 3, 2), input);
    layers.extend(norm("_bn0", from));
    layers.push(activation.clone());
    let mut place = 0;
    // Repeats, kernel, stride of the first, expansion, channels.
    for (repeats, kernel, first, expansion, to) in [
        (1, 3, 1, 1, 16),
        (2, 3, 2, 6, 24),
        (2, 5, 2, 6, 40),
        (3, 3, 2, 6, 80),
        (3, 5, 1, 6, 112),
        (4, 5, 2, 6, 192),
        (1, 3, 1, 6, 320),
    ] {
        let to = options.channels(to);
        for repeat in 0..repeats {
            let stride = if repeat == 0 { first } else { 1 };
            let name = |module: &str| format!("_blocks.{place}.{module}");
            let hidden = from * expansion;
            let mut body = Vec::new();
            if expansion > 1 {
                body.push(conv(&name("_expand_conv"), from, hidden, 1, 1));
                body.extend(norm(&name("_bn0"), hidden));
                body.push(activation.clone());
            }
            let SampleShape::Map([_, height, width]) = Net::shape(&layers, input)? else {
                return Err("efficientnet-lite0 is made of maps".to_owned());
            };
            let depthwise = Layer::depthwise(&name("_depthwise_conv"), hidden, kernel, stride, 0);
            body.extend(same(depthwise.with_bias(biased), [hidden, height, width]));
            body.extend(norm(&name("_bn1"), hidden));
            body.push(activation.clone());
            body.push(conv(&name("_project_conv"), hidden, to, 1, 1));
            body.extend(norm(&name("_bn2"), to));
            layers.extend(block(options, body, stride == 1 && from == to));
            from = to;
            place += 1;
        }
    }
    let last = options.channels(1280);
    layers.push(conv("_conv_head", from, last, 1, 1));
    layers.extend(norm("_bn1", last));
    layers.push(activation);
    layers.push(Layer::GlobalAvgPool);
    layers.push(Layer::linear("_fc", last, classes).with_bias(options.bias(true)));
    Net::new(layers, input, options.initialisation(Initialisation::PyTorch))
}

/// The block with its skip connection, where input and output have one shape.
fn block(options: &ModelOptions, body: Vec<Layer>, skips: bool) -> Vec<Layer> {
    if skips { options.residual(body, Vec::new(), None) } else { body }
}

/// TensorFlow's padding for a convolution that has none: the output has the side of the input divided by the
/// stride, rounded up, and of an odd border the longer part is behind.
fn same(mut conv: Layer, [_, height, width]: [usize; 3]) -> Vec<Layer> {
    let Layer::Conv { kernel, shape, .. } = &mut conv else { return vec![conv] };
    let [rows, columns] = [height, width].map(|side| same_border(side, *kernel, shape.stride));
    if rows == columns && rows[0] == rows[1] {
        shape.padding = rows[0];
        return vec![conv];
    }
    vec![Layer::Pad { rows, columns, value: 0.0 }, conv]
}

/// The border in front and behind that TensorFlow's padding adds to a side.
pub(super) fn same_border(side: usize, kernel: usize, stride: usize) -> [usize; 2] {
    let reach = side.div_ceil(stride).saturating_sub(1) * stride + kernel;
    let total = reach.saturating_sub(side);
    [total / 2, total - total / 2]
}
