//! The screen of the catalogue: which entries, and the chosen one.

use tui_input::Input;

use super::{Model, words};
use crate::catalogue::literature::{self, Entry, Filter};
use crate::tui::PresetEntry;

/// The screen of the catalogue.
#[derive(Debug, Default)]
pub struct CatalogueView {
    /// Defences instead of attacks.
    pub defences: bool,
    /// Key of the chosen entry.
    pub selected: String,
    /// Filter text.
    pub filter: Input,
    /// Keys go to the filter.
    pub filtering: bool,
    /// Only this threat model.
    pub threat_model: Option<char>,
    /// Only this family.
    pub family: Option<&'static str>,
    /// Only what is shown on this.
    pub modality: Option<&'static str>,
    /// Only what gialab runs.
    pub runs: bool,
}

impl CatalogueView {
    /// Attacks or defences, all of them.
    pub fn all(&self) -> &'static [Entry] {
        if self.defences { literature::defences() } else { literature::attacks() }
    }

    /// Those that are looked for.
    pub fn visible(&self) -> Vec<&'static Entry> {
        let filter = Filter {
            words: words(self.filter.value()),
            threat_model: self.threat_model,
            family: self.family.map(str::to_owned),
            modality: self.modality.map(str::to_owned),
            runs: self.runs,
        };
        self.all().iter().filter(|entry| filter.fits(entry)).collect()
    }

    /// The chosen one, if it is among them.
    pub fn chosen(&self) -> Option<&'static Entry> {
        let visible = self.visible();
        visible.iter().find(|entry| entry.key == self.selected).or(visible.first()).copied()
    }

    /// Whether not all are shown.
    pub fn is_filtered(&self) -> bool {
        let one = self.threat_model.is_some() || self.family.is_some() || self.modality.is_some();
        self.filtering || self.runs || one || !self.filter.value().is_empty()
    }

    /// Shows all of them.
    pub fn show_all(&mut self) {
        self.filter.reset();
        (self.threat_model, self.family, self.modality, self.runs) = (None, None, None, false);
    }

    /// The other of attacks and defences: their families are others.
    pub fn switch(&mut self) {
        self.defences = !self.defences;
        (self.family, self.modality) = (None, None);
    }

    /// The next family alone, in the order in which they come, or all again.
    pub fn next_family(&mut self) {
        self.family = next(self.all().iter().map(|entry| entry.family.as_str()), self.family);
    }

    /// What is shown on the next kind of samples alone, or all again.
    pub fn next_modality(&mut self) {
        let kinds = self.all().iter().flat_map(|entry| entry.modality().split(" and "));
        self.modality = next(kinds.filter(|kind| !matches!(*kind, "any" | "")), self.modality);
    }
}

/// What comes after this one where each is met for the first time; the first after nothing, nothing after the last.
fn next(all: impl Iterator<Item = &'static str>, after: Option<&'static str>) -> Option<&'static str> {
    let mut met: Vec<&str> = Vec::new();
    for one in all {
        if !met.contains(&one) {
            met.push(one);
        }
    }
    let at = after.map_or(0, |after| met.iter().position(|one| *one == after).map_or(0, |at| at + 1));
    met.get(at).copied()
}

impl Model {
    /// The preset that shows an entry at work: the first one that does.
    pub fn preset_of(&self, entry: &Entry) -> Option<&PresetEntry> {
        self.presets.iter().find(|preset| preset.config.shows(&entry.key)).filter(|_| entry.runs)
    }

    /// What an entry does here, in a sentence.
    pub fn said_here(&self, entry: &Entry) -> String {
        match self.preset_of(entry) {
            Some(preset) => match &preset.config.expect {
                Some(expect) => format!("{}, {}; preset {}", expect.in_words(1), expect.note, preset.name),
                None => format!("preset {}", preset.name),
            },
            None if entry.runs => "it runs, no preset shows it".to_owned(),
            None => "gialab does not have it".to_owned(),
        }
    }
}
