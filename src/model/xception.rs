//! mini-Xception (Arriaga et al. 2017): separable convolutions and residual blocks for small faces.

use super::layer::SampleShape;
use super::mobilenet::same_border;
use super::{Architecture, Initialisation, Layer, Net};
use crate::config::NormKind;
use crate::dual::{Activation::Relu, PoolShape};

/// Keras' epsilon of BatchNorm.
const EPS: f64 = 1e-3;

/// 56,951 parameters at 7 classes of 64x64 grey images. Module names are those of the public Keras weights.
pub const MINI_XCEPTION: Architecture = Architecture {
    name: "mini-xception",
    about: "Arriaga et al. 2017: separable convolutions with residual blocks, width 8 to 128, for 64x64 faces",
    switches: &["activation", "norm", "width", "skip", "bias", "initialisation"],
    build: |options, input, classes| {
        let biased = options.bias(false);
        let activation = Layer::Activation(options.activation(Relu));
        let norm = |i: usize, channels| {
            options.norm_with(NormKind::Batch, &format!("batch_normalization_{i}"), channels, EPS)
        };
        let mut from = options.channels(8);
        let mut layers = Vec::new();
        for (i, channels) in [(1, input[0]), (2, from)] {
            layers.push(Layer::conv(&format!("conv2d_{i}"), channels, from, 3, 1, 0).with_bias(biased));
            layers.extend(norm(i, from));
            layers.push(activation.clone());
        }
        for (i, width) in [16, 32, 64, 128].into_iter().enumerate() {
            let to = options.channels(width);
            let SampleShape::Map([_, height, width]) = Net::shape(&layers, input)? else {
                return Err("mini-xception is made of maps".to_owned());
            };
            let separable = |j: usize, from| {
                let name = |part: &str| format!("separable_conv2d_{}.{part}", 2 * i + j);
                [
                    Layer::depthwise(&name("depthwise"), from, 3, 1, 1).with_bias(biased),
                    Layer::conv(&name("pointwise"), from, to, 1, 1, 0).with_bias(biased),
                ]
            };
            let first = 3 * i + 3;
            let mut shortcut =
                vec![Layer::conv(&format!("conv2d_{}", i + 3), from, to, 1, 2, 0).with_bias(biased)];
            shortcut.extend(norm(first, to));
            let mut body = separable(1, from).to_vec();
            body.extend(norm(first + 1, to));
            body.push(activation.clone());
            body.extend(separable(2, to));
            body.extend(norm(first + 2, to));
            // A maximum never chooses the border.
            body.push(Layer::Pad {
                rows: same_border(height, 3, 2),
                columns: same_border(width, 3, 2),
                value: f64::from(f32::MIN),
            });
            body.push(Layer::MaxPool(PoolShape { kernel: 3, stride: 2, padding: 0 }));
            if options.skip == Some(false) {
                layers.append(&mut body);
            } else {
                layers.extend(options.residual(body, shortcut, None));
            }
            from = to;
        }
        layers.push(Layer::conv("conv2d_7", from, classes, 3, 1, 1).with_bias(options.bias(true)));
        layers.push(Layer::GlobalAvgPool);
        Net::new(layers, input, options.initialisation(Initialisation::PyTorch))
    },
};
