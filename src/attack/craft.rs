//! A malicious server: the model that it sends instead of the honest one, and whose samples it does that for.

use super::{AttackError, direct, fishing};
use crate::backend::Compute;
use crate::config::{Method, RunConfig};
use crate::fl::AttackerView;
use crate::model::{Model, Net};
use crate::seed::Seed;

/// What the server has to make a model of.
pub(super) struct Honest<'a> {
    pub model: &'a Model,
    /// Smallest and largest normalised value of each channel.
    pub range: &'a [(f64, f64)],
    /// Whose updates come as one.
    pub clients: usize,
    /// Samples of all of them.
    pub samples: usize,
    /// The attacker's own.
    pub seed: Seed,
    pub compute: &'a Compute,
}

/// A model that is sent instead of the honest one.
#[derive(Debug, Clone)]
pub struct Craft {
    /// It; of clients that are sent different ones what they have in common.
    pub model: Model,
    /// What each client is sent; none if all are sent the same.
    pub own: Vec<Model>,
    /// What was changed.
    pub words: Vec<String>,
}

/// Attacked clients whose updates the server sees as one.
fn clients(config: &RunConfig) -> usize {
    (config.federation.secure_aggregation as usize).max(1)
}

/// The class whose samples alone an attack is after, by the labels of the batch if they are granted; nothing of an attack on all
/// samples.
///
/// # Errors
/// If no sample has it, or it takes labels that are not granted.
pub fn aim(config: &RunConfig, granted: Option<&[usize]>) -> Result<Option<usize>, String> {
    let Some(target) = config.attack.search().and_then(|search| search.target) else { return Ok(None) };
    let name = config.attack.kind.name();
    let labels = granted.ok_or_else(|| {
        format!("{name} aims at a class of the batch, whose labels knowledge.labels = false does not grant; set it to true")
    })?;
    target.among(labels).map(Some).ok_or_else(|| {
        let mut classes = labels.to_vec();
        classes.sort_unstable();
        classes.dedup();
        let classes: Vec<String> = classes.iter().map(ToString::to_string).collect();
        format!(
            "attack.target is a class that no sample of the batch has; it has {}. Set one of these, or \"rarest\"",
            classes.join(", ")
        )
    })
}

/// The network that a server sends instead of this one; the same where it is honest.
///
/// # Errors
/// Why it cannot be made of this one.
pub fn sent_net(config: &RunConfig, honest: &Net) -> Result<Net, String> {
    match (&config.attack.method, direct::forge(config.attack.kind.name())) {
        (Method::Direct(settings), Some(forge)) => (forge.net)(settings, honest, clients(config)),
        _ => Ok(honest.clone()),
    }
}

/// The changed model that a server sends instead of this one, if the attack needs one, for the class that it is after
/// ([`aim`]). `range` are the smallest and largest normalised values of each channel.
///
/// # Errors
/// Why it cannot be made of this model.
pub fn craft(
    config: &RunConfig,
    aim: Option<usize>,
    honest: &Model,
    range: &[(f64, f64)],
    compute: &Compute,
) -> Result<Option<Craft>, String> {
    let seed = Seed(config.run.seed).attacker();
    let honest =
        Honest { model: honest, range, clients: clients(config), samples: config.batch(), seed, compute };
    match &config.attack.method {
        Method::Search(_) => aim.map(|class| fishing::craft(class, &honest)).transpose(),
        Method::Direct(settings) => {
            let forge = direct::forge(config.attack.kind.name());
            forge.map(|forge| (forge.model)(settings, &honest)).transpose()
        }
    }
}

/// What the attacker makes of what it sees before it begins: the part of the update that is of the class it is after ([`aim`]), as if
/// its samples were the batch, with what to say of that. As it is where it is after all samples.
///
/// # Errors
/// If nothing came of these samples.
pub fn isolated(
    view: AttackerView,
    aim: Option<usize>,
) -> Result<(AttackerView, Option<String>), AttackError> {
    let Some(class) = aim else { return Ok((view, None)) };
    fishing::isolated(&view, class).map(|(view, words)| (view, Some(words)))
}
