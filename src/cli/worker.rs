//! `gialab worker RUN`: computes a run. Output goes to the run's log.

use std::path::PathBuf;

use gialab::run::{RunDirectory, worker};
use tracing_subscriber::EnvFilter;

use super::{Context, DONE};

#[derive(clap::Args)]
pub struct Arguments {
    /// Directory of the run
    run: PathBuf,
}

pub fn run(context: &Context, arguments: &Arguments) -> anyhow::Result<u8> {
    let filter = EnvFilter::try_from_env("GIALAB_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt().with_env_filter(filter).with_ansi(false).with_writer(std::io::stderr).init();
    worker::work(RunDirectory::at(&arguments.run), &context.paths.data)?;
    Ok(DONE)
}
