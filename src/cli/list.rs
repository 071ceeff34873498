//! `gialab list`: all runs, live ones first, then newest first.

use std::io::Write;

use gialab::run::RunRow;
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
    psnr: Option<f64>,
    /// Said where there is no PSNR: not yet, or never.
    #[serde(skip)]
    unknown: &'static str,
    loss: Option<f64>,
    error: Option<String>,
    path: String,
}

pub fn run(context: &Context, arguments: &Arguments) -> anyhow::Result<u8> {
    let rows: Vec<Row> = context.store.list()?.into_iter().map(row).collect();
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
    writeln!(out, "{:<width$}  {:<8}  {:<8}  {:>7}  {:>9}", "run", "status", "backend", "PSNR dB", "match")?;
    for row in rows {
        writeln!(
            out,
            "{:<width$}  {:<8}  {:<8}  {:>7}  {:>9}{}",
            row.run,
            row.status,
            row.backend.as_deref().unwrap_or("?"),
            row.psnr.map_or_else(|| row.unknown.to_owned(), |psnr| format!("{psnr:.2}")),
            row.loss.map_or_else(|| "-".to_owned(), |loss| format!("{loss:.2e}")),
            row.error.as_ref().map_or_else(String::new, |error| format!("  {error}")),
        )?;
    }
    Ok(())
}

fn row(row: RunRow) -> Row {
    let readable = row.config.is_some();
    let unknown = if row.has_truth() { "-" } else { "n/a" };
    Row {
        run: row.id,
        status: row.health.name(),
        preset: readable.then_some(row.preset),
        backend: readable.then_some(row.backend),
        host: readable.then_some(row.host),
        created: readable.then_some(row.created),
        psnr: row.summary.psnr,
        unknown,
        loss: row.summary.loss,
        error: row.error,
        path: row.directory.path().display().to_string(),
    }
}
