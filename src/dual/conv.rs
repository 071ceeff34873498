//! Two-dimensional convolution.

use burn::tensor::{module, ops::ConvOptions};

use super::upsample::resampled;
use super::{Dual, sum};

/// Geometry of a convolution, the same in both directions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConvShape {
    /// Step between windows.
    pub stride: usize,
    /// Zeros added on every side.
    pub padding: usize,
    /// Distance between the taps of the kernel.
    pub dilation: usize,
    /// Independent groups of channels.
    pub groups: usize,
}

impl ConvShape {
    /// Stride and padding without dilation or groups.
    pub fn new(stride: usize, padding: usize) -> Self {
        ConvShape { stride, padding, dilation: 1, groups: 1 }
    }

    /// Side of the output for an input side and a kernel side; `None` if the kernel does not fit.
    pub fn output(self, side: usize, kernel: usize) -> Option<usize> {
        let reach = self.dilation * (kernel - 1) + 1;
        Some((side + 2 * self.padding).checked_sub(reach)? / self.stride + 1)
    }

    fn options(self) -> ConvOptions<2> {
        let both = |v| [v, v];
        ConvOptions::new(both(self.stride), both(self.padding), both(self.dilation), self.groups)
    }
}

/// `conv(a, W) + b` with its tangent `conv(a', W) + conv(a, W') + b'`.
///
/// `a` is `[batch, in, height, width]`, `weight` is `[out, in / groups, kernel, kernel]`, `bias` is `[out]`.
pub fn conv2d(a: Dual<4>, weight: Dual<4>, bias: Option<Dual<1>>, shape: ConvShape) -> Dual<4> {
    let (bias, bias_tangent) = match bias {
        Some(bias) => (Some(bias.value), bias.tangent),
        None => (None, None),
    };
    let value = module::conv2d(a.value.clone(), weight.value.clone(), bias, shape.options());
    let through_input = a.tangent.map(|da| module::conv2d(da, weight.value, None, shape.options()));
    let tangent = match (weight.tangent, bias_tangent) {
        (Some(dw), db) => sum(through_input, Some(module::conv2d(a.value, dw, db, shape.options()))),
        (None, Some(db)) => {
            let channels = db.dims()[0];
            let db = db.reshape([1, channels, 1, 1]).expand(value.dims());
            sum(through_input, Some(db))
        }
        (None, None) => through_input,
    };
    Dual { value, tangent }
}

/// The transpose of a convolution without its bias, `convT(a, W) + b`, with its tangent
/// `convT(a', W) + convT(a, W') + b'`: a convolution of the map with zeros between its values by the turned kernel.
///
/// `a` is `[batch, in, height, width]`, `weight` is `[in, out, kernel, kernel]` (PyTorch's layout), `bias` is `[out]`;
/// `padding` is below the kernel's side.
pub fn conv_transpose2d(
    a: Dual<4>,
    weight: Dual<4>,
    bias: Option<Dual<1>>,
    stride: usize,
    padding: usize,
) -> Dual<4> {
    let kernel = weight.value.dims()[2];
    let spread = resampled(a, |side| {
        let spread = (side - 1) * stride + 1;
        let mut weights = vec![0.0; spread * side];
        (0..side).for_each(|at| weights[at * stride * side + at] = 1.0);
        weights
    });
    let turned = weight.map_linear(|w| w.swap_dims(0, 1).flip([2, 3]));
    conv2d(spread, turned, bias, ConvShape::new(1, kernel - 1 - padding))
}
