//! The geometry of one convolution of one size, and windows laid out as columns.

use crate::dual::ConvShape;

use super::map::Map;
use super::real::Real;

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
        let least = 48usize.div_ceil(width.max(1));
        let step = fit.max(least).min(total.max(1));
        // Of even size, so that threads end together.
        let step = total.div_ceil(total.div_ceil(step).max(1)).max(1);
        (0..total).step_by(step).map(|begin| (begin, (begin + step).min(total))).collect()
    }

    /// Windows as columns: `[channels * taps, positions]` of the channels `channels` and the rows out
    /// `rows.0..rows.1`.
    pub fn columns_of<T: Real>(
        &self,
        a: &Map<T>,
        channels: std::ops::Range<usize>,
        rows: (usize, usize),
        out: &mut Vec<T>,
    ) {
        let [_, _, width] = self.to;
        // What is there already is overwritten, so only growth is filled.
        out.resize(channels.len() * self.taps() * (rows.1 - rows.0) * width, T::zero());
        let mut lines = out.chunks_exact_mut(width.max(1));
        for channel in channels {
            let plane = a.row(channel);
            for tap in 0..self.taps() {
                let reach = self.reach(tap);
                for row in rows.0..rows.1 {
                    let Some(line) = lines.next() else { return };
                    self.window_row(plane, tap, row, reach, line);
                }
            }
        }
    }

    /// The entries under one tap of the kernel along one row out.
    fn window_row<T: Real>(
        &self,
        plane: &[T],
        tap: usize,
        row: usize,
        (begin, end, first): (usize, usize, usize),
        line: &mut [T],
    ) {
        let [_, _, source_width] = self.from;
        let Some(source) = self.source_row(tap, row) else {
            line.fill(T::zero());
            return;
        };
        let start = source * source_width + first;
        let source = &plane[start..(source + 1) * source_width];
        line[..begin].fill(T::zero());
        line[end..].fill(T::zero());
        let inside = &mut line[begin..end];
        match self.shape.stride {
            1 => inside.copy_from_slice(&source[..end - begin]),
            stride => {
                let taken = source.chunks(stride).map(|chunk| chunk[0]);
                inside.iter_mut().zip(taken).for_each(|(entry, value)| *entry = value);
            }
        }
    }

    /// Adds columns back to where they were taken: the transpose of [`Geometry::columns_of`]. `planes` are those of
    /// the channels that the columns belong to.
    pub fn add_columns<T: Real>(&self, columns: &[T], rows: (usize, usize), planes: &mut [T]) {
        let [_, _, width] = self.to;
        let [_, _, source_width] = self.from;
        let mut lines = columns.chunks_exact(width);
        for plane in planes.chunks_exact_mut(self.places()) {
            for tap in 0..self.taps() {
                let (begin, end, first) = self.reach(tap);
                for row in rows.0..rows.1 {
                    let Some(line) = lines.next() else { return };
                    let Some(source) = self.source_row(tap, row) else { continue };
                    let start = source * source_width + first;
                    let target = &mut plane[start..(source + 1) * source_width];
                    if self.shape.stride == 1 {
                        let pairs = target.iter_mut().zip(&line[begin..end]);
                        pairs.for_each(|(sum, &part)| *sum += part);
                    } else {
                        let pairs = target.iter_mut().step_by(self.shape.stride).zip(&line[begin..end]);
                        pairs.for_each(|(sum, &part)| *sum += part);
                    }
                }
            }
        }
    }

    /// The row in (over the batch) under a tap for a row out; `None` in the border.
    fn source_row(&self, tap: usize, row: usize) -> Option<usize> {
        let [_, rows, _] = self.to;
        let [_, height, _] = self.from;
        let (sample, y) = (row / rows, row % rows);
        let y = (y * self.shape.stride + tap / self.kernel * self.shape.dilation)
            .checked_sub(self.shape.padding)
            .filter(|&y| y < height)?;
        Some(sample * height + y)
    }

    /// Along a row out: the first and last position (excluded) that see the input under a tap, and the column in
    /// that the first one sees.
    fn reach(&self, tap: usize) -> (usize, usize, usize) {
        let [_, _, width] = self.to;
        let [_, _, source] = self.from;
        let (offset, stride) = (tap % self.kernel * self.shape.dilation, self.shape.stride);
        let begin = self.shape.padding.saturating_sub(offset).div_ceil(stride).min(width);
        // The last x with x stride + offset - padding < source.
        let end = (source + self.shape.padding).saturating_sub(offset).div_ceil(stride).min(width);
        if begin >= end {
            return (begin, begin, 0);
        }
        (begin, end, begin * stride + offset - self.shape.padding)
    }
}
