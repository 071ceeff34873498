//! Densely connected networks (Huang et al. 2017) by torchvision's names.

use super::{Architecture, Initialisation, Layer, Net};
use crate::config::{ModelOptions, NormKind};
use crate::dual::{Activation::Relu, PoolShape};

const SWITCHES: &[&str] = &["activation", "norm", "width", "bias", "initialisation"];

/// torchvision's `densenet121`; 7,978,856 parameters at 1000 classes.
pub const DENSENET121: Architecture = Architecture {
    name: "densenet121",
    about: "Huang et al. 2017: dense blocks of 6, 12, 24 and 16 layers, growth 32, ImageNet stem (torchvision)",
    switches: SWITCHES,
    build: |options, input, classes| densenet(options, input, classes, &[6, 12, 24, 16], 32, true),
};

/// Growth 12 and a 3x3 stem, as for CIFAR.
pub const DENSENET_SMALL: Architecture = Architecture {
    name: "densenet-small",
    about: "the same with three blocks of six layers, growth 12, and a 3x3 stem",
    switches: SWITCHES,
    build: |options, input, classes| densenet(options, input, classes, &[6, 6, 6], 12, false),
};

fn densenet(
    options: &ModelOptions,
    input: [usize; 3],
    classes: usize,
    blocks: &[usize],
    growth: usize,
    imagenet: bool,
) -> Result<Net, String> {
    let growth = options.channels(growth);
    let conv = |name: &str, from, to, kernel, stride| {
        Layer::conv(&format!("features.{name}"), from, to, kernel, stride, kernel / 2)
            .with_bias(options.bias(false))
    };
    let norm = |name: &str, channels| {
        let norm = options.norm(NormKind::Batch, &format!("features.{name}"), channels);
        norm.into_iter().chain([Layer::Activation(options.activation(Relu))]).collect::<Vec<_>>()
    };
    let mut channels = 2 * growth;
    let mut layers = Vec::new();
    if imagenet {
        layers.push(conv("conv0", input[0], channels, 7, 2));
        layers.extend(norm("norm0", channels));
        layers.push(Layer::MaxPool(PoolShape { kernel: 3, stride: 2, padding: 1 }));
    } else {
        layers.push(conv("conv0", input[0], channels, 3, 1));
    }
    for (i, &count) in blocks.iter().enumerate() {
        if i > 0 {
            let name = |module: &str| format!("transition{i}.{module}");
            layers.extend(norm(&name("norm"), channels));
            layers.push(conv(&name("conv"), channels, channels / 2, 1, 1));
            layers.push(Layer::AvgPool(PoolShape { kernel: 2, stride: 2, padding: 0 }));
            channels /= 2;
        }
        for layer in 1..=count {
            let name = |module: &str| format!("denseblock{}.denselayer{layer}.{module}", i + 1);
            let mut branch = norm(&name("norm1"), channels);
            branch.push(conv(&name("conv1"), channels, 4 * growth, 1, 1));
            branch.extend(norm(&name("norm2"), 4 * growth));
            branch.push(conv(&name("conv2"), 4 * growth, growth, 3, 1));
            layers.push(Layer::Concat { branch });
            channels += growth;
        }
    }
    // Its name with any number of blocks.
    layers.extend(norm("norm5", channels));
    layers.push(Layer::GlobalAvgPool);
    layers.push(Layer::linear("classifier", channels, classes).with_bias(options.bias(true)));
    Net::new(layers, input, options.initialisation(Initialisation::PyTorch))
}
