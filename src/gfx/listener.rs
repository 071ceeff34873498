//! Tells the terminal's answers from keys in what is read, for as long as answers may come: a slow line brings them
//! whenever it likes, whole or in parts, between keys that a person presses.

use std::time::{Duration, Instant};

use super::probe::{Answers, Questions, Reply, control, string};

const ESCAPE: u8 = 0x1b;

/// The longest pause within an answer.
const BREATH: Duration = Duration::from_millis(700);

/// A part that grows longer is no answer.
const LONGEST: usize = 1 << 12;

/// What was asked and what is heard.
#[derive(Debug, Clone)]
pub struct Listener {
    /// Answers so far to the newest questions.
    pub answers: Answers,
    begin: Instant,
    /// Times asked and not yet answered to the end.
    outstanding: usize,
    /// The beginning of an answer or of a key that is not complete.
    pending: Vec<u8>,
    /// When something was read last.
    heard: Instant,
}

impl Listener {
    /// To be made when the questions are sent.
    pub fn new(questions: Questions) -> Listener {
        let answers = Answers { asked: Some(questions), ..Answers::default() };
        let begin = Instant::now();
        Listener { answers, begin, outstanding: 1, pending: Vec::new(), heard: begin }
    }

    /// The same questions are sent once more.
    pub fn ask_again(&mut self) {
        let pending = std::mem::take(&mut self.pending);
        let outstanding = self.outstanding + 1;
        let again = Listener::new(self.answers.asked.unwrap_or(Questions::Harmless));
        *self = Listener { pending, outstanding, ..again };
    }

    /// Takes in what was read and returns what of it are keys.
    pub fn hear(&mut self, read: &[u8]) -> Vec<u8> {
        self.forget();
        self.heard = Instant::now();
        self.pending.extend_from_slice(read);
        let (replies, keys, used) = split(&self.pending);
        self.pending.drain(..used);
        for reply in replies {
            self.outstanding -= usize::from(self.outstanding > 0 && matches!(reply, Reply::Attributes(_)));
            self.answers.replies.push((reply, self.begin.elapsed()));
        }
        if self.pending.len() > LONGEST {
            self.pending.clear();
        }
        keys
    }

    /// An answer that does not go on is none: keys must not become a part of it.
    fn forget(&mut self) {
        if self.heard.elapsed() > BREATH {
            self.pending.clear();
        }
    }

    /// After some silence: what is not complete was a key, unless it looks like an answer.
    pub fn give_up(&mut self) -> Vec<u8> {
        match is_answer(&self.pending) {
            true => Vec::new(),
            false => std::mem::take(&mut self.pending),
        }
    }

    /// Whether a beginning waits for its end.
    pub fn has_pending(&self) -> bool {
        !self.pending.is_empty()
    }

    /// Whether the newest questions were answered to the end.
    pub fn is_answered(&self) -> bool {
        self.answers.attributes().is_some()
    }

    /// Whether nothing more will come.
    pub fn is_over(&self) -> bool {
        self.outstanding == 0
    }

    /// How long ago the newest questions were sent.
    pub fn waited(&self) -> Duration {
        self.begin.elapsed()
    }
}

/// Answers, keys, and how much of what was heard they are; the rest is not complete.
fn split(heard: &[u8]) -> (Vec<Reply>, Vec<u8>, usize) {
    let (mut replies, mut keys, mut used) = (Vec::new(), Vec::new(), 0);
    while let Some(byte) = heard.get(used) {
        let rest = &heard[used + 1..];
        if *byte != ESCAPE {
            keys.push(*byte);
            used += 1;
            continue;
        }
        let Some((kind, body)) = rest.split_first() else { break };
        let found = match kind {
            b'[' => control(body),
            b']' | b'P' | b'_' | b'^' | b'X' => string(*kind, body),
            // A key, of which this is the first byte.
            _ => {
                keys.push(ESCAPE);
                used += 1;
                continue;
            }
        };
        let Some((reply, length)) = found else { break };
        let whole = &heard[used..used + 2 + length];
        match reply {
            Some(reply) => replies.push(reply),
            None if is_answer(whole) => {}
            // Of what only begins like a string, the beginning was a key.
            None if *kind != b'[' => {
                keys.extend_from_slice(&whole[..2]);
                used += 2;
                continue;
            }
            None => keys.extend_from_slice(whole),
        }
        used += whole.len();
    }
    (replies, keys, used)
}

/// Whether this is, or begins, an answer to one of our questions: no key looks like that.
fn is_answer(bytes: &[u8]) -> bool {
    let body = |begin: &[u8]| bytes.strip_prefix(begin);
    let begins = [&b"\x1bP>|"[..], b"\x1b_G", b"\x1b]11;", b"\x1b]1", b"\x1b[?", b"\x1b[>", b"\x1bP"];
    match bytes {
        // Alt and a letter, if nothing follows.
        [ESCAPE, _] | [ESCAPE] | [] => false,
        _ if body(b"\x1b[").is_some_and(|body| body.ends_with(b"t")) => true,
        _ => begins.iter().any(|begin| bytes.starts_with(begin)),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    const ANSWERS: &[&[u8]] = &[
        b"\x1bP>|foot(1.16.2)\x1b\\",
        b"\x1b_Gi=31;OK\x1b\\",
        b"\x1b[6;18;9t",
        b"\x1b]11;rgb:1d1d/1f1f/2121\x1b\\",
        b"\x1b[?2026;2$y",
        b"\x1b[?1;0;1024S",
        b"\x1b[?62;4;22c",
    ];

    const KEYS: &[&[u8]] = &[
        b"q",
        b"\x1b[A",
        b"\x1bOP",
        b"\x1b[1;5D",
        b"\x1b[<0;3;4M",
        b"\x1b[I",
        b"\x1b[Z",
        b"\x1bx",
        "ä".as_bytes(),
        b"\x1b[3~",
        b"\r",
    ];

    #[test]
    fn a_beginning_without_an_end_was_a_key_unless_it_is_an_answers() {
        for (heard, key) in [
            (&b"\x1b"[..], true),
            (b"\x1bP", true),
            (b"\x1b[", false),
            (b"\x1bP>|foot", false),
            (b"\x1b[?62;", false),
            (b"\x1b]11;rgb:", false),
        ] {
            let mut listener = Listener::new(Questions::All);
            assert!(listener.hear(heard).is_empty() && listener.has_pending());
            let given_up = listener.give_up();
            assert!(
                given_up == if key || heard == b"\x1b[" { heard } else { b"" },
                "{heard:?}: {given_up:?}"
            );
        }
    }

    #[test]
    fn answers_to_an_earlier_question_are_waited_for_too() {
        let mut listener = Listener::new(Questions::All);
        listener.ask_again();
        assert_eq!(listener.hear(&ANSWERS.concat()), b"");
        assert!(listener.is_answered() && !listener.is_over());
        assert_eq!(listener.hear(&[&ANSWERS.concat()[..], b"q"].concat()), b"q");
        assert!(listener.is_over());
        assert_eq!(listener.answers.version(), Some("foot(1.16.2)"));
    }

    proptest! {
        /// However they come, between which keys and in which parts: no answer is a key, and no key is lost.
        #[test]
        fn keys_and_answers_are_told_apart(
            keys in proptest::collection::vec(0..KEYS.len(), ANSWERS.len()),
            cuts in proptest::collection::vec(0..200usize, 0..6),
        ) {
            let pairs = keys.iter().zip(ANSWERS);
            let heard: Vec<u8> = pairs.flat_map(|(key, answer)| [KEYS[*key], answer].concat()).collect();
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut % heard.len()).chain([0, heard.len()]).collect();
            cuts.sort_unstable();
            let mut listener = Listener::new(Questions::All);
            let mut typed = Vec::new();
            for part in cuts.windows(2) {
                typed.extend(listener.hear(&heard[part[0]..part[1]]));
            }
            let expected: Vec<u8> = keys.iter().flat_map(|key| KEYS[*key]).copied().collect();
            prop_assert_eq!(typed, expected);
            prop_assert_eq!(listener.answers.replies.len(), ANSWERS.len());
            prop_assert!(listener.is_over() && !listener.has_pending());
        }
    }
}
