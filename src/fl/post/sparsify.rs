//! Sending some of the numbers alone: the largest, or any.

use std::sync::Arc;

use rand_chacha::ChaCha8Rng;

use super::mask::Mask;
use super::{Code, Post, Received, Sending, Transform};
use crate::config::Settings;
use crate::model::{Parameters, TensorSpec};

/// The step with these settings.
pub fn build(settings: &Settings, _: &[TensorSpec]) -> Result<Arc<dyn Post>, String> {
    let (share, feedback) = (settings.number("share"), settings.flag("feedback"));
    Ok(match settings.word("choice") {
        "random" => Arc::new(Random { share, feedback }),
        _ => Arc::new(Largest { share, feedback }),
    })
}

/// n - floor(s n), at least 1. The share is taken as the decimal that it is written as: 0.7 of 10 leaves 3, not 4.
pub(super) fn kept(n: usize, share: f64) -> usize {
    let exact = share * n as f64;
    let nearest = exact.round();
    let dropped = if (exact - nearest).abs() < 1e-9 * nearest.max(1.0) { nearest } else { exact.floor() };
    n.saturating_sub(dropped as usize).max(1)
}

/// What an attacker sees to be kept; nothing where the update is a sum of several clients', or a later step filled the
/// zeros.
fn seen(alone: Option<&Parameters>, share: f64) -> Option<Mask> {
    let mut shows = true;
    let mask = alone?.mapped(|_, values| {
        values.iter_mut().for_each(|value| *value = f64::from(u8::from(*value != 0.0)));
        shows &= values.iter().sum::<f64>() <= kept(values.len(), share) as f64;
    });
    shows.then_some(Mask(mask))
}

/// Of every tensor of n numbers the n - floor(s n) largest by magnitude, at least one; of equal ones the first (Lin et al.
/// 2018).
#[derive(Debug, Clone, Copy)]
struct Largest {
    /// s.
    share: f64,
    /// What is left out joins the next update.
    feedback: bool,
}

impl Post for Largest {
    fn apply(&self, update: Parameters, _: &Sending<'_>, _: &mut ChaCha8Rng) -> Parameters {
        self.forward(&update)
    }

    /// What is not seen is cut as the client does.
    fn transform(&self, received: &Received<'_>) -> Option<Arc<dyn Transform>> {
        Some(match seen(received.alone, self.share) {
            Some(mask) => Arc::new(mask),
            None => Arc::new(*self),
        })
    }

    fn feeds_back(&self) -> bool {
        self.feedback
    }

    fn code(&self, before: Code) -> Code {
        Code { places: true, ..before }
    }
}

impl Largest {
    /// 1 where a number is kept.
    fn mask(self, g: &Parameters) -> Parameters {
        g.mapped(|_, values| {
            let kept = kept(values.len(), self.share);
            let mut order: Vec<usize> = (0..values.len()).collect();
            order.sort_by(|&a, &b| values[b].abs().total_cmp(&values[a].abs()).then(a.cmp(&b)));
            values.fill(0.0);
            order.iter().take(kept).for_each(|&at| values[at] = 1.0);
        })
    }
}

impl Transform for Largest {
    fn forward(&self, g: &Parameters) -> Parameters {
        g.times(&self.mask(g))
    }

    fn pull(&self, g: &Parameters, w: Parameters) -> Parameters {
        w.times(&self.mask(g))
    }
}

/// As many numbers of every tensor, drawn anew for every update.
#[derive(Debug, Clone, Copy)]
struct Random {
    /// s.
    share: f64,
    /// What is left out joins the next update.
    feedback: bool,
}

impl Post for Random {
    fn apply(&self, update: Parameters, _: &Sending<'_>, generator: &mut ChaCha8Rng) -> Parameters {
        update.mapped(|_, values| {
            let kept = kept(values.len(), self.share).min(values.len());
            let mut mask = vec![0.0; values.len()];
            rand::seq::index::sample(generator, values.len(), kept).iter().for_each(|at| mask[at] = 1.0);
            values.iter_mut().zip(mask).for_each(|(value, mask)| *value *= mask);
        })
    }

    /// What is not seen is taken for its mean.
    fn transform(&self, received: &Received<'_>) -> Option<Arc<dyn Transform>> {
        Some(match seen(received.alone, self.share) {
            Some(mask) => Arc::new(mask),
            None => Arc::new(*self),
        })
    }

    fn feeds_back(&self) -> bool {
        self.feedback
    }

    fn code(&self, before: Code) -> Code {
        Code { places: true, ..before }
    }
}

/// The mean over the draws: every tensor times the share of it that is kept.
impl Transform for Random {
    fn forward(&self, g: &Parameters) -> Parameters {
        let share = |n: usize| kept(n, self.share) as f64 / n.max(1) as f64;
        let factors: Vec<f64> = g.specs().iter().map(|spec| share(spec.count())).collect();
        g.clone().scaled_by_tensor(&factors)
    }

    fn pull(&self, _: &Parameters, w: Parameters) -> Parameters {
        self.forward(&w)
    }
}
