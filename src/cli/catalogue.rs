//! What `gialab attacks` and `gialab defences` have in common: which entries, and how they are printed.

use std::io::Write;

use gialab::catalogue::literature::{Entry, Filter, THREAT_MODELS};
use gialab::config::ConfigError;
use gialab::config::preset::{self, Preset};
use gialab::format::wrapped;
use gialab::text::nearest;

use super::Context;

/// Which entries.
#[derive(clap::Args)]
pub struct Among {
    /// Only those of this threat model, A to H: attacks under it, defences that hold there at least partly
    #[arg(long, value_name = "A-H", value_parser = threat_model)]
    threat_model: Option<char>,
    /// Only those of this family, or what a defence acts on, as it is listed
    #[arg(long, value_name = "WORD")]
    family: Option<String>,
    /// Only those that gialab runs
    #[arg(long)]
    runs: bool,
}

/// Columns of a line.
const WIDTH: usize = 100;
/// Columns of a label.
const LABEL: usize = 12;

fn threat_model(typed: &str) -> Result<char, String> {
    let letter = typed.to_uppercase();
    THREAT_MODELS.into_iter().find(|model| letter == model.to_string()).ok_or_else(|| {
        format!("there is no threat model {typed}; there are A to H, and gialab explain \"threat model\" says what they are")
    })
}

impl Among {
    /// Those that are meant; `modality` is what attacks are shown on.
    ///
    /// # Errors
    /// A family or modality that no entry has.
    pub fn find(
        &self,
        all: &'static [Entry],
        modality: Option<&str>,
    ) -> Result<Vec<&'static Entry>, ConfigError> {
        let of_families = Filter { family: self.family.clone(), ..Filter::default() };
        if let Some(family) =
            self.family.as_deref().filter(|_| !all.iter().any(|entry| of_families.fits(entry)))
        {
            let families = all.iter().map(|entry| entry.family.as_str());
            return Err(unknown("--family", "no entry has the family", family, families));
        }
        let of_modalities = Filter { modality: modality.map(str::to_owned), ..Filter::default() };
        let is_shown = |entry: &&Entry| entry.modality() != "any" && of_modalities.fits(entry);
        if let Some(modality) = modality.filter(|_| !all.iter().any(|entry| is_shown(&entry))) {
            let words = all.iter().flat_map(|entry| entry.modality().split(' '));
            return Err(unknown("--modality", "no attack is shown on", modality, words));
        }
        let filter = Filter {
            threat_model: self.threat_model,
            family: self.family.clone(),
            modality: modality.map(str::to_owned),
            runs: self.runs,
            words: Vec::new(),
        };
        Ok(all.iter().filter(|entry| filter.fits(entry)).collect())
    }
}

/// The entry of this key.
///
/// # Errors
/// There is none.
pub fn named(all: &'static [Entry], key: &str) -> Result<&'static Entry, ConfigError> {
    all.iter().find(|entry| entry.key == key).ok_or_else(|| {
        unknown("catalogue", "it has nothing called", key, all.iter().map(|entry| entry.key.as_str()))
    })
}

fn unknown<'a>(of: &str, what: &str, word: &str, known: impl Iterator<Item = &'a str>) -> ConfigError {
    let mut known: Vec<&str> = known.filter(|word| *word != "and").collect();
    known.sort_unstable();
    known.dedup();
    let near = nearest(word, known.iter().copied()).map(|near| format!("did you mean \"{near}\"?"));
    let near = near.unwrap_or_else(|| match known.len() {
        0..=20 => format!("there are {}", known.join(", ")),
        _ => "without it all are listed".to_owned(),
    });
    ConfigError::new(of, format!("{what} \"{word}\"; {near}"))
}

/// The preset that shows an entry at work: the first one that does.
pub fn preset_of<'a>(entry: &Entry, presets: &'a [Preset]) -> Option<&'a Preset> {
    presets.iter().find(|preset| preset.config.shows(&entry.key)).filter(|_| entry.runs)
}

/// The presets there are.
pub fn presets(context: &Context) -> Vec<Preset> {
    preset::all(&context.paths.presets()).0
}

/// What an entry does here, in a few columns: the median of its preset, or that it is not here.
pub fn here(entry: &Entry, presets: &[Preset]) -> String {
    let expect = preset_of(entry, presets).and_then(|preset| preset.config.expect.as_ref());
    match expect {
        _ if !entry.runs => "not here".to_owned(),
        Some(expect) => expect.in_words(0),
        None => "runs".to_owned(),
    }
}

/// An entry in full.
pub fn page(out: &mut impl Write, entry: &Entry, presets: &[Preset]) -> std::io::Result<()> {
    writeln!(out, "{}: {}", entry.key, entry.title)?;
    for (label, text) in entry.page() {
        said(out, label, &text)?;
    }
    let Some(preset) = preset_of(entry, presets) else {
        return said(out, "here", if entry.runs { "it runs" } else { "gialab does not have it" });
    };
    if let Some(expect) = &preset.config.expect {
        said(out, "here", &format!("{}, {}", expect.in_words(1), expect.note))?;
    }
    said(out, "run it", &format!("gialab run {}", preset.name))
}

/// One line with a label, or several.
pub fn said(out: &mut impl Write, label: &str, text: &str) -> std::io::Result<()> {
    for (at, line) in wrapped(text, WIDTH - LABEL).iter().enumerate() {
        writeln!(out, "  {:<LABEL$}{line}", if at == 0 { label } else { "" })?;
    }
    Ok(())
}
