//! The files that a person may write for the screen, and what is wrong with them; for `gialab doctor`.

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::{keymap::Keymap, preferences, theme};
use crate::config::preset;

/// A file of the person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OwnFile {
    /// What it is for.
    pub name: &'static str,
    /// Where it is or would be.
    pub path: PathBuf,
    /// It is there.
    pub exists: bool,
    /// What is wrong with it, with its line.
    pub mistakes: Vec<String>,
}

/// Looks at all of them in the config directory. `theme` is the theme in use.
pub fn look(config: &Path, theme: &str) -> Vec<OwnFile> {
    let file = |name, path: PathBuf, mistakes| OwnFile { name, exists: path.exists(), path, mistakes };
    let mistake =
        |error: Option<crate::config::ConfigError>| error.map(|error| error.to_string()).into_iter();
    let (preferences, keymap) = (config.join("config.toml"), config.join("keymap.toml"));
    let (themes, presets) = (config.join("themes"), config.join("presets"));
    let wrong_preferences = mistake(preferences::load(&preferences).err()).collect();
    let wrong_keys = mistake(Keymap::load(&keymap).err()).collect();
    let wrong_theme = match theme {
        "auto" => Vec::new(),
        name => mistake(theme::load(name, &themes).err()).collect(),
    };
    let wrong_presets = preset::all(&presets).1.iter().map(ToString::to_string).collect();
    vec![
        file("preferences", preferences, wrong_preferences),
        file("keys", keymap, wrong_keys),
        file("themes", themes, wrong_theme),
        file("presets", presets, wrong_presets),
    ]
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn every_mistake_is_found_with_its_line() {
        let config = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = config.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        assert!(look(config.path(), "auto").iter().all(|file| !file.exists && file.mistakes.is_empty()));
        write("config.toml", "mouze = true\n");
        write("keymap.toml", "[run]\npause = [\"s\"]\n");
        write("themes/mine.toml", "\naccent = \"blurple\"\n");
        write("presets/mine.toml", "schema = 2\ntitle = 3\n");
        let files = look(config.path(), "mine");
        for (file, words) in
            files.iter().zip(["config.toml:1", "keymap.toml:2", "mine.toml:2", "mine.toml:2"])
        {
            assert!(file.exists && file.mistakes[0].contains(words), "{file:?}");
        }
    }
}
