//! The LeNet of Zhu et al. 2019 (DLG): sigmoids, strided convolutions, wide initial weights.

use super::layer::SampleShape;
use super::{Architecture, Initialisation, Layer, Net};
use crate::dual::Activation::Sigmoid;

/// Three convolutions of 12 channels (5x5; stride 2, 2, 1) and one fully connected layer.
pub const LENET: Architecture = Architecture {
    name: "lenet",
    about: "Zhu et al. 2019: three 5x5 convolutions with sigmoids, weights U(-0.5, 0.5)",
    build: |input, classes| {
        let mut layers = Vec::new();
        for (i, (channels, stride)) in [(input[0], 2), (12, 2), (12, 1)].into_iter().enumerate() {
            layers.push(Layer::conv(&format!("conv{}", i + 1), channels, 12, 5, stride, 2));
            layers.push(Layer::Activation(Sigmoid));
        }
        layers.push(Layer::Flatten);
        let flat =
            layers.iter().try_fold(SampleShape::Map(input), |shape, layer| layer.output_shape(shape))?;
        let SampleShape::Features(features) = flat else {
            return Err("lenet ends in features".to_owned());
        };
        layers.push(Layer::linear("fc", features, classes));
        Net::new(layers, input, Initialisation::Uniform(0.5))
    },
};
