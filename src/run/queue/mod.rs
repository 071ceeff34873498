//! Runs beyond what a machine carries wait for their turn. There is no process that keeps the queue: the workers agree
//! through a directory, `queue/HOST/` in the data directory, in which every run that waits or computes has a ticket.
//!
//! A ticket counts as long as the lock of its run is held, so a worker that is killed leaves the queue however it ends.
//! The order is a number in the ticket; clocks decide nothing.

mod door;
pub mod forecast;
mod place;
mod resource;
#[cfg(test)]
mod tests;
pub mod ticket;

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use door::Door;
use sha2::{Digest, Sha256};

use super::directory::write_atomically;
use super::lock::{self, Held};
use super::{RunDirectory, RunError, now};
use crate::{files, format, sys};

pub use place::Place;
pub use resource::Resource;
pub use ticket::{Entry, Standing, State, Ticket};

/// Bytes of a ticket.
const TICKET: u64 = 1 << 16;

/// The queue of this machine in a data directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Queue {
    directory: PathBuf,
}

/// What can be done to runs that wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// Before all others.
    First,
    /// Behind all others.
    Last,
    /// Does not begin until it is released.
    Hold,
    /// Waits as the others do.
    Release,
}

/// Why nothing can be done to a run in the queue.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It neither waits nor computes here.
    #[error("run {0} is not in the queue of this machine; gialab queue shows the runs that are")]
    Absent(String),
    /// Its turn has come.
    #[error("run {0} computes already; gialab stop {0} stops it")]
    Computes(String),
    /// It began already, and rests until a person lets it go on.
    #[error(
        "run {0} is paused and has no place in the order; it goes on from the terminal application, and gialab stop {0} stops it"
    )]
    Paused(String),
    /// This process was suspended meanwhile.
    #[error("the queue changed while run {0} was being moved; try again")]
    Overtaken(String),
}

impl Queue {
    /// The queue of this machine in a data directory.
    pub fn in_data_dir(data: &Path) -> Queue {
        let host = sys::host_name().replace(['/', '.'], "_");
        Queue { directory: data.join("queue").join(host) }
    }

    /// The queue that a run belongs to: that of the data directory with its `runs/`, or with the study that has it, else
    /// the one in `data`.
    pub fn of(run: &RunDirectory, data: &Path) -> Queue {
        let path = std::path::absolute(run.path()).unwrap_or_else(|_| run.path().to_path_buf());
        let named = |path: &Path, name: &str| path.file_name().is_some_and(|last| last == name);
        let runs = path.parent().filter(|runs| named(runs, "runs"));
        let holder = runs.and_then(Path::parent);
        let studies = holder.and_then(Path::parent).filter(|studies| named(studies, "studies"));
        Queue::in_data_dir(studies.and_then(Path::parent).or(holder).unwrap_or(data))
    }

    /// The runs that wait or compute: by resource, those with a place first, then in their order.
    pub fn entries(&self) -> Vec<Entry> {
        let mut entries: Vec<Entry> = self.tickets().filter_map(Result::ok).collect();
        ticket::sort(&mut entries);
        entries
    }

    /// Whether nothing keeps a run from being moved, held or released.
    ///
    /// # Errors
    /// If a run does not wait for its turn, held or not.
    pub fn waits(&self, run: &RunDirectory) -> Result<(), Refused> {
        let path = ticket_path(run);
        match self.entries().iter().find(|entry| entry.ticket.run == path) {
            None => Err(Refused::Absent(run.id())),
            Some(entry) => is_in_order(entry, run),
        }
    }

    /// Makes a change to runs that wait, in the order in which they are given.
    ///
    /// # Errors
    /// If the queue cannot be written.
    pub fn change(
        &self,
        runs: &[RunDirectory],
        change: Change,
    ) -> Result<Vec<Result<(), Refused>>, RunError> {
        let door = Door::open(&self.directory)?;
        let mut entries = self.swept();
        let (least, most) = ends(&entries);
        let mut outcomes = Vec::with_capacity(runs.len());
        for (run, at) in runs.iter().zip(1..) {
            let path = ticket_path(run);
            let Some(entry) = entries.iter_mut().find(|entry| entry.ticket.run == path) else {
                outcomes.push(Err(Refused::Absent(run.id())));
                continue;
            };
            if let Err(refused) = is_in_order(entry, run) {
                outcomes.push(Err(refused));
                continue;
            }
            let count = i64::try_from(runs.len()).unwrap_or(i64::MAX);
            match change {
                Change::First => entry.ticket.position = least.saturating_sub(1 + count).saturating_add(at),
                Change::Last => entry.ticket.position = most.saturating_add(at),
                Change::Hold => entry.ticket.held = true,
                Change::Release => entry.ticket.held = false,
            }
            let written = self.write(&door, &entry.ticket)?;
            outcomes.push(if written { Ok(()) } else { Err(Refused::Overtaken(run.id())) });
        }
        Ok(outcomes)
    }

    /// The tickets of workers that are there, or the files that are no such tickets.
    fn tickets(&self) -> impl Iterator<Item = Result<Entry, PathBuf>> {
        let files = fs::read_dir(&self.directory).into_iter().flatten().flatten().map(|item| item.path());
        files.filter(|path| path.extension().is_some_and(|end| end == "json")).map(|path| {
            let ticket: Option<Ticket> =
                files::read(&path, TICKET).ok().and_then(|text| serde_json::from_slice(&text).ok());
            ticket.filter(is_alive).map(Entry::of).ok_or(path)
        })
    }

    /// The entries, after the tickets of workers that are gone were removed. Only behind the door.
    fn swept(&self) -> Vec<Entry> {
        let mut entries = Vec::new();
        for ticket in self.tickets() {
            match ticket {
                Ok(entry) => entries.push(entry),
                // One that stays is seen through all the same.
                Err(path) => drop(fs::remove_file(path)),
            }
        }
        files::sweep(&self.directory);
        ticket::sort(&mut entries);
        entries
    }

    /// Writes a ticket; whether it could, which it cannot through a door that others have given up.
    fn write(&self, door: &Door, ticket: &Ticket) -> Result<bool, RunError> {
        if !door.is_ours() {
            return Ok(false);
        }
        let path = self.file(&ticket.run);
        let json =
            serde_json::to_vec(ticket).map_err(|source| RunError::Manifest { path: path.clone(), source })?;
        write_atomically(&path, &json).map(|()| true)
    }

    /// One for each run, whatever store it lies in.
    fn file(&self, run: &Path) -> PathBuf {
        let digest = Sha256::digest(run.as_os_str().as_encoded_bytes());
        let name: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        self.directory.join(name).with_extension("json")
    }
}

/// How a run waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// At this place among those that wait for the same, from 1.
    Place(usize),
    /// Until a person releases it.
    Held,
}

/// `waits for its turn: 2nd in the queue`, `held in the queue until it is released`.
impl fmt::Display for Turn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Turn::Place(place) => write!(f, "waits for its turn: {} in the queue", format::ordinal(*place)),
            Turn::Held => write!(f, "held in the queue until it is released"),
        }
    }
}

/// How a run waits among these; nothing of one that does not.
pub fn turn(run: &RunDirectory, entries: &[Entry]) -> Option<Turn> {
    let path = ticket_path(run);
    let own = entries.iter().find(|entry| entry.ticket.run == path)?;
    match (own.standing(), ticket::place(own, entries)) {
        (Standing::Waiting, Some(place)) => Some(Turn::Place(place)),
        (Standing::Held, _) => Some(Turn::Held),
        _ => None,
    }
}

/// Whether an entry has a place in the order that can be changed.
fn is_in_order(entry: &Entry, run: &RunDirectory) -> Result<(), Refused> {
    match entry.ticket.state {
        State::Waiting => Ok(()),
        State::Running => Err(Refused::Computes(run.id())),
        State::Paused => Err(Refused::Paused(run.id())),
    }
}

/// How a run is named in tickets, from wherever it is looked at.
fn ticket_path(run: &RunDirectory) -> PathBuf {
    fs::canonicalize(run.path()).unwrap_or_else(|_| run.path().to_path_buf())
}

/// Whether a ticket has its worker: whoever is on the run holds its lock.
fn is_alive(ticket: &Ticket) -> bool {
    match lock::look(&RunDirectory::at(&ticket.run).lock_path()) {
        Held::Yes => true,
        Held::No => false,
        Held::Unknown => sys::is_worker(ticket.pid, &ticket.run),
    }
}

/// The first and the last number in the order.
fn ends(entries: &[Entry]) -> (i64, i64) {
    let positions = || entries.iter().map(|entry| entry.ticket.position);
    (positions().min().unwrap_or(0), positions().max().unwrap_or(0))
}
