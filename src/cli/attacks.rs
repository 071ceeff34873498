//! `gialab attacks`: the attacks there are, with what they need and whether they run here.

use std::io::Write;

use gialab::catalogue::literature::{self, Entry, Knowledge};
use gialab::catalogue::{Facts, LabelUse, facts};
use gialab::config::keys_of;
use gialab::config::preset::Preset;
use serde::Serialize;

use super::catalogue::{self, Among};
use super::{Context, DONE, complete, output};

#[derive(clap::Args)]
pub struct Arguments {
    /// One attack, with all that is known of it
    #[arg(add = complete::attacks(), conflicts_with_all = ["threat_model", "family", "runs", "modality"])]
    attack: Option<String>,
    #[command(flatten)]
    among: Among,
    /// Only those that are shown on such data: images, text, tables, …
    #[arg(long, value_name = "WORD")]
    modality: Option<String>,
    /// Print one JSON array
    #[arg(long)]
    json: bool,
}

/// One attack in the JSON array.
#[derive(Serialize)]
struct Row {
    name: &'static str,
    #[serde(flatten)]
    entry: &'static Entry,
    /// What it needs besides the update, the model and the batch size, in words.
    needs: Vec<String>,
    bounds: &'static str,
    /// Keys of `[attack]` that it takes.
    settings: Vec<String>,
    /// A preset that shows it, with the median that it comes to.
    preset: Option<String>,
    psnr: Option<f64>,
}

pub fn run(context: &Context, arguments: &Arguments) -> anyhow::Result<u8> {
    let presets = catalogue::presets(context);
    let all = literature::attacks();
    let entries = match &arguments.attack {
        Some(key) => vec![catalogue::named(all, key)?],
        None => arguments.among.find(all, arguments.modality.as_deref())?,
    };
    let mut out = output::whole(arguments.json);
    match (arguments.json, &arguments.attack) {
        (true, _) => {
            let rows: Vec<Row> = entries.into_iter().map(|entry| row(entry, &presets)).collect();
            serde_json::to_writer(&mut out, &rows)?;
            writeln!(out)?;
        }
        (false, Some(_)) => {
            for entry in entries {
                catalogue::page(&mut out, entry, &presets)?;
                if let Some(facts) = facts(&entry.key) {
                    catalogue::said(&mut out, "needs", &needs(facts).join(", "))?;
                    catalogue::said(&mut out, "settings", &keys_of(facts).join(", "))?;
                }
            }
        }
        (false, None) => table(&mut out, &entries, &presets)?,
    }
    out.flush()?;
    Ok(DONE)
}

fn table(out: &mut impl Write, entries: &[&Entry], presets: &[Preset]) -> std::io::Result<()> {
    let width = entries.iter().map(|entry| entry.key.len()).max().unwrap_or(0);
    writeln!(out, "{:<width$}  year  {:<16}  model  {:>8}  must know", "attack", "family", "here")?;
    for entry in entries {
        let Entry { key, year, family, .. } = entry;
        let (model, here) = (entry.threat_models(), catalogue::here(entry, presets));
        let knows = Knowledge::marked(entry.knows(), false);
        writeln!(out, "{key:<width$}  {year}  {family:<16}  {model:<5}  {here:>8}  {knows}")?;
    }
    writeln!(
        out,
        "\n{} attacks. model: what the attacker is taken to know, after Carletti et al.: gialab explain \"threat model\"\n\
         must know, besides the update and the model: ● any server has it, ◐ granted, read off or collected, ○ can be seen\n\
         here: median PSNR of its preset. Of one: gialab attacks ATTACK",
        entries.len()
    )
}

fn needs(facts: &Facts) -> Vec<String> {
    let labels = match facts.labels {
        LabelUse::Needs => Some("labels, given or read by a rule".to_owned()),
        LabelUse::Reads(rule) => Some(format!("a label that its rule {rule} can read")),
        LabelUse::Optimises | LabelUse::Without => None,
    };
    labels.into_iter().chain(facts.needs.iter().map(|need| need.name().to_owned())).collect()
}

fn row(entry: &'static Entry, presets: &[Preset]) -> Row {
    let facts = facts(&entry.key);
    let known = || entry.knows().iter().map(|known| known.name().to_owned()).collect();
    let preset = catalogue::preset_of(entry, presets);
    Row {
        name: &entry.key,
        entry,
        needs: facts.map_or_else(known, needs),
        bounds: entry.about(),
        settings: facts.map(keys_of).unwrap_or_default(),
        preset: preset.map(|preset| preset.name.clone()),
        psnr: preset.and_then(|preset| preset.config.expect.as_ref()?.figures.get("psnr").copied()),
    }
}
