//! `gialab explain WORD`: what a figure, a heading, a word of the field or a setting means.

use std::io::Write;

use gialab::config::ConfigError;
use gialab::config::setting::{self, Setting};
use gialab::figure::{FIGURES, WORDS, Word, find, nearest, words};
use gialab::format::wrapped;
use serde::Serialize;

use super::{DONE, complete, output};

#[derive(clap::Args)]
pub struct Arguments {
    /// A key, a heading, a word or a setting, whatever its case; without one all are listed
    #[arg(add = complete::words())]
    word: Vec<String>,
    /// Print one JSON object, or an array of all
    #[arg(long)]
    json: bool,
}

/// A word in JSON.
#[derive(Serialize)]
struct Explained {
    key: &'static str,
    heading: &'static str,
    about: &'static str,
    source: &'static str,
    /// Absent for a word that is no figure.
    #[serde(flatten)]
    figure: Option<Measurable>,
}

/// What is said of a figure besides.
#[derive(Serialize)]
struct Measurable {
    unit: &'static str,
    /// `higher`, `lower` or `neither`, for the attacker.
    better: &'static str,
    /// `sample`, `batch` or `round`.
    of: &'static str,
    needs_truth: bool,
}

/// A setting of presets in JSON.
#[derive(Serialize)]
struct Settable {
    key: &'static str,
    about: &'static str,
    values: String,
}

impl From<&Setting> for Settable {
    fn from(setting: &Setting) -> Settable {
        Settable { key: setting.key, about: setting.help, values: setting.values() }
    }
}

/// Columns of a line.
const WIDTH: usize = 80;

pub fn run(arguments: &Arguments) -> anyhow::Result<u8> {
    let asked = arguments.word.join(" ");
    let mut out = output::whole(arguments.json);
    if let Some(setting) = setting::of(asked.trim()) {
        if arguments.json {
            json(&mut out, &Settable::from(setting))?
        } else {
            of_setting(&mut out, setting)?
        }
        out.flush()?;
        return Ok(DONE);
    }
    match (asked.trim(), arguments.json) {
        ("", false) => list(&mut out)?,
        ("", true) => json(&mut out, &words().map(explained).collect::<Vec<_>>())?,
        (name, is_json) => {
            let word = find(name).ok_or_else(|| unknown(name))?;
            if is_json { json(&mut out, &explained(word))? } else { page(&mut out, word)? }
        }
    }
    out.flush()?;
    Ok(DONE)
}

fn unknown(name: &str) -> ConfigError {
    let near = nearest(name, words()).map(|near| format!("did you mean {near}?"));
    let near = near.unwrap_or_else(|| "gialab explain lists all words".to_owned());
    ConfigError::new("explain", format!("nothing is called \"{name}\"; {near}"))
}

fn explained(word: &'static Word) -> Explained {
    let figure = word.figure().map(|figure| Measurable {
        unit: figure.unit,
        better: figure.better.name(),
        of: figure.of(),
        needs_truth: figure.needs_truth(),
    });
    Explained { key: word.key, heading: word.ascii, about: word.about, source: word.source, figure }
}

fn json(out: &mut impl Write, value: &impl Serialize) -> anyhow::Result<()> {
    serde_json::to_writer(&mut *out, value)?;
    Ok(writeln!(out)?)
}

fn page(out: &mut impl Write, word: &Word) -> std::io::Result<()> {
    writeln!(out, "{}", word.title())?;
    wrapped(word.about, WIDTH).iter().try_for_each(|line| writeln!(out, "  {line}"))?;
    writeln!(out, "source   {}", word.source)?;
    match word.figure() {
        Some(figure) if figure.is_of_samples() => {
            writeln!(out, "key      {0}, in csv also {0}_best and {0}_worst", word.key)
        }
        Some(figure) => writeln!(out, "key      {}, of a {}", word.key, figure.of()),
        None => Ok(()),
    }
}

fn of_setting(out: &mut impl Write, setting: &Setting) -> std::io::Result<()> {
    writeln!(out, "{}", setting.key)?;
    wrapped(setting.help, WIDTH).iter().try_for_each(|line| writeln!(out, "  {line}"))?;
    writeln!(out, "values   {}", setting.values())
}

fn list(out: &mut impl Write) -> std::io::Result<()> {
    let figures: Vec<&Word> = FIGURES.iter().map(|figure| &figure.word).collect();
    let width = words().map(|word| word.key.len()).max().unwrap_or(0);
    for (title, words) in [("figures", figures), ("words", WORDS.iter().collect())] {
        writeln!(out, "{title}")?;
        for word in words {
            writeln!(out, "  {:<width$}  {}", word.key, word.title())?;
        }
    }
    writeln!(out, "gialab explain WORD says what one means; so it does of a setting, as attack.prior.tv.")
}
