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
            runs: self.runs,
            ..Filter::default()
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
        self.filtering || self.runs || self.threat_model.is_some() || !self.filter.value().is_empty()
    }

    /// Shows all of them.
    pub fn show_all(&mut self) {
        self.filter.reset();
        (self.threat_model, self.runs) = (None, false);
    }
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
