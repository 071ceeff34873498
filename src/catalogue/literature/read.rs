//! Reads the entries, and takes over what stands in the files of what runs here.

use serde::Deserialize;

use super::{Entry, Knowledge, Of, Reported};
use crate::catalogue::defence::{DEFENCES, Defence, SETTINGS};
use crate::catalogue::facts;

const ATTACKS: &str = include_str!("../../../assets/catalogue/attacks.toml");
const DEFENCES_TEXT: &str = include_str!("../../../assets/catalogue/defences.toml");

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    #[serde(default)]
    pub attack: Vec<Raw>,
    #[serde(default)]
    pub defence: Vec<Raw>,
}

/// An entry as it is written. What runs here has no field that [`Raw::repeats`] looks for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Raw {
    pub key: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    year: u16,
    #[serde(default)]
    venue: String,
    #[serde(default)]
    id: String,
    #[serde(default)]
    id_sure: bool,
    #[serde(default)]
    other_id: String,
    #[serde(default)]
    family: String,
    #[serde(default)]
    stage: String,
    #[serde(default)]
    modality: String,
    threat_model: Option<char>,
    #[serde(default)]
    threat_source: String,
    #[serde(default)]
    needs: Vec<Knowledge>,
    #[serde(default)]
    largest_batch: String,
    #[serde(default)]
    resolution: String,
    #[serde(default)]
    bounded_by: String,
    #[serde(default)]
    rule: String,
    #[serde(default)]
    parameters: String,
    #[serde(default)]
    pub holds_for: Vec<char>,
    #[serde(default)]
    pub partly_for: Vec<char>,
    #[serde(default)]
    pub fails_for: Vec<char>,
    #[serde(default)]
    holds_source: String,
    #[serde(default)]
    pub broken_by: Vec<String>,
    #[serde(default)]
    pub reported: Vec<Reported>,
    #[serde(default)]
    code: String,
    source: String,
    sure: bool,
    #[serde(default)]
    note: String,
}

impl Raw {
    /// Whether it says again what stands in the file of what runs here.
    #[cfg(test)]
    pub fn repeats(&self) -> bool {
        let words =
            [&self.name, &self.venue, &self.id, &self.family, &self.stage, &self.bounded_by, &self.rule];
        let is_said = words.into_iter().any(|word| !word.is_empty());
        is_said || self.year != 0 || self.threat_model.is_some() || !self.needs.is_empty()
    }

    /// Where it was published, and by which numbers it is found.
    fn published(&self) -> String {
        let id = Some(&self.id).filter(|_| self.id_sure);
        let parts = [Some(&self.venue), id, Some(&self.other_id)];
        let parts: Vec<&str> = parts.into_iter().flatten().map(String::as_str).collect();
        parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", ")
    }

    fn reported(&self) -> Vec<Reported> {
        if self.sure { self.reported.clone() } else { Vec::new() }
    }
}

/// The files as they are; empty where one cannot be read, which a test rules out.
pub(super) fn files() -> [Result<File, toml::de::Error>; 2] {
    [toml::from_str(ATTACKS), toml::from_str(DEFENCES_TEXT)]
}

pub(super) fn attacks() -> Vec<Entry> {
    let [file, _] = files();
    by_year(file.unwrap_or_default().attack.into_iter().map(attack).collect())
}

pub(super) fn defences() -> Vec<Entry> {
    let [_, file] = files();
    by_year(file.unwrap_or_default().defence.into_iter().map(defence).collect())
}

fn by_year(mut entries: Vec<Entry>) -> Vec<Entry> {
    entries.sort_by_key(|entry| entry.year);
    entries
}

pub(super) fn attack(raw: Raw) -> Entry {
    let facts = facts(&raw.key);
    let (published, reported) = (raw.published(), raw.reported());
    let needs = facts.map_or(raw.needs, Knowledge::of);
    Entry {
        title: facts.map_or(raw.name, |facts| facts.title.to_owned()),
        year: facts.map_or(raw.year, |facts| facts.year),
        published: facts.map_or(published, |facts| facts.source.to_owned()),
        family: facts.map_or(raw.family, |facts| facts.family.name().to_owned()),
        runs: facts.is_some(),
        sure: raw.sure,
        reported,
        according_to: raw.source,
        code: raw.code,
        note: raw.note,
        of: Of::Attack {
            modality: raw.modality,
            knows: needs,
            threat_model: facts.map(|facts| facts.threat_model).or(raw.threat_model).unwrap_or_default(),
            threat_source: raw.threat_source,
            largest_batch: raw.largest_batch,
            resolution: raw.resolution,
            bounded_by: facts.map_or(raw.bounded_by, |facts| facts.bounds.to_owned()),
        },
        key: raw.key,
    }
}

fn defence(raw: Raw) -> Entry {
    let here = here(&raw.key);
    let (published, reported) = (raw.published(), raw.reported());
    Entry {
        title: here.map_or(raw.name, |here| here.title.to_owned()),
        year: here.map_or(raw.year, |here| here.year),
        published: here.map_or(published, |here| here.source.to_owned()),
        family: here.map_or(raw.stage, |here| here.stage.name().to_owned()),
        runs: here.is_some(),
        sure: raw.sure,
        reported,
        according_to: raw.source,
        code: raw.code,
        note: raw.note,
        of: Of::Defence {
            rule: here.map_or(raw.rule, |here| here.about.to_owned()),
            strength: raw.parameters,
            holds_for: raw.holds_for,
            partly_for: raw.partly_for,
            fails_for: raw.fails_for,
            holds_source: raw.holds_source,
            broken_by: raw.broken_by,
        },
        key: raw.key,
    }
}

/// The defence of this name that runs here, be it a step of a client or a setting.
fn here(key: &str) -> Option<&'static Defence> {
    let settings = SETTINGS.iter().map(|(defence, _)| *defence);
    DEFENCES.iter().copied().chain(settings).find(|defence| defence.name == key)
}
