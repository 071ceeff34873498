//! The worker: the only process that computes. Takes up a run directory, attacks, reports, ends.

use std::fs::OpenOptions;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::checkpoint::Checkpoint;
use super::directory::{Request, RunDirectory};
use super::event::{Event, Finished, Level, PictureOf, Point, RoundResult, TrialOutcome};
use super::manifest::{Manifest, Status};
use super::recorder::{self, Evaluator, Place, Reporter};
use super::{RunError, examine, plan};
use crate::attack::{Ended, Flow, Guess, Progress, Sink, Task, TrialEnd};
use crate::backend::{Compute, Precision};
use crate::checkpoint::Trained;
use crate::fl::Victim;
use crate::metric::Scoring;
use crate::seed::Seed;

/// Points of the loss are sent together this often.
const PROGRESS_EVERY: Duration = Duration::from_millis(100);
/// The current guess is measured this often at most.
const MEASURE_EVERY: Duration = Duration::from_millis(250);

/// Takes up the run and works on it to its end.
///
/// Returns the status it ended with. Everything that goes wrong after the manifest could be read is also
/// recorded in the run itself.
pub fn work(directory: RunDirectory) -> Result<Status, anyhow::Error> {
    // Leave the session of the terminal that started us; it fails only if we lead one already.
    let _ = rustix::process::setsid();
    let terminate = Arc::new(AtomicBool::new(false));
    for signal in [signal_hook::consts::SIGTERM, signal_hook::consts::SIGINT, signal_hook::consts::SIGHUP] {
        signal_hook::flag::register(signal, terminate.clone())?;
    }
    let _lock = lock(&directory)?;
    let mut manifest = directory.manifest()?;
    if manifest.status == Status::Done {
        anyhow::bail!("run {} is complete; nothing is left to compute", directory.id());
    }
    manifest.pid = std::process::id();
    manifest.host = crate::sys::host_name();
    manifest.status = Status::Running;
    manifest.heartbeat = recorder::now();
    manifest.error = None;
    directory.write_manifest(&manifest)?;

    let outcome = catch_unwind(AssertUnwindSafe(|| attack_run(&directory, &mut manifest, &terminate)))
        .unwrap_or_else(|panic| Err(anyhow::anyhow!("the engine panicked: {}", panic_message(&*panic))));
    if let Err(error) = &outcome {
        tracing::error!("{error:#}");
        manifest.status = Status::Failed;
        manifest.error = Some(format!("{error:#}"));
        manifest.heartbeat = recorder::now();
        directory.write_manifest(&manifest)?;
    }
    outcome
}

/// One writer per run. The lock ends with the process, however it ends.
fn lock(directory: &RunDirectory) -> Result<std::fs::File, RunError> {
    let path = directory.lock_path();
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .map_err(|e| RunError::io("write", &path, e))?;
    // A worker that was just killed holds the lock until the system has taken it apart.
    let patience = Instant::now() + Duration::from_secs(2);
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(std::fs::TryLockError::WouldBlock) if Instant::now() < patience => {
                std::thread::sleep(Duration::from_millis(50));
            }
            Err(std::fs::TryLockError::WouldBlock) => {
                return Err(RunError::Busy { run: directory.id(), pid: directory.manifest()?.pid });
            }
            // A file system without locks: the heartbeat alone must do.
            Err(std::fs::TryLockError::Error(_)) => return Ok(file),
        }
    }
}

fn attack_run(
    directory: &RunDirectory,
    manifest: &mut Manifest,
    terminate: &Arc<AtomicBool>,
) -> Result<Status, anyhow::Error> {
    let plan = plan::plan(&manifest.config)?;
    same_weights(manifest, plan.setup.weights.as_ref())?;
    let config = &manifest.config;
    let compute = Compute::select(&manifest.backend, Precision::F32)?;
    let resume = Checkpoint::read(directory, config)?;
    let seed = Seed(config.run.seed);
    let evaluator = Evaluator {
        shape: plan.setup.batch.images.shape(),
        truth: Some(plan.setup.batch.clone()),
        normalisation: plan.setup.normalisation.clone(),
        scoring: Scoring {
            classes: plan.setup.net.classes(),
            recovered_psnr: config.run.recovered_psnr,
            lpips: plan.lpips.map(Arc::new),
        },
    };
    let victim = Victim::new(plan.setup, config.victim.mode, compute.clone(), seed);

    let reporter = Reporter::start(directory.clone(), manifest.clone(), evaluator.clone())?;
    let clock = Clock { begin: Instant::now(), before: resume.as_ref().map_or(0.0, |r| r.seconds) };
    reporter.event(
        clock.now(),
        Event::Started {
            run: directory.id(),
            preset: manifest.preset.clone(),
            backend: compute.name().to_owned(),
            device: compute.description(),
        },
    );
    let round = config.federation.attack_rounds.first().copied().unwrap_or(0);
    let (update, _) = victim.update();
    let view = victim.view(update, &config.knowledge);
    // A log that goes on from a checkpoint has this line already; without one, what it holds is void.
    if resume.is_none() {
        reporter.event(
            clock.now(),
            Event::Round {
                round,
                update_norm: view.update.values.norm(),
                accuracy: None,
                batch: view.update.samples,
                parameters: view.model.net.parameter_count(),
                input: view.model.net.input_count(),
                trials: config.attack.trials,
                iterations: config.attack.iterations,
            },
        );
    }
    let nothing = Guess { pixels: Vec::new(), labels: Vec::new() };
    reporter.picture(Place { round, trial: None, iteration: 0 }, clock.now(), PictureOf::Truth, nothing);

    let mut bridge = Bridge::new(&reporter, &evaluator, terminate, clock, round, manifest);
    let task = Task {
        view: &view,
        config: &config.attack,
        seed,
        round,
        resume: resume.as_ref().map(|checkpoint| &checkpoint.state),
    };
    // A panic of a backend becomes the run's status, with the log closed in order.
    let ended = catch_unwind(AssertUnwindSafe(|| (plan.attack.run)(task, &mut bridge)))
        .map_err(|panic| anyhow::anyhow!("the engine panicked: {}", panic_message(&*panic)))
        .and_then(|ended| ended.map_err(anyhow::Error::from));
    let unrecorded = reporter.failure();

    let (status, rounds, error) = match (ended, unrecorded) {
        (_, Some(failure)) => (Status::Failed, Vec::new(), Some(failure)),
        (Err(error), None) => (Status::Failed, Vec::new(), Some(error.to_string())),
        (Ok(Ended::Stopped), None) => (Status::Stopped, Vec::new(), None),
        (Ok(Ended::Reconstructed(reconstruction)), None) => {
            let result = RoundResult {
                round,
                metrics: examine::metrics(&evaluator, &reconstruction.guess, config, &view),
                probe: config.run.probe.then(|| examine::probe(&evaluator, config, &view)).flatten(),
                loss: reconstruction.matching,
                trial: reconstruction.trial,
                trials: reconstruction.trials,
                evaluations: reconstruction.evaluations,
                seconds: clock.now(),
            };
            let place = Place { round, trial: None, iteration: reconstruction.iteration };
            reporter.picture(place, clock.now(), PictureOf::Reconstruction, reconstruction.guess);
            reporter.event(clock.now(), Event::RoundFinished(result.clone()));
            (Status::Done, vec![result], None)
        }
    };
    let finished = Finished { status, run: directory.id(), rounds, error: error.clone() };
    reporter.close(clock.now(), finished).map_err(anyhow::Error::msg)?;
    match error {
        Some(error) => Err(anyhow::Error::msg(error)),
        None => Ok(status),
    }
}

/// A run that goes on does so with the weights that it began with.
fn same_weights(manifest: &mut Manifest, weights: Option<&Trained>) -> Result<(), anyhow::Error> {
    let found = weights.map(|weights| weights.sha256.clone());
    let begun = manifest.weights_sha256.is_some();
    anyhow::ensure!(
        !begun || manifest.weights_sha256 == found,
        "{} has changed since this run began; put the old file back, or start a new run",
        manifest.config.victim.weights.as_deref().unwrap_or("victim.weights")
    );
    manifest.weights_sha256 = found;
    Ok(())
}

fn panic_message(panic: &(dyn std::any::Any + Send)) -> String {
    panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no message".to_owned())
}

/// Seconds of computing, over all workers of a run.
#[derive(Debug, Clone, Copy)]
struct Clock {
    begin: Instant,
    before: f64,
}

impl Clock {
    fn now(&self) -> f64 {
        self.before + self.begin.elapsed().as_secs_f64()
    }
}

/// Carries an attack's reports to the recorder, at the recorder's pace, and a viewer's requests back.
struct Bridge<'a> {
    reporter: &'a Reporter,
    evaluator: &'a Evaluator,
    terminate: &'a AtomicBool,
    clock: Clock,
    round: u32,
    snapshot_every: usize,
    checkpoint_every: Duration,
    points: Vec<Point>,
    sent: Instant,
    measured: Instant,
    saved: Instant,
    trial_begin: f64,
    learning_rate: f64,
    best_stored: usize,
}

impl<'a> Bridge<'a> {
    fn new(
        reporter: &'a Reporter,
        evaluator: &'a Evaluator,
        terminate: &'a AtomicBool,
        clock: Clock,
        round: u32,
        manifest: &Manifest,
    ) -> Self {
        let run = &manifest.config.run;
        let now = Instant::now();
        Bridge {
            reporter,
            evaluator,
            terminate,
            clock,
            round,
            snapshot_every: run.snapshot_every,
            checkpoint_every: Duration::from_secs_f64(run.checkpoint_seconds),
            points: Vec::new(),
            sent: now,
            measured: now,
            saved: now,
            trial_begin: clock.now(),
            learning_rate: f64::NAN,
            best_stored: 0,
        }
    }

    fn place(&self, progress: &dyn Progress) -> Place {
        Place { round: self.round, trial: Some(progress.trial()), iteration: progress.iteration() }
    }

    /// Sends the points since the last time; keeps them if the disk is behind.
    fn send_points(&mut self, progress: &dyn Progress, wait: bool) {
        if self.points.is_empty() {
            return;
        }
        let event = Event::Progress {
            round: self.round,
            trial: progress.trial(),
            points: std::mem::take(&mut self.points),
            evaluations: progress.evaluations(),
            learning_rate: progress.learning_rate(),
            best_iteration: progress.best().iteration,
            best: progress.best().total(),
        };
        self.sent = Instant::now();
        if wait {
            self.reporter.event(self.clock.now(), event);
        } else if let Err(unsent) = self.reporter.try_event(self.clock.now(), event)
            && let Event::Progress { points, .. } = *unsent
        {
            self.points = points;
        }
    }

    fn save(&mut self, progress: &dyn Progress, wait: bool) {
        self.saved = Instant::now();
        self.send_points(progress, true);
        let (round, seconds) = (self.round, self.clock.now());
        self.reporter.checkpoint(Checkpoint { round, seconds, state: progress.checkpoint() }, wait);
    }

    fn log(&self, level: Level, message: String) {
        self.reporter.event(self.clock.now(), Event::Log { level, message });
    }

    /// Holds while a viewer asks for a pause. Paused time is not computing time.
    fn obey(&mut self, progress: &dyn Progress) -> Flow {
        let stop = || self.terminate.load(Ordering::Relaxed) || self.reporter.request() == Request::Stop;
        if self.reporter.request() == Request::Pause && !stop() {
            self.save(progress, true);
            self.reporter.event(self.clock.now(), Event::Paused);
            let begin = Instant::now();
            while self.reporter.request() == Request::Pause && !stop() && self.reporter.failure().is_none() {
                std::thread::sleep(Duration::from_millis(50));
            }
            self.clock.begin += begin.elapsed();
            self.reporter.event(self.clock.now(), Event::Continued);
        }
        if stop() { Flow::Stop } else { Flow::Continue }
    }
}

impl Sink for Bridge<'_> {
    fn trial_started(&mut self, trial: usize, labels: &[usize]) {
        self.trial_begin = self.clock.now();
        self.learning_rate = f64::NAN;
        self.best_stored = 0;
        let labels = labels.to_vec();
        self.reporter.event(self.clock.now(), Event::Trial { round: self.round, trial, labels });
    }

    fn trial_resumed(&mut self, trial: usize, iteration: usize) {
        self.reporter.event(self.clock.now(), Event::Resumed { round: self.round, trial, iteration });
    }

    fn iterated(&mut self, progress: &dyn Progress) -> Flow {
        let (matching, prior) = progress.losses();
        let iteration = progress.iteration();
        self.points.push(Point { iteration, matching, prior });
        let rate = progress.learning_rate();
        if self.learning_rate.is_finite() && rate < 0.5 * self.learning_rate {
            let from = self.learning_rate;
            self.log(Level::Info, format!("learning rate {from:.0e} to {rate:.0e} at iteration {iteration}"));
        }
        if !(rate > 0.5 * self.learning_rate && rate <= self.learning_rate) {
            self.learning_rate = rate;
        }
        if self.sent.elapsed() >= PROGRESS_EVERY {
            self.send_points(progress, false);
        }
        if self.measured.elapsed() >= MEASURE_EVERY {
            self.measured = Instant::now();
            self.reporter.measure(self.place(progress), self.clock.now(), progress.current());
        }
        if iteration == 1 || iteration.is_multiple_of(self.snapshot_every) {
            let (place, t) = (self.place(progress), self.clock.now());
            self.reporter.picture(place, t, PictureOf::Current, progress.current());
            if progress.best().iteration != self.best_stored {
                self.best_stored = progress.best().iteration;
                let place = Place { iteration: self.best_stored, ..place };
                self.reporter.picture(place, t, PictureOf::Best, progress.best_guess());
            }
        }
        if self.reporter.failure().is_some() {
            return Flow::Stop;
        }
        let flow = self.obey(progress);
        if flow == Flow::Stop || self.saved.elapsed() >= self.checkpoint_every {
            self.save(progress, flow == Flow::Stop);
        }
        flow
    }

    fn trial_finished(&mut self, end: &TrialEnd) {
        let event = Event::TrialFinished {
            round: self.round,
            trial: end.trial,
            outcome: end.outcome,
            best: end.best.total(),
            matching: end.best.matching,
            best_iteration: end.best.iteration,
            evaluations: end.evaluations,
            seconds: self.clock.now() - self.trial_begin,
            metrics: self.evaluator.judge(&end.guess),
        };
        // Points that the last iterations left behind belong in front of the end of their trial.
        if !self.points.is_empty() {
            let rest = Event::Progress {
                round: self.round,
                trial: end.trial,
                points: std::mem::take(&mut self.points),
                evaluations: end.evaluations,
                learning_rate: if self.learning_rate.is_finite() { self.learning_rate } else { 0.0 },
                best_iteration: end.best.iteration,
                best: end.best.total(),
            };
            self.reporter.event(self.clock.now(), rest);
        }
        let place = Place { round: self.round, trial: Some(end.trial), iteration: end.best.iteration };
        self.reporter.picture(place, self.clock.now(), PictureOf::Best, end.guess.clone());
        self.reporter.event(self.clock.now(), event);
        if end.outcome == TrialOutcome::NonFinite {
            let message = format!(
                "trial {}: the loss is not finite any more; its best earlier iterate stands",
                end.trial + 1
            );
            self.log(Level::Warning, message);
        }
    }
}
