//! What post-processing does to the update of a preset's first attacked round, step by step. Nothing is attacked.

use serde::{Deserialize, Serialize};

use super::event::Effect;
use super::launch::BeginError;
use super::plan::{self, PlanError};
use super::{memory, memory::Fit};
use crate::attack::{self, Means};
use crate::backend::Compute;
use crate::config::{Post, RunConfig};
use crate::fl::post::{Posts, Residues};
use crate::fl::{Server, UpdateKind, Victim};
use crate::model::Model;

/// Bits of a number of the clean update.
const CLEAN_BITS: f64 = 32.0;

/// The clean update of the attacked clients, and what is left of it after each step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Effects {
    /// `gradient` or `delta`.
    pub update: String,
    /// The attacked round.
    pub round: u32,
    /// Numbers of the update.
    pub parameters: usize,
    /// Those of them that belong to layers which post-processing adds to the network.
    pub added: usize,
    /// L2 norm of the clean update; of several clients of their mean.
    pub norm: f64,
    /// Bytes of one client's clean update, of the network without layers that are added.
    pub bytes: u64,
    /// After the first step, after the first two, and so on.
    pub steps: Vec<Step>,
}

/// The update after a step and all those before it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// The step in words: `clip 1.0`.
    pub post: String,
    /// L2 norm of what is sent; of several clients of their mean.
    pub norm: f64,
    /// Bytes that one client sends.
    pub bytes: u64,
    /// Beside the clean update; of several clients the mean.
    pub effect: Effect,
}

/// Computes it on a backend of [`crate::backend::NAMES`], after the training that comes before the first attacked round.
///
/// # Errors
/// [`BeginError`] if the config cannot be run or has no client to simulate; else if a picture cannot be read or an update
/// is not finite.
pub fn effects(config: &RunConfig, backend: &str) -> Result<Effects, anyhow::Error> {
    if config.victim.captured.is_some() {
        let message = "a captured update has no client whose post-processing could be simulated; use a preset with victim.data";
        return Err(BeginError::Plan(PlanError::Refused(message.to_owned())).into());
    }
    let plan = plan::plan(config).map_err(BeginError::Plan)?;
    let compute = Compute::select(backend, config.run.precision).map_err(BeginError::Backend)?;
    let fit = memory::fit(config, &plan.sent, &compute).map_err(|e| BeginError::Plan(e.into()))?;
    let mut server = Server::new(&plan.setup, config, compute.clone());
    let (setup, aim) = (plan.setup, plan.aim);
    let plain = setup.without_posts().net.parameter_count();
    let Some(batch) = setup.batch else { anyhow::bail!("the preset has no batch") };
    let means = Means { aim, range: setup.normalisation.range(), generator: setup.generator.clone() };
    let victim = Victim::new(batch, setup.normalisation, setup.posts.clone(), config, compute.clone());
    let victim = match fit {
        Fit::Whole => victim,
        Fit::Parts(most) => victim.in_parts(most),
    };
    let round = config.attacked_rounds().first().copied().unwrap_or_default();
    for round in 0..round {
        server.train(round, &victim)?;
    }
    let craft = attack::craft(config, &means, &server.model, &compute).map_err(anyhow::Error::msg)?;
    let model = craft.as_ref().map_or(&server.model, |craft| &craft.model);
    let victim = victim.with_models(craft.as_ref().map(|craft| craft.own.clone()).unwrap_or_default());
    let residues = server.residues();
    let send =
        |posts: Posts| victim.clone().with_posts(posts).send_after(&mut residues.clone(), model, round);
    let clean = send(Posts::default()).update;
    let parameters = clean.values.count();
    let added = parameters - plain;
    let bytes = |bits: f64, numbers: usize| (bits * numbers as f64 / 8.0).ceil() as u64;
    let mut steps = Vec::new();
    for (posts, post) in setup.posts.prefixes().zip(&config.post) {
        let sent = send(posts);
        let Some(effect) = sent.effect else { continue };
        let norm = sent.update.values.norm();
        anyhow::ensure!(norm.is_finite(), "{}", spoilt(post, norm));
        steps.push(Step { post: post.in_words(), norm, bytes: bytes(effect.bits, parameters), effect });
    }
    let norm = clean.values.norm();
    anyhow::ensure!(norm.is_finite(), "the clean update has numbers that are not finite");
    let update = match clean.kind {
        UpdateKind::Gradient => "gradient",
        UpdateKind::Delta => "delta",
    };
    let bytes = bytes(CLEAN_BITS, plain);
    Ok(Effects { update: update.to_owned(), round, parameters, added, norm, bytes, steps })
}

/// The first step after which the update of a round is not finite or zero, which it was not before any, in a sentence.
pub(super) fn culprit(
    victim: &Victim,
    residues: &Residues,
    model: &Model,
    round: u32,
    steps: &[Post],
) -> Option<String> {
    let norm = |posts: Posts| {
        let sent = victim.clone().with_posts(posts).send_after(&mut residues.clone(), model, round);
        sent.update.values.norm()
    };
    let spoils = |norm: f64| norm == 0.0 || !norm.is_finite();
    if spoils(norm(Posts::default())) {
        return None;
    }
    let norms = victim.posts().prefixes().map(norm);
    norms.zip(steps).find(|(norm, _)| spoils(*norm)).map(|(norm, step)| spoilt(step, norm))
}

/// What a step made of an update that has this norm after it, zero or not finite, and what to do.
fn spoilt(step: &Post, norm: f64) -> String {
    let kind = &step.kind;
    if norm == 0.0 {
        return format!(
            "the update is zero after {kind}: what that step leaves is nothing, or too small to be told from it; weaken the \
             step"
        );
    }
    let why = match kind.as_str() {
        "cast" => "fp16 overflows above 65504; clip before it, or use bf16",
        _ => "that step makes numbers too large to be stored; weaken it",
    };
    format!("the update has numbers that are not finite after {kind}: {why}")
}
