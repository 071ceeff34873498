//! `gialab rm RUN...`: moves runs to the trash, after asking, or brings the last ones back.

use std::io::{BufRead, IsTerminal, Write};

use gialab::run::{RunDirectory, Trash};

use super::selection::Runs;
use super::{Context, DONE, FAILED, output};

#[derive(clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    runs: Runs,
    /// Delete without asking
    #[arg(long, short)]
    yes: bool,
    /// Bring back what was deleted last
    #[arg(long, conflicts_with_all = ["runs", "filter", "study", "for_good"])]
    undo: bool,
    /// Past the trash, which cannot be undone
    #[arg(long)]
    for_good: bool,
}

pub fn run(context: &Context, arguments: &Arguments) -> anyhow::Result<u8> {
    let trash = Trash::in_data_dir(&context.paths.data);
    if arguments.undo {
        for run in trash.undo()? {
            writeln!(output::lines(), "{run} is back")?;
        }
        return Ok(DONE);
    }
    // All are found before the first is deleted.
    let runs = arguments.runs.find(context)?;
    let names = runs.iter().map(RunDirectory::id).collect::<Vec<_>>().join(", ");
    let (question, deed) = match arguments.for_good {
        true => {
            let question = format!("delete {names} for good, with curves, pictures and result?");
            (question, format!("delete {names} for good"))
        }
        false => (format!("move {names} to the trash?"), format!("move {names} to the trash")),
    };
    if !arguments.yes && !agreed(&question, &deed)? {
        return Ok(FAILED);
    }
    let mut out = output::lines();
    if arguments.for_good {
        for run in &runs {
            context.store.delete(run)?;
            writeln!(out, "{} is deleted", run.id())?;
        }
        return Ok(DONE);
    }
    for (run, taken) in runs.iter().zip(trash.take(&runs)?) {
        taken?;
        writeln!(out, "{} is in the trash; gialab rm --undo brings it back", run.id())?;
    }
    Ok(DONE)
}

/// Asks the person; where there is none, nothing is deleted.
pub fn agreed(question: &str, deed: &str) -> anyhow::Result<bool> {
    if !std::io::stdin().is_terminal() {
        anyhow::bail!("nobody can be asked here, and nothing is deleted: add --yes to {deed}");
    }
    let mut out = output::lines();
    write!(out, "{question} [y/N] ")?;
    out.flush()?;
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}
