//! A malicious server: the model that it sends instead of the honest one, and whose samples it does that for.

use std::sync::Arc;

use super::{AttackError, direct, fishing};
use crate::backend::Compute;
use crate::config::{Method, RunConfig, Target};
use crate::fl::AttackerView;
use crate::model::{Model, Net};
use crate::seed::Seed;
use crate::weights::TrainedGenerator;

/// What a server makes a model with, besides the honest one.
#[derive(Debug, Clone)]
pub struct Means {
    /// Whose samples it tells from the others, if not those of all ([`aim`]).
    pub aim: Option<Aim>,
    /// Smallest and largest normalised value of each channel.
    pub range: Vec<(f64, f64)>,
    /// The generator that it is granted, with what its file holds besides.
    pub generator: Option<Arc<TrainedGenerator>>,
}

/// What the server has to make a model of.
pub(super) struct Honest<'a> {
    pub model: &'a Model,
    /// Smallest and largest normalised value of each channel.
    pub range: &'a [(f64, f64)],
    /// What makes pictures like the samples, if it is granted; with an encoder of them where it is an autoencoder.
    pub generator: Option<&'a TrainedGenerator>,
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

/// Whose samples a malicious server tells from the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Aim {
    /// Those of this class, which alone are searched.
    Class(usize),
    /// Every sample, one after another; it looks at the row of this class.
    Each(usize),
}

/// A client that can be asked again and again, with models of the server's choice: what is seen of each answer.
pub type Ask<'a> = dyn FnMut(&Model) -> AttackerView + 'a;

/// What came of asking a client several times.
#[derive(Debug, Clone)]
pub struct Asked {
    /// One of the models that were sent.
    pub craft: Craft,
    /// What all answers together show.
    pub view: AttackerView,
}

/// Whose samples an attack is after, by the labels of the batch if they are granted; nothing of an attack on all samples at once.
///
/// # Errors
/// If no sample has the class that it aims at, or it takes labels that are not granted.
pub fn aim(config: &RunConfig, granted: Option<&[usize]>) -> Result<Option<Aim>, String> {
    let Some(target) = config.attack.search().and_then(|search| search.target) else { return Ok(None) };
    let name = config.attack.kind.name();
    let labels = granted.ok_or_else(|| {
        format!("{name} aims by the labels of the batch, which knowledge.labels = false does not grant; set it to true")
    })?;
    let class = target.among(labels).ok_or_else(|| {
        let mut classes = labels.to_vec();
        classes.sort_unstable();
        classes.dedup();
        let classes: Vec<String> = classes.iter().map(ToString::to_string).collect();
        format!(
            "attack.target is a class that no sample of the batch has; it has {}. Set one of these, or \"rarest\"",
            classes.join(", ")
        )
    })?;
    Ok(Some(if target == Target::Each { Aim::Each(class) } else { Aim::Class(class) }))
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

/// The changed model that a server sends instead of this one, if the attack needs one.
///
/// # Errors
/// Why it cannot be made of this model.
pub fn craft(
    config: &RunConfig,
    means: &Means,
    honest: &Model,
    compute: &Compute,
) -> Result<Option<Craft>, String> {
    let honest = &of(config, honest, means, compute);
    match &config.attack.method {
        Method::Search(_) => {
            means.aim.map(|(Aim::Class(class) | Aim::Each(class))| fishing::craft(class, honest)).transpose()
        }
        Method::Direct(settings) => {
            let forge = direct::forge(config.attack.kind.name());
            forge.map(|forge| (forge.model)(settings, honest)).transpose()
        }
    }
}

/// What there is to make a model of.
fn of<'a>(config: &RunConfig, model: &'a Model, means: &'a Means, compute: &'a Compute) -> Honest<'a> {
    let seed = Seed(config.run.seed).attacker();
    let (range, generator) = (&*means.range, means.generator.as_deref());
    Honest { model, range, generator, clients: clients(config), samples: config.batch(), seed, compute }
}

/// What is seen of every sample alone where a server asks a client for them all, as often as it takes; nothing of one that asks once.
///
/// # Errors
/// Why they cannot be told apart.
pub fn asked(
    config: &RunConfig,
    means: &Means,
    honest: &Model,
    compute: &Compute,
    ask: &mut Ask<'_>,
) -> Result<Option<Asked>, AttackError> {
    let (Some(Aim::Each(class)), Some(search)) = (means.aim, config.attack.search()) else { return Ok(None) };
    let queries = search.queries.unwrap_or(usize::MAX);
    fishing::each(&of(config, honest, means, compute), class, queries, ask).map(Some)
}

/// What the attacker makes of what it sees before it begins: the part of the update that is of the class it is after ([`aim`]), as if
/// its samples were the batch, with what to say of that. As it is where it is after all samples.
///
/// # Errors
/// If nothing came of these samples.
pub fn isolated(view: AttackerView, aim: Option<Aim>) -> Result<(AttackerView, Option<String>), AttackError> {
    let Some(Aim::Class(class)) = aim else { return Ok((view, None)) };
    fishing::isolated(&view, class).map(|(view, words)| (view, Some(words)))
}
