//! Where the update of a round comes from: from simulated clients, or from a real system.

use std::sync::Arc;

use super::grants::Grants;
use super::post::Residues;
use super::{AttackerView, CapturedUpdate, Setup, Victim};
use crate::backend::Compute;
use crate::config::RunConfig;
use crate::figure::Effect;
use crate::model::Model;

/// The attacked side of a run.
#[derive(Debug, Clone)]
pub enum Source {
    /// Clients that compute their update here.
    Simulated(Box<Victim>),
    /// An update from outside.
    Captured(Box<Outside>),
}

/// An update from outside, with what is public beside it.
#[derive(Debug, Clone)]
pub struct Outside {
    update: CapturedUpdate,
    grants: Grants,
}

impl Source {
    /// The one that a set-up has.
    pub fn new(setup: Setup, config: &RunConfig, compute: Compute) -> Source {
        let generator = setup.generator.map(|trained| Arc::new(trained.on(&compute)));
        let grants = Grants::new(config, compute, setup.taken, setup.posts);
        let grants = Grants { fields: setup.fields, generator, enhancer: setup.enhancer, ..grants };
        match (setup.captured, setup.batch) {
            (Some(update), _) => Source::Captured(Box::new(Outside { update, grants })),
            (None, Some(batch)) => {
                Source::Simulated(Box::new(Victim::before(batch, setup.normalisation, grants)))
            }
            (None, None) => unreachable!("a set-up has a batch unless its update was captured"),
        }
    }

    /// The same side, with gradients of at most so many samples at once (see [`Victim::in_parts`]).
    #[must_use]
    pub fn in_parts(self, most: usize) -> Source {
        match self {
            Source::Simulated(victim) => Source::Simulated(Box::new(victim.in_parts(most))),
            Source::Captured(outside) => {
                let Outside { update, grants } = *outside;
                Source::Captured(Box::new(Outside { update, grants: Grants { most, ..grants } }))
            }
        }
    }

    /// The same side, each of whose clients is sent another model (see [`Victim::with_models`]).
    #[must_use]
    pub fn with_models(self, own: Vec<Model>) -> Source {
        match self {
            Source::Simulated(victim) => Source::Simulated(Box::new(victim.with_models(own))),
            captured @ Source::Captured(_) => captured,
        }
    }

    /// As [`Source::view_after`], of clients who kept nothing back before.
    pub fn view(&self, model: &Model, round: u32) -> (AttackerView, Option<Effect>) {
        self.view_after(&Residues::default(), model, round)
    }

    /// What the attacker sees in a round in which the clients were sent this model, who kept this back of earlier updates; and
    /// what post-processing did to the update, which it does not see.
    pub fn view_after(
        &self,
        residues: &Residues,
        model: &Model,
        round: u32,
    ) -> (AttackerView, Option<Effect>) {
        match self {
            Source::Simulated(victim) => {
                let sent = victim.send_after(&mut residues.clone(), model, round);
                let effect = sent.effect;
                (victim.view(model, sent, round), effect)
            }
            Source::Captured(outside) => (outside.update.view(model, &outside.grants), None),
        }
    }
}
