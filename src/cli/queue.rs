//! `gialab queue`: the runs of this machine that compute or wait, and their order.

use std::io::Write;

use anyhow::ensure;
use gialab::backend;
use gialab::config::preset;
use gialab::expectation::Experience;
use gialab::run::queue::{Change, Entry, forecast, ticket};
use gialab::run::{Queue, RunDirectory, now};
use gialab::text::about;
use gialab::{format, sys};
use jiff::tz::TimeZone;
use serde::Serialize;

use super::selection::Runs;
use super::{Context, DONE, output, stop};

#[derive(clap::Args)]
#[command(args_conflicts_with_subcommands = true, disable_help_subcommand = true)]
pub struct Arguments {
    #[command(subcommand)]
    action: Option<Action>,
    /// Print one JSON array
    #[arg(long)]
    json: bool,
}

#[derive(clap::Subcommand)]
enum Action {
    /// Let runs begin before all others that wait
    First(Runs),
    /// Let runs begin after all others that wait
    Last(Runs),
    /// Keep runs that wait from beginning, until they are released
    Hold(Runs),
    /// Let runs that are held wait for their turn again
    Release(Runs),
    /// Stop runs that wait; they can be resumed
    Cancel(Runs),
}

/// One run in the JSON array.
#[derive(Serialize)]
struct Row {
    /// Among those that wait for the same.
    place: Option<usize>,
    run: String,
    state: &'static str,
    /// What it waits for or computes on.
    on: String,
    threads: Option<usize>,
    /// Seconds since the epoch at which it came to this state.
    since: f64,
    /// Seconds until it is likely to begin.
    starts_in: Option<f64>,
    path: String,
}

pub fn run(context: &Context, arguments: &Arguments) -> anyhow::Result<u8> {
    let queue = Queue::in_data_dir(&context.paths.data);
    match &arguments.action {
        None => show(context, &queue, arguments.json),
        Some(Action::First(runs)) => change(context, &queue, runs, Change::First, "is the next to begin"),
        Some(Action::Last(runs)) => change(context, &queue, runs, Change::Last, "waits behind the others"),
        Some(Action::Hold(runs)) => change(context, &queue, runs, Change::Hold, "is held"),
        Some(Action::Release(runs)) => change(context, &queue, runs, Change::Release, "waits for its turn"),
        Some(Action::Cancel(runs)) => {
            let waiting = waiting(&queue, runs.find(context)?)?;
            stop::stop(&waiting)
        }
    }
}

/// Of several runs those that wait; a single one must.
fn waiting(queue: &Queue, runs: Vec<RunDirectory>) -> anyhow::Result<Vec<RunDirectory>> {
    if runs.len() == 1 {
        queue.waits(&runs[0])?;
        return Ok(runs);
    }
    let count = runs.len();
    let waiting: Vec<RunDirectory> = runs.into_iter().filter(|run| queue.waits(run).is_ok()).collect();
    ensure!(!waiting.is_empty(), "none of these {count} runs waits in the queue");
    Ok(waiting)
}

fn change(context: &Context, queue: &Queue, runs: &Runs, change: Change, done: &str) -> anyhow::Result<u8> {
    let runs = waiting(queue, runs.find(context)?)?;
    let outcomes = queue.change(&runs, change)?;
    let mut out = output::lines();
    for (run, outcome) in runs.iter().zip(outcomes) {
        outcome?;
        writeln!(out, "{} {done}", run.id())?;
    }
    Ok(DONE)
}

fn show(context: &Context, queue: &Queue, json: bool) -> anyhow::Result<u8> {
    let entries = queue.entries();
    let (presets, _) = preset::all(&context.paths.presets());
    let mut experience = Experience::kept(&context.paths.cache, backend::built_in().iter().copied());
    // What runs took here is no more than a help.
    experience.take_up(&context.store.list().unwrap_or_default(), &sys::host_name());
    let starts = forecast::expected(&entries, &presets, &experience);
    let rows: Vec<Row> =
        entries.iter().zip(starts).map(|(entry, start)| row(entry, &entries, start)).collect();
    let mut out = output::whole(json);
    if json {
        serde_json::to_writer(&mut out, &rows)?;
        writeln!(out)?;
    } else if rows.is_empty() {
        writeln!(out, "no run computes or waits on {}", sys::host_name())?;
    } else {
        table(&mut out, &rows)?;
    }
    out.flush()?;
    Ok(DONE)
}

fn row(entry: &Entry, entries: &[Entry], starts_in: Option<f64>) -> Row {
    let ticket = &entry.ticket;
    let directory = RunDirectory::at(&ticket.run);
    Row {
        place: ticket::place(entry, entries),
        run: directory.id(),
        state: entry.standing().name(),
        on: ticket.resource.clone(),
        threads: directory.manifest().ok().and_then(|manifest| manifest.threads),
        since: ticket.since,
        starts_in,
        path: ticket.run.display().to_string(),
    }
}

fn table(out: &mut impl Write, rows: &[Row]) -> std::io::Result<()> {
    let width =
        |words: fn(&Row) -> &str| rows.iter().map(|row| words(row).chars().count()).max().unwrap_or(0);
    let (run, on) = (width(|row| &row.run).max(3), width(|row| &row.on).max(2));
    let dash = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    writeln!(
        out,
        "{:>5}  {:<run$}  {:<9}  {:<on$}  {:>7}  {:>12}  starts",
        "place", "run", "state", "on", "threads", "since"
    )?;
    let (now, zone) = (now(), TimeZone::system());
    for row in rows {
        writeln!(
            out,
            "{:>5}  {:<run$}  {:<9}  {:<on$}  {:>7}  {:>12}  {}",
            dash(row.place.map(|place| place.to_string())),
            row.run,
            row.state,
            row.on,
            dash(row.threads.map(|threads| threads.to_string())),
            format::moment(row.since, now, &zone),
            dash(row.starts_in.map(|seconds| format!("in about {}", about(seconds.round())))),
        )?;
    }
    Ok(())
}
