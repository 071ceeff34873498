//! Products with as many columns as there are lanes: a row of the result is one register, twelve of which are summed at a
//! time, where a product for all shapes has six or fewer.

use super::lanes::{Lanes, widest};
use super::matrix::{View, ViewMut};
use super::real::Real;

/// Rows that are summed at a time.
const ROWS: usize = 12;

/// Terms of a sum that are added before the next rows are begun: what they meet stays in the nearest cache.
const TERMS: usize = 64;

/// `out = lhs rhs`, or `out += lhs rhs`, where `rhs` has as many columns as [`Lanes`].
pub fn product<T: Real>(out: &mut ViewMut<T>, add: bool, lhs: View<T>, rhs: View<T>) {
    let (rows, terms) = (out.rows(), rhs.height());
    widest(
        #[inline(always)]
        || {
            let step = if lhs.is_by_rows() { terms.max(1) } else { TERMS };
            for begin in (0..terms.max(1)).step_by(step) {
                let some = begin..(begin + step).min(terms);
                let add = add || begin > 0;
                let mut row = 0;
                while row + ROWS <= rows {
                    sums::<T, ROWS>(out, row, add, lhs, rhs, some.clone());
                    row += ROWS;
                }
                while row + 4 <= rows {
                    sums::<T, 4>(out, row, add, lhs, rhs, some.clone());
                    row += 4;
                }
                while row < rows {
                    sums::<T, 1>(out, row, add, lhs, rhs, some.clone());
                    row += 1;
                }
            }
        },
    );
}

/// N rows from `row` on, with some of the terms.
#[allow(clippy::needless_range_loop)]
#[inline(always)]
fn sums<T: Real, const N: usize>(
    out: &mut ViewMut<T>,
    row: usize,
    add: bool,
    lhs: View<T>,
    rhs: View<T>,
    terms: std::ops::Range<usize>,
) {
    // Plain loops: closures would keep the compiler from making one vector instruction of each operation.
    let mut sums = [Lanes::<T>::zero(); N];
    if add {
        for n in 0..N {
            sums[n] = Lanes::load(out.row(row + n));
        }
    }
    let block = lhs.block::<N>(row, terms.clone());
    for (k, term) in terms.enumerate() {
        let values = Lanes::load(rhs.row(term));
        for n in 0..N {
            sums[n] = sums[n].plus(block.at(n, k), values);
        }
    }
    for n in 0..N {
        sums[n].store(out.row(row + n));
    }
}
