//! `gialab defences`: what clients can do to their updates, with the parameters.

use std::io::Write;

use gialab::catalogue::defence::{ABSENT, Absent, DEFENCES, Defence, Parameter, SETTINGS, Value};
use serde::Serialize;

use super::{DONE, output};

#[derive(clap::Args)]
pub struct Arguments {
    /// Print one JSON array
    #[arg(long)]
    json: bool,
}

/// One defence in the JSON array.
#[derive(Serialize)]
struct Row {
    name: &'static str,
    title: &'static str,
    source: &'static str,
    year: u16,
    /// What of a client's work it acts on.
    stage: &'static str,
    about: &'static str,
    /// What a preset says to have it: `post` in a list of steps, or a setting.
    key: &'static str,
    parameters: Vec<Setting>,
    /// What attackers who know of it do.
    adaptive: &'static str,
}

/// A parameter of a defence.
#[derive(Serialize)]
struct Setting {
    name: &'static str,
    about: &'static str,
    unit: &'static str,
    range: String,
    required: bool,
    /// Where it is not required.
    default: Option<serde_json::Value>,
}

pub fn run(arguments: &Arguments) -> anyhow::Result<u8> {
    let steps = DEFENCES.iter().map(|defence| row(defence, "post"));
    let rows: Vec<Row> = steps.chain(SETTINGS.iter().map(|(defence, key)| row(defence, key))).collect();
    let mut out = output::lines();
    if arguments.json {
        writeln!(out, "{}", serde_json::to_string(&rows)?)?;
        return Ok(DONE);
    }
    let width = rows.iter().map(|row| row.name.len()).max().unwrap_or(0);
    writeln!(out, "{:<width$}  year  stage   what it does", "defence")?;
    for Row { name, year, stage, about, .. } in &rows {
        writeln!(out, "{name:<width$}  {year}  {stage:<6}  {about}")?;
    }
    for row in &rows {
        writeln!(out)?;
        if row.key != "post" {
            writeln!(out, "{:<width$}  is a setting: {}", row.name, row.key)?;
        }
        for Setting { name, about, range, default, .. } in &row.parameters {
            let default = default.as_ref().map(|value| format!(", {value} if not given")).unwrap_or_default();
            writeln!(out, "{:<width$}  {name}: {about}; {range}{default}", row.name)?;
        }
        writeln!(out, "{:<width$}  attackers who know of it {}", row.name, row.adaptive)?;
    }
    writeln!(out)?;
    for Absent { title, source, why, .. } in &ABSENT {
        writeln!(out, "not here: {title} ({source}): {why}")?;
    }
    writeln!(
        out,
        "\nin a preset: [[post]] with kind and parameters, in order, best that of this list; what the attacker knows: \
         knowledge.post"
    )?;
    Ok(DONE)
}

fn row(defence: &'static Defence, key: &'static str) -> Row {
    let Defence { name, title, source, year, stage, about, parameters, adaptive, also: _ } = defence;
    let parameters = parameters.iter().map(setting).collect();
    Row { name, title, source, year: *year, stage: stage.name(), about, key, parameters, adaptive }
}

fn setting(parameter: &'static Parameter) -> Setting {
    let Parameter { name, about, unit, takes, default } = parameter;
    let required = default.is_none();
    let default = default.as_ref().map(|value| match value {
        Value::Number(number) => (*number).into(),
        Value::Whole(whole) => (*whole).into(),
        Value::Word(word) => (*word).into(),
        Value::Flag(flag) => (*flag).into(),
        Value::Layers(names) => names.clone().into(),
        policies @ Value::Policies(_) => policies.to_string().into(),
    });
    Setting { name, about, unit, range: takes.range(), required, default }
}
