//! Labels come in whole numbers: what several samples tell that a network gives nearly the same scores, as one that is not
//! trained does.
//!
//! The gradient to the bias of the last layer is then k u (q(z) - n / B): q is the softmax, the sigmoid or z itself, u is 1,
//! 1/C or 2/C, and n are the counts of the labels. The gradient to its weights gives features, and so z, whatever k is.
//! Under the right loss and scale k the counts are whole, under others hardly. How far apart the scores of the samples are
//! shows in what the gradient to the weights is beside rank one. The rule is ours.

use super::head::{Head, dot, sigmoid, softmax};
use crate::config::Loss;

/// Classes whose scores are looked at for how far apart they are.
const PROBED: usize = 64;
/// Counts are not held to be more exact than this.
const EXACT: f64 = 0.02;
/// Largest share of label smoothing that is looked for.
const SMOOTHEST: f64 = 0.6;

/// Counts of labels under a loss and a scale.
#[derive(Debug, Clone, Copy)]
pub struct Tally {
    /// The loss.
    pub loss: Loss,
    /// What the gradient is times that of a mean.
    pub scale: f64,
    /// How far the counts are from whole, in units of what they are uncertain by.
    pub misfit: f64,
    /// The same in samples.
    pub off: f64,
    /// What they are uncertain by, in samples.
    uncertain: f64,
    /// They are as many as there are samples.
    is_complete: bool,
    /// The scores alone, without the gradient, make no whole numbers.
    tells: bool,
}

impl Tally {
    /// Whether it explains the gradient.
    pub fn fits(&self) -> bool {
        self.is_complete && self.tells && self.misfit < 1.5 && self.off < 0.1 && self.uncertain < 0.1
    }

    /// Whether the gradient cannot well be of this.
    pub fn is_off(&self) -> bool {
        self.misfit > 2.5 && self.off > 0.05 || self.is_beyond()
    }

    /// Whether the counts are none of so few samples, however far apart these are.
    fn is_beyond(&self) -> bool {
        self.off > 3.0
    }

    /// Whether it explains the gradient much better than one that is off.
    pub fn is_likelier(&self, taken: &Tally) -> bool {
        self.fits() && (taken.is_beyond() || 4.0 * self.misfit < taken.misfit)
    }

    /// Whether it leaves no doubt beside one that is off.
    pub fn leaves_no_doubt(&self, taken: &Tally) -> bool {
        self.misfit < 0.5 && self.off < 0.03 && taken.misfit > 8.0 && taken.off > 0.15
    }
}

/// What is looked for.
#[derive(Clone, Copy)]
enum Sought {
    /// Nothing: the scale is this.
    Nothing(f64),
    /// The scale of this sign, where no class is rarer than this.
    Scale(f64, f64),
    /// The share of label smoothing; the scale is this.
    Smoothing(f64),
}

/// Counts the labels that a gradient is of.
pub struct Counter<'a> {
    head: &'a Head<'a>,
    to_bias: &'a [f64],
    samples: f64,
    noise: f64,
    probed: Vec<usize>,
    /// The gradient to W times W of the classes that are looked at.
    products: Vec<f64>,
}

impl<'a> Counter<'a> {
    /// Of so many samples; `noise` is the relative error of what was sent. Nothing of fewer than five classes, which hardly
    /// show how far apart the samples are.
    pub fn of(head: &'a Head<'a>, samples: f64, noise: f64) -> Option<Counter<'a>> {
        let to_bias = head.to_scores()?;
        if head.classes < 5 || dot(to_bias, to_bias) == 0.0 {
            return None;
        }
        let probed: Vec<usize> = (0..head.classes).step_by(head.classes.div_ceil(PROBED)).collect();
        let row = |c: usize| &head.weight[c * head.features..][..head.features];
        let rows = head.to_weight.chunks(head.features);
        let products = rows.flat_map(|to_row| probed.iter().map(|&c| dot(to_row, row(c)))).collect();
        Some(Counter { head, to_bias, samples, noise, probed, products })
    }

    /// Under a loss and a scale.
    pub fn under(&self, loss: Loss, scale: f64) -> Option<Tally> {
        self.tally(loss, Sought::Nothing(scale))
    }

    /// Under a loss and the scale of this sign that fits best.
    pub fn scaled(&self, loss: Loss, sign: f64) -> Option<Tally> {
        let most = (2.0 * self.samples / self.head.classes as f64).floor() as usize;
        let tallies = (0..=most).filter_map(|least| self.tally(loss, Sought::Scale(sign, least as f64)));
        tallies.min_by(|a, b| a.misfit.total_cmp(&b.misfit))
    }

    /// Under cross-entropy with the share of smoothing that fits best.
    pub fn smoothed(&self, scale: f64) -> Option<Tally> {
        self.tally(Loss::LabelSmoothing(0.0), Sought::Smoothing(scale))
    }

    /// Scores of the features in this mixture of rows.
    fn scores(&self, mixture: &[f64]) -> Vec<f64> {
        let Head { features, weight, bias, to_weight, .. } = *self.head;
        let mut phi = vec![0.0; features];
        for (row, share) in to_weight.chunks(features).zip(mixture).filter(|(_, share)| **share != 0.0) {
            phi.iter_mut().zip(row).for_each(|(phi, g)| *phi += share * g);
        }
        let scores = weight.chunks(features).enumerate();
        scores.map(|(c, row)| dot(row, &phi) + bias.map_or(0.0, |bias| bias[c])).collect()
    }

    fn tally(&self, mut loss: Loss, sought: Sought) -> Option<Tally> {
        let (classes, samples) = (self.head.classes as f64, self.samples);
        let unit = match loss {
            Loss::Ce | Loss::CeSum | Loss::LabelSmoothing(_) => 1.0,
            Loss::Bce => 1.0 / classes,
            Loss::Mse => 2.0 / classes,
            Loss::MseSoftmax => return None,
        };
        let g: Vec<f64> = self.to_bias.iter().map(|g| g / unit).collect();
        let sign = match sought {
            Sought::Scale(sign, _) => sign,
            _ => 1.0,
        };
        let is_linear = loss == Loss::Mse;
        let mut mixture = g.clone();
        let mut absent: Option<Vec<bool>> = None;
        let mut found = None;
        // Classes that no sample has see all samples alike: where there are some, they give the mean of the features.
        for _ in 0..3 {
            let total = dot(&mixture, &g);
            mixture.iter_mut().for_each(|share| *share /= total);
            let rows: Vec<f64> = mixture.iter().map(|share| share / unit).collect();
            let z = self.scores(&rows);
            let q: Vec<f64> = match loss {
                Loss::Bce => z.iter().map(|z| sigmoid(*z)).collect(),
                Loss::Mse => z.clone(),
                _ => softmax(&z),
            };
            let slope = |c: usize| if is_linear { 1.0 } else { q[c] * (1.0 - q[c]) };
            let mut share = 0.0;
            if let Sought::Smoothing(scale) = sought {
                let pulled = |c: usize| g[c] / scale - q[c];
                let most = (0..g.len()).map(pulled).fold(f64::NEG_INFINITY, f64::max);
                let is_absent = |c: &usize| match &absent {
                    Some(absent) => absent[*c],
                    None => pulled(*c) > most - 0.3 / samples,
                };
                let all: Vec<usize> = (0..g.len()).filter(is_absent).collect();
                let mean = all.iter().map(|&c| -pulled(c)).sum::<f64>() / all.len() as f64;
                share = (classes * mean).clamp(0.0, SMOOTHEST);
                // As people set it.
                let written = (share * 1e3).round() / 1e3;
                loss = if share < 0.01 { Loss::Ce } else { Loss::LabelSmoothing(written) };
            } else if let Loss::LabelSmoothing(known) = loss {
                share = known;
            }
            let base = |c: usize| q[c] - share / classes;
            let scale = match sought {
                Sought::Nothing(scale) | Sought::Smoothing(scale) => scale,
                Sought::Scale(sign, least) => {
                    let room = |c: usize| base(c) - (1.0 - share) * least / samples;
                    let ratios = (0..g.len()).filter(|&c| room(c) > 0.0).map(|c| sign * g[c] / room(c));
                    let most = ratios.fold(0.0, f64::max);
                    (most > 0.0).then_some(sign * most)?
                }
            };
            let each = samples / (1.0 - share);
            let counts: Vec<f64> = (0..g.len()).map(|c| each * (base(c) - g[c] / scale)).collect();
            let whole: Vec<f64> = counts.iter().map(|count| count.round().max(0.0)).collect();
            // How far apart the scores of the samples are: what is beside rank one, seen through W.
            let apart: f64 = self
                .products
                .chunks(self.probed.len())
                .zip(self.to_bias)
                .flat_map(|(products, p)| {
                    let bias = |c: usize| self.head.bias.map_or(0.0, |bias| bias[c]);
                    let z = &z;
                    self.probed.iter().zip(products).map(move |(&c, g)| (g - p * (z[c] - bias(c))).powi(2))
                })
                .sum();
            let apart = samples * apart / (unit * scale).powi(2) / self.probed.len() as f64;
            let apart = apart * (classes - 1.0) / (classes - 2.0);
            // How unlike a mean over the samples the mixture is.
            let of_q = dot(&mixture, &q);
            let uneven: f64 = (0..g.len())
                .map(|c| whole[c] * (scale * (of_q - mixture[c]) / samples - 1.0 / samples).powi(2))
                .sum();
            let curved = if is_linear { 0.0 } else { 0.5 * apart };
            let uncertain =
                |c: usize| each * slope(c) * ((apart * uneven).sqrt() + curved) + 2.0 * samples * self.noise;
            let seen = classes.min(samples);
            let mean = |of: &dyn Fn(usize) -> f64| (0..g.len()).map(of).sum::<f64>();
            let off = |c: usize| counts[c] - whole[c];
            let bare = |c: usize| each * base(c);
            let is_complete = |all: f64| (all - samples).abs() < 0.5;
            let bare_off = mean(&|c| (bare(c) - bare(c).round()).powi(2)) / seen;
            found = Some(Tally {
                loss,
                scale,
                misfit: (mean(&|c| (off(c) / (uncertain(c) + EXACT)).powi(2)) / seen).sqrt(),
                off: (mean(&|c| off(c).powi(2)) / seen).sqrt(),
                uncertain: mean(&uncertain) / classes,
                is_complete: is_complete(whole.iter().sum()),
                tells: !(is_complete(mean(&|c| bare(c).round().max(0.0))) && bare_off.sqrt() < 0.1),
            });
            if matches!(sought, Sought::Scale(_, least) if least > 0.0) {
                break;
            }
            let here: Vec<bool> = (0..g.len()).map(|c| whole[c] == 0.0 && sign * g[c] > 0.0).collect();
            if !here.contains(&true) {
                break;
            }
            mixture = here.iter().map(|here| f64::from(u8::from(*here))).collect();
            absent = Some(here);
        }
        found.filter(|tally: &Tally| tally.misfit.is_finite() && tally.uncertain.is_finite())
    }
}

#[cfg(test)]
pub(super) mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    pub const CLASSES: usize = 10;
    pub const FEATURES: usize = 20;

    /// Numbers without a pattern, in [-1, 1].
    fn draw(seed: usize) -> f64 {
        let mixed = ((seed + 1) as f64 * 12.9898).sin() * 43_758.545_3;
        2.0 * (mixed - mixed.floor()) - 1.0
    }

    /// Weights, bias and the gradients to both of samples with these labels, whose features are so far apart.
    pub fn layer(labels: &[usize], apart: f64, loss: Loss, times: f64) -> [Vec<f64>; 4] {
        let weight: Vec<f64> = (0..CLASSES * FEATURES).map(|i| 0.3 * draw(i)).collect();
        let bias: Vec<f64> = (0..CLASSES).map(|i| 0.2 * draw(1_000 + i)).collect();
        let (mut to_weight, mut to_bias) = (vec![0.0; CLASSES * FEATURES], vec![0.0; CLASSES]);
        for (sample, &label) in labels.iter().enumerate() {
            let own = |j: usize| apart * draw(5_000 + sample * FEATURES + j);
            let phi: Vec<f64> = (0..FEATURES).map(|j| 0.5 + 0.4 * draw(2_000 + j) + own(j)).collect();
            let rows = weight.chunks(FEATURES).zip(&bias);
            let z: Vec<f64> = rows.map(|(row, bias)| dot(row, &phi) + bias).collect();
            let share = if let Loss::LabelSmoothing(share) = loss { share } else { 0.0 };
            let target = |c: usize| f64::from(u8::from(c == label)) * (1.0 - share) + share / CLASSES as f64;
            let q: Vec<f64> = match loss {
                Loss::Bce => z.iter().map(|z| sigmoid(*z)).collect(),
                _ => softmax(&z),
            };
            let unit = if loss == Loss::Bce { 1.0 / CLASSES as f64 } else { 1.0 };
            for c in 0..CLASSES {
                let p = times * unit * (q[c] - target(c)) / labels.len() as f64;
                to_bias[c] += p;
                (0..FEATURES).for_each(|j| to_weight[c * FEATURES + j] += p * phi[j]);
            }
        }
        [weight, bias, to_weight, to_bias]
    }

    fn counted<T>(layer: &[Vec<f64>; 4], samples: usize, of: impl Fn(&Counter) -> T) -> T {
        let [weight, bias, to_weight, to_bias] = layer;
        let (bias, to_bias) = (Some(bias.as_slice()), Some(to_bias.as_slice()));
        let head = Head { classes: CLASSES, features: FEATURES, weight, bias, to_weight, to_bias };
        of(&Counter::of(&head, samples as f64, 1e-7).unwrap())
    }

    const FOUR: [usize; 4] = [3, 7, 7, 1];
    const SIXTEEN: [usize; 16] = [0, 1, 1, 2, 3, 3, 3, 4, 5, 6, 7, 7, 8, 1, 2, 6];

    #[test]
    fn the_scale_of_samples_with_nearly_the_same_scores_is_found() {
        for labels in [&FOUR[..], &SIXTEEN[..]] {
            for times in [0.01, 0.5, 1.0, 3.0, 1024.0, -1.0] {
                let layer = layer(labels, 0.02, Loss::Ce, times);
                let (taken, found) = counted(&layer, labels.len(), |counter| {
                    (
                        counter.under(Loss::Ce, 1.0).unwrap(),
                        counter.scaled(Loss::Ce, f64::signum(times)).unwrap(),
                    )
                });
                assert_eq!(taken.is_off(), times != 1.0, "{times}: {taken:?}");
                assert!(found.fits() && (found.scale / times - 1.0).abs() < 0.03, "{times}: {found:?}");
                assert!(times == 1.0 || found.is_likelier(&taken), "{times}: {found:?} {taken:?}");
            }
        }
    }

    #[test]
    fn the_loss_of_samples_with_nearly_the_same_scores_is_found() {
        for labels in [&FOUR[..], &SIXTEEN[..]] {
            let smooth = layer(labels, 0.005, Loss::LabelSmoothing(0.2), 1.0);
            let (taken, found) = counted(&smooth, labels.len(), |counter| {
                (counter.under(Loss::Ce, 1.0).unwrap(), counter.smoothed(1.0).unwrap())
            });
            let Loss::LabelSmoothing(share) = found.loss else { panic!("{found:?}") };
            assert!((share - 0.2).abs() < 0.01 && found.is_likelier(&taken), "{found:?} {taken:?}");
            let binary = layer(labels, 0.005, Loss::Bce, 1.0);
            let fits =
                |loss| counted(&binary, labels.len(), |counter| counter.under(loss, 1.0).unwrap().fits());
            assert_eq!([Loss::Ce, Loss::Bce, Loss::Mse].map(fits), [false, true, false]);
        }
    }

    /// Nothing is told of what differs from sample to sample.
    #[test]
    fn samples_with_other_scores_tell_nothing() {
        for times in [1.0, 0.5, 3.0] {
            let layer = layer(&SIXTEEN, 3.0, Loss::Ce, times);
            let found = counted(&layer, 16, |counter| {
                [1.0, -1.0].map(|sign| counter.scaled(Loss::Ce, sign).is_some_and(|tally| tally.fits()))
            });
            assert_eq!(found, [false, false], "{times}");
        }
    }
}
