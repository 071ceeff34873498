//! The screen of presets, and what is changed of a preset before it starts.

use std::collections::BTreeMap;

use tui_input::Input;

use super::{Model, words};
use crate::config::difference::{Change, differences};
use crate::config::{RunConfig, preset};
use crate::expectation::Expected;
use crate::tui::{BackendEntry, DatasetEntry, PresetEntry};

/// Changes to a preset: values by dotted key, as `--set` takes them.
pub type Changes = BTreeMap<String, String>;

/// The screen of presets.
#[derive(Debug, Default)]
pub struct PresetsView {
    /// Name of the chosen preset.
    pub selected: String,
    /// Filter text.
    pub filter: Input,
    /// Keys go to the filter.
    pub filtering: bool,
}

/// How it stands with measuring the speed of this machine.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Calibrating {
    /// It is not needed, or something computes.
    #[default]
    Not,
    /// It begins then, if nothing computes until then.
    At(f64),
    /// It is being measured.
    Now,
    /// It could not be measured; not tried again.
    Failed,
}

impl Model {
    /// Presets that pass the filter, in groups as they first appear.
    pub fn visible_presets(&self) -> Vec<&PresetEntry> {
        let words = words(self.presets_view.filter.value());
        let mut groups: Vec<&str> = Vec::new();
        for entry in &self.presets {
            if !groups.contains(&entry.config.group.as_str()) {
                groups.push(&entry.config.group);
            }
        }
        let fits = |entry: &&PresetEntry| {
            let config = &entry.config;
            let kind = config.attack.kind.name();
            let text: [&str; 5] = [&entry.name, &config.title, &config.group, &config.victim.model, kind];
            let text = text.map(|part| part.to_lowercase()).join(" ");
            words.iter().all(|word| text.contains(word.as_str()))
        };
        let mut visible: Vec<&PresetEntry> = self.presets.iter().filter(fits).collect();
        visible.sort_by_key(|entry| groups.iter().position(|group| *group == entry.config.group));
        visible
    }

    /// The chosen preset, if it passes the filter.
    pub fn chosen_preset(&self) -> Option<&PresetEntry> {
        let visible = self.visible_presets();
        visible.iter().find(|entry| entry.name == self.presets_view.selected).or(visible.first()).copied()
    }

    /// A preset by name.
    pub fn preset(&self, name: &str) -> Option<&PresetEntry> {
        self.presets.iter().find(|entry| entry.name == name)
    }

    /// The config that Enter would start. Changes that do not fit any more, as of an edited preset, are left out.
    pub fn config_of(&self, entry: &PresetEntry) -> RunConfig {
        let Some(changes) = self.changes.get(&entry.name) else { return entry.config.clone() };
        let pairs = || changes.iter().map(|(key, value)| (key.as_str(), value.as_str()));
        if let Ok(config) = preset::change(&entry.config, pairs()) {
            return config;
        }
        pairs().fold(entry.config.clone(), |config, pair| preset::change(&config, [pair]).unwrap_or(config))
    }

    /// What Enter would start otherwise than the preset stands.
    pub fn changes_of(&self, entry: &PresetEntry) -> Vec<Change> {
        match self.changes.get(&entry.name) {
            Some(changes) if !changes.is_empty() => differences(&entry.config, &self.config_of(entry)),
            _ => Vec::new(),
        }
    }

    /// How long what Enter would start is likely to take, if that can be told.
    pub fn expected(&self, entry: &PresetEntry) -> Option<Expected> {
        let (config, threads) = (self.config_of(entry), self.machine.threads);
        let on = |backend| self.experience.expected(&entry.config, &config, backend, threads);
        self.candidates().into_iter().filter_map(on).min_by(|a, b| a.seconds.total_cmp(&b.seconds))
    }

    /// The backends that may compute: of several, `auto` takes the faster.
    pub fn candidates(&self) -> Vec<&str> {
        let has_cuda =
            || self.backends.iter().any(|entry| entry.name == "cuda" && entry.unavailable.is_none());
        match self.backend.as_str() {
            "auto" if has_cuda() => vec!["flex", "cuda"],
            "auto" => vec!["flex"],
            name => vec![name],
        }
    }

    /// A built-in set by name.
    pub fn dataset(&self, name: &str) -> Option<&DatasetEntry> {
        self.datasets.iter().find(|set| set.name == name)
    }

    /// The chosen backend's entry.
    pub fn chosen_backend(&self) -> Option<&BackendEntry> {
        self.backends.iter().find(|entry| entry.name == self.backend)
    }
}
