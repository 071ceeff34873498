//! Tickets, their order, and who may begin.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::sys;

/// What a worker has in the queue.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ticket {
    /// Directory of the run.
    pub run: PathBuf,
    /// The resource that it needs.
    pub resource: String,
    /// How much of it: threads of processors, one of a device.
    pub takes: usize,
    /// The order.
    pub position: i64,
    /// A person keeps it from beginning.
    #[serde(default)]
    pub held: bool,
    /// What its worker does.
    pub state: State,
    /// Seconds since the epoch at which it came to this state; for people alone.
    pub since: f64,
    /// The worker.
    pub pid: u32,
}

/// What a worker does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Waits for its turn.
    Waiting,
    /// Computes.
    Running,
    /// Gave its place back until a person lets it go on.
    Paused,
}

/// A ticket whose worker is there.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Its ticket.
    pub ticket: Ticket,
    /// The worker was suspended by a signal: it neither computes nor could it begin.
    pub is_suspended: bool,
}

/// How a run stands in the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Computes.
    Running,
    /// Waits for its turn.
    Waiting,
    /// A person keeps it from beginning.
    Held,
    /// A person keeps it from going on.
    Paused,
    /// Suspended by a signal.
    Suspended,
}

impl Standing {
    /// One word for lists.
    pub fn name(self) -> &'static str {
        match self {
            Standing::Running => "running",
            Standing::Waiting => "waiting",
            Standing::Held => "held",
            Standing::Paused => "paused",
            Standing::Suspended => "suspended",
        }
    }
}

impl Entry {
    /// The ticket with what the system says of its worker.
    pub fn of(ticket: Ticket) -> Entry {
        let is_suspended = sys::is_suspended(ticket.pid) && sys::is_worker(ticket.pid, &ticket.run);
        Entry { ticket, is_suspended }
    }

    /// How it stands.
    pub fn standing(&self) -> Standing {
        match self.ticket.state {
            _ if self.is_suspended => Standing::Suspended,
            State::Running => Standing::Running,
            State::Paused => Standing::Paused,
            State::Waiting if self.ticket.held => Standing::Held,
            State::Waiting => Standing::Waiting,
        }
    }
}

/// By resource, those that compute first, then in their order.
pub fn sort(entries: &mut [Entry]) {
    entries.sort_by(|a, b| {
        let key = |entry: &Entry| (entry.ticket.state != State::Running, entry.ticket.position);
        let (left, right) = (&a.ticket, &b.ticket);
        left.resource.cmp(&right.resource).then(key(a).cmp(&key(b))).then_with(|| left.run.cmp(&right.run))
    });
}

/// The place of an entry among the sorted ones that wait for the same; none if it does not wait.
pub fn place(own: &Entry, entries: &[Entry]) -> Option<usize> {
    let waiting = entries.iter().filter(|entry| alike(entry, own) && entry.standing() == Standing::Waiting);
    waiting.map(|entry| &entry.ticket.run).position(|run| *run == own.ticket.run).map(|at| at + 1)
}

/// Whether an entry may begin among the sorted ones: it is the first that waits, and what is left is enough for it. Nobody
/// overtakes, so that one that needs all does not wait for ever; and one that needs more than there is begins alone.
pub fn may_begin(own: &Entry, entries: &[Entry], capacity: usize) -> bool {
    let computing = entries.iter().filter(|entry| alike(entry, own) && entry.standing() == Standing::Running);
    let taken = computing.fold(0, |sum: usize, entry| sum.saturating_add(entry.ticket.takes));
    place(own, entries) == Some(1) && (taken == 0 || taken.saturating_add(own.ticket.takes) <= capacity)
}

fn alike(a: &Entry, b: &Entry) -> bool {
    a.ticket.resource == b.ticket.resource
}
