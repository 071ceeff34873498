//! `gialab audit list` and `gialab audit stop`: the audits of the data directory.

use std::io::Write;
use std::time::{Duration, Instant};

use gialab::audit::{self, shelf};
use gialab::config::{ConfigError, not_known};
use gialab::format;
use gialab::run;
use serde::Serialize;

use super::{Context, DONE, complete, output};

/// How long one waits for an audit to end.
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(clap::Args)]
pub struct List {
    /// Print one JSON array
    #[arg(long)]
    json: bool,
}

#[derive(clap::Args)]
pub struct Stop {
    /// Its name, as `gialab audit list` has it
    #[arg(value_name = "AUDIT", add = complete::audits())]
    name: String,
}

/// One audit in the JSON array.
#[derive(Serialize)]
struct Row {
    audit: String,
    state: &'static str,
    /// Runs with a result.
    runs_done: usize,
    runs_begun: usize,
    /// Seconds since something was written to it.
    seconds_ago: f64,
    /// The most that came back, in a few words; nothing before there is a report.
    found: Option<String>,
    path: String,
}

pub fn list(context: &Context, arguments: &List) -> anyhow::Result<u8> {
    let now = run::now();
    let row = |kept: shelf::Kept| {
        let (state, found) = match &kept.report {
            _ if kept.live => ("running", None),
            Some(Ok(report)) => ("done", Some(audit::found(report))),
            Some(Err(error)) => ("unreadable", Some(error.clone())),
            None => ("stopped", None),
        };
        Row {
            state,
            found,
            runs_done: kept.runs.0,
            runs_begun: kept.runs.1,
            seconds_ago: now - kept.at,
            path: kept.path.display().to_string(),
            audit: kept.name,
        }
    };
    let rows: Vec<Row> = shelf::kept(&context.paths.data).into_iter().map(row).collect();
    let mut out = output::whole(arguments.json);
    if arguments.json {
        serde_json::to_writer(&mut out, &rows)?;
        writeln!(out)?;
    } else if rows.is_empty() {
        writeln!(out, "no audits yet; gialab audit PRESET makes one")?;
    } else {
        let width = rows.iter().map(|row| row.audit.chars().count()).max().unwrap_or(0);
        writeln!(out, "{:<width$}  {:<10}  {:>7}  {:<8}  found", "audit", "state", "runs", "written")?;
        for row in &rows {
            let runs = format!("{}/{}", row.runs_done, row.runs_begun);
            let (written, found) = (format::ago(row.seconds_ago), row.found.as_deref().unwrap_or(""));
            let line = format!("{:<width$}  {:<10}  {runs:>7}  {written:<8}  {found}", row.audit, row.state);
            writeln!(out, "{}", line.trim_end())?;
        }
    }
    out.flush()?;
    Ok(DONE)
}

pub fn stop(context: &Context, arguments: &Stop) -> anyhow::Result<u8> {
    let name = &arguments.name;
    let here = || shelf::kept(&context.paths.data);
    let all = here();
    let Some(found) = all.iter().find(|kept| kept.name == *name) else {
        if all.is_empty() {
            return Err(ConfigError::new(
                "gialab audit stop",
                "there are no audits yet; gialab audit PRESET makes one",
            )
            .into());
        }
        let known = all.iter().map(|kept| kept.name.as_str());
        return Err(ConfigError::new("gialab audit stop", not_known("the audit", name, known)).into());
    };
    if !found.live {
        let state = if found.report.is_some() { "done" } else { "stopped already" };
        anyhow::bail!("the audit {name} is {state}");
    }
    shelf::stop(&found.path);
    let begin = Instant::now();
    while here().iter().any(|kept| kept.name == *name && kept.live) {
        anyhow::ensure!(
            begin.elapsed() < PATIENCE,
            "the audit {name} did not end within a minute; what it has computed stands"
        );
        std::thread::sleep(Duration::from_millis(50));
    }
    writeln!(output::lines(), "the audit {name} is stopped; the command that began it goes on")?;
    Ok(DONE)
}
