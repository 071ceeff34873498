//! How files from outside were read: what a file does not say of itself and was taken to be so, in short sentences.
//! Whoever reads a file makes them; they are printed before a run, and stored with it.

use serde::{Deserialize, Serialize};

/// What was taken to be so, in the order of reading.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Reading {
    notes: Vec<String>,
}

impl Reading {
    /// Adds a sentence, without its subject and full stop: `labels were one-hot`.
    pub fn note(&mut self, sentence: impl Into<String>) {
        self.notes.push(sentence.into());
    }

    /// The same, of a file or set by name: `truth.pth: labels were one-hot`.
    #[must_use]
    pub fn of(self, subject: &str) -> Reading {
        Reading { notes: self.notes.into_iter().map(|note| format!("{subject}: {note}")).collect() }
    }

    /// Adds what was read after it.
    pub fn extend(&mut self, later: Reading) {
        self.notes.extend(later.notes);
    }

    /// The sentences.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Whether everything was said by the files themselves.
    pub fn is_empty(&self) -> bool {
        self.notes.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_keep_their_order_and_their_subject() {
        let mut reading = Reading::default();
        assert!(reading.is_empty());
        reading.note("labels were one-hot");
        let mut all = reading.of("truth.pth");
        let mut later = Reading::default();
        later.note("no header");
        all.extend(later.of("t.csv"));
        assert_eq!(all.notes(), ["truth.pth: labels were one-hot", "t.csv: no header"]);
        assert_eq!(
            serde_json::to_value(&all).ok(),
            Some(serde_json::json!(["truth.pth: labels were one-hot", "t.csv: no header"]))
        );
    }
}
