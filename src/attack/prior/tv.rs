//! `tv_aniso` (Geiping et al. 2020): anisotropic total variation.

use burn::tensor::Tensor;

use crate::backend::Tape;

/// `mean |dx| + mean |dy|`, each mean over its own differences; 0 along a side of one pixel.
pub fn tv_aniso(x: Tensor<Tape, 4>) -> Tensor<Tape, 1> {
    let [_, _, height, width] = x.dims();
    let along = |dim: usize, side: usize| {
        if side < 2 {
            return x.clone().sum().mul_scalar(0.0);
        }
        (x.clone().narrow(dim, 1, side - 1) - x.clone().narrow(dim, 0, side - 1)).abs().mean()
    };
    along(3, width) + along(2, height)
}
