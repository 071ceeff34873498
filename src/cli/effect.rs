//! `gialab effect PRESET`: what post-processing does to an update, step by step.

use std::io::{Read, Write};

use anyhow::Context as _;
use gialab::config::preset::{self, Preset};
use gialab::files;
use gialab::format;
use gialab::run::effect::{self, Effects};
use serde::Serialize;

use super::{Context, DONE, complete, output};

#[derive(clap::Args)]
pub struct Arguments {
    /// The preset whose post-processing is looked at; - reads one from standard input
    #[arg(add = complete::presets())]
    preset: String,
    /// Change a setting, as federation.learning_rate=0.05; can be given several times
    #[arg(long = "set", value_name = "KEY=VALUE", add = complete::settings())]
    changes: Vec<String>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// What was computed, in JSON.
#[derive(Serialize)]
struct Document<'a> {
    preset: &'a str,
    #[serde(flatten)]
    effects: &'a Effects,
}

/// Columns of a line.
const WIDTH: usize = 80;

/// Columns of a step's name beside its figures.
const NAME: usize = 19;

pub fn run(context: &Context, arguments: &Arguments) -> anyhow::Result<u8> {
    let preset = match arguments.preset.as_str() {
        "-" => from_standard_input(&arguments.changes)?,
        name => preset::load(name, &arguments.changes, &context.paths.presets())?,
    };
    let effects = effect::effects(&preset.config, "flex")?;
    let mut out = output::whole(arguments.json);
    if arguments.json {
        serde_json::to_writer(&mut out, &Document { preset: &preset.name, effects: &effects })?;
        writeln!(out)?;
        out.flush()?;
        return Ok(DONE);
    }
    let Effects { update, round, parameters, added, norm, bytes, steps } = &effects;
    let numbers = format::count(*parameters);
    writeln!(out, "{}: the clean {update} of round {round}, {numbers} numbers", preset.name)?;
    let names = steps.iter().map(|step| step.post.len()).filter(|length| *length <= NAME);
    let width = names.max().unwrap_or(0).max("clean".len());
    let mut row = |mut name: &str, cells: [&str; 7]| {
        let [norm, kept, cosine, change, zeros, bits, bytes] = cells;
        // A long name has a line of its own.
        if name.len() > NAME {
            writeln!(out, "  {}", format::cut(name, WIDTH - 2, true))?;
            name = "";
        }
        writeln!(
            out,
            "  {name:<width$}  {norm:>9}  {kept:>5}  {cosine:>6}  {change:>7}  {zeros:>6}  {bits:>4}  {bytes:>8}"
        )
    };
    row("after", ["norm", "kept%", "cosine", "change%", "zeros%", "bits", "bytes"])?;
    row("clean", [&format::number(*norm), "100", "1.000", "0", "-", "32.0", &bytes.to_string()])?;
    for step in steps {
        let effect = step.effect;
        let percent = |share: f64| format!("{:.0}", 100.0 * share);
        let cells = [
            format::number(step.norm),
            percent(effect.norm),
            format!("{:.3}", effect.cosine),
            percent(effect.change),
            percent(effect.zeros),
            format!("{:.1}", effect.bits),
            step.bytes.to_string(),
        ];
        row(&step.post, cells.each_ref().map(String::as_str))?;
    }
    if let Some(order) = preset.config.better_order() {
        for line in format::wrapped(&format!("The order is not the usual one: {order}."), WIDTH) {
            writeln!(out, "{line}")?;
        }
    }
    if *added > 0 {
        let added = format::count(*added);
        let told = format!(
            "{added} of the numbers are of layers that it adds: bytes of the clean update are without them, its norm is that \
             of the network with them, before they draw."
        );
        for line in format::wrapped(&told, WIDTH) {
            writeln!(out, "{line}")?;
        }
    }
    if steps.is_empty() {
        writeln!(out, "It has no post-processing; gialab defences lists what there is.")?;
    }
    out.flush()?;
    Ok(DONE)
}

fn from_standard_input(changes: &[String]) -> anyhow::Result<Preset> {
    let mut text = String::new();
    let input = std::io::stdin().lock();
    input.take(files::TEXT).read_to_string(&mut text).context("standard input cannot be read")?;
    Ok(preset::read("-".to_owned(), "standard input", &text, changes)?)
}
