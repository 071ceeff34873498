//! Settings of a search by gradient matching.

use serde::{Deserialize, Serialize};

use super::optimiser::OptimiserConfig;
use super::validate::Fault;
use super::variable::{self, Stage, VariableKind};
use super::{Answer, Budget, Distance, GuessedTraining, Priors, Target};

/// Settings of a search by gradient matching.
#[derive(Debug, Clone, PartialEq)]
pub struct Search {
    /// Matching distance.
    pub distance: Distance,
    /// Weights of priors on the candidate, in normalised space.
    pub prior: Priors,
    /// Clamp to the valid pixel range after every step.
    pub clamp: bool,
    /// What is searched.
    pub variable: VariableKind,
    /// What is searched after that, from where the search stands.
    pub then: Vec<Stage>,
    /// One gradient at weights between those that were sent and those that came back, this share of the way at first, stands
    /// for all local steps (Zhu et al. 2023).
    pub surrogate: Option<f64>,
    /// Ways in which the clients may have trained, each of which is searched under.
    pub guess: Option<GuessedTraining>,
    /// Where a trial begins.
    pub start: Start,
    /// Optimiser and schedule.
    pub optimiser: OptimiserConfig,
    /// Candidates that a trial holds side by side; their mean is its answer.
    pub members: usize,
    /// Optimiser steps of one trial, 1 or more; of its first stage where there are several.
    pub iterations: usize,
    /// Restarts; the one with the smallest matching loss is kept.
    pub trials: usize,
    /// What they may spend; iterations are then as many as it pays for.
    pub budget: Option<Budget>,
    /// A trial whose matching loss falls below this has converged: it ends, and the trials that remain are
    /// skipped. 0 never stops. Of a squared distance to an update of norm below 1 it is a share of the norm's square.
    pub stop_below: f64,
    /// Which iterate of a trial is its answer.
    pub answer: Answer,
    /// Whose samples alone are searched, of a server that singles them out; nothing if all are.
    pub target: Option<Target>,
    /// How often it asks a client at most, to tell every sample from the others.
    pub queries: Option<usize>,
}

/// Where a trial begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Start {
    /// Every value from N(0, 1).
    #[default]
    Normal,
    /// Every value from U(-1, 1).
    Uniform,
    /// Zeros: the mean picture.
    Zeros,
    /// A random patch of this side, tiled over each sample (Wei et al. 2020).
    Patterned(usize),
}

impl Search {
    /// Optimiser steps of all stages of one trial.
    pub fn all_iterations(&self) -> usize {
        self.iterations + self.then.iter().map(|stage| stage.iterations).sum::<usize>()
    }

    /// Ways in which the clients are taken to have trained, 1 or more.
    pub fn ways(&self) -> usize {
        self.guess.as_ref().map_or(1, GuessedTraining::count)
    }

    /// Restarts on the update: as many under each way in which the clients may have trained.
    pub fn trials_on_update(&self) -> usize {
        self.ways() * self.trials
    }

    /// Restarts on the update, and those on noise where it has this control.
    pub fn all_trials(&self) -> usize {
        self.trials_on_update() + if self.has_control() { self.trials } else { 0 }
    }

    /// Which first guess a trial, 0-based, begins with: under each way in which the clients may have trained the same.
    pub fn start_of(&self, trial: usize) -> usize {
        if trial < self.trials_on_update() { trial % self.trials.max(1) } else { trial }
    }

    /// Whether the same search is made on noise of the update's norm: what a generator makes of that is no leakage.
    pub fn has_control(&self) -> bool {
        self.variable.is_generated()
    }

    /// Everything that it moves, in turn.
    pub fn variables(&self) -> impl Iterator<Item = VariableKind> + '_ {
        std::iter::once(self.variable).chain(self.then.iter().map(|stage| stage.variable))
    }

    /// Whether the values are in range.
    pub(super) fn check(&self) -> Result<(), Fault> {
        let require = |holds: bool, key: &'static str, message: String| {
            if holds { Ok(()) } else { Err(Fault { key, message: format!("{key} {message}") }) }
        };
        self.distance.check()?;
        if let Start::Patterned(side) = self.start {
            let most = super::MAX_SIDE;
            require((1..=most).contains(&side), "attack.start", format!("= {side}, must be 1 to {most}"))?;
        }
        if let Some(share) = self.surrogate {
            let message = format!("= {share}, must be 0 to 1");
            require((0.0..=1.0).contains(&share), "attack.surrogate", message)?;
        }
        let twice =
            "is one gradient for all steps, which attack.guess goes through; remove one of them".to_owned();
        require(self.guess.is_none() || self.surrogate.is_none(), "attack.surrogate", twice)?;
        variable::check(self.variable, &self.then)?;
        let alone = "= 1 is all that a generator's search and one over epochs can hold; remove it".to_owned();
        let takes_members = matches!(self.variable, VariableKind::Pixels | VariableKind::Fields);
        require(takes_members || self.members == 1, "attack.members", alone)?;
        let patterned = matches!(self.start, Start::Patterned(_)) && self.variable.is_generated();
        let message = "is a pattern of pixels, which codes have none of; use \"normal\"".to_owned();
        require(!patterned, "attack.start", message)?;
        self.optimiser.check(self.clamp)
    }
}
