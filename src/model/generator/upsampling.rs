//! The generator that gialab trains, and the one whose weights are searched untrained: a fully connected layer, then
//! convolutions between which the map doubles.

use super::{GeneratorNet, Output};
use crate::dual::{Activation, Filter};
use crate::model::Layer;

/// Slope below zero.
const SLOPE: f64 = 0.2;

/// Of codes of `latent` numbers, with a label of `classes` if that is not 0, to pictures `[channels, side, side]`: `width`
/// channels at the smallest map.
///
/// # Errors
/// A side that is no multiple of 4.
pub fn upsampling(
    latent: usize,
    classes: usize,
    [channels, height, width_of_picture]: [usize; 3],
    width: usize,
) -> Result<GeneratorNet, String> {
    let side = height;
    if side != width_of_picture || !side.is_multiple_of(4) || side < 8 {
        return Err(format!(
            "it makes square pictures whose side is a multiple of 4 from 8 on, not {height}x{width_of_picture}"
        ));
    }
    let (small, half) = (side / 4, (width / 2).max(1));
    let leaky = || Layer::Activation(Activation::LeakyRelu(SLOPE));
    let double = || Layer::Upsample { factor: 2, filter: Filter::Nearest };
    let layers = vec![
        Layer::linear("code", latent + classes, width * small * small),
        leaky(),
        Layer::Unflatten([width, small, small]),
        double(),
        Layer::conv("up1", width, width, 3, 1, 1),
        leaky(),
        double(),
        Layer::conv("up2", width, half, 3, 1, 1),
        leaky(),
        Layer::conv("picture", half, channels, 3, 1, 1),
        Layer::Activation(Activation::Sigmoid),
    ];
    GeneratorNet::new(layers, latent, classes, Output::Unit)
}

/// The same from the shapes of a file: of `code.weight`, `up1.weight` and `picture.weight`, and the number of classes.
pub fn upsampling_of(
    code: &[usize],
    up: &[usize],
    picture: &[usize],
    classes: usize,
) -> Result<GeneratorNet, String> {
    let (&[features, inputs], &[width, ..], &[channels, ..]) = (code, up, picture) else {
        return Err("its tensors are of other ranks".to_owned());
    };
    let small = (features / width.max(1)).isqrt();
    if inputs <= classes || small == 0 {
        return Err(format!("its code of {inputs} numbers has no room besides {classes} classes"));
    }
    upsampling(inputs - classes, classes, [channels, 4 * small, 4 * small], width)
}
