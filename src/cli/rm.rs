//! `gialab rm RUN...`: deletes runs, after asking.

use std::io::{BufRead, IsTerminal, Write};

use gialab::run::RunDirectory;

use super::{Context, DONE, FAILED, complete, output};

#[derive(clap::Args)]
pub struct Arguments {
    /// Names of runs, each a part of it that fits one run, or `last`
    #[arg(required = true, add = complete::runs())]
    runs: Vec<String>,
    /// Delete without asking
    #[arg(long, short)]
    yes: bool,
}

pub fn run(context: &Context, arguments: &Arguments) -> anyhow::Result<u8> {
    // All are found before the first is deleted.
    let mut runs: Vec<RunDirectory> = Vec::new();
    for name in &arguments.runs {
        let found = context.store.find(name)?;
        if !runs.contains(&found) {
            runs.push(found);
        }
    }
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
