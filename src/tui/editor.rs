//! Opens a preset in the person's own editor.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::config::preset;
use crate::files::{self, Access};

/// The file of a preset: the user's own, or a copy of a shipped one, made if it is not there yet.
///
/// # Errors
/// A sentence that says why there is none.
pub fn file_of(name: &str, user_presets: &Path) -> Result<PathBuf, String> {
    let Some(text) = preset::shipped_text(name) else {
        return Ok(user_presets.join(format!("{name}.toml")));
    };
    let copy = user_presets.join(format!("my-{name}.toml"));
    if !copy.exists() {
        // It stands among the user's own, not among the shipped ones.
        let own =
            text.lines().map(|line| if line.starts_with("group = ") { "group = \"yours\"" } else { line });
        let own = own.collect::<Vec<_>>().join("\n") + "\n";
        files::create_directories(user_presets)
            .and_then(|()| files::write(&copy, own.as_bytes(), Access::Umask))
            .map_err(|e| format!("cannot write {}: {e}", copy.display()))?;
    }
    Ok(copy)
}

/// Runs `$VISUAL`, `$EDITOR` or `vi` on a file and waits for its end. The terminal must have been given back.
///
/// # Errors
/// A sentence that says why it could not be edited.
pub fn edit(file: &Path, variable: impl Fn(&str) -> Option<String>) -> Result<(), String> {
    let editor =
        ["VISUAL", "EDITOR"].into_iter().find_map(|name| variable(name).filter(|v| !v.trim().is_empty()));
    let editor = editor.unwrap_or_else(|| "vi".to_owned());
    // `code --wait` is one variable with two words.
    let mut words = editor.split_whitespace();
    let program = words.next().unwrap_or("vi");
    let status =
        Command::new(program).args(words).arg(file).status().map_err(|e| {
            format!("cannot start the editor \"{editor}\": {e}; set EDITOR to one that is there")
        })?;
    if status.success() { Ok(()) } else { Err(format!("the editor \"{editor}\" ended with {status}")) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_shipped_preset_is_copied_once_and_stays_valid() {
        let directory = tempfile::tempdir().unwrap();
        let file = file_of("dlg-lenet", directory.path()).unwrap();
        let preset = preset::load("my-dlg-lenet", &[], directory.path()).unwrap();
        assert_eq!(preset.config.group, "yours");
        std::fs::write(&file, "mine").unwrap();
        assert_eq!(file_of("dlg-lenet", directory.path()).unwrap(), file);
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "mine");
    }

    #[test]
    fn an_editor_that_is_not_there_is_named() {
        let variable = |name: &str| (name == "EDITOR").then(|| "no-such-editor --wait".to_owned());
        let said = edit(Path::new("/tmp/x"), variable).unwrap_err();
        assert!(said.contains("no-such-editor"), "{said}");
    }
}
