//! What the last layer says of how many samples and labels are behind an update of several samples.

use super::head::Head;
use super::parts::{Agreed, Parts};
use super::tally::{Counter, Tally};
use super::{Finding, Said, Suspect, is_power_of_two, rounded, times};
use crate::config::{LocalTraining, Loss};

/// Operations that the rank of the last layer may take.
const RANK_COST: usize = 200_000_000;

impl Suspect<'_> {
    /// Where all samples have nearly the same scores: labels come in whole numbers, with the loss and scale that the update
    /// is of and hardly with others.
    pub(super) fn tallied(&self, head: &Head, factor: f64, several: bool, noise: f64) -> Option<Finding> {
        let loss = self.net.loss();
        let batch = self.captured.batch as f64;
        let local = self.captured.local.filter(|_| several);
        if local.is_some_and(|local| self.is_uneven(&local)) || self.is_processed {
            return None;
        }
        let samples = local.map_or(batch, |local| batch * f64::from(local.epochs));
        let counter = Counter::of(head, samples, noise)?;
        let unit = self.unit(factor);
        let taken = counter.under(loss, unit).filter(Tally::is_off)?;
        let mut all = Vec::new();
        if !several {
            for other in [Loss::Ce, Loss::Bce, Loss::Mse].into_iter().filter(|other| *other != loss) {
                all.extend([counter.under(other, factor), counter.scaled(other, 1.0)]);
            }
            if loss.is_cross_entropy() {
                all.push(counter.smoothed(unit));
            }
        }
        all.extend([counter.scaled(loss, 1.0), counter.scaled(loss, -1.0)]);
        let all: Vec<Tally> = all.into_iter().flatten().filter(|tally| tally.is_likelier(&taken)).collect();
        // Of those that fit as well as any the first.
        let least = all.iter().map(|tally| tally.misfit).fold(f64::INFINITY, f64::min);
        let best = *all.iter().find(|tally| tally.misfit <= least + 0.05)?;
        // A mean over samples has no entry below -1.
        let lowest = head.to_scores()?.iter().copied().fold(0.0, f64::min) / unit;
        let sure = !several
            && (best.leaves_no_doubt(&taken)
                || loss.is_cross_entropy() && lowest < -1.05 && best.scale > 0.0);
        let scale = snapped(best.scale / unit, batch);
        if several && (0.5..2.0).contains(&scale) {
            // The scores of later steps are others.
            return None;
        }
        // Where all scores are equal, smoothing does what a scale below one does.
        let as_scale = all.iter().find(|tally| tally.loss == loss && tally.scale > 0.0);
        let as_scale = as_scale.filter(|_| matches!(best.loss, Loss::LabelSmoothing(_)));
        let as_scale = as_scale.map(|other| self.as_sent(snapped(other.scale / unit, batch)));
        self.is_another(best.loss, best.scale, factor, sure, as_scale)
    }

    /// What the update is by its labels, where it is not the gradient it is taken for: times a scale that of the mean
    /// under a loss. `as_scale` would nearly look the same.
    fn is_another(
        &self,
        found: Loss,
        scale: f64,
        factor: f64,
        sure: bool,
        as_scale: Option<f64>,
    ) -> Option<Finding> {
        let loss = self.net.loss();
        let batch = self.captured.batch as f64;
        let blind = self.is_blind_to_scale();
        let presumably = if sure { "" } else { "presumably " };
        if found != loss {
            let what =
                format!("{presumably}is the gradient of the {}, not of the {}", found.name(), loss.name());
            let mut remedy = format!("set victim.loss = {}", found.key());
            let scale = snapped(scale / factor, batch);
            let of_sum = matches!(found, Loss::LabelSmoothing(_)) && loss == Loss::CeSum;
            if (scale - 1.0).abs() > 0.02 && (!blind || of_sum) {
                remedy += &format!(" and victim.captured.scale = {}", self.as_sent(scale));
            }
            if let Some(other) = as_scale {
                remedy += &format!("; victim.captured.scale = {other} would nearly look like this");
            }
            return Some(Finding::new(sure && !(as_scale.is_some() && blind), what).with(remedy));
        }
        let scale = snapped(scale / self.unit(factor), batch);
        if scale < 0.0 {
            return Some(self.opposite(sure, -scale));
        }
        if self.captured.scale.is_estimated() {
            return None;
        }
        let own = format!("set victim.captured.scale = {}", self.as_sent(scale));
        let (what, remedy) = if scale == batch && loss != Loss::CeSum {
            let what = format!(
                "is too large for a mean over {batch} samples, as a sum over them or over accumulated steps is"
            );
            (
                what,
                if loss == Loss::Ce {
                    format!("set victim.loss = \"ce-sum\", or victim.captured.scale = {batch}")
                } else {
                    own
                },
            )
        } else {
            (times(scale, self.captured.batch), own)
        };
        let unseen = if blind { ", which the matching does not see" } else { "" };
        Some(Finding::new(sure && !blind, format!("{presumably}{what}{unseen}")).with(remedy))
    }

    /// What a gradient is times that of the mean as it is taken; a sum is one over the samples of a step.
    pub(super) fn unit(&self, factor: f64) -> f64 {
        let batch = self.captured.batch as f64;
        let local = self.captured.local.filter(|_| self.captured.kind.takes_steps());
        let each = local.and_then(|local| local.batch).map_or(batch, |each| f64::from(each).min(batch));
        if self.net.loss() == Loss::CeSum { factor * each } else { factor }
    }

    /// Where few samples with scores of their own can be taken apart.
    pub(super) fn parted(&self, head: &Head, factor: f64, noise: f64) -> Option<Said> {
        let loss = self.net.loss();
        if self.is_processed {
            return None;
        }
        let parts = Parts::of(head, self.captured.batch, noise)?;
        let losses = match loss {
            Loss::Ce | Loss::CeSum => vec![loss, Loss::LabelSmoothing(0.0), Loss::Bce, Loss::Mse],
            Loss::LabelSmoothing(_) => vec![loss, Loss::Ce, Loss::Bce, Loss::Mse],
            _ => vec![loss, Loss::Ce, Loss::Bce, Loss::Mse],
        };
        let mut best: Option<Agreed> = None;
        for (at, other) in losses.into_iter().enumerate() {
            let Some(found) = parts.under(other) else { continue };
            if best.is_none_or(|best| found.is_likelier(&best)) {
                best = Some(found);
            }
            // As it was taken, but for the scale; else each in turn.
            if at == 0 && found.samples > 1 && found.loss == loss {
                break;
            }
        }
        let best = best?;
        let same = match (best.loss, loss) {
            (Loss::LabelSmoothing(a), Loss::LabelSmoothing(b)) => (a - b).abs() < 0.01,
            (Loss::LabelSmoothing(share), Loss::Ce | Loss::CeSum) => share < 0.005,
            (Loss::Ce, Loss::CeSum) => true,
            (found, taken) => found == taken,
        };
        let found = if same { loss } else { best.loss };
        if same && (best.scale / self.unit(factor) - 1.0).abs() < 0.03 {
            return Some(Said::Right);
        }
        let sure = best.samples > 1 && best.is_exact();
        self.is_another(found, best.scale, factor, sure, None)
            .map_or(Some(Said::Right), |it| Some(Said::Wrong(it)))
    }

    /// Under binary cross-entropy no entry of the gradient to the last bias is beyond one over the outputs.
    pub(super) fn beyond_binary(&self, head: &Head, factor: f64) -> Option<Finding> {
        let most = head.to_scores()?.iter().fold(0.0f64, |most, g| most.max(g.abs()));
        let most = most * head.classes as f64 / factor;
        (self.net.loss() == Loss::Bce && most > 1.05).then(|| {
            let scaler = if most >= 128.0 { ", as a loss scaler that was not undone does" } else { "" };
            let what = format!(
                "is scaled by {} at least{scaler}: no entry of the last bias can be as large",
                rounded(most)
            );
            let remedy = "set victim.captured.scale, known or \"estimated\", or check victim.loss";
            Finding::new(!self.is_blind_to_scale(), what).with(remedy)
        })
    }

    /// Whether the labels come in whole numbers as it is taken, of samples with nearly the same scores.
    pub(super) fn is_counted(&self, head: &Head, factor: f64, noise: f64) -> bool {
        let counter = Counter::of(head, self.captured.batch as f64, noise);
        counter
            .and_then(|counter| counter.under(self.net.loss(), self.unit(factor)))
            .is_some_and(|it| it.fits())
    }

    /// Steps of unequal size weigh samples unequally.
    fn is_uneven(&self, local: &LocalTraining) -> bool {
        local.momentum > 0.0
            || local.batch.is_some_and(|each| !self.captured.batch.is_multiple_of(each as usize))
    }

    /// Labels in the batch cannot be less than none: n_c / B = s_c - g_c of class c, with s_c >= 0 that add up to 1.
    pub(super) fn counts(&self, head: &Head, factor: f64, several: bool, noise: f64) -> Option<Finding> {
        let g: Vec<f64> = head.to_scores()?.iter().map(|g| g / factor).collect();
        if g.len() < 2 {
            return None;
        }
        let of_sum = self.net.loss() == Loss::CeSum;
        let batch = self.captured.batch as f64;
        let local = self.captured.local.filter(|_| several);
        let uneven = local.is_some_and(|local| self.is_uneven(&local));
        // Samples that are counted, each as often as it is taken.
        let samples = local.map_or(batch, |local| batch * f64::from(local.epochs));
        let needed = |g: &[f64], sign: f64, scale: f64| -> f64 {
            let slack = 0.02 + 4.0 * noise;
            let below = g.iter().map(|g| (-sign * g / scale - slack).max(0.0));
            if uneven {
                below.sum::<f64>() * samples
            } else {
                below.map(|below| (below * samples).ceil()).sum()
            }
        };
        let scale = if of_sum { batch } else { 1.0 };
        let fits = |sign: f64, scale: f64| needed(&g, sign, scale) <= samples;
        let blind = self.is_blind_to_scale();
        // Without smoothing a class that no sample has is pushed down by every sample: at most one entry for each is negative.
        let is_hard = matches!(self.net.loss(), Loss::Ce | Loss::CeSum);
        let tiny = 8.0 * self.of_transport() * g.iter().fold(0.0f64, |most, value| most.max(value.abs()));
        let beyond = |sign: f64| g.iter().filter(|g| sign * **g < -tiny).count() > self.captured.batch;
        if is_hard && beyond(1.0) && !beyond(-1.0) {
            return Some(self.opposite(true, 1.0));
        }
        if !fits(1.0, scale) {
            let many =
                format!("no {} labels under the {} give the last layer", samples, self.net.loss().name());
            if fits(-1.0, scale) {
                return Some(self.opposite(true, 1.0));
            }
            if !of_sum && batch > 1.0 && fits(1.0, batch) {
                let what = format!(
                    "is too large for a mean over {batch} samples, as a sum over them or over accumulated steps is: it is \
                     {} times as large at least",
                    rounded(least(|scale| fits(1.0, scale), batch))
                );
                let remedy = format!("set victim.loss = \"ce-sum\", or victim.captured.scale = {batch}");
                return Some(Finding::new(!blind, what).with(remedy));
            }
            let most = g.iter().map(|g| -g).fold(0.0, f64::max);
            let what = if most >= 128.0 * scale {
                let power = 2f64.powi((most / scale).log2().ceil() as i32);
                format!(
                    "is scaled by {} at least, as a loss scaler that was not undone does: such are powers of two, as {power}",
                    rounded(most / scale)
                )
            } else if most > 1.05 * scale {
                format!("is scaled: an entry of the last layer's bias is {:.3}, and none is below -1", -most)
            } else {
                format!("is larger than, or not, a gradient of {batch} sample(s): {many} that it has")
            };
            let remedy = "set victim.captured.scale, known or \"estimated\", or check victim.captured.batch";
            return Some(Finding::new(most > 1.05 * scale && !blind, what).with(remedy));
        }
        self.typical_counts(&g, scale, several)
    }

    /// The same beside what the network says of random inputs, if it says the same of all of them, as an untrained one
    /// does.
    fn typical_counts(&self, g: &[f64], scale: f64, several: bool) -> Option<Finding> {
        let (mean, spread) = (self.typical)();
        let spread = spread.iter().copied().fold(0.0, f64::max);
        if spread > 0.05 {
            return None;
        }
        let slack = 0.05 + 3.0 * spread;
        let below = |sign: f64| {
            let counts = mean.iter().zip(g).map(|(s, g)| s - sign * g / scale);
            counts.map(|count| -count).fold(0.0, f64::max)
        };
        if below(1.0) > slack && below(-1.0) < slack / 2.0 {
            return Some(self.opposite(false, 1.0));
        }
        // Classes that no sample has are pushed down by all of s: their share of both is the scale.
        let batch = self.captured.batch;
        if several || self.is_processed || 2 * batch > g.len() {
            return None;
        }
        let (up, expected) = g
            .iter()
            .zip(&mean)
            .filter(|(g, _)| **g > 0.0)
            .fold((0.0, 0.0), |(up, expected), (g, s)| (up + g, expected + s));
        let found = up / expected / scale;
        let unlike = !(0.67..1.5).contains(&found) && expected > 0.0;
        unlike.then(|| {
            let what =
                format!("is presumably about {} times the gradient of {batch} samples", rounded(found));
            Finding::new(false, what).with("set victim.captured.scale, known or \"estimated\"")
        })
    }

    /// The gradient to the last weights of B samples has rank B at most.
    pub(super) fn rank(&self, head: &Head, several: bool, noise: f64) -> Option<Finding> {
        let batch = self.captured.batch;
        if several || batch + 1 >= head.classes || head.cost(batch) > RANK_COST {
            return None;
        }
        let beyond = head.beyond_rank(batch);
        (beyond > 0.02 + 8.0 * noise).then(|| {
            let what = format!(
                "holds more than {batch} sample(s): {:.0} % of the last layer's gradient cannot come from so few",
                100.0 * beyond
            );
            Finding::new(false, what)
                .with("check victim.captured.batch; post-processing and clients with local steps look like this as well")
        })
    }
}

/// The least scale from 1 on that holds, of those up to `most`, which does.
fn least(holds: impl Fn(f64) -> bool, most: f64) -> f64 {
    let (mut low, mut high) = (1.0, most);
    for _ in 0..20 {
        let middle = f64::sqrt(low * high);
        if holds(middle) { high = middle } else { low = middle }
    }
    high
}

/// A scale that was estimated, as people set it where it is near: a power of two, the number of samples, few digits.
fn snapped(scale: f64, samples: f64) -> f64 {
    const NEAR: f64 = 0.015;
    let near = |value: &f64| (scale / value - 1.0).abs() < NEAR;
    let size = scale.abs();
    let power = 2f64.powi(size.log2().round() as i32);
    // Only loss scalers are as large.
    if size >= 200.0 && (size / power - 1.0).abs() < 0.05 {
        return power * scale.signum();
    }
    let digit = |digits: usize| format!("{size:.*e}", digits - 1).parse().unwrap_or(size);
    let nice = [1.0, samples, 1.0 / samples, power, digit(1), digit(2)];
    let nice = nice.map(|value| value * scale.signum());
    nice.iter().copied().find(near).unwrap_or_else(|| {
        let close = if is_power_of_two(size) { power * scale.signum() } else { scale };
        rounded(close.abs()) * close.signum()
    })
}
