//! The geometry of one convolution of one size.

use crate::dual::ConvShape;

/// Bytes of a block of columns, small enough to stay in a core's cache between its making and its use.
const BLOCK_BYTES: usize = 384 << 10;

/// A convolution of maps of one size.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Geometry {
    /// Side of the kernel.
    pub kernel: usize,
    /// Stride, padding, dilation, groups.
    pub shape: ConvShape,
    /// Channels in.
    pub input: usize,
    /// Channels out.
    pub output: usize,
    /// Batch, height, width in.
    pub from: [usize; 3],
    /// Batch, height, width out.
    pub to: [usize; 3],
}

impl Geometry {
    /// Channels in of one group.
    pub fn group_input(&self) -> usize {
        self.input / self.shape.groups
    }

    /// Channels out of one group.
    pub fn group_output(&self) -> usize {
        self.output / self.shape.groups
    }

    /// Entries of the kernel of one channel in.
    pub fn taps(&self) -> usize {
        self.kernel * self.kernel
    }

    /// Positions out, over the batch.
    pub fn columns(&self) -> usize {
        self.to.iter().product()
    }

    /// Positions in, over the batch.
    pub fn places(&self) -> usize {
        self.from.iter().product()
    }

    /// Whether columns are the input itself: nothing is moved and nothing is added at the border.
    pub fn is_pointwise(&self) -> bool {
        self.kernel == 1 && self.shape.stride == 1 && self.shape.padding == 0
    }

    /// Multiply-adds.
    pub fn work(&self) -> usize {
        self.output * self.group_input() * self.taps() * self.columns()
    }

    /// Rows out, over the batch, in blocks whose columns of `height` entries fit the cache: starts and ends.
    pub fn blocks<T>(&self, height: usize) -> Vec<(usize, usize)> {
        let [batch, rows, width] = self.to;
        let total = batch * rows;
        let fit = BLOCK_BYTES / (height * width * size_of::<T>()).max(1);
        let least = 64usize.div_ceil(width.max(1));
        let step = fit.max(least).min(total.max(1));
        // Of even size, so that threads end together.
        let step = total.div_ceil(total.div_ceil(step).max(1)).max(1);
        (0..total).step_by(step).map(|begin| (begin, (begin + step).min(total))).collect()
    }
}
