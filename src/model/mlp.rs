//! A fully connected network.

use super::{Architecture, Initialisation, Layer, Net};
use crate::dual::Activation::Relu;

/// Flatten, hidden layers of 2048, ReLU, output.
pub const MLP: Architecture = Architecture {
    name: "mlp",
    about: "one hidden layer of 2048 with ReLU; fully connected layers leak their input exactly",
    switches: &["activation", "width", "depth", "bias", "initialisation"],
    build: |options, input, classes| {
        let width = options.channels(2048);
        let mut from = input.iter().product();
        let mut layers = vec![Layer::Flatten];
        let hidden = options.depth(1);
        for i in 1..=hidden {
            layers.push(Layer::linear(&format!("fc{i}"), from, width).with_bias(options.bias(true)));
            layers.push(Layer::Activation(options.activation(Relu)));
            from = width;
        }
        let last = format!("fc{}", hidden + 1);
        layers.push(Layer::linear(&last, from, classes).with_bias(options.bias(true)));
        Net::new(layers, input, options.initialisation(Initialisation::PyTorch))
    },
};
