//! Wide residual networks (Zagoruyko and Komodakis 2016): normalisation and ReLU in front of convolutions.

use super::{Architecture, Initialisation, Layer, Net};
use crate::config::{ModelOptions, NormKind};
use crate::dual::Activation::Relu;

const SWITCHES: &[&str] = &["activation", "norm", "width", "depth", "skip", "bias", "initialisation"];

/// 2,748,890 parameters at 10 classes.
pub const WRN16_4: Architecture = Architecture {
    name: "wrn16-4",
    about: "Zagoruyko and Komodakis 2016: wide ResNet of three stages of two blocks, width 64 to 256",
    switches: SWITCHES,
    build: |options, input, classes| wide_resnet(options, input, classes, 2, 4),
};

/// 36,479,194 parameters at 10 classes.
pub const WRN28_10: Architecture = Architecture {
    name: "wrn28-10",
    about: "the same with four blocks a stage, width 160 to 640",
    switches: SWITCHES,
    build: |options, input, classes| wide_resnet(options, input, classes, 4, 10),
};

fn wide_resnet(
    options: &ModelOptions,
    input: [usize; 3],
    classes: usize,
    blocks: usize,
    factor: usize,
) -> Result<Net, String> {
    let bias = options.bias(false);
    let mut from = options.channels(16);
    let mut layers = vec![Layer::conv("conv1", input[0], from, 3, 1, 1).with_bias(bias)];
    for (stage, width) in [16, 32, 64].into_iter().enumerate() {
        let to = options.channels(factor * width);
        for block in 0..options.depth(blocks) {
            let stride = if stage > 0 && block == 0 { 2 } else { 1 };
            let name = |module: &str| format!("block{}.layer.{block}.{module}", stage + 1);
            let mut front: Vec<Layer> =
                options.norm(NormKind::Batch, &name("bn1"), from).into_iter().collect();
            front.push(Layer::Activation(options.activation(Relu)));
            let mut body = vec![Layer::conv(&name("conv1"), from, to, 3, stride, 1).with_bias(bias)];
            body.extend(options.norm(NormKind::Batch, &name("bn2"), to));
            body.push(Layer::Activation(options.activation(Relu)));
            body.push(Layer::conv(&name("conv2"), to, to, 3, 1, 1).with_bias(bias));
            // The projection sees what the first convolution sees; the identity sees the block's own input.
            if from == to && stride == 1 {
                front.append(&mut body);
                layers.extend(options.residual(front, Vec::new(), None));
            } else {
                let projection = Layer::conv(&name("convShortcut"), from, to, 1, stride, 0).with_bias(bias);
                layers.append(&mut front);
                layers.extend(options.residual(body, vec![projection], None));
            }
            from = to;
        }
    }
    layers.extend(options.norm(NormKind::Batch, "bn1", from));
    layers.push(Layer::Activation(options.activation(Relu)));
    layers.push(Layer::GlobalAvgPool);
    layers.push(Layer::linear("fc", from, classes).with_bias(options.bias(true)));
    Net::new(layers, input, options.initialisation(Initialisation::PyTorch))
}
