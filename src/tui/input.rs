//! The thread that reads keys; the only reader of the terminal.

use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crossterm::event::{self, Event, KeyCode, KeyEvent, KeyModifiers, MouseEventKind};

use super::msg::Msg;

/// How long the reader may take to notice that it should hold.
const PATIENCE: Duration = Duration::from_millis(100);

/// The wheel counts once in this time: some terminals send a dozen notches for one.
const NOTCH: Duration = Duration::from_millis(20);

/// What the reader should do, and whether it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Reads,
    ShouldHold,
    Holds,
}

/// The reader as seen from outside: it can be held while another program has the terminal.
#[derive(Debug, Clone)]
pub struct Reader(Arc<(Mutex<State>, Condvar)>);

impl Reader {
    /// Returns once nothing is read any more.
    pub fn hold(&self) {
        self.set(State::ShouldHold);
        self.wait_while(|state| *state == State::ShouldHold);
    }

    /// Reads again.
    pub fn go_on(&self) {
        self.set(State::Reads);
    }

    fn set(&self, state: State) {
        *self.0.0.lock().unwrap_or_else(PoisonError::into_inner) = state;
        self.0.1.notify_all();
    }

    fn wait_while(&self, condition: impl Fn(&State) -> bool) {
        let state = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        drop(self.0.1.wait_while(state, |state| condition(state)));
    }

    /// Called by the thread that reads: holds if that is asked.
    fn obey(&self) {
        let is_asked = *self.0.0.lock().unwrap_or_else(PoisonError::into_inner) == State::ShouldHold;
        if is_asked {
            self.set(State::Holds);
            self.wait_while(|state| *state == State::Holds);
        }
    }
}

/// Reads until the terminal is gone or nobody listens.
pub fn spawn(inbox: SyncSender<Msg>) -> Reader {
    let reader = Reader(Arc::new((Mutex::new(State::Reads), Condvar::new())));
    let outside = reader.clone();
    thread::spawn(move || {
        let mut late = LateReplies::since(Instant::now());
        let mut notch: Option<Instant> = None;
        loop {
            reader.obey();
            match event::poll(PATIENCE) {
                Ok(true) => {}
                Ok(false) => continue,
                Err(_) => break,
            }
            let Ok(event) = event::read() else { break };
            let msg = match event {
                Event::Key(key) if late.swallows(&key, Instant::now()) => continue,
                Event::Key(key) => Msg::Key(key),
                Event::Paste(text) => Msg::Paste(text),
                Event::Resize(columns, rows) => Msg::Resized(columns, rows),
                Event::FocusGained => Msg::FocusChanged(true),
                Event::FocusLost => Msg::FocusChanged(false),
                Event::Mouse(mouse) => match mouse.kind {
                    MouseEventKind::Down(_) => Msg::Mouse(mouse),
                    MouseEventKind::ScrollUp | MouseEventKind::ScrollDown
                        if notch.is_none_or(|notch| notch.elapsed() >= NOTCH) =>
                    {
                        notch = Some(Instant::now());
                        Msg::Mouse(mouse)
                    }
                    // Moves come by the hundred and mean nothing here.
                    _ => continue,
                },
            };
            if inbox.send(msg).is_err() {
                return;
            }
        }
        let _ = inbox.send(Msg::Terminate);
    });
    outside
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
