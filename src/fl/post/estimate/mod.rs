//! What post-processing an update shows: kind and strength told from its numbers alone, by an attacker who was told
//! nothing. The rules are ours. None is a proof, and what a later step hides is not told.
//!
//! Looked at are the update, the model that was sent, and what the attacker takes the clients to do.

mod bounds;
mod columns;
mod levels;
mod noise;
mod outpost;
mod zeros;

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::backend;
use crate::config;
use crate::fl::{Client, Update, UpdateKind};
use crate::model::{Model, Optimiser};

/// One step as it was told from an update.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Inferred {
    /// The step, as a preset would name it.
    pub step: config::Post,
    /// How sure that is.
    pub sureness: Sureness,
    /// What shows it, in a sentence without its full stop.
    pub evidence: String,
}

/// How sure something is that was told from an update.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sureness {
    /// A clean update is like this by a chance that is not worth counting.
    Sure,
    /// It can be something else, which is rarer.
    Likely,
}

impl fmt::Display for Sureness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Sureness::Sure => "sure",
            Sureness::Likely => "likely",
        })
    }
}

/// `sparsify 0.9, sure: zeros are the same share of every tensor`.
impl fmt::Display for Inferred {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {}: {}", self.step.in_words(), self.sureness, self.evidence)
    }
}

/// What was told from an update, in a sentence; that nothing can be is said as well, which is no proof of a clean update.
pub fn in_words(inferred: &[Inferred]) -> String {
    let steps: Vec<String> = inferred.iter().map(Inferred::to_string).collect();
    if steps.is_empty() { "nothing that can be told".to_owned() } else { steps.join("; ") }
}

impl Inferred {
    fn new(
        kind: &str,
        settings: impl IntoIterator<Item = (&'static str, toml::Value)>,
        sureness: Sureness,
        evidence: String,
    ) -> Inferred {
        let settings = settings.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
        Inferred { step: config::Post { kind: kind.to_owned(), settings }, sureness, evidence }
    }
}

/// A tensor of an update.
struct Seen<'a> {
    name: &'a str,
    shape: &'a [usize],
    values: Vec<f64>,
    /// The same tensor of the model that was sent.
    theta: Vec<f64>,
    /// A weight difference in 32 bits is a multiple of about this; 0 of a gradient.
    grain: f64,
}

impl Seen<'_> {
    fn zeros(&self) -> usize {
        self.values.iter().filter(|value| **value == 0.0).count()
    }

    fn norm(&self) -> f64 {
        self.values.iter().map(|value| value * value).sum::<f64>().sqrt()
    }

    /// Whether many of its numbers can be zero by the rounding of weights.
    fn is_coarse(&self) -> bool {
        let kept = self.magnitudes();
        kept.get(kept.len() / 2).is_some_and(|middle| *middle < 256.0 * self.grain)
    }

    /// Magnitudes other than zero, ascending, each once.
    fn magnitudes(&self) -> Vec<f64> {
        let all = self.values.iter().map(|value| value.abs()).filter(|value| *value > 0.0);
        let mut magnitudes: Vec<f64> = all.collect();
        magnitudes.sort_by(f64::total_cmp);
        magnitudes.dedup();
        magnitudes
    }
}

/// The steps that an update shows, in the order in which an attacker simulates them: what is seen of a norm is that of
/// everything before it. Of several clients the update is their mean, in which zeros, levels and norms are not those of
/// any; noise and layers that nobody sent remain.
pub fn estimate(update: &Update, model: &Model, clients: &[Client]) -> Vec<Inferred> {
    let frozen = model.net.frozen();
    let tensors = update.values.tensors().iter().zip(update.values.specs().iter());
    let all: Vec<Seen<'_>> = tensors
        .zip(model.parameters.tensors())
        .enumerate()
        .filter(|(at, _)| !frozen.contains(at))
        .map(|(_, ((values, spec), theta))| {
            let theta = backend::values(theta);
            let largest = theta.iter().fold(0.0_f64, |most, value| most.max(value.abs()));
            let grain = if update.kind == UpdateKind::Delta { largest * 2f64.powi(-23) } else { 0.0 };
            Seen { name: &spec.name, shape: &spec.shape, values: backend::values(values), theta, grain }
        })
        .collect();
    if !all.iter().flat_map(|seen| &seen.values).all(|value| value.is_finite()) {
        return Vec::new();
    }
    let is_zero: Vec<bool> = all.iter().map(|seen| seen.zeros() == seen.values.len()).collect();
    let sent: Vec<&Seen<'_>> =
        all.iter().zip(&is_zero).filter(|(_, zero)| !**zero).map(|(seen, _)| seen).collect();
    let dropped = zeros::dropped(&all, &is_zero, &model.net);
    if clients.len() > 1 {
        return dropped.into_iter().chain(noise::noise(update, model, clients, None)).collect();
    }

    // Adam's first step is a sign with a size, and later ones have bounds.
    let descent = clients.iter().find_map(|client| client.descent.as_ref());
    let is_scaled = descent.is_some_and(|descent| matches!(descent.optimiser, Optimiser::Adam { .. }));
    let levels = if is_scaled { None } else { levels::levels(&sent) };
    let kind = levels.as_ref().map(|levels| levels.step.kind.as_str());
    let is_cast =
        kind == Some("cast") && levels.as_ref().is_some_and(|levels| levels::format(levels) != "int8");
    let is_coarse = kind.is_some() && !is_cast;
    // What is too small for fp16 is zero in it, beside its least number.
    let least =
        || sent.iter().flat_map(|seen| &seen.values).map(|value| value.abs()).filter(|value| *value > 0.0);
    let underflows = levels.as_ref().is_some_and(|levels| is_cast && levels::format(levels) == "fp16")
        && least().any(|value| value <= LEAST_FP16);
    let sparse = if underflows { None } else { zeros::sparsified(&sent, is_coarse) };
    let samples = clients.first().map_or(0, |client| client.samples.len());
    let is_dense = sparse.is_none() && !is_coarse && !is_scaled && !underflows;
    let filled = is_dense.then(|| outpost::outpost(&sent)).flatten();
    let is_dense = is_dense && filled.is_none();
    let cut = is_dense.then(|| columns::columns(&all, update, model, samples)).flatten();
    let entries = if is_coarse || is_scaled { None } else { bounds::entries(&sent) };
    let is_noisy = sparse.is_none() && entries.is_none() && filled.is_none() && !is_coarse;
    let noise = is_noisy.then(|| noise::noise(update, model, clients, levels.as_ref())).flatten();
    let bound = match descent.and_then(|descent| descent.clip) {
        // The norm of a local step is bounded already.
        Some(_) => None,
        None if kind == Some("sign") => None,
        None => bounds::layers(&sent).or_else(|| bounds::whole(&sent, levels.as_ref().filter(|_| is_cast))),
    };
    let (before, after) = if is_cast { (None, levels) } else { (levels, None) };
    [cut, filled, entries, sparse, dropped, noise, before, bound, after].into_iter().flatten().collect()
}

/// The least number above zero that fp16 has.
const LEAST_FP16: f64 = 1.0 / 16_777_216.0;

/// A number in so many digits.
fn rounded(value: f64, digits: usize) -> f64 {
    format!("{value:.*e}", digits - 1).parse().unwrap_or(value)
}

/// In two digits where it is such a number in 32 bits, else in four.
fn as_written(value: f64) -> f64 {
    let short = rounded(value, 2);
    if (short - value).abs() <= 1e-6 * value { short } else { rounded(value, 4) }
}

#[cfg(test)]
mod tests;
