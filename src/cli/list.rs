//! `gialab list`: all runs, live ones first, then newest first.

use std::collections::BTreeMap;
use std::io::Write;

use gialab::config::difference::{differences, in_words};
use gialab::config::preset::{self, Preset};
use gialab::run::{RunRow, progress};
use gialab::text::duration;
use serde::Serialize;

use super::{Context, DONE, output};

#[derive(clap::Args)]
pub struct Arguments {
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
    psnr: Option<f64>,
    /// The same in one sentence.
    #[serde(skip)]
    differs: String,
    /// Said where there is no PSNR: not yet, or never.
    #[serde(skip)]
    unknown: &'static str,
    loss: Option<f64>,
    error: Option<String>,
    path: String,
}

pub fn run(context: &Context, arguments: &Arguments) -> anyhow::Result<u8> {
    let (presets, _) = preset::all(&context.paths.presets());
    let rows: Vec<Row> = context.store.list()?.into_iter().map(|listed| row(listed, &presets)).collect();
    let mut out = output::whole(arguments.json);
    if arguments.json {
        serde_json::to_writer(&mut out, &rows)?;
        writeln!(out)?;
    } else if rows.is_empty() {
        writeln!(out, "no runs in {} yet; gialab run dlg-lenet makes one", context.store.path().display())?;
    } else {
        table(&mut out, &rows)?;
    }
    out.flush()?;
    Ok(DONE)
}

fn table(out: &mut impl Write, rows: &[Row]) -> std::io::Result<()> {
    let width = rows.iter().map(|row| row.run.len()).max().unwrap_or(0);
    writeln!(
        out,
        "{:<width$}  {:<8}  {:<8}  {:>7}  {:>9}  {:>12}  {:>11}  changed",
        "run", "status", "backend", "PSNR dB", "match", "started", "took"
    )?;
    for row in rows {
        writeln!(
            out,
            "{:<width$}  {:<8}  {:<8}  {:>7}  {:>9}  {:>12}  {:>11}  {}{}",
            row.run,
            row.status,
            row.backend.as_deref().unwrap_or("?"),
            row.psnr.map_or_else(|| row.unknown.to_owned(), |psnr| format!("{psnr:.2}")),
            row.loss.map_or_else(|| "-".to_owned(), |loss| format!("{loss:.2e}")),
            row.created.map_or_else(|| "-".to_owned(), started),
            row.seconds.map_or_else(|| "-".to_owned(), duration),
            row.differs,
            row.error.as_ref().map_or_else(String::new, |error| format!("  {error}")),
        )?;
    }
    Ok(())
}

/// The moment a run began, here: `11-28 06:40`.
fn started(created: f64) -> String {
    let then = jiff::Timestamp::from_second(created as i64).unwrap_or_default();
    then.to_zoned(jiff::tz::TimeZone::system()).strftime("%m-%d %H:%M").to_string()
}

fn row(row: RunRow, presets: &[Preset]) -> Row {
    let readable = row.config.is_some();
    let preset = presets.iter().find(|preset| preset.name == row.preset);
    let changes = row.config.as_ref().zip(preset).map(|(config, preset)| differences(&preset.config, config));
    let unknown = if row.has_truth() { "-" } else { "n/a" };
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
        differs: changes.as_deref().map_or_else(|| "-".to_owned(), in_words),
        changed: changes.map(|changes| changes.into_iter().map(|change| (change.key, change.to)).collect()),
        psnr: row.summary.psnr,
        unknown,
        loss: row.summary.loss,
        error: row.error,
        path: row.directory.path().display().to_string(),
    }
}
