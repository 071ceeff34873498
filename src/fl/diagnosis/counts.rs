//! What the last layer says of how many samples and labels are behind an update of several samples.

use super::head::Head;
use super::{Finding, Suspect, rounded};
use crate::config::Loss;

/// Operations that the rank of the last layer may take.
const RANK_COST: usize = 200_000_000;

impl Suspect<'_> {
    /// Labels in the batch cannot be less than none: n_c / B = s_c - g_c of class c, with s_c >= 0 that add up to 1.
    pub(super) fn counts(&self, head: &Head, factor: f64, several: bool, noise: f64) -> Option<Finding> {
        let g: Vec<f64> = head.to_scores()?.iter().map(|g| g / factor).collect();
        if g.len() < 2 {
            return None;
        }
        let of_sum = self.net.loss() == Loss::CeSum;
        let batch = self.captured.batch as f64;
        let local = self.captured.local.filter(|_| several);
        // Samples that are counted, each as often as it is taken; steps of unequal size weigh them unequally.
        let uneven = local.is_some_and(|local| {
            local.momentum > 0.0
                || local.batch.is_some_and(|each| !self.captured.batch.is_multiple_of(each as usize))
        });
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
                    "is too large for a mean over {batch} samples, as a sum over them or over accumulated steps is"
                );
                let remedy = format!("set victim.loss = \"ce-sum\", or victim.captured.scale = {batch}");
                return Some(Finding::new(!blind, what).with(remedy));
            }
            let most = g.iter().map(|g| -g).fold(0.0, f64::max);
            let what = if most > 1.05 * scale {
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
