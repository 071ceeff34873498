//! 3x3 convolutions at stride 1 with a quarter of the multiplications: F(4x4, 3x3) of Winograd, in the form of
//! Lavin and Gray 2016 (arXiv:1509.09308).
//!
//! A tile is 4x4 positions out and the 6x6 in that they see. `o` multiplies entry by entry:
//!
//! ```text
//! z = A^T [ sum over channels  (G w G^T) o (B^T a B) ] A      forward
//! g = G^T [ sum over tiles     (A p A^T) o (B^T a B) ] G      gradient to the kernel: its transpose
//! ```
//!
//! Each of the 36 entries in brackets is one matrix product. The gradient to the input is `forward` with kernels
//! turned around.

mod matrices;

use rayon::prelude::*;

use super::buffer::Buffer;
use super::geometry::Geometry;
use super::lanes::{LANES, widest};
use super::map::Map;
use super::matrix::{View, ViewMut};
use super::real::Real;
use matrices::{A, B, G, Matrix, TransposedA, TransposedG, twice};

/// Positions out along one side of a tile.
const TILE: usize = 4;

/// Positions in that a tile sees along one side.
const SIDE: usize = TILE + 2;

/// Entries of a transformed tile or kernel.
const ENTRIES: usize = SIDE * SIDE;

/// Bytes of the transformed maps of one block of tiles: beyond it they leave the shared cache before they are used.
const BLOCK_BYTES: usize = 8 << 20;

/// Channels below which products are too thin to gain.
const LEAST_CHANNELS: usize = 16;

/// Tiles below which transforming kernels costs more than is saved. Large kernels leave the cache and need more.
const LEAST_TILES: usize = 16;
const CHANNELS_PER_TILE: usize = 8;

/// Tiles of a row that are taken apart at once.
const RUN: usize = 8;

/// Whether a convolution gains.
pub fn fits(geometry: &Geometry) -> bool {
    let (shape, grid) = (geometry.shape, Grid::new(geometry));
    let channels = geometry.input.min(geometry.output);
    let tiles = grid.to[0] * grid.down * grid.across;
    geometry.kernel == 3
        && (shape.stride, shape.dilation, shape.groups) == (1, 1, 1)
        && shape.padding <= 2
        && channels >= LEAST_CHANNELS
        && tiles >= LEAST_TILES.max(channels / CHANNELS_PER_TILE)
}

/// `sum conv(a, W) + b` over the terms (W, a).
pub fn forward<T: Real>(geometry: &Geometry, terms: &[(&[T], &Map<T>)], bias: Option<&[T]>) -> Map<T> {
    let (output, input) = (geometry.output, geometry.input);
    let terms: Vec<_> = terms.iter().map(|(w, a)| (kernels(w, output, input, false), *a)).collect();
    correlate(&Grid::new(geometry), (output, input), &terms, bias, |kernels, entry| {
        View::new(&kernels[entry * input..], output, input, stride(input))
    })
}

/// `sum W^T p` over the terms (W, p).
pub fn to_input<T: Real>(geometry: &Geometry, terms: &[(&[T], &Map<T>)]) -> Map<T> {
    let (output, input) = (geometry.output, geometry.input);
    let terms: Vec<_> = terms.iter().map(|(w, p)| (kernels(w, output, input, true), *p)).collect();
    correlate(&Grid::new(geometry).backward(), (input, output), &terms, None, |kernels, entry| {
        View::new(&kernels[entry * input..], output, input, stride(input)).transposed()
    })
}

/// `sum p windows(a)^T` over the terms (p, a): `[output, input, 3, 3]`.
pub fn to_weight<T: Real>(geometry: &Geometry, terms: &[(&Map<T>, &Map<T>)]) -> Vec<T> {
    let (output, input) = (geometry.output, geometry.input);
    let grid = Grid::new(geometry);
    let mut sums = Buffer::of(ENTRIES * output * input);
    let mut add = false;
    for &(p, a) in terms {
        for block in grid.blocks::<T>(output + input) {
            let tiles = grid.count(block);
            let of_p = grid.transformed::<A, T, TILE>(p, grid.to, 0, block);
            let of_a = grid.transformed::<B, T, SIDE>(a, grid.from, grid.padding, block);
            entries(&mut sums, (output, input), |entry, rows, sum| {
                let p = View::new(&of_p[(entry * output + rows) * tiles..], sum.rows(), tiles, tiles);
                let a = View::new(&of_a[entry * input * tiles..], input, tiles, tiles);
                sum.product(add, p, a.transposed());
            });
            add = true;
        }
    }
    let mut weight = vec![T::zero(); output * input * 9];
    let taps = || Buffer::of(9 * input);
    weight.par_chunks_mut(input * 9).enumerate().for_each_init(taps, |taps, (o, row)| {
        widest(
            #[inline(always)]
            || {
                let taps = &mut **taps;
                let mut lines = ViewMut::new(taps, 9, input, input);
                twice::<TransposedG, T, SIDE, 3>(&sums[o * input..], output * input, input, &mut lines);
                for (i, row) in row.chunks_exact_mut(9).enumerate() {
                    for tap in 0..9 {
                        row[tap] = taps[tap * input + i];
                    }
                }
            },
        );
    });
    weight
}

/// Forward with transformed kernels: `view` gives the `[rows, inner]` matrix of one entry.
fn correlate<T: Real>(
    grid: &Grid,
    (rows, inner): (usize, usize),
    terms: &[(Buffer<T>, &Map<T>)],
    bias: Option<&[T]>,
    view: impl for<'a> Fn(&'a [T], usize) -> View<'a, T> + Sync,
) -> Map<T> {
    let mut z = Map::zeros(rows, grid.to);
    for block in grid.blocks::<T>(rows + inner) {
        let tiles = grid.count(block);
        let mut of_z = Buffer::of(ENTRIES * rows * tiles);
        for (n, (kernels, a)) in terms.iter().enumerate() {
            let of_a = grid.transformed::<B, T, SIDE>(a, grid.from, grid.padding, block);
            entries(&mut of_z, (rows, tiles), |entry, first, of_z| {
                let kernels = view(kernels, entry).rows(first, of_z.rows());
                of_z.product(n > 0, kernels, View::new(&of_a[entry * inner * tiles..], inner, tiles, tiles));
            });
        }
        grid.write(&of_z, block, bias, &mut z);
    }
    z
}

/// Calls `each` for the `[rows, columns]` of every entry, cut into rows where there are more threads than entries:
/// with the entry, the first row, and the place for the product.
fn entries<T: Real>(
    out: &mut [T],
    (rows, columns): (usize, usize),
    each: impl Fn(usize, usize, &mut ViewMut<T>) + Sync,
) {
    let step = rows.div_ceil((4 * rayon::current_num_threads()).div_ceil(ENTRIES));
    let heights = (0..rows).step_by(step).map(|first| step.min(rows - first));
    let all = ViewMut::new(out, ENTRIES * rows, columns, columns);
    let heights: Vec<_> = (0..ENTRIES).flat_map(|_| heights.clone()).collect();
    let parts = heights.len() / ENTRIES;
    all.tiles(&heights, &[columns]).into_par_iter().enumerate().for_each(|(index, mut tile)| {
        each(index / parts, index % parts * step, &mut tile);
    });
}

/// Tiles of a convolution, row by row over the batch.
struct Grid {
    padding: usize,
    /// Batch, height, width in.
    from: [usize; 3],
    /// Batch, height, width out.
    to: [usize; 3],
    /// Rows of tiles of one sample.
    down: usize,
    /// Tiles of one row.
    across: usize,
}

impl Grid {
    fn new(geometry: &Geometry) -> Self {
        let [_, height, width] = geometry.to;
        Grid {
            padding: geometry.shape.padding,
            from: geometry.from,
            to: geometry.to,
            down: height.div_ceil(TILE),
            across: width.div_ceil(TILE),
        }
    }

    /// The grid of the convolution with turned kernels that leads back.
    fn backward(&self) -> Self {
        let [_, height, width] = self.from;
        Grid {
            padding: 2 - self.padding,
            from: self.to,
            to: self.from,
            down: height.div_ceil(TILE),
            across: width.div_ceil(TILE),
        }
    }

    /// Rows of tiles over the batch in blocks of about even size that fit the cache: starts and ends.
    fn blocks<T>(&self, channels: usize) -> impl Iterator<Item = (usize, usize)> + use<T> {
        let total = self.to[0] * self.down;
        let fit = BLOCK_BYTES / (ENTRIES * channels * self.across * size_of::<T>()).max(1);
        let step = total.div_ceil(total.div_ceil(fit.max(1)).max(1)).max(1);
        (0..total).step_by(step).map(move |begin| (begin, (begin + step).min(total)))
    }

    /// Tiles of a block.
    fn count(&self, (begin, end): (usize, usize)) -> usize {
        (end - begin) * self.across
    }

    /// `M a M^T` of what the tiles in a block of rows see of each channel, for the matrix M named by `X`:
    /// `[36, channels, tiles]`.
    fn transformed<X: Matrix<T, N, SIDE>, T: Real, const N: usize>(
        &self,
        a: &Map<T>,
        shape: [usize; 3],
        padding: usize,
        block: (usize, usize),
    ) -> Buffer<T> {
        let tiles = self.count(block);
        let plane = a.channels * tiles;
        let mut out = Buffer::of(ENTRIES * plane);
        let planes = ViewMut::new(&mut out, ENTRIES, plane, plane);
        let length = length(tiles);
        let lines = || Buffer::of(N * N * length);
        let planes = planes.tiles(&[ENTRIES], &vec![tiles; a.channels]);
        planes.into_par_iter().enumerate().with_min_len(8).for_each_init(
            lines,
            |lines, (channel, mut out)| {
                widest(
                    #[inline(always)]
                    || {
                        self.gather::<T, N>(a.row(channel), shape, padding, block, lines);
                        twice::<X, T, N, SIDE>(lines, length, tiles, &mut out);
                    },
                );
            },
        );
        out
    }

    /// Writes `A^T z A + b` of `[36, channels, tiles]` to the positions of the tiles.
    fn write<T: Real>(&self, of_z: &[T], block: (usize, usize), bias: Option<&[T]>, z: &mut Map<T>) {
        let tiles = self.count(block);
        let (plane, columns) = (z.channels * tiles, z.columns());
        let length = length(tiles);
        let lines = || Buffer::of(TILE * TILE * length);
        let channels = z.data.par_chunks_mut(columns).enumerate().with_min_len(8);
        channels.for_each_init(lines, |lines, (channel, out)| {
            let b = bias.map_or(T::zero(), |bias| bias[channel]);
            widest(
                #[inline(always)]
                || {
                    let mut to = ViewMut::new(lines, TILE * TILE, tiles, length);
                    twice::<TransposedA, T, SIDE, TILE>(&of_z[channel * tiles..], plane, tiles, &mut to);
                    self.scatter(lines, block, b, out);
                },
            );
        });
    }

    /// What tiles see of a channel: N^2 lines of entries (u, v). Zero outside.
    #[inline(always)]
    fn gather<T: Real, const N: usize>(
        &self,
        channel: &[T],
        [_, height, width]: [usize; 3],
        padding: usize,
        block: (usize, usize),
        lines: &mut [T],
    ) {
        let length = length(self.count(block));
        for row in block.0..block.1 {
            let (sample, top) = (row / self.down, row % self.down * TILE);
            for u in 0..N {
                let y = (top + u).checked_sub(padding).filter(|&y| y < height);
                let source = y.map_or(&[][..], |y| &channel[(sample * height + y) * width..][..width]);
                for first in (0..self.across).step_by(RUN) {
                    let begin = (first * TILE) as isize - padding as isize;
                    let mut run = [T::zero(); RUN * TILE + 2];
                    if begin >= 0 && begin as usize + run.len() <= source.len() {
                        run.copy_from_slice(&source[begin as usize..][..RUN * TILE + 2]);
                    } else {
                        let skip = (-begin).max(0) as usize;
                        let start = begin.max(0) as usize;
                        let inside = source.len().saturating_sub(start).min(run.len() - skip);
                        if inside > 0 {
                            run[skip..skip + inside].copy_from_slice(&source[start..start + inside]);
                        }
                    }
                    for v in 0..N {
                        // A whole run: what is beyond the row is overwritten by the next one.
                        let start = (u * N + v) * length + (row - block.0) * self.across + first;
                        let line = &mut lines[start..start + RUN];
                        for t in 0..RUN {
                            line[t] = run[t * TILE + v];
                        }
                    }
                }
            }
        }
    }

    /// The 16 lines of tiles to their positions in a channel, with `b` added.
    #[inline(always)]
    fn scatter<T: Real>(&self, lines: &[T], block: (usize, usize), b: T, channel: &mut [T]) {
        let [_, height, width] = self.to;
        let length = length(self.count(block));
        for row in block.0..block.1 {
            let (sample, top) = (row / self.down, row % self.down * TILE);
            for u in 0..TILE.min(height - top) {
                let target = &mut channel[(sample * height + top + u) * width..][..width];
                for (n, target) in target.chunks_mut(RUN * TILE).enumerate() {
                    let start = u * TILE * length + (row - block.0) * self.across + n * RUN;
                    let mut run = [T::zero(); RUN * TILE];
                    for v in 0..TILE {
                        let line = &lines[start + v * length..][..RUN];
                        for t in 0..RUN {
                            run[t * TILE + v] = line[t] + b;
                        }
                    }
                    target.copy_from_slice(&run[..target.len()]);
                }
            }
        }
    }
}

/// The length of a line of tiles, with room for a whole run and whole lanes at its end.
fn length(tiles: usize) -> usize {
    (tiles + RUN).next_multiple_of(LANES)
}

/// `G w G^T` of a kernel `[output, input, 3, 3]`, turned around or not: `[output, 36, input]`, rows of [`stride`]
/// entries.
fn kernels<T: Real>(w: &[T], output: usize, input: usize, turned: bool) -> Buffer<T> {
    let mut out = Buffer::of(output * stride(input));
    let line = input.next_multiple_of(LANES);
    let taps = || Buffer::of(9 * line);
    out.par_chunks_mut(stride(input)).zip(w.par_chunks(input * 9)).for_each_init(taps, |taps, (out, w)| {
        widest(
            #[inline(always)]
            || {
                for tap in 0..9 {
                    let line = &mut taps[tap * line..][..input];
                    let entries = w[if turned { 8 - tap } else { tap }..].iter().step_by(9);
                    line.iter_mut().zip(entries).for_each(|(tap, &w)| *tap = w);
                }
                twice::<G, T, 3, SIDE>(taps, line, input, &mut ViewMut::new(out, ENTRIES, input, input));
            },
        );
    });
    out
}

/// Not a power of two, at which rows would displace each other from the cache.
fn stride(input: usize) -> usize {
    ENTRIES * input + 16
}
