//! Bounds on norms and numbers.

use std::collections::BTreeSet;

use super::{Inferred, Seen, Sureness, as_written, levels, rounded};

/// Rows, and columns, in which the largest magnitude must be met: a layer that sees equal inputs has it several times in
/// one of them.
const PLACES: usize = 4;
/// How far a norm in 32 bits may be from its bound.
const EXACT: f64 = 1e-6;
/// From here on too many clean norms are round.
const TOO_FAR: f64 = 2e-5;
/// Of the numbers near the bound those that meet it; steps of Adam whose settings are not known only come near it.
const SAME: f64 = 0.5;

/// Several numbers of the largest magnitude: a bound on each.
pub(super) fn entries(all: &[&Seen<'_>]) -> Option<Inferred> {
    let numbers = || all.iter().flat_map(|seen| &seen.values);
    let most = numbers().fold(0.0_f64, |most, value| most.max(value.abs()));
    if most == 0.0 {
        return None;
    }
    let (mut rows, mut columns, mut there) = (BTreeSet::new(), BTreeSet::new(), 0);
    for (at, seen) in all.iter().enumerate() {
        let columns_of_one = match seen.shape {
            [rows, _, ..] => seen.values.len() / rows.max(&1),
            // One row of its own.
            _ => seen.values.len(),
        };
        for (i, _) in seen.values.iter().enumerate().filter(|(_, value)| value.abs() == most) {
            there += 1;
            rows.insert((at, i / columns_of_one.max(1)));
            columns.insert((at, i % columns_of_one.max(1)));
        }
    }
    let near = numbers().filter(|value| value.abs() > 0.99 * most).count();
    (there as f64 >= SAME * near as f64 && rows.len() >= PLACES && columns.len() >= PLACES).then(|| {
        let bound = as_written(most);
        let evidence = format!(
            "{there} numbers in {} rows have the magnitude {bound:?}, and none a larger one",
            rows.len()
        );
        Inferred::new("clip", [("norm", bound.into()), ("of", "entry".into())], Sureness::Sure, evidence)
    })
}

/// Several tensors of the largest norm: a bound on each.
pub(super) fn layers(all: &[&Seen<'_>]) -> Option<Inferred> {
    let norms: Vec<f64> = all.iter().map(|seen| seen.norm()).collect();
    let most = norms.iter().copied().fold(0.0, f64::max);
    let there: Vec<&Seen<'_>> = all
        .iter()
        .copied()
        .zip(&norms)
        .filter(|(_, norm)| **norm >= most * (1.0 - EXACT))
        .map(|(seen, _)| seen)
        .collect();
    // Biases that stand beside a skip connection have the same gradient.
    let sizes: BTreeSet<usize> = there.iter().map(|seen| seen.values.len()).collect();
    (most > 0.0 && sizes.len() > 1).then(|| {
        let bound = as_written(most);
        let evidence = format!("{} tensors have the norm {bound:?}, and none a larger one", there.len());
        Inferred::new("clip", [("norm", bound.into()), ("of", "layer".into())], Sureness::Sure, evidence)
    })
}

/// A norm that is a round number: that of a bound on the whole update. A later cast to fewer bits moves it a little.
pub(super) fn whole(all: &[&Seen<'_>], cast: Option<&Inferred>) -> Option<Inferred> {
    let numbers = || all.iter().flat_map(|seen| &seen.values);
    let (squares, fourths) = numbers().fold((0.0, 0.0), |(squares, fourths), value| {
        let square = value * value;
        (squares + square, fourths + square * square)
    });
    let norm = f64::sqrt(squares);
    let moved = cast.map_or(0.0, |cast| levels::precision(cast) * f64::sqrt(fourths) / squares);
    let tolerance = EXACT + moved;
    let round = rounded(norm, 2);
    (norm > 0.0 && tolerance < TOO_FAR && (norm - round).abs() <= tolerance * norm).then(|| {
        // Ninety numbers of two digits to a decade.
        let chance = 90.0 * 2.0 * tolerance / std::f64::consts::LN_10;
        let evidence = format!(
            "its norm is {round:?}, a number of at most two digits; of clean updates one in {:.0} has one so near",
            rounded(1.0 / chance, 1)
        );
        Inferred::new("clip", [("norm", round.into())], Sureness::Likely, evidence)
    })
}
