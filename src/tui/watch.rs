//! The thread that reads the disk: lists the runs, follows some of them, decodes their pictures.
//!
//! It sends messages over a bounded channel: a slow terminal slows this reader, never a worker.

use std::collections::HashMap;
use std::fs;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender};
use std::time::{Duration, Instant, SystemTime};

use super::model::{RunRow, Summary};
use super::msg::{Msg, PictureKey};
use crate::gfx::Raster;
use crate::run::{Event, Health, Line, Manifest, RunDirectory, Store, Tail, now};

/// Between two listings of the store.
const LISTING: Duration = Duration::from_secs(1);

/// Between two looks at a followed run while a worker is on it.
const FOLLOWING: Duration = Duration::from_millis(150);

/// Bytes of a log's end that hold the newest figures of a run in the list.
const END: u64 = 64 << 10;

/// Files larger than this are no pictures of ours.
const LARGEST_PICTURE: u64 = 64 << 20;

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
pub fn watch(store: &Store, commands: &Receiver<Command>, inbox: &SyncSender<Msg>) {
    let mut listing = Listing::default();
    let mut followed: Vec<Followed> = Vec::new();
    let mut next_listing = Instant::now();
    loop {
        if next_listing <= Instant::now() {
            if let Some(msg) = listing.news(store)
                && inbox.send(msg).is_err()
            {
                return;
            }
            next_listing = Instant::now() + LISTING;
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

/// A followed run as sent last.
struct Followed {
    directory: RunDirectory,
    tail: Tail,
    manifest: Option<Result<Manifest, String>>,
    health: Health,
    next_manifest: Instant,
    begun: bool,
    caught_up: bool,
}

impl Followed {
    fn new(directory: RunDirectory) -> Self {
        let tail = Tail::new(directory.events_path());
        Followed {
            directory,
            tail,
            manifest: None,
            health: Health::Queued,
            next_manifest: Instant::now(),
            begun: false,
            caught_up: false,
        }
    }

    /// Sends what is new; whether more is waiting, or `None` if nobody listens.
    fn follow(&mut self, inbox: &SyncSender<Msg>) -> Option<bool> {
        let run = self.directory.id();
        if self.next_manifest <= Instant::now() {
            self.next_manifest = Instant::now() + 2 * FOLLOWING;
            let manifest = self.directory.manifest().map_err(|error| error.to_string());
            let health = health(&manifest);
            if self.manifest.as_ref() != Some(&manifest) || health != self.health {
                self.health = health;
                self.manifest = Some(manifest.clone());
                let manifest = manifest.map(Box::new);
                inbox.send(Msg::ManifestArrived { run: run.clone(), manifest, health }).ok()?;
            }
        }
        let batch = self.tail.read().unwrap_or_default();
        let more = batch.more;
        if batch.restarted || !batch.lines.is_empty() || (!self.caught_up && !more) {
            self.caught_up |= !more;
            // Lines of an earlier time that this run was followed may still be on their way.
            let restarted = batch.restarted || !std::mem::replace(&mut self.begun, true);
            let lines = batch.lines;
            inbox.send(Msg::LinesArrived { run, restarted, lines, more }).ok()?;
        }
        Some(more)
    }
}

fn health(manifest: &Result<Manifest, String>) -> Health {
    match manifest {
        Ok(manifest) => manifest.health(now(), &crate::sys::host_name(), crate::sys::process_exists),
        Err(_) => Health::Failed,
    }
}

fn decode(path: &Path) -> Result<Raster, String> {
    let length = fs::metadata(path).map_err(|e| e.to_string())?.len();
    if length > LARGEST_PICTURE {
        return Err(format!("{length} bytes are too many"));
    }
    let bytes = fs::read(path).map_err(|e| e.to_string())?;
    Raster::decode(&bytes).map_err(|e| e.to_string())
}

/// When and how large a file was: what has not changed is not read again.
type Stamp = Option<(SystemTime, u64)>;

fn stamp(path: &Path) -> Stamp {
    let metadata = fs::metadata(path).ok()?;
    Some((metadata.modified().ok()?, metadata.len()))
}

/// The list of runs as sent last; a thousand runs at rest cost a thousand `stat`s, not as many parses.
#[derive(Default)]
struct Listing {
    known: HashMap<PathBuf, Known>,
    sent: Option<Result<Vec<RunRow>, String>>,
}

struct Known {
    manifest_stamp: Stamp,
    manifest: Result<Manifest, String>,
    config: Option<Arc<crate::config::RunConfig>>,
    events_stamp: Stamp,
    summary: Summary,
}

impl Listing {
    /// The listing if it is not as before.
    fn news(&mut self, store: &Store) -> Option<Msg> {
        let rows = self.rows(store);
        if self.sent.as_ref() == Some(&rows) {
            return None;
        }
        self.sent = Some(rows.clone());
        Some(match rows {
            Ok(rows) => Msg::RunsListed(rows),
            Err(error) => Msg::RunsUnreadable(error),
        })
    }

    fn rows(&mut self, store: &Store) -> Result<Vec<RunRow>, String> {
        let listing = match fs::read_dir(store.path()) {
            Ok(listing) => listing,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(e) => return Err(format!("cannot read {}: {e}", store.path().display())),
        };
        let paths: Vec<PathBuf> =
            listing.flatten().map(|item| item.path()).filter(|path| path.is_dir()).collect();
        self.known.retain(|path, _| paths.contains(path));
        let mut rows: Vec<RunRow> = paths.into_iter().map(|path| self.row(path)).collect();
        rows.sort_by(|a, b| {
            let live = b.health.is_live().cmp(&a.health.is_live());
            live.then(b.created.total_cmp(&a.created)).then_with(|| b.id.cmp(&a.id))
        });
        Ok(rows)
    }

    fn row(&mut self, path: PathBuf) -> RunRow {
        let directory = RunDirectory::at(&path);
        let manifest_stamp = stamp(&directory.manifest_path());
        let events_stamp = stamp(&directory.events_path());
        let known = self.known.entry(path).or_insert_with(|| Known {
            manifest_stamp: None,
            manifest: Err(String::new()),
            config: None,
            events_stamp: None,
            summary: Summary::default(),
        });
        if manifest_stamp.is_none() || known.manifest_stamp != manifest_stamp {
            known.manifest = directory.manifest().map_err(|error| error.to_string());
            let config = known.manifest.as_ref().ok().map(|manifest| &manifest.config);
            if known.config.as_deref() != config {
                known.config = config.cloned().map(Arc::new);
            }
            known.manifest_stamp = manifest_stamp;
        }
        if known.events_stamp != events_stamp {
            known.summary = summary(&directory.events_path()).unwrap_or_default();
            known.events_stamp = events_stamp;
        }
        let health = health(&known.manifest);
        let (id, summary, config) = (directory.id(), known.summary, known.config.clone());
        match &known.manifest {
            Ok(manifest) => RunRow {
                directory,
                id,
                preset: manifest.preset.clone(),
                backend: manifest.backend.clone(),
                host: manifest.host.clone(),
                created: manifest.created,
                // The heartbeat of a live run changes every second and is shown nowhere.
                heartbeat: if health.is_live() { 0.0 } else { manifest.heartbeat },
                health,
                error: manifest.error.clone(),
                config,
                summary,
            },
            Err(error) => RunRow {
                directory,
                id,
                preset: String::new(),
                backend: String::new(),
                host: String::new(),
                created: 0.0,
                heartbeat: 0.0,
                health,
                error: Some(error.clone()),
                config: None,
                summary,
            },
        }
    }
}

/// The newest figures at the end of a log.
fn summary(events: &Path) -> std::io::Result<Summary> {
    let mut file = fs::File::open(events)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(END)))?;
    let mut end = Vec::new();
    file.take(END).read_to_end(&mut end)?;
    let mut summary = Summary::default();
    for line in String::from_utf8_lossy(&end).lines() {
        let Ok(line) = serde_json::from_str::<Line>(line) else { continue };
        summary.seconds = Some(line.t);
        match line.event {
            Event::Progress { points, .. } => {
                if let Some(point) = points.last() {
                    summary.iteration = Some(point.iteration);
                    summary.loss = Some(point.matching);
                }
            }
            Event::Metrics { metrics, .. } => summary.psnr = Some(metrics.psnr.mean),
            Event::RoundFinished(result) => {
                summary.psnr = Some(result.metrics.psnr.mean);
                summary.loss = Some(result.loss);
            }
            _ => {}
        }
    }
    Ok(summary)
}

#[cfg(test)]
#[path = "watch_tests.rs"]
mod tests;
