//! One restart of a gradient-matching attack: iterate, keep the answer by loss, stop when it is over.

use crate::config::{Answer, OptimiserConfig, Search};
use crate::seed::Seed;

use super::matching::GradientMatching;
use super::optimiser::{self, Evaluation, Objective, Optimiser, Step, Turn};
use super::state::{State, StateError};
use super::{Guess, Progress, TrialOutcome};

/// The iterate with the smallest objective so far among those that count ([`Answer`]), with the losses evaluated at it.
#[derive(Debug, Clone, PartialEq)]
pub struct Best {
    /// The candidate.
    pub z: Vec<f64>,
    /// Iteration in which it was evaluated, 1-based; 0 before any.
    pub iteration: usize,
    /// Its matching distance; infinite before any finite evaluation.
    pub matching: f64,
    /// Its prior.
    pub prior: f64,
}

impl Best {
    /// Before any evaluation that counts.
    fn none(z: &[f64]) -> Best {
        Best { z: z.to_vec(), iteration: 0, matching: f64::INFINITY, prior: 0.0 }
    }

    /// The objective: matching + prior.
    pub fn total(&self) -> f64 {
        self.matching + self.prior
    }
}

/// Outcomes by their number in a checkpoint; one past the end is none yet.
const OUTCOMES: [TrialOutcome; 5] = [
    TrialOutcome::Completed,
    TrialOutcome::Converged,
    TrialOutcome::Stalled,
    TrialOutcome::NonFinite,
    TrialOutcome::OutOfTime,
];

/// A restart in progress.
pub struct Trial<'a> {
    /// Of the stage that it is in.
    objective: GradientMatching<'a>,
    config: &'a Search,
    seed: Seed,
    round: u32,
    trial: usize,
    /// 0-based; beyond 0 those of [`Search::then`].
    stage: usize,
    /// What the stages before it came to.
    before: Vec<Vec<f64>>,
    optimiser: Box<dyn Optimiser>,
    z: Vec<f64>,
    best: Best,
    iteration: usize,
    evaluations: usize,
    /// Losses at the start of the last iteration.
    losses: (f64, f64),
    /// The objective at the start of this stage; nothing before its first iteration.
    began: Option<f64>,
    /// Why it is over, once it is.
    outcome: Option<TrialOutcome>,
    /// State of the restarts around this trial, to be kept with its own.
    outer: State,
}

impl<'a> Trial<'a> {
    /// A fresh start, drawn in a stream of its own by round and trial.
    pub fn start(
        objective: &GradientMatching<'a>,
        config: &'a Search,
        seed: Seed,
        round: u32,
        trial: usize,
        outer: State,
    ) -> Self {
        let start = config.start_of(trial) as u64;
        let mut generator = seed.stream("initial guess", &[u64::from(round), start]);
        let z = objective.first(config.start, &mut generator);
        Trial {
            objective: objective.clone(),
            config,
            seed,
            round,
            trial,
            stage: 0,
            before: Vec::new(),
            optimiser: optimiser::optimiser(&config.optimiser, objective.unit()),
            best: Best::none(&z),
            z,
            iteration: 0,
            evaluations: 0,
            losses: (f64::NAN, 0.0),
            began: None,
            outcome: None,
            outer,
        }
    }

    /// Goes on from a checkpoint.
    ///
    /// # Errors
    /// If the checkpoint belongs to another problem.
    pub fn load(&mut self, state: &State) -> Result<(), StateError> {
        // Checkpoints of before there were stages are of the first one.
        let stage = if state.has("stage") { state.number("stage")? as usize } else { 0 };
        for stage in 0..stage {
            let z = state.any_vector(&format!("stage.{stage}.z"))?.to_vec();
            self.begin_stage(z);
        }
        let count = self.objective.count();
        self.z = state.vector("z", count)?;
        self.best = Best {
            z: state.vector("best.z", count)?,
            iteration: state.number("best.iteration")? as usize,
            matching: state.number("best.matching")?,
            prior: state.number("best.prior")?,
        };
        self.iteration = state.number("iteration")? as usize;
        self.evaluations = state.number("evaluations")? as usize;
        self.losses = (state.number("losses.matching")?, state.number("losses.prior")?);
        // Checkpoints of earlier versions do not have it.
        self.began = state.number("began").ok().filter(|began| began.is_finite());
        self.outcome = OUTCOMES.get(state.number("outcome")? as usize).copied();
        self.optimiser.load(state, count)
    }

    /// Why the trial is over, once it is.
    pub fn outcome(&self) -> Option<TrialOutcome> {
        self.outcome
    }

    /// Iterations of the stages before this one, and of this one.
    fn span(&self) -> (usize, usize) {
        let stages = self.config.then.iter().map(|stage| stage.iterations);
        let mut all = std::iter::once(self.config.iterations).chain(stages);
        let before = all.by_ref().take(self.stage).sum();
        (before, all.next().unwrap_or(1))
    }

    /// The optimiser of this stage: a later one has a step size of its own, and takes gradients.
    fn settings(&self) -> OptimiserConfig {
        match self.stage.checked_sub(1).and_then(|at| self.config.then.get(at)) {
            None => self.config.optimiser.clone(),
            Some(stage) => self.config.optimiser.clone().with_lr(stage.lr),
        }
    }

    /// Goes on to the next stage, as this one came to z. Whether there is one.
    fn begin_stage(&mut self, z: Vec<f64>) -> bool {
        let Some(stage) = self.config.then.get(self.stage) else { return false };
        let Some((objective, begin)) = self.objective.then(&z, stage) else { return false };
        self.objective = objective;
        self.before.push(z);
        self.stage += 1;
        self.optimiser = optimiser::optimiser(&self.settings(), self.objective.unit());
        self.best = Best::none(&begin);
        self.began = None;
        self.z = begin;
        true
    }

    /// One iteration.
    pub fn step(&mut self) {
        let (before, planned) = self.span();
        if self.iteration == before + planned && self.begin_stage(self.best.z.clone()) {
            return self.step();
        }
        let done = self.iteration - before;
        if self.config.answer.begins(done + 1, planned) {
            self.best = Best::none(&self.z);
        }
        let settings = self.settings();
        let mut turn = Turn {
            lr: optimiser::learning_rate(&settings, done, planned),
            left: 1.0 - done as f64 / planned as f64,
            draw: self.seed.stream("steps", &[self.round.into(), self.trial as u64, self.iteration as u64]),
        };
        let Trial { objective, optimiser, best, evaluations, .. } = self;
        let iteration = self.iteration + 1;
        let mut watched = Watched { objective, best, evaluations, iteration, first: None };
        let step = optimiser.step(&mut self.z, &mut turn, &mut watched);
        let first = watched.first;
        // Features are kept near where they began, box or not.
        if self.config.clamp || self.stage > 0 {
            self.objective.project(&mut self.z);
        }
        self.objective.keep_between(&mut self.z);
        self.iteration = iteration;
        self.losses = first.unwrap_or((f64::NAN, 0.0));
        self.began.get_or_insert(self.losses.0 + self.losses.1);

        // A line search may probe where the loss is not finite; what counts is where it ends.
        let finite = (self.losses.0 + self.losses.1).is_finite();
        self.outcome = if !finite || self.z.iter().any(|value| !value.is_finite()) {
            Some(TrialOutcome::NonFinite)
        } else if self.config.stop_below > 0.0
            && self.best.matching < self.config.stop_below * self.objective.unit()
        {
            Some(TrialOutcome::Converged)
        } else if step == Step::Stalled && self.stage == self.config.then.len() {
            Some(TrialOutcome::Stalled)
        } else if self.iteration >= self.config.all_iterations()
            || self.config.most_evaluations().is_some_and(|most| self.evaluations >= most)
        {
            Some(TrialOutcome::Completed)
        } else {
            None
        };
    }

    /// The objective that this stage began with; infinite where it is not known.
    pub fn began(&self) -> f64 {
        self.began.filter(|began| began.is_finite()).unwrap_or(f64::INFINITY)
    }

    /// Norm of the simulated update of a candidate of the last stage, in units of a gradient.
    pub fn norm(&self, z: &[f64]) -> f64 {
        self.objective.norm(z)
    }

    /// Evaluates the last iterate, which no iteration starts from, and returns the best.
    pub fn finish(&mut self) -> (Best, Guess, usize) {
        if self.z.iter().all(|value| value.is_finite()) {
            if self.config.answer == Answer::Last {
                self.best = Best::none(&self.z);
            }
            let evaluation = self.objective.value(&self.z);
            self.evaluations += 1;
            keep_better(&mut self.best, &self.z, &evaluation, self.iteration);
        }
        let guess = self.best_guess();
        (self.best.clone(), guess, self.evaluations)
    }
}

/// An objective whose evaluations are counted, and the best of which is kept.
struct Watched<'a, 'b> {
    objective: &'a GradientMatching<'b>,
    best: &'a mut Best,
    evaluations: &'a mut usize,
    iteration: usize,
    /// Losses of the first one.
    first: Option<(f64, f64)>,
}

impl Watched<'_, '_> {
    fn note(&mut self, z: &[f64], evaluation: &Evaluation) {
        *self.evaluations += 1;
        self.first.get_or_insert((evaluation.matching, evaluation.prior));
        keep_better(self.best, z, evaluation, self.iteration);
    }
}

impl Objective for Watched<'_, '_> {
    fn evaluate(&mut self, z: &[f64]) -> Evaluation {
        let evaluation = self.objective.evaluate(z);
        self.note(z, &evaluation);
        evaluation
    }

    fn value(&mut self, z: &[f64]) -> Evaluation {
        let evaluation = self.objective.value(z);
        self.note(z, &evaluation);
        evaluation
    }

    fn values(&mut self, population: &[Vec<f64>]) -> Vec<Evaluation> {
        let evaluations = self.objective.values(population);
        population.iter().zip(&evaluations).for_each(|(z, evaluation)| self.note(z, evaluation));
        evaluations
    }
}

fn keep_better(best: &mut Best, z: &[f64], evaluation: &Evaluation, iteration: usize) {
    if evaluation.total() < best.total() {
        best.z.copy_from_slice(z);
        best.iteration = iteration;
        best.matching = evaluation.matching;
        best.prior = evaluation.prior;
    }
}

impl Progress for Trial<'_> {
    fn trial(&self) -> usize {
        self.trial
    }

    fn iteration(&self) -> usize {
        self.iteration
    }

    fn losses(&self) -> (f64, f64) {
        self.losses
    }

    fn learning_rate(&self) -> f64 {
        let (before, planned) = self.span();
        let last = self.iteration.saturating_sub(before + 1);
        optimiser::learning_rate(&self.settings(), last, planned)
    }

    fn evaluations(&self) -> usize {
        self.evaluations
    }

    fn best(&self) -> &Best {
        &self.best
    }

    fn current(&self) -> Guess {
        self.objective.guess(&self.z)
    }

    fn best_guess(&self) -> Guess {
        self.objective.guess(&self.best.z)
    }

    fn checkpoint(&self) -> State {
        let mut state = self.outer.clone();
        state.put_number("trial", self.trial as f64);
        state.put_number("stage", self.stage as f64);
        for (stage, z) in self.before.iter().enumerate() {
            state.put(&format!("stage.{stage}.z"), z);
        }
        state.put("z", &self.z);
        state.put("best.z", &self.best.z);
        state.put_number("best.iteration", self.best.iteration as f64);
        state.put_number("best.matching", self.best.matching);
        state.put_number("best.prior", self.best.prior);
        state.put_number("iteration", self.iteration as f64);
        state.put_number("evaluations", self.evaluations as f64);
        state.put_number("losses.matching", self.losses.0);
        state.put_number("losses.prior", self.losses.1);
        state.put_number("began", self.began.unwrap_or(f64::NAN));
        let outcome = OUTCOMES.iter().position(|outcome| Some(*outcome) == self.outcome);
        state.put_number("outcome", outcome.unwrap_or(OUTCOMES.len()) as f64);
        self.optimiser.save(&mut state);
        state
    }
}
