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

use crate::dual::ConvShape;

use super::buffer::Buffer;
use super::columns::Windows;
use super::geometry::Geometry;
use super::lanes::{LANES, widest};
use super::map::Map;
use super::matrix::{View, ViewMut};
use super::real::Real;
use crate::model::Layer;
use crate::model::layer::SampleShape;
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
const CHANNELS_PER_TILE: usize = 16;

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

/// Numbers of the largest kernel that one of these layers transforms with a batch of so many samples; 0 where none gains.
pub fn largest_kernel(layers: &[Layer], mut shape: SampleShape, batch: usize) -> u64 {
    let mut largest = 0;
    for layer in layers {
        let next = layer.output_shape(shape).unwrap_or(shape);
        largest = largest.max(match (layer, shape, next) {
            (
                Layer::Conv { kernel, shape: geometry, input, output, .. },
                SampleShape::Map([_, height, width]),
                SampleShape::Map([_, rows, columns]),
            ) => {
                let (from, to) = ([batch, height, width], [batch, rows, columns]);
                let geometry =
                    Geometry { kernel: *kernel, shape: *geometry, input: *input, output: *output, from, to };
                if fits(&geometry) { (ENTRIES * input * output) as u64 } else { 0 }
            }
            (Layer::Residual { body, shortcut, .. }, shape, _) => {
                largest_kernel(body, shape, batch).max(largest_kernel(shortcut, shape, batch))
            }
            (Layer::Concat { branch }, shape, _) => largest_kernel(branch, shape, batch),
            _ => 0,
        });
        shape = next;
    }
    largest
}

/// `sum conv(a, W) + b` over the terms (W, a).
pub fn forward<T: Real>(geometry: &Geometry, terms: &[(&[T], &Map<T>)], bias: Option<&[T]>) -> Map<T> {
    let (output, input) = (geometry.output, geometry.input);
    let terms: Vec<_> = terms.iter().map(|(w, a)| (kernels(w, output, input, false), *a)).collect();
    correlate(&Tiles::of(geometry), (output, input), &terms, bias, |kernels, entry| {
        View::new(&kernels[entry * input..], output, input, stride(input))
    })
}

/// `sum W^T p` over the terms (W, p).
pub fn to_input<T: Real>(geometry: &Geometry, terms: &[(&[T], &Map<T>)]) -> Map<T> {
    let (output, input) = (geometry.output, geometry.input);
    let terms: Vec<_> = terms.iter().map(|(w, p)| (kernels(w, output, input, true), *p)).collect();
    correlate(&Tiles::turned(geometry), (input, output), &terms, None, |kernels, entry| {
        View::new(&kernels[entry * input..], output, input, stride(input)).transposed()
    })
}

/// `sum p windows(a)^T` over the terms (p, a): `[output, input, 3, 3]`.
pub fn to_weight<T: Real>(geometry: &Geometry, terms: &[(&Map<T>, &Map<T>)]) -> Buffer<T> {
    let (output, input) = (geometry.output, geometry.input);
    let tiles = Tiles::of(geometry);
    let line = output * input + GAP;
    let mut sums = Buffer::of(ENTRIES * line);
    let mut add = false;
    for &(p, a) in terms {
        for block in tiles.blocks::<T>(output + input) {
            let of_p = transformed::<A, T, TILE>(&tiles.covered, p, block);
            let of_a = transformed::<B, T, SIDE>(&tiles.seen, a, block);
            entries(&mut sums, (output, input), |entry, rows, sum| {
                let p = of_p.entry(entry).rows(rows, sum.rows());
                sum.product(add, p, of_a.entry(entry).transposed());
            });
            add = true;
        }
    }
    let mut weight = Buffer::of(output * input * 9);
    let taps = || Buffer::of(9 * input);
    weight.par_chunks_mut(input * 9).enumerate().for_each_init(taps, |taps, (o, row)| {
        widest(
            #[inline(always)]
            || {
                let taps = &mut **taps;
                let mut lines = ViewMut::new(taps, 9, input, input);
                twice::<TransposedG, T, SIDE, 3>(&sums[o * input..], line, input, &mut lines);
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
    tiles: &Tiles,
    (rows, inner): (usize, usize),
    terms: &[(Buffer<T>, &Map<T>)],
    bias: Option<&[T]>,
    view: impl for<'a> Fn(&'a [T], usize) -> View<'a, T> + Sync,
) -> Map<T> {
    let mut z = Map::any(rows, tiles.covered.from);
    for (n, block) in tiles.blocks::<T>(rows + inner).enumerate() {
        let start = (n == 0).then_some(bias);
        let count = tiles.count(block);
        let mut of_z = Transformed::of(rows, count);
        for (n, (kernels, a)) in terms.iter().enumerate() {
            let of_a = transformed::<B, T, SIDE>(&tiles.seen, a, block);
            entries(&mut of_z.values, (rows, count), |entry, first, of_z| {
                let kernels = view(kernels, entry).rows(first, of_z.rows());
                of_z.product(n > 0, kernels, of_a.entry(entry));
            });
        }
        add_back(&tiles.covered, &of_z, block, start, &mut z);
    }
    z
}

/// Calls `each` for the `[rows, columns]` of every entry, [`GAP`] apart, cut into rows where there are more threads than
/// entries: with the entry, the first row, and the place for the product.
fn entries<T: Real>(
    out: &mut [T],
    (rows, columns): (usize, usize),
    each: impl Fn(usize, usize, &mut ViewMut<T>) + Sync,
) {
    let step = rows.div_ceil((4 * rayon::current_num_threads()).div_ceil(ENTRIES));
    let heights: Vec<_> = (0..rows).step_by(step).map(|first| step.min(rows - first)).collect();
    let entries = out.chunks_mut(rows * columns + GAP).take(ENTRIES);
    let tiles = entries.flat_map(|out| ViewMut::new(out, rows, columns, columns).tiles(&heights, &[columns]));
    let tiles: Vec<_> = tiles.collect();
    tiles.into_par_iter().enumerate().for_each(|(index, mut tile)| {
        each(index / heights.len(), index % heights.len() * step, &mut tile);
    });
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

    /// Of the convolution with turned kernels that leads back.
    fn turned(geometry: &Geometry) -> Self {
        Tiles::new(2 - geometry.shape.padding, geometry.to, geometry.from)
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

    /// Tiles of a block.
    fn count(&self, (begin, end): (usize, usize)) -> usize {
        (end - begin) * self.covered.to[2]
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

/// Adds `A^T z A` to the positions that the tiles cover; where it is the first to do so, to the bias or to zeros.
fn add_back<T: Real>(
    tiles: &Geometry,
    of_z: &Transformed<T>,
    block: (usize, usize),
    start: Option<Option<&[T]>>,
    z: &mut Map<T>,
) {
    let windows = Windows::new(tiles, block);
    let (count, columns) = (of_z.tiles, z.columns());
    let room = || (windows.apart(), windows.columns());
    let channels = z.data.par_chunks_mut(columns).enumerate().with_min_len(8);
    channels.for_each_init(room, |(apart, lines), (channel, z)| {
        if let Some(bias) = start {
            z.fill(bias.map_or(T::zero(), |bias| bias[channel]));
        }
        let mut out = ViewMut::new(lines, TILE * TILE, count, count);
        widest(
            #[inline(always)]
            || {
                let values = &of_z.values[channel * count..];
                twice::<TransposedA, T, SIDE, TILE>(values, of_z.line(), count, &mut out);
            },
        );
        windows.add(lines, apart, z);
    });
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

/// From one kernel to the next.
fn stride(input: usize) -> usize {
    ENTRIES * input + GAP
}
