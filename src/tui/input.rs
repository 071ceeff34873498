//! The thread that reads keys; the only reader of the terminal.

use std::sync::mpsc::SyncSender;
use std::thread;
use std::time::{Duration, Instant};

use crossterm::event::{self, Event, KeyCode, KeyEvent, KeyModifiers};

use super::msg::Msg;

/// Reads until the terminal is gone or nobody listens.
pub fn spawn(inbox: SyncSender<Msg>) {
    thread::spawn(move || {
        let mut late = LateReplies::since(Instant::now());
        while let Ok(event) = event::read() {
            let msg = match event {
                Event::Key(key) if late.swallows(&key, Instant::now()) => continue,
                Event::Key(key) => Msg::Key(key),
                Event::Paste(text) => Msg::Paste(text),
                Event::Resize(columns, rows) => Msg::Resized(columns, rows),
                Event::FocusGained => Msg::Damaged,
                Event::FocusLost | Event::Mouse(_) => continue,
            };
            if inbox.send(msg).is_err() {
                return;
            }
        }
        let _ = inbox.send(Msg::Terminate);
    });
}

/// Keeps answers to the probe that come after its deadline from being taken for keys: crossterm reads the
/// `ESC _`, `ESC P` or `ESC ]` that they begin with as Alt and a letter, and their end as Alt+\ or Ctrl+G.
#[derive(Debug)]
struct LateReplies {
    begin: Instant,
    /// When the answer being swallowed began.
    inside: Option<Instant>,
}

impl LateReplies {
    /// How long after the start answers may come.
    const EXPECTED: Duration = Duration::from_secs(5);
    /// How long one may take. A person who really pressed Alt+P waits no longer than this.
    const LONGEST: Duration = Duration::from_millis(300);

    fn since(begin: Instant) -> Self {
        LateReplies { begin, inside: None }
    }

    /// Whether the key is a part of a late answer.
    fn swallows(&mut self, key: &KeyEvent, now: Instant) -> bool {
        if let Some(began) = self.inside
            && now.duration_since(began) < Self::LONGEST
        {
            let alt = key.modifiers.contains(KeyModifiers::ALT);
            let control = key.modifiers.contains(KeyModifiers::CONTROL);
            let ends = matches!(
                (key.code, alt, control),
                (KeyCode::Char('\\'), true, _) | (KeyCode::Char('g'), _, true)
            );
            if ends {
                self.inside = None;
            }
            return true;
        }
        self.inside = None;
        let begins = now.duration_since(self.begin) < Self::EXPECTED
            && key.modifiers.contains(KeyModifiers::ALT)
            && matches!(key.code, KeyCode::Char('_' | 'P' | ']'));
        if begins {
            self.inside = Some(now);
        }
        begins
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alt(c: char) -> KeyEvent {
        KeyEvent::new(KeyCode::Char(c), KeyModifiers::ALT)
    }

    fn plain(c: char) -> KeyEvent {
        KeyEvent::new(KeyCode::Char(c), KeyModifiers::NONE)
    }

    #[test]
    fn a_late_answer_is_swallowed_whole_and_what_follows_is_not() {
        let begin = Instant::now();
        let mut late = LateReplies::since(begin);
        assert!(!late.swallows(&plain('j'), begin));
        // ESC _ G i = 3 1 ; O K ESC \
        let answer = [alt('_'), plain('G'), plain('i'), plain('='), plain('q'), alt('\\')];
        assert!(answer.iter().all(|key| late.swallows(key, begin)));
        assert!(!late.swallows(&plain('q'), begin));
        // ESC ] 1 1 ; r g b BEL
        let bell = KeyEvent::new(KeyCode::Char('g'), KeyModifiers::CONTROL);
        assert!([alt(']'), plain('1'), bell].iter().all(|key| late.swallows(key, begin)));
        assert!(!late.swallows(&plain('q'), begin));
    }

    #[test]
    fn a_key_that_looks_like_one_holds_up_nothing_for_long() {
        let begin = Instant::now();
        let mut late = LateReplies::since(begin);
        assert!(late.swallows(&alt('_'), begin));
        assert!(!late.swallows(&plain('q'), begin + Duration::from_secs(1)));
        assert!(!late.swallows(&alt('_'), begin + Duration::from_secs(6)));
    }
}
