//! A run on disk: a directory that one worker writes and any number of viewers read.
//!
//! The only bridge between engine and screen. `worker` computes; everything else here is plain files.

pub mod automatic;
mod bridge;
pub mod checkpoint;
pub mod comparison;
pub mod cost;
pub mod death;
pub mod details;
pub mod directory;
pub mod effect;
pub mod event;
mod examine;
mod exchange;
pub mod export;
pub mod filter;
pub mod global_model;
pub mod in_words;
pub mod labels;
pub mod launch;
pub mod listing;
pub mod lock;
pub mod log;
mod logged;
pub mod manifest;
pub mod memory;
pub mod notebook;
mod panics;
pub mod picture;
pub mod plan;
pub mod progress;
pub mod pulse;
pub mod queue;
mod recorder;
mod rounds;
pub mod rows;
mod sort;
pub mod state;
pub mod store;
pub mod tail;
pub mod tradeoff;
pub mod trash;
mod undefended;
pub mod verdict;
pub mod worker;

use std::path::{Path, PathBuf};

pub use recorder::now;

pub use directory::{Request, RunDirectory};
pub use event::{Event, Line};
pub use filter::Filter;
pub use in_words::InWords;
pub use listing::{Listing, RunRow, Summary};
pub use manifest::{Health, Manifest, Status};
pub use notebook::Notebook;
pub use pulse::Pulse;
pub use queue::Queue;
pub use sort::Sort;
pub use state::RunState;
pub use store::Store;
pub use tail::Tail;
pub use trash::Trash;
pub use verdict::Verdict;

/// What can go wrong with a run on disk.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// A file could not be read or written.
    #[error("cannot {action} {}: {}{}", path.display(), source, remedy(action, source))]
    Io {
        /// `read`, `write`, `create`, ...
        action: &'static str,
        /// Which file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// No manifest where a run should be.
    #[error("{} is not a run of gialab: it has no manifest.json; `gialab list` shows the runs there are", path.display())]
    NotARun {
        /// Which directory.
        path: PathBuf,
    },
    /// The whole directory went away.
    #[error("the directory of this run is gone, deleted or moved: {}", path.display())]
    Gone {
        /// Which directory.
        path: PathBuf,
    },
    /// The manifest cannot be understood.
    #[error("{} is damaged: {source}", path.display())]
    Manifest {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: serde_json::Error,
    },
    /// The directory was written by a newer gialab.
    #[error("{} was written by a newer gialab (format {found}, this one knows {known}); update gialab to open it", path.display())]
    Newer {
        /// Which directory.
        path: PathBuf,
        /// Its format.
        found: u32,
        /// The newest format known here.
        known: u32,
    },
    /// No run has this name.
    #[error("there is no run \"{name}\" in {}; `gialab list` shows the runs there are", runs.display())]
    NoSuchRun {
        /// As given.
        name: String,
        /// Where it was looked for.
        runs: PathBuf,
    },
    /// A prefix fits several runs.
    #[error("\"{name}\" fits {count} runs; give more of the name")]
    Ambiguous {
        /// As given.
        name: String,
        /// How many fit.
        count: usize,
    },
    /// It was to go into the trash and is where it was.
    #[error(
        "run {run} cannot be moved to the trash and is where it was: {source}; gialab rm --for-good deletes it at once"
    )]
    Undeletable {
        /// Which run.
        run: String,
        /// The system's reason.
        source: std::io::Error,
    },
    /// A worker is on it.
    #[error("run {run} is being computed{by}; stop it first: gialab stop {run}")]
    Busy {
        /// Which run.
        run: String,
        /// ` by process 4711`, if that is known.
        by: String,
    },
    /// A worker would write where the link leads to.
    #[error("{} is a symbolic link, and no run is written through one; name the directory itself", path.display())]
    Link {
        /// Which one.
        path: PathBuf,
    },
    /// The worker ended before it took the run up.
    #[error("the worker ended at once: {reason}; its messages are in {}", log.display())]
    WorkerDied {
        /// Its last words, or its exit status.
        reason: String,
        /// Where its output went.
        log: PathBuf,
    },
    /// The worker did not report in time.
    #[error("the worker did not report within 20 seconds; its messages are in {}", log.display())]
    WorkerSilent {
        /// Where its output went.
        log: PathBuf,
    },
    /// The checkpoint does not fit the run.
    #[error("checkpoint {} cannot be used: {reason}; delete it to start the run over", path.display())]
    Checkpoint {
        /// Which file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
}

impl RunError {
    /// An I/O error with what was being done.
    pub fn io(action: &'static str, path: &Path, source: std::io::Error) -> Self {
        RunError::Io { action, path: path.to_path_buf(), source }
    }

    /// A worker is on this run.
    pub fn busy(directory: &RunDirectory) -> Self {
        let by = directory.worker_process().map(|pid| format!(" by process {pid}"));
        RunError::Busy { run: directory.id(), by: by.unwrap_or_default() }
    }
}

fn remedy(action: &str, source: &std::io::Error) -> &'static str {
    match source.kind() {
        std::io::ErrorKind::PermissionDenied if action == "read" => "; look at its owner and mode with ls -l",
        std::io::ErrorKind::StorageFull
        | std::io::ErrorKind::QuotaExceeded
        | std::io::ErrorKind::FileTooLarge
            if action != "read" =>
        {
            "; free some space or choose another place with --data-dir"
        }
        std::io::ErrorKind::PermissionDenied | std::io::ErrorKind::ReadOnlyFilesystem => {
            "; choose another place with --data-dir or GIALAB_DATA_DIR"
        }
        _ => "",
    }
}
