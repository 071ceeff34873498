//! How near a simulated update comes to the one that was sent: as it is, times a factor, and with some of the weights added.

use burn::tensor::Tensor;

use crate::backend::{self, Plain};
use crate::config::{CapturedKind, RunConfig, Scale};
use crate::fl::{At, AttackerView};
use crate::model::{Parameters, Targets};

/// A factor or a decay must leave less than this share of what is left without it to be believed. Ours.
const WORTH_IT: f64 = 0.5;

/// How far from -1 a factor may be that is a sign, and from 1 one that is none.
const SIGN: f64 = 0.02;

/// How near a simulation comes. What is left over are shares of the update's norm.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Fit {
    /// |u - s| / |u|.
    pub as_is: f64,
    /// a and |u - a s| / |u| for the best a.
    pub scaled: (f64, f64),
    /// a, b and |u - a s - b theta| / |u| for the best a and b.
    pub decayed: (f64, f64, f64),
}

/// Simulates the clients of a view on the private samples.
pub(super) fn of(view: &AttackerView, x: &Tensor<Plain, 4>, targets: &Targets) -> Fit {
    let at = At { model: &view.model, mode: view.knowledge.batch_norm, x, targets };
    let flat = |values: &Parameters| values.tensors().iter().flat_map(backend::values).collect::<Vec<f64>>();
    let simulated = flat(&view.knowledge.protocol.simulate(at).gradient);
    Fit::between(&flat(&view.observed()), &simulated, &flat(&view.model.parameters))
}

impl Fit {
    /// Of an update u, a simulated one s and the weights theta.
    pub(super) fn between(u: &[f64], s: &[f64], theta: &[f64]) -> Fit {
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        let norm = dot(u, u).sqrt();
        let left = |a: f64, b: f64| {
            let rest = u.iter().zip(s).zip(theta).map(|((u, s), theta)| (u - a * s - b * theta).powi(2));
            let left = rest.sum::<f64>().sqrt() / norm;
            // What is not finite explains nothing.
            if left.is_finite() { left } else { f64::INFINITY }
        };
        let (ss, st, tt, us, ut) = (dot(s, s), dot(s, theta), dot(theta, theta), dot(u, s), dot(u, theta));
        let a = if ss > 0.0 { us / ss } else { 0.0 };
        let det = ss * tt - st * st;
        let (da, db) = match det > 1e-12 * ss * tt {
            true => ((us * tt - ut * st) / det, (ut * ss - us * st) / det),
            false => (a, 0.0),
        };
        Fit { as_is: left(1.0, 0.0), scaled: (a, left(a, 0.0)), decayed: (da, db, left(da, db)) }
    }

    /// What is left over at best, and, where a factor or a decay brings that about, says so in words and in the config.
    pub(super) fn adjust(&self, config: &mut RunConfig, words: &mut Vec<String>, goal: f64) -> f64 {
        let steps = config.takes_steps().then(|| config.local()).flatten();
        let Some(captured) = config.victim.captured.as_mut() else { return self.as_is };
        let ((a, scaled), (da, db, decayed)) = (self.scaled, self.decayed);
        if captured.scale.is_estimated() && a > 0.0 && scaled <= goal {
            return scaled;
        }
        if self.as_is <= goal {
            return self.as_is;
        }
        let is_decayed = steps.is_none() && decayed <= goal && decayed < WORTH_IT * scaled;
        let (factor, left) = if is_decayed { (da, decayed) } else { (a, scaled) };
        if !is_decayed && scaled > WORTH_IT * self.as_is {
            return self.as_is;
        }
        let opposite = match captured.kind {
            CapturedKind::Delta => Some(CapturedKind::NegativeDelta),
            CapturedKind::NegativeDelta => Some(CapturedKind::Delta),
            _ => None,
        };
        if (factor + 1.0).abs() < SIGN {
            words.push("the other sign".into());
            match opposite {
                Some(kind) => captured.kind = kind,
                None => captured.scale = Scale::Known(-captured.scale.known()),
            }
        } else if (factor - 1.0).abs() >= SIGN {
            let eta = steps.filter(|_| factor > 0.0).map(|local| local.learning_rate * factor);
            let eta = eta
                .map_or_else(String::new, |eta| format!(", as a learning rate of {} makes it", rounded(eta)));
            words.push(format!("times {}{eta}", rounded(factor)));
            captured.scale = Scale::Known(rounded(captured.scale.known() * factor));
        }
        if is_decayed {
            words.push(format!("weight decay of {}: so many times the weights were added", rounded(db / da)));
        }
        left
    }
}

/// Four digits, as a person writes a factor; a power of two, as loss scalers are, where that is as near.
pub(super) fn rounded(value: f64) -> f64 {
    let power = value.abs().log2().round().exp2().copysign(value);
    if power.abs() >= 256.0 && (value / power - 1.0).abs() < 1e-3 {
        return power;
    }
    format!("{value:.3e}").parse().unwrap_or(value)
}
