//! Optimisers of a reconstruction, on host vectors: a candidate z (pixels, then label logits) and a function
//! that evaluates it.
//!
//! Candidates are small next to the model they are matched through, so they live on the host in 64 bit:
//! exact checkpoints, no copies of optimiser state on the device.

mod adam;
mod lbfgs;
mod schedule;

pub use adam::Adam;
pub use lbfgs::Lbfgs;
pub use schedule::learning_rate;

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
    /// One outer step from `z` at learning rate `lr`. Every evaluation it needs goes through `evaluate`;
    /// the first one is at `z` itself.
    fn step(&mut self, z: &mut Vec<f64>, lr: f64, evaluate: &mut dyn FnMut(&[f64]) -> Evaluation) -> Step;

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
        OptimiserKind::Adam => Box::new(Adam::new(config.signed)),
        OptimiserKind::Lbfgs => Box::new(Lbfgs::new(config.line_search, unit)),
    }
}
