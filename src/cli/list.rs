//! `gialab list`: all runs, live ones first, then newest first.

use std::collections::BTreeMap;
use std::io::Write;

use gialab::config::difference::differences;
use gialab::config::preset::{self, Preset};
use gialab::run::{InWords, Notebook, RunRow, Sort, progress};
use gialab::text::nearest;
use serde::Serialize;

use super::selection::{Among, filtered};
use super::{Context, DONE, complete, output};

#[derive(clap::Args)]
pub struct Arguments {
    /// Only runs with these words, or that meet conditions as 'psnr>20 status:done' (quote them for the shell)
    #[arg(long, value_name = "WORDS", allow_hyphen_values = true, add = complete::filters())]
    filter: Option<String>,
    /// In this order: newest, preset, status, took, or a figure, the best first: psnr, brr, match, … (gialab explain)
    #[arg(long, value_name = "COLUMN", value_parser = sort, default_value = "newest", hide_default_value = true, add = complete::sorts())]
    sort: Sort,
    /// The other way round; what is not known stays last
    #[arg(long)]
    reverse: bool,
    #[command(flatten)]
    among: Among,
    /// Print one JSON array
    #[arg(long)]
    json: bool,
}

/// One run in the JSON array.
#[derive(Serialize)]
struct Row {
    run: String,
    status: &'static str,
    preset: Option<String>,
    backend: Option<String>,
    host: Option<String>,
    created: Option<f64>,
    /// Seconds of computing so far.
    seconds: Option<f64>,
    /// Share of the planned work that is done; absent once the run is complete.
    progress: Option<f64>,
    /// What is not as its preset says, `key = value`; absent where the preset is not there any more.
    changed: Option<BTreeMap<&'static str, String>>,
    /// What a person wrote to it.
    #[serde(flatten)]
    notebook: Notebook,
    psnr: Option<f64>,
    loss: Option<f64>,
    /// All that was measured, by key: those of the last round, or of the current iterate.
    figures: BTreeMap<&'static str, f64>,
    /// How it waits, if it does.
    waits: Option<String>,
    error: Option<String>,
    path: String,
}

pub fn run(context: &Context, arguments: &Arguments) -> anyhow::Result<u8> {
    let (presets, _) = preset::all(&context.paths.presets());
    let store = arguments.among.store(context)?;
    let (mut rows, count) = filtered(context, &store, arguments.filter.as_deref().unwrap_or_default())?;
    rows.sort_by(|(a, _), (b, _)| arguments.sort.compare(a, b, arguments.reverse));
    let mut out = output::whole(arguments.json);
    if arguments.json {
        let rows: Vec<Row> = rows.into_iter().map(|(listed, _)| row(listed, &presets)).collect();
        serde_json::to_writer(&mut out, &rows)?;
        writeln!(out)?;
    } else if count == 0 {
        writeln!(out, "no runs in {} yet; gialab run dlg-lenet makes one", store.path().display())?;
    } else if rows.is_empty() {
        writeln!(out, "none of {count} runs is found by this filter")?;
    } else {
        table(&mut out, &rows)?;
    }
    out.flush()?;
    Ok(DONE)
}

/// An order by its name.
fn sort(name: &str) -> Result<Sort, String> {
    Sort::of(name).ok_or_else(|| {
        let near = nearest(name, Sort::all().map(Sort::key));
        let near = near
            .map_or_else(|| "gialab explain lists them".to_owned(), |near| format!("did you mean {near}?"));
        format!("there is no figure `{name}`, nor a column newest, preset, status or took; {near}")
    })
}

fn table(out: &mut impl Write, rows: &[(RunRow, InWords)]) -> std::io::Result<()> {
    let width = rows.iter().map(|(row, _)| row.id.chars().count()).max().unwrap_or(0);
    writeln!(
        out,
        "{:<width$}  {:<8}  {:<8}  {:>7}  {:>8}  {:>12}  {:>9}  changed",
        "run", "status", "backend", "PSNR dB", "match", "started", "took"
    )?;
    for (row, words) in rows {
        writeln!(
            out,
            "{:<width$}  {:<8}  {:<8}  {:>7}  {:>8}  {:>12}  {:>9}  {}{}",
            row.id,
            row.health.name(),
            words.backend,
            words.psnr,
            words.loss,
            words.started,
            words.took,
            [row.notebook.in_line(), words.changed.clone()].join(" ").trim(),
            row.error
                .clone()
                .or_else(|| row.waits.map(|turn| turn.to_string()))
                .map_or_else(String::new, |words| format!("  {words}")),
        )?;
    }
    Ok(())
}

fn row(row: RunRow, presets: &[Preset]) -> Row {
    let readable = row.config.is_some();
    let preset = presets.iter().find(|preset| preset.name == row.preset);
    let changes = row.config.as_ref().zip(preset).map(|(config, preset)| differences(&preset.config, config));
    Row {
        run: row.id,
        status: row.health.name(),
        preset: readable.then_some(row.preset),
        backend: readable.then_some(row.backend),
        host: readable.then_some(row.host),
        created: readable.then_some(row.created),
        seconds: row.summary.seconds,
        progress: row
            .config
            .as_ref()
            .zip(row.summary.place)
            .map(|(config, at)| progress::share_at(config, at)),
        notebook: row.notebook,
        changed: changes.map(|changes| changes.into_iter().map(|change| (change.key, change.to)).collect()),
        psnr: row.summary.figure("psnr"),
        loss: row.summary.figure("match"),
        figures: row.summary.figures,
        waits: row.waits.map(|turn| turn.to_string()),
        error: row.error,
        path: row.directory.path().display().to_string(),
    }
}
