//! The thread that reads keys; the only reader of the terminal.

use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crossterm::event::{self, Event, KeyCode, KeyEvent, KeyModifiers, MouseEventKind};

use super::keys::Keys;
use super::msg::Msg;
use crate::gfx::listener::Listener;
use crate::gfx::probe::Questions;

/// How long the reader may take to notice that it should hold.
const PATIENCE: Duration = Duration::from_millis(100);

/// The wheel counts once in this time: some terminals send a dozen notches for one.
const NOTCH: Duration = Duration::from_millis(20);

/// How long answers are waited for that did not come in time, and those to the same question asked again.
const SLOW: Duration = Duration::from_secs(2);
const SLOWER: Duration = Duration::from_secs(5);

/// After so much silence what is not complete is taken for what it is.
const SILENCE: Duration = Duration::from_millis(60);

/// What the reader should do, and whether it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Reads,
    ShouldHold,
    Holds,
    ShouldListen(Questions),
    Listens,
}

/// The reader as seen from outside: it can be held while another program has the terminal, and made to listen for
/// answers of the terminal among the keys.
#[derive(Debug, Clone)]
pub struct Reader(Arc<(Mutex<State>, Condvar)>);

impl Reader {
    /// Returns once nothing is read any more.
    pub fn hold(&self) {
        self.set(State::ShouldHold);
        let state = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        drop(self.0.1.wait_while(state, |state| *state == State::ShouldHold));
    }

    /// Reads again.
    pub fn go_on(&self) {
        self.set(State::Reads);
    }

    /// Returns once answers are listened for, so that questions can be sent; false if the reader is busy.
    pub fn listen(&self, questions: Questions) -> bool {
        self.set(State::ShouldListen(questions));
        let state = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        let asked = |state: &mut State| matches!(state, State::ShouldListen(_));
        let waited = self.0.1.wait_timeout_while(state, 3 * PATIENCE, asked);
        let (mut state, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
        if timeout.timed_out() {
            *state = State::Reads;
        }
        !timeout.timed_out()
    }

    fn state(&self) -> State {
        *self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, state: State) {
        *self.0.0.lock().unwrap_or_else(PoisonError::into_inner) = state;
        self.0.1.notify_all();
    }

    /// Called by the thread that reads: holds if that is asked.
    fn obey(&self) {
        if self.state() == State::ShouldHold {
            self.set(State::Holds);
            let state = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
            drop(self.0.1.wait_while(state, |state| *state == State::Holds));
        }
    }
}

/// Reads until the terminal is gone or nobody listens. Answers that a listener still waits for are heard first.
pub fn spawn(inbox: SyncSender<Msg>, listener: Option<Listener>) -> Reader {
    let first = if listener.is_some() { State::Listens } else { State::Reads };
    let reader = Reader(Arc::new((Mutex::new(first), Condvar::new())));
    let outside = reader.clone();
    thread::spawn(move || {
        let mut late = LateReplies::since(Instant::now());
        let mut filter = Filter::default();
        let mut listener = listener;
        if let Some(listener) = &mut listener {
            listen(&reader, listener, SLOW, &mut filter, &inbox);
            late = LateReplies::since(Instant::now());
        }
        loop {
            reader.obey();
            if let State::ShouldListen(questions) = reader.state() {
                // Answers to earlier questions may still be on their way, or half of one here.
                let mut asked = listener.take().map_or_else(
                    || Listener::new(questions),
                    |mut earlier| {
                        earlier.ask_again();
                        earlier
                    },
                );
                reader.set(State::Listens);
                listen(&reader, &mut asked, SLOWER, &mut filter, &inbox);
                listener = Some(asked).filter(|asked| !asked.is_over());
                late = LateReplies::since(Instant::now());
                continue;
            }
            match event::poll(PATIENCE) {
                Ok(true) => {}
                Ok(false) => continue,
                Err(_) => break,
            }
            let Ok(event) = event::read() else { break };
            if matches!(&event, Event::Key(key) if late.swallows(key, Instant::now())) {
                continue;
            }
            if filter.message(event).is_some_and(|msg| inbox.send(msg).is_err()) {
                return;
            }
        }
        let _ = inbox.send(Msg::Terminate);
    });
    outside
}

/// Reads the terminal without crossterm, which would lose answers, until they are all there or `patience` is over.
fn listen(
    reader: &Reader,
    listener: &mut Listener,
    mut patience: Duration,
    filter: &mut Filter,
    inbox: &SyncSender<Msg>,
) {
    let mut keys = Keys::default();
    let mut size = crossterm::terminal::size().ok();
    let mut told = false;
    while !listener.is_over() && listener.waited() < patience {
        match reader.state() {
            State::ShouldHold => break,
            State::ShouldListen(_) => {
                listener.ask_again();
                (patience, told) = (SLOWER, false);
                reader.set(State::Listens);
            }
            _ => {}
        }
        let mut heard = Vec::new();
        let begin = Instant::now();
        let Ok(more) = crate::sys::read_stdin_within(SILENCE, &mut heard) else { break };
        let typed = if more { listener.hear(&heard) } else { listener.give_up() };
        let mut events = keys.read(&typed);
        if !more {
            events.extend(keys.give_up());
            // A terminal that is gone has nothing to wait for.
            thread::sleep(SILENCE.saturating_sub(begin.elapsed()));
        }
        // Its signal is crossterm's.
        let now = crossterm::terminal::size().ok();
        if now != size {
            size = now;
            events.extend(now.map(|(columns, rows)| Event::Resize(columns, rows)));
        }
        let mut msgs: Vec<Msg> = events.into_iter().filter_map(|event| filter.message(event)).collect();
        if listener.is_answered() && !told {
            told = true;
            msgs.push(answered(listener));
        }
        if msgs.into_iter().any(|msg| inbox.send(msg).is_err()) {
            return;
        }
    }
    if !told {
        let _ = inbox.send(answered(listener));
    }
    if matches!(reader.state(), State::Listens) {
        reader.set(State::Reads);
    }
}

fn answered(listener: &Listener) -> Msg {
    let mut answers = listener.answers.clone();
    answers.waited = listener.waited();
    Msg::Answered(Box::new(answers))
}

/// Which events are news, and how they are told.
#[derive(Debug, Default)]
struct Filter {
    notch: Option<Instant>,
}

impl Filter {
    fn message(&mut self, event: Event) -> Option<Msg> {
        Some(match event {
            Event::Key(key) => Msg::Key(key),
            Event::Paste(text) => Msg::Paste(text),
            Event::Resize(columns, rows) => Msg::Resized(columns, rows),
            Event::FocusGained => Msg::FocusChanged(true),
            Event::FocusLost => Msg::FocusChanged(false),
            Event::Mouse(mouse) => match mouse.kind {
                MouseEventKind::Down(_) => Msg::Mouse(mouse),
                MouseEventKind::ScrollUp | MouseEventKind::ScrollDown
                    if self.notch.is_none_or(|notch| notch.elapsed() >= NOTCH) =>
                {
                    self.notch = Some(Instant::now());
                    Msg::Mouse(mouse)
                }
                // Moves come by the hundred and mean nothing here.
                _ => return None,
            },
        })
    }
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
    /// How long after they were listened for answers may still come.
    const EXPECTED: Duration = Duration::from_secs(60);
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
        assert!(!late.swallows(&alt('_'), begin + Duration::from_secs(61)));
    }
}
