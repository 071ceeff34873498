//! The worker: the only process that computes. Takes up a run directory, attacks, reports, ends.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::directory::{Request, RunDirectory};
use super::lock::Lock;
use super::manifest::{Manifest, Status};
use super::queue::Place;
use super::{RunError, panics, plan, recorder, rounds};
use crate::attack::Flow;
use crate::fl::Setup;
use crate::{cgroup, threads};

/// How often one that waits looks what is asked of it.
const LOOK: Duration = Duration::from_millis(100);

/// Takes up the run, waits for its turn and works on it to its end. A run outside of any data directory waits in the queue of
/// `data`.
///
/// Returns the status it ended with. Everything that goes wrong after the manifest could be read is also
/// recorded in the run itself.
pub fn work(directory: RunDirectory, data: &Path) -> Result<Status, anyhow::Error> {
    panics::listen();
    // Leave the session of the terminal that started us; it fails only if we lead one already.
    let _ = rustix::process::setsid();
    let terminate = Arc::new(AtomicBool::new(false));
    for signal in [signal_hook::consts::SIGTERM, signal_hook::consts::SIGINT, signal_hook::consts::SIGHUP] {
        signal_hook::flag::register(signal, terminate.clone())?;
    }
    // One writer per run. The lock ends with the process, however it ends.
    let _lock = Lock::inherited(&directory)?;
    directory.prepare()?;
    let mut manifest = directory.manifest()?;
    if manifest.status == Status::Done {
        anyhow::bail!("run {} is complete; nothing is left to compute", directory.id());
    }
    let note = same_threads(&mut manifest);
    manifest.pid = std::process::id();
    manifest.host = crate::sys::host_name();
    let place = Place::take(&directory, &manifest.place(), manifest.threads.unwrap_or(1), data);
    manifest.status = if place.is_up() { Status::Running } else { Status::Queued };
    manifest.heartbeat = recorder::now();
    manifest.memory_kills = cgroup::memory_kills();
    manifest.error = None;
    directory.write_manifest(&manifest)?;

    let outcome =
        catch_unwind(AssertUnwindSafe(|| attack(&directory, &mut manifest, note, &terminate, &place)))
            .unwrap_or_else(|panic| Err(anyhow::anyhow!("{}", panics::in_words(&*panic))));
    if let Err(error) = &outcome {
        tracing::error!("{}", crate::text::sentence(error));
        manifest.status = Status::Failed;
        manifest.error = Some(crate::text::sentence(error));
        manifest.heartbeat = recorder::now();
        directory.write_manifest(&manifest)?;
    }
    outcome
}

fn attack(
    directory: &RunDirectory,
    manifest: &mut Manifest,
    note: Option<String>,
    terminate: &Arc<AtomicBool>,
    place: &Place,
) -> Result<Status, anyhow::Error> {
    // Before anything is loaded: one that waits is small.
    if wait(directory, manifest, terminate, place)? == Flow::Stop {
        return Ok(Status::Stopped);
    }
    let plan = plan::plan(&manifest.config)?;
    same_files(manifest, &plan.setup)?;
    rounds::run(directory, manifest, plan, note, terminate, place)
}

/// Waits until the run may compute. One that is stopped before has a log that says so.
fn wait(
    directory: &RunDirectory,
    manifest: &mut Manifest,
    terminate: &AtomicBool,
    place: &Place,
) -> Result<Flow, RunError> {
    if manifest.status == Status::Running {
        return Ok(Flow::Continue);
    }
    let mut beat = Instant::now();
    while !place.is_up() {
        if terminate.load(Ordering::Relaxed) || directory.request() == Request::Stop {
            recorder::stop_unbegun(directory, manifest)?;
            return Ok(Flow::Stop);
        }
        std::thread::sleep(LOOK);
        if beat.elapsed() >= recorder::HEARTBEAT {
            beat = Instant::now();
            manifest.heartbeat = recorder::now();
            // Nothing is lost while it waits: a disk that is full may have room again.
            match directory.write_manifest(manifest) {
                Err(error) if !directory.path().exists() => return Err(error),
                _ => {}
            }
        }
    }
    manifest.status = Status::Running;
    manifest.heartbeat = recorder::now();
    directory.write_manifest(manifest)?;
    Ok(Flow::Continue)
}

/// A run that goes on does so with as many threads as it began with. What to say where it cannot.
fn same_threads(manifest: &mut Manifest) -> Option<String> {
    let has_begun = manifest.pid != 0;
    let before = manifest.threads;
    let now = threads::start(before);
    manifest.threads = Some(now);
    match before {
        _ if !has_begun => None,
        Some(before) if before == now => None,
        Some(before) => Some(format!(
            "this run began with {before} threads and goes on with {now}, so that its last digits may differ"
        )),
        None => Some(format!(
            "with how many threads this run began is not known, and it goes on with {now}: its last digits may differ"
        )),
    }
}

/// A run that goes on does so with the weights, the captured update and what the attacker is granted, that it began with.
fn same_files(manifest: &mut Manifest, setup: &Setup) -> Result<(), anyhow::Error> {
    let victim = &manifest.config.victim;
    let captured = victim.captured.as_ref();
    let weights = captured.map(|captured| &captured.weights).or(victim.weights.as_ref());
    let files = [
        (weights, setup.weights.as_ref().map(|weights| &weights.sha256), &mut manifest.weights_sha256),
        (
            captured.map(|captured| &captured.update),
            setup.captured.as_ref().map(|update| &update.sha256),
            &mut manifest.update_sha256,
        ),
    ];
    for (path, found, begun) in files {
        anyhow::ensure!(
            begun.is_none() || begun.as_ref() == found,
            "{} has changed since this run began; put the old file back, or start a new run",
            path.map_or("victim.weights", String::as_str)
        );
        *begun = found.cloned();
    }
    let generator = setup.generator.as_ref().map(|generator| generator.sha256.clone());
    let granted: Vec<String> = generator.into_iter().chain(setup.enhancer_sha256.clone()).collect();
    anyhow::ensure!(
        manifest.granted_sha256.is_empty() || manifest.granted_sha256 == granted,
        "knowledge.generator or knowledge.enhancer has changed since this run began; put the old file back, or start a new run"
    );
    manifest.granted_sha256 = granted;
    Ok(())
}
