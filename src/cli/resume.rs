//! `gialab resume RUN`: goes on with a run from its last checkpoint.

use std::io::Write;

use gialab::run::{Health, RunError, launch};

use super::run::Follow;
use super::{Context, DONE, complete, output, progress};

#[derive(clap::Args)]
pub struct Arguments {
    /// Name of the run, a part of it that fits one run, or `last`
    #[arg(add = complete::runs())]
    run: String,
    /// Start it and return
    #[arg(long, conflicts_with_all = ["json", "require"])]
    detach: bool,
    #[command(flatten)]
    follow: Follow,
}

pub fn run(context: &Context, arguments: &Arguments) -> anyhow::Result<u8> {
    let requirements = arguments.follow.requirements()?;
    let directory = context.store.find(&arguments.run)?;
    let manifest = directory.manifest()?;
    match directory.health()? {
        Health::Done => anyhow::bail!(
            "run {} is complete; gialab show {} shows it, gialab run {} starts a new one",
            directory.id(),
            directory.id(),
            manifest.preset
        ),
        health if health.is_live() => return Err(RunError::busy(&directory).into()),
        _ => launch::launch(&directory)?,
    }
    if arguments.detach {
        writeln!(output::lines(), "{}", directory.id())?;
        return Ok(DONE);
    }
    progress::follow(context, &directory, arguments.follow.json, &requirements)
}
