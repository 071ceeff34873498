//! What can be wrong with a preset or an override, said with file, line and the nearest right word.

use super::setting::SETTINGS;

/// A config that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{origin}: {message}")]
pub struct ConfigError {
    /// File with line (`presets/mine.toml:14`), `preset "dlg-lenet"`, or `--set attack.tv=x`.
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

/// The word among `known` that is nearest to `word`, if any is near.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    known
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(word, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= 1 + candidate.len().max(word.len()) / 3)
        .min()
        .map(|(_, candidate)| candidate)
}

/// Words of other tools for what has another name here; said where that name is among those expected.
const ELSEWHERE: [(&str, &str); 20] = [
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
];

/// The known key that is meant by a wrong one.
fn meant<'a>(wrong: &str, known: &[&'a str]) -> Option<&'a str> {
    let elsewhere = ELSEWHERE.iter().filter(|(word, _)| *word == wrong).map(|(_, ours)| *ours);
    let translated = elsewhere.filter_map(|ours| known.iter().copied().find(|key| *key == ours)).next();
    translated.or_else(|| nearest(wrong, known.iter().copied()))
}

/// serde's message with file, line and the nearest known key.
pub fn described(origin: &str, text: Option<&str>, error: &toml::de::Error) -> ConfigError {
    let origin = match (text, error.span()) {
        (Some(text), Some(span)) => {
            let line = text.as_bytes().iter().take(span.start).filter(|&&byte| byte == b'\n').count() + 1;
            format!("{origin}:{line}")
        }
        _ => origin.to_owned(),
    };
    let message = in_words(error.message().trim());
    // serde lists what it expected in backticks: "unknown field `tvv`, expected one of `tv`, `kind`".
    let words: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    let suggestion = match words.split_first() {
        Some((wrong, known)) if message.starts_with("unknown") => {
            meant(wrong, known).map(|near| match near {
                "epochs" | "local_epochs" if wrong.ends_with("steps") => {
                    format!(
                        "; did you mean `{near}`, from which, with the batch, the number of steps follows?"
                    )
                }
                near => format!("; did you mean `{near}`?"),
            })
        }
        _ => None,
    };
    ConfigError::new(origin, format!("{message}{}", suggestion.unwrap_or_default()))
}

/// The kind of number that serde wanted and did not get, by the type it names.
const NUMBERS: [(&str, &str); 8] = [
    ("usize", "a whole number from 0 on"),
    ("u64", "a whole number from 0 on"),
    ("u32", "a whole number from 0 on"),
    ("u16", "a whole number from 0 on"),
    ("u8", "a whole number from 0 on"),
    ("i64", "a whole number"),
    ("f64", "a number"),
    ("f32", "a number"),
];

/// What serde says, with kinds of numbers in words.
fn in_words(message: &str) -> String {
    match message.rsplit_once(", expected ") {
        Some((found, wanted)) => {
            let words = NUMBERS.iter().find(|(kind, _)| *kind == wanted).map_or(wanted, |(_, words)| words);
            format!("{found}, expected {words}")
        }
        None => message.to_owned(),
    }
}

/// What is wrong with a value for `key` that has not the type of the setting: where a number was wanted, which ones there
/// are.
pub fn misfit(key: &str, value: &str, error: &toml::de::Error) -> Option<String> {
    let (_, wanted) = error.message().trim().rsplit_once(", expected ")?;
    let is_whole = NUMBERS.iter().find(|(kind, _)| *kind == wanted)?.1 != "a number";
    let range = SETTINGS.iter().find(|setting| setting.key == key)?.range;
    let kind = if is_whole { "a whole number" } else { "a number" };
    Some(format!("{key} = {value}, must be {kind}: {range}"))
}

/// The line that sets a dotted key, for messages about its value.
pub fn line_of(text: &str, key: &str) -> Option<usize> {
    let (section, field) = key.rsplit_once('.').unwrap_or(("", key));
    let mut current = "";
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.starts_with('[') {
            current = line.trim_matches(['[', ']']);
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
