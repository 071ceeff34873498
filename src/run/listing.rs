//! Runs in one line each, for lists on the screen and on the command line.
//!
//! A listing remembers what it has read: what has not changed on the disk is not read again. A run at rest costs
//! two looks, at the stamps of its manifest and of what a person wrote, a live one another at its log and a few kilobytes of
//! its end.

use std::collections::{BTreeMap, HashMap};
use std::ffi::OsString;
use std::fs;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;

use rayon::prelude::*;

use super::progress::Place;
use super::pulse::Pulse;
use super::queue::{self, Turn};
use super::{Event, Health, Line, Manifest, Notebook, Queue, RunDirectory, RunError, Status, Store};
use crate::config::RunConfig;
use crate::figure::{FIGURES, Measured};
use crate::files;

/// Bytes of a log's end that are read first, and at most. The last line of a run of many rounds is long.
const LITTLE: u64 = 4 << 10;
const MUCH: u64 = 256 << 10;

/// One line of a list of runs.
#[derive(Debug, Clone, PartialEq)]
pub struct RunRow {
    /// Where it is.
    pub directory: RunDirectory,
    /// Directory name.
    pub id: String,
    /// Preset name; empty if the manifest cannot be read.
    pub preset: String,
    /// Backend name.
    pub backend: String,
    /// Host that computes.
    pub host: String,
    /// Threads that compute, if it is known.
    pub threads: Option<usize>,
    /// Seconds since the epoch; 0 if unknown.
    pub created: f64,
    /// When its worker last wrote; 0 while it is live: that changes every second and is shown nowhere.
    pub heartbeat: f64,
    /// Status corrected by the heartbeat; [`Health::Failed`] if the manifest cannot be read.
    pub health: Health,
    /// How it waits for its turn, if it does.
    pub waits: Option<Turn>,
    /// What a person wrote to it.
    pub notebook: Notebook,
    /// What is wrong with it.
    pub error: Option<String>,
    /// Its config; absent if the manifest cannot be read.
    pub config: Option<Arc<RunConfig>>,
    /// What its log says last.
    pub summary: Summary,
}

impl RunRow {
    /// Whether there is a ground truth to measure by.
    pub fn has_truth(&self) -> bool {
        self.config.as_ref().is_none_or(|config| config.has_truth())
    }
}

/// The end of a run's log, in numbers.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Summary {
    /// Figures by their keys: of the last round once complete, else of the current iterate.
    pub figures: BTreeMap<&'static str, f64>,
    /// Last iteration; absent once the run is complete.
    pub iteration: Option<usize>,
    /// Seconds of computing.
    pub seconds: Option<f64>,
    /// Where it stands; absent once the run is complete.
    pub place: Option<Place>,
    /// It came to its end without a pause and with one worker.
    pub in_one_go: bool,
}

impl Summary {
    /// The figure of this key, if it was measured.
    pub fn figure(&self, key: &str) -> Option<f64> {
        self.figures.get(key).copied()
    }

    /// Takes up what is not known from later on.
    fn take_up(&mut self, measured: &Measured<'_>) {
        for figure in FIGURES {
            if let Some(value) = figure.value(measured) {
                self.figures.entry(figure.word.key).or_insert(value);
            }
        }
    }
}

/// The runs of a store as they were seen last.
#[derive(Debug, Default)]
pub struct Listing {
    known: HashMap<OsString, Known>,
}

impl Listing {
    /// Looks at the store; whether any line of the list is not as before.
    ///
    /// # Errors
    /// If the directory of runs cannot be read. One that is not there is empty.
    pub fn scan(&mut self, store: &Store) -> Result<bool, RunError> {
        let path = store.path();
        let items = match fs::read_dir(path) {
            Ok(items) => items,
            Err(e) if e.kind() == io::ErrorKind::NotFound => {
                let changed = !self.known.is_empty();
                self.known.clear();
                return Ok(changed);
            }
            Err(e) => return Err(RunError::io("read", path, e)),
        };
        let mut before = std::mem::take(&mut self.known);
        let is_first = before.is_empty();
        let mut known: Vec<(OsString, Known)> = Vec::new();
        for item in items.flatten() {
            let is_directory = item.file_type().is_ok_and(|kind| {
                kind.is_dir() || (kind.is_symlink() && fs::metadata(item.path()).is_ok_and(|m| m.is_dir()))
            });
            if !is_directory {
                continue;
            }
            let name = item.file_name();
            let run = before.remove(&name);
            known.push((name, run.unwrap_or_else(|| Known::new(RunDirectory::at(item.path())))));
        }
        // At first everything is read, and a disk far away takes its time for each; later looks are too short to
        // wake other threads for.
        let changed = if is_first {
            known.par_iter_mut().map(|(_, run)| run.look()).reduce(|| false, |a, b| a | b)
        } else {
            known.iter_mut().fold(false, |changed, (_, run)| run.look() | changed)
        };
        let changed = wait_for_turns(&mut known) || changed;
        self.known.extend(known);
        Ok(changed || !before.is_empty())
    }

    /// The lines: live runs first, then newest first.
    pub fn rows(&self) -> Vec<RunRow> {
        let mut rows: Vec<&RunRow> = self.known.values().map(|known| &known.row).collect();
        rows.sort_by(|a, b| {
            let live = b.health.is_live().cmp(&a.health.is_live());
            live.then(b.created.total_cmp(&a.created)).then_with(|| b.id.cmp(&a.id))
        });
        rows.into_iter().cloned().collect()
    }
}

/// Says of those that are queued how they wait; whether that changed. The queue is read once for all.
fn wait_for_turns(known: &mut [(OsString, Known)]) -> bool {
    let queued = known.iter().find(|(_, run)| run.row.health == Health::Queued);
    let entries = queued.map(|(_, run)| Queue::of(&run.row.directory, Path::new("")).entries());
    let mut changed = false;
    for (_, Known { row, .. }) in known {
        let entries = entries.as_deref().filter(|_| row.health == Health::Queued);
        let waits = entries.and_then(|entries| queue::turn(&row.directory, entries));
        changed |= row.waits != waits;
        row.waits = waits;
    }
    changed
}

/// Which file it was, when it was written and how large it was.
type Stamp = Option<(u64, i64, i64, u64)>;

fn stamp(path: &Path) -> Stamp {
    let metadata = fs::metadata(path).ok()?;
    Some((metadata.ino(), metadata.mtime(), metadata.mtime_nsec(), metadata.len()))
}

/// One run as it was seen last.
#[derive(Debug)]
struct Known {
    row: RunRow,
    manifest: Option<Manifest>,
    pulse: Pulse,
    is_new: bool,
    manifest_stamp: Stamp,
    events_stamp: Stamp,
    notebook_stamp: Stamp,
}

impl Known {
    fn new(directory: RunDirectory) -> Self {
        let row = RunRow {
            id: directory.id(),
            directory,
            preset: String::new(),
            backend: String::new(),
            host: String::new(),
            threads: None,
            created: 0.0,
            heartbeat: 0.0,
            health: Health::Failed,
            waits: None,
            notebook: Notebook::default(),
            error: None,
            config: None,
            summary: Summary::default(),
        };
        Known {
            row,
            manifest: None,
            pulse: Pulse::default(),
            is_new: true,
            manifest_stamp: None,
            events_stamp: None,
            notebook_stamp: None,
        }
    }

    /// Reads what changed; whether the line changed with it.
    fn look(&mut self) -> bool {
        let stamp_now = stamp(&self.row.directory.manifest_path());
        let rewritten = stamp_now.is_none() || stamp_now != self.manifest_stamp;
        let unfinished = self.manifest.as_ref().is_some_and(|manifest| manifest.status.is_unfinished());
        let notes = stamp(&self.row.directory.notebook_path());
        let noted = notes != self.notebook_stamp;
        if !rewritten && !unfinished && !noted {
            return false;
        }
        let before = (!self.is_new).then(|| self.row.clone());
        if noted {
            self.notebook_stamp = notes;
            // One that is damaged is said where it is opened.
            self.row.notebook = Notebook::read(&self.row.directory).unwrap_or_default();
        }
        self.is_new = false;
        if rewritten {
            self.manifest_stamp = stamp_now;
            self.read_manifest();
        }
        // After the manifest: what a worker writes last is in the log once the manifest says that it ended.
        let events = self.row.directory.events_path();
        let stamp_now = stamp(&events);
        if stamp_now != self.events_stamp {
            self.events_stamp = stamp_now;
            self.row.summary = summary(&events).unwrap_or_default();
        }
        if let Some(manifest) = &self.manifest {
            self.row.health = self.pulse.health(&self.row.directory, manifest);
            self.row.heartbeat = if self.row.health.is_live() { 0.0 } else { manifest.heartbeat };
        }
        before.as_ref() != Some(&self.row)
    }

    fn read_manifest(&mut self) {
        let row = &mut self.row;
        match row.directory.manifest() {
            Ok(manifest) => {
                row.preset.clone_from(&manifest.preset);
                row.backend.clone_from(&manifest.backend);
                row.host.clone_from(&manifest.host);
                row.threads = manifest.threads;
                row.created = manifest.created;
                row.error.clone_from(&manifest.error);
                if row.config.as_deref() != Some(&manifest.config) {
                    row.config = Some(Arc::new(manifest.config.clone()));
                }
                self.manifest = Some(manifest);
            }
            Err(error) => {
                let directory = row.directory.clone();
                let (summary, notebook) = (row.summary.clone(), row.notebook.clone());
                let error = Some(error.to_string());
                self.row = RunRow { error, summary, notebook, ..Known::new(directory).row };
                self.manifest = None;
            }
        }
    }
}

/// The newest figures: as much of the log's end as holds them all.
pub(super) fn summary(events: &Path) -> io::Result<Summary> {
    let mut file = files::open(events)?;
    let length = file.metadata()?.len();
    let mut window = LITTLE;
    loop {
        let from = length.saturating_sub(window);
        file.seek(SeekFrom::Start(from))?;
        let mut end = Vec::new();
        (&file).take(length - from).read_to_end(&mut end)?;
        let (summary, is_whole) = newest(&end);
        if is_whole || from == 0 || window >= MUCH {
            return Ok(summary);
        }
        window *= 4;
    }
}

/// The newest figures in the lines of `end`, and whether earlier lines could add nothing.
fn newest(end: &[u8]) -> (Summary, bool) {
    let mut summary = Summary::default();
    for line in end.rsplit(|byte| *byte == b'\n') {
        let Ok(line) = serde_json::from_slice::<Line>(line) else { continue };
        summary.seconds.get_or_insert(line.t);
        match line.event {
            Event::Progress { round, trial, points, .. } => {
                if let Some(point) = points.last() {
                    summary.place.get_or_insert(Place::Attack(round, trial, point.iteration));
                    summary.iteration.get_or_insert(point.iteration);
                    summary.take_up(&Measured { matching: Some(point.matching), ..Measured::default() });
                }
            }
            Event::Metrics { metrics, .. } => {
                summary.take_up(&Measured { metrics: Some(&metrics), ..Measured::default() });
            }
            Event::Trained { round, .. } => drop(summary.place.get_or_insert(Place::Training(round))),
            Event::Trial { round, trial, .. } => {
                summary.place.get_or_insert(Place::Attack(round, trial, 0));
            }
            Event::TrialFinished { round, trial, .. } => {
                summary.place.get_or_insert(Place::Attack(round, trial + 1, 0));
            }
            Event::RoundFinished(result) => {
                summary.place.get_or_insert(Place::Attacked(result.round));
                summary.take_up(&result.measured());
            }
            Event::Finished(finished) if finished.status == Status::Done => {
                summary.in_one_go = !finished.interrupted;
                if let Some(result) = finished.rounds.last() {
                    summary.take_up(&result.measured());
                    return (summary, true);
                }
            }
            _ => {}
        }
        if summary.figure("psnr").is_some() && summary.iteration.is_some() {
            return (summary, true);
        }
    }
    (summary, false)
}

#[cfg(all(test, feature = "tui"))]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::tui::fixture::{self, NOW};
    use std::io::Write;

    fn store() -> (tempfile::TempDir, Store) {
        let data = tempfile::tempdir().unwrap();
        let store = Store::in_data_dir(data.path());
        (data, store)
    }

    #[test]
    fn a_listing_tells_what_changed_and_only_that() {
        let (_data, store) = store();
        let mut listing = Listing::default();
        assert!(!listing.scan(&store).unwrap());
        let done = fixture::write_run(&store, "dlg-lenet", Health::Done, NOW);
        let live = fixture::write_run(&store, "dlg-digits", Health::Running, NOW - 60.0);
        assert!(listing.scan(&store).unwrap());
        assert!(!listing.scan(&store).unwrap());
        let rows = listing.rows();
        assert_eq!(rows.iter().map(|row| &row.id).collect::<Vec<_>>(), [&live.id(), &done.id()]);
        assert_eq!((rows[1].summary.figure("psnr"), rows[1].summary.seconds), (Some(45.2), Some(15.0)));
        assert_eq!(rows[0].summary.iteration, Some(180));

        // A heartbeat alone is not shown.
        let mut manifest = live.manifest().unwrap();
        manifest.heartbeat += 1.0;
        live.write_manifest(&manifest).unwrap();
        assert!(!listing.scan(&store).unwrap());
        let mut log = fs::OpenOptions::new().append(true).open(live.events_path()).unwrap();
        log.write_all(b"{\"v\":1,\"t\":99.0,\"event\":\"paused\"}\n").unwrap();
        assert!(listing.scan(&store).unwrap());
        assert_eq!(listing.rows()[0].summary.seconds, Some(99.0));
        manifest.status = Status::Stopped;
        live.write_manifest(&manifest).unwrap();
        assert!(listing.scan(&store).unwrap());
        assert_eq!(listing.rows()[1].health, Health::Stopped);
        fs::remove_dir_all(live.path()).unwrap();
        assert!(listing.scan(&store).unwrap());
        assert_eq!(listing.rows().len(), 1);
        fs::remove_dir_all(store.path()).unwrap();
        assert!(listing.scan(&store).unwrap());
        assert!(listing.rows().is_empty());
    }

    #[test]
    fn what_is_no_run_has_a_line_that_says_why() {
        let (_data, store) = store();
        let run = fixture::write_run(&store, "dlg-lenet", Health::Done, NOW);
        let manifest = fs::read_to_string(run.manifest_path()).unwrap();
        let errors = |content: &str| {
            fs::write(run.manifest_path(), content).unwrap();
            let row = store.list().unwrap().remove(0);
            assert_eq!((row.health, row.config), (Health::Failed, None));
            row.error.unwrap()
        };
        assert!(errors(&manifest[..100]).contains("is damaged"));
        assert!(errors(&manifest.replace("\"schema\": 1", "\"schema\": 7")).contains("newer gialab"));
        fs::remove_file(run.manifest_path()).unwrap();
        assert!(store.list().unwrap()[0].error.as_ref().unwrap().contains("has no manifest.json"));
        fs::write(store.path().join("a file"), "").unwrap();
        assert_eq!(store.list().unwrap().len(), 1);
    }

    #[test]
    fn a_run_from_tomorrow_is_listed_first_and_crashes_nothing() {
        let (_data, store) = store();
        for created in [NOW, NOW + 1e9, 1e300, -5.0] {
            fixture::write_run(&store, "dlg-lenet", Health::Done, created.clamp(-1e15, 1e15));
        }
        let rows = store.list().unwrap();
        assert!(rows.is_sorted_by(|a, b| a.created >= b.created));
        assert_eq!(store.find("last").unwrap(), rows[0].directory);
    }

    #[test]
    fn the_end_of_a_log_is_read_until_all_figures_are_there() {
        let (_data, store) = store();
        let run = fixture::write_run(&store, "dlg-lenet", Health::Stopped, NOW);
        let mut log = fs::OpenOptions::new().append(true).open(run.events_path()).unwrap();
        let note = r#"{"v":1,"t":99.0,"event":"log","level":"info","message":"still here"}"#;
        for _ in 0..1000 {
            writeln!(log, "{note}").unwrap();
        }
        let summary = store.list().unwrap()[0].summary.clone();
        assert_eq!((summary.iteration, summary.seconds), (Some(180), Some(99.0)));
        assert!(["psnr", "match"].iter().all(|key| summary.figure(key).is_some()));
    }
}
