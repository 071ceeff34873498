//! Windows laid out as columns, and columns added back to where they were taken.
//!
//! A channel is first taken apart by the remainders of its rows and columns modulo the stride, with its border
//! around it: what one tap of the kernel sees along a row out then lies together, and is moved in whole runs. Where
//! everything lies is the same for every channel and worked out once.

use super::buffer::Buffer;
use super::geometry::Geometry;
use super::lanes::widest;
use super::map::Map;
use super::real::Real;

/// Entries moved at once.
const RUN: usize = 8;

/// Windows as columns: `[channels * taps, positions]` of the channels `channels` and the rows out `rows.0..rows.1`.
/// What follows them in `out` is arbitrary.
pub fn take<T: Real>(
    geometry: &Geometry,
    a: &Map<T>,
    channels: std::ops::Range<usize>,
    rows: (usize, usize),
    out: &mut Buffer<T>,
) {
    let windows = Windows::new(geometry, rows);
    out.resize(channels.len() * windows.count() + RUN);
    let mut apart = windows.apart();
    for (n, channel) in channels.enumerate() {
        windows.take(a.row(channel), &mut apart, &mut out[n * windows.count()..]);
    }
}

/// Adds columns back: the transpose of [`take`]. `planes` are those of the channels that the columns belong to.
pub fn add<T: Real>(geometry: &Geometry, columns: &[T], rows: (usize, usize), planes: &mut [T]) {
    let windows = Windows::new(geometry, rows);
    let mut apart = windows.apart();
    let planes = planes.chunks_exact_mut(geometry.places());
    for (plane, columns) in planes.zip(columns.chunks_exact(windows.count())) {
        windows.add(columns, &mut apart, plane);
    }
}

/// Where the windows of one channel lie, for some rows out.
#[derive(Debug)]
pub struct Windows {
    stride: usize,
    /// Positions out along a row, and over all rows.
    across: usize,
    positions: usize,
    /// Columns of a part, and entries of all parts.
    width: usize,
    size: usize,
    /// Row by row of the channel, each row's by where their first entry is.
    lines: Vec<Line>,
    /// Entries of every line, if each row is dealt evenly to [`HANDS`] of them.
    dealt: Option<usize>,
    /// In the order of what they see.
    runs: Vec<Run>,
    taps: usize,
}

/// Parts among which rows are dealt at once, entry by entry: the stride of Winograd's tiles.
const HANDS: usize = 4;

/// What one row of one part shows of the channel. The rest of the row is border.
#[derive(Debug, Clone, Copy)]
struct Line {
    start: usize,
    count: usize,
    /// Where in the channel the first entry is.
    source: usize,
}

/// What one tap sees of one sample.
#[derive(Debug, Clone, Copy)]
struct Run {
    /// Where the first row begins in the parts, and in the columns.
    seen: usize,
    column: usize,
    rows: usize,
}

impl Windows {
    /// Of the rows out `begin..end`, over the batch.
    pub fn new(geometry: &Geometry, (begin, end): (usize, usize)) -> Self {
        let ([_, height, width], [_, to_height, across]) = (geometry.from, geometry.to);
        let (kernel, shape) = (geometry.kernel, geometry.shape);
        let (stride, padding) = (shape.stride, shape.padding);
        let reach = (kernel - 1) * shape.dilation;
        let (remainders, beyond) = (stride.min(reach + 1), reach / stride);
        let mut windows = Windows {
            stride,
            across,
            positions: (end - begin) * across,
            width: across + beyond,
            size: 0,
            lines: Vec::new(),
            dealt: None,
            runs: Vec::new(),
            taps: geometry.taps(),
        };
        // By column of parts: which of their entries show the channel.
        let shown: Vec<(usize, usize)> = (0..remainders)
            .map(|x| {
                let first = padding.saturating_sub(x).div_ceil(stride).min(windows.width);
                (first, (width + padding).saturating_sub(x).div_ceil(stride).min(windows.width))
            })
            .collect();
        let mut row_out = begin;
        while row_out < end {
            let (sample, top) = (row_out / to_height, row_out % to_height);
            let rows = (to_height - top).min(end - row_out);
            let start = windows.size;
            let part = (rows + beyond) * windows.width;
            for (y, row) in (0..remainders).flat_map(|y| (0..rows + beyond).map(move |row| (y, row))) {
                let seen = ((top + row) * stride + y).checked_sub(padding).filter(|&y| y < height);
                let Some(seen) = seen else { continue };
                let begin = windows.lines.len();
                for (x, &(first, last)) in shown.iter().enumerate().filter(|(_, (first, last))| first < last)
                {
                    let start = start + (y * remainders + x) * part + row * windows.width + first;
                    let source = (sample * height + seen) * width + first * stride + x - padding;
                    windows.lines.push(Line { start, count: last - first, source });
                }
                windows.lines[begin..].sort_by_key(|line| line.source);
            }
            for tap in 0..geometry.taps() {
                let (y, x) = (tap / kernel * shape.dilation, tap % kernel * shape.dilation);
                let (down, right) = (y / stride * windows.width, x / stride);
                let seen = start + (y % stride * remainders + x % stride) * part + down + right;
                let column = tap * windows.positions + (row_out - begin) * across;
                windows.runs.push(Run { seen, column, rows });
            }
            windows.size += remainders * remainders * part;
            row_out += rows;
        }
        let count = width / HANDS;
        let dealt = |row: &[Line]| {
            let mut hands = row.iter().enumerate();
            row.len() == HANDS
                && hands.all(|(i, line)| (line.count, line.source) == (count, row[0].source + i))
        };
        windows.dealt = (stride == HANDS && windows.lines.chunks(HANDS).all(dealt)).then_some(count);
        windows
    }

    /// Columns of one channel: `taps * positions`.
    pub fn count(&self) -> usize {
        self.taps * self.positions
    }

    /// Room for one channel taken apart, with zeros where its border will be.
    pub fn apart<T: Real>(&self) -> Buffer<T> {
        let mut apart = Buffer::of(self.size + RUN);
        apart.fill(T::zero());
        apart
    }

    /// Room for the columns of one channel.
    pub fn columns<T: Real>(&self) -> Buffer<T> {
        Buffer::of(self.count() + RUN)
    }

    /// The columns of one channel, `[taps, positions]`, to the start of `out`, which has room for `RUN` more.
    pub fn take<T: Real>(&self, channel: &[T], apart: &mut [T], out: &mut [T]) {
        widest(
            #[inline(always)]
            || {
                self.take_apart(channel, apart);
                match self.across {
                    1 => self.lay_out::<T, 1>(apart, out),
                    2 => self.lay_out::<T, 2>(apart, out),
                    4 => self.lay_out::<T, 4>(apart, out),
                    8 => self.lay_out::<T, 8>(apart, out),
                    16 => self.lay_out::<T, 16>(apart, out),
                    32 => self.lay_out::<T, 32>(apart, out),
                    _ => self.lay_out_any(apart, out),
                }
            },
        );
    }

    /// Rows of `N` positions.
    #[inline(always)]
    fn lay_out<T: Real, const N: usize>(&self, apart: &[T], out: &mut [T]) {
        for run in &self.runs {
            let rows = apart[run.seen..].chunks(self.width).zip(out[run.column..].chunks_exact_mut(N));
            rows.take(run.rows).for_each(|(seen, row)| row.copy_from_slice(&seen[..N]));
        }
    }

    /// Rows of any number of positions. What is beyond one is overwritten by the next, so they go in order.
    #[inline(always)]
    fn lay_out_any<T: Real>(&self, apart: &[T], out: &mut [T]) {
        for tap in 0..self.taps {
            for run in self.runs[tap..].iter().step_by(self.taps) {
                for row in 0..run.rows {
                    let (seen, column) = (run.seen + row * self.width, run.column + row * self.across);
                    for x in (0..self.across).step_by(RUN) {
                        out[column + x..][..RUN].copy_from_slice(&apart[seen + x..][..RUN]);
                    }
                }
            }
        }
    }

    /// Adds columns of one channel back to it.
    pub fn add<T: Real>(&self, columns: &[T], apart: &mut [T], channel: &mut [T]) {
        widest(
            #[inline(always)]
            || {
                apart.fill(T::zero());
                match self.across {
                    1 => self.gather::<T, 1>(columns, apart),
                    2 => self.gather::<T, 2>(columns, apart),
                    4 => self.gather::<T, 4>(columns, apart),
                    8 => self.gather::<T, 8>(columns, apart),
                    16 => self.gather::<T, 16>(columns, apart),
                    32 => self.gather::<T, 32>(columns, apart),
                    _ => self.gather_any(columns, apart),
                }
                self.add_back(apart, channel);
            },
        );
    }

    #[inline(always)]
    fn gather<T: Real, const N: usize>(&self, columns: &[T], apart: &mut [T]) {
        for run in &self.runs {
            let rows = apart[run.seen..].chunks_mut(self.width).zip(columns[run.column..].chunks_exact(N));
            for (sums, row) in rows.take(run.rows) {
                let sums = &mut sums[..N];
                for x in 0..N {
                    sums[x] += row[x];
                }
            }
        }
    }

    #[inline(always)]
    fn gather_any<T: Real>(&self, columns: &[T], apart: &mut [T]) {
        for run in &self.runs {
            let rows = apart[run.seen..].chunks_mut(self.width);
            for (sums, row) in rows.zip(columns[run.column..].chunks_exact(self.across)).take(run.rows) {
                sums.iter_mut().zip(row).for_each(|(sum, &part)| *sum += part);
            }
        }
    }

    #[inline(always)]
    fn take_apart<T: Real>(&self, channel: &[T], apart: &mut [T]) {
        match self.dealt {
            Some(count) if count % 8 == 0 => return self.deal::<T, 8>(channel, apart),
            Some(count) if count % 4 == 0 => return self.deal::<T, 4>(channel, apart),
            Some(count) if count % 2 == 0 => return self.deal::<T, 2>(channel, apart),
            _ => {}
        }
        for line in &self.lines {
            let (shown, seen) = (&mut apart[line.start..][..line.count], &channel[line.source..]);
            match self.stride {
                1 => shown.iter_mut().zip(seen).for_each(|(entry, &value)| *entry = value),
                2 => every::<T, 2>(seen, shown),
                4 => every::<T, 4>(seen, shown),
                stride => {
                    let pairs = shown.iter_mut().zip(seen.iter().step_by(stride));
                    pairs.for_each(|(entry, &value)| *entry = value);
                }
            }
        }
    }

    #[inline(always)]
    fn add_back<T: Real>(&self, apart: &[T], channel: &mut [T]) {
        match self.dealt {
            Some(count) if count % 8 == 0 => return self.collect::<T, 8>(apart, channel),
            Some(count) if count % 4 == 0 => return self.collect::<T, 4>(apart, channel),
            Some(count) if count % 2 == 0 => return self.collect::<T, 2>(apart, channel),
            _ => {}
        }
        for line in &self.lines {
            let (parts, sums) = (&apart[line.start..][..line.count], &mut channel[line.source..]);
            match self.stride {
                1 => sums.iter_mut().zip(parts).for_each(|(sum, &part)| *sum += part),
                2 => add_to_every::<T, 2>(parts, sums),
                4 => add_to_every::<T, 4>(parts, sums),
                stride => {
                    let pairs = sums.iter_mut().step_by(stride).zip(parts);
                    pairs.for_each(|(sum, &part)| *sum += part);
                }
            }
        }
    }

    /// Rows that are dealt evenly, N entries to each part at a time.
    #[inline(always)]
    fn deal<T: Real, const N: usize>(&self, channel: &[T], apart: &mut [T]) {
        for lines in self.lines.chunks_exact(HANDS) {
            let row = &channel[lines[0].source..][..lines[0].count * HANDS];
            for (n, row) in row.chunks_exact(N * HANDS).enumerate() {
                let mut hands = [[T::zero(); N]; HANDS];
                for k in 0..N {
                    for (hand, entries) in hands.iter_mut().enumerate() {
                        entries[k] = row[k * HANDS + hand];
                    }
                }
                for (line, entries) in lines.iter().zip(&hands) {
                    apart[line.start + n * N..][..N].copy_from_slice(entries);
                }
            }
        }
    }

    /// Adds what was dealt so.
    #[inline(always)]
    fn collect<T: Real, const N: usize>(&self, apart: &[T], channel: &mut [T]) {
        for lines in self.lines.chunks_exact(HANDS) {
            let row = &mut channel[lines[0].source..][..lines[0].count * HANDS];
            for (n, row) in row.chunks_exact_mut(N * HANDS).enumerate() {
                let mut hands = [[T::zero(); N]; HANDS];
                for (line, entries) in lines.iter().zip(&mut hands) {
                    entries.copy_from_slice(&apart[line.start + n * N..][..N]);
                }
                for k in 0..N {
                    for (hand, entries) in hands.iter().enumerate() {
                        row[k * HANDS + hand] += entries[k];
                    }
                }
            }
        }
    }
}

#[inline(always)]
fn every<T: Real, const S: usize>(from: &[T], to: &mut [T]) {
    to.iter_mut().zip(from.chunks(S)).for_each(|(to, from)| *to = from[0]);
}

#[inline(always)]
fn add_to_every<T: Real, const S: usize>(from: &[T], to: &mut [T]) {
    from.iter().zip(to.chunks_mut(S)).for_each(|(&from, to)| to[0] += from);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dual::ConvShape;

    /// What tiles see of maps that are dealt evenly to their parts, and of some that are not, against the definition; and back.
    #[test]
    fn windows_every_four_positions_are_those_of_the_definition() {
        for (kernel, padding) in [(6, 0), (6, 1), (6, 2), (4, 0)] {
            for side in [7, 8, 10, 16, 28, 30, 32, 40, 64] {
                let out = usize::div_ceil(side + 2 * padding - (kernel - 4), 4);
                let (shape, to) = (ConvShape { stride: 4, ..ConvShape::new(4, padding) }, [2, out, out]);
                let geometry = Geometry { kernel, shape, input: 1, output: 1, from: [2, side, side], to };
                for rows in [(0, 2 * out), (1, out + 1)] {
                    follow_the_definition(&geometry, rows);
                }
            }
        }
    }

    fn follow_the_definition(geometry: &Geometry, rows: (usize, usize)) {
        let (windows, side, out) = (Windows::new(geometry, rows), geometry.from[1], geometry.to[1]);
        assert_eq!(windows.dealt, (side % 4 == 0).then_some(side / 4), "{geometry:?}");
        let channel: Vec<f64> = (1..=geometry.places()).map(|i| i as f64).collect();
        let mut apart = windows.apart();
        let mut columns = windows.columns();
        windows.take(&channel, &mut apart, &mut columns);
        let mut met = vec![0.0; channel.len()];
        for column in 0..windows.count() {
            let (tap, position) = (column / windows.positions, column % windows.positions);
            let (row, x) = (rows.0 + position / out, position % out);
            let seen = |at: usize, tap: usize| {
                (at * 4 + tap).checked_sub(geometry.shape.padding).filter(|&at| at < side)
            };
            let (y, x) = (seen(row % out, tap / geometry.kernel), seen(x, tap % geometry.kernel));
            let source = y.zip(x).map(|(y, x)| (row / out * side + y) * side + x);
            assert_eq!(columns[column], source.map_or(0.0, |at| channel[at]), "{geometry:?}, {column}");
            source.into_iter().for_each(|at| met[at] += channel[at]);
        }
        let mut sums = vec![0.0; channel.len()];
        windows.add(&columns, &mut apart, &mut sums);
        assert_eq!(sums, met, "{geometry:?}");
    }
}
