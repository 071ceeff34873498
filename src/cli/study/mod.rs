//! `gialab study`: list, run and show studies.

mod export;
pub mod groups;
mod list;
mod run;
mod show;
mod slurm;
mod stop;
mod table;

use std::path::Path;

use clap::Subcommand;
use gialab::config::ConfigError;
use gialab::study::{self, Definition, Place, Scale, Study, StudyError};

use super::{Context, help};

#[derive(clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// List the studies that ship, and those that were begun here
    List(list::Arguments),
    /// Run a study, or go on with one
    ///
    /// Says first how long it takes, then computes the runs that have no result yet, several at once, and prints what came
    /// of it. Ctrl-C stops it; the same command goes on, also after a kill in the middle of any run. What --quick
    /// computed counts for the whole study as well.
    #[command(after_long_help = help::STUDY_RUN)]
    Run(run::Arguments),
    /// Show what came of a study so far
    ///
    /// A row a cell: median and 95 % interval over the pairs of seed and pictures (of shares the mean); below it what the
    /// figures say of every expectation. An interval is a percentile bootstrap over pairs, 9,999 resamples.
    Show(show::Arguments),
    /// Stop a study: its runs write checkpoints
    ///
    /// Wherever on this machine it was started, in a shell or on the screen; gialab study run NAME goes on.
    Stop(stop::Arguments),
    /// Write a study as files for others: a table or a plot for a paper, tables for programs
    ///
    /// svg and pdf are the plot: one axis across, the study's yardstick or --figure upwards, median (of shares mean) with
    /// 95 % interval, a mark and a line a series; verdicts and conditions stand below it. latex is the table with
    /// booktabs, expectations, verdicts and conditions in its caption. csv has a row a cell, json is what study show
    /// --json prints. A file that is there already is left alone, but for --force. The path written is printed.
    #[command(after_long_help = help::STUDY_EXPORT)]
    Export(export::Arguments),
}

/// Which runs of a study are meant.
#[derive(clap::Args)]
struct Size {
    /// Only the part that takes minutes
    #[arg(long)]
    quick: bool,
    /// So many pairs of seed and pictures, instead of as many as the study says
    #[arg(long, value_name = "N", allow_hyphen_values = true, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pairs: Option<u32>,
}

impl Size {
    fn scale(&self) -> Scale {
        Scale { quick: self.quick, pairs: self.pairs }
    }
}

pub fn run(context: &Context, arguments: &Arguments) -> anyhow::Result<u8> {
    match &arguments.command {
        Command::List(arguments) => list::run(context, arguments),
        Command::Run(arguments) => run::run(context, arguments),
        Command::Show(arguments) => show::run(context, arguments),
        Command::Stop(arguments) => stop::run(context, arguments),
        Command::Export(arguments) => export::run(context, arguments),
    }
}

/// A study with the directory of its runs: one that ships, one that was begun here, or one from a file.
fn find(context: &Context, name: &str, called: Option<&str>) -> Result<(Study, Place), StudyError> {
    let begun = Place::of(&context.paths.data, name).definition();
    let is_shipped = study::shipped_names().any(|shipped| shipped == name);
    let is_name = Path::new(name).components().count() == 1 && !name.contains('.');
    let (name, origin, definition): (String, String, Definition) =
        match !is_shipped && is_name && begun.exists() {
            true => (name.to_owned(), begun.display().to_string(), study::read(&begun)?),
            false => study::load(name)?,
        };
    let called = called.map_or_else(|| Ok(name.clone()), own_name)?;
    let place = Place::of(&context.paths.data, &called);
    Ok((Study::of(called, &origin, definition, &context.paths.presets())?, place))
}

/// The name that the user gives a study.
fn own_name(name: &str) -> Result<String, ConfigError> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    match !name.is_empty() && name.chars().all(plain) {
        true => Ok(name.to_owned()),
        false => Err(ConfigError::new(format!("--as {name}"), "a name has letters, digits, - and _ alone")),
    }
}
