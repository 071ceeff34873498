//! Optimisers of a reconstruction, on host vectors: a candidate z (pixels, then label logits) and a function
//! that evaluates it.
//!
//! Candidates are small next to the model they are matched through, so they live on the host in 64 bit:
//! exact checkpoints, no copies of optimiser state on the device.

mod adam;
mod cma_es;
mod lbfgs;
mod schedule;

pub use adam::Adam;
pub use cma_es::{CmaEs, MOST};
pub use lbfgs::Lbfgs;
pub use schedule::learning_rate;

use rand_chacha::ChaCha8Rng;

use super::state::{State, StateError};
use crate::config::{OptimiserConfig, OptimiserKind};

/// Objective and gradient at a candidate.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluation {
    /// Matching distance.
    pub matching: f64,
    /// Weighted sum of the priors.
    pub prior: f64,
    /// Gradient of their sum, one entry for each of the candidate's.
    pub gradient: Vec<f64>,
}

impl Evaluation {
    /// The objective: matching + prior.
    pub fn total(&self) -> f64 {
        self.matching + self.prior
    }
}

/// What is minimised: asked at one candidate, or at several at once by an optimiser that holds a population.
pub trait Objective {
    /// Losses and gradient at a candidate.
    fn evaluate(&mut self, z: &[f64]) -> Evaluation;

    /// The losses alone, for a third of the work where that can be had; the gradient is empty then.
    fn value(&mut self, z: &[f64]) -> Evaluation {
        self.evaluate(z)
    }

    /// The losses of each of a population, whose members know nothing of each other.
    fn values(&mut self, population: &[Vec<f64>]) -> Vec<Evaluation> {
        population.iter().map(|z| self.value(z)).collect()
    }
}

impl<F: FnMut(&[f64]) -> Evaluation> Objective for F {
    fn evaluate(&mut self, z: &[f64]) -> Evaluation {
        self(z)
    }
}

/// What an outer step is told of its place in the search.
#[derive(Debug, Clone)]
pub struct Turn {
    /// Learning rate.
    pub lr: f64,
    /// Share of the planned steps that is left, this one counted: 1 at the first.
    pub left: f64,
    /// Randomness of this step's own.
    pub draw: ChaCha8Rng,
}

/// What an outer step came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The candidate moved.
    Moved,
    /// Gradient or change are below tolerance: further steps would not move it.
    Stalled,
}

/// One optimiser with its state.
pub trait Optimiser {
    /// One outer step from `z`. Every evaluation it needs goes through `objective`; the first one is at `z` itself, or at
    /// the first member of a population around it.
    fn step(&mut self, z: &mut Vec<f64>, turn: &mut Turn, objective: &mut dyn Objective) -> Step;

    /// Writes the state into a checkpoint.
    fn save(&self, state: &mut State);

    /// Takes the state from a checkpoint of a candidate with `count` entries.
    ///
    /// # Errors
    /// If entries are missing or of the wrong size.
    fn load(&mut self, state: &State, count: usize) -> Result<(), StateError>;
}

/// A fresh optimiser of losses of the size `unit`.
pub fn optimiser(config: &OptimiserConfig, unit: f64) -> Box<dyn Optimiser> {
    match config.kind {
        OptimiserKind::Adam => Box::new(Adam::new(config)),
        OptimiserKind::Lbfgs => Box::new(Lbfgs::new(config.line_search, unit)),
        OptimiserKind::CmaEs => Box::new(CmaEs::new(config.lr, config.population)),
    }
}
