//! Plain convolutional networks: the ConvNet of Geiping et al. 2020 and a small one for digits.

use super::{Architecture, Initialisation, Layer, Net};
use crate::config::NormKind;
use crate::dual::{Activation::Relu, PoolShape};

const WIDTH: usize = 64;

/// Eight 3x3 convolutions with BatchNorm and ReLU, two 3x3 max-pools, one fully connected layer.
pub const CONVNET64: Architecture = Architecture {
    name: "convnet64",
    about: "Geiping et al. 2020: eight 3x3 convolutions of width 64 to 256 with BatchNorm and ReLU",
    switches: &["activation", "norm", "width", "bias", "initialisation"],
    build: |options, input, classes| {
        let bias = options.bias(true);
        let mut layers = Vec::new();
        let mut from = input[0];
        for (i, factor) in [1, 2, 2, 4, 4, 4, 4, 4].into_iter().enumerate() {
            let to = options.channels(factor * WIDTH);
            layers.push(Layer::conv(&format!("conv{i}"), from, to, 3, 1, 1).with_bias(bias));
            layers.extend(options.norm(NormKind::Batch, &format!("bn{i}"), to));
            layers.push(Layer::Activation(options.activation(Relu)));
            if i == 5 || i == 7 {
                layers.push(Layer::MaxPool(PoolShape { kernel: 3, stride: 3, padding: 0 }));
            }
            from = to;
        }
        layers.push(Layer::Flatten);
        let features = Net::features(&layers, input)?;
        layers.push(Layer::linear("linear", features, classes).with_bias(bias));
        Net::new(layers, input, options.initialisation(Initialisation::PyTorch))
    },
};

/// Three 3x3 convolutions with maxima between them, two fully connected layers.
pub const DIGIT_CNN: Architecture = Architecture {
    name: "digit-cnn",
    about: "three 3x3 convolutions of width 32 to 128 with maxima, two fully connected layers",
    switches: &["activation", "width", "bias", "initialisation"],
    build: |options, input, classes| {
        let bias = options.bias(true);
        let activation = Layer::Activation(options.activation(Relu));
        let mut layers = Vec::new();
        let mut from = input[0];
        for (i, width) in [32, 64, 128].into_iter().enumerate() {
            let to = options.channels(width);
            let name = format!("conv_layers.{}", 3 * i);
            layers.push(Layer::conv(&name, from, to, 3, 1, 1).with_bias(bias));
            layers.push(activation.clone());
            layers.push(Layer::MaxPool(PoolShape { kernel: 2, stride: 2, padding: 0 }));
            from = to;
        }
        layers.push(Layer::Flatten);
        let (features, hidden) = (Net::features(&layers, input)?, options.channels(256));
        layers.push(Layer::linear("fc_layers.0", features, hidden).with_bias(bias));
        layers.push(activation);
        layers.push(Layer::linear("fc_layers.2", hidden, classes).with_bias(bias));
        Net::new(layers, input, options.initialisation(Initialisation::PyTorch))
    },
};
