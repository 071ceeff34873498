//! Writes what a worker reports: event log, pictures, checkpoints, manifest with heartbeat.
//!
//! Runs on a thread of its own, so that a slow disk never slows an attack: events arrive through a bounded
//! channel; of guesses and pictures only the newest is kept.

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::checkpoint::Checkpoint;
use super::directory::{Request, RunDirectory, write_atomically};
use super::event::{self, Event, Finished, LabelsRead, Line, PictureOf, Tiles};
use super::manifest::{Manifest, Status};
use super::rows::{Rows, Tabulator};
use super::{RunError, listing};
use crate::attack::Guess;
use crate::attack::label::Answer;
use crate::data::{Batch, Images, Normalisation};
use crate::device;
use crate::files;
use crate::metric::{self, Scoring};

/// Events that may wait for the disk before the attack does.
const QUEUE: usize = 256;
/// Readers on other hosts tell by it that a worker is there.
pub const HEARTBEAT: Duration = Duration::from_secs(1);
const LOOK_FOR_REQUESTS: Duration = Duration::from_millis(200);

/// The ground truth, and what turns a guess into pixels. Lives on the recorder's side of the wall.
#[derive(Debug, Clone)]
pub struct Evaluator {
    /// The private batch; absent when an update came from outside without it.
    pub truth: Option<Batch>,
    /// Undone before anything is shown or measured.
    pub normalisation: Normalisation,
    /// That of the clients themselves, which the attacker may not know.
    pub clients: Normalisation,
    /// Shape of a guess, `[batch, channels, height, width]`.
    pub shape: [usize; 4],
    /// The attack says which label is whose.
    pub names_labels: bool,
    /// What counts as recovered, and the distances that are taken.
    pub scoring: Scoring,
    /// What the values mean, if samples are rows of a table.
    pub tabulator: Option<Tabulator>,
}

impl Evaluator {
    /// Quality of a guess, if there is a ground truth to judge it by.
    pub fn judge(&self, guess: &Guess) -> Option<event::Metrics> {
        self.compare(guess).1
    }

    /// The labels of a guess in the order in which its pictures are stored.
    pub fn labels(&self, guess: &Guess) -> Vec<usize> {
        let named = if self.names_labels { guess.labels.as_slice() } else { &[] };
        self.order(guess).into_iter().filter_map(|at| named.get(at).copied()).collect()
    }

    /// Which sample of a guess is shown beside each true one.
    fn order(&self, guess: &Guess) -> Vec<usize> {
        match self.evaluate(guess, &self.images(guess)) {
            Some(evaluation) => evaluation.assignment,
            None => (0..self.shape[0]).collect(),
        }
    }

    /// What a rule said of the labels, judged if there is a ground truth.
    pub fn labels_read(&self, round: u32, rule: &str, answer: &Answer) -> LabelsRead {
        let truth = self.truth.as_ref().map(|truth| truth.labels.as_slice());
        let Answer { labels, doubt } = answer.clone();
        let classes = truth.map(|truth| metric::class_accuracy(truth, &labels, self.scoring.classes));
        LabelsRead {
            round,
            rule: rule.to_owned(),
            batch: self.shape[0],
            accuracy: truth.map(|truth| metric::label_accuracy(truth, &labels)),
            existence: classes.map(|classes| classes.existence),
            count: classes.map(|classes| classes.count),
            labels,
            doubt,
        }
    }

    /// Quality of a guess without what takes long: the perceptual distances.
    pub fn glance(&self, guess: &Guess) -> Option<event::Metrics> {
        Some(self.evaluate(guess, &self.images(guess))?.summary())
    }

    /// The guess in pixels, ordered like the ground truth (by the optimal assignment) so that pictures can be
    /// compared side by side, and its quality; as it is without ground truth.
    pub fn compare(&self, guess: &Guess) -> (Images, Option<event::Metrics>) {
        let images = self.images(guess);
        let (Some(mut evaluation), Some(truth)) = (self.evaluate(guess, &images), &self.truth) else {
            return (images, None);
        };
        evaluation.perceive(&truth.images, &images, &self.scoring);
        (evaluation.aligned(&images), Some(evaluation.summary()))
    }

    /// The records of a guess or of the ground truth, if there is one, with the quality of a guess.
    fn rows(&self, tabulator: &Tabulator, what: PictureOf, guess: &Guess) -> Option<Judged> {
        let truth = self.truth.as_ref();
        if what == PictureOf::Truth {
            return truth.map(|truth| (Box::new(tabulator.truth(truth)), None));
        }
        let (images, metrics) = self.compare(guess);
        let mut rows = tabulator.guess(&images, &self.labels(guess), truth);
        let confidence = guess.samples.confidence();
        let fields = confidence.len() / self.shape[0].max(1);
        for (row, at) in rows.rows.iter_mut().zip(self.order(guess)) {
            let own = confidence.get(at * fields..(at + 1) * fields).unwrap_or_default();
            row.cells.iter_mut().zip(own).for_each(|(cell, sure)| cell.confidence = Some(*sure));
        }
        Some((Box::new(rows), metrics.map(Box::new)))
    }

    fn evaluate(&self, guess: &Guess, images: &Images) -> Option<metric::Evaluation> {
        let truth = self.truth.as_ref()?;
        Some(metric::evaluate(
            &truth.images,
            images,
            &truth.labels,
            (self.names_labels && !guess.labels.is_empty()).then_some(guess.labels.as_slice()),
            &self.scoring,
        ))
    }

    fn images(&self, guess: &Guess) -> Images {
        self.normalisation.undo(guess.samples.values(), self.shape)
    }
}

/// Records with their quality.
type Judged = (Box<Rows>, Option<Box<event::Metrics>>);

/// Where a guess was taken.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    /// Federated round.
    pub round: u32,
    /// 0-based restart, absent for the result of a round.
    pub trial: Option<usize>,
    /// Iteration.
    pub iteration: usize,
}

/// Things of which only the newest matters.
#[derive(Default)]
struct Newest {
    measure: Option<(Place, f64, Guess)>,
    pictures: Vec<(Place, f64, PictureOf, Guess)>,
}

enum Message {
    Event(f64, Box<Event>),
    Checkpoint(Checkpoint),
    Close(f64, Finished),
}

/// The reporting side, held by the engine's thread.
pub struct Reporter {
    messages: SyncSender<Message>,
    newest: Arc<Mutex<Newest>>,
    request: Arc<AtomicU8>,
    failed: Arc<Mutex<Option<String>>>,
    thread: JoinHandle<()>,
}

impl Reporter {
    /// Starts the recorder of a run. `manifest` is the one to keep up to date.
    ///
    /// # Errors
    /// If the event log cannot be opened.
    pub fn start(
        directory: RunDirectory,
        manifest: Manifest,
        evaluator: Evaluator,
    ) -> Result<Reporter, RunError> {
        let (messages, inbox) = mpsc::sync_channel(QUEUE);
        let newest = Arc::new(Mutex::new(Newest::default()));
        let request = Arc::new(AtomicU8::new(Request::Run as u8));
        let failed = Arc::new(Mutex::new(None));
        let log = open_log(&directory)?;
        let recorder = Recorder {
            directory,
            manifest,
            evaluator,
            log,
            inbox,
            newest: newest.clone(),
            request: request.clone(),
        };
        let failure = failed.clone();
        let thread = std::thread::spawn(move || {
            // A recorder that is gone must be noticed, whatever took it.
            let outcome = catch_unwind(AssertUnwindSafe(|| recorder.run()));
            let reason = match outcome {
                Ok(Ok(())) => return,
                Ok(Err(error)) => error.to_string(),
                Err(_) => "the recorder panicked; run.log says where".to_owned(),
            };
            *locked(&failure) = Some(reason);
        });
        Ok(Reporter { messages, newest, request, failed, thread })
    }

    /// Adds a line to the event log. Waits if the disk is far behind. `t` is seconds of computing.
    pub fn event(&self, t: f64, event: Event) {
        // A recorder that is gone has left its reason in `failure`.
        let _ = self.messages.send(Message::Event(t, Box::new(event)));
    }

    /// Adds a line unless the disk is behind; gives the event back if it is.
    pub fn try_event(&self, t: f64, event: Event) -> Result<(), Box<Event>> {
        match self.messages.try_send(Message::Event(t, Box::new(event))) {
            Err(mpsc::TrySendError::Full(Message::Event(_, event))) => Err(event),
            _ => Ok(()),
        }
    }

    /// Measures a guess for the live metrics, unless a newer one comes first.
    pub fn measure(&self, place: Place, t: f64, guess: Guess) {
        locked(&self.newest).measure = Some((place, t, guess));
    }

    /// Stores a picture, unless a newer one of its kind comes first.
    pub fn picture(&self, place: Place, t: f64, what: PictureOf, guess: Guess) {
        let mut newest = locked(&self.newest);
        newest.pictures.retain(|(at, _, kind, _)| (at.trial, *kind) != (place.trial, what));
        newest.pictures.push((place, t, what, guess));
    }

    /// Stores a checkpoint after the events before it. With `wait` it is stored for sure; without, the next one
    /// has to do if the disk is far behind.
    pub fn checkpoint(&self, checkpoint: Checkpoint, wait: bool) {
        let message = Message::Checkpoint(checkpoint);
        if wait {
            let _ = self.messages.send(message);
        } else {
            let _ = self.messages.try_send(message);
        }
    }

    /// What viewers ask for.
    pub fn request(&self) -> Request {
        match self.request.load(Ordering::Relaxed) {
            r if r == Request::Stop as u8 => Request::Stop,
            r if r == Request::Pause as u8 => Request::Pause,
            _ => Request::Run,
        }
    }

    /// Why nothing can be recorded any more, if so: a full disk, a directory that went away.
    pub fn failure(&self) -> Option<String> {
        locked(&self.failed).clone()
    }

    /// Writes everything that is left, the last line of the log and the final status, and ends the recorder.
    ///
    /// # Errors
    /// The first thing that could not be written.
    pub fn close(self, t: f64, finished: Finished) -> Result<(), String> {
        let _ = self.messages.send(Message::Close(t, finished));
        let _ = self.thread.join();
        match locked(&self.failed).take() {
            Some(failure) => Err(failure),
            None => Ok(()),
        }
    }
}

struct Recorder {
    directory: RunDirectory,
    manifest: Manifest,
    evaluator: Evaluator,
    log: File,
    inbox: Receiver<Message>,
    newest: Arc<Mutex<Newest>>,
    request: Arc<AtomicU8>,
}

impl Recorder {
    fn run(mut self) -> Result<(), RunError> {
        let (mut beat, mut looked) = (Instant::now(), Instant::now());
        loop {
            match self.next()? {
                // In front of the event, so that a picture of a trial never follows its end; but not what is newer
                // than the event: an engine that is faster than the disk is ahead.
                Ok(Message::Event(t, event)) => {
                    self.write_newest(t)?;
                    self.write(t, *event)?;
                }
                Ok(Message::Checkpoint(checkpoint)) => {
                    checkpoint.write(&self.directory, &self.manifest.config)?;
                }
                Ok(Message::Close(t, finished)) => return self.close(t, finished),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Ok(()),
            }
            if looked.elapsed() >= LOOK_FOR_REQUESTS {
                looked = Instant::now();
                self.request.store(self.directory.request() as u8, Ordering::Relaxed);
            }
            if beat.elapsed() >= HEARTBEAT {
                beat = Instant::now();
                self.beat()?;
            }
        }
    }

    /// The next message, or a time-out. After one it writes what is newest, unless an event came in meanwhile: under
    /// the lock, an empty inbox means that nothing newest is ahead of an event that was sent before it.
    fn next(&mut self) -> Result<Result<Message, RecvTimeoutError>, RunError> {
        match self.inbox.recv_timeout(Duration::from_millis(50)) {
            Err(RecvTimeoutError::Timeout) => {}
            message => return Ok(message),
        }
        let newest = {
            let mut newest = locked(&self.newest);
            match self.inbox.try_recv() {
                Ok(message) => return Ok(Ok(message)),
                Err(_) => std::mem::take(&mut *newest),
            }
        };
        self.write_these(newest)?;
        Ok(Err(RecvTimeoutError::Timeout))
    }

    fn write(&mut self, t: f64, event: Event) -> Result<(), RunError> {
        let paused = match &event {
            Event::Paused => Some(Status::Paused),
            Event::Continued => Some(Status::Running),
            _ => None,
        };
        let path = self.directory.events_path();
        let mut line = serde_json::to_vec(&Line { v: event::VERSION, t, event })
            .map_err(|source| RunError::Manifest { path: path.clone(), source })?;
        line.push(b'\n');
        self.log.write_all(&line).map_err(|e| RunError::io("write", &path, e))?;
        if let Some(status) = paused {
            self.manifest.status = status;
            self.beat()?;
        }
        Ok(())
    }

    /// Pictures and metrics that were taken at `until` or before.
    fn write_newest(&mut self, until: f64) -> Result<(), RunError> {
        let due = {
            let mut newest = locked(&self.newest);
            let pictures = newest.pictures.extract_if(.., |(_, t, ..)| *t <= until).collect();
            Newest { pictures, measure: newest.measure.take_if(|(_, t, _)| *t <= until) }
        };
        self.write_these(due)
    }

    fn write_these(&mut self, Newest { measure, pictures }: Newest) -> Result<(), RunError> {
        for (place, t, what, guess) in pictures {
            self.store_picture(place, t, what, &guess)?;
        }
        if let Some((Place { round, trial, iteration }, t, guess)) = measure
            && let Some(mut metrics) = self.evaluator.glance(&guess)
        {
            metrics.samples.clear();
            self.write(t, Event::Metrics { round, trial: trial.unwrap_or(0), iteration, metrics })?;
        }
        Ok(())
    }

    fn store_picture(
        &mut self,
        place: Place,
        t: f64,
        what: PictureOf,
        guess: &Guess,
    ) -> Result<(), RunError> {
        if let Some(tabulator) = &self.evaluator.tabulator {
            let rows = self.evaluator.rows(tabulator, what, guess);
            return rows.map_or(Ok(()), |(table, metrics)| {
                let Place { round, trial, iteration } = place;
                self.write(t, Event::Rows { round, trial, iteration, what, table, metrics })
            });
        }
        let (images, metrics) = match (what, &self.evaluator.truth) {
            (PictureOf::Truth, Some(truth)) => (truth.images.clone(), None),
            (PictureOf::Truth, None) => return Ok(()),
            _ => self.evaluator.compare(guess),
        };
        let metrics = metrics.map(Box::new);
        let Place { round, trial, iteration } = place;
        let name = match (what, trial) {
            (PictureOf::Truth, _) => "truth.png".to_owned(),
            (PictureOf::Current, Some(trial)) => {
                format!("round-{round}-trial-{trial}-iteration-{iteration:06}.png")
            }
            (PictureOf::Best, Some(trial)) => format!("round-{round}-trial-{trial}-best.png"),
            (PictureOf::Control, _) => format!("round-{round}-control.png"),
            (PictureOf::Enhanced, _) => format!("round-{round}-enhanced.png"),
            _ => format!("round-{round}-reconstruction.png"),
        };
        let (picture, columns) = images.to_picture();
        let path = self.directory.pictures_path().join(&name);
        let mut png = std::io::Cursor::new(Vec::new());
        picture
            .write_to(&mut png, image::ImageFormat::Png)
            .map_err(|e| RunError::io("write", &path, std::io::Error::other(e)))?;
        write_atomically(&path, png.get_ref())?;
        let tiles = Tiles { samples: images.samples, columns, width: images.width, height: images.height };
        let file = format!("pictures/{name}");
        self.write(t, Event::Picture { round, trial, iteration, what, file, tiles, metrics })
    }

    fn beat(&mut self) -> Result<(), RunError> {
        self.manifest.heartbeat = now();
        let computes = self.manifest.backend == "cuda" && self.manifest.status == Status::Running;
        let standing = |ordinal: Option<usize>| device::standing(ordinal.unwrap_or(0));
        self.manifest.standing = computes.then(|| standing(self.manifest.device)).flatten();
        self.directory.write_manifest(&self.manifest)
    }

    /// Everything that waits, the last line, the result, then the final status: readers that see it find the
    /// rest complete.
    fn close(&mut self, t: f64, finished: Finished) -> Result<(), RunError> {
        self.write_newest(f64::INFINITY)?;
        if finished.status == Status::Done {
            self.write_result(&finished)?;
        }
        self.manifest.status = finished.status;
        self.manifest.error = finished.error.clone();
        self.write(t, Event::Finished(finished))?;
        self.log.sync_data().map_err(|e| RunError::io("write", &self.directory.events_path(), e))?;
        self.beat()?;
        if self.manifest.status == Status::Done {
            // What is left over if this fails is only disk space.
            let _ = fs::remove_file(self.directory.checkpoint_path());
            let _ = fs::remove_file(self.directory.model_path());
            let _ = fs::remove_file(self.directory.undefended_path());
        }
        Ok(())
    }

    fn write_result(&self, finished: &Finished) -> Result<(), RunError> {
        let path = self.directory.result_path();
        let json = serde_json::to_vec_pretty(finished)
            .map_err(|source| RunError::Manifest { path: path.clone(), source })?;
        write_atomically(&path, &json)
    }
}

/// Ends a run whose turn never came: its last line, then its status, as [`Reporter::close`] would.
///
/// # Errors
/// What could not be written.
pub fn stop_unbegun(directory: &RunDirectory, manifest: &mut Manifest) -> Result<(), RunError> {
    let path = directory.events_path();
    // It may have been computed before; then its time goes on from there.
    let before = listing::summary(&path).ok().and_then(|summary| summary.seconds);
    let finished = Finished {
        status: Status::Stopped,
        run: directory.id(),
        rounds: Vec::new(),
        error: None,
        interrupted: before.is_some(),
    };
    let line = Line { v: event::VERSION, t: before.unwrap_or(0.0), event: Event::Finished(finished) };
    let mut text =
        serde_json::to_vec(&line).map_err(|source| RunError::Manifest { path: path.clone(), source })?;
    text.push(b'\n');
    let mut log = open_log(directory)?;
    log.write_all(&text).and_then(|()| log.sync_data()).map_err(|e| RunError::io("write", &path, e))?;
    manifest.status = Status::Stopped;
    manifest.heartbeat = now();
    directory.write_manifest(manifest)
}

/// Opens the log for appending, without the torn line that a killed worker may have left.
fn open_log(directory: &RunDirectory) -> Result<File, RunError> {
    let path = directory.events_path();
    let failed = |e| RunError::io("write", &path, e);
    let mut log = files::append(&path).map_err(failed)?;
    let length = log.metadata().map_err(failed)?.len();
    // A line is far shorter than this window, so the last newline is in it if there is one.
    let window = length.min(1 << 20);
    let mut end = Vec::new();
    log.seek(SeekFrom::Start(length - window)).map_err(failed)?;
    (&log).take(window).read_to_end(&mut end).map_err(failed)?;
    let whole = end.iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at as u64 + 1);
    let keep = length - window + whole;
    if keep < length {
        log.set_len(keep).map_err(failed)?;
    }
    Ok(log)
}

/// Seconds since the epoch.
pub fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64())
}

/// A lock that a panicking thread cannot spoil: the values behind it are replaced as wholes.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
