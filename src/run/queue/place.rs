//! The worker's side: takes a ticket, waits for its turn, gives its place back.

use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::ticket::{self, Entry, State, Ticket};
use super::{Door, Queue, Resource, ends, now, ticket_path};
use crate::run::{RunDirectory, RunError};

/// How often one that waits looks: the first often, those far behind them less so, for every look reads all tickets.
const LOOK: Duration = Duration::from_millis(300);
const LOOK_AT_LEAST: Duration = Duration::from_secs(2);

/// The place of a worker in the queue; it ends with it.
#[derive(Debug)]
pub struct Place {
    queue: Queue,
    run: PathBuf,
    resource: Resource,
    takes: usize,
    state: Cell<State>,
    /// When to look again.
    next: Cell<Instant>,
    /// Nobody waits who cannot write down that it does.
    is_lost: Cell<bool>,
}

/// Where one goes that asks for a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    Last,
    First,
}

impl Place {
    /// Takes a ticket for a run that computes with so many threads on a backend, at the end of the queue.
    pub fn take(run: &RunDirectory, backend: &str, threads: usize, data: &Path) -> Place {
        let resource = Resource::of(backend);
        let place = Place {
            queue: Queue::of(run, data),
            run: ticket_path(run),
            takes: if resource.is_device() { 1 } else { threads },
            resource,
            state: Cell::new(State::Waiting),
            next: Cell::new(Instant::now()),
            is_lost: Cell::new(false),
        };
        place.or_lose(place.enter(Order::Last));
        place
    }

    /// Whether it may compute. Looks now and then, and asks for a place again if it was given back.
    pub fn is_up(&self) -> bool {
        if self.is_lost.get() || self.state.get() == State::Running {
            return true;
        }
        if self.state.get() == State::Paused {
            self.or_lose(self.enter(Order::First));
            return self.is_lost.get() || self.state.get() == State::Running;
        }
        if Instant::now() < self.next.get() {
            return false;
        }
        let entries = self.queue.entries();
        match self.own(&entries) {
            Some(own) => {
                let before = ticket::place(own, &entries).map_or(0, |place| place - 1);
                let pause = LOOK * (1 + u32::try_from(before / 8).unwrap_or(u32::MAX).min(16));
                self.next.set(Instant::now() + pause.min(LOOK_AT_LEAST));
                if !ticket::may_begin(own, &entries, self.resource.capacity) {
                    return false;
                }
                self.or_lose(self.begin());
            }
            // Somebody has deleted the ticket.
            None => self.or_lose(self.enter(Order::Last)),
        }
        self.is_lost.get() || self.state.get() == State::Running
    }

    /// Lets others compute until [`Place::is_up`] is asked again.
    pub fn give_back(&self) {
        if self.is_lost.get() || self.state.get() == State::Paused {
            return;
        }
        let given = Door::open(&self.queue.directory).and_then(|door| {
            let mut ticket = self.ticket(&self.queue.swept(), Order::Last);
            (ticket.state, ticket.since) = (State::Paused, now());
            self.queue.write(&door, &ticket)
        });
        self.state.set(State::Paused);
        if let Err(error) = given {
            tracing::warn!("{error}; others wait on while this run is paused");
        }
    }

    /// Writes a ticket that waits, and begins if it can.
    fn enter(&self, order: Order) -> Result<(), RunError> {
        let door = Door::open(&self.queue.directory)?;
        let mut ticket = self.ticket(&self.queue.swept(), order);
        (ticket.state, ticket.since) = (State::Waiting, now());
        self.state.set(State::Waiting);
        self.queue.write(&door, &ticket)?;
        self.begin_behind(&door)
    }

    fn begin(&self) -> Result<(), RunError> {
        self.begin_behind(&Door::open(&self.queue.directory)?)
    }

    /// What was seen from outside may have changed before the door was open.
    fn begin_behind(&self, door: &Door) -> Result<(), RunError> {
        let entries = self.queue.swept();
        let Some(own) = self.own(&entries) else { return Ok(()) };
        if ticket::may_begin(own, &entries, self.resource.capacity) {
            let ticket = Ticket { state: State::Running, since: now(), ..own.ticket.clone() };
            if self.queue.write(door, &ticket)? {
                self.state.set(State::Running);
            }
        }
        Ok(())
    }

    fn own<'a>(&self, entries: &'a [Entry]) -> Option<&'a Entry> {
        // One with another process is of a worker before this one.
        let pid = std::process::id();
        entries.iter().find(|entry| entry.ticket.run == self.run && entry.ticket.pid == pid)
    }

    /// The ticket that is there, or a new one.
    fn ticket(&self, entries: &[Entry], order: Order) -> Ticket {
        let (least, most) = ends(entries);
        let mut ticket = self.own(entries).map_or_else(
            || Ticket {
                run: self.run.clone(),
                resource: self.resource.name.clone(),
                takes: self.takes,
                position: most.saturating_add(1),
                held: false,
                state: State::Waiting,
                since: now(),
                pid: std::process::id(),
            },
            |own| own.ticket.clone(),
        );
        if order == Order::First {
            ticket.position = least.saturating_sub(1);
        }
        ticket
    }

    /// A queue that cannot be kept stops nobody.
    fn or_lose(&self, outcome: Result<(), RunError>) {
        if let Err(error) = outcome {
            tracing::warn!("{error}; this run does not wait for its turn");
            self.is_lost.set(true);
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // What stays is swept once the lock of the run is free.
        let _ = std::fs::remove_file(self.queue.file(&self.run));
    }
}
