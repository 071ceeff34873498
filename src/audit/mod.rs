//! The audit: what comes back of a captured update, or of a federation that a preset describes, and what would keep it from
//! coming back.
//!
//! First the self-test (`fl::self_test`), then the bounds, then attacks from little knowledge to much (`ladder`), then
//! post-processing against the best of them (`protection`). The runs are those of a study of these configs, in a directory of
//! their own, so that going on is running those that have no result. What came of it is a [`Report`], sealed so that a change
//! shows ([`seal`]).

mod budget;
mod clients;
mod conclusion;
mod conduct;
#[cfg(test)]
pub mod fixture;
mod html;
mod in_words;
mod judge;
mod ladder;
mod processed;
mod protection;
mod report;
pub mod seal;
pub mod shelf;
mod verify;

pub use budget::{Amount, Budget};
pub use conduct::{Asked, How, Step, conduct};
pub use html::page;
pub use in_words::{Said, Tone, found, lines, self_test};
pub use judge::Threshold;
pub use report::{Attempt, Bounds, Protection, Report, Round, SCHEMA, Subject, Untried};
pub use verify::{Checked, verify};

use crate::config::preset::Refused;
use crate::fl::VictimError;
use crate::run::RunError;
use crate::run::export::ExportError;
use crate::study::StudyError;

/// Why an audit cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// Files or model do not fit.
    #[error(transparent)]
    Victim(#[from] VictimError),
    /// A setting cannot be used.
    #[error("{0}")]
    Setting(String),
    /// Nothing can be attacked, and no setting was found that can.
    #[error("no attack can be tried: {0}")]
    Nothing(String),
    /// There is too little time for what was asked.
    #[error(
        "--budget {given} is too small: {attempts} searches would have {each} each; raise it, to {least} at least"
    )]
    Budget {
        /// As asked.
        given: String,
        /// Searches that share it.
        attempts: usize,
        /// What each would have.
        each: String,
        /// What is enough.
        least: String,
    },
    /// A threshold is about a figure that no attack has.
    #[error("{0}")]
    Threshold(String),
    /// Another process makes this audit.
    #[error(
        "this audit is being made by another process; gialab audit with the same arguments shows what came of it later"
    )]
    Busy,
    /// Its process ended as soon as it was started.
    #[error("the audit did not begin: {0}")]
    Ended(String),
    /// The backend cannot be used.
    #[error(transparent)]
    Backend(#[from] crate::backend::BackendError),
    /// Its runs cannot be made.
    #[error(transparent)]
    Study(#[from] StudyError),
    /// A run cannot be read.
    #[error(transparent)]
    Run(#[from] RunError),
    /// A run cannot be shown.
    #[error(transparent)]
    Export(#[from] ExportError),
}

impl From<Refused> for AuditError {
    fn from(Refused { key, message }: Refused) -> AuditError {
        AuditError::Setting(format!("{key}: {message}"))
    }
}
