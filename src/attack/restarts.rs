//! The trials of a gradient-matching attack, and the choice among them by matching loss alone.

use super::matching::{GradientMatching, LabelVariable};
use super::state::State;
use super::trial::{Best, Trial};
use super::{AttackError, Ended, Flow, Guess, Progress, Sink, Task, TrialEnd, TrialOutcome};
use crate::config::Search;

/// What an attack on one round brings back.
#[derive(Debug, Clone, PartialEq)]
pub struct Reconstruction {
    /// The chosen candidate.
    pub guess: Guess,
    /// Its matching distance.
    pub matching: f64,
    /// Its prior.
    pub prior: f64,
    /// The same as a share of what a zero gradient would have: what it leaves of the update unexplained.
    pub unexplained: f64,
    /// What the update is times its gradient, where that was not known.
    pub scale: Option<f64>,
    /// The trial it came from.
    pub trial: usize,
    /// The iteration of that trial.
    pub iteration: usize,
    /// Trials that were run.
    pub trials: usize,
    /// Evaluations over all of them.
    pub evaluations: usize,
    /// What an attack that solves said of its steps.
    pub stages: Vec<String>,
}

/// A trial that stalls with a matching loss below this share of the distance's scale stands at a solution, as far
/// as the arithmetic and the optimiser's tolerances allow; trials that stall elsewhere stay above 1e-2. Ours.
const SOLVED: f64 = 1e-7;

/// The best trial so far.
struct Chosen {
    trial: usize,
    best: Best,
}

/// What the finished trials come to.
#[derive(Default)]
struct Finished {
    chosen: Option<Chosen>,
    /// Evaluations of all.
    spent: usize,
    /// Trials whose loss was finite to the end.
    sound: usize,
}

/// Runs the trials of a task. Ends early once one has converged or stands at a solution.
pub fn run(
    task: Task<'_>,
    config: &Search,
    labels: LabelVariable,
    sink: &mut dyn Sink,
) -> Result<Ended, AttackError> {
    let observed = task.view.observed();
    let norm = observed.norm();
    if !norm.is_finite() {
        return Err(AttackError::Update { what: "not finite" });
    }
    if norm == 0.0 {
        return Err(AttackError::Update { what: "zero" });
    }
    let shown = match &labels {
        LabelVariable::Fixed(labels) => labels.clone(),
        LabelVariable::Logits => Vec::new(),
    };
    let objective = GradientMatching::of(task.view, config, labels);
    let size = objective.of_nothing();
    let solved = SOLVED * size;

    let (first, mut finished) = match task.resume {
        Some(state) => restore(state, objective.count())?,
        None => (0, Finished::default()),
    };
    let mut trials = first;
    for trial in first..config.trials {
        let outer = save(&finished);
        let mut restart = Trial::start(&objective, config, task.seed, task.round, trial, outer);
        match task.resume {
            Some(state) if trial == first => {
                restart.load(state)?;
                sink.trial_resumed(trial, restart.iteration());
            }
            _ => sink.trial_started(trial, &shown),
        }
        let outcome = loop {
            // First, since a checkpoint may have been taken after the last iteration.
            if let Some(outcome) = restart.outcome() {
                break outcome;
            }
            restart.step();
            if sink.iterated(&restart) == Flow::Stop {
                return Ok(Ended::Stopped);
            }
        };
        let (best, guess, evaluations) = restart.finish();
        finished.spent += evaluations;
        finished.sound += usize::from(outcome != TrialOutcome::NonFinite);
        trials = trial + 1;
        let done = match outcome {
            TrialOutcome::Converged => true,
            TrialOutcome::Stalled => best.matching < solved,
            TrialOutcome::Completed | TrialOutcome::NonFinite => false,
        };
        sink.trial_finished(&TrialEnd { trial, outcome, best: best.clone(), guess, evaluations });
        let known = finished.chosen.as_ref();
        if best.matching.is_finite() && known.is_none_or(|known| best.matching < known.best.matching) {
            finished.chosen = Some(Chosen { trial, best });
        }
        if done {
            break;
        }
    }
    // What stood before a loss that diverged in every trial is no answer: it may be the first guess.
    let Finished { chosen: Some(chosen), spent, sound: 1.. } = finished else {
        return Err(AttackError::NonFinite { trials });
    };
    Ok(Ended::Reconstructed(Reconstruction {
        guess: objective.guess(&chosen.best.z),
        matching: chosen.best.matching,
        prior: chosen.best.prior,
        unexplained: chosen.best.matching / size,
        scale: (!task.view.knowledge.scale).then(|| norm / objective.norm(&chosen.best.z)),
        trial: chosen.trial,
        iteration: chosen.best.iteration,
        trials,
        evaluations: spent,
        stages: Vec::new(),
    }))
}

fn save(finished: &Finished) -> State {
    let mut state = State::default();
    state.put_number("spent", finished.spent as f64);
    state.put_number("sound", finished.sound as f64);
    if let Some(chosen) = &finished.chosen {
        state.put_number("chosen.trial", chosen.trial as f64);
        state.put("chosen.z", &chosen.best.z);
        state.put_number("chosen.iteration", chosen.best.iteration as f64);
        state.put_number("chosen.matching", chosen.best.matching);
        state.put_number("chosen.prior", chosen.best.prior);
    }
    state
}

/// The trial to go on with, and what the finished ones come to.
fn restore(state: &State, count: usize) -> Result<(usize, Finished), AttackError> {
    let chosen = if state.has("chosen.z") {
        Some(Chosen {
            trial: state.number("chosen.trial")? as usize,
            best: Best {
                z: state.vector("chosen.z", count)?,
                iteration: state.number("chosen.iteration")? as usize,
                matching: state.number("chosen.matching")?,
                prior: state.number("chosen.prior")?,
            },
        })
    } else {
        None
    };
    // Checkpoints of before the count was kept: a choice was a sound trial.
    let sound =
        if state.has("sound") { state.number("sound")? as usize } else { usize::from(chosen.is_some()) };
    Ok((state.number("trial")? as usize, Finished { chosen, spent: state.number("spent")? as usize, sound }))
}
