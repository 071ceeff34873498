//! `gialab stop RUN...`: asks the workers to write a checkpoint and end, and waits until they have.

use std::io::Write;
use std::time::{Duration, Instant};

use gialab::run::{Health, Request, RunDirectory};
use gialab::sys;

use super::selection::Runs;
use super::{Context, DONE, output};

/// An iteration of a large model takes seconds; a worker that needs longer than this is stuck.
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    runs: Runs,
}

/// All are asked before the first is waited for. Of several, those that do not run are left as they are.
pub fn run(context: &Context, arguments: &Arguments) -> anyhow::Result<u8> {
    let runs = arguments.runs.find(context)?;
    let mut live = Vec::with_capacity(runs.len());
    for directory in &runs {
        let health = directory.health()?;
        match health.is_live() {
            true => live.push(directory.clone()),
            false if runs.len() == 1 => {
                anyhow::bail!("run {} is not running: it is {}", directory.id(), health.name());
            }
            false => {}
        }
    }
    anyhow::ensure!(!live.is_empty(), "none of these {} runs is running", runs.len());
    stop(&live)
}

/// Stops runs that have a worker.
pub fn stop(live: &[RunDirectory]) -> anyhow::Result<u8> {
    for directory in live {
        directory.ask(Request::Stop)?;
        // A worker that is suspended stops once it goes on.
        if let Some(pid) = directory.worker_process().filter(|&pid| sys::is_suspended(pid)) {
            sys::wake(pid);
        }
    }
    let begin = Instant::now();
    let outcomes: Vec<anyhow::Result<String>> =
        live.iter().map(|directory| stopped(directory, begin)).collect();
    let mut out = output::lines();
    for said in outcomes.iter().flatten() {
        writeln!(out, "{said}")?;
    }
    outcomes.into_iter().find_map(Result::err).map_or(Ok(DONE), Err)
}

/// Waits until a run has ended.
fn stopped(directory: &RunDirectory, begin: Instant) -> anyhow::Result<String> {
    while directory.health()?.is_live() {
        if begin.elapsed() > PATIENCE {
            let process = match directory.worker_process() {
                Some(pid) => format!("process {pid} can be killed"),
                None => format!("its worker on {} can be killed", directory.manifest()?.host),
            };
            anyhow::bail!(
                "run {} did not stop within a minute; {process}, the last checkpoint stands",
                directory.id()
            );
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    let (run, health) = (directory.id(), directory.health()?);
    match health {
        Health::Stopped => Ok(format!("{run} is stopped; gialab resume {run} goes on")),
        Health::Done => Ok(format!("{run} is done: it was complete before it could stop")),
        _ => anyhow::bail!("run {run} is {}; gialab resume {run} goes on", health.name()),
    }
}
