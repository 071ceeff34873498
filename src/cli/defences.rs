//! `gialab defences`: the defences there are, and the parameters of those that run here.

use std::io::Write;

use gialab::catalogue::defence::{ABSENT, Absent, DEFENCES, Defence, Parameter, SETTINGS, Value};
use gialab::catalogue::literature::{self, Entry};
use gialab::config::preset::Preset;
use serde::Serialize;

use super::catalogue::{self, Among};
use super::{Context, DONE, complete, output};

#[derive(clap::Args)]
pub struct Arguments {
    /// One defence, with all that is known of it
    #[arg(add = complete::defences(), conflicts_with_all = ["threat_model", "family", "runs"])]
    defence: Option<String>,
    #[command(flatten)]
    among: Among,
    /// Print one JSON array
    #[arg(long)]
    json: bool,
}

/// One defence in the JSON array.
#[derive(Serialize)]
struct Row {
    name: &'static str,
    #[serde(flatten)]
    entry: &'static Entry,
    /// What of a client's work it acts on.
    stage: &'static str,
    about: &'static str,
    /// What a preset says to have it: `post` in a list of steps, or a setting; absent if it does not run here.
    step: Option<&'static str>,
    parameters: Vec<Setting>,
    /// What attackers who know of it do.
    adaptive: Option<&'static str>,
    /// A preset that shows it.
    preset: Option<String>,
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

pub fn run(context: &Context, arguments: &Arguments) -> anyhow::Result<u8> {
    let presets = catalogue::presets(context);
    let all = literature::defences();
    let entries = match &arguments.defence {
        Some(key) => vec![catalogue::named(all, key)?],
        None => arguments.among.find(all, None)?,
    };
    let mut out = output::whole(arguments.json);
    match (arguments.json, &arguments.defence) {
        (true, _) => {
            let rows: Vec<Row> = entries.into_iter().map(|entry| row(entry, &presets)).collect();
            serde_json::to_writer(&mut out, &rows)?;
            writeln!(out)?;
        }
        (false, Some(_)) => entries.into_iter().try_for_each(|entry| page(&mut out, entry, &presets))?,
        (false, None) => table(&mut out, &entries, &presets)?,
    }
    out.flush()?;
    Ok(DONE)
}

fn table(out: &mut impl Write, entries: &[&Entry], presets: &[Preset]) -> std::io::Result<()> {
    let width = entries.iter().map(|entry| entry.key.len()).max().unwrap_or(0);
    writeln!(
        out,
        "{:<width$}  year  {:<8}  {:<8}  {:>8}  what it does",
        "defence", "acts on", "holds", "here"
    )?;
    for entry in entries {
        let Entry { key, year, family, .. } = entry;
        let (models, here) = (entry.threat_models(), catalogue::here(entry, presets));
        writeln!(out, "{key:<width$}  {year}  {family:<8}  {models:<8}  {here:>8}  {}", entry.about())?;
    }
    writeln!(
        out,
        "\n{} defences. holds: threat models under which others found it to hold, behind / partly; - if nobody rated it\n\
         here: median PSNR of its preset, which is what an attack gets in spite of it. Of one: gialab defences DEFENCE\n\
         in a preset: [[post]] with kind and parameters, in order; what the attacker knows of it: knowledge.post",
        entries.len()
    )
}

fn page(out: &mut impl Write, entry: &'static Entry, presets: &[Preset]) -> std::io::Result<()> {
    catalogue::page(out, entry, presets)?;
    if let Some(Absent { why, .. }) = ABSENT.iter().find(|absent| absent.also.contains(&entry.key.as_str())) {
        catalogue::said(out, "why not", why)?;
    }
    let Some((defence, step)) = here(&entry.key) else { return Ok(()) };
    let called =
        if step == "post" { format!("[[post]] kind = \"{}\"", defence.name) } else { step.to_owned() };
    catalogue::said(out, "in presets", &called)?;
    for Setting { name, about, range, default, .. } in defence.parameters.iter().map(setting) {
        let default = default.as_ref().map(|value| format!(", {value} if not given")).unwrap_or_default();
        catalogue::said(out, "", &format!("{name}: {about}; {range}{default}"))?;
    }
    catalogue::said(out, "adaptive", &format!("attackers who know of it {}", defence.adaptive))
}

/// What runs here, and what a preset says to have it.
fn here(key: &str) -> Option<(&'static Defence, &'static str)> {
    let steps = DEFENCES.iter().map(|defence| (*defence, "post"));
    steps.chain(SETTINGS).find(|(defence, _)| defence.name == key)
}

fn row(entry: &'static Entry, presets: &[Preset]) -> Row {
    let here = here(&entry.key);
    Row {
        name: &entry.key,
        entry,
        stage: &entry.family,
        about: entry.about(),
        step: here.map(|(_, step)| step),
        parameters: here
            .map(|(defence, _)| defence.parameters.iter().map(setting).collect())
            .unwrap_or_default(),
        adaptive: here.map(|(defence, _)| defence.adaptive),
        preset: catalogue::preset_of(entry, presets).map(|preset| preset.name.clone()),
    }
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
