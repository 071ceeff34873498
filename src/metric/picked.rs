//! What the truth would pick among several trials: an oracle beside the attacker's own choice.

use std::collections::BTreeMap;

use super::psnr::CAP;
use crate::figure::Metrics;

/// PSNR of a batch if the truth picked, for each sample, among the answers of all trials. No attacker can: it
/// stands for what demonstrations report that choose their outputs by the ground truth.
#[derive(Debug, Clone)]
pub struct Picked {
    /// Of the attack; what follows are controls, which answer to noise.
    count: usize,
    /// Of every true sample, in dB, by trial.
    trials: BTreeMap<usize, Vec<f64>>,
}

impl Picked {
    /// Among so many trials.
    pub fn among(count: usize) -> Picked {
        Picked { count, trials: BTreeMap::new() }
    }

    /// With the quality of a trial's answer, which replaces an earlier one of the same trial.
    pub fn add(&mut self, trial: usize, metrics: &Metrics) {
        if trial >= self.count {
            return;
        }
        let alone = || metrics.psnr.map(|psnr| psnr.mean).into_iter().collect();
        let each: Vec<f64> = metrics.samples.iter().filter_map(|sample| Some(sample.psnr?.0)).collect();
        self.trials.insert(trial, if each.is_empty() { alone() } else { each });
    }

    /// Mean over the samples in dB, infinite ones as 100; nothing if there are not at least two trials to pick among.
    pub fn psnr(&self) -> Option<f64> {
        let samples = self.trials.values().map(Vec::len).max().filter(|_| self.trials.len() > 1)?;
        let of = |sample: usize| self.trials.values().filter_map(move |psnr| psnr.get(sample));
        let best = |sample| of(sample).copied().fold(f64::NAN, f64::max).min(CAP);
        (samples > 0).then(|| super::mean(&(0..samples).map(best).collect::<Vec<_>>()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure::{Ratio, Sample, Spread};

    fn batch(psnr: &[f64]) -> Metrics {
        let sample = |psnr: &f64| Sample { psnr: Some(Ratio(*psnr)), ..Sample::default() };
        Metrics { samples: psnr.iter().map(sample).collect(), ..Metrics::default() }
    }

    #[test]
    fn the_best_of_every_sample_is_taken_over_all_trials() {
        let mut picked = Picked::among(4);
        assert_eq!(picked.psnr(), None);
        picked.add(0, &batch(&[10.0, f64::NAN]));
        assert_eq!(picked.psnr(), None, "one trial leaves nothing to pick");
        picked.add(1, &batch(&[20.0, 12.0]));
        picked.add(2, &batch(&[15.0, 30.0]));
        assert_eq!(picked.psnr(), Some(25.0));
        // A trial that is run once more stands once.
        picked.add(2, &batch(&[15.0, 14.0]));
        assert_eq!(picked.psnr(), Some(17.0));
        picked.add(3, &batch(&[f64::INFINITY, 0.0]));
        assert_eq!(picked.psnr(), Some(57.0), "a perfect sample counts as 100 dB");
        picked.add(4, &batch(&[f64::INFINITY, f64::INFINITY]));
        assert_eq!(picked.psnr(), Some(57.0), "what a control makes of noise is no answer");

        let alone =
            |mean| Metrics { psnr: Some(Spread { mean, best: mean, worst: mean }), ..Metrics::default() };
        let mut picked = Picked::among(4);
        picked.add(0, &alone(11.0));
        picked.add(1, &alone(9.0));
        assert_eq!(picked.psnr(), Some(11.0), "a batch of one has no list of samples");
    }
}
