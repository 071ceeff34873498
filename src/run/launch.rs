//! Starts runs: checks the config, makes the directory, starts the worker process and waits until it has
//! taken the run up.

use std::io::{self, Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use super::effect::Effects;
use super::lock::Lock;
use super::plan::PlanError;
use super::{Request, RunDirectory, RunError, Status, Store, automatic, death, memory, plan};
use crate::backend::BackendError;
use crate::calibration::Calibration;
use crate::config::RunConfig;
use crate::files;
use crate::weights;

/// How long a worker may take from its start to its first manifest.
const DEADLINE: Duration = Duration::from_secs(20);

/// Why a new run did not start.
#[derive(Debug, thiserror::Error)]
pub enum BeginError {
    /// The config cannot be run; nothing was made.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// The backend cannot be used; nothing was made.
    #[error(transparent)]
    Backend(#[from] BackendError),
    /// The run directory or the worker failed.
    #[error(transparent)]
    Run(#[from] RunError),
}

/// How a run is begun, where it is not as a person begins one.
#[derive(Debug, Clone, Copy, Default)]
pub struct As<'a> {
    /// The name of its directory; made of moment and preset if absent.
    pub name: Option<&'a str>,
    /// Threads that compute; as many as are allowed if absent.
    pub threads: Option<usize>,
}

/// A config whose paths hold in any directory: the worker may run, and be resumed, in another one.
pub fn anchored(config: &RunConfig) -> RunConfig {
    let mut config = config.clone();
    config.victim.data = plan::anchored(&config.victim.data);
    for file in [&mut config.victim.weights, &mut config.run.lpips] {
        *file = file.take().map(|path| match weights::shipped(&path) {
            Some(_) => path,
            None => plan::absolute(&path),
        });
    }
    config.knowledge.generator = config.knowledge.generator.take().map(|generator| {
        let shipped = weights::GENERATORS.iter().any(|(name, _)| *name == generator);
        if shipped { generator } else { plan::absolute(&generator) }
    });
    if let Some(enhancer) = &mut config.knowledge.enhancer {
        enhancer.file = plan::absolute(&enhancer.file);
    }
    config.victim.captured =
        config.victim.captured.map(|captured| captured.with_paths(|path| plan::absolute(&path)));
    if let Some(captured) = &mut config.victim.captured {
        captured.table = captured.table.take().map(|table| plan::anchored(&table));
    }
    config
}

/// Starts a new run. `backend` is one of [`crate::backend::NAMES`], or one device; what `auto` came to is kept in the manifest.
///
/// # Errors
/// Before anything is made if the config or the backend cannot be used; else if the directory or the worker
/// fails.
pub fn begin(
    store: &Store,
    preset: &str,
    config: &RunConfig,
    backend: &str,
    how: As<'_>,
) -> Result<RunDirectory, BeginError> {
    let mut config = anchored(config);
    let plan = plan::plan(&config)?;
    // What was taken of several state dicts is part of the config as resolved: headers say it, and a resume keeps to it.
    let taken = plan.setup.weights.as_ref().and_then(|weights| weights.key.clone());
    config.victim.weights_key = config.victim.weights_key.or(taken);
    let (compute, chosen) = automatic::resolve(backend, &config, &plan.sent)?;
    memory::fit(&config, &plan.sent, &compute).map_err(PlanError::from)?;
    let (directory, lock) = store.create(preset, &config, chosen, &plan.setup.reading, super::now(), how)?;
    start(&directory, lock)?;
    Ok(directory)
}

/// Starts `gialab worker RUN`, detached from this terminal: it outlives the viewer. Returns once the
/// worker holds the run, or says why it does not.
pub fn launch(directory: &RunDirectory) -> Result<(), RunError> {
    start(directory, Lock::take(directory)?)
}

/// How fast this machine is on a backend, measured in a process of its own in about two seconds. Nothing while it is busy.
///
/// # Errors
/// If the process cannot be started or does not say.
pub fn calibrate(backend: &str) -> Result<Option<Calibration>, RunError> {
    let program = std::env::current_exe().map_err(|e| RunError::io("find", "gialab".as_ref(), e))?;
    let output = Command::new(&program)
        .args(["bench", "--calibrate", "--backend", backend])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .map_err(|e| RunError::io("start", &program, e))?;
    serde_json::from_slice(&output.stdout).map_err(|e| RunError::io("measure with", &program, e.into()))
}

/// `gialab effect` on a config, in a process of its own and of low priority. It ends with this value.
#[derive(Debug)]
pub struct Measuring(Child);

impl Measuring {
    /// Starts it.
    ///
    /// # Errors
    /// If the process cannot be started.
    pub fn begin(config: &RunConfig) -> Result<Measuring, RunError> {
        let program = std::env::current_exe().map_err(|e| RunError::io("find", "gialab".as_ref(), e))?;
        let text = toml::to_string(config)
            .map_err(|e| RunError::io("measure with", &program, io::Error::other(e)))?;
        let mut child = Command::new(&program)
            .args(["effect", "-", "--json"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|e| RunError::io("start", &program, e))?;
        // Before it has threads, which take the priority over. A system that refuses lets it compute as it is.
        let _ = rustix::process::setpriority_process(Some(rustix::process::Pid::from_child(&child)), 19);
        if let Some(mut stdin) = child.stdin.take() {
            // One that ends before it has read all says why.
            let _ = stdin.write_all(text.as_bytes());
        }
        Ok(Measuring(child))
    }

    /// What came of it; nothing while it computes.
    pub fn answer(&mut self) -> Option<Result<Effects, String>> {
        let status = self.0.try_wait().ok()??;
        let said = |stream: Option<&mut dyn Read>| {
            let mut text = String::new();
            // What cannot be read is no answer.
            stream.into_iter().for_each(|stream| drop(stream.read_to_string(&mut text)));
            text
        };
        let out = said(self.0.stdout.as_mut().map(|stream| stream as &mut dyn Read));
        let complaint = said(self.0.stderr.as_mut().map(|stream| stream as &mut dyn Read));
        let complaint = complaint.lines().last().map(|line| line.trim_start_matches("gialab: ").to_owned());
        Some(match status.success() {
            true => serde_json::from_str(&out).map_err(|e| e.to_string()),
            false => Err(complaint.unwrap_or_else(|| format!("gialab effect ended with {status}"))),
        })
    }
}

impl Drop for Measuring {
    fn drop(&mut self) {
        // One that has ended is collected alike.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The worker is given the lock: the run is taken from here on, and free again if it does not come up.
fn start(directory: &RunDirectory, lock: Lock) -> Result<(), RunError> {
    let started = spawn(directory, &lock).and_then(|mut worker| {
        wait_until_taken(directory, &mut worker)?;
        Ok(worker)
    });
    let mut worker = started.inspect_err(|error| {
        // One that is slow may come up yet.
        if matches!(error, RunError::WorkerSilent { .. }) {
            return;
        }
        // Whoever looks at the run sees why, unless that it cannot be written is the reason.
        if let Ok(mut manifest) = directory.manifest()
            && manifest.status.is_unfinished()
        {
            (manifest.status, manifest.error) = (Status::Failed, Some(error.to_string()));
            let _ = directory.write_manifest(&manifest);
        }
    })?;
    drop(lock);
    // Collected, for a zombie would look alive; and its end is known here alone, should it have been killed.
    let directory = directory.clone();
    std::thread::spawn(move || {
        if let Ok(status) = worker.wait() {
            record_end(&directory, worker.id(), status);
        }
    });
    Ok(())
}

fn spawn(directory: &RunDirectory, lock: &Lock) -> Result<Child, RunError> {
    // What an earlier viewer asked for is answered.
    directory.ask(Request::Run)?;
    let log = directory.log_path();
    let open = || files::append(&log).map_err(|e| RunError::io("write", &log, e));
    let program = std::env::current_exe().map_err(|e| RunError::io("find", "gialab".as_ref(), e))?;
    // The worker makes itself leader of its own session: a hang-up of this terminal does not reach it.
    Command::new(&program)
        .arg("worker")
        .arg(directory.path())
        .stdin(lock.for_child().map_err(|e| RunError::io("lock", &directory.lock_path(), e))?)
        .stdout(open()?)
        .stderr(open()?)
        .spawn()
        .map_err(|e| RunError::io("start", &program, e))
}

/// Writes into the manifest how a worker ended that could not say so itself.
fn record_end(directory: &RunDirectory, worker: u32, status: ExitStatus) {
    let Ok(_lock) = Lock::take(directory) else { return };
    let Ok(mut manifest) = directory.manifest() else { return };
    if manifest.pid == worker && manifest.status.is_unfinished() {
        manifest.error = Some(death::of_exit(directory, status));
        // A disk that is full, or a directory that is gone, says so to everybody.
        let _ = directory.write_manifest(&manifest);
    }
}

fn wait_until_taken(directory: &RunDirectory, worker: &mut Child) -> Result<(), RunError> {
    let begin = Instant::now();
    loop {
        let manifest = directory.manifest()?;
        // It may wait for its turn, and may have ended already.
        if manifest.pid == worker.id() {
            return Ok(());
        }
        if let Ok(Some(status)) = worker.try_wait() {
            let log = directory.log_path();
            let reason = match status.signal() {
                Some(_) => death::of_exit(directory, status),
                None => last_word(directory).unwrap_or_else(|| status.to_string()),
            };
            return Err(RunError::WorkerDied { reason, log });
        }
        if begin.elapsed() > DEADLINE {
            return Err(RunError::WorkerSilent { log: directory.log_path() });
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// The last line of the worker's messages, without the program's name in front.
pub(super) fn last_word(directory: &RunDirectory) -> Option<String> {
    let line = directory.last_words(1).pop()?;
    Some(line.trim_start_matches("gialab: ").to_owned())
}
