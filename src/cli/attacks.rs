//! `gialab attacks`: the attacks that can be run, with what they need.

use std::io::Write;

use gialab::catalogue::{ATTACKS, Facts, LabelUse};
use gialab::config::keys_of;
use serde::Serialize;

use super::{DONE, output};

#[derive(clap::Args)]
pub struct Arguments {
    /// Print one JSON array
    #[arg(long)]
    json: bool,
}

/// One attack in the JSON array.
#[derive(Serialize)]
struct Row {
    name: &'static str,
    title: &'static str,
    source: &'static str,
    year: u16,
    family: &'static str,
    needs: Vec<String>,
    threat_model: char,
    bounds: &'static str,
    /// Keys of `[attack]` that it takes.
    settings: Vec<String>,
    /// Whether this gialab can run it: all that are listed can.
    runs: bool,
}

pub fn run(arguments: &Arguments) -> anyhow::Result<u8> {
    let rows: Vec<Row> = ATTACKS.iter().map(|facts| row(facts)).collect();
    let mut out = output::lines();
    if arguments.json {
        writeln!(out, "{}", serde_json::to_string(&rows)?)?;
        return Ok(DONE);
    }
    let width = rows.iter().map(|row| row.name.len()).max().unwrap_or(0);
    writeln!(out, "{:<width$}  year  {:<16}  model  what it is", "attack", "family")?;
    for row in &rows {
        let Row { name, year, family, threat_model, title, .. } = row;
        writeln!(out, "{name:<width$}  {year}  {family:<16}  {threat_model:<5}  {title}")?;
    }
    writeln!(out)?;
    for row in &rows {
        let needs = if row.needs.is_empty() { "nothing besides".to_owned() } else { row.needs.join(", ") };
        writeln!(out, "{:<width$}  needs {needs}; bounded by {}", row.name, row.bounds)?;
    }
    writeln!(
        out,
        "\nmodel: what the attacker is taken to know, after Carletti et al.: gialab explain \"threat model\""
    )?;
    Ok(DONE)
}

fn row(facts: &'static Facts) -> Row {
    let labels = match facts.labels {
        LabelUse::Needs => Some("labels, given or read by a rule".to_owned()),
        LabelUse::Reads(rule) => Some(format!("a label that its rule {rule} can read")),
        LabelUse::Optimises | LabelUse::Without => None,
    };
    Row {
        name: facts.name,
        title: facts.title,
        source: facts.source,
        year: facts.year,
        family: facts.family.name(),
        needs: labels.into_iter().chain(facts.needs.iter().map(|need| need.name().to_owned())).collect(),
        threat_model: facts.threat_model,
        bounds: facts.bounds,
        settings: keys_of(facts),
        runs: true,
    }
}
