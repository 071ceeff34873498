//! Starts runs: checks the config, makes the directory, starts the worker process and waits until it has
//! taken the run up.

use std::fs::OpenOptions;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::plan::PlanError;
use super::{Request, RunDirectory, RunError, Status, Store, memory, plan};
use crate::backend::{BackendError, Compute};
use crate::checkpoint;
use crate::config::RunConfig;

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

/// Starts a new run. `backend` is one of [`crate::backend::NAMES`]; what `auto` came to is kept in the manifest.
///
/// # Errors
/// Before anything is made if the config or the backend cannot be used; else if the directory or the worker
/// fails.
pub fn begin(
    store: &Store,
    preset: &str,
    config: &RunConfig,
    backend: &str,
) -> Result<RunDirectory, BeginError> {
    let mut config = config.clone();
    config.victim.data = plan::anchored(&config.victim.data);
    for file in [&mut config.victim.weights, &mut config.run.lpips] {
        *file = file.take().map(|path| match checkpoint::shipped(&path) {
            Some(_) => path,
            None => plan::absolute(&path),
        });
    }
    config.victim.captured =
        config.victim.captured.map(|captured| captured.with_paths(|path| plan::absolute(&path)));
    let plan = plan::plan(&config)?;
    // What was taken of several state dicts is part of the config as resolved: headers say it, and a resume keeps to it.
    let taken = plan.setup.weights.as_ref().and_then(|weights| weights.key.clone());
    config.victim.weights_key = config.victim.weights_key.or(taken);
    let backend = Compute::select(backend, config.run.precision)?;
    memory::fit(&config, &plan.setup.net, &backend).map_err(PlanError::from)?;
    let directory = store.create(preset, &config, backend.name(), &plan.setup.reading, super::now())?;
    launch(&directory)?;
    Ok(directory)
}

/// Starts `gialab worker RUN`, detached from this terminal: it outlives the viewer. Returns once the
/// worker holds the run, or says why it does not.
pub fn launch(directory: &RunDirectory) -> Result<(), RunError> {
    // What an earlier viewer asked for is answered.
    directory.ask(Request::Run)?;
    let log = directory.log_path();
    let open = || OpenOptions::new().create(true).append(true).open(&log);
    let stdout = open().map_err(|e| RunError::io("write", &log, e))?;
    let stderr = open().map_err(|e| RunError::io("write", &log, e))?;
    let program = std::env::current_exe().map_err(|e| RunError::io("find", "gialab".as_ref(), e))?;
    // The worker makes itself leader of its own session: a hang-up of this terminal does not reach it.
    let mut worker = Command::new(&program)
        .arg("worker")
        .arg(directory.path())
        .stdin(Stdio::null())
        .stdout(stdout)
        .stderr(stderr)
        .spawn()
        .map_err(|e| RunError::io("start", &program, e))?;
    wait_until_taken(directory, &mut worker)?;
    // A worker that ends while its starter lives on would stay a zombie, and look alive.
    std::thread::spawn(move || worker.wait());
    Ok(())
}

fn wait_until_taken(directory: &RunDirectory, worker: &mut Child) -> Result<(), RunError> {
    let begin = Instant::now();
    loop {
        let manifest = directory.manifest()?;
        if manifest.pid == worker.id() && manifest.status != Status::Queued {
            return Ok(());
        }
        if let Ok(Some(status)) = worker.try_wait() {
            let log = directory.log_path();
            let reason = last_word(directory).unwrap_or_else(|| status.to_string());
            return Err(RunError::WorkerDied { reason, log });
        }
        if begin.elapsed() > DEADLINE {
            return Err(RunError::WorkerSilent { log: directory.log_path() });
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// The last line of the worker's messages, without the program's name in front.
fn last_word(directory: &RunDirectory) -> Option<String> {
    let line = directory.last_words(1).pop()?;
    Some(line.trim_start_matches("gialab: ").to_owned())
}
