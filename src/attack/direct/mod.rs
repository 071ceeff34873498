//! Attacks that solve for the input instead of searching for it.
//!
//! A new one is a file with a [`Solver`] and a line in [`solver`], beside its facts in the catalogue.

mod april;
mod certificate;
mod conv;
mod cpa;
mod fc_inversion;
mod imprint;
mod least_squares;
mod logit;
mod loki;
mod r_gap;
mod rows;
mod scale_mia;
mod span;
mod spear;
mod trap_weights;

use super::craft::{Craft, Honest};
use super::trial::Best;
use super::{AttackError, Ended, Guess, Guessed, Reconstruction, Sink, Task, TrialEnd, TrialOutcome};
use crate::config::Direct;
use crate::equation::Equation;
use crate::model::Net;
use crate::weights::TrainedGenerator;

pub use r_gap::by_count as r_gap_by_count;
pub(super) use r_gap::{answer, goes_down};

/// What an attack found.
struct Found {
    /// Normalised values, one vector for each sample that was found, the surest first; at most as many as the batch has.
    samples: Vec<Vec<f64>>,
    /// Their labels, where it tells them.
    labels: Vec<usize>,
    /// Share of the gradient that they leave unexplained, 0 to 1: of a layer's, or of the whole. Needs no truth; of a layer it
    /// is no certificate, as many mixtures explain it as well as the samples.
    unexplained: f64,
    /// The equation of one unknown that it begins with, if there is one.
    equation: Option<Equation>,
}

impl Found {
    /// Samples of which nothing else is known.
    fn unlabelled(samples: Vec<Vec<f64>>, unexplained: f64) -> Found {
        Found { samples, labels: Vec::new(), unexplained, equation: None }
    }
}

/// What an attack is asked to work on.
struct Of<'a> {
    net: &'a Net,
    /// Samples behind the update.
    samples: usize,
    /// What makes pictures, if it is granted.
    generator: Option<&'a TrainedGenerator>,
}

/// Solves, and says its steps.
type Solve = fn(&Task<'_>, &Direct, &mut Desk<'_>) -> Result<Found, AttackError>;

/// Where an attack reports to while it solves.
struct Desk<'a> {
    sink: &'a mut dyn Sink,
    /// What was said so far.
    stages: Vec<String>,
}

impl Desk<'_> {
    /// Says a step, in words.
    fn say(&mut self, words: String) {
        self.sink.stage(words.clone());
        self.stages.push(words);
    }

    /// Whether it is to stop, for one that works for long; then it ends with [`AttackError::Stopped`].
    fn halted(&mut self) -> bool {
        self.sink.halted()
    }
}

/// How an attack solves.
struct Solver {
    /// Whether it can, or one sentence that says why not.
    check: fn(&Of<'_>) -> Result<(), String>,
    solve: Solve,
    /// Of an attack that needs a changed model.
    forge: Option<Forge>,
}

/// What a server sends instead of the honest model.
pub(super) struct Forge {
    /// For so many clients.
    pub net: fn(&Direct, honest: &Net, clients: usize) -> Result<Net, String>,
    pub model: ForgeModel,
}

/// Makes the model of the honest one.
type ForgeModel = fn(&Direct, honest: &Honest<'_>) -> Result<Craft, String>;

fn solver(name: &str) -> Option<Solver> {
    let honest = |check, solve| Some(Solver { check, solve, forge: None });
    match name {
        "fc-inversion" => honest(fc_inversion::check, fc_inversion::solve),
        "r-gap" => honest(r_gap::check, r_gap::solve),
        "april" => honest(april::check, april::solve),
        "cpa" => honest(cpa::check, cpa::solve),
        "spear" => honest(spear::check, spear::solve),
        "imprint" => Some(Solver {
            check: imprint::check,
            solve: imprint::solve,
            forge: Some(Forge { net: imprint::net, model: imprint::craft }),
        }),
        "loki" => Some(Solver {
            check: imprint::check,
            solve: loki::solve,
            forge: Some(Forge { net: loki::net, model: loki::craft }),
        }),
        "scale-mia" => Some(Solver {
            check: scale_mia::check,
            solve: scale_mia::solve,
            forge: Some(Forge { net: |_, honest, _| Ok(honest.clone()), model: scale_mia::craft }),
        }),
        "trap-weights" => Some(Solver {
            check: trap_weights::check,
            solve: fc_inversion::solve,
            forge: Some(Forge { net: |_, honest, _| Ok(honest.clone()), model: trap_weights::craft }),
        }),
        _ => None,
    }
}

/// What the server of an attack sends instead of the honest model; nothing if it is honest.
pub(super) fn forge(name: &str) -> Option<Forge> {
    solver(name)?.forge
}

/// Whether the attack of this name can work on a network and so many samples, with this generator.
///
/// # Errors
/// One sentence that says why not.
pub(super) fn check(
    name: &str,
    net: &Net,
    samples: usize,
    generator: Option<&TrainedGenerator>,
) -> Result<(), String> {
    match solver(name) {
        Some(solver) => (solver.check)(&Of { net, samples, generator }),
        None => Err(format!("{name} cannot be run by this gialab")),
    }
}

/// Attacks one round.
pub(super) fn run(task: Task<'_>, settings: &Direct, sink: &mut dyn Sink) -> Result<Ended, AttackError> {
    let norm = task.view.observed().norm();
    if !norm.is_finite() {
        return Err(AttackError::Update { what: "not finite" });
    }
    if norm == 0.0 {
        return Err(AttackError::Update { what: "zero" });
    }
    let Some(solver) = solver(task.config.kind.name()) else {
        return Err(AttackError::Unsolved { why: "this gialab does not know how".to_owned() });
    };
    if task.resume.is_none() {
        sink.trial_started(0, &[]);
    }
    let mut desk = Desk { sink: &mut *sink, stages: Vec::new() };
    let found = match (solver.solve)(&task, settings, &mut desk) {
        Err(AttackError::Stopped) => return Ok(Ended::Stopped),
        found => found?,
    };
    let stages = desk.stages;
    let Found { samples, labels, unexplained, equation } = found;
    let [batch, channels, height, width] = task.view.shape();
    let mut values: Vec<f64> = samples.into_iter().flatten().collect();
    // What was not found is the middle of the range.
    let middle: Vec<f64> = task.view.range.iter().map(|(low, high)| 0.5 * (low + high)).collect();
    for entry in values.len()..batch * channels * height * width {
        values.push(middle[entry / (height * width) % channels]);
    }
    let samples = Guessed::of(task.view, values.clone(), Vec::new());
    let guess = Guess { samples, labels };
    let best = Best { z: values, iteration: 1, matching: unexplained, prior: 0.0 };
    let end = TrialEnd {
        trial: 0,
        outcome: TrialOutcome::Completed,
        best,
        guess: guess.clone(),
        evaluations: 0,
        start: f64::INFINITY,
    };
    sink.trial_finished(&end);
    Ok(Ended::Reconstructed(Reconstruction {
        guess,
        matching: unexplained,
        prior: 0.0,
        unexplained,
        scale: None,
        trial: 0,
        iteration: 1,
        descended: true,
        trials: 1,
        evaluations: 0,
        stages,
        equation,
        supposed: None,
        control: None,
        enhanced: None,
    }))
}

#[cfg(test)]
mod tests;
