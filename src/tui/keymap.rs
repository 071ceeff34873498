//! The keys: one table that says which key does what, where, and under which condition.
//!
//! `update` looks actions up here; help and footer are printed from here, so they cannot lie.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::model::{Model, Screen};
use super::overlay::Overlay;

/// What a person wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// End the program; runs go on.
    Quit,
    /// All keys.
    Help,
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
    /// Delete a run.
    Delete,
    /// Start a worker on a run that stands.
    Resume,
    /// Next order of the list.
    Sort,
    /// Hold or go on.
    Pause,
    /// End a run in an orderly way.
    Stop,
    /// Logarithmic or linear loss axis.
    ToggleAxis,
    /// Picture pane.
    TogglePictures,
    /// Earlier stored picture.
    ScrubBack,
    /// Later stored picture.
    ScrubForward,
    /// First stored picture.
    ScrubFirst,
    /// Follow the newest picture and trial.
    Follow,
    /// Earlier trial.
    PreviousTrial,
    /// Later trial.
    NextTrial,
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
    /// The preset's own value.
    ResetField,
}

/// Where a key is valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// On every screen, under no overlay.
    Everywhere,
    /// Presets screen.
    Presets,
    /// Runs screen.
    Runs,
    /// Run screen.
    Run,
    /// While a filter is typed.
    Filter,
    /// Over a question.
    Question,
    /// Over help, texts and errors.
    Text,
    /// In the form.
    Form,
}

impl Place {
    /// The screen's own place.
    pub fn of_screen(screen: Screen) -> Self {
        match screen {
            Screen::Presets => Place::Presets,
            Screen::Runs => Place::Runs,
            Screen::Run => Place::Run,
        }
    }

    /// Where the keys go now.
    pub fn now(model: &Model) -> Self {
        match model.overlays.last() {
            Some(Overlay::Help { .. } | Overlay::Text { .. } | Overlay::Error { .. }) => Place::Text,
            Some(Overlay::Confirm { .. }) => Place::Question,
            Some(Overlay::Edit(_)) => Place::Form,
            None => match model.screen {
                Screen::Presets if model.presets_view.filtering => Place::Filter,
                Screen::Runs if model.runs_view.filtering => Place::Filter,
                screen => Place::of_screen(screen),
            },
        }
    }
}

/// One line of the table.
#[derive(Debug)]
pub struct Binding {
    /// Where it is valid.
    pub place: Place,
    /// Any of these.
    pub keys: &'static [(KeyCode, KeyModifiers)],
    /// What it does.
    pub action: Action,
    /// For the footer; empty keeps it out.
    pub label: &'static str,
    /// For the help.
    pub help: &'static str,
}

const NONE: KeyModifiers = KeyModifiers::NONE;
const CONTROL: KeyModifiers = KeyModifiers::CONTROL;

const fn key(c: char) -> (KeyCode, KeyModifiers) {
    (KeyCode::Char(c), NONE)
}

const fn control(c: char) -> (KeyCode, KeyModifiers) {
    (KeyCode::Char(c), CONTROL)
}

const fn code(code: KeyCode) -> (KeyCode, KeyModifiers) {
    (code, NONE)
}

const fn bind(
    place: Place,
    keys: &'static [(KeyCode, KeyModifiers)],
    action: Action,
    label: &'static str,
    help: &'static str,
) -> Binding {
    Binding { place, keys, action, label, help }
}

use Action as A;
use KeyCode as K;
use Place as P;

/// All keys. Order is that of help and footer: what matters most comes first.
pub static TABLE: &[Binding] = &[
    bind(P::Presets, &[code(K::Enter)], A::Start, "start", "start the attack and watch it"),
    bind(P::Presets, &[key('c')], A::Change, "change", "change iterations, trials, seed, picture, data"),
    bind(
        P::Presets,
        &[key('i'), code(K::Right), key('l')],
        A::NextPicture,
        "picture",
        "next picture of the set",
    ),
    bind(
        P::Presets,
        &[key('I'), code(K::Left), key('h')],
        A::PreviousPicture,
        "",
        "previous picture of the set",
    ),
    bind(P::Presets, &[key('b')], A::NextBackend, "backend", "next backend"),
    bind(P::Presets, &[key('/')], A::Filter, "filter", "show only presets with these words"),
    bind(P::Presets, &[key('d')], A::Describe, "describe", "the whole description"),
    bind(
        P::Runs,
        &[code(K::Enter), code(K::Right), key('l')],
        A::Open,
        "open",
        "open the run, live if it runs",
    ),
    bind(P::Runs, &[key('r')], A::Resume, "resume", "go on from the last checkpoint"),
    bind(P::Runs, &[key('x'), code(K::Delete)], A::Delete, "delete", "delete the run, after asking"),
    bind(P::Runs, &[key('o')], A::Sort, "order", "another order"),
    bind(P::Runs, &[key('/')], A::Filter, "filter", "show only runs with these words"),
    bind(P::Run, &[key(' ')], A::Pause, "pause", "hold the attack, or go on with it"),
    bind(P::Run, &[key('s')], A::Stop, "stop", "write a checkpoint and end, after asking"),
    bind(P::Run, &[key('r')], A::Resume, "resume", "go on from the last checkpoint"),
    bind(P::Run, &[key('p')], A::TogglePictures, "pictures", "pictures beside the chart, large, or none"),
    bind(P::Run, &[key('l')], A::ToggleAxis, "log/lin", "logarithmic or linear loss axis"),
    bind(P::Run, &[code(K::Left), key('h')], A::ScrubBack, "scrub", "earlier stored picture"),
    bind(P::Run, &[code(K::Right)], A::ScrubForward, "", "later stored picture"),
    bind(P::Run, &[key('g'), code(K::Home)], A::ScrubFirst, "", "first stored picture"),
    bind(P::Run, &[key('G'), code(K::End)], A::Follow, "follow", "follow the newest picture and trial"),
    bind(P::Run, &[key('['), code(K::Up), key('k')], A::PreviousTrial, "", "earlier trial"),
    bind(P::Run, &[key(']'), code(K::Down), key('j')], A::NextTrial, "", "later trial"),
    bind(P::Run, &[key('x')], A::Delete, "", "delete the run, after asking"),
    bind(P::Presets, &[code(K::Up), key('k')], A::Up, "", "up"),
    bind(P::Presets, &[code(K::Down), key('j')], A::Down, "", "down"),
    bind(P::Presets, &[code(K::PageUp)], A::PageUp, "", "a page up"),
    bind(P::Presets, &[code(K::PageDown)], A::PageDown, "", "a page down"),
    bind(P::Presets, &[key('g'), code(K::Home)], A::First, "", "first"),
    bind(P::Presets, &[key('G'), code(K::End)], A::Last, "", "last"),
    bind(P::Runs, &[code(K::Up), key('k')], A::Up, "", "up"),
    bind(P::Runs, &[code(K::Down), key('j')], A::Down, "", "down"),
    bind(P::Runs, &[code(K::PageUp)], A::PageUp, "", "a page up"),
    bind(P::Runs, &[code(K::PageDown)], A::PageDown, "", "a page down"),
    bind(P::Runs, &[key('g'), code(K::Home)], A::First, "", "first"),
    bind(P::Runs, &[key('G'), code(K::End)], A::Last, "", "last"),
    bind(P::Everywhere, &[code(K::Esc)], A::Back, "back", "back; clears a filter"),
    bind(P::Everywhere, &[code(K::Tab)], A::NextScreen, "", "next screen"),
    bind(P::Everywhere, &[code(K::BackTab)], A::PreviousScreen, "", "previous screen"),
    bind(P::Everywhere, &[key('1')], A::Show(Screen::Presets), "", "presets"),
    bind(P::Everywhere, &[key('2')], A::Show(Screen::Runs), "", "runs"),
    bind(P::Everywhere, &[key('3')], A::Show(Screen::Run), "", "the opened run"),
    bind(P::Everywhere, &[key('?'), code(K::F(1))], A::Help, "help", "these keys"),
    bind(P::Everywhere, &[key('q'), control('c')], A::Quit, "quit", "leave; running attacks go on"),
    bind(P::Everywhere, &[control('l')], A::Redraw, "", "draw everything anew"),
    bind(P::Everywhere, &[control('z')], A::Suspend, "", "to the shell; fg comes back"),
    bind(P::Filter, &[code(K::Enter), code(K::Down), code(K::Tab)], A::Accept, "keep", "keep the filter"),
    bind(P::Filter, &[code(K::Esc)], A::Back, "clear", "clear the filter"),
    bind(P::Question, &[key('y'), key('Y'), code(K::Enter)], A::Yes, "yes", "yes"),
    bind(P::Question, &[key('n'), key('N'), key('q'), code(K::Esc)], A::No, "no", "no"),
    bind(P::Text, &[code(K::Esc), code(K::Enter), key('q'), key('?')], A::Back, "close", "close"),
    bind(P::Text, &[code(K::Up), key('k')], A::Up, "", "up"),
    bind(P::Text, &[code(K::Down), key('j')], A::Down, "scroll", "down"),
    bind(P::Text, &[code(K::PageUp)], A::PageUp, "", "a page up"),
    bind(P::Text, &[code(K::PageDown), key(' ')], A::PageDown, "", "a page down"),
    bind(P::Text, &[key('g'), code(K::Home)], A::First, "", "to the top"),
    bind(P::Form, &[code(K::Enter)], A::Accept, "keep", "keep the settings"),
    bind(P::Form, &[code(K::Esc)], A::Back, "cancel", "leave all as it was"),
    bind(P::Form, &[code(K::Tab), code(K::Down)], A::NextField, "next field", "next field"),
    bind(P::Form, &[code(K::BackTab), code(K::Up)], A::PreviousField, "", "previous field"),
    bind(P::Form, &[control('r')], A::ResetField, "preset's own", "the preset's own value"),
];

/// The keys of one place.
pub fn bindings(place: Place) -> impl Iterator<Item = &'static Binding> {
    TABLE.iter().filter(move |binding| binding.place == place)
}

/// What this key does at this place, or everywhere if the place is a screen.
pub fn action(place: Place, event: &KeyEvent) -> Option<Action> {
    // Shift is part of the character already, and terminals differ in whether they also report it.
    let modifiers = event.modifiers - KeyModifiers::SHIFT;
    let pressed = (event.code, modifiers);
    let at =
        |place| bindings(place).find(|binding| binding.keys.contains(&pressed)).map(|binding| binding.action);
    let is_screen = matches!(place, Place::Presets | Place::Runs | Place::Run);
    at(place).or_else(|| if is_screen { at(Place::Everywhere) } else { None })
}

/// Whether an action makes sense now; if not, why.
pub fn available(action: Action, model: &Model) -> Result<(), &'static str> {
    let live = |live: bool, reason| if live { Ok(()) } else { Err(reason) };
    let health = match model.screen {
        Screen::Runs => model.chosen_run().map(|row| row.health),
        Screen::Run => model.run.as_ref().map(|run| run.health),
        Screen::Presets => None,
    };
    match action {
        A::Start if model.starting => Err("a run is being started"),
        A::Start if model.chosen_backend().is_none_or(|entry| entry.unavailable.is_some()) => {
            Err("this backend is not available")
        }
        A::Start | A::Change | A::Describe => live(model.chosen_preset().is_some(), "no preset is chosen"),
        A::NextPicture | A::PreviousPicture => {
            let Some(entry) = model.chosen_preset() else { return Err("no preset is chosen") };
            let data = model.config_of(entry).victim.data;
            live(
                model.dataset(&data).is_some_and(|set| set.samples > 1),
                "the set has one picture, or is a path",
            )
        }
        A::NextBackend => live(
            model.backends.iter().filter(|entry| entry.unavailable.is_none()).count() > 1,
            "there is one",
        ),
        A::Open | A::Sort => live(model.chosen_run().is_some(), "there are no runs"),
        A::Pause => live(
            matches!(health, Some(crate::run::Health::Running | crate::run::Health::Paused)),
            "it is not running",
        ),
        A::Stop => live(health.is_some_and(|health| health.is_live()), "it is not running"),
        A::Resume => match health {
            _ if model.starting => Err("a worker is being started"),
            None => Err("there is no run"),
            Some(health) if health.can_resume() => Ok(()),
            Some(health) if health.is_live() => Err("it is running"),
            Some(_) => Err("it is complete"),
        },
        A::Delete => match health {
            None => Err("there is no run"),
            Some(health) => live(!health.is_live(), "stop it first"),
        },
        A::TogglePictures | A::ToggleAxis => live(model.run.is_some(), "no run is open"),
        A::ScrubBack | A::ScrubForward | A::ScrubFirst => {
            let stored = model.run.as_ref().and_then(|run| run.shown_trial()).map_or(0, |t| t.pictures.len());
            live(stored > 1, "there are no earlier pictures")
        }
        A::Follow => {
            let looks_back = model.run.as_ref().is_some_and(|run| run.scrub.is_some() || run.trial.is_some());
            live(looks_back, "it follows already")
        }
        A::PreviousTrial | A::NextTrial => {
            let trials = model.run.as_ref().and_then(|run| run.round()).map_or(0, |round| round.trials.len());
            live(trials > 1, "there is one trial")
        }
        A::Back if model.overlays.is_empty() && model.screen == Screen::Presets => {
            let filter = &model.presets_view;
            live(filter.filtering || !filter.filter.value().is_empty(), "there is nothing to go back to")
        }
        A::Show(Screen::Run) => live(model.run.is_some(), "no run is open"),
        _ => Ok(()),
    }
}

/// Name of a key.
fn name((code, modifiers): (KeyCode, KeyModifiers), ascii: bool) -> String {
    let plain = match code {
        K::Char(' ') => "space".into(),
        K::Char(c) if modifiers.contains(CONTROL) => return format!("Ctrl-{}", c.to_ascii_uppercase()),
        K::Char(c) => c.to_string(),
        K::Enter => "Enter".into(),
        K::Esc => "Esc".into(),
        K::Tab => "Tab".into(),
        K::BackTab => "Shift-Tab".into(),
        K::Up => if ascii { "Up" } else { "↑" }.into(),
        K::Down => if ascii { "Down" } else { "↓" }.into(),
        K::Left => if ascii { "Left" } else { "←" }.into(),
        K::Right => if ascii { "Right" } else { "→" }.into(),
        K::F(n) => format!("F{n}"),
        other => other.to_string(),
    };
    if code == K::PageUp {
        "PgUp".into()
    } else if code == K::PageDown {
        "PgDn".into()
    } else {
        plain
    }
}

/// The first key, for the footer.
pub fn first_key(binding: &Binding, ascii: bool) -> String {
    binding.keys.first().map(|key| name(*key, ascii)).unwrap_or_default()
}

/// All keys, for the help.
pub fn all_keys(binding: &Binding, ascii: bool) -> String {
    binding.keys.iter().map(|key| name(*key, ascii)).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_key_means_two_things_at_one_place() {
        for place in [P::Everywhere, P::Presets, P::Runs, P::Run, P::Filter, P::Question, P::Text, P::Form] {
            let mut seen = Vec::new();
            for key in bindings(place).flat_map(|binding| binding.keys) {
                assert!(!seen.contains(&key), "{place:?}: {key:?}");
                seen.push(key);
            }
            assert!(!seen.is_empty());
        }
    }

    #[test]
    fn a_screen_does_not_hide_keys_that_are_valid_everywhere() {
        for place in [P::Presets, P::Runs, P::Run] {
            for key in bindings(place).flat_map(|binding| binding.keys) {
                assert!(
                    bindings(P::Everywhere).all(|binding| !binding.keys.contains(key)),
                    "{place:?}: {key:?}"
                );
            }
        }
    }

    #[test]
    fn capitals_work_with_and_without_a_reported_shift() {
        for modifiers in [NONE, KeyModifiers::SHIFT] {
            let event = KeyEvent::new(K::Char('G'), modifiers);
            assert_eq!(action(P::Presets, &event), Some(A::Last));
        }
        assert_eq!(action(P::Runs, &KeyEvent::new(K::BackTab, KeyModifiers::SHIFT)), Some(A::PreviousScreen));
    }

    #[test]
    fn typing_into_a_filter_reaches_no_screen_key() {
        assert_eq!(action(P::Filter, &KeyEvent::new(K::Char('q'), NONE)), None);
    }
}
