//! Studies: a preset varied along axes, every cell over the same pairs of seed and pictures, with what is expected of it.
//!
//! A study is a directory of runs with names that follow from its cells. What there is of it are the runs that have a
//! result, so that going on is running the ones that have none, whoever began them and however they ended.

mod conduct;
mod definition;
pub mod detached;
pub mod export;
mod grid;
pub mod groups;
mod in_words;
mod matrix;
mod pace;
mod results;
mod shelf;
pub mod slurm;
mod statistics;

pub use conduct::{Conduct, Ended, Progress, Standing, alone, conduct, keep, missing, standing};
pub use definition::{Asked, Axis, Definition, Hypothesis, Way, load, read, shipped_names, shipped_text};
pub use grid::{Cell, Member, Place, Scale, Study, begun};
pub use groups::{Group, Groups, Mean};
pub use matrix::Matrix;
pub use pace::Pace;
pub use results::{Filled, Judged, Outcome, Results, Seen, Shown};
pub use shelf::{Brief, Count, Means, Shelf, Snapshot};
pub use statistics::Interval;

use crate::config::ConfigError;
use crate::run::RunError;
use crate::run::launch::BeginError;
use crate::run::plan::PlanError;

/// Why a study cannot be run or read.
#[derive(Debug, thiserror::Error)]
pub enum StudyError {
    /// Its file, or a cell of it, cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// It needs an attack that is not there.
    #[error(
        "study {study} needs the attack \"{attack}\", which this gialab does not have yet; gialab attacks lists those it has"
    )]
    Lacks {
        /// Which study.
        study: String,
        /// Name of the attack.
        attack: String,
    },
    /// A product that nobody reads.
    #[error("the axes make more than {most} cells; take points away, or skip combinations")]
    TooManyCells {
        /// How many there may be.
        most: usize,
    },
    /// All combinations are left out.
    #[error("skip leaves no cell; take a combination out of it")]
    Nothing,
    /// One of its cells cannot be run.
    #[error("cell {cell}: {source}")]
    Cell {
        /// Its name.
        cell: String,
        /// Why.
        source: Box<PlanError>,
    },
    /// It was begun with other settings.
    #[error("{} holds run {run} with another {key} than this study has; it is of another version: move that directory away, or give this one a name of its own with --as", path.display())]
    Other {
        /// The study's directory.
        path: std::path::PathBuf,
        /// Which run.
        run: String,
        /// The first setting that differs.
        key: String,
    },
    /// Somebody else is at it.
    #[error("study {study} is being run by another process; its progress: gialab study show {study}")]
    Busy {
        /// Which study.
        study: String,
    },
    /// Its process ended as soon as it was started.
    #[error("study {study} did not begin: {reason}")]
    Ended {
        /// Which study.
        study: String,
        /// What it said.
        reason: String,
    },
    /// Somebody at another machine is at it.
    #[error("study {study} is being run on another host, where it can be stopped")]
    Elsewhere {
        /// Which study.
        study: String,
    },
    /// Nothing of it was begun.
    #[error("study {study} was not begun yet; gialab study run {study} begins it")]
    NotBegun {
        /// Which study.
        study: String,
    },
    /// A run of it cannot be begun.
    #[error(transparent)]
    Begin(#[from] BeginError),
    /// A run of it cannot be read.
    #[error(transparent)]
    Run(#[from] RunError),
}
