//! The thread that reads the disk: lists the runs, follows some of them, decodes their pictures.
//!
//! It sends messages over a bounded channel: a slow terminal slows this reader, never a worker.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender};
use std::time::{Duration, Instant};

use super::msg::{Msg, PictureKey};
use crate::config::preset::{self, Preset};
use crate::expectation::Experience;
use crate::gfx::Raster;
use crate::run::cost::Costs;
use crate::run::event::{self, Level};
use crate::run::queue::{Turn, forecast};
use crate::run::{
    self, Event, Health, Line, Listing, Manifest, Pulse, Queue, RunDirectory, RunRow, Store, Tail, picture,
};

/// Between two listings of the store, and for how many times as long as a listing took it rests at least: thousands
/// of runs must not cost more than a hundredth of a core.
const LISTING: Duration = Duration::from_secs(1);
const REST: u32 = 150;
const LONGEST_REST: Duration = Duration::from_secs(10);

/// Between two looks at a followed run while a worker is on it.
const FOLLOWING: Duration = Duration::from_millis(150);

/// Between two looks at when those that wait begin.
const FORECAST: Duration = Duration::from_secs(5);

/// Lines of the worker's own log that are shown once it has died.
const WORDS: usize = 10;

/// What the screen asks of the watcher.
#[derive(Debug)]
pub enum Command {
    /// Follow these runs and no others. One that is followed already goes on from its place, another is read
    /// from its beginning.
    Follow(Vec<RunDirectory>),
    /// Load these pictures of followed runs.
    Decode(Vec<PictureKey>),
    /// List the store now.
    ListNow,
}

/// Follows the store until the screen is gone.
pub fn watch(store: &Store, mut starts: Starts, commands: &Receiver<Command>, inbox: &SyncSender<Msg>) {
    let mut list = List::default();
    let mut followed: Vec<Followed> = Vec::new();
    let mut next_listing = Instant::now();
    loop {
        if next_listing <= Instant::now() {
            let begin = Instant::now();
            let news = list.news(store);
            let rest = REST * begin.elapsed();
            let expected = starts.news(&list.listing.rows(), begin);
            if news.into_iter().chain(expected).any(|msg| inbox.send(msg).is_err()) {
                return;
            }
            next_listing = Instant::now() + rest.clamp(LISTING, LONGEST_REST);
        }
        let mut wait = next_listing.saturating_duration_since(Instant::now());
        for run in &mut followed {
            match run.follow(inbox) {
                None => return,
                Some(true) => wait = Duration::ZERO,
                Some(false) if run.health.is_live() => wait = wait.min(FOLLOWING),
                Some(false) => {}
            }
        }
        match commands.recv_timeout(wait) {
            Ok(Command::Follow(directories)) => followed = follow_only(followed, directories),
            Ok(Command::Decode(keys)) => {
                for key in keys {
                    let decoded = match followed.iter().find(|run| run.directory.id() == key.run) {
                        Some(run) => decode(&run.directory.path().join(&key.file)).map(Arc::new),
                        None => Err("its run is not open".into()),
                    };
                    if inbox.send(Msg::PictureArrived(key, decoded)).is_err() {
                        return;
                    }
                }
            }
            Ok(Command::ListNow) => next_listing = Instant::now(),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

/// The named runs, in that order: those that were followed with their place in the log, others from the start.
fn follow_only(mut followed: Vec<Followed>, directories: Vec<RunDirectory>) -> Vec<Followed> {
    directories
        .into_iter()
        .map(|directory| match followed.iter().position(|run| run.directory == directory) {
            Some(at) => followed.swap_remove(at),
            None => Followed::new(directory),
        })
        .collect()
}

/// When runs that wait are likely to begin, as sent last.
#[derive(Debug, Default)]
pub struct Starts {
    /// Where presets of the user are kept.
    pub user_presets: PathBuf,
    /// What was measured of this machine.
    pub experience: Experience,
    /// This machine.
    pub host: String,
    presets: Vec<Preset>,
    sent: BTreeMap<String, f64>,
    next: Option<Instant>,
}

impl Starts {
    /// Of a machine that nothing else is known of than this.
    pub fn new(user_presets: PathBuf, experience: Experience, host: String) -> Starts {
        Starts { user_presets, experience, host, ..Starts::default() }
    }

    /// When the runs that wait are likely to begin, if that is not as before. The logs of those that compute are read for it, now
    /// and then.
    fn news(&mut self, rows: &[RunRow], now: Instant) -> Option<Msg> {
        let waiting = rows.iter().find(|row| matches!(row.waits, Some(Turn::Place(_))));
        let starts = match waiting {
            None if self.sent.is_empty() => return None,
            None => BTreeMap::new(),
            Some(_) if self.next.is_some_and(|next| now < next) => return None,
            Some(row) => {
                self.next = Some(now + FORECAST);
                if self.presets.is_empty() {
                    self.presets = preset::all(&self.user_presets).0;
                }
                self.experience.take_up(rows, &self.host);
                let entries = Queue::of(&row.directory, Path::new("")).entries();
                let expected = forecast::expected(&entries, &self.presets, &self.experience);
                let at = |seconds: f64| run::now() + seconds;
                let named = entries.iter().map(|entry| RunDirectory::at(&entry.ticket.run).id());
                named.zip(expected).filter_map(|(run, seconds)| Some((run, at(seconds?)))).collect()
            }
        };
        self.sent.clone_from(&starts);
        Some(Msg::StartsExpected(starts))
    }
}

/// The list of runs as sent last.
#[derive(Default)]
struct List {
    listing: Listing,
    was_sent: bool,
    error: Option<String>,
}

impl List {
    /// The list if it is not as before.
    fn news(&mut self, store: &Store) -> Option<Msg> {
        match self.listing.scan(store) {
            Ok(changed) => {
                let is_news = changed || !self.was_sent || self.error.is_some();
                (self.was_sent, self.error) = (true, None);
                is_news.then(|| Msg::RunsListed(self.listing.rows()))
            }
            Err(error) => {
                let error = Some(error.to_string());
                let is_news = self.error != error;
                self.error = error;
                is_news.then(|| self.error.clone().map(Msg::RunsUnreadable)).flatten()
            }
        }
    }
}

/// A followed run as sent last.
struct Followed {
    directory: RunDirectory,
    tail: Tail,
    manifest: Option<Result<Manifest, String>>,
    health: Health,
    pulse: Pulse,
    next_manifest: Instant,
    begun: bool,
    caught_up: bool,
    log_error: Option<String>,
    words: Vec<String>,
}

impl Followed {
    fn new(directory: RunDirectory) -> Self {
        let tail = Tail::thinning(directory.events_path());
        Followed {
            directory,
            tail,
            manifest: None,
            health: Health::Queued,
            pulse: Pulse::default(),
            next_manifest: Instant::now(),
            begun: false,
            caught_up: false,
            log_error: None,
            words: Vec::new(),
        }
    }

    /// Sends what is new; whether more is waiting, or `None` if nobody listens.
    fn follow(&mut self, inbox: &SyncSender<Msg>) -> Option<bool> {
        if self.next_manifest <= Instant::now() {
            self.next_manifest = Instant::now() + 2 * FOLLOWING;
            self.look_at_manifest(inbox)?;
        }
        let read = self.tail.read();
        self.log_error = read.as_ref().err().map(|error| {
            let path = self.tail.path().display();
            format!("cannot read {path}: {error}")
        });
        let mut batch = read.unwrap_or_default();
        if batch.restarted && batch.lines.is_empty() && !self.directory.path().exists() {
            // What was read stays on the screen; should the directory come back, it is read anew.
            self.begun = false;
            return Some(false);
        }
        let more = batch.more;
        if !self.caught_up
            && !more
            && let Some(message) = self.tail.notice()
        {
            let t = batch.lines.last().map_or(0.0, |line| line.t);
            let event = Event::Log { level: Level::Warning, message };
            batch.lines.push(Line { v: event::VERSION, t, event });
        }
        if batch.restarted || !batch.lines.is_empty() || (!self.caught_up && !more) {
            self.caught_up |= !more;
            // Lines of an earlier time that this run was followed may still be on their way.
            let restarted = batch.restarted || !std::mem::replace(&mut self.begun, true);
            let (run, lines) = (self.directory.id(), batch.lines);
            inbox.send(Msg::LinesArrived { run, restarted, lines, more }).ok()?;
        }
        Some(more)
    }

    /// Sends manifest, status and the worker's last words if they are not as before; `None` if nobody listens.
    fn look_at_manifest(&mut self, inbox: &SyncSender<Msg>) -> Option<()> {
        let manifest = self.directory.manifest().map_err(|error| error.to_string());
        let health =
            manifest.as_ref().map_or(Health::Failed, |manifest| self.pulse.health(&self.directory, manifest));
        let manifest = match &self.log_error {
            Some(error) => manifest.and_then(|_| Err(error.clone())),
            None => manifest,
        };
        let run = self.directory.id();
        if self.manifest.as_ref() != Some(&manifest) || health != self.health {
            if let Ok(manifest) = &manifest {
                let cost = Costs::beside(&self.directory).of(&manifest.config).map(Box::new);
                inbox.send(Msg::CostArrived(run.clone(), cost)).ok()?;
            }
            self.health = health;
            self.manifest = Some(manifest.clone());
            let (run, manifest) = (run.clone(), manifest.map(Box::new));
            inbox.send(Msg::ManifestArrived { run, manifest, health }).ok()?;
        }
        let words = match health {
            Health::Crashed | Health::Failed => self.directory.last_words(WORDS),
            _ => Vec::new(),
        };
        if words != self.words {
            self.words.clone_from(&words);
            inbox.send(Msg::LastWords { run, lines: words }).ok()?;
        }
        Some(())
    }
}

fn decode(path: &Path) -> Result<Raster, String> {
    picture::read(path).map(|stored| Raster::of(stored.pixels)).map_err(|error| error.reason)
}

#[cfg(test)]
#[path = "watch_tests.rs"]
mod tests;
