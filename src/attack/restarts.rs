//! The trials of a gradient-matching attack, and the choice among them by matching loss alone.

use std::borrow::Cow;
use std::ops::Range;
use std::time::{Duration, Instant};

use super::matching::{GradientMatching, LabelVariable};
use super::state::State;
use super::trial::{Best, Trial};
use super::{
    AttackError, Ended, Enhanced, Flow, Guess, Guessed, Progress, Sink, Task, TrialEnd, TrialOutcome,
    optimiser,
};
use crate::config::{GuessedTraining, LocalTraining, OptimiserKind, Search};
use crate::equation::Equation;
use crate::fl::AttackerView;
use crate::fl::post::noise_like;
use crate::seed::Seed;

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
    /// Whether that trial came below the objective that it began with.
    pub descended: bool,
    /// Trials that were run.
    pub trials: usize,
    /// Evaluations over all of them.
    pub evaluations: usize,
    /// What an attack that solves said of its steps.
    pub stages: Vec<String>,
    /// The equation of one unknown that one which solves began with.
    pub equation: Option<Equation>,
    /// How the clients were taken to have trained, of an attack that guessed it.
    pub supposed: Option<LocalTraining>,
    /// What the same search makes of noise of the update's norm, where a generator makes the pictures.
    pub control: Option<Guess>,
    /// What the attacker's enhancer makes of it, and of noise, where it has one.
    pub enhanced: Option<Enhanced>,
}

/// A trial that stalls with a matching loss below this share of the distance's scale stands at a solution, as far
/// as the arithmetic and the optimiser's tolerances allow; trials that stall elsewhere stay above 1e-2. Ours.
const SOLVED: f64 = 1e-7;

/// The best trial so far.
#[derive(Debug, Clone)]
struct Chosen {
    trial: usize,
    guess: Guess,
    /// Losses and iteration of its best iterate.
    matching: f64,
    /// The first as a share of what a zero gradient would have: of two ways in which the clients may have trained this one can be
    /// compared.
    unexplained: f64,
    prior: f64,
    iteration: usize,
    descended: bool,
    /// Norm of the update that it simulates; 0 where nothing asks for it.
    norm: f64,
}

/// What the finished trials come to.
#[derive(Debug, Clone, Default)]
struct Finished {
    chosen: Option<Chosen>,
    /// The best of those on noise.
    control: Option<Chosen>,
    /// The least share that is unexplained under each way in which the clients may have trained; infinite before any trial.
    ways: Vec<f64>,
    /// Evaluations of all.
    spent: usize,
    /// Trials on the update that were run.
    tried: usize,
    /// Those of them whose loss was finite to the end.
    sound: usize,
}

/// Runs the trials of a task, then those of its control. Each ends early once one has converged or stands at a solution.
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
    let ways = ways(task.view, config);
    let objective = GradientMatching::of(&ways[0].view, config, labels.clone(), task.seed)?;
    if config.optimiser.kind == OptimiserKind::CmaEs && objective.count() > optimiser::MOST {
        let why = format!(
            "cma-es moves at most {} numbers, and there are {}; attack fewer samples, or use adam",
            optimiser::MOST,
            objective.count()
        );
        return Err(AttackError::Variable { why });
    }
    let (first, finished) = match task.resume {
        Some(state) => restore(state, &objective, task.view)?,
        None => (0, Finished::default()),
    };
    let mut stages = objective.words().to_vec();
    if task.resume.is_none() {
        stages.iter().for_each(|words| sink.stage(words.clone()));
    }
    let mut restarts = Restarts { task, config, first, finished };
    restarts.finished.ways.resize(ways.len(), f64::INFINITY);
    for (at, way) in ways.iter().enumerate() {
        let trials = at * config.trials..(at + 1) * config.trials;
        if trials.end <= first {
            continue;
        }
        let objective = match at {
            0 => objective.clone(),
            _ => GradientMatching::of(&way.view, config, labels.clone(), task.seed)?,
        };
        match restarts.of(&objective, trials, sink)? {
            Through::Stopped => return Ok(Ended::Stopped),
            Through::Solved => break,
            Through::All => {}
        }
    }
    let trials = restarts.finished.tried;
    if restarts.finished.chosen.is_none() || restarts.finished.sound == 0 {
        // What stood before a loss that diverged in every trial is no answer: it may be the first guess.
        return Err(AttackError::NonFinite { trials });
    }
    let way = restarts.finished.chosen.as_ref().map_or(0, |chosen| chosen.trial / config.trials);
    let Way { view, supposed } = &ways[way];
    if let Some(guess) = &config.guess {
        let words = told(guess, way, &restarts.finished.ways);
        sink.stage(words.clone());
        stages.push(words);
    }
    if config.has_control() {
        let noise = view_of_noise(view, restarts.task.seed, restarts.task.round);
        let objective = GradientMatching::of(&noise, config, labels, restarts.task.seed)?;
        let control = config.trials_on_update()..config.all_trials();
        if restarts.of(&objective, control, sink)? == Through::Stopped {
            return Ok(Ended::Stopped);
        }
    }
    let Finished { chosen: Some(chosen), control, spent, .. } = restarts.finished else {
        return Err(AttackError::NonFinite { trials });
    };
    Ok(Ended::Reconstructed(Reconstruction {
        guess: chosen.guess,
        matching: chosen.matching,
        prior: chosen.prior,
        unexplained: chosen.unexplained,
        scale: (!view.knowledge.scale).then(|| view.observed().norm() / chosen.norm),
        trial: chosen.trial,
        iteration: chosen.iteration,
        descended: chosen.descended,
        trials,
        evaluations: spent,
        stages,
        equation: None,
        supposed: *supposed,
        control: control.map(|control| control.guess),
        enhanced: None,
    }))
}

/// Evaluations are timed for this long.
const TIMED: Duration = Duration::from_millis(300);

/// Seconds that an evaluation takes here, from the first guess of the first trial.
pub fn seconds_per_evaluation(
    task: Task<'_>,
    config: &Search,
    labels: LabelVariable,
) -> Result<f64, AttackError> {
    let ways = ways(task.view, config);
    // One in the middle of the list stands for all.
    let objective = GradientMatching::of(&ways[ways.len() / 2].view, config, labels, task.seed)?;
    let z = objective.first(config.start, &mut task.seed.stream("timing", &[]));
    // The first one makes what the others use again.
    objective.evaluate(&z);
    let begin = Instant::now();
    let mut each = Vec::new();
    while each.is_empty() || begin.elapsed() < TIMED {
        let this = Instant::now();
        objective.evaluate(&z);
        each.push(this.elapsed().as_secs_f64());
    }
    // The median: what else the machine does meanwhile is no part of it.
    each.sort_by(f64::total_cmp);
    Ok(each[each.len() / 2])
}

/// A way in which the clients may have trained, and the world as it is then.
struct Way<'a> {
    view: Cow<'a, AttackerView>,
    /// Nothing where it is not guessed.
    supposed: Option<LocalTraining>,
}

/// The ways that are searched under: one where nothing is guessed.
fn ways<'a>(view: &'a AttackerView, config: &Search) -> Vec<Way<'a>> {
    match &config.guess {
        None => vec![Way { view: Cow::Borrowed(view), supposed: None }],
        Some(guess) => guess
            .ways()
            .into_iter()
            .map(|way| Way { view: Cow::Owned(view.supposing(way)), supposed: Some(way) })
            .collect(),
    }
}

/// Which way explains most, how far the next one is behind, and how many were tried where a solution spared the others.
fn told(guess: &GuessedTraining, way: usize, unexplained: &[f64]) -> String {
    let ways = guess.ways();
    let of = |way: usize| {
        let name = ways.get(way).map(LocalTraining::name).unwrap_or_default();
        format!("{name} ({:.2e} of the update unexplained)", unexplained[way])
    };
    let others = (0..unexplained.len()).filter(|other| *other != way && unexplained[*other].is_finite());
    let next = others.min_by(|a, b| unexplained[*a].total_cmp(&unexplained[*b]));
    let next = next.map(|next| format!(", then {}", of(next))).unwrap_or_default();
    let tried = unexplained.iter().filter(|share| share.is_finite()).count();
    let count =
        if tried < ways.len() { format!("{tried} tried of {}", ways.len()) } else { tried.to_string() };
    format!("of {count} ways to train best explained by {}{next}", of(way))
}

/// The same view of updates that are noise of the same norm, from a stream of the attacker's own.
fn view_of_noise(view: &AttackerView, seed: Seed, round: u32) -> AttackerView {
    let mut draw = seed.child("control").stream("noise", &[u64::from(round)]);
    let mut noise = view.clone();
    noise.update.values = noise_like(noise.update.values, &mut draw);
    for earlier in &mut noise.earlier {
        earlier.update.values = noise_like(earlier.update.values.clone(), &mut draw);
    }
    noise
}

/// What came of some trials.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Through {
    /// All are through.
    All,
    /// One converged or stands at a solution: no more are needed.
    Solved,
    /// They were stopped.
    Stopped,
}

/// A round's trials in progress.
struct Restarts<'a> {
    task: Task<'a>,
    config: &'a Search,
    /// The trial to begin or go on with.
    first: usize,
    finished: Finished,
}

impl Restarts<'_> {
    /// Runs those of these trials that are left.
    fn of(
        &mut self,
        objective: &GradientMatching<'_>,
        all: Range<usize>,
        sink: &mut dyn Sink,
    ) -> Result<Through, AttackError> {
        let Restarts { task, config, first, .. } = *self;
        let size = objective.of_nothing();
        let solved = SOLVED * size;
        for trial in first.clamp(all.start, all.end)..all.end {
            let outer = save(&self.finished);
            let mut restart = Trial::start(objective, config, task.seed, task.round, trial, outer);
            match task.resume {
                Some(state) if trial == first => {
                    restart.load(state)?;
                    sink.trial_resumed(trial, restart.iteration());
                }
                _ => sink.trial_started(trial, objective.labels()),
            }
            let outcome = loop {
                // First, since a checkpoint may have been taken after the last iteration.
                if let Some(outcome) = restart.outcome() {
                    break outcome;
                }
                restart.step();
                match sink.iterated(&restart) {
                    Flow::Continue => {}
                    Flow::Stop => return Ok(Through::Stopped),
                    Flow::Enough => break restart.outcome().unwrap_or(TrialOutcome::OutOfTime),
                }
            };
            let (best, guess, evaluations) = restart.finish();
            self.finished.spent += evaluations;
            let done = match outcome {
                TrialOutcome::Converged => true,
                TrialOutcome::Stalled => best.matching < solved,
                TrialOutcome::Completed | TrialOutcome::NonFinite | TrialOutcome::OutOfTime => false,
            };
            let end = TrialEnd { trial, outcome, best, guess, evaluations, start: restart.began() };
            sink.trial_finished(&end);
            let is_control = trial >= config.trials_on_update();
            self.finished.tried += usize::from(!is_control);
            self.finished.sound += usize::from(!is_control && outcome != TrialOutcome::NonFinite);
            let known = if is_control { &mut self.finished.control } else { &mut self.finished.chosen };
            let descended = end.descended();
            let TrialEnd { best, guess, .. } = end;
            let unexplained = best.matching / size;
            if unexplained.is_finite() && known.as_ref().is_none_or(|known| unexplained < known.unexplained) {
                let norm = if task.view.knowledge.scale { 0.0 } else { restart.norm(&best.z) };
                let Best { iteration, matching, prior, .. } = best;
                *known =
                    Some(Chosen { trial, guess, matching, unexplained, prior, iteration, descended, norm });
            }
            let way = self.finished.ways.get_mut(trial / config.trials).filter(|_| !is_control);
            if let Some(least) = way {
                *least = least.min(unexplained);
            }
            if done {
                return Ok(Through::Solved);
            }
        }
        Ok(Through::All)
    }
}

fn save(finished: &Finished) -> State {
    let mut state = State::default();
    state.put_number("spent", finished.spent as f64);
    state.put_number("tried", finished.tried as f64);
    state.put_number("sound", finished.sound as f64);
    state.put("ways", &finished.ways);
    for (name, chosen) in [("chosen", &finished.chosen), ("control", &finished.control)] {
        let Some(chosen) = chosen else { continue };
        let labels: Vec<f64> = chosen.guess.labels.iter().map(|label| *label as f64).collect();
        state.put_number(&format!("{name}.trial"), chosen.trial as f64);
        state.put(&format!("{name}.pixels"), chosen.guess.samples.values());
        state.put(&format!("{name}.labels"), &labels);
        state.put(&format!("{name}.confidence"), chosen.guess.samples.confidence());
        state.put_number(&format!("{name}.iteration"), chosen.iteration as f64);
        state.put_number(&format!("{name}.matching"), chosen.matching);
        state.put_number(&format!("{name}.unexplained"), chosen.unexplained);
        state.put_number(&format!("{name}.prior"), chosen.prior);
        state.put_number(&format!("{name}.descended"), f64::from(u8::from(chosen.descended)));
        state.put_number(&format!("{name}.norm"), chosen.norm);
    }
    state
}

/// The trial to go on with, and what the finished ones come to.
fn restore(
    state: &State,
    objective: &GradientMatching<'_>,
    view: &AttackerView,
) -> Result<(usize, Finished), AttackError> {
    let chosen = |name: &str| -> Result<Option<Chosen>, AttackError> {
        let number = |field: &str| state.number(&format!("{name}.{field}"));
        if !state.has(&format!("{name}.trial")) {
            return Ok(None);
        }
        let (guess, norm) = if state.has(&format!("{name}.z")) {
            // Checkpoints of before there were stages hold the candidate.
            let z = state.vector(&format!("{name}.z"), objective.count())?;
            (objective.guess(&z), if view.knowledge.scale { 0.0 } else { objective.norm(&z) })
        } else {
            let values = state.vector(&format!("{name}.pixels"), view.shape().iter().product())?;
            let labels = state.any_vector(&format!("{name}.labels"))?;
            let labels = labels.iter().map(|label| *label as usize).collect();
            let confidence = state.any_vector(&format!("{name}.confidence"))?.to_vec();
            (Guess { samples: Guessed::of(view, values, confidence), labels }, number("norm")?)
        };
        Ok(Some(Chosen {
            trial: number("trial")? as usize,
            guess,
            matching: number("matching")?,
            // Older checkpoints know one way to train.
            unexplained: match state.has(&format!("{name}.unexplained")) {
                true => number("unexplained")?,
                false => number("matching")? / objective.of_nothing(),
            },
            prior: number("prior")?,
            iteration: number("iteration")? as usize,
            // Older checkpoints did not ask.
            descended: !state.has(&format!("{name}.descended")) || number("descended")? != 0.0,
            norm,
        }))
    };
    let (chosen, control) = (chosen("chosen")?, chosen("control")?);
    // Checkpoints of before the count was kept: a choice was a sound trial.
    let sound =
        if state.has("sound") { state.number("sound")? as usize } else { usize::from(chosen.is_some()) };
    let trial = state.number("trial")? as usize;
    let tried = if state.has("tried") { state.number("tried")? as usize } else { trial };
    let spent = state.number("spent")? as usize;
    let ways = if state.has("ways") { state.any_vector("ways")?.to_vec() } else { Vec::new() };
    Ok((trial, Finished { chosen, control, ways, spent, tried, sound }))
}
