//! Pooling. Averages are linear; a maximum carries the tangent of the entry that won.

use burn::tensor::module;

use super::Dual;

/// Geometry of a pooling window, the same in both directions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolShape {
    /// Side of the window.
    pub kernel: usize,
    /// Step between windows.
    pub stride: usize,
    /// Border added on every side (minus infinity for the maximum).
    pub padding: usize,
}

impl PoolShape {
    /// Side of the output for an input side; `None` if the window does not fit.
    pub fn output(self, side: usize) -> Option<usize> {
        Some((side + 2 * self.padding).checked_sub(self.kernel)? / self.stride + 1)
    }
}

/// Maximum over windows; ties go to the first entry. The tangent is gathered with the value's arg-max.
pub fn max_pool(a: Dual<4>, shape: PoolShape) -> Dual<4> {
    let both = |v| [v, v];
    let (kernel, stride, padding) = (both(shape.kernel), both(shape.stride), both(shape.padding));
    match a.tangent {
        None => Dual::constant(module::max_pool2d(a.value, kernel, stride, padding, [1, 1], false)),
        Some(da) => {
            let [batch, channels, height, width] = da.dims();
            let (value, winners) =
                module::max_pool2d_with_indices(a.value, kernel, stride, padding, [1, 1], false);
            let [_, _, rows, columns] = value.dims();
            let tangent = da
                .reshape([batch, channels, height * width])
                .gather(2, winners.reshape([batch, channels, rows * columns]))
                .reshape([batch, channels, rows, columns]);
            Dual::new(value, tangent)
        }
    }
}

/// Mean over windows without padding.
pub fn avg_pool(a: Dual<4>, shape: PoolShape) -> Dual<4> {
    let both = |v| [v, v];
    a.map_linear(|x| {
        module::avg_pool2d(x, both(shape.kernel), both(shape.stride), both(shape.padding), true, false)
    })
}

/// Mean over height and width: `[batch, channels, height, width]` to `[batch, channels]`.
pub fn global_avg_pool(a: Dual<4>) -> Dual<2> {
    a.map_linear(|x| {
        let [batch, channels, height, width] = x.dims();
        x.reshape([batch, channels, height * width]).mean_dim(2).reshape([batch, channels])
    })
}
