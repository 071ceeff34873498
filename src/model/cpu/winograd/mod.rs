//! 3x3 convolutions at stride 1 with a quarter of the multiplications: F(4x4, 3x3) of Winograd, in the form of
//! Lavin and Gray 2016 (arXiv:1509.09308).
//!
//! A tile is 4x4 positions out and the 6x6 in that they see. `o` multiplies entry by entry:
//!
//! ```text
//! z = A^T [ sum over channels  (G w G^T) o (B^T a B) ] A      forward
//! g = G^T [ sum over tiles     (A p A^T) o (B^T a B) ] G      gradient to the kernel
//! q = B   [ sum over channels  (G w G^T) o (A p A^T) ] B^T    gradient to the input
//! ```
//!
//! Each of the 36 entries in brackets is one matrix product. The last two are the transposes of the first, so that all
//! three share what they have in brackets.

mod matrices;
mod taps;

use std::ops::Range;

use rayon::prelude::*;

use crate::dual::ConvShape;

use super::buffer::Buffer;
use super::columns::Windows;
use super::geometry::Geometry;
use super::lanes::{LANES, widest};
use super::map::Map;
use super::matrix::{View, ViewMut};
use super::real::Real;
use matrices::{A, B, G, Matrix, TransposedA, TransposedB, TransposedG, twice};
use taps::{by_kernel, by_tap};

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
const CHANNELS_PER_TILE: usize = 16;

/// Bytes that stay in the cache of one core.
const CORE_BYTES: usize = 1536 << 10;

/// Channels in of a kernel's gradient that are worked on at a time.
const PIECE: usize = 32;

/// Values left free between the rows of large matrices: a power of two apart they would displace each other from the
/// cache.
const GAP: usize = 16;

/// Whether a convolution gains.
pub fn fits(geometry: &Geometry) -> bool {
    let (shape, tiles) = (geometry.shape, Tiles::of(geometry).covered.columns());
    let channels = geometry.input.min(geometry.output);
    geometry.kernel == 3
        && (shape.stride, shape.dilation, shape.groups) == (1, 1, 1)
        && shape.padding <= 2
        && channels >= LEAST_CHANNELS
        && tiles >= LEAST_TILES.max(channels / CHANNELS_PER_TILE)
}

/// `sum conv(a, W) + b` over the terms (W, a).
pub fn forward<T: Real>(geometry: &Geometry, terms: &[(&[T], &Map<T>)], bias: Option<&[T]>) -> Map<T> {
    let tiles = Tiles::of(geometry);
    let mut z = Map::any(geometry.output, geometry.to);
    for block in tiles.blocks::<T>(geometry.input) {
        let of_a = |a| transformed::<B, T, SIDE>(&tiles.seen, a, block);
        let terms: Vec<_> = terms.iter().map(|&(w, a)| (w, of_a(a))).collect();
        multiply::<TransposedA, T, TILE>(geometry, &tiles.covered, &terms, false, block, bias, &mut z);
    }
    z
}

/// `sum W^T p` over the terms (W, p).
pub fn to_input<T: Real>(geometry: &Geometry, terms: &[(&[T], &Map<T>)]) -> Map<T> {
    let tiles = Tiles::of(geometry);
    let mut back = Map::any(geometry.input, geometry.from);
    for block in tiles.blocks::<T>(geometry.output) {
        let of_p = |p| transformed::<A, T, TILE>(&tiles.covered, p, block);
        let terms: Vec<_> = terms.iter().map(|&(w, p)| (w, of_p(p))).collect();
        multiply::<TransposedB, T, SIDE>(geometry, &tiles.seen, &terms, true, block, None, &mut back);
    }
    back
}

/// `sum p windows(a)^T` over the terms (p, a): `[output, input, 3, 3]`.
pub fn to_weight<T: Real>(geometry: &Geometry, terms: &[(&Map<T>, &Map<T>)]) -> Buffer<T> {
    let tiles = Tiles::of(geometry);
    let mut weight = Buffer::of(geometry.output * geometry.input * 9);
    for block in tiles.blocks::<T>(geometry.output + geometry.input) {
        let of_p = |p| transformed::<A, T, TILE>(&tiles.covered, p, block);
        let of_a = |a| transformed::<B, T, SIDE>(&tiles.seen, a, block);
        let terms: Vec<_> = terms.iter().map(|&(p, a)| (of_p(p), of_a(a))).collect();
        correlate(geometry, &terms, block, &mut weight);
    }
    weight
}

/// `p windows(a)^T` and `W^T p`, for the price of one transformed p.
pub fn reverse<T: Real>(geometry: &Geometry, w: &[T], p: &Map<T>, a: &Map<T>) -> (Buffer<T>, Map<T>) {
    let tiles = Tiles::of(geometry);
    let mut weight = Buffer::of(geometry.output * geometry.input * 9);
    let mut back = Map::any(geometry.input, geometry.from);
    for block in tiles.blocks::<T>(geometry.output + geometry.input) {
        let of_p = transformed::<A, T, TILE>(&tiles.covered, p, block);
        let pair = [(of_p, transformed::<B, T, SIDE>(&tiles.seen, a, block))];
        correlate(geometry, &pair, block, &mut weight);
        let [(of_p, _)] = pair;
        multiply::<TransposedB, T, SIDE>(geometry, &tiles.seen, &[(w, of_p)], true, block, None, &mut back);
    }
    (weight, back)
}

/// `M [ sum (G w G^T) a ] M^T` over the terms, for the matrix M named by `X`, to the positions of the maps that the tiles of a
/// block have, summed where tiles overlap. The first block begins with the bias or zeros. With `turned`, kernels lead from
/// channels out to channels in. Channels of the result are worked on a few at a time: their kernels and what is between products
/// and sums stay in the cache of one core.
fn multiply<X: Matrix<T, SIDE, N>, T: Real, const N: usize>(
    geometry: &Geometry,
    tiles: &Geometry,
    terms: &[(&[T], Transformed<T>)],
    turned: bool,
    block: (usize, usize),
    bias: Option<&[T]>,
    z: &mut Map<T>,
) {
    let windows = Windows::new(tiles, block);
    let (count, columns) = ((block.1 - block.0) * tiles.to[2], z.columns());
    let inner = if turned { geometry.output } else { geometry.input };
    let rows = rows::<T>(z.channels, inner + count);
    let (line, kernel_line) = (rows * count + GAP, rows * inner + GAP);
    let room = || {
        let (kernels, sums) = (Buffer::of(ENTRIES * kernel_line), Buffer::of(ENTRIES * line));
        (kernels, Buffer::default(), sums, windows.apart(), windows.columns())
    };
    let parts = z.data.par_chunks_mut(rows * columns).enumerate();
    parts.for_each_init(room, |(kernels, taps, sums, apart, lines), (part, z)| {
        let channels = part * rows..part * rows + z.len() / columns;
        for (n, (w, a)) in terms.iter().enumerate() {
            if turned {
                transform_kernels(w, geometry, 0..inner, channels.clone(), kernels, kernel_line, taps);
            } else {
                transform_kernels(w, geometry, channels.clone(), 0..inner, kernels, kernel_line, taps);
            }
            for entry in 0..ENTRIES {
                let kernel = &kernels[entry * kernel_line..];
                let kernel = match turned {
                    true => View::new(kernel, inner, channels.len(), channels.len()).transposed(),
                    false => View::new(kernel, channels.len(), inner, inner),
                };
                let mut sums = ViewMut::new(&mut sums[entry * line..], channels.len(), count, count);
                sums.product(n > 0, kernel, a.entry(entry));
            }
        }
        for (n, z) in z.chunks_mut(columns).enumerate() {
            if block.0 == 0 {
                z.fill(bias.map_or(T::zero(), |bias| bias[channels.start + n]));
            }
            let mut out = ViewMut::new(lines, N * N, count, count);
            widest(
                #[inline(always)]
                || twice::<X, T, SIDE, N>(&sums[n * count..], line, count, &mut out),
            );
            windows.add(lines, apart, z);
        }
    });
}

/// How many channels are worked on at a time, each of which has so many numbers in each entry: as many pieces for each thread.
fn rows<T>(channels: usize, numbers: usize) -> usize {
    let fit = (CORE_BYTES / (ENTRIES * numbers * size_of::<T>())).max(LANES);
    let threads = rayon::current_num_threads();
    let rounds = channels.div_ceil(threads).div_ceil(fit);
    let rows = channels.div_ceil(threads * rounds);
    if rows > LANES { rows.next_multiple_of(LANES) } else { rows }
}

/// `G w G^T` of some kernels: `[36, outputs, inputs]`, entries `line` apart.
fn transform_kernels<T: Real>(
    w: &[T],
    geometry: &Geometry,
    outputs: Range<usize>,
    inputs: Range<usize>,
    kernels: &mut [T],
    line: usize,
    taps: &mut Buffer<T>,
) {
    let width = inputs.len();
    let taps_line = width.next_multiple_of(LANES);
    taps.resize(9 * taps_line);
    for (row, output) in outputs.enumerate() {
        by_tap(&w[(output * geometry.input + inputs.start) * 9..][..width * 9], taps, taps_line);
        let mut out = ViewMut::new(&mut kernels[row * width..], ENTRIES, width, line);
        widest(
            #[inline(always)]
            || twice::<G, T, 3, SIDE>(taps, taps_line, width, &mut out),
        );
    }
}

/// `G^T [ sum p a^T ] G` over the terms, `[output, input, 3, 3]`; added to what earlier blocks left there. In pieces, for which
/// what is summed stays in the cache of one core.
fn correlate<T: Real>(
    geometry: &Geometry,
    terms: &[(Transformed<T>, Transformed<T>)],
    block: (usize, usize),
    weight: &mut [T],
) {
    let (output, input) = (geometry.output, geometry.input);
    let widths = pieces(input, PIECE);
    let heights = pieces(output, output.div_ceil(rayon::current_num_threads().div_ceil(widths.len())));
    let nine: Vec<_> = widths.iter().map(|width| width * 9).collect();
    let tiles = ViewMut::new(weight, output, input * 9, input * 9).tiles(&heights, &nine);
    let line = heights[0] * widths[0] + GAP;
    let room = || (Buffer::of(ENTRIES * line), Buffer::of(9 * widths[0]));
    tiles.into_par_iter().enumerate().for_each_init(room, |(sums, taps), (index, mut weight)| {
        let (row, column) = (index / widths.len(), index % widths.len());
        let (height, width) = (heights[row], widths[column]);
        for entry in 0..ENTRIES {
            let mut sums = ViewMut::new(&mut sums[entry * line..], height, width, width);
            for (n, (p, a)) in terms.iter().enumerate() {
                let p = p.entry(entry).rows(row * heights[0], height);
                let a = a.entry(entry).rows(column * widths[0], width);
                sums.product(n > 0, p, a.transposed());
            }
        }
        for o in 0..height {
            let mut lines = ViewMut::new(taps, 9, width, width);
            widest(
                #[inline(always)]
                || twice::<TransposedG, T, SIDE, 3>(&sums[o * width..], line, width, &mut lines),
            );
            by_kernel(taps, weight.row(o), block.0 > 0);
        }
    });
}

/// A count in pieces of so many, and what is left.
fn pieces(count: usize, size: usize) -> Vec<usize> {
    (0..count).step_by(size).map(|begin| size.min(count - begin)).collect()
}

/// The 36 entries of tiles: `[36, channels, tiles]`, entries [`GAP`] apart.
struct Transformed<T: Real> {
    values: Buffer<T>,
    channels: usize,
    tiles: usize,
}

impl<T: Real> Transformed<T> {
    fn of(channels: usize, tiles: usize) -> Self {
        Transformed { values: Buffer::of(ENTRIES * (channels * tiles + GAP)), channels, tiles }
    }

    /// From one entry to the next.
    fn line(&self) -> usize {
        self.channels * self.tiles + GAP
    }

    /// `[channels, tiles]`.
    fn entry(&self, entry: usize) -> View<'_, T> {
        View::new(&self.values[entry * self.line()..], self.channels, self.tiles, self.tiles)
    }
}

/// The tiles of a convolution, row by row over the batch, as windows of one channel.
struct Tiles {
    /// What tiles see of the maps in: 6x6, every 4.
    seen: Geometry,
    /// What they cover of the maps out: 4x4, every 4.
    covered: Geometry,
}

impl Tiles {
    fn of(geometry: &Geometry) -> Self {
        Tiles::new(geometry.shape.padding, geometry.from, geometry.to)
    }

    fn new(padding: usize, from: [usize; 3], [batch, height, width]: [usize; 3]) -> Self {
        let windows = |kernel, padding, from| Geometry {
            kernel,
            shape: ConvShape { stride: TILE, ..ConvShape::new(TILE, padding) },
            input: 1,
            output: 1,
            from,
            to: [batch, height.div_ceil(TILE), width.div_ceil(TILE)],
        };
        Tiles { seen: windows(SIDE, padding, from), covered: windows(TILE, 0, [batch, height, width]) }
    }

    /// Rows of tiles over the batch in blocks of about even size that fit the cache: starts and ends.
    fn blocks<T>(&self, channels: usize) -> impl Iterator<Item = (usize, usize)> + use<T> {
        let [batch, down, across] = self.covered.to;
        let total = batch * down;
        let fit = BLOCK_BYTES / (ENTRIES * channels * across * size_of::<T>()).max(1);
        let step = total.div_ceil(total.div_ceil(fit.max(1)).max(1)).max(1);
        (0..total).step_by(step).map(move |begin| (begin, (begin + step).min(total)))
    }
}

/// `M a M^T` of what the tiles in a block of rows have of each channel, for the matrix M named by `X`.
fn transformed<X: Matrix<T, N, SIDE>, T: Real, const N: usize>(
    tiles: &Geometry,
    a: &Map<T>,
    block: (usize, usize),
) -> Transformed<T> {
    let windows = Windows::new(tiles, block);
    let count = (block.1 - block.0) * tiles.to[2];
    let mut out = Transformed::of(a.channels, count);
    let line = out.line();
    let all = ViewMut::new(&mut out.values, ENTRIES, line, line);
    let channels =
        all.tiles(&[ENTRIES], &vec![count; a.channels]).into_par_iter().enumerate().with_min_len(8);
    let room = || (windows.apart(), windows.columns());
    channels.for_each_init(room, |(apart, lines), (channel, mut out)| {
        windows.take(a.row(channel), apart, lines);
        widest(
            #[inline(always)]
            || twice::<X, T, N, SIDE>(lines, count, count, &mut out),
        );
    });
    out
}
