//! `gialab rm RUN...`: deletes runs, after asking.

use std::io::{BufRead, IsTerminal, Write};

use gialab::run::RunDirectory;

use super::selection::Runs;
use super::{Context, DONE, FAILED, output};

#[derive(clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    runs: Runs,
    /// Delete without asking
    #[arg(long, short)]
    yes: bool,
}

pub fn run(context: &Context, arguments: &Arguments) -> anyhow::Result<u8> {
    // All are found before the first is deleted.
    let runs = arguments.runs.find(context)?;
    let names = runs.iter().map(RunDirectory::id).collect::<Vec<_>>().join(", ");
    if !arguments.yes && !agreed(&names)? {
        return Ok(FAILED);
    }
    let mut out = output::lines();
    for run in &runs {
        context.store.delete(run)?;
        writeln!(out, "{} is deleted", run.id())?;
    }
    Ok(DONE)
}

/// Asks the person; where there is none, nothing is deleted.
fn agreed(names: &str) -> anyhow::Result<bool> {
    if !std::io::stdin().is_terminal() {
        anyhow::bail!(
            "nobody can be asked here, and nothing is deleted: add --yes to delete {names} for good"
        );
    }
    let mut out = output::lines();
    write!(out, "delete {names} for good, with curves, pictures and result? [y/N] ")?;
    out.flush()?;
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}
