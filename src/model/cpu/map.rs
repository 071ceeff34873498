//! What flows between layers, and loops over it on all threads.

use rayon::prelude::*;

use super::buffer::Buffer;
use super::real::Real;

/// Entries below which a loop stays on one thread: handing work over costs as much as some thousand additions.
const GRAIN: usize = 1 << 15;

/// Feature maps, channel by channel: `[channels, batch, height, width]`. All positions of a channel lie together, so
/// that a layer is one matrix product for the whole batch. Features are maps of 1x1.
#[derive(Debug, Clone, PartialEq)]
pub struct Map<T: Real> {
    /// Entries in that order.
    pub data: Buffer<T>,
    /// Channels or features.
    pub channels: usize,
    /// Samples.
    pub batch: usize,
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
}

impl<T: Real> Map<T> {
    /// A map of zeros.
    pub fn zeros(channels: usize, [batch, height, width]: [usize; 3]) -> Self {
        let data = Buffer::zeros(channels * batch * height * width);
        Map { data, channels, batch, height, width }
    }

    /// A map to be overwritten.
    pub fn any(channels: usize, [batch, height, width]: [usize; 3]) -> Self {
        Map { data: Buffer::of(channels * batch * height * width), channels, batch, height, width }
    }

    /// Each channel filled with its bias.
    pub fn constant(bias: &[T], places: [usize; 3]) -> Self {
        let mut map = Map::any(bias.len(), places);
        let columns = map.columns().max(1);
        map.data.chunks_mut(columns).zip(bias).for_each(|(row, &b)| row.fill(b));
        map
    }

    /// From row-major `[batch, channels, height, width]`.
    pub fn from_rows(rows: &[T], [batch, channels, height, width]: [usize; 4]) -> Self {
        Map { data: swap(rows, batch, channels, height * width), channels, batch, height, width }
    }

    /// To row-major `[batch, channels, height, width]`.
    pub fn to_rows(&self) -> Vec<T> {
        swap(&self.data, self.channels, self.batch, self.height * self.width).into_vec()
    }

    /// Batch, height and width.
    pub fn places(&self) -> [usize; 3] {
        [self.batch, self.height, self.width]
    }

    /// Entries of one channel.
    pub fn columns(&self) -> usize {
        self.batch * self.height * self.width
    }

    /// The same shape with other entries, channel by channel: `fill` gets the channel and its entries.
    pub fn like(&self, fill: impl Fn(usize, &mut [T]) + Sync + Send) -> Self {
        let mut data = Buffer::of(self.data.len());
        let columns = self.columns().max(1);
        if data.len() < 2 * GRAIN {
            data.chunks_mut(columns).enumerate().for_each(|(channel, row)| fill(channel, row));
        } else {
            let rows = GRAIN.div_ceil(columns);
            let chunks = data.par_chunks_mut(columns).with_min_len(rows);
            chunks.enumerate().for_each(|(channel, row)| fill(channel, row));
        }
        Map { data, ..*self }
    }

    /// Entries of one channel.
    pub fn row(&self, channel: usize) -> &[T] {
        let columns = self.columns();
        &self.data[channel * columns..(channel + 1) * columns]
    }

    /// `f` of each entry.
    pub fn each(&self, f: impl Fn(T) -> T + Sync + Send) -> Self {
        self.like(|channel, out| {
            out.iter_mut().zip(self.row(channel)).for_each(|(out, &a)| *out = f(a));
        })
    }

    /// `f` of the entries of two maps of one shape.
    pub fn with(&self, other: &Map<T>, f: impl Fn(T, T) -> T + Sync + Send) -> Self {
        self.like(|channel, out| {
            let pairs = self.row(channel).iter().zip(other.row(channel));
            out.iter_mut().zip(pairs).for_each(|(out, (&a, &b))| *out = f(a, b));
        })
    }

    /// `f` of the entries of four maps of one shape.
    pub fn with3(&self, [b, c, d]: [&Map<T>; 3], f: impl Fn(T, T, T, T) -> T + Sync + Send) -> Self {
        self.like(|channel, out| {
            let (a, b, c, d) = (self.row(channel), b.row(channel), c.row(channel), d.row(channel));
            for (i, out) in out.iter_mut().enumerate() {
                *out = f(a[i], b[i], c[i], d[i]);
            }
        })
    }

    /// Adds another map of this shape.
    pub fn add(&mut self, other: &Map<T>) {
        let add = |(sum, part): (&mut [T], &[T])| {
            sum.iter_mut().zip(part).for_each(|(sum, &part)| *sum += part);
        };
        if self.data.len() < 2 * GRAIN {
            add((&mut self.data, &other.data));
        } else {
            self.data.par_chunks_mut(GRAIN).zip(other.data.par_chunks(GRAIN)).for_each(add);
        }
    }

    /// One number per channel.
    pub fn per_channel(&self, f: impl Fn(usize) -> T + Sync + Send) -> Vec<T> {
        if self.data.len() < 2 * GRAIN {
            (0..self.channels).map(f).collect()
        } else {
            (0..self.channels).into_par_iter().map(f).collect()
        }
    }
}

/// `[first, second, inner]` to `[second, first, inner]`.
pub fn swap<T: Real>(data: &[T], first: usize, second: usize, inner: usize) -> Buffer<T> {
    let mut out = Buffer::of(data.len());
    if first == 1 || second == 1 {
        out.copy_from_slice(data);
        return out;
    }
    for (line, out) in out.chunks_exact_mut(inner.max(1)).enumerate() {
        let (j, i) = (line / first, line % first);
        out.copy_from_slice(&data[(i * second + j) * inner..][..inner]);
    }
    out
}

/// Sum in an order that does not depend on threads, in eight lanes.
pub fn sum<T: Real>(terms: impl Iterator<Item = T>) -> T {
    let mut lanes = [T::zero(); 8];
    terms.enumerate().for_each(|(i, term)| lanes[i % 8] += term);
    lanes.into_iter().sum()
}

/// `<a, b>`, in lanes of 16.
pub fn dot<T: Real>(a: &[T], b: &[T]) -> T {
    let mut lanes = [T::zero(); 16];
    let (left, right) = (a.chunks_exact(16), b.chunks_exact(16));
    let rest: T = left.remainder().iter().zip(right.remainder()).map(|(&a, &b)| a * b).sum();
    for (a, b) in left.zip(right) {
        for lane in 0..16 {
            lanes[lane] += a[lane] * b[lane];
        }
    }
    lanes.into_iter().sum::<T>() + rest
}

/// The sum of a slice, in lanes of 16.
pub fn total<T: Real>(a: &[T]) -> T {
    let mut lanes = [T::zero(); 16];
    let chunks = a.chunks_exact(16);
    let rest: T = chunks.remainder().iter().copied().sum();
    for a in chunks {
        for lane in 0..16 {
            lanes[lane] += a[lane];
        }
    }
    lanes.into_iter().sum::<T>() + rest
}
