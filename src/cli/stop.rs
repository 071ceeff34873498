//! `gialab stop RUN`: asks the worker to write a checkpoint and end, and waits until it has.

use std::io::Write;
use std::time::{Duration, Instant};

use gialab::run::{Health, Request};
use gialab::sys;

use super::{Context, DONE, complete, output};

/// An iteration of a large model takes seconds; a worker that needs longer than this is stuck.
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(clap::Args)]
pub struct Arguments {
    /// Name of the run, a part of it that fits one run, or `last`
    #[arg(add = complete::runs())]
    run: String,
}

pub fn run(context: &Context, arguments: &Arguments) -> anyhow::Result<u8> {
    let directory = context.store.find(&arguments.run)?;
    let health = directory.health()?;
    if !health.is_live() {
        anyhow::bail!("run {} is not running: it is {}", directory.id(), health.name());
    }
    directory.ask(Request::Stop)?;
    // A worker that is suspended stops once it goes on.
    if let Some(pid) = directory.worker_process().filter(|&pid| sys::is_suspended(pid)) {
        sys::wake(pid);
    }
    let begin = Instant::now();
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
    let mut out = output::lines();
    let (run, health) = (directory.id(), directory.health()?);
    match health {
        Health::Stopped => writeln!(out, "{run} is stopped; gialab resume {run} goes on")?,
        Health::Done => writeln!(out, "{run} is done: it was complete before it could stop")?,
        _ => anyhow::bail!("run {run} is {}; gialab resume {run} goes on", health.name()),
    }
    Ok(DONE)
}
