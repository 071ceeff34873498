//! `gialab trash`: what was deleted and can be had back.

use std::io::Write;

use gialab::format;
use gialab::run::{Trash, now};
use jiff::tz::TimeZone;

use super::{Context, DONE, FAILED, output, rm};

#[derive(clap::Args)]
pub struct Arguments {
    /// Delete what is in it for good, after asking
    #[arg(long)]
    empty: bool,
    /// Without asking
    #[arg(long, short, requires = "empty")]
    yes: bool,
}

pub fn run(context: &Context, arguments: &Arguments) -> anyhow::Result<u8> {
    let trash = Trash::in_data_dir(&context.paths.data);
    let bundles = trash.bundles()?;
    let mut out = output::lines();
    let count: usize = bundles.iter().map(|bundle| bundle.runs.len()).sum();
    if count == 0 {
        writeln!(out, "the trash is empty")?;
        return Ok(DONE);
    }
    if arguments.empty {
        drop(out);
        let what = format!("{count} {} in the trash", if count == 1 { "run" } else { "runs" });
        let question = format!("delete {what} for good, with curves, pictures and results?");
        if !arguments.yes && !rm::agreed(&question, &format!("delete {what} for good"))? {
            return Ok(FAILED);
        }
        writeln!(output::lines(), "{} deleted for good", trash.empty()?)?;
        return Ok(DONE);
    }
    for bundle in bundles.iter().rev() {
        let discarded = format::moment(bundle.discarded, now(), &TimeZone::system());
        for (name, _) in &bundle.runs {
            writeln!(out, "{discarded:>12}  {name}")?;
        }
    }
    writeln!(out, "gialab rm --undo brings the newest back, gialab trash --empty frees the room")?;
    Ok(DONE)
}
