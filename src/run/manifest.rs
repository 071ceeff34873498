//! `manifest.json`: what a run is, who computes it, and how it stands.

use std::borrow::Cow;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::backend;
use crate::cgroup::MemoryKills;
use crate::config::RunConfig;
use crate::device::Standing;
use crate::reading::Reading;
use crate::text;

/// Version of the run-directory format. A newer one is refused, not guessed at.
pub const SCHEMA: u32 = 1;

/// Status of a run as its worker writes it. Readers see a silent `Running` as crashed ([`Health`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// No worker has taken it up yet, or its worker waits for its turn.
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
    /// Waiting for its worker, or for its turn.
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
    /// SHA-256 of the files that the attacker is granted, a generator and a network that enhances, likewise.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub granted_sha256: Vec<String>,
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
    /// Which device of several, counted as the worker sees them, if not the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<usize>,
    /// Why it computes there, where `auto` had a choice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chosen: Option<String>,
    /// How its device stands while it computes there, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub standing: Option<Standing>,
    /// Host that computes.
    pub host: String,
    /// Process that computes, 0 before one does.
    pub pid: u32,
    /// How it stands.
    pub status: Status,
    /// Seconds since the epoch when the worker last wrote this file.
    pub heartbeat: f64,
    /// Threads that compute: sums over as many parts, which decide the last digits. Absent if an earlier gialab began it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threads: Option<usize>,
    /// How often the system had killed for want of memory where the worker runs, when it began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_kills: Option<MemoryKills>,
    /// Why, when it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// Workers write a heartbeat every second. One that nothing else is known of, on another host, is taken for dead after
/// this many seconds of silence.
pub const SILENT_AFTER_S: f64 = 30.0;

/// What is known of the worker of a run besides its heartbeat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Worker {
    /// It is there, however silent.
    Alive,
    /// There is none.
    Gone,
    /// It can only be told by its heartbeat.
    Unknown,
}

impl Manifest {
    /// Where it computes, as [`crate::backend::Compute::select`] takes it.
    pub fn place(&self) -> String {
        backend::one_of(&self.backend, self.device)
    }

    /// What a captured update may be instead of what it was taken for, or else what of it was left out.
    pub fn doubt(&self) -> Option<&str> {
        let update = Path::new(&self.config.victim.captured.as_ref()?.update).file_name()?.to_str()?;
        let notes = self.reading.notes().iter();
        let of_update = notes.filter_map(|note| note.strip_prefix(update)?.strip_prefix(": "));
        let (left_out, doubts): (Vec<&str>, Vec<&str>) =
            of_update.partition(|note| note.starts_with("matches "));
        doubts.into_iter().chain(left_out).next()
    }

    /// The manifest with its words as they can be shown in a line each.
    pub fn in_lines(mut self) -> Self {
        let config = &mut self.config;
        let words = [
            &mut self.run,
            &mut self.preset,
            &mut self.gialab,
            &mut self.burn,
            &mut self.backend,
            &mut self.host,
            &mut config.title,
            &mut config.group,
        ];
        for word in words.into_iter().chain(&mut self.error).chain(&mut self.chosen) {
            if let Cow::Owned(plain) = text::one_line(word) {
                *word = plain;
            }
        }
        self
    }

    /// The status as a viewer should show it, after so many seconds without a sign of life from the worker.
    pub fn health(&self, silence: f64, worker: Worker) -> Health {
        let vanished = match worker {
            Worker::Alive => false,
            Worker::Gone => true,
            Worker::Unknown => silence > SILENT_AFTER_S,
        };
        match self.status {
            Status::Done => Health::Done,
            Status::Stopped => Health::Stopped,
            Status::Failed => Health::Failed,
            Status::Queued | Status::Running | Status::Paused if vanished => Health::Crashed,
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
    /// All of them.
    pub const ALL: [Health; 7] = [
        Health::Running,
        Health::Paused,
        Health::Queued,
        Health::Crashed,
        Health::Stopped,
        Health::Failed,
        Health::Done,
    ];

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
