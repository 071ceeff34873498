//! Which entries are looked for.

use super::{Entry, Of};

/// All of it must hold.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Filter {
    /// Each somewhere in the entry, whatever its case.
    pub words: Vec<String>,
    /// An attack under this threat model; a defence that holds under it, at least partly.
    pub threat_model: Option<char>,
    /// How the family begins.
    pub family: Option<String>,
    /// A word of what it is shown on; what is shown on anything fits.
    pub modality: Option<String>,
    /// Only what gialab runs.
    pub runs: bool,
}

impl Filter {
    /// Whether the entry is looked for.
    pub fn fits(&self, entry: &Entry) -> bool {
        let has_words = || {
            let text = text(entry);
            self.words.iter().all(|word| text.contains(&word.to_lowercase()))
        };
        let modality = entry.modality();
        (!self.runs || entry.runs)
            && self.threat_model.is_none_or(|model| stands(entry, model))
            && self.family.as_ref().is_none_or(|family| entry.family.starts_with(family.as_str()))
            && self.modality.as_ref().is_none_or(|word| modality == "any" || modality.contains(word.as_str()))
            && (self.words.is_empty() || has_words())
    }
}

fn stands(entry: &Entry, model: char) -> bool {
    match &entry.of {
        Of::Attack { threat_model, .. } => *threat_model == model,
        Of::Defence { holds_for, partly_for, .. } => {
            holds_for.contains(&model) || partly_for.contains(&model)
        }
    }
}

fn text(entry: &Entry) -> String {
    let Entry { key, title, year, published, family, .. } = entry;
    let known: Vec<&str> = entry.knows().iter().map(|known| known.name()).collect();
    format!("{key} {title} {year} {published} {family} {} {}", entry.modality(), known.join(" "))
        .to_lowercase()
}
