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
    /// `sample.count 4`; a path is told by its last part.
    pub fn short(&self) -> String {
        match self.key {
            "victim.data" => self.to.rsplit('/').next().unwrap_or(&self.to).to_owned(),
            key => format!("{} {}", shortest(key), self.to),
        }
    }
}

/// The last parts of a key, as many as tell it from all others.
fn shortest(key: &'static str) -> &'static str {
    let is_alone = |part: &str| {
        let is_its = |setting: &&super::setting::Setting| {
            setting.key == part || setting.key.strip_suffix(part).is_some_and(|rest| rest.ends_with('.'))
        };
        SETTINGS.iter().filter(is_its).count() == 1
    };
    let mut dots: Vec<usize> = key.match_indices('.').map(|(at, _)| at + 1).collect();
    dots.reverse();
    dots.into_iter().map(|at| &key[at..]).find(|part| is_alone(part)).unwrap_or(key)
}

/// What differs between a preset and a config, but for the title.
pub fn differences(own: &RunConfig, config: &RunConfig) -> Vec<Change> {
    if own == config {
        return Vec::new();
    }
    let (before, now) = (preset::flat(own), preset::flat(config));
    let changed = SETTINGS.iter().filter(|setting| before.get(setting.key) != now.get(setting.key));
    let changed = changed.filter(|setting| setting.key != "title");
    let change = |key| Change { key, from: told(own, &before, key), to: told(config, &now, key) };
    changed.map(|setting| change(setting.key)).collect()
}

/// A value of a config for people, of its values by dotted key; `-` if it is not set.
pub fn told(config: &RunConfig, values: &BTreeMap<String, String>, key: &str) -> String {
    match values.get(key) {
        None => "-".to_owned(),
        // A list of steps is said in words.
        Some(_) if key == "post" => config.post_steps().join(", "),
        Some(value) => value.clone(),
    }
}

/// Changes in one sentence.
pub fn in_words(changes: &[Change]) -> String {
    changes.iter().map(Change::short).collect::<Vec<_>>().join(", ")
}
