//! Few magnitudes, or none that a narrower format cannot hold.

use super::{Inferred, Seen, Sureness};
use crate::fl::diagnosis::scattered;

/// Numbers other than zero from which on levels are told.
const ENOUGH: usize = 32;
/// Tensors, of the most numbers, that tell the levels.
const TELLING: usize = 3;
/// Most steps from zero to the largest magnitude.
const MOST: f64 = 65_535.0;
/// How far from a level a number may be, in steps.
const NEAR: f64 = 0.02;
/// Share of zeros outside of dead units from which on signs are levels of which zero is one.
const TERNARY: f64 = 0.2;

/// Signs, a narrower format, or levels.
pub(super) fn levels(all: &[&Seen<'_>]) -> Option<Inferred> {
    if is_one_bound(all) { None } else { signs(all).or_else(|| cast(all)).or_else(|| quantised(all)) }
}

/// The word of a cast.
pub(super) fn format(cast: &Inferred) -> &str {
    cast.step.settings.get("format").and_then(toml::Value::as_str).unwrap_or_default()
}

/// The largest relative error of a cast.
pub(super) fn precision(cast: &Inferred) -> f64 {
    if format(cast) == "bf16" { 2f64.powi(-8) } else { 2f64.powi(-11) }
}

/// Whether all numbers have one magnitude, in all tensors: each has reached the same bound.
fn is_one_bound(all: &[&Seen<'_>]) -> bool {
    let mut magnitudes = all.iter().flat_map(|seen| seen.values.iter().map(|value| value.abs()));
    let Some(first) = magnitudes.find(|value| *value > 0.0).filter(|first| *first != 1.0) else {
        return false;
    };
    all.len() > 1 && magnitudes.all(|value| value == 0.0 || value == first)
}

fn signs(all: &[&Seen<'_>]) -> Option<Inferred> {
    let magnitudes: Vec<Vec<f64>> = all.iter().map(|seen| seen.magnitudes()).collect();
    let has_enough = |seen: &Seen<'_>| seen.values.len() - seen.zeros() >= ENOUGH;
    if !magnitudes.iter().all(|one| one.len() == 1) || !all.iter().any(|seen| has_enough(seen)) {
        return None;
    }
    let (alive, zeros) = all.iter().fold((0, 0), |(alive, zeros), seen| {
        let (here, empty) = scattered(seen.shape, &seen.values);
        (alive + here, zeros + empty)
    });
    let evidence = "the numbers of a tensor differ by their signs alone";
    // A clean gradient to the scores has hardly a zero.
    let of_scores = all.last().map_or(0.0, |seen| seen.zeros() as f64 / seen.values.len() as f64);
    if zeros as f64 > TERNARY * alive as f64
        && of_scores > TERNARY
        && super::zeros::sparsified(all, true).is_none()
    {
        let evidence = format!(
            "{evidence}, and {:.0} % of them are zero; {UNTOLD}",
            100.0 * zeros as f64 / alive.max(1) as f64
        );
        return Some(Inferred::new("quantise", [("levels", 1.into())], Sureness::Likely, evidence));
    }
    let settings = magnitudes.iter().all(|one| one == &[1.0]).then(|| ("scaled", false.into()));
    Some(Inferred::new("sign", settings, Sureness::Sure, evidence.to_owned()))
}

/// What levels alone leave open.
const UNTOLD: &str = "whether to the nearest level or at random they do not tell, the nearest is taken";

/// Numbers with as many leading bits as a format has.
fn cast(all: &[&Seen<'_>]) -> Option<Inferred> {
    // A difference that is small beside the weight has few bits by itself.
    let numbers = all.iter().flat_map(|seen| {
        let is_far = move |(value, theta): &(&f64, &f64)| {
            **value != 0.0 && (seen.grain == 0.0 || value.abs() > theta.abs() * 2f64.powi(-12))
        };
        seen.values.iter().zip(&seen.theta).filter(is_far).map(|(value, _)| *value)
    });
    let (mut count, mut bits) = (0, 0);
    for value in numbers {
        let narrow = value as f32;
        // In 64 bits as well nothing may be left.
        if f64::from(narrow) != value {
            return None;
        }
        bits = bits.max(23 - narrow.to_bits().trailing_zeros().min(23));
        if bits > 10 {
            return None;
        }
        count += 1;
    }
    let (format, kept) = if bits <= 7 { ("bf16", 8) } else { ("fp16", 11) };
    (count >= 2 * ENOUGH).then(|| {
        let evidence = format!("none of {count} numbers needs more than {kept} bits");
        Inferred::new("cast", [("format", format.into())], Sureness::Sure, evidence)
    })
}

/// Numbers that are multiples of one, tensor by tensor.
fn quantised(all: &[&Seen<'_>]) -> Option<Inferred> {
    let count = |seen: &Seen<'_>| seen.values.len() - seen.zeros();
    let mut most: Vec<&Seen<'_>> = all.iter().copied().filter(|seen| count(seen) >= ENOUGH).collect();
    most.sort_by_key(|seen| std::cmp::Reverse(count(seen)));
    // Few numbers need not hold two that are one level apart.
    let codes: Vec<f64> = most.iter().take(TELLING).map(|seen| grid(seen)).collect::<Option<_>>()?;
    let most = codes.iter().copied().reduce(f64::max)?;
    // The largest number of a tensor is the outermost level, unless levels are of the norm.
    let is_of_largest = all.iter().all(|seen| {
        let magnitudes = seen.magnitudes();
        magnitudes.last().is_none_or(|largest| are_multiples(&magnitudes, largest / most))
    });
    if is_of_largest {
        let evidence = format!("every tensor holds multiples of its largest magnitude over {most}; {UNTOLD}");
        let step = match most {
            127.0 => Inferred::new("cast", [("format", "int8".into())], Sureness::Sure, evidence),
            _ => Inferred::new("quantise", [("levels", (most as i64).into())], Sureness::Sure, evidence),
        };
        return Some(step);
    }
    let evidence = "every tensor holds multiples of a number of its own, as QSGD sends them";
    let levels = of_norm(all).unwrap_or(most);
    let settings =
        [("levels", (levels as i64).into()), ("scale", "l2".into()), ("rounding", "stochastic".into())];
    Some(Inferred::new("quantise", settings, Sureness::Likely, evidence.to_owned()))
}

/// Steps from zero to the largest magnitude of a tensor, if it holds multiples of one number.
fn grid(seen: &Seen<'_>) -> Option<f64> {
    let magnitudes = seen.magnitudes();
    let step = step_of(&magnitudes)?;
    let largest = *magnitudes.last()?;
    let count = (largest / step).round();
    (count <= MOST && step > 4.0 * seen.grain && are_multiples(&magnitudes, largest / count)).then_some(count)
}

/// The number that these are multiples of, from the smallest on, which are told the most exactly.
fn step_of(magnitudes: &[f64]) -> Option<f64> {
    let small = &magnitudes[..magnitudes.len().div_ceil(2)];
    let gaps = small.windows(2).map(|pair| pair[1] - pair[0]).chain(small.first().copied());
    let mut step = gaps.reduce(f64::min)?;
    for value in magnitudes {
        let count = (value / step).round();
        if (value / step - count).abs() > 0.1 {
            return None;
        }
        step = value / count;
    }
    Some(step)
}

/// Whether all are, as far as 32 bits tell.
fn are_multiples(magnitudes: &[f64], step: f64) -> bool {
    magnitudes.iter().all(|value| {
        let count = value / step;
        (count - count.round()).abs() < NEAR + 1e-6 * count
    })
}

/// Levels to the norm of a tensor: the norm in steps, less what rounding at random adds to it. Told by tensors of more
/// than a step a number; of the others nothing is known.
fn of_norm(all: &[&Seen<'_>]) -> Option<f64> {
    let levels = all.iter().filter_map(|seen| {
        let magnitudes = seen.magnitudes();
        let step = step_of(&magnitudes).filter(|_| magnitudes.len() > 2)?;
        let (square, count) = ((seen.norm() / step).powi(2), seen.values.len() as f64);
        (square > 4.0 * count).then(|| (square - count / 6.0).sqrt())
    });
    let mut levels: Vec<f64> = levels.collect();
    levels.sort_by(f64::total_cmp);
    levels.get(levels.len() / 2).map(|levels| levels.round())
}
