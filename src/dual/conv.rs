//! Two-dimensional convolution.

use burn::tensor::module;
use burn::tensor::ops::{ConvOptions, ConvTransposeOptions};

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
/// `convT(a', W) + convT(a, W') + b'`.
///
/// `a` is `[batch, in, height, width]`, `weight` is `[in, out, kernel, kernel]` (PyTorch's layout), `bias` is `[out]`.
pub fn conv_transpose2d(
    a: Dual<4>,
    weight: Dual<4>,
    bias: Option<Dual<1>>,
    stride: usize,
    padding: usize,
) -> Dual<4> {
    let options = || {
        let both = |v| [v, v];
        ConvTransposeOptions::new(both(stride), both(padding), both(0), both(1), 1)
    };
    let value = module::conv_transpose2d(a.value.clone(), weight.value.clone(), None, options());
    let through_input = a.tangent.map(|da| module::conv_transpose2d(da, weight.value, None, options()));
    let through_weight = weight.tangent.map(|dw| module::conv_transpose2d(a.value, dw, None, options()));
    let moved = Dual { value, tangent: sum(through_input, through_weight) };
    match bias {
        Some(bias) => {
            let (dims, channels) = (moved.value.dims(), bias.value.dims()[0]);
            moved.plus(bias.map_linear(|b| b.reshape([1, channels, 1, 1])).expand(dims))
        }
        None => moved,
    }
}
