//! Zeros: of whole tensors, or of the same share of every one.

use super::{Inferred, Seen, Sureness};
use crate::fl::diagnosis::scattered;
use crate::model::{Layer, Net};

/// Tensors of fewer numbers say little by their shares.
const LARGE: usize = 32;
/// Of tensors that agree in their share by chance, the logarithm of how rare that is; one in four hundred.
const RARE: f64 = 6.0;
/// Shares below which zeros are taken for the clean update's own: counted to a number, and as far as chance goes.
const FEW: f64 = 0.01;
const LEAST: f64 = 0.1;
/// Kept numbers of a tensor within a factor of two of the smallest: of the largest ones there are many, of any ones about
/// one.
const MANY: f64 = 5.0;

/// Tensors of zeros alone. A bias in front of BatchNorm, or a short one that little is left of, can be zero beside a
/// weight that is not.
pub(super) fn dropped(all: &[Seen<'_>], is_zero: &[bool], net: &Net) -> Option<Inferred> {
    let layer = |name: &str| name.rsplit_once('.').map_or(name.to_owned(), |(layer, _)| layer.to_owned());
    let is_whole = |of: &str| {
        let mut tensors = all.iter().zip(is_zero).filter(|(seen, _)| layer(seen.name) == of);
        tensors.all(|(_, zero)| *zero)
    };
    let (mut names, mut count, mut last): (Vec<String>, usize, usize) = (Vec::new(), 0, 0);
    for (at, seen) in all.iter().enumerate().filter(|(at, _)| is_zero[*at]) {
        let of = layer(seen.name);
        let name = match is_whole(&of) {
            true => of,
            false if seen.shape.len() > 1 => seen.name.to_owned(),
            false => continue,
        };
        (count, last) = (count + 1, at);
        if names.last() != Some(&name) {
            names.push(name);
        }
    }
    let first_sent = is_zero.iter().position(|zero| !zero)?;
    let sent_biases = all.iter().zip(is_zero).filter(|(seen, zero)| !**zero && seen.name.ends_with(".bias"));
    let is_beside_bias = sent_biases.map(|(seen, _)| layer(seen.name)).any(|of| {
        net.full_layers().iter().any(|full| full.name == of && names.contains(&format!("{of}.weight")))
    });
    // Where a layer has no unit that is active, it and all in front of it on its branch are zero; the scores have units.
    let is_dead = first_sent > last || last + 1 < all.len() && has_branches(net.layers());
    let (sureness, doubt) = if is_dead {
        (Sureness::Likely, ", which a layer without any active unit leaves as well")
    } else if is_beside_bias {
        (Sureness::Likely, ", which a layer whose active features were all cut leaves as well")
    } else {
        (Sureness::Sure, "")
    };
    let evidence = format!("{count} of {} tensors are zero{doubt}", all.len());
    (count > 0).then(|| Inferred::new("drop-layers", [("layers", names.into())], sureness, evidence))
}

/// Whether signals go on beside some layers.
fn has_branches(layers: &[Layer]) -> bool {
    let is_plain = |layer: &Layer| {
        matches!(
            layer,
            Layer::Conv { .. }
                | Layer::Linear { .. }
                | Layer::BatchNorm { .. }
                | Layer::Activation(_)
                | Layer::MaxPool(_)
                | Layer::AvgPool(_)
                | Layer::GlobalAvgPool
                | Layer::Flatten
        )
    };
    !layers.iter().all(is_plain)
}

/// How many numbers of a tensor are zero.
struct Counted {
    zeros: usize,
    all: usize,
    /// Those that belong to no dead unit, and how many of them are zero.
    alive: (usize, usize),
}

impl Counted {
    /// Outside of dead units.
    fn alive_share(&self) -> f64 {
        self.alive.1 as f64 / self.alive.0.max(1) as f64
    }
}

/// Zeros in every tensor alike, rather than where units are dead. Numbers that were rounded to levels can be zero by that.
pub(super) fn sparsified(all: &[&Seen<'_>], is_rounded: bool) -> Option<Inferred> {
    let counted: Vec<Counted> = all
        .iter()
        .map(|seen| Counted {
            zeros: seen.zeros(),
            all: seen.values.len(),
            alive: scattered(seen.shape, &seen.values),
        })
        .collect();
    // n - floor((1 - s) n) zeros are as usual, and the nearest number.
    let ways = [(0.0, 1.0), (-1.0, 0.0), (-0.5, 0.5)];
    let alike = ways.iter().find_map(|way| alike(all, &counted, is_rounded, *way));
    alike.or_else(|| if is_rounded { None } else { by_chance(all, &counted) })
}

/// floor(s n) zeros in tensors of n numbers: s is in [z/n, (z + 1)/n) for all of them, unless the clean update has more
/// zeros there; with another rounding so many numbers `below` and `above` z.
fn alike(
    all: &[&Seen<'_>],
    counted: &[Counted],
    is_rounded: bool,
    (below, above): (f64, f64),
) -> Option<Inferred> {
    let at = |it: &Counted, more: f64| (it.zeros as f64 + more) / it.all as f64;
    // One number is kept of the smallest tensors, whatever the share.
    let bound = |it: &Counted| if above < 1.0 && it.zeros + 1 >= it.all { 1.0 } else { at(it, above) };
    let high = counted.iter().map(bound).fold(1.0, f64::min);
    let agrees = |it: &Counted| at(it, below) < high;
    let low = counted.iter().filter(|it| agrees(it)).map(|it| at(it, below)).fold(0.0, f64::max);
    let large: Vec<(&Seen<'_>, &Counted)> = all
        .iter()
        .copied()
        .zip(counted)
        .filter(|(seen, it)| seen.shape.len() > 1 && it.all >= LARGE)
        .collect();
    let agreeing: Vec<&(&Seen<'_>, &Counted)> = large.iter().filter(|(_, it)| agrees(it)).collect();
    // One of them says what the share is.
    let logs = agreeing.iter().map(|(_, it)| (it.all as f64).ln());
    let rare = logs.clone().sum::<f64>() - logs.fold(0.0, f64::max);
    let is_scattered = agreeing.iter().any(|(_, it)| it.alive.1 > 0);
    if low < FEW || !is_scattered || rare < RARE || 2 * agreeing.len() < large.len() {
        return None;
    }
    // The upper end is in where the lower one is not.
    let end = if above < 1.0 { 1e-9 } else { 0.0 };
    let share = shortest(low + end, high + end);
    let mut evidence = format!(
        "zeros are {:.1} % of {} of {} tensors alike, to a number: each was cut on its own",
        100.0 * share,
        counted.iter().filter(|it| agrees(it)).count(),
        counted.len()
    );
    let mut settings = vec![("share", toml::Value::from(share))];
    if !is_rounded {
        let crowds: Vec<f64> = agreeing.iter().filter_map(|(seen, _)| crowd(seen)).collect();
        let crowd = crowds.iter().sum::<f64>() / crowds.len() as f64;
        if crowd < MANY {
            settings.push(("choice", "random".into()));
            evidence += "; those kept are of every size";
        } else if crowd.is_nan() {
            evidence += "; which ones were kept it does not tell";
        } else {
            evidence += "; those kept have a least size";
        }
    }
    Some(Inferred::new("sparsify", settings, Sureness::Sure, evidence))
}

/// How many kept numbers are within a factor of two of the smallest.
fn crowd(seen: &Seen<'_>) -> Option<f64> {
    let kept = || seen.values.iter().map(|value| value.abs()).filter(|value| *value > 0.0);
    let least = kept().fold(f64::INFINITY, f64::min);
    (kept().count() >= LARGE).then(|| kept().filter(|value| *value <= 2.0 * least).count() as f64)
}

/// About the same share of zeros everywhere outside of dead units: some were zero before others were drawn.
fn by_chance(all: &[&Seen<'_>], counted: &[Counted]) -> Option<Inferred> {
    const ENOUGH: usize = 100;
    if all.iter().any(|seen| seen.is_coarse()) {
        return None;
    }
    // Sums over samples are zero here and there in the middle of a network, but neither at its pixels nor at its scores.
    let weights = all.iter().zip(counted).filter(|(seen, it)| seen.shape.len() > 1 && it.alive.0 >= ENOUGH);
    let mut large: Vec<&Counted> = weights.map(|(_, it)| it).collect();
    large.sort_by(|a, b| a.alive_share().total_cmp(&b.alive_share()));
    let &[first, second, ..] = large.as_slice() else { return None };
    let count = (first.alive.0 + second.alive.0) as f64;
    let share = (first.alive.1 + second.alive.1) as f64 / count;
    let variance = share * (1.0 - share) * (1.0 / first.alive.0 as f64 + 1.0 / second.alive.0 as f64);
    if share < LEAST || second.alive_share() - first.alive_share() > 5.0 * variance.sqrt() {
        return None;
    }
    let high = counted.iter().map(|it| (it.zeros + 1) as f64 / it.all as f64).fold(1.0, f64::min);
    // No tensor has fewer zeros than the share that is told.
    let told = share.min(high - 1e-9);
    let told = (told * 100.0).floor() / 100.0;
    let evidence = format!(
        "outside of dead units at least {:.1} % of every tensor are zero, and of two tensors as many as far as chance goes",
        100.0 * share
    );
    let settings = [("share", told.into()), ("choice", "random".into())];
    // What the clean update has of its own is uneven.
    (told > 0.75 * share).then(|| Inferred::new("sparsify", settings, Sureness::Likely, evidence))
}

/// The shortest decimal in `[low, high)`.
pub(super) fn shortest(low: f64, high: f64) -> f64 {
    let mut candidates = (1..=9).map(|digits| {
        let unit = 10_f64.powi(digits);
        (low * unit - 1e-6).ceil() / unit
    });
    candidates.find(|value| (low - 1e-12..high).contains(value) && *value > 0.0).unwrap_or(low)
}
