//! Windows laid out as columns, and columns added back to where they were taken.
//!
//! A channel is first taken apart by the remainders of its rows and columns modulo the stride, with its border
//! around it: what one tap of the kernel sees along a row out then lies together, and is moved in whole runs.

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
    let parts = Parts::new(geometry, rows);
    let width = geometry.to[2];
    out.resize(channels.len() * geometry.taps() * (rows.1 - rows.0) * width + RUN);
    let mut apart = Buffer::of(parts.size + RUN);
    widest(
        #[inline(always)]
        || {
            let mut at = 0;
            for channel in channels.clone() {
                parts.take_apart(a.row(channel), &mut apart);
                for tap in 0..geometry.taps() {
                    for segment in &parts.segments {
                        let seen = parts.seen(segment, tap);
                        for row in 0..segment.rows {
                            let source = &apart[seen + row * parts.width..];
                            let line = &mut out[at..];
                            // What is beyond the row is overwritten by the next one.
                            for x in (0..width).step_by(RUN) {
                                line[x..x + RUN].copy_from_slice(&source[x..x + RUN]);
                            }
                            at += width;
                        }
                    }
                }
            }
        },
    );
}

/// Adds columns back: the transpose of [`take`]. `planes` are those of the channels that the columns belong to.
pub fn add<T: Real>(geometry: &Geometry, columns: &[T], rows: (usize, usize), planes: &mut [T]) {
    let parts = Parts::new(geometry, rows);
    let width = geometry.to[2];
    let mut apart = Buffer::of(parts.size);
    widest(
        #[inline(always)]
        || {
            let mut at = 0;
            for plane in planes.chunks_exact_mut(geometry.places()) {
                apart.fill(T::zero());
                for tap in 0..geometry.taps() {
                    for segment in &parts.segments {
                        let seen = parts.seen(segment, tap);
                        for row in 0..segment.rows {
                            let sums = &mut apart[seen + row * parts.width..][..width];
                            let line = &columns[at..at + width];
                            sums.iter_mut().zip(line).for_each(|(sum, &part)| *sum += part);
                            at += width;
                        }
                    }
                }
                parts.add_back(&apart, plane);
            }
        },
    );
}

/// How a channel is taken apart for some rows out.
struct Parts<'a> {
    geometry: &'a Geometry,
    /// Remainders that some tap sees, along each side.
    remainders: usize,
    /// Rows and columns of a part beyond those out: what the last taps see.
    beyond: usize,
    /// Columns of a part.
    width: usize,
    segments: Vec<Segment>,
    /// Entries of all parts.
    size: usize,
}

/// Rows out of one sample.
struct Segment {
    sample: usize,
    first: usize,
    rows: usize,
    /// Where its parts begin.
    start: usize,
}

impl<'a> Parts<'a> {
    fn new(geometry: &'a Geometry, (begin, end): (usize, usize)) -> Self {
        let [_, height, width] = geometry.to;
        let (shape, reach) = (geometry.shape, (geometry.kernel - 1) * geometry.shape.dilation);
        let (remainders, beyond) = (shape.stride.min(reach + 1), reach / shape.stride);
        let width = width + beyond;
        let (mut segments, mut size) = (Vec::new(), 0);
        let mut row = begin;
        while row < end {
            let (sample, first) = (row / height, row % height);
            let rows = (height - first).min(end - row);
            segments.push(Segment { sample, first, rows, start: size });
            size += remainders * remainders * (rows + beyond) * width;
            row += rows;
        }
        Parts { geometry, remainders, beyond, width, segments, size }
    }

    /// Where what a tap sees for the first row out of a segment begins.
    #[inline(always)]
    fn seen(&self, segment: &Segment, tap: usize) -> usize {
        let (kernel, shape) = (self.geometry.kernel, self.geometry.shape);
        let (y, x) = (tap / kernel * shape.dilation, tap % kernel * shape.dilation);
        let row = self.row(segment, y % shape.stride, x % shape.stride, y / shape.stride);
        row + x / shape.stride
    }

    /// Where a row of the part of two remainders begins.
    #[inline(always)]
    fn row(&self, segment: &Segment, y: usize, x: usize, row: usize) -> usize {
        let rows = segment.rows + self.beyond;
        segment.start + ((y * self.remainders + x) * rows + row) * self.width
    }

    /// Calls `each` for each row of each part: where it begins, the entries of it that show the channel (first and
    /// last, excluded; none in the border), and where in the channel the first of them is.
    #[inline(always)]
    fn rows(&self, mut each: impl FnMut(usize, (usize, usize), usize)) {
        let [_, height, width] = self.geometry.from;
        let (stride, padding) = (self.geometry.shape.stride, self.geometry.shape.padding);
        for segment in &self.segments {
            for y in 0..self.remainders {
                for row in 0..segment.rows + self.beyond {
                    let source =
                        ((segment.first + row) * stride + y).checked_sub(padding).filter(|&y| y < height);
                    for x in 0..self.remainders {
                        let start = self.row(segment, y, x, row);
                        let first = padding.saturating_sub(x).div_ceil(stride).min(self.width);
                        let last = (width + padding).saturating_sub(x).div_ceil(stride).min(self.width);
                        match source.filter(|_| first < last) {
                            Some(source) => {
                                let row = (segment.sample * height + source) * width;
                                each(start, (first, last), row + first * stride + x - padding);
                            }
                            None => each(start, (0, 0), 0),
                        }
                    }
                }
            }
        }
    }

    #[inline(always)]
    fn take_apart<T: Real>(&self, channel: &[T], apart: &mut [T]) {
        let stride = self.geometry.shape.stride;
        self.rows(
            #[inline(always)]
            |start, (first, last), source| {
                let line = &mut apart[start..start + self.width];
                line[..first].fill(T::zero());
                line[last..].fill(T::zero());
                let (line, seen) = (&mut line[first..last], &channel[source..]);
                if stride == 1 {
                    line.copy_from_slice(&seen[..line.len()]);
                } else {
                    let pairs = line.iter_mut().zip(seen.iter().step_by(stride));
                    pairs.for_each(|(entry, &value)| *entry = value);
                }
            },
        );
    }

    #[inline(always)]
    fn add_back<T: Real>(&self, apart: &[T], channel: &mut [T]) {
        let stride = self.geometry.shape.stride;
        self.rows(
            #[inline(always)]
            |start, (first, last), source| {
                let (sums, line) = (&mut channel[source..], &apart[start + first..start + last]);
                if stride == 1 {
                    sums.iter_mut().zip(line).for_each(|(sum, &part)| *sum += part);
                } else {
                    let pairs = sums.iter_mut().step_by(stride).zip(line);
                    pairs.for_each(|(sum, &part)| *sum += part);
                }
            },
        );
    }
}
