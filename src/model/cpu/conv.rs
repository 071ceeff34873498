//! Convolutions as matrix products over blocks of columns. A fully connected layer is one of kernel 1 over maps of
//! 1x1. Every function takes a sum of terms: the derivative of a product has two.

use rayon::prelude::*;

use super::buffer::Buffer;
use super::columns;
use super::geometry::Geometry;
use super::map::Map;
use super::matrix::{View, ViewMut};
use super::real::Real;
use super::{transposed, winograd};

/// Multiply-adds below which a layer stays on one thread.
const GRAIN: usize = 1 << 21;

/// A kernel `[output, input / groups, kernel, kernel]` and the maps it meets.
pub type Term<'a, T> = (&'a [T], &'a Map<T>);

/// `sum conv(a, W) + b` over the terms (W, a); the bias is `[output]`.
pub fn forward<T: Real>(geometry: &Geometry, terms: &[Term<T>], bias: Option<&[T]>) -> Map<T> {
    if winograd::fits(geometry) {
        return winograd::forward(geometry, terms, bias);
    }
    let mut z = match bias {
        Some(bias) => Map::constant(bias, geometry.to),
        None => Map::any(geometry.output, geometry.to),
    };
    let columns = geometry.columns();
    let (inputs, outputs) = (geometry.group_input(), geometry.group_output());
    let height = inputs * geometry.taps();
    let blocks = geometry.blocks::<T>(height);
    let width = geometry.to[2];
    let widths: Vec<usize> = blocks.iter().map(|(begin, end)| (end - begin) * width).collect();
    // Few positions (the last stages of a network) leave only the channels to share out.
    let threads = threads(geometry);
    let parts = if blocks.len() * geometry.shape.groups >= threads { 1 } else { threads };
    let slices = shares(outputs, parts);
    let heights: Vec<usize> = (0..geometry.shape.groups).flat_map(|_| slices.iter().copied()).collect();
    let shared = (parts > 1 && blocks.len() == 1 && !geometry.is_pointwise()).then(|| {
        let all = |(_, a): &Term<T>| {
            let mut out = Buffer::default();
            columns::take(geometry, a, 0..geometry.input, blocks[0], &mut out);
            out
        };
        terms.iter().map(all).collect::<Vec<_>>()
    });
    let tiles = ViewMut::new(&mut z.data, geometry.output, columns, columns).tiles(&heights, &widths);
    let tile = |(index, mut tile): (usize, ViewMut<T>), buffer: &mut Buffer<T>| {
        let (band, block) = (index / blocks.len(), index % blocks.len());
        let group = band / slices.len();
        let first = group * outputs + slices[..band % slices.len()].iter().sum::<usize>();
        let rows = heights[band];
        for (n, &(weight, a)) in terms.iter().enumerate() {
            let weight = View::new(&weight[first * height..], rows, height, height);
            let count = widths[block];
            let columns = if let Some(shared) = &shared {
                View::new(&shared[n][group * height * count..], height, count, count)
            } else if geometry.is_pointwise() {
                let start = group * inputs * columns + blocks[block].0 * width;
                View::new(&a.data[start..], height, count, columns)
            } else {
                columns::take(geometry, a, group * inputs..(group + 1) * inputs, blocks[block], buffer);
                View::new(buffer, height, count, count)
            };
            tile.product(bias.is_some() || n > 0, weight, columns);
        }
    };
    let tiles: Vec<_> = tiles.into_iter().enumerate().collect();
    if threads > 1 {
        tiles.into_par_iter().for_each_init(Buffer::default, |buffer, item| tile(item, buffer));
    } else {
        let mut buffer = Buffer::default();
        tiles.into_iter().for_each(|item| tile(item, &mut buffer));
    }
    z
}

/// `sum W^T p` over the terms (W, p): the gradient to the input.
pub fn to_input<T: Real>(geometry: &Geometry, terms: &[Term<T>]) -> Map<T> {
    if winograd::fits(geometry) {
        return winograd::to_input(geometry, terms);
    }
    let mut out = Map::any(geometry.input, geometry.from);
    let (inputs, outputs) = (geometry.group_input(), geometry.group_output());
    let (height, columns, width) = (inputs * geometry.taps(), geometry.columns(), geometry.to[2]);
    let threads = threads(geometry);
    let bands = bands(geometry, threads);
    let planes = split(&mut out.data, bands.iter().map(|band| band.1.len() * geometry.places()));
    let band = |((group, channels), planes): (&(usize, std::ops::Range<usize>), &mut [T]),
                buffer: &mut Buffer<T>| {
        let rows = channels.len() * geometry.taps();
        let blocks = geometry.blocks::<T>(rows);
        let pointwise = geometry.is_pointwise();
        if !pointwise {
            planes.fill(T::zero());
        }
        for &(begin, end) in &blocks {
            let count = (end - begin) * width;
            if !pointwise {
                buffer.resize(rows * count);
            }
            let mut view = if pointwise {
                let view = ViewMut::new(planes, rows, columns, columns);
                // One tile between what lies before and after it.
                let before = begin * width;
                view.tiles(&[rows], &[before, count]).pop()
            } else {
                Some(ViewMut::new(buffer, rows, count, count))
            };
            for (n, &(weight, p)) in terms.iter().enumerate() {
                let start = group * outputs * height + channels.start * geometry.taps();
                let weight = View::new(&weight[start..], outputs, rows, height).transposed();
                let p =
                    View::new(&p.data[group * outputs * columns + begin * width..], outputs, count, columns);
                if let Some(view) = &mut view {
                    view.product(n > 0, weight, p);
                }
            }
            if !pointwise {
                columns::add(geometry, buffer, (begin, end), planes);
            }
        }
    };
    let work: Vec<_> = bands.iter().zip(planes).collect();
    if threads > 1 {
        work.into_par_iter().for_each_init(Buffer::default, |buffer, item| band(item, buffer));
    } else {
        let mut buffer = Buffer::default();
        work.into_iter().for_each(|item| band(item, &mut buffer));
    }
    out
}

/// `sum p columns(a)^T` over the terms (p, a): the gradient to the kernel, `[output, input / groups, kernel, kernel]`.
pub fn to_weight<T: Real>(geometry: &Geometry, terms: &[(&Map<T>, &Map<T>)]) -> Buffer<T> {
    if winograd::fits(geometry) {
        return winograd::to_weight(geometry, terms);
    }
    let (inputs, outputs) = (geometry.group_input(), geometry.group_output());
    let (height, columns, width) = (inputs * geometry.taps(), geometry.columns(), geometry.to[2]);
    let threads = threads(geometry);
    let bands = bands(geometry, threads);
    let band = |(group, channels): &(usize, std::ops::Range<usize>), mut view: ViewMut<T>, turned: bool| {
        let rows = channels.len() * geometry.taps();
        let mut buffer = Buffer::default();
        let first = group * inputs + channels.start;
        let mut add = false;
        for &(p, a) in terms {
            for (begin, end) in geometry.blocks::<T>(rows.max(outputs)) {
                let count = (end - begin) * width;
                let of_a = if geometry.is_pointwise() {
                    View::new(&a.data[first * columns + begin * width..], rows, count, columns)
                } else {
                    columns::take(geometry, a, first..first + channels.len(), (begin, end), &mut buffer);
                    View::new(&buffer, rows, count, count)
                };
                let p =
                    View::new(&p.data[group * outputs * columns + begin * width..], outputs, count, columns);
                match turned {
                    true => view.product(add, of_a, p.transposed()),
                    false => view.product(add, p, of_a.transposed()),
                }
                add = true;
            }
        }
    };
    let mut weight = Buffer::of(geometry.output * height);
    if columns > outputs {
        // As [input * taps, output]: the product is three times as fast that way where positions are many.
        let turned = |channels: &(usize, std::ops::Range<usize>)| {
            let rows = channels.1.len() * geometry.taps();
            let mut sum = Buffer::of(rows * outputs);
            band(channels, ViewMut::new(&mut sum, rows, outputs, outputs), true);
            sum
        };
        let sums: Vec<Buffer<T>> = if threads > 1 {
            bands.par_iter().map(turned).collect()
        } else {
            bands.iter().map(turned).collect()
        };
        for (sum, (group, channels)) in sums.iter().zip(&bands) {
            let target = &mut weight[group * outputs * height..(group + 1) * outputs * height];
            transposed::write(sum, outputs, target, height, channels.start * geometry.taps(), threads > 1);
        }
    } else {
        let per_group = bands.len() / geometry.shape.groups;
        let widths: Vec<usize> =
            bands[..per_group].iter().map(|(_, channels)| channels.len() * geometry.taps()).collect();
        let heights = vec![outputs; geometry.shape.groups];
        let tiles = ViewMut::new(&mut weight, geometry.output, height, height).tiles(&heights, &widths);
        let work: Vec<_> = bands.iter().zip(tiles).collect();
        if threads > 1 {
            work.into_par_iter().for_each(|(channels, tile)| band(channels, tile, false));
        } else {
            work.into_iter().for_each(|(channels, tile)| band(channels, tile, false));
        }
    }
    weight
}

/// `p columns(a)^T` and `W^T p`: both gradients.
pub fn reverse<T: Real>(geometry: &Geometry, weight: &[T], p: &Map<T>, a: &Map<T>) -> (Buffer<T>, Map<T>) {
    if winograd::fits(geometry) {
        return winograd::reverse(geometry, weight, p, a);
    }
    (to_weight(geometry, &[(p, a)]), to_input(geometry, &[(weight, p)]))
}

/// Groups and ranges of their input channels, enough for the threads.
fn bands(geometry: &Geometry, threads: usize) -> Vec<(usize, std::ops::Range<usize>)> {
    let groups = geometry.shape.groups;
    let sizes = shares(geometry.group_input(), threads.div_ceil(groups));
    let mut bands = Vec::with_capacity(groups * sizes.len());
    for group in 0..groups {
        let mut begin = 0;
        for &size in &sizes {
            bands.push((group, begin..begin + size));
            begin += size;
        }
    }
    bands
}

fn threads(geometry: &Geometry) -> usize {
    if geometry.work() < GRAIN { 1 } else { rayon::current_num_threads() }
}

/// A count in at most so many even parts.
fn shares(count: usize, parts: usize) -> Vec<usize> {
    let step = count.div_ceil(parts.max(1)).max(1);
    (0..count).step_by(step).map(|begin| step.min(count - begin)).collect()
}

fn split<T>(mut data: &mut [T], lengths: impl Iterator<Item = usize>) -> Vec<&mut [T]> {
    let mut parts = Vec::new();
    for length in lengths {
        let (part, rest) = data.split_at_mut(length);
        parts.push(part);
        data = rest;
    }
    parts
}
