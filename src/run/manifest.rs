//! `manifest.json`: what a run is, who computes it, and how it stands.

use serde::{Deserialize, Serialize};

use crate::config::RunConfig;
use crate::reading::Reading;

/// Version of the run-directory format. A newer one is refused, not guessed at.
pub const SCHEMA: u32 = 1;

/// Status of a run as its worker writes it. Readers see a silent `Running` as crashed ([`Health`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// Created; no worker has taken it up yet.
    Queued,
    /// A worker computes.
    Running,
    /// A worker holds on a viewer's request.
    Paused,
    /// All rounds are complete.
    Done,
    /// Ended on request; can be resumed.
    Stopped,
    /// Ended by an error.
    Failed,
}

/// What a viewer shows: the worker's status, corrected by its heartbeat.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Health {
    /// A worker computes.
    Running,
    /// A worker holds on request.
    Paused,
    /// Created, waiting for its worker.
    Queued,
    /// The worker vanished: process gone or heartbeat silent.
    Crashed,
    /// Ended on request.
    Stopped,
    /// Ended by an error.
    Failed,
    /// Complete.
    Done,
}

/// The file `manifest.json`, rewritten as a whole (temporary name, then rename).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// Format of the run directory, [`SCHEMA`].
    pub schema: u32,
    /// Directory name.
    pub run: String,
    /// Preset name, or the file's stem.
    pub preset: String,
    /// The config as resolved.
    pub config: RunConfig,
    /// SHA-256 of the file of the victim's weights, in hexadecimal, once a worker has read it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weights_sha256: Option<String>,
    /// SHA-256 of the file of a captured update, likewise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub update_sha256: Option<String>,
    /// How its files were read.
    #[serde(default, skip_serializing_if = "Reading::is_empty")]
    pub reading: Reading,
    /// Seconds since the epoch at creation.
    pub created: f64,
    /// Version of gialab that created it.
    pub gialab: String,
    /// Version of burn.
    pub burn: String,
    /// Backend: `flex`, `ndarray`, `cuda`.
    pub backend: String,
    /// Host that computes.
    pub host: String,
    /// Process that computes, 0 before one does.
    pub pid: u32,
    /// How it stands.
    pub status: Status,
    /// Seconds since the epoch when the worker last wrote this file.
    pub heartbeat: f64,
    /// Why, when it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// Workers write a heartbeat every second. One of another host is taken for dead after this many seconds of
/// silence.
pub const SILENT_AFTER_S: f64 = 30.0;

/// On the worker's own host its process tells more than its heartbeat, which a suspended machine or a stalled disk
/// silences too; after this many seconds the process id is taken for somebody else's.
pub const SILENT_HERE_AFTER_S: f64 = 300.0;

impl Manifest {
    /// The status as a viewer on host `here` should show it at time `now` (seconds since the epoch);
    /// `alive` tells whether a process id of this host exists. For one look; who looks again takes a
    /// [`super::pulse::Pulse`].
    pub fn health(&self, now: f64, here: &str, alive: impl Fn(u32) -> bool) -> Health {
        self.health_after(now - self.heartbeat, here, alive)
    }

    /// The status after so many seconds without a sign of life from the worker.
    pub fn health_after(&self, silence: f64, here: &str, alive: impl Fn(u32) -> bool) -> Health {
        let local = self.host == here && self.pid != 0;
        let patience = if local { SILENT_HERE_AFTER_S } else { SILENT_AFTER_S };
        let vanished = || silence > patience || (local && !alive(self.pid));
        match self.status {
            Status::Done => Health::Done,
            Status::Stopped => Health::Stopped,
            Status::Failed => Health::Failed,
            Status::Queued | Status::Running | Status::Paused if vanished() => Health::Crashed,
            Status::Queued => Health::Queued,
            Status::Paused => Health::Paused,
            Status::Running => Health::Running,
        }
    }
}

impl Status {
    /// A worker is on it or is to be.
    pub fn is_unfinished(self) -> bool {
        matches!(self, Status::Queued | Status::Running | Status::Paused)
    }
}

impl Health {
    /// One word for lists.
    pub fn name(self) -> &'static str {
        match self {
            Health::Running => "running",
            Health::Paused => "paused",
            Health::Queued => "queued",
            Health::Crashed => "crashed",
            Health::Stopped => "stopped",
            Health::Failed => "failed",
            Health::Done => "done",
        }
    }

    /// A worker is on it now.
    pub fn is_live(self) -> bool {
        matches!(self, Health::Running | Health::Paused | Health::Queued)
    }

    /// `gialab resume` can go on with it.
    pub fn can_resume(self) -> bool {
        matches!(self, Health::Crashed | Health::Stopped | Health::Failed)
    }
}
