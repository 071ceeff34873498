//! The field as published: attacks and defences by year, those that run here and those that do not.
//!
//! Entries lie in `assets/catalogue`. Of what runs here name, year, source and needs stand in its file in this folder, so
//! that its entry has the rest alone: how sure it is, the rating of others, published figures, remarks.

mod filter;
mod knowledge;
mod read;

use std::sync::OnceLock;

use serde::{Deserialize, Serialize};

pub use filter::Filter;
pub use knowledge::Knowledge;

/// What attacks and defences are called by where a client or server can stand, after Carletti et al.
pub const THREAT_MODELS: [char; 8] = ['A', 'B', 'C', 'D', 'E', 'F', 'G', 'H'];

/// An attack or a defence as it was published.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Entry {
    /// Its name in presets, if it runs here.
    pub key: String,
    /// As its authors call it.
    pub title: String,
    /// Year of the first publication.
    pub year: u16,
    /// Where, and by which number it is found there if that is certain.
    #[serde(rename = "source")]
    pub published: String,
    /// How an attack goes about it; of a defence what of a client's work it acts on.
    pub family: String,
    /// Whether gialab runs it.
    pub runs: bool,
    /// Whether all that is said stands in a source that was read.
    pub sure: bool,
    /// What its authors, or who repeated it, measured; empty unless it is sure.
    pub reported: Vec<Reported>,
    /// Who says all this.
    pub according_to: String,
    /// Repository of its authors, if known.
    pub code: String,
    /// What else is to be known.
    pub note: String,
    /// What an attack has and a defence has not, or the other way round.
    #[serde(flatten)]
    pub of: Of,
}

/// What an entry is about.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Of {
    /// An attack.
    Attack {
        /// What it is shown on.
        modality: String,
        /// What it must know besides the update and the model.
        knows: Vec<Knowledge>,
        /// A to H.
        threat_model: char,
        /// Who put it under that.
        threat_source: String,
        /// Largest batch it is shown on, as `8` or, with epochs, `10x5`; may be empty.
        largest_batch: String,
        /// Largest picture, as `64x64`; may be empty.
        resolution: String,
        /// What keeps it from succeeding.
        bounded_by: String,
    },
    /// A defence.
    Defence {
        /// What it does.
        rule: String,
        /// What can be chosen, in words.
        strength: String,
        /// Threat models under which it holds, holds partly, and fails; all empty if nobody rated it.
        holds_for: Vec<char>,
        /// See there.
        partly_for: Vec<char>,
        /// See there.
        fails_for: Vec<char>,
        /// Who rated it.
        holds_source: String,
        /// Keys of attacks that were reported, or made, against it.
        broken_by: Vec<String>,
    },
}

/// A published figure.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reported {
    /// Of what.
    pub setting: String,
    /// As printed there.
    pub figure: String,
    /// Where.
    pub source: String,
}

impl Entry {
    /// What an attack must know; nothing of a defence.
    pub fn knows(&self) -> &[Knowledge] {
        match &self.of {
            Of::Attack { knows, .. } => knows,
            Of::Defence { .. } => &[],
        }
    }

    /// What an attack is shown on; nothing of a defence.
    pub fn modality(&self) -> &str {
        match &self.of {
            Of::Attack { modality, .. } => modality,
            Of::Defence { .. } => "",
        }
    }

    /// The threat model of an attack, as `B`, or those under which a defence holds and, behind a slash, holds partly:
    /// `A/BC`. A dash if nobody said.
    pub fn threat_models(&self) -> String {
        match &self.of {
            Of::Attack { threat_model, .. } => threat_model.to_string(),
            Of::Defence { holds_source, .. } if holds_source.is_empty() => "-".to_owned(),
            Of::Defence { holds_for, partly_for, .. } => {
                let letters = |of: &[char]| of.iter().collect::<String>();
                match (holds_for.is_empty(), partly_for.is_empty()) {
                    (true, true) => "none".to_owned(),
                    (false, true) => letters(holds_for),
                    (_, false) => format!("{}/{}", letters(holds_for), letters(partly_for)),
                }
            }
        }
    }

    /// What it is about in a line: what bounds an attack, what a defence does.
    pub fn about(&self) -> &str {
        match &self.of {
            Of::Attack { bounded_by, .. } => bounded_by,
            Of::Defence { rule, .. } => rule,
        }
    }

    /// The published figure that is shown first, if one is sure.
    pub fn figure(&self) -> Option<&Reported> {
        self.reported.first()
    }

    /// All that is known of it, as label and text, for a page.
    pub fn page(&self) -> Vec<(&'static str, String)> {
        let mut page = vec![("published", format!("{}, {}", self.year, self.published))];
        let mut say = |label, text: String| {
            if !text.is_empty() {
                page.push((label, text));
            }
        };
        match &self.of {
            Of::Attack { modality, threat_model, threat_source, bounded_by, .. } => {
                let data = if modality == "any" { "any data" } else { modality.as_str() };
                say("family", format!("{}, on {data}", self.family));
                say("must know", Knowledge::in_words(self.knows()));
                say("model", format!("{threat_model} ({threat_source})"));
                say("bounded by", bounded_by.clone());
                say("shown on", self.shown_on());
            }
            Of::Defence { rule, strength, broken_by, .. } => {
                say("acts on", self.family.clone());
                say("does", rule.clone());
                say("strength", strength.clone());
                say("rated", self.rating());
                say("attacked by", broken_by.join(", "));
            }
        }
        for Reported { setting, figure, source } in &self.reported {
            say("reported", format!("{figure} ({setting}; {source})"));
        }
        if !self.sure {
            let unsure = "parts are from an abstract or second hand, so that no published figure is printed";
            say("how sure", unsure.to_owned());
        }
        say("note", self.note.clone());
        say("code", self.code.clone());
        say("source", self.according_to.clone());
        page
    }

    fn shown_on(&self) -> String {
        let Of::Attack { largest_batch, resolution, .. } = &self.of else { return String::new() };
        let batch = Some(format!("batches of {largest_batch}")).filter(|_| !largest_batch.is_empty());
        let pictures = Some(resolution.clone()).filter(|resolution| !resolution.is_empty());
        batch.into_iter().chain(pictures).collect::<Vec<_>>().join(", ")
    }

    fn rating(&self) -> String {
        let Of::Defence { holds_for, partly_for, fails_for, holds_source, .. } = &self.of else {
            return String::new();
        };
        let part = |word: &str, models: &[char]| {
            let letters: Vec<String> = models.iter().map(char::to_string).collect();
            (!letters.is_empty()).then(|| format!("{word} {}", letters.join(" ")))
        };
        let parts =
            [part("holds for", holds_for), part("partly for", partly_for), part("fails for", fails_for)];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        if parts.is_empty() { String::new() } else { format!("{} ({holds_source})", parts.join(", ")) }
    }
}

/// All attacks that are known of, by year.
pub fn attacks() -> &'static [Entry] {
    static READ: OnceLock<Vec<Entry>> = OnceLock::new();
    READ.get_or_init(read::attacks)
}

/// All defences that are known of, by year.
pub fn defences() -> &'static [Entry] {
    static READ: OnceLock<Vec<Entry>> = OnceLock::new();
    READ.get_or_init(read::defences)
}

/// The attack or the defence of this key.
pub fn entry(key: &str) -> Option<&'static Entry> {
    attacks().iter().chain(defences()).find(|entry| entry.key == key)
}

#[cfg(test)]
mod tests;
