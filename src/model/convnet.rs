//! The ConvNet of Geiping et al. 2020.

use super::{Architecture, Initialisation, Layer, Net};
use crate::dual::{Activation::Relu, PoolShape};

const WIDTH: usize = 64;

/// Eight 3x3 convolutions with BatchNorm and ReLU, two 3x3 max-pools, one fully connected layer.
pub const CONVNET64: Architecture = Architecture {
    name: "convnet64",
    about: "Geiping et al. 2020: eight 3x3 convolutions of width 64 to 256 with BatchNorm and ReLU",
    build: |input, classes| {
        let [channels, height, width] = input;
        let mut layers = Vec::new();
        let mut from = channels;
        for (i, factor) in [1, 2, 2, 4, 4, 4, 4, 4].into_iter().enumerate() {
            let to = factor * WIDTH;
            layers.push(Layer::conv(&format!("conv{i}"), from, to, 3, 1, 1));
            layers.push(Layer::batch_norm(&format!("bn{i}"), to));
            layers.push(Layer::Activation(Relu));
            if i == 5 || i == 7 {
                layers.push(Layer::MaxPool(PoolShape { kernel: 3, stride: 3, padding: 0 }));
            }
            from = to;
        }
        layers.push(Layer::Flatten);
        layers.push(Layer::linear("linear", from * (height / 9) * (width / 9), classes));
        Net::new(layers, input, Initialisation::PyTorch)
    },
};
