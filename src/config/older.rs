//! Presets of older versions are not read; what they would say today is said.

use super::SCHEMA;
use super::error::{ConfigError, line_of};

/// Whether a preset is of this version, as far as it says.
///
/// # Errors
/// One sentence on what to write instead, for one of an older version.
pub(super) fn check(origin: &str, text: &str) -> Result<(), ConfigError> {
    // What is no TOML at all is said by who reads it.
    let Ok(table) = toml::from_str::<toml::Table>(text) else { return Ok(()) };
    let version = table.get("schema").and_then(toml::Value::as_integer);
    let Some(version) = version.filter(|version| *version < i64::from(SCHEMA)) else { return Ok(()) };
    let origin = line_of(text, "schema").map_or_else(|| origin.to_owned(), |line| format!("{origin}:{line}"));
    let word = table.get("knowledge").and_then(|knowledge| knowledge.get("labels")?.as_str());
    let instead = word
        .and_then(|word| Some(format!(", and instead of knowledge.labels = \"{word}\" {}", labels(word)?)))
        .unwrap_or_default();
    let message = format!("schema = {version} is of an older gialab; write schema = {SCHEMA}{instead}");
    Err(ConfigError::new(origin, message))
}

/// What stands today for `knowledge.labels = "word"` of schema 1.
pub(super) fn labels(word: &str) -> Option<&'static str> {
    match word {
        "known" => Some("knowledge.labels = true and attack.labels = \"given\""),
        "infer" => Some("knowledge.labels = false and attack.labels = { rule = \"idlg\" }"),
        "optimise" => Some("knowledge.labels = false and attack.labels = \"optimise\""),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::path::Path;

    use crate::config::preset;

    fn refused(text: &str) -> String {
        let file = tempfile::Builder::new().suffix(".toml").tempfile().unwrap();
        std::fs::write(file.path(), text).unwrap();
        preset::load(&file.path().to_string_lossy(), &[], Path::new("/nonexistent")).unwrap_err().to_string()
    }

    #[test]
    fn a_preset_of_schema_1_is_told_what_to_write() {
        let new = preset::shipped_text("dlg-lenet").unwrap();
        for (word, instead) in [
            ("known", "knowledge.labels = true and attack.labels = \"given\""),
            ("infer", "knowledge.labels = false and attack.labels = { rule = \"idlg\" }"),
            ("optimise", "knowledge.labels = false and attack.labels = \"optimise\""),
        ] {
            let old = new
                .replace("schema = 2", "schema = 1")
                .replace("labels = \"optimise\"\n", "")
                .replace("labels = false", &format!("labels = \"{word}\""));
            let error = refused(&old);
            let says = format!(
                "schema = 1 is of an older gialab; write schema = 2, and instead of knowledge.labels = \"{word}\" {instead}"
            );
            assert!(error.contains(&says) && error.contains(".toml:"), "{error}");
            // Half of the way is not enough, and is told as well.
            let half = new.replace("labels = false", &format!("labels = \"{word}\""));
            let error = refused(&half);
            assert!(error.contains(&format!("instead of \"{word}\" write {instead}")), "{error}");
        }
    }

    #[test]
    fn an_override_in_the_old_words_is_told_the_new_keys() {
        let set = |value: &str| {
            let change = [format!("knowledge.labels={value}")];
            preset::load("ig-lenet", &change, Path::new("/nonexistent")).unwrap_err().to_string()
        };
        let error = set("known");
        assert!(error.starts_with("--set knowledge.labels=known: "), "{error}");
        assert!(error.ends_with("write knowledge.labels = true and attack.labels = \"given\""), "{error}");
        assert!(set("maybe").contains("maybe is neither true nor false"), "{}", set("maybe"));
        let error = set("false");
        assert!(error.contains("attack.labels = \"given\" needs labels"), "{error}");
    }
}
