//! What a person prefers of the screen: `config.toml` in the config directory, all of it optional.

use std::path::Path;

use serde::{Deserialize, Deserializer, de::Error};

use super::notify::Wish;
use crate::config::{ConfigError, described};
use crate::files;
use crate::gfx::ImageMode;

/// The file `config.toml`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Preferences {
    /// `auto`, a shipped theme, or the name of a file in `themes/`.
    pub theme: String,
    /// How pictures are shown, as `--images`.
    #[serde(deserialize_with = "images")]
    pub images: Option<ImageMode>,
    /// Clicks and scrolling reach gialab.
    pub mouse: bool,
    /// How the end of a run is announced: `auto`, `bell`, `osc9`, `osc777`, `off`.
    pub notify: Wish,
}

impl Default for Preferences {
    fn default() -> Self {
        Preferences { theme: "auto".into(), images: None, mouse: true, notify: Wish::Auto }
    }
}

fn images<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<ImageMode>, D::Error> {
    let name = String::deserialize(deserializer)?;
    name.parse().map(Some).map_err(D::Error::custom)
}

/// Reads the file; the defaults if there is none.
///
/// # Errors
/// What is wrong with it, with its line. The defaults are then to be used.
pub fn load(file: &Path) -> Result<Preferences, ConfigError> {
    let origin = file.display().to_string();
    match files::read_text(file, files::TEXT) {
        Ok(text) => toml::from_str(&text).map_err(|e| described(&origin, Some(&text), &e)),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(Preferences::default()),
        Err(e) => Err(ConfigError::new(origin, format!("cannot be read: {e}"))),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_wrong_key_is_said_with_its_line() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "theme = \"dark\"\nmouze = false\n").unwrap();
        let error = load(file.path()).unwrap_err().to_string();
        assert!(error.contains(":2:") && error.contains("did you mean `mouse`?"), "{error}");
        std::fs::write(file.path(), "\nimages = \"sixels\"\n").unwrap();
        let error = load(file.path()).unwrap_err().to_string();
        assert!(error.contains(":2:") && error.contains("sixel"), "{error}");
        std::fs::write(file.path(), "mouse = false\n").unwrap();
        let read = load(file.path()).unwrap();
        assert_eq!((read.mouse, read.theme.as_str()), (false, "auto"));
    }
}
