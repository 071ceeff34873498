//! OUTPOST: columns that noise filled up again beside others that were pruned.

use super::{Inferred, Seen, Sureness, rounded};

/// Columns of fewer numbers are full or empty by chance.
const LEAST_ROWS: usize = 4;
/// Fewer columns of one kind say little.
const FEW: usize = 8;
/// How many more full columns there are than zeros strewn at random would leave.
const MORE: f64 = 4.0;
/// Share of the numbers in full columns that are smaller than any that pruning left elsewhere. A rule that leaves out the
/// smallest of all has none.
const SMALLER: f64 = 0.1;

/// A tensor by its columns, the places behind its first axis, on which the noise falls.
struct Columns {
    full: usize,
    empty: usize,
    partly: usize,
    /// Full ones that zeros strewn at random would leave.
    by_chance: f64,
    /// Numbers in full columns, and how many are smaller than all that is left in the others.
    filled: (usize, usize),
    zeros: f64,
}

impl Columns {
    fn of(seen: &Seen<'_>) -> Option<Columns> {
        let rows = *seen.shape.first()?;
        let width = seen.values.len() / rows.max(1);
        if rows < LEAST_ROWS || width < 2 {
            return None;
        }
        let mut zeros = vec![0; width];
        let zero = seen.values.iter().enumerate().filter(|(_, value)| **value == 0.0);
        zero.for_each(|(at, _)| zeros[at % width] += 1);
        let of = |is: &dyn Fn(usize) -> bool| zeros.iter().filter(|zeros| is(**zeros)).count();
        let magnitudes = |full: bool| {
            let numbers = seen.values.iter().enumerate().filter(move |(_, value)| **value != 0.0);
            let zeros = &zeros;
            numbers.filter(move |(at, _)| (zeros[at % width] == 0) == full).map(|(_, value)| value.abs())
        };
        let least = magnitudes(false).fold(f64::INFINITY, f64::min);
        let share = zeros.iter().sum::<usize>() as f64 / seen.values.len() as f64;
        Some(Columns {
            full: of(&|zeros| zeros == 0),
            empty: of(&|zeros| zeros == rows),
            partly: of(&|zeros| zeros > 0 && zeros < rows),
            by_chance: width as f64 * (1.0 - share).powi(rows as i32),
            filled: (magnitudes(true).count(), magnitudes(true).filter(|size| *size < least).count()),
            zeros: share,
        })
    }
}

/// Full columns beside columns with some zeros, with small numbers in the full ones alone.
pub(super) fn outpost(sent: &[&Seen<'_>]) -> Option<Inferred> {
    let tensors: Vec<Columns> = sent.iter().filter_map(|seen| Columns::of(seen)).collect();
    let sum = |of: fn(&Columns) -> usize| tensors.iter().map(of).sum::<usize>();
    let (full, partly, empty) = (sum(|it| it.full), sum(|it| it.partly), sum(|it| it.empty));
    let by_chance: f64 = tensors.iter().map(|it| it.by_chance).sum();
    // Where a tensor has columns of one kind alone, nothing in it is smaller than something beside it.
    let both = || tensors.iter().filter(|it| it.full > 0 && it.partly > 0);
    let (numbers, smaller) = both().fold((0, 0), |sum, it| (sum.0 + it.filled.0, sum.1 + it.filled.1));
    let is_filled = smaller as f64 > SMALLER * numbers as f64;
    if full < FEW || partly < FEW || (full as f64) < MORE * by_chance || !is_filled {
        return None;
    }
    let noised = rounded(full as f64 / (full + partly + empty) as f64, 2);
    // The share of a tensor that no noise fell on.
    let mut bare: Vec<f64> = tensors.iter().filter(|it| it.full == 0).map(|it| it.zeros).collect();
    bare.sort_by(f64::total_cmp);
    let pruned = bare.get(bare.len() / 2).map(|share| ("pruned", rounded(*share, 2).into()));
    let evidence = format!(
        "{full} columns without a zero stand beside {partly} with some, and numbers smaller than any of those fill them, as \
         noise on a part of a pruned update does"
    );
    let settings = std::iter::once(("noised", noised.into())).chain(pruned);
    Some(Inferred::new("outpost", settings, Sureness::Likely, evidence))
}
