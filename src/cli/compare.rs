//! `gialab compare RUN RUN...`: what differs in the settings of runs, and how they did, a column a run. Those of a study are
//! taken cell by cell.

use std::collections::BTreeMap;
use std::io::Write;

use gialab::config::ConfigError;
use gialab::format::Piece;
use gialab::run::comparison::{self, Comparison, Row, Side};
use gialab::run::cost::{Cost, Costs};
use gialab::run::{Health, Manifest, Pulse, RunDirectory, RunError, RunState};
use serde::Serialize;
use serde_json::Value;

use super::selection::Runs;
use super::study::groups;
use super::{Context, DONE, output};

#[derive(clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    runs: Runs,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// One run in the JSON object.
#[derive(Serialize)]
struct Compared<'a> {
    run: String,
    status: &'static str,
    path: String,
    /// Those that are not the same for all.
    settings: BTreeMap<&'static str, &'a str>,
    /// Null where it is not known, or where there is no truth to measure by.
    figures: BTreeMap<&'static str, Option<Value>>,
}

#[derive(Serialize)]
struct Document<'a> {
    runs: Vec<Compared<'a>>,
    /// The run that did best, by figure.
    best: BTreeMap<&'static str, String>,
    /// Why the figures are not like for like, if they are not.
    unlike: Option<&'a str>,
}

pub fn run(context: &Context, arguments: &Arguments) -> anyhow::Result<u8> {
    let runs = arguments.runs.find(context)?;
    if let Some(study) = &arguments.runs.among.study {
        return groups::compare(context, study, &runs, arguments.json);
    }
    if let [run] = runs.as_slice() {
        let message =
            format!("there is one run, {}, and nothing to compare it with; name two or more", run.id());
        return Err(ConfigError::new("compare", message).into());
    }
    let read = runs.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    let sides: Vec<Side> = read
        .iter()
        .map(|of| Side::newest(&of.id, &of.manifest, of.health, &of.state).with_cost(of.cost.as_ref()))
        .collect();
    let comparison = comparison::of(&sides);
    let mut out = output::whole(arguments.json);
    if arguments.json {
        serde_json::to_writer(&mut out, &document(&runs, &sides, &comparison))?;
        writeln!(out)?;
    } else {
        let common: Vec<String> = comparison::common(&sides).into_iter().map(Piece::into_text).collect();
        if !common.is_empty() {
            writeln!(out, "all: {}", common.join(", "))?;
        }
        table(&mut out, &comparison)?;
    }
    out.flush()?;
    Ok(DONE)
}

/// A run as it was read.
struct Read {
    id: String,
    manifest: Manifest,
    health: Health,
    state: RunState,
    cost: Option<Cost>,
}

fn read(run: &RunDirectory) -> Result<Read, RunError> {
    let manifest = run.manifest()?;
    let health = Pulse::default().health(run, &manifest);
    let (state, _) = run.state()?;
    let cost = Costs::beside(run).of(&manifest.config);
    Ok(Read { id: run.id(), manifest, health, state, cost })
}

/// Settings that differ, then the figures, the best with a star.
fn table(out: &mut impl Write, comparison: &Comparison) -> std::io::Result<()> {
    let rows = || {
        let settings = std::iter::once(&comparison.status).chain(&comparison.settings);
        settings.chain(&comparison.figures).chain(&comparison.further)
    };
    let marked = |row: &Row, at: usize| {
        let mark = if row.best == Some(at) { "*" } else { " " };
        format!("{}{mark}", row.cells[at].text)
    };
    let chars = |text: &str| text.chars().count();
    let labels = rows().map(|row| chars(row.ascii)).max().unwrap_or(0);
    let width = |at: usize| {
        let cells = rows().map(|row| chars(&row.cells[at].text));
        cells.chain([chars(&comparison.names[at])]).max().unwrap_or(0) + 1
    };
    let widths: Vec<usize> = (0..comparison.names.len()).map(width).collect();
    let line = |label: &str, cells: &mut dyn Iterator<Item = String>| {
        let cells = cells.zip(&widths).map(|(cell, width)| format!("  {cell:>width$}")).collect::<String>();
        format!("{label:<labels$}{cells}").trim_end().to_owned()
    };
    writeln!(out, "{}", line("run", &mut comparison.names.iter().map(|name| format!("{name} "))))?;
    for row in rows() {
        writeln!(out, "{}", line(row.ascii, &mut (0..row.cells.len()).map(|at| marked(row, at))))?;
    }
    if rows().any(|row| row.best.is_some()) {
        writeln!(out, "* best; the trial of every run was chosen by its matching loss")?;
    }
    comparison.unlike.as_deref().map_or(Ok(()), |sentence| writeln!(out, "{sentence}"))
}

fn document<'a>(runs: &[RunDirectory], sides: &[Side], comparison: &'a Comparison) -> Document<'a> {
    let figures = || comparison.figures.iter().chain(&comparison.further);
    let compared = runs.iter().enumerate().map(|(at, run)| Compared {
        run: run.id(),
        status: sides[at].health.name(),
        path: run.path().display().to_string(),
        settings: comparison.settings.iter().map(|row| (row.key, row.cells[at].text.as_str())).collect(),
        figures: figures().map(|row| (row.key, row.cells[at].value.map(Value::from))).collect(),
    });
    Document {
        runs: compared.collect(),
        best: figures().filter_map(|row| Some((row.key, runs[row.best?].id()))).collect(),
        unlike: comparison.unlike.as_deref(),
    }
}
