//! What the server sends in a round, and what comes back.

use crate::attack::{self, Craft, Means};
use crate::backend::Compute;
use crate::config::RunConfig;
use crate::figure::Effect;
use crate::fl::{AttackerView, Server, Source};
use crate::model::Model;

/// What comes back in a round of what the server sends.
pub(super) struct Observed {
    /// What it sends instead of the honest model.
    pub craft: Option<Craft>,
    /// The clients, who were sent that.
    pub source: Source,
    /// What the attacker sees of it.
    pub view: AttackerView,
    /// What post-processing did to the update, which it does not see.
    pub effect: Option<Effect>,
}

/// Sends the honest model or what the attack makes of it, as often as it takes.
pub(super) fn observe(
    source: &Source,
    server: &Server,
    config: &RunConfig,
    means: &Means,
    compute: &Compute,
    round: u32,
) -> Result<Observed, anyhow::Error> {
    let mut ask = |model: &Model| source.view_after(server.residues(), model, round).0;
    if let Some(asked) = attack::asked(config, means, &server.model, compute, &mut ask)? {
        let attack::Asked { craft, view } = asked;
        return Ok(Observed { craft: Some(craft), source: source.clone(), view, effect: None });
    }
    let craft = attack::craft(config, means, &server.model, compute).map_err(anyhow::Error::msg)?;
    let sent = craft.as_ref().map_or(&server.model, |craft| &craft.model);
    let own = craft.as_ref().map(|craft| craft.own.clone()).unwrap_or_default();
    let source = source.clone().with_models(own);
    let (view, effect) = source.view_after(server.residues(), sent, round);
    Ok(Observed { craft, source, view, effect })
}

/// What the attacker keeps of a round for later ones, where it is told that all attacked ones have the same samples.
pub(super) fn seen(source: &Source, server: &Server, config: &RunConfig, round: u32) -> Option<AttackerView> {
    let keeps = config.knowledge.same_batch && config.attacked_rounds().contains(&round);
    keeps.then(|| source.view_after(server.residues(), &server.model, round).0)
}
