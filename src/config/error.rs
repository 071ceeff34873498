//! What can be wrong with a preset or an override, said with file, line and the nearest right word.

use super::spoken::plain;

/// A config that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{origin}: {message}")]
pub struct ConfigError {
    /// File with line (`presets/mine.toml:14`), `preset "dlg-lenet"`, or `--set attack.prior.tv=x`.
    pub origin: String,
    /// What is wrong and what would be right.
    pub message: String,
}

impl ConfigError {
    /// An error at `origin`.
    pub fn new(origin: impl Into<String>, message: impl Into<String>) -> Self {
        ConfigError { origin: origin.into(), message: message.into() }
    }
}

/// Words of other tools for what has another name here; said where that name is among those expected.
pub(super) const ELSEWHERE: [(&str, &str); 22] = [
    ("lr", "learning_rate"),
    ("batch_size", "batch"),
    ("batch_size", "local_batch"),
    ("batch", "local_batch"),
    ("num_epochs", "epochs"),
    ("epochs", "local_epochs"),
    ("steps", "epochs"),
    ("steps", "local_epochs"),
    ("local_steps", "epochs"),
    ("local_steps", "local_epochs"),
    ("max_steps", "epochs"),
    ("accumulation_steps", "accumulate"),
    ("gradient_accumulation_steps", "accumulate"),
    ("max_norm", "clip"),
    ("max_grad_norm", "clip"),
    ("grad_clip", "clip"),
    ("clip_norm", "clip"),
    ("mu", "proximal"),
    ("proximal_mu", "proximal"),
    ("epsilon", "eps"),
    ("tv", "prior"),
    ("l2norm", "prior"),
];

/// What a reader of TOML said, as a sentence with file, line and the nearest known key.
pub fn described(origin: &str, text: Option<&str>, error: &toml::de::Error) -> ConfigError {
    let origin = match (text, error.span()) {
        (Some(text), Some(span)) => {
            let line = text.as_bytes().iter().take(span.start).filter(|&&byte| byte == b'\n').count() + 1;
            format!("{origin}:{line}")
        }
        _ => origin.to_owned(),
    };
    ConfigError::new(origin, plain(error.message()))
}

/// The line that sets a dotted key, for messages about its value.
pub fn line_of(text: &str, key: &str) -> Option<usize> {
    let (section, field) = key.rsplit_once('.').unwrap_or(("", key));
    let mut current = "";
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.starts_with('[') {
            current = line.trim_matches(['[', ']']);
            // Of a list of tables the first.
            if line.starts_with("[[") && current == key {
                return Some(number + 1);
            }
        }
        let sets =
            |name: &str| line.strip_prefix(name).is_some_and(|rest| rest.trim_start().starts_with('='));
        if (current == section && sets(field))
            || section.rsplit_once('.').is_some_and(|(outer, inner)| current == outer && sets(inner))
        {
            return Some(number + 1);
        }
    }
    None
}
