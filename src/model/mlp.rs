//! A multilayer perceptron.

use super::{Architecture, Initialisation, Layer, Net};
use crate::dual::Activation::Relu;

/// 2048 hidden units, one hidden layer.
pub const MLP: Architecture = Architecture {
    name: "mlp",
    about: "one hidden layer of 2,048 ReLU units; fully connected layers leak their input exactly",
    build: |input, classes| {
        let features = input.iter().product();
        let layers = vec![
            Layer::Flatten,
            Layer::linear("fc1", features, 2048),
            Layer::Activation(Relu),
            Layer::linear("fc2", 2048, classes),
        ];
        Net::new(layers, input, Initialisation::PyTorch)
    },
};
