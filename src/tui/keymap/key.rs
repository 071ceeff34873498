//! Names of keys, as `keymap.toml`, footer and help write them.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// A key with what is held down with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Key {
    code: KeyCode,
    modifiers: KeyModifiers,
}

/// Keys with a name; the first name of a key is the one that is shown.
const NAMED: [(&str, KeyCode); 18] = [
    ("Space", KeyCode::Char(' ')),
    ("Enter", KeyCode::Enter),
    ("Esc", KeyCode::Esc),
    ("Tab", KeyCode::Tab),
    ("Backspace", KeyCode::Backspace),
    ("Up", KeyCode::Up),
    ("Down", KeyCode::Down),
    ("Left", KeyCode::Left),
    ("Right", KeyCode::Right),
    ("PgUp", KeyCode::PageUp),
    ("PgDn", KeyCode::PageDown),
    ("PageUp", KeyCode::PageUp),
    ("PageDown", KeyCode::PageDown),
    ("Home", KeyCode::Home),
    ("End", KeyCode::End),
    ("Insert", KeyCode::Insert),
    ("Delete", KeyCode::Delete),
    ("Minus", KeyCode::Char('-')),
];

const PREFIXES: [(&str, KeyModifiers); 3] =
    [("Ctrl-", KeyModifiers::CONTROL), ("Alt-", KeyModifiers::ALT), ("Shift-", KeyModifiers::SHIFT)];

impl Key {
    /// The key that was pressed. Shift is part of a character already, and terminals differ in whether they
    /// also report it.
    pub fn pressed(event: &KeyEvent) -> Self {
        let mut modifiers =
            event.modifiers & (KeyModifiers::CONTROL | KeyModifiers::ALT | KeyModifiers::SHIFT);
        let code = match event.code {
            KeyCode::BackTab => {
                modifiers |= KeyModifiers::SHIFT;
                KeyCode::Tab
            }
            KeyCode::Char(c) => {
                modifiers -= KeyModifiers::SHIFT;
                let control = modifiers.contains(KeyModifiers::CONTROL);
                KeyCode::Char(if control { c.to_ascii_lowercase() } else { c })
            }
            code => code,
        };
        Key { code, modifiers }
    }

    /// Reads a name such as `Ctrl-C`, `Shift-Left`, `G`.
    ///
    /// # Errors
    /// A sentence that says what a key looks like.
    pub fn parse(name: &str) -> Result<Self, String> {
        let wrong =
            || format!("\"{name}\" is no key; use a character or a name as Enter, PageUp, F1, Ctrl-C");
        let mut rest = name;
        let mut modifiers = KeyModifiers::NONE;
        while let Some((prefix, modifier)) = PREFIXES.iter().find(|(prefix, _)| has_prefix(rest, prefix)) {
            modifiers |= *modifier;
            rest = &rest[prefix.len()..];
        }
        let mut characters = rest.chars();
        let code = match (characters.next(), characters.next()) {
            (Some(c), None) => KeyCode::Char(c),
            _ => {
                let named = NAMED.iter().find(|(known, _)| known.eq_ignore_ascii_case(rest));
                let function = || {
                    let number = rest.strip_prefix(['F', 'f'])?.parse::<u8>().ok()?;
                    (1..=12).contains(&number).then_some(KeyCode::F(number))
                };
                named.map(|(_, code)| *code).or_else(function).ok_or_else(wrong)?
            }
        };
        Ok(Key::pressed(&KeyEvent::new(code, modifiers)))
    }

    /// Its name, with arrows as such unless only ASCII can be shown.
    pub fn name(self, ascii: bool) -> String {
        let mut text: String = PREFIXES
            .iter()
            .filter(|(_, modifier)| self.modifiers.contains(*modifier))
            .map(|(prefix, _)| *prefix)
            .collect();
        match self.code {
            KeyCode::Up if !ascii => text.push('↑'),
            KeyCode::Down if !ascii => text.push('↓'),
            KeyCode::Left if !ascii => text.push('←'),
            KeyCode::Right if !ascii => text.push('→'),
            KeyCode::F(number) => text.push_str(&format!("F{number}")),
            KeyCode::Char(c) if c != ' ' && text.is_empty() => text.push(c),
            KeyCode::Char(c) if c != ' ' => text.push(c.to_ascii_uppercase()),
            code => {
                text.push_str(NAMED.iter().find(|(_, known)| *known == code).map_or("?", |(name, _)| name));
            }
        }
        text
    }
}

fn has_prefix(text: &str, prefix: &str) -> bool {
    // `Ctrl-` alone is not a prefix of anything.
    text.len() > prefix.len() && text.get(..prefix.len()).is_some_and(|own| own.eq_ignore_ascii_case(prefix))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn names_are_read_as_they_are_shown() {
        for name in ["q", "G", "?", "Space", "Ctrl-C", "Shift-Tab", "Shift-Left", "F11", "PgDn", "Alt-X", "-"]
        {
            assert_eq!(Key::parse(name).unwrap().name(true), name);
        }
        assert_eq!(Key::parse("pagedown").unwrap(), Key::parse("PgDn").unwrap());
        assert_eq!(Key::parse("up").unwrap().name(false), "↑");
        assert!(Key::parse("Hyper-X").unwrap_err().contains("Hyper-X"));
        assert!(Key::parse("").is_err() && Key::parse("Ctrl-").is_err() && Key::parse("F13").is_err());
    }

    #[test]
    fn capitals_and_back_tab_are_the_same_however_terminals_report_them() {
        for modifiers in [KeyModifiers::NONE, KeyModifiers::SHIFT] {
            let event = KeyEvent::new(KeyCode::Char('G'), modifiers);
            assert_eq!(Key::pressed(&event), Key::parse("G").unwrap());
            let event = KeyEvent::new(KeyCode::BackTab, modifiers);
            assert_eq!(Key::pressed(&event), Key::parse("Shift-Tab").unwrap());
        }
    }
}
