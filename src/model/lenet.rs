//! LeNets: that of Zhu et al. 2019 (DLG) with sigmoids, strides and wide initial weights, and LeNet-5.

use super::{Architecture, Initialisation, Layer, Net};
use crate::dual::{
    Activation::{Relu, Sigmoid},
    PoolShape,
};

/// Three convolutions of 12 channels (5x5; stride 2, 2, 1) and one fully connected layer.
pub const LENET: Architecture = Architecture {
    name: "lenet",
    about: "Zhu et al. 2019: three 5x5 convolutions with sigmoids, weights U(-0.5, 0.5)",
    switches: &["activation", "width", "bias", "initialisation"],
    build: |options, input, classes| {
        let bias = options.bias(true);
        let width = options.channels(12);
        let mut layers = Vec::new();
        for (i, (from, stride)) in [(input[0], 2), (width, 2), (width, 1)].into_iter().enumerate() {
            layers.push(Layer::conv(&format!("conv{}", i + 1), from, width, 5, stride, 2).with_bias(bias));
            layers.push(Layer::Activation(options.activation(Sigmoid)));
        }
        layers.push(Layer::Flatten);
        let features = Net::features(&layers, input)?;
        layers.push(Layer::linear("fc", features, classes).with_bias(bias));
        Net::new(layers, input, options.initialisation(Initialisation::Uniform(0.5)))
    },
};

/// LeCun et al. 1998 with ReLU and maxima, as common for MNIST; 28x28 images get a border of 2 zeros.
pub const LENET5: Architecture = Architecture {
    name: "lenet5",
    about: "LeCun et al. 1998 with ReLU and maxima: three 5x5 convolutions, two fully connected layers",
    switches: &["activation", "width", "bias", "initialisation"],
    build: |options, input, classes| {
        let bias = options.bias(true);
        let activation = Layer::Activation(options.activation(Relu));
        let [first, second, third, fourth] = [6, 16, 120, 84].map(|width| options.channels(width));
        let padding = if input[1] < 32 { 2 } else { 0 };
        let pool = Layer::MaxPool(PoolShape { kernel: 2, stride: 2, padding: 0 });
        let mut layers = vec![
            Layer::conv("convnet.c1", input[0], first, 5, 1, padding).with_bias(bias),
            activation.clone(),
            pool.clone(),
            Layer::conv("convnet.c3", first, second, 5, 1, 0).with_bias(bias),
            activation.clone(),
            pool,
            Layer::conv("convnet.c5", second, third, 5, 1, 0).with_bias(bias),
            activation.clone(),
            Layer::Flatten,
        ];
        let features = Net::features(&layers, input)?;
        layers.push(Layer::linear("fc.f6", features, fourth).with_bias(bias));
        layers.push(activation);
        layers.push(Layer::linear("fc.f7", fourth, classes).with_bias(bias));
        Net::new(layers, input, options.initialisation(Initialisation::PyTorch))
    },
};
