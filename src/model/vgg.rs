//! AlexNet and VGG for CIFAR: convolutions as published, one fully connected layer at the end.

use super::{Architecture, Initialisation, Layer, Net};
use crate::config::{ModelOptions, NormKind};
use crate::dual::{Activation::Relu, PoolShape};

const HALVE: Layer = Layer::MaxPool(PoolShape { kernel: 2, stride: 2, padding: 0 });

/// 2,472,266 parameters at 10 classes.
pub const ALEXNET: Architecture = Architecture {
    name: "alexnet",
    about: "Krizhevsky et al. 2012 for CIFAR: five convolutions, 11x11 of stride 4 first, maxima",
    switches: &["activation", "width", "bias", "initialisation"],
    build: |options, input, classes| {
        let bias = options.bias(true);
        let mut layers = Vec::new();
        let mut from = input[0];
        // Place in the sequence, channels, kernel, stride, padding, a maximum behind it.
        for (place, width, kernel, stride, padding, pool) in [
            (0, 64, 11, 4, 5, true),
            (3, 192, 5, 1, 2, true),
            (6, 384, 3, 1, 1, false),
            (8, 256, 3, 1, 1, false),
            (10, 256, 3, 1, 1, true),
        ] {
            let to = options.channels(width);
            let name = format!("features.{place}");
            layers.push(Layer::conv(&name, from, to, kernel, stride, padding).with_bias(bias));
            layers.push(Layer::Activation(options.activation(Relu)));
            layers.extend(pool.then_some(HALVE));
            from = to;
        }
        layers.push(Layer::Flatten);
        let features = Net::features(&layers, input)?;
        layers.push(Layer::linear("classifier", features, classes).with_bias(bias));
        Net::new(layers, input, options.initialisation(Initialisation::PyTorch))
    },
};

/// 9,225,610 parameters at 10 classes.
pub const VGG11: Architecture = Architecture {
    name: "vgg11",
    about: "Simonyan and Zisserman 2015 for CIFAR: eight 3x3 convolutions of width 64 to 512, maxima",
    switches: SWITCHES,
    build: |options, input, classes| vgg(options, input, classes, [1, 1, 2, 2, 2], NormKind::None),
};

/// 9,231,114 parameters at 10 classes.
pub const VGG11_BN: Architecture = Architecture {
    name: "vgg11-bn",
    about: "vgg11 with BatchNorm",
    switches: SWITCHES,
    build: |options, input, classes| vgg(options, input, classes, [1, 1, 2, 2, 2], NormKind::Batch),
};

/// 14,719,818 parameters at 10 classes.
pub const VGG16: Architecture = Architecture {
    name: "vgg16",
    about: "the same with thirteen convolutions",
    switches: SWITCHES,
    build: |options, input, classes| vgg(options, input, classes, [2, 2, 3, 3, 3], NormKind::None),
};

/// 14,728,266 parameters at 10 classes.
pub const VGG16_BN: Architecture = Architecture {
    name: "vgg16-bn",
    about: "vgg16 with BatchNorm",
    switches: SWITCHES,
    build: |options, input, classes| vgg(options, input, classes, [2, 2, 3, 3, 3], NormKind::Batch),
};

const SWITCHES: &[&str] = &["activation", "norm", "width", "bias", "initialisation"];

/// `stages` lists the convolutions in front of each maximum.
fn vgg(
    options: &ModelOptions,
    input: [usize; 3],
    classes: usize,
    stages: [usize; 5],
    norm: NormKind,
) -> Result<Net, String> {
    let mut layers = Vec::new();
    let mut from = input[0];
    let mut place = 0;
    for (convolutions, width) in stages.into_iter().zip([64, 128, 256, 512, 512]) {
        let to = options.channels(width);
        for _ in 0..convolutions {
            let conv = Layer::conv(&format!("features.{place}"), from, to, 3, 1, 1);
            let norm = options.norm(norm, &format!("features.{}", place + 1), to);
            // Convolution, perhaps a normalisation, and an activation take a place each.
            place += if norm.is_some() { 3 } else { 2 };
            layers.push(conv.with_bias(options.bias(true)));
            layers.extend(norm);
            layers.push(Layer::Activation(options.activation(Relu)));
            from = to;
        }
        layers.push(HALVE);
        place += 1;
    }
    layers.push(Layer::Flatten);
    let features = Net::features(&layers, input)?;
    layers.push(Layer::linear("classifier", features, classes).with_bias(options.bias(true)));
    Net::new(layers, input, options.initialisation(Initialisation::PyTorch))
}
