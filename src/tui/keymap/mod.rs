//! The keys: what can be done where (`BINDINGS`), and with which keys (`assets/keymap.toml`, patched by a file
//! of the user).
//!
//! `update` looks actions up here; help, footer and palette are printed from here, so they cannot lie.

mod available;
mod bindings;
mod key;

pub use available::{available, possible};
pub use bindings::{Action, BINDINGS, Binding, Place, bindings};
pub use key::Key;

use bindings::PLACES;

use std::collections::BTreeMap;
use std::path::Path;

use crossterm::event::KeyEvent;

use crate::config::{ConfigError, described, line_of};
use crate::files;
use crate::text::nearest;

/// The keys as shipped.
pub const DEFAULTS: &str = include_str!("../../../assets/keymap.toml");

/// Which keys do what.
#[derive(Debug, Clone)]
pub struct Keymap {
    /// In the order of [`BINDINGS`].
    keys: Vec<Vec<Key>>,
}

/// A `keymap.toml`: keys by place and name.
type File = BTreeMap<String, BTreeMap<String, Vec<String>>>;

impl Default for Keymap {
    fn default() -> Self {
        let mut keymap = Keymap { keys: vec![Vec::new(); BINDINGS.len()] };
        // Tests hold that the shipped file fits.
        let _ = keymap.patch("assets/keymap.toml", DEFAULTS);
        keymap
    }
}

impl Keymap {
    /// The shipped keys with the changes of the user's file, if there is one.
    ///
    /// # Errors
    /// What is wrong with the file, with its line. The shipped keys are then to be used.
    pub fn load(file: &Path) -> Result<Self, ConfigError> {
        let mut keymap = Keymap::default();
        let origin = file.display().to_string();
        match files::read_text(file, files::TEXT) {
            Ok(text) => keymap.patch(&origin, &text)?,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {}
            Err(e) => return Err(ConfigError::new(origin, format!("cannot be read: {e}"))),
        }
        Ok(keymap)
    }

    fn patch(&mut self, origin: &str, text: &str) -> Result<(), ConfigError> {
        let file: File = toml::from_str(text).map_err(|e| described(origin, Some(text), &e))?;
        let wrong = |key: &str, message: String| {
            let line = line_of(text, key).or_else(|| line_of_section(text, key));
            ConfigError::new(line.map_or(origin.to_owned(), |line| format!("{origin}:{line}")), message)
        };
        let mut changed = Vec::new();
        for (section, entries) in &file {
            let Some((_, place)) = PLACES.iter().find(|(name, _)| name == section) else {
                let near = suggestion(section, PLACES.iter().map(|(name, _)| *name));
                return Err(wrong(section, format!("there is no place [{section}]{near}")));
            };
            for (name, keys) in entries {
                let key = format!("{section}.{name}");
                let at = BINDINGS.iter().position(|b| b.place == *place && b.name == name);
                let Some(at) = at else {
                    let near = suggestion(name, bindings(*place).map(|binding| binding.name));
                    return Err(wrong(&key, format!("nothing is called \"{name}\" in [{section}]{near}")));
                };
                let keys: Result<Vec<Key>, String> = keys.iter().map(|name| Key::parse(name)).collect();
                self.keys[at] = keys.map_err(|message| wrong(&key, message))?;
                changed.push((at, key));
            }
        }
        for (at, key) in changed {
            if let Some((shared, other)) = self.clash(at) {
                let (mine, shared) = (BINDINGS[at].name, shared.name(true));
                return Err(wrong(&key, format!("{shared} would mean both {mine} and {other}")));
            }
        }
        Ok(())
    }

    /// A key of this binding that means something else at the same place, and what.
    fn clash(&self, at: usize) -> Option<(Key, &'static str)> {
        let mine = &BINDINGS[at];
        let meets = |other: &Binding| {
            let everywhere = |a: &Binding, b: &Binding| a.place == Place::Everywhere && b.place.is_screen();
            mine.place == other.place || everywhere(mine, other) || everywhere(other, mine)
        };
        BINDINGS.iter().enumerate().filter(|(i, other)| *i != at && meets(other)).find_map(|(i, other)| {
            self.keys[at].iter().find(|key| self.keys[i].contains(key)).map(|key| (*key, other.name))
        })
    }

    /// What this key does at this place, or everywhere if the place is a screen.
    pub fn action(&self, place: Place, event: &KeyEvent) -> Option<Action> {
        let pressed = Key::pressed(event);
        let at = |place| {
            let mut here = BINDINGS.iter().zip(&self.keys).filter(|(binding, _)| binding.place == place);
            here.find(|(_, keys)| keys.contains(&pressed)).map(|(binding, _)| binding.action)
        };
        at(place).or_else(|| if place.is_screen() { at(Place::Everywhere) } else { None })
    }

    fn keys(&self, binding: &Binding) -> &[Key] {
        let at = BINDINGS.iter().position(|known| known == binding);
        at.map_or(&[], |at| self.keys[at].as_slice())
    }

    /// The first key, for the footer; empty if it has none.
    pub fn first_key(&self, binding: &Binding, ascii: bool) -> String {
        self.keys(binding).first().map(|key| key.name(ascii)).unwrap_or_default()
    }

    /// All keys, for the help.
    pub fn all_keys(&self, binding: &Binding, ascii: bool) -> String {
        self.keys(binding).iter().map(|key| key.name(ascii)).collect::<Vec<_>>().join(" ")
    }

    /// The first key of an action on this screen, for a hint in a sentence.
    pub fn hint(&self, place: Place, action: Action, ascii: bool) -> String {
        let here = |place| bindings(place).find(|binding| binding.action == action);
        let binding = here(place).or_else(|| here(Place::Everywhere));
        binding.map(|binding| self.first_key(binding, ascii)).unwrap_or_default()
    }
}

fn suggestion<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> String {
    nearest(word, known).map_or(String::new(), |near| format!("; did you mean \"{near}\"?"))
}

fn line_of_section(text: &str, key: &str) -> Option<usize> {
    let section = format!("[{}]", key.split('.').next().unwrap_or(key));
    text.lines().position(|line| line.trim() == section).map(|at| at + 1)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::Action as A;
    use super::Place as P;
    use super::*;
    use crossterm::event::{KeyCode, KeyModifiers};

    fn patched(text: &str) -> Result<Keymap, ConfigError> {
        let mut keymap = Keymap::default();
        keymap.patch("keymap.toml", text).map(|()| keymap)
    }

    fn press(code: KeyCode) -> KeyEvent {
        KeyEvent::new(code, KeyModifiers::NONE)
    }

    #[test]
    fn the_shipped_file_gives_every_binding_keys_of_its_own() {
        let mut keymap = Keymap { keys: vec![Vec::new(); BINDINGS.len()] };
        keymap.patch("assets/keymap.toml", DEFAULTS).unwrap();
        for (at, binding) in BINDINGS.iter().enumerate() {
            assert!(!keymap.keys[at].is_empty(), "{binding:?}");
            assert_eq!(keymap.clash(at), None, "{binding:?}");
        }
    }

    #[test]
    fn a_screen_knows_its_own_keys_and_those_valid_everywhere() {
        let keymap = Keymap::default();
        assert_eq!(keymap.action(P::Presets, &press(KeyCode::Char('G'))), Some(A::Last));
        assert_eq!(keymap.action(P::Runs, &press(KeyCode::Char('q'))), Some(A::Quit));
        assert_eq!(keymap.action(P::Filter, &press(KeyCode::Char('q'))), None);
        let shifted = KeyEvent::new(KeyCode::Left, KeyModifiers::SHIFT);
        assert_eq!(keymap.action(P::Run, &shifted), Some(A::Scrub(-10)));
    }

    #[test]
    fn a_file_of_the_user_holds_only_what_differs() {
        let keymap = patched("[run]\npause = [\"P\"]\n[everywhere]\nsuspend = []\n").unwrap();
        assert_eq!(keymap.action(P::Run, &press(KeyCode::Char('P'))), Some(A::Pause));
        assert_eq!(keymap.action(P::Run, &press(KeyCode::Char(' '))), None);
        assert_eq!(keymap.action(P::Run, &press(KeyCode::Char('s'))), Some(A::Stop));
        let control = KeyEvent::new(KeyCode::Char('z'), KeyModifiers::CONTROL);
        assert_eq!(keymap.action(P::Run, &control), None);
    }

    #[test]
    fn mistakes_are_said_with_their_line_and_the_nearest_right_word() {
        let said = |text: &str| patched(text).unwrap_err().to_string();
        let text = said("[run]\n\npaus = [\"P\"]\n");
        assert!(text.contains("keymap.toml:3") && text.contains("did you mean \"pause\"?"), "{text}");
        let text = said("[rum]\npause = [\"P\"]\n");
        assert!(text.contains("keymap.toml:1") && text.contains("did you mean \"run\"?"), "{text}");
        let text = said("[run]\npause = [\"Hyper-P\"]\n");
        assert!(text.contains("keymap.toml:2") && text.contains("Hyper-P"), "{text}");
        let text = said("[run]\npause = [\"s\"]\n");
        assert!(text.contains("s would mean both pause and stop"), "{text}");
        let text = said("[run]\npause = [\"q\"]\n");
        assert!(text.contains("q would mean both pause and quit"), "{text}");
        assert!(said("[run\n").contains("keymap.toml:1"));
        assert!(said("[run]\npause = 3\n").contains("keymap.toml:2"));
    }

    #[test]
    fn a_missing_file_changes_nothing() {
        assert!(Keymap::load(Path::new("/nonexistent/keymap.toml")).is_ok());
    }
}
