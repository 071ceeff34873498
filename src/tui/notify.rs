//! Tells a person who looks elsewhere that a run has ended: by the bell, or by a notification of the desktop
//! where the terminal makes one of an escape sequence.

use serde::Deserialize;

use super::model::RunRow;
use crate::gfx::brand::Brand;
use crate::gfx::mux::Multiplexer;
use crate::run::Health;

/// A run that took less than this was waited for.
const WORTH_IT_S: f64 = 30.0;

/// Characters of a notification.
const LONGEST: usize = 200;

/// How the end of a run is announced, as the person wants it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Wish {
    /// By what the terminal is known to understand.
    #[default]
    Auto,
    /// By the bell.
    Bell,
    /// By OSC 9.
    Osc9,
    /// By OSC 777.
    Osc777,
    /// Not at all.
    Off,
}

/// A sequence that terminals turn into a notification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Osc {
    /// iTerm2's: text alone.
    Nine,
    /// urxvt's: title and text.
    SevenSevenSeven,
}

/// What is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Nothing.
    Off,
    /// The bell.
    Bell,
    /// A sequence.
    Osc(Osc),
    /// The bell for tmux, and a sequence that tmux hands to the terminal behind it.
    BellAndWrapped(Osc),
}

/// What to send to this terminal. A multiplexer that hands nothing through gets the bell, which all pass on.
pub fn choose(wish: Wish, brand: Brand, multiplexer: &Multiplexer) -> Kind {
    let osc = |brand| match wish {
        Wish::Off | Wish::Bell => None,
        Wish::Osc9 => Some(Osc::Nine),
        Wish::Osc777 => Some(Osc::SevenSevenSeven),
        Wish::Auto => known(brand),
    };
    let kind = match multiplexer {
        _ if wish == Wish::Off => return Kind::Off,
        Multiplexer::None => osc(brand).map(Kind::Osc),
        Multiplexer::Tmux(tmux) if tmux.passes() => {
            Brand::of_version(&tmux.terminal).and_then(osc).map(Kind::BellAndWrapped)
        }
        _ => None,
    };
    kind.unwrap_or(Kind::Bell)
}

/// The sequence that a terminal makes a notification of.
fn known(brand: Brand) -> Option<Osc> {
    match brand {
        Brand::Kitty | Brand::Ghostty | Brand::ITerm2 | Brand::WezTerm => Some(Osc::Nine),
        Brand::Foot | Brand::Contour | Brand::Warp => Some(Osc::SevenSevenSeven),
        _ => None,
    }
}

/// The bytes to send. Nothing in `text` can act on a terminal or end the sequence early.
pub fn bytes(kind: Kind, text: &str) -> Vec<u8> {
    let clean = |c: char| match c {
        // It divides the parts of a sequence.
        ';' => Some(','),
        c if c.is_control() => None,
        c => Some(c),
    };
    let text: String = text.chars().filter_map(clean).take(LONGEST).collect();
    let sequence = |osc| match osc {
        Osc::Nine => format!("\x1b]9;gialab: {text}\x07"),
        Osc::SevenSevenSeven => format!("\x1b]777;notify;gialab;{text}\x07"),
    };
    match kind {
        Kind::Off => Vec::new(),
        Kind::Bell => vec![7],
        Kind::Osc(osc) => sequence(osc).into_bytes(),
        Kind::BellAndWrapped(osc) => {
            let inner = sequence(osc).replace('\x1b', "\x1b\x1b");
            format!("\x07\x1bPtmux;{inner}\x1b\\").into_bytes()
        }
    }
}

/// Whether an end is worth a notification. A terminal that never told of its focus, as tmux by default, is taken
/// for one that nobody looks at.
pub fn due(focused: Option<bool>, seconds: f64) -> bool {
    focused != Some(true) && seconds >= WORTH_IT_S
}

/// What there is to announce between two listings: runs that were live and are not any more.
pub fn news(before: &[RunRow], after: &[RunRow], focused: Option<bool>) -> Option<String> {
    let ended = before.iter().filter(|row| row.health.is_live()).filter_map(|row| {
        let now = after.iter().find(|now| now.id == row.id)?;
        let is_due = due(focused, now.summary.seconds.unwrap_or(0.0));
        (!now.health.is_live() && is_due).then(|| sentence(now))
    });
    let ended: Vec<String> = ended.collect();
    (!ended.is_empty()).then(|| ended.join(", "))
}

fn sentence(row: &RunRow) -> String {
    let (name, state) = (&row.preset, row.health.name());
    match (row.health, row.summary.figure("psnr"), &row.error) {
        (Health::Done, Some(psnr), _) => format!("{name} is {state}, PSNR {psnr:.1} dB"),
        (Health::Failed, _, Some(error)) => format!("{name} failed: {error}"),
        (Health::Done | Health::Stopped, ..) => format!("{name} is {state}"),
        _ => format!("{name} {state}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gfx::mux::Tmux;
    use crate::tui::effect::Effect;
    use crate::tui::fixture;
    use crate::tui::model::Model;
    use crate::tui::msg::Msg;
    use crate::tui::update::update;

    fn tmux(passthrough: &str, terminal: &str) -> Multiplexer {
        let (passthrough, terminal) = (passthrough.to_owned(), terminal.to_owned());
        Multiplexer::Tmux(Tmux { passthrough, terminal, ..Tmux::default() })
    }

    #[test]
    fn each_terminal_gets_what_it_understands() {
        let none = Multiplexer::None;
        for (brand, kind) in [
            (Brand::Kitty, Kind::Osc(Osc::Nine)),
            (Brand::Ghostty, Kind::Osc(Osc::Nine)),
            (Brand::ITerm2, Kind::Osc(Osc::Nine)),
            (Brand::WezTerm, Kind::Osc(Osc::Nine)),
            (Brand::Foot, Kind::Osc(Osc::SevenSevenSeven)),
            (Brand::Xterm, Kind::Bell),
            (Brand::WindowsTerminal, Kind::Bell),
            (Brand::Unknown, Kind::Bell),
        ] {
            assert_eq!(choose(Wish::Auto, brand, &none), kind, "{brand:?}");
        }
    }

    #[test]
    fn multiplexers_get_the_bell_and_what_they_hand_through() {
        let kitty = "kitty(0.43.1)";
        let auto = |multiplexer| choose(Wish::Auto, Brand::Tmux, &multiplexer);
        assert_eq!(auto(tmux("off", kitty)), Kind::Bell);
        assert_eq!(auto(tmux("on", kitty)), Kind::BellAndWrapped(Osc::Nine));
        assert_eq!(auto(tmux("all", "XTerm(379)")), Kind::Bell);
        // Left over from the terminal that screen was started in.
        assert_eq!(choose(Wish::Auto, Brand::Kitty, &Multiplexer::Screen), Kind::Bell);
        assert_eq!(choose(Wish::Osc9, Brand::Kitty, &Multiplexer::Screen), Kind::Bell);
    }

    #[test]
    fn the_person_wins() {
        let none = Multiplexer::None;
        assert_eq!(choose(Wish::Off, Brand::Kitty, &none), Kind::Off);
        assert_eq!(choose(Wish::Bell, Brand::Kitty, &none), Kind::Bell);
        assert_eq!(choose(Wish::Osc777, Brand::Kitty, &none), Kind::Osc(Osc::SevenSevenSeven));
        assert_eq!(choose(Wish::Osc9, Brand::Unknown, &none), Kind::Osc(Osc::Nine));
        assert_eq!(choose(Wish::Off, Brand::Tmux, &tmux("on", "kitty")), Kind::Off);
        assert_eq!(choose(Wish::Bell, Brand::Tmux, &tmux("on", "kitty")), Kind::Bell);
    }

    #[test]
    fn the_bytes_hold_the_text_and_nothing_that_acts() {
        let hostile = "a\x07b\x1b]0;title\x07\u{9c}\nc";
        let inside = "ab]0,titlec";
        assert_eq!(bytes(Kind::Off, hostile), b"");
        assert_eq!(bytes(Kind::Bell, hostile), b"\x07");
        let nine = format!("\x1b]9;gialab: {inside}\x07");
        assert_eq!(bytes(Kind::Osc(Osc::Nine), hostile), nine.as_bytes());
        let other = format!("\x1b]777;notify;gialab;{inside}\x07");
        assert_eq!(bytes(Kind::Osc(Osc::SevenSevenSeven), hostile), other.as_bytes());
        let wrapped = format!("\x07\x1bPtmux;\x1b\x1b]9;gialab: {inside}\x07\x1b\\");
        assert_eq!(bytes(Kind::BellAndWrapped(Osc::Nine), hostile), wrapped.as_bytes());
        assert!(bytes(Kind::Osc(Osc::Nine), &"x".repeat(5000)).len() < 300);
    }

    #[test]
    fn only_ends_of_long_runs_that_nobody_watches_are_announced() {
        assert!(due(None, 60.0) && due(Some(false), 60.0));
        assert!(!due(Some(true), 60.0) && !due(None, 20.0));
        let before = fixture::rows(3);
        let mut after = before.clone();
        assert_eq!(news(&before, &after, None), None);
        after[0].health = Health::Done;
        after[1].health = Health::Crashed;
        let said = news(&before, &after, None);
        assert_eq!(said.as_deref(), Some("dlg-lenet is done, PSNR 45.2 dB, ig-convnet64 crashed"));
        assert_eq!(news(&before, &after, Some(true)), None);
        assert_eq!(news(&after, &after, None), None, "said once");
        after.remove(0);
        assert_eq!(news(&before, &after[1..], None), None, "a deleted run has not ended");
    }
    #[test]
    fn the_screen_announces_ends_of_all_listed_runs_and_minds_the_focus() {
        let mut model = fixture::model(80, 24);
        let announced = |model: &mut Model, rows: &[RunRow]| {
            let effects = update(model, Msg::RunsListed(rows.to_vec()));
            effects.iter().filter(|effect| matches!(effect, Effect::Notify(_))).count()
        };
        let live = fixture::rows(3);
        let mut ended = live.clone();
        ended[1].health = Health::Done;
        assert_eq!(announced(&mut model, &ended), 0, "what had ended before the start is no news");
        assert_eq!(announced(&mut model, &live), 0);
        assert_eq!(announced(&mut model, &ended), 1);
        update(&mut model, Msg::FocusChanged(true));
        assert_eq!((announced(&mut model, &live), announced(&mut model, &ended)), (0, 0));
        update(&mut model, Msg::FocusChanged(false));
        assert_eq!((announced(&mut model, &live), announced(&mut model, &ended)), (0, 1));
    }
}
