//! What a config comes to: the attack and the private side, or one sentence on why they do not fit. Nothing is
//! computed yet.

use crate::attack::{self, Aim};
use crate::config::RunConfig;
use crate::data;
use crate::fl::{Setup, VictimError};
use crate::metric::{Lpips, LpipsError};
use crate::model::Net;

/// A config that can be run.
pub struct Plan {
    /// The private batch and the architecture.
    pub setup: Setup,
    /// The network that clients are sent in attacked rounds: the model's own, unless the server changes it.
    pub sent: Net,
    /// The class whose samples alone the attack is after; nothing if it is after all.
    pub aim: Option<Aim>,
    /// LPIPS, if the config names a backbone.
    pub lpips: Option<Lpips>,
}

/// A data path as seen from any directory: the worker may run, and be resumed, in another one. Names of built-in
/// sets stay.
pub fn anchored(data: &str) -> String {
    if data::catalogue().iter().any(|set| set.name == data) {
        return data.to_owned();
    }
    absolute(data)
}

/// A path as seen from any directory; an empty one stays empty, to be refused.
pub fn absolute(path: &str) -> String {
    std::path::absolute(path)
        .ok()
        .and_then(|path| path.into_os_string().into_string().ok())
        .unwrap_or_else(|| path.to_owned())
}

/// Why a config cannot be run.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// A value cannot be used.
    #[error("{0}")]
    Value(String),
    /// The attack needs more than it is granted.
    #[error("{0}")]
    Refused(String),
    /// The private side cannot be set up.
    #[error(transparent)]
    Victim(#[from] VictimError),
    /// It does not fit into memory.
    #[error(transparent)]
    Memory(#[from] super::memory::TooLarge),
    /// The backbone of LPIPS cannot be used.
    #[error(transparent)]
    Lpips(#[from] LpipsError),
}

/// Finds the attack, checks what it is granted, reads the data and fits the model.
///
/// # Errors
/// [`PlanError`] with what is missing or does not fit.
pub fn plan(config: &RunConfig) -> Result<Plan, PlanError> {
    config.check().map_err(PlanError::Value)?;
    attack::check(config).map_err(PlanError::Refused)?;
    let setup = Setup::new(config)?;
    let generator = setup.generator.as_deref();
    attack::fits(config, &setup.net, setup.fields.is_some(), generator).map_err(PlanError::Refused)?;
    let lpips = config.run.lpips.as_ref().map(|path| Lpips::read(path.as_ref())).transpose()?;
    let sent = attack::sent_net(config, &setup.net).map_err(PlanError::Refused)?;
    let labels = setup.batch.as_ref().map(|batch| batch.labels.as_slice());
    let granted = labels.filter(|_| config.knowledge.labels);
    let aim = attack::aim(config, granted).map_err(PlanError::Refused)?;
    Ok(Plan { setup, sent, aim, lpips })
}
