//! `gialab resume RUN...`: goes on with runs from their last checkpoints.

use std::io::Write;

use gialab::run::{Health, RunDirectory, RunError, launch};

use super::run::Follow;
use super::selection::Runs;
use super::{Context, DONE, output, progress};

#[derive(clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    runs: Runs,
    /// Start them and return; the only way for several
    #[arg(long, conflicts_with_all = ["json", "require"])]
    detach: bool,
    #[command(flatten)]
    follow: Follow,
}

pub fn run(context: &Context, arguments: &Arguments) -> anyhow::Result<u8> {
    let requirements = arguments.follow.requirements()?;
    let runs = arguments.runs.find(context)?;
    if let [directory] = runs.as_slice() {
        go_on(directory)?;
        if arguments.detach {
            writeln!(output::lines(), "{}", directory.id())?;
            return Ok(DONE);
        }
        return progress::follow(context, directory, arguments.follow.json, &requirements);
    }
    anyhow::ensure!(
        arguments.detach,
        "{} runs cannot be followed at once; add --detach to start them",
        runs.len()
    );
    let standing = runs.iter().map(|run| Ok((run, run.health()?))).collect::<Result<Vec<_>, RunError>>()?;
    let standing: Vec<_> = standing.into_iter().filter(|(_, health)| health.can_resume()).collect();
    anyhow::ensure!(
        !standing.is_empty(),
        "none of these {} runs stands: they run or are complete",
        runs.len()
    );
    let mut out = output::lines();
    for (directory, _) in standing {
        go_on(directory)?;
        writeln!(out, "{}", directory.id())?;
    }
    Ok(DONE)
}

/// Starts the worker of a run that stands.
fn go_on(directory: &RunDirectory) -> anyhow::Result<()> {
    match directory.health()? {
        Health::Done => anyhow::bail!(
            "run {} is complete; gialab show {} shows it, gialab run {} starts a new one",
            directory.id(),
            directory.id(),
            directory.manifest()?.preset
        ),
        health if health.is_live() => Err(RunError::busy(directory).into()),
        _ => Ok(launch::launch(directory)?),
    }
}
