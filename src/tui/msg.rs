//! What can happen to the screen: keys, time, and news from the disk.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use crossterm::event::{KeyEvent, MouseEvent};

use super::PresetEntry;
use super::model::RunRow;
use super::theme::Theme;
use super::view::{Hit, Target};
use crate::audit::shelf::Kept;
use crate::calibration::Calibration;
use crate::config::RunConfig;
use crate::gfx::Raster;
use crate::gfx::caps::Shortfall;
use crate::gfx::probe::Answers;
use crate::run::cost::Cost;
use crate::run::details::Details;
use crate::run::effect::Effects;
use crate::run::queue::Change;
use crate::run::{Health, Line, Manifest, Request, RunDirectory};
use crate::study::{Brief, Groups, Snapshot};

/// Something happened.
#[derive(Debug)]
pub enum Msg {
    /// A key was pressed.
    Key(KeyEvent),
    /// Text was pasted.
    Paste(String),
    /// The mouse did something at some cell. The loop, which knows what was drawn there, makes a
    /// [`Msg::Clicked`] or [`Msg::Scrolled`] of it.
    Mouse(MouseEvent),
    /// Something on the screen was clicked.
    Clicked(Hit),
    /// The wheel was turned over something, down if positive.
    Scrolled(Option<Target>, isize),
    /// The terminal has this many columns and rows now.
    Resized(u16, u16),
    /// The screen may be damaged: draw all of it.
    Damaged,
    /// The terminal got the focus, or lost it.
    FocusChanged(bool),
    /// The terminal answered what it was asked, or did not in time.
    Answered(Box<Answers>),
    /// What the terminal shows is known, or known better.
    Shows(Box<Shows>),
    /// It is this many seconds after the epoch.
    Tick(f64),
    /// Pictures that pass should show the next one.
    Beat,
    /// The system wants the program to stop until it is continued.
    Suspend,
    /// Nobody could continue the program, so it did not stop.
    CannotSuspend,
    /// The terminal or the system wants the program to end.
    Terminate,
    /// All runs, live ones first, then newest first.
    RunsListed(Vec<RunRow>),
    /// When runs that wait are likely to begin, in seconds since the epoch, by name.
    StartsExpected(BTreeMap<String, f64>),
    /// The runs cannot be listed.
    RunsUnreadable(String),
    /// The presets as they are now, and what is wrong with the others.
    PresetsLoaded(Vec<PresetEntry>, Vec<String>),
    /// A followed run's manifest changed.
    ManifestArrived {
        /// Run directory's name.
        run: String,
        /// Its manifest, or why there is none.
        manifest: Result<Box<Manifest>, String>,
        /// Its status corrected by the heartbeat.
        health: Health,
    },
    /// What a followed run's post-processing costs, if that was measured.
    CostArrived(String, Option<Box<Cost>>),
    /// A followed run's log grew.
    LinesArrived {
        /// Run directory's name.
        run: String,
        /// Forget what was read before.
        restarted: bool,
        /// New events.
        lines: Vec<Line>,
        /// More is being read.
        more: bool,
    },
    /// What the worker of a followed run said before it died; nothing once another one took the run up.
    LastWords {
        /// Run directory's name.
        run: String,
        /// Lines of its log, oldest first.
        lines: Vec<String>,
    },
    /// A picture was decoded.
    PictureArrived(PictureKey, Result<Arc<Raster>, String>),
    /// A run's details were read.
    DetailsRead {
        /// Run directory's name.
        run: String,
        /// They.
        details: Box<Details>,
    },
    /// How fast this machine is; nothing while it is busy, or why that could not be measured.
    Calibrated(Result<Option<Calibration>, String>),
    /// What the post-processing of this config does to its update, or why that cannot be told.
    Previewed(Box<RunConfig>, Result<Effects, String>),
    /// The studies, a line each.
    StudiesListed(Vec<Brief>),
    /// The audits there are.
    AuditsListed(Vec<Kept>),
    /// The study that is looked into, or why it cannot be read.
    StudyRead {
        /// Its name.
        study: String,
        /// As it stands.
        snapshot: Result<Box<Snapshot>, String>,
    },
    /// Cells of a study beside each other, or why they cannot be read.
    GroupsRead {
        /// The study's name.
        study: String,
        /// Places of the cells, in the order in which they are compared.
        cells: Vec<usize>,
        /// They.
        groups: Result<Box<Groups>, String>,
    },
    /// A run was created and its worker has taken it up.
    Created(RunDirectory),
    /// An effect came to its end.
    Finished(Outcome),
}

/// What a terminal shows.
#[derive(Debug)]
pub struct Shows {
    /// Colours and characters.
    pub theme: Theme,
    /// Pictures have pixels of their own.
    pub has_pixels: bool,
    /// How pictures are shown.
    pub protocol: &'static str,
    /// Why they are not as good as they may be.
    pub shortfall: Option<Shortfall>,
    /// It said so itself.
    pub answered: bool,
}

/// Which picture: files of one name may be rewritten, so the iteration belongs to the key.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PictureKey {
    /// Run directory's name.
    pub run: String,
    /// Path inside the run directory.
    pub file: String,
    /// Iteration shown.
    pub iteration: usize,
}

/// What is done to one run or to several.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deed {
    /// Its worker is asked for something.
    Ask(Request),
    /// A worker is started on it.
    Resume,
    /// It is deleted.
    Delete,
    /// Its place in the queue is another one.
    Queue(Change),
}

/// Why something was not done to a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Undone {
    /// It is not there any more.
    Gone,
    /// A sentence.
    Because(String),
}

/// How an effect ended.
#[derive(Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Starting a run: an error is a sentence.
    Launch(Result<(), String>),
    /// Starting a study, by its name: an error is a sentence.
    StudyRun(String, Result<(), String>),
    /// Starting an audit of a preset: an error is a sentence.
    Audited(String, Result<(), String>),
    /// Stopping one.
    StudyStopped(String, Result<(), String>),
    /// What was done to runs, by name.
    Done(Deed, Vec<(String, Result<(), Undone>)>),
    /// Writing to a run.
    Written(Result<(), String>),
    /// Bringing deleted runs back: their names.
    Undeleted(Result<Vec<String>, String>),
    /// Writing a preset.
    Saved(Result<PathBuf, String>),
    /// Editing a preset: the name of its file.
    Edited(Result<String, String>),
    /// Copying: how it was done.
    Copied(Result<String, String>),
    /// Writing a report: its files.
    Exported(Result<Vec<PathBuf>, String>),
    /// A report was not written, since files are there already.
    InTheWay {
        /// Where it was to go.
        out: PathBuf,
        /// What is there.
        there: Vec<PathBuf>,
        /// A path like it where nothing is.
        free: PathBuf,
    },
    /// A path that was typed, as far as it is clear.
    Completed {
        /// As typed.
        typed: String,
        /// With its rest.
        path: String,
    },
    /// Writing the session.
    Session(Result<(), String>),
}
