//! What a row of a table and a curve are about: a run in one of its rounds, under its conditions.

use super::record::Record;
use crate::figure::Measured;
use crate::run::state::RoundState;

/// A run with one of its rounds.
pub struct Entry<'a> {
    /// The run.
    pub record: &'a Record,
    /// Nothing before the first round.
    pub round: Option<&'a RoundState>,
    /// Its place among all, which decides how its curve looks.
    pub style: usize,
}

/// How the files of these runs were read, and what their updates are likely to be, each sentence once.
pub fn readings<'a>(records: impl Iterator<Item = &'a Record>) -> Vec<String> {
    let mut read: Vec<String> = Vec::new();
    for note in records.flat_map(|record| record.manifest.reading.notes()) {
        let sentence = format!("Read: {note}.");
        if !read.contains(&sentence) {
            read.push(sentence);
        }
    }
    read
}

/// A run without rounds is there once.
pub fn entries(records: &[Record]) -> Vec<Entry<'_>> {
    records
        .iter()
        .flat_map(|record| match record.state.rounds.as_slice() {
            [] => vec![(record, None)],
            rounds => rounds.iter().map(|round| (record, Some(round))).collect(),
        })
        .enumerate()
        .map(|(style, (record, round))| Entry { record, round, style })
        .collect()
}

/// The entries under each set of conditions, in the order in which these come first.
pub fn groups<'a, 'r>(entries: &'a [Entry<'r>]) -> Vec<(String, Vec<&'a Entry<'r>>)> {
    let mut groups: Vec<(String, Vec<&Entry<'_>>)> = Vec::new();
    for entry in entries {
        let conditions = entry.conditions();
        match groups.iter_mut().find(|(known, _)| *known == conditions) {
            Some((_, members)) => members.push(entry),
            None => groups.push((conditions, vec![entry])),
        }
    }
    groups
}

impl Entry<'_> {
    /// The run by this name, with its round where it has several.
    pub fn called(&self, run: &str) -> String {
        match self.round {
            Some(round) if self.record.state.rounds.len() > 1 => {
                let accuracy = round.accuracy.map(|share| format!(" (accuracy {:.0} %)", 100.0 * share));
                format!("{run}, round {}{}", round.round, accuracy.unwrap_or_default())
            }
            _ => run.to_owned(),
        }
    }

    /// What was measured of it.
    pub fn measured(&self) -> Measured<'_> {
        self.round.map_or_else(Measured::default, |round| self.record.state.measured(round))
    }

    /// The conditions that the figures depend on, in one sentence.
    pub fn conditions(&self) -> String {
        let config = self.record.config();
        let more = config.privacy().map(|privacy| privacy.to_string()).into_iter();
        let more: String = more.chain(self.record.cost_in_words()).map(|part| format!("; {part}")).collect();
        format!(
            "Threat model {}: labels {}, {}, BatchNorm {}, model {}, batch of {}{}{more}.",
            config.threat_model(),
            config.attack.labels.name(),
            config.protocol_and_knowledge(),
            config.victim.batch_norm(),
            config.training(),
            config.batch(),
            config
                .attack
                .search()
                .map_or("", |_| "; trials are chosen by their matching loss, never by the picture"),
        )
    }
}
