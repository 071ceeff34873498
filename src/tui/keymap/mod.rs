//! The keys: what can be done where (`BINDINGS`), and with which keys (`assets/keymap.toml`, patched by a file
//! of the user).
//!
//! `update` looks actions up here; help, footer and palette are printed from here, so they cannot lie.

mod available;
mod key;

pub use available::available;
pub use key::Key;

use std::collections::BTreeMap;
use std::path::Path;

use crossterm::event::KeyEvent;

use super::model::{Model, Screen};
use super::overlay::Overlay;
use crate::config::{ConfigError, described, line_of, nearest};

/// The keys as shipped.
pub const DEFAULTS: &str = include_str!("../../../assets/keymap.toml");

/// What a person wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// End the program; runs go on.
    Quit,
    /// All keys.
    Help,
    /// Find anything by typing.
    Palette,
    /// To the screen on the right.
    NextScreen,
    /// To the screen on the left.
    PreviousScreen,
    /// To this screen.
    Show(Screen),
    /// Draw everything anew.
    Redraw,
    /// Back to the shell until continued.
    Suspend,
    /// Close what is on top, or go back.
    Back,
    /// One line up.
    Up,
    /// One line down.
    Down,
    /// A page up.
    PageUp,
    /// A page down.
    PageDown,
    /// To the first line.
    First,
    /// To the last line.
    Last,
    /// Type a filter.
    Filter,
    /// Start the chosen preset.
    Start,
    /// Change the settings of the chosen preset.
    Change,
    /// Open the chosen preset's file in an editor.
    EditFile,
    /// Next picture of the data set.
    NextPicture,
    /// Previous picture of the data set.
    PreviousPicture,
    /// Next backend that is there.
    NextBackend,
    /// The whole description.
    Describe,
    /// Open the chosen run.
    Open,
    /// Select the chosen run for comparing, or take it out.
    Select,
    /// Compare the selected runs.
    Compare,
    /// Make the chosen run the one that others are compared with.
    Pin,
    /// A new run with the settings of this one, to be changed first.
    Again,
    /// Write a report.
    Export,
    /// Delete a run.
    Delete,
    /// Start a worker on a run that stands.
    Resume,
    /// Next order of the list or table.
    Sort,
    /// The other way round.
    Reverse,
    /// Hold or go on.
    Pause,
    /// End a run in an orderly way.
    Stop,
    /// Logarithmic or linear loss axis.
    ToggleAxis,
    /// Smoothed or raw curves.
    ToggleSmoothing,
    /// Iterations or seconds along the x axis.
    ToggleClock,
    /// Read the curves off further left.
    CursorBack,
    /// Read the curves off further right.
    CursorForward,
    /// Hold the screen still while the run goes on.
    Freeze,
    /// Picture pane.
    TogglePictures,
    /// Half blocks or the terminal's full resolution.
    ToggleBlocks,
    /// Stored pictures earlier (negative) or later by so many.
    Scrub(isize),
    /// First stored picture.
    ScrubFirst,
    /// Let the stored pictures pass.
    Play,
    /// Follow the newest picture and trial.
    Follow,
    /// Next sample of the batch.
    NextSample,
    /// Previous sample of the batch.
    PreviousSample,
    /// One sample enlarged, or the whole batch.
    Enlarge,
    /// Earlier trial.
    PreviousTrial,
    /// Later trial.
    NextTrial,
    /// Rounds, trials or samples in the table.
    NextRows,
    /// Copy the table.
    Copy,
    /// Keep what was typed.
    Accept,
    /// Yes.
    Yes,
    /// No.
    No,
    /// Next field.
    NextField,
    /// Previous field.
    PreviousField,
    /// Next of the values a field can have.
    NextChoice,
    /// Previous of the values a field can have.
    PreviousChoice,
    /// The preset's own value.
    ResetField,
    /// Save the settings as a preset.
    SavePreset,
}

/// Where a key is valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// On every screen, under no overlay.
    Everywhere,
    /// Presets screen.
    Presets,
    /// Runs screen.
    Runs,
    /// Run screen.
    Run,
    /// Compare screen.
    Compare,
    /// While a filter is typed.
    Filter,
    /// Over a question.
    Question,
    /// Over help, texts and errors.
    Text,
    /// In the form of settings.
    Form,
    /// In a list to choose from: the palette, the export formats.
    List,
    /// While a name is typed.
    Name,
}

/// Places by their name in `keymap.toml`.
const PLACES: [(&str, Place); 11] = [
    ("everywhere", Place::Everywhere),
    ("presets", Place::Presets),
    ("runs", Place::Runs),
    ("run", Place::Run),
    ("compare", Place::Compare),
    ("filter", Place::Filter),
    ("question", Place::Question),
    ("text", Place::Text),
    ("form", Place::Form),
    ("list", Place::List),
    ("name", Place::Name),
];

impl Place {
    /// The screen's own place.
    pub fn of_screen(screen: Screen) -> Self {
        match screen {
            Screen::Presets => Place::Presets,
            Screen::Runs => Place::Runs,
            Screen::Run => Place::Run,
            Screen::Compare => Place::Compare,
        }
    }

    /// Whether this is a screen, where also the keys of [`Place::Everywhere`] work.
    pub fn is_screen(self) -> bool {
        matches!(self, Place::Presets | Place::Runs | Place::Run | Place::Compare)
    }

    /// Where the keys go now.
    pub fn now(model: &Model) -> Self {
        match model.overlays.last() {
            Some(Overlay::Help { .. } | Overlay::Text { .. } | Overlay::Error { .. }) => Place::Text,
            Some(Overlay::Confirm { .. }) => Place::Question,
            Some(Overlay::Form(_)) => Place::Form,
            Some(Overlay::List(_)) => Place::List,
            Some(Overlay::Name(_)) => Place::Name,
            None => match model.screen {
                Screen::Presets if model.presets_view.filtering => Place::Filter,
                Screen::Runs if model.runs_view.filtering => Place::Filter,
                screen => Place::of_screen(screen),
            },
        }
    }
}

/// Something that can be done at some place.
#[derive(Debug, PartialEq, Eq)]
pub struct Binding {
    /// Where it is valid.
    pub place: Place,
    /// Its name in `keymap.toml`.
    pub name: &'static str,
    /// What it does.
    pub action: Action,
    /// For the footer; empty keeps it out.
    pub label: &'static str,
    /// For help and palette.
    pub help: &'static str,
}

const fn bind(
    place: Place,
    name: &'static str,
    action: Action,
    label: &'static str,
    help: &'static str,
) -> Binding {
    Binding { place, name, action, label, help }
}

use Action as A;
use Place as P;

/// All that keys can do. Order is that of help and footer: what matters most comes first.
pub static BINDINGS: &[Binding] = &[
    bind(P::Presets, "start", A::Start, "start", "start the attack and watch it"),
    bind(P::Presets, "change", A::Change, "change", "change any setting, save it as a preset of yours"),
    bind(P::Presets, "next-picture", A::NextPicture, "picture", "next picture of the set"),
    bind(P::Presets, "previous-picture", A::PreviousPicture, "", "previous picture of the set"),
    bind(P::Presets, "next-backend", A::NextBackend, "backend", "next backend"),
    bind(P::Presets, "filter", A::Filter, "filter", "show only presets with these words"),
    bind(P::Presets, "describe", A::Describe, "describe", "the whole description"),
    bind(P::Presets, "edit-file", A::EditFile, "", "open its file in $EDITOR; a shipped one is copied first"),
    bind(P::Runs, "open", A::Open, "open", "open the run, live if it runs"),
    bind(P::Runs, "select", A::Select, "select", "select for comparing, or take out"),
    bind(P::Runs, "compare", A::Compare, "compare", "compare the selected runs"),
    bind(P::Runs, "resume", A::Resume, "resume", "go on from the last checkpoint"),
    bind(P::Runs, "again", A::Again, "again", "run again with other settings"),
    bind(P::Runs, "export", A::Export, "export", "write a report of the selected runs, or of this one"),
    bind(P::Runs, "delete", A::Delete, "delete", "delete the run, after asking"),
    bind(P::Runs, "sort", A::Sort, "order", "another order"),
    bind(P::Runs, "filter", A::Filter, "filter", "show only runs with these words"),
    bind(P::Run, "pause", A::Pause, "pause", "hold the attack, or go on with it"),
    bind(P::Run, "stop", A::Stop, "stop", "write a checkpoint and end, after asking"),
    bind(P::Run, "resume", A::Resume, "resume", "go on from the last checkpoint"),
    bind(P::Run, "pictures", A::TogglePictures, "pictures", "pictures beside the chart, large, or none"),
    bind(P::Run, "scrub-back", A::Scrub(-1), "scrub", "earlier stored picture"),
    bind(P::Run, "scrub-forward", A::Scrub(1), "", "later stored picture"),
    bind(P::Run, "scrub-back-ten", A::Scrub(-10), "", "ten stored pictures earlier"),
    bind(P::Run, "scrub-forward-ten", A::Scrub(10), "", "ten stored pictures later"),
    bind(P::Run, "scrub-first", A::ScrubFirst, "", "first stored picture"),
    bind(P::Run, "play", A::Play, "play", "let the stored pictures pass, or hold them"),
    bind(P::Run, "follow", A::Follow, "follow", "follow the newest picture and trial"),
    bind(P::Run, "enlarge", A::Enlarge, "enlarge", "one sample of the batch enlarged, or all"),
    bind(P::Run, "next-sample", A::NextSample, "", "next sample of the batch"),
    bind(P::Run, "previous-sample", A::PreviousSample, "", "previous sample of the batch"),
    bind(P::Run, "axis", A::ToggleAxis, "log/lin", "logarithmic or linear loss axis"),
    bind(P::Run, "smooth", A::ToggleSmoothing, "", "smoothed curves, or every point"),
    bind(P::Run, "clock", A::ToggleClock, "", "iterations or seconds along the x axis"),
    bind(P::Run, "cursor-back", A::CursorBack, "", "read the curves off further left"),
    bind(P::Run, "cursor-forward", A::CursorForward, "", "read the curves off further right"),
    bind(P::Run, "freeze", A::Freeze, "freeze", "hold the screen still; the run goes on"),
    bind(P::Run, "previous-trial", A::PreviousTrial, "", "earlier trial"),
    bind(P::Run, "next-trial", A::NextTrial, "", "later trial"),
    bind(P::Run, "rows", A::NextRows, "", "rounds, trials or samples in the table"),
    bind(P::Run, "sort", A::Sort, "", "sort the table by the next column"),
    bind(P::Run, "reverse", A::Reverse, "", "sort the other way round"),
    bind(P::Run, "copy", A::Copy, "", "copy the table as tab-separated values"),
    bind(P::Run, "export", A::Export, "export", "write a report of the run"),
    bind(P::Run, "again", A::Again, "again", "run again with other settings"),
    bind(P::Run, "blocks", A::ToggleBlocks, "", "pictures in half blocks or full resolution"),
    bind(P::Run, "delete", A::Delete, "", "delete the run, after asking"),
    bind(P::Compare, "open", A::Open, "open", "open the chosen run"),
    bind(P::Compare, "pin", A::Pin, "reference", "make the chosen run the reference"),
    bind(P::Compare, "deselect", A::Select, "take out", "take the chosen run out of the comparison"),
    bind(P::Compare, "scrub-back", A::Scrub(-1), "scrub", "earlier pictures"),
    bind(P::Compare, "scrub-forward", A::Scrub(1), "", "later pictures"),
    bind(P::Compare, "scrub-back-ten", A::Scrub(-10), "", "ten pictures earlier"),
    bind(P::Compare, "scrub-forward-ten", A::Scrub(10), "", "ten pictures later"),
    bind(P::Compare, "scrub-first", A::ScrubFirst, "", "first pictures"),
    bind(P::Compare, "play", A::Play, "play", "let the pictures pass, or hold them"),
    bind(P::Compare, "follow", A::Follow, "follow", "the newest pictures"),
    bind(
        P::Compare,
        "rows",
        A::NextRows,
        "table/pictures",
        "table or pictures, where there is no room for both",
    ),
    bind(P::Compare, "next-sample", A::NextSample, "", "next sample of the batch"),
    bind(P::Compare, "previous-sample", A::PreviousSample, "", "previous sample of the batch"),
    bind(P::Compare, "axis", A::ToggleAxis, "log/lin", "logarithmic or linear loss axis"),
    bind(P::Compare, "smooth", A::ToggleSmoothing, "", "smoothed curves, or every point"),
    bind(P::Compare, "clock", A::ToggleClock, "", "iterations or seconds along the x axis"),
    bind(P::Compare, "cursor-back", A::CursorBack, "", "read the curves off further left"),
    bind(P::Compare, "cursor-forward", A::CursorForward, "", "read the curves off further right"),
    bind(P::Compare, "copy", A::Copy, "copy", "copy the table as tab-separated values"),
    bind(P::Compare, "export", A::Export, "export", "write a report of these runs"),
    bind(P::Compare, "blocks", A::ToggleBlocks, "", "pictures in half blocks or full resolution"),
    bind(P::Presets, "up", A::Up, "", "up"),
    bind(P::Presets, "down", A::Down, "", "down"),
    bind(P::Presets, "page-up", A::PageUp, "", "a page up"),
    bind(P::Presets, "page-down", A::PageDown, "", "a page down"),
    bind(P::Presets, "first", A::First, "", "first"),
    bind(P::Presets, "last", A::Last, "", "last"),
    bind(P::Runs, "up", A::Up, "", "up"),
    bind(P::Runs, "down", A::Down, "", "down"),
    bind(P::Runs, "page-up", A::PageUp, "", "a page up"),
    bind(P::Runs, "page-down", A::PageDown, "", "a page down"),
    bind(P::Runs, "first", A::First, "", "first"),
    bind(P::Runs, "last", A::Last, "", "last"),
    bind(P::Compare, "up", A::Up, "", "run above"),
    bind(P::Compare, "down", A::Down, "", "run below"),
    bind(P::Everywhere, "back", A::Back, "back", "back; clears a filter"),
    bind(P::Everywhere, "next-screen", A::NextScreen, "", "next screen"),
    bind(P::Everywhere, "previous-screen", A::PreviousScreen, "", "previous screen"),
    bind(P::Everywhere, "show-presets", A::Show(Screen::Presets), "", "presets"),
    bind(P::Everywhere, "show-runs", A::Show(Screen::Runs), "", "runs"),
    bind(P::Everywhere, "show-run", A::Show(Screen::Run), "", "the opened run"),
    bind(P::Everywhere, "show-compare", A::Show(Screen::Compare), "", "the compared runs"),
    bind(P::Everywhere, "palette", A::Palette, "find", "find a command, a preset or a run by typing"),
    bind(P::Everywhere, "help", A::Help, "help", "these keys"),
    bind(P::Everywhere, "quit", A::Quit, "quit", "leave; running attacks go on"),
    bind(P::Everywhere, "redraw", A::Redraw, "", "draw everything anew"),
    bind(P::Everywhere, "suspend", A::Suspend, "", "to the shell; fg comes back"),
    bind(P::Filter, "accept", A::Accept, "keep", "keep the filter"),
    bind(P::Filter, "back", A::Back, "clear", "clear the filter"),
    bind(P::Question, "yes", A::Yes, "yes", "yes"),
    bind(P::Question, "no", A::No, "no", "no"),
    bind(P::Text, "back", A::Back, "close", "close"),
    bind(P::Text, "up", A::Up, "", "up"),
    bind(P::Text, "down", A::Down, "scroll", "down"),
    bind(P::Text, "page-up", A::PageUp, "", "a page up"),
    bind(P::Text, "page-down", A::PageDown, "", "a page down"),
    bind(P::Text, "first", A::First, "", "to the top"),
    bind(P::Form, "accept", A::Accept, "keep", "keep the settings"),
    bind(P::Form, "back", A::Back, "cancel", "leave all as it was"),
    bind(P::Form, "next-field", A::NextField, "next field", "next field"),
    bind(P::Form, "previous-field", A::PreviousField, "", "previous field"),
    bind(P::Form, "page-down", A::PageDown, "", "a page down"),
    bind(P::Form, "page-up", A::PageUp, "", "a page up"),
    bind(P::Form, "next-choice", A::NextChoice, "", "next of the values it can have"),
    bind(P::Form, "previous-choice", A::PreviousChoice, "", "previous of the values it can have"),
    bind(P::Form, "reset-field", A::ResetField, "own value", "the preset's own value"),
    bind(P::Form, "save-preset", A::SavePreset, "save", "save as a preset of yours"),
    bind(P::List, "accept", A::Accept, "do it", "do it"),
    bind(P::List, "back", A::Back, "close", "close"),
    bind(P::List, "up", A::Up, "", "up"),
    bind(P::List, "down", A::Down, "choose", "down"),
    bind(P::List, "page-up", A::PageUp, "", "a page up"),
    bind(P::List, "page-down", A::PageDown, "", "a page down"),
    bind(P::Name, "accept", A::Accept, "keep", "keep the name"),
    bind(P::Name, "back", A::Back, "cancel", "leave all as it was"),
];

/// What can be done at one place.
pub fn bindings(place: Place) -> impl Iterator<Item = &'static Binding> {
    BINDINGS.iter().filter(move |binding| binding.place == place)
}

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
        match std::fs::read_to_string(file) {
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
