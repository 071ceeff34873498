//! Studies that are run by a process of their own, which outlives whoever started it: `gialab study run`, without a
//! terminal, its words in `study.log` beside the runs.

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::StudyError;
use super::grid::Place;
use crate::files;
use crate::run::lock::{self, Held};
use crate::run::{self, Request, RunError};
use crate::sys;

/// Planning every cell of a large study takes a while; what takes longer is taken to have begun.
const DEADLINE: Duration = Duration::from_secs(60);

/// How often one looks whether it has begun.
const LOOK: Duration = Duration::from_millis(50);

/// Whether a process runs the study. Job arrays, of which each task has its own run, are not seen.
pub fn is_conducted(place: &Place) -> bool {
    lock::look(&place.lock()) == Held::Yes
}

/// Starts `gialab study run NAME` and returns once it has taken the study up. `quick` is the part that takes minutes.
///
/// # Errors
/// If the process cannot be started, or why it ended at once.
pub fn start(data: &Path, name: &str, quick: bool) -> Result<(), StudyError> {
    let place = Place::of(data, name);
    files::create_directories(place.path()).map_err(|e| RunError::io("create", place.path(), e))?;
    let log = place.log();
    let words = files::append(&log).map_err(|e| RunError::io("write", &log, e))?;
    let program = std::env::current_exe().map_err(|e| RunError::io("find", "gialab".as_ref(), e))?;
    let data = std::path::absolute(data).map_err(|e| RunError::io("find", data, e))?;
    let mut child = Command::new(&program)
        .arg("--data-dir")
        .arg(&data)
        .args(["study", "run", name, "--yes"])
        .args(quick.then_some("--quick"))
        .stdin(Stdio::null())
        // The table of what came of it is `gialab study show`.
        .stdout(Stdio::null())
        .stderr(words)
        // Ctrl-C and a hang-up of this terminal do not reach it.
        .process_group(0)
        .spawn()
        .map_err(|e| RunError::io("start", &program, e))?;
    let give_up = Instant::now() + DEADLINE;
    while Instant::now() < give_up {
        match child.try_wait() {
            Ok(Some(status)) if status.success() => return Ok(()),
            Ok(Some(status)) => {
                let said = run::log::last_lines(&log, 1).pop();
                let reason = said.map_or_else(
                    || status.to_string(),
                    |line| line.trim_start_matches("gialab: ").to_owned(),
                );
                return Err(StudyError::Ended { study: name.to_owned(), reason });
            }
            _ if conductors(&place).contains(&child.id()) => break,
            _ => std::thread::sleep(LOOK),
        }
    }
    // Collected, for a zombie would look alive.
    std::thread::spawn(move || child.wait());
    Ok(())
}

/// Asks whoever runs the study to end: its runs write checkpoints. Where nobody does any more, the runs are asked that its
/// process has left behind.
///
/// # Errors
/// If it is run on another host, or if a run cannot be asked.
pub fn stop(data: &Path, name: &str) -> Result<(), StudyError> {
    let place = Place::of(data, name);
    if !is_conducted(&place) {
        let runs = place.store().list()?;
        return runs
            .iter()
            .filter(|run| run.health.is_live())
            .try_for_each(|run| run.directory.ask(Request::Stop))
            .map_err(StudyError::from);
    }
    match conductors(&place).as_slice() {
        [] => Err(StudyError::Elsewhere { study: name.to_owned() }),
        pids => {
            pids.iter().for_each(|pid| sys::terminate(*pid));
            Ok(())
        }
    }
}

/// The processes of this machine that run the study.
fn conductors(place: &Place) -> Vec<u32> {
    let holders = fs::metadata(place.lock()).map(|lock| sys::lock_holders(&lock)).unwrap_or_default();
    // Whoever looks at a lock holds it for a moment.
    holders.into_iter().filter(|pid| sys::runs(*pid, &[b"study", b"run"])).collect()
}
