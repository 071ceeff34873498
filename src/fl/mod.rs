//! Federated learning: what a client computes and what the server receives.

mod captured;
mod client;
mod diagnosis;
mod enhancer;
mod generator;
mod grants;
mod population;
pub mod post;
mod protocol;
pub mod received;
pub mod self_test;
mod sent;
mod server;
mod setup;
mod source;
pub mod training;
mod truth;
pub mod utility;
mod victim;
mod view;

pub use captured::{CapturedError, CapturedUpdate};
pub use client::Client;
pub use population::Population;
pub use protocol::{At, Back, Protocol, Simulated, Trail};
pub use sent::{Mean, Sent};
pub use server::{Server, Standing};
pub use setup::{Setup, VictimError, opened};
pub use source::{Outside, Source};
pub use victim::Victim;
pub use view::{AttackerView, Knowledge};

use crate::model::Parameters;

/// The quantity a client sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UpdateKind {
    /// FedSGD: the gradient of the mean loss over the batch.
    Gradient,
    /// FedAvg: the weights after the local steps less the weights before, theta_K - theta_0.
    Delta,
}

/// What the server receives in one round: the update of one client, or under secure aggregation the mean over several,
/// weighted by their samples.
#[derive(Debug, Clone)]
pub struct Update {
    /// What it is.
    pub kind: UpdateKind,
    /// One tensor for each parameter of the model.
    pub values: Parameters,
    /// Samples of all these clients (metadata of the aggregation).
    pub samples: usize,
}

#[cfg(test)]
mod tests;
