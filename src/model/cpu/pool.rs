//! Layers that only move entries: pooling, flattening, borders. All are linear once a maximum has chosen.

use crate::dual::PoolShape;

use super::buffer::Buffer;
use super::map::{Map, total};
use super::real::Real;

/// Maximum over windows, with the position in its channel of each entry that won; ties go to the first.
pub fn max<T: Real>(a: &Map<T>, shape: PoolShape, to: [usize; 2]) -> (Map<T>, Vec<u32>) {
    let mut z = Map::zeros(a.channels, [a.batch, to[0], to[1]]);
    let mut winners = Vec::with_capacity(z.data.len());
    let columns = z.columns();
    for channel in 0..a.channels {
        let row = a.row(channel);
        for (place, out) in z.data[channel * columns..(channel + 1) * columns].iter_mut().enumerate() {
            let mut best: Option<(T, usize)> = None;
            for source in window(shape, place, to, [a.height, a.width]) {
                // A NaN wins, so that it is seen.
                if best.is_none_or(|(value, _)| row[source] > value || row[source].is_nan()) {
                    best = Some((row[source], source));
                }
            }
            let (value, source) = best.unwrap_or((T::neg_infinity(), 0));
            *out = value;
            winners.push(source as u32);
        }
    }
    (z, winners)
}

/// The entries that won.
pub fn gather<T: Real>(a: &Map<T>, winners: &[u32], to: [usize; 2]) -> Map<T> {
    let mut z = Map::zeros(a.channels, [a.batch, to[0], to[1]]);
    let columns = z.columns().max(1);
    for (channel, out) in z.data.chunks_mut(columns).enumerate() {
        let row = a.row(channel);
        let winners = &winners[channel * columns..][..columns];
        out.iter_mut().zip(winners).for_each(|(out, &source)| *out = row[source as usize]);
    }
    z
}

/// The transpose of [`gather`]: to maps of batch, height and width `from`.
pub fn scatter<T: Real>(p: &Map<T>, winners: &[u32], from: [usize; 3]) -> Map<T> {
    let mut out = Map::zeros(p.channels, from);
    let columns = out.columns().max(1);
    for (channel, out) in out.data.chunks_mut(columns).enumerate() {
        let row = p.row(channel);
        let winners = &winners[channel * row.len()..][..row.len()];
        row.iter().zip(winners).for_each(|(&p, &source)| out[source as usize] += p);
    }
    out
}

/// Mean over windows; a border counts as zeros.
pub fn mean<T: Real>(a: &Map<T>, shape: PoolShape, to: [usize; 2]) -> Map<T> {
    let mut z = Map::zeros(a.channels, [a.batch, to[0], to[1]]);
    let columns = z.columns().max(1);
    let share = T::of(1.0 / (shape.kernel * shape.kernel) as f64);
    for (channel, out) in z.data.chunks_mut(columns).enumerate() {
        let row = a.row(channel);
        for (place, out) in out.iter_mut().enumerate() {
            let window = window(shape, place, to, [a.height, a.width]);
            *out = window.map(|source| row[source]).sum::<T>() * share;
        }
    }
    z
}

/// The transpose of [`mean`].
pub fn mean_back<T: Real>(p: &Map<T>, shape: PoolShape, from: [usize; 3]) -> Map<T> {
    let mut out = Map::zeros(p.channels, from);
    let columns = out.columns().max(1);
    let share = T::of(1.0 / (shape.kernel * shape.kernel) as f64);
    let to = [p.height, p.width];
    for (channel, out) in out.data.chunks_mut(columns).enumerate() {
        for (place, &p) in p.row(channel).iter().enumerate() {
            for source in window(shape, place, to, [from[1], from[2]]) {
                out[source] += p * share;
            }
        }
    }
    out
}

/// Mean over height and width, to maps of 1x1.
pub fn global_mean<T: Real>(a: &Map<T>) -> Map<T> {
    let plane = a.height * a.width;
    let share = T::of(1.0 / plane as f64);
    let data: Vec<T> = a.data.chunks(plane.max(1)).map(|plane| total(plane) * share).collect();
    Map { data: data.into(), height: 1, width: 1, ..*a }
}

/// The transpose of [`global_mean`].
pub fn global_mean_back<T: Real>(p: &Map<T>, from: [usize; 3]) -> Map<T> {
    let plane = from[1] * from[2];
    let share = T::of(1.0 / plane as f64);
    let mut out = Map::zeros(p.channels, from);
    out.data.chunks_mut(plane.max(1)).zip(p.data.iter()).for_each(|(out, &p)| out.fill(p * share));
    out
}

/// Channels, height and width to features.
pub fn flatten<T: Real>(a: &Map<T>) -> Map<T> {
    let plane = a.height * a.width;
    let mut data = Buffer::of(a.data.len());
    let columns = (a.batch * plane).max(1);
    for (channel, out) in a.data.chunks(columns).zip(data.chunks_mut(columns)) {
        transpose(channel, plane, out);
    }
    Map { data, channels: a.channels * plane, batch: a.batch, height: 1, width: 1 }
}

/// The transpose of [`flatten`].
pub fn unflatten<T: Real>(p: &Map<T>, from: [usize; 3]) -> Map<T> {
    let plane = from[1] * from[2];
    let mut data = Buffer::of(p.data.len());
    let columns = (p.batch * plane).max(1);
    for (channel, out) in p.data.chunks(columns).zip(data.chunks_mut(columns)) {
        transpose(channel, p.batch, out);
    }
    Map { data, channels: p.channels / plane.max(1), batch: from[0], height: from[1], width: from[2] }
}

/// Rows of `columns` entries as columns.
fn transpose<T: Real>(data: &[T], columns: usize, out: &mut [T]) {
    let rows = data.len() / columns.max(1);
    for (entry, out) in out.iter_mut().enumerate() {
        *out = data[entry % rows * columns + entry / rows];
    }
}

/// A border of a constant: above and below, left and right.
pub fn pad<T: Real>(a: &Map<T>, rows: [usize; 2], columns: [usize; 2], value: T) -> Map<T> {
    let mut out =
        Map::zeros(a.channels, [a.batch, a.height + rows[0] + rows[1], a.width + columns[0] + columns[1]]);
    out.data.fill(value);
    let (height, width) = (out.height, out.width);
    for (line, source) in a.data.chunks(a.width.max(1)).enumerate() {
        let (plane, y) = (line / a.height, line % a.height);
        let start = (plane * height + y + rows[0]) * width + columns[0];
        out.data[start..start + a.width].copy_from_slice(source);
    }
    out
}

/// The transpose of [`pad`]: what lies inside the border.
pub fn unpad<T: Real>(p: &Map<T>, rows: [usize; 2], columns: [usize; 2], from: [usize; 3]) -> Map<T> {
    let mut out = Map::zeros(p.channels, from);
    for (line, target) in out.data.chunks_mut(from[2].max(1)).enumerate() {
        let (plane, y) = (line / from[1], line % from[1]);
        let start = (plane * p.height + y + rows[0]) * p.width + columns[0];
        target.copy_from_slice(&p.data[start..start + from[2]]);
    }
    out
}

/// Positions in a channel that the window at `place` (over the batch) covers.
fn window(
    shape: PoolShape,
    place: usize,
    to: [usize; 2],
    [height, width]: [usize; 2],
) -> impl Iterator<Item = usize> {
    let (sample, y, x) = (place / (to[0] * to[1]), place / to[1] % to[0], place % to[1]);
    let range = move |start: usize, side: usize| {
        let first = start * shape.stride;
        (first.saturating_sub(shape.padding), (first + shape.kernel).saturating_sub(shape.padding).min(side))
    };
    let ((top, bottom), (left, right)) = (range(y, height), range(x, width));
    (top..bottom).flat_map(move |y| (left..right).map(move |x| (sample * height + y) * width + x))
}
