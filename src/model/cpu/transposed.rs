//! Writing a matrix the other way round.

use rayon::prelude::*;

use super::real::Real;

/// Side of the squares in which entries are moved, so that both sides stay in the cache.
const SIDE: usize = 16;

/// Writes `source` `[rows, columns]` as `[columns, rows]` into the rows of `target`, which are `stride` long, from
/// column `at` on.
pub fn write<T: Real>(
    source: &[T],
    columns: usize,
    target: &mut [T],
    stride: usize,
    at: usize,
    parallel: bool,
) {
    if columns == 0 {
        return;
    }
    let rows = source.len() / columns;
    let strip = |(index, strip): (usize, &mut [T])| {
        let first = index * SIDE;
        for begin in (0..rows).step_by(SIDE) {
            let end = (begin + SIDE).min(rows);
            for (i, line) in strip.chunks_mut(stride).enumerate() {
                for row in begin..end {
                    line[at + row] = source[row * columns + first + i];
                }
            }
        }
    };
    if parallel {
        target.par_chunks_mut(SIDE * stride).enumerate().for_each(strip);
    } else {
        target.chunks_mut(SIDE * stride).enumerate().for_each(strip);
    }
}
