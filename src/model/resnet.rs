//! Residual networks for small pictures: a 3x3 stem without max-pool, torchvision's parameter names.

use super::{Architecture, Initialisation, Layer, Net};
use crate::dual::Activation::Relu;

/// 11,173,962 parameters at 10 classes.
pub const RESNET18: Architecture = Architecture {
    name: "resnet18",
    about: "He et al. 2016 with a CIFAR stem: four stages of two blocks, width 64 to 512",
    build: |input, classes| resnet(input, classes, &[(2, 64), (2, 128), (2, 256), (2, 512)]),
};

/// Three stages of three blocks; projection shortcuts.
pub const RESNET20: Architecture = Architecture {
    name: "resnet20",
    about: "He et al. 2016 for CIFAR: three stages of three blocks, width 16 to 64, projection shortcuts",
    build: |input, classes| resnet(input, classes, &[(3, 16), (3, 32), (3, 64)]),
};

/// `stages` lists blocks and width; the first block of every later stage halves the resolution.
fn resnet(input: [usize; 3], classes: usize, stages: &[(usize, usize)]) -> Result<Net, String> {
    let mut from = stages[0].1;
    let mut layers = vec![
        Layer::conv_without_bias("conv1", input[0], from, 3, 1, 1),
        Layer::batch_norm("bn1", from),
        Layer::Activation(Relu),
    ];
    for (stage, &(blocks, width)) in stages.iter().enumerate() {
        for block in 0..blocks {
            let stride = if stage > 0 && block == 0 { 2 } else { 1 };
            layers.push(basic_block(&format!("layer{}.{block}", stage + 1), from, width, stride));
            from = width;
        }
    }
    layers.push(Layer::GlobalAvgPool);
    layers.push(Layer::linear("fc", from, classes));
    Net::new(layers, input, Initialisation::PyTorch)
}

fn basic_block(name: &str, from: usize, to: usize, stride: usize) -> Layer {
    let path = |module: &str| format!("{name}.{module}");
    let body = vec![
        Layer::conv_without_bias(&path("conv1"), from, to, 3, stride, 1),
        Layer::batch_norm(&path("bn1"), to),
        Layer::Activation(Relu),
        Layer::conv_without_bias(&path("conv2"), to, to, 3, 1, 1),
        Layer::batch_norm(&path("bn2"), to),
    ];
    let shortcut = if stride != 1 || from != to {
        vec![
            Layer::conv_without_bias(&path("downsample.0"), from, to, 1, stride, 0),
            Layer::batch_norm(&path("downsample.1"), to),
        ]
    } else {
        Vec::new()
    };
    Layer::Residual { body, shortcut }
}
