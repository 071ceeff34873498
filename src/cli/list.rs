//! `gialab list`: all runs, live ones first, then newest first.

use std::io::Write;

use gialab::run::store::Entry;
use serde::Serialize;

use super::{Context, DONE};

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
    loss: Option<f64>,
    error: Option<String>,
    path: String,
}

pub fn run(context: &Context, arguments: &Arguments) -> anyhow::Result<u8> {
    let rows: Vec<Row> = context.store.list(gialab::run::now())?.into_iter().map(row).collect();
    let mut out = std::io::stdout().lock();
    if arguments.json {
        serde_json::to_writer(&mut out, &rows)?;
        writeln!(out)?;
        return Ok(DONE);
    }
    if rows.is_empty() {
        writeln!(out, "no runs in {} yet; gialab run dlg-lenet makes one", context.store.path().display())?;
        return Ok(DONE);
    }
    let width = rows.iter().map(|row| row.run.len()).max().unwrap_or(0);
    writeln!(out, "{:<width$}  {:<8}  {:<8}  {:>7}  {:>9}", "run", "status", "backend", "PSNR dB", "match")?;
    for row in rows {
        writeln!(
            out,
            "{:<width$}  {:<8}  {:<8}  {:>7}  {:>9}{}",
            row.run,
            row.status,
            row.backend.as_deref().unwrap_or("?"),
            row.psnr.map_or_else(|| "-".to_owned(), |psnr| format!("{psnr:.2}")),
            row.loss.map_or_else(|| "-".to_owned(), |loss| format!("{loss:.2e}")),
            row.error.map_or_else(String::new, |error| format!("  {error}")),
        )?;
    }
    Ok(DONE)
}

fn row(entry: Entry) -> Row {
    let result = entry.directory.result().and_then(|finished| finished.rounds.into_iter().next());
    let (manifest, error) = match entry.manifest {
        Ok(manifest) => {
            let error = manifest.error.clone();
            (Some(manifest), error)
        }
        Err(error) => (None, Some(error.to_string())),
    };
    Row {
        run: entry.directory.id(),
        status: entry.health.name(),
        preset: manifest.as_ref().map(|m| m.preset.clone()),
        backend: manifest.as_ref().map(|m| m.backend.clone()),
        host: manifest.as_ref().map(|m| m.host.clone()),
        created: manifest.as_ref().map(|m| m.created),
        psnr: result.as_ref().map(|r| r.metrics.psnr.mean),
        loss: result.as_ref().map(|r| r.loss),
        error,
        path: entry.directory.path().display().to_string(),
    }
}
