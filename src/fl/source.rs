//! Where the update of a round comes from: from simulated clients, or from a real system.

use std::sync::Arc;

use super::post::{Posts, Residues};
use super::{CapturedUpdate, Setup, Victim};
use crate::backend::Compute;
use crate::config::RunConfig;
use crate::data::Normalisation;
use crate::figure::Effect;
use crate::fl::AttackerView;
use crate::model::Model;
use crate::model::generator::Generator;

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
    normalisation: Normalisation,
    config: RunConfig,
    compute: Compute,
    /// Samples whose gradient is taken at once.
    most: usize,
    posts: Posts,
    fields: Option<Arc<[usize]>>,
    generator: Option<Arc<Generator>>,
}

impl Source {
    /// The one that a set-up has.
    pub fn new(setup: Setup, config: &RunConfig, compute: Compute) -> Source {
        let (normalisation, posts, fields, config) =
            (setup.normalisation, setup.posts, setup.fields, config.clone());
        let generator = setup.generator.map(|trained| Arc::new(trained.on(&compute)));
        match (setup.captured, setup.batch) {
            (Some(update), _) => Source::Captured(Box::new(Outside {
                update,
                normalisation,
                config,
                compute,
                most: usize::MAX,
                posts,
                fields,
                generator,
            })),
            (None, Some(batch)) => {
                let victim = Victim::new(batch, normalisation, posts, &config, compute);
                let victim = victim.taken_to_normalise_by(setup.taken);
                Source::Simulated(Box::new(victim.with_fields(fields).with_generator(generator)))
            }
            (None, None) => unreachable!("a set-up has a batch unless its update was captured"),
        }
    }

    /// The same side, with gradients of at most so many samples at once (see [`Victim::in_parts`]).
    #[must_use]
    pub fn in_parts(self, most: usize) -> Source {
        match self {
            Source::Simulated(victim) => Source::Simulated(Box::new(victim.in_parts(most))),
            Source::Captured(outside) => Source::Captured(Box::new(Outside { most, ..*outside })),
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
            Source::Captured(outside) => {
                let Outside { update, normalisation, config, compute, most, posts, fields, generator } =
                    &**outside;
                let mut view = update.view(model, config, normalisation, posts, compute, fields, generator);
                view.knowledge.protocol = view.knowledge.protocol.in_parts(*most);
                (view, None)
            }
        }
    }
}
