//! How a config differs from its preset, for people.

use std::collections::BTreeMap;

use super::setting::SETTINGS;
use super::{RunConfig, preset};

/// A setting that is not as a preset has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Dotted key.
    pub key: &'static str,
    /// The preset's value; `-` if it has none.
    pub from: String,
    /// The value instead.
    pub to: String,
}

impl Change {
    /// `count 4`; a path is told by its last part.
    pub fn short(&self) -> String {
        match self.key {
            "victim.data" => self.to.rsplit('/').next().unwrap_or(&self.to).to_owned(),
            key => format!("{} {}", key.rsplit('.').next().unwrap_or(key), self.to),
        }
    }
}

/// What differs between a preset and a config, but for the title.
pub fn differences(own: &RunConfig, config: &RunConfig) -> Vec<Change> {
    if own == config {
        return Vec::new();
    }
    let (own, values) = (preset::flat(own), preset::flat(config));
    let of = |values: &BTreeMap<String, String>, key| values.get(key).map_or("-", String::as_str).to_owned();
    let changed = SETTINGS.iter().filter(|setting| own.get(setting.key) != values.get(setting.key));
    let changed = changed.filter(|setting| setting.key != "title");
    changed
        .map(|setting| Change { key: setting.key, from: of(&own, setting.key), to: of(&values, setting.key) })
        .collect()
}

/// Changes in one sentence.
pub fn in_words(changes: &[Change]) -> String {
    changes.iter().map(Change::short).collect::<Vec<_>>().join(", ")
}
