//! Asks the terminal what it is, before anything else reads from it.
//!
//! All questions go out in one write and share one deadline; answers that are later are for a [`Listener`]. The last is for the primary device attributes
//! (DA1), which every terminal answers, so its answer ends the waiting. A terminal that says nothing costs
//! the deadline and no more.

use std::io::{self, Write};
use std::time::Duration;

use serde::Serialize;

use super::listener::Listener;

/// How long a terminal may take to answer.
pub const PATIENCE: Duration = Duration::from_millis(200);

/// The same over SSH.
pub const PATIENCE_OVER_SSH: Duration = Duration::from_secs(1);

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Questions {
    /// Everything.
    All,
    /// What a multiplexer or the Linux console takes without harm: tmux makes the kitty question its title.
    Harmless,
}

/// Name and version (XTVERSION).
const VERSION: &str = "\x1b[>q";
/// Kitty graphics: one pixel under an id of its own, not stored.
const KITTY: &str = "\x1b_Gi=31,s=1,v=1,a=q,t=d,f=24;AAAA\x1b\\";
/// Size of a cell in pixels.
const CELL: &str = "\x1b[16t";
/// Background colour.
const BACKGROUND: &str = "\x1b]11;?\x1b\\";
/// Whether synchronized updates are known (DECRQM 2026).
const SYNCHRONIZED: &str = "\x1b[?2026$p";
/// Number of colours a sixel picture may have (XTSMGRAPHICS).
const REGISTERS: &str = "\x1b[?1;1;0S";
/// Wipes what a terminal may have printed of a question that it did not understand.
const WIPE: &str = "\r\x1b[K";
/// Primary device attributes.
const ATTRIBUTES: &str = "\x1b[c";

impl Questions {
    /// The bytes to write.
    pub fn bytes(self) -> String {
        match self {
            Questions::All => {
                [VERSION, KITTY, CELL, BACKGROUND, SYNCHRONIZED, REGISTERS, WIPE, ATTRIBUTES].concat()
            }
            Questions::Harmless => [VERSION, ATTRIBUTES].concat(),
        }
    }
}

/// One answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reply {
    /// Name and version as the terminal says them.
    Version(String),
    /// To the kitty question: `OK`, or an error.
    Kitty(String),
    /// Pixels of a cell, (width, height).
    Cell(usize, usize),
    /// Background, 8 bits a channel.
    Background([u8; 3]),
    /// State of mode 2026: 0 unknown, 1 set, 2 reset, 3 always, 4 never.
    Synchronized(u32),
    /// Colours of a sixel picture.
    Registers(usize),
    /// Primary device attributes; 4 among them means sixel.
    Attributes(Vec<u32>),
}

/// Everything that was answered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answers {
    /// What was asked; none if stdin or stdout is no terminal or the terminal is dumb.
    pub asked: Option<Questions>,
    /// Answers in the order of arrival, each with the time since the questions were sent.
    pub replies: Vec<(Reply, Duration)>,
    /// How long was waited in all.
    pub waited: Duration,
}

impl Answers {
    fn find<'a, T>(&'a self, pick: impl Fn(&'a Reply) -> Option<T>) -> Option<T> {
        self.replies.iter().find_map(|(reply, _)| pick(reply))
    }

    /// Name and version.
    pub fn version(&self) -> Option<&str> {
        self.find(|reply| if let Reply::Version(text) = reply { Some(text.as_str()) } else { None })
    }

    /// Whether kitty graphics are known.
    pub fn kitty(&self) -> bool {
        self.find(|reply| if let Reply::Kitty(text) = reply { Some(text == "OK") } else { None })
            == Some(true)
    }

    /// Pixels of a cell.
    pub fn cell(&self) -> Option<(usize, usize)> {
        self.find(|reply| if let Reply::Cell(width, height) = reply { Some((*width, *height)) } else { None })
    }

    /// Background colour.
    pub fn background(&self) -> Option<[u8; 3]> {
        self.find(|reply| if let Reply::Background(colour) = reply { Some(*colour) } else { None })
    }

    /// Whether synchronized updates are known.
    pub fn synchronized(&self) -> Option<bool> {
        self.find(
            |reply| if let Reply::Synchronized(state) = reply { Some((1..=3).contains(state)) } else { None },
        )
    }

    /// Colours of a sixel picture.
    pub fn registers(&self) -> Option<usize> {
        self.find(|reply| if let Reply::Registers(count) = reply { Some(*count) } else { None })
    }

    /// Primary device attributes: there if the terminal answered at all.
    pub fn attributes(&self) -> Option<&[u32]> {
        self.find(|reply| if let Reply::Attributes(list) = reply { Some(list.as_slice()) } else { None })
    }

    /// Whether the terminal draws sixels.
    pub fn sixel(&self) -> bool {
        self.attributes().is_some_and(|list| list.contains(&4))
    }
}

/// Raw mode, left on drop unless it is kept: outside it answers would be echoed, and come by lines.
#[derive(Debug)]
pub struct RawMode {
    was_on: bool,
}

impl RawMode {
    /// Enters raw mode.
    ///
    /// # Errors
    /// If the terminal refuses it.
    pub fn enter() -> io::Result<RawMode> {
        let was_on = crossterm::terminal::is_raw_mode_enabled()?;
        crossterm::terminal::enable_raw_mode()?;
        Ok(RawMode { was_on })
    }

    /// Leaves the terminal in raw mode for whoever comes next.
    pub fn keep(mut self) {
        self.was_on = true;
    }
}

impl Drop for RawMode {
    fn drop(&mut self) {
        if !self.was_on {
            let _ = crossterm::terminal::disable_raw_mode();
        }
    }
}

/// Asks and waits. The terminal must be in raw mode and nobody else may read from it. What comes later belongs to the
/// listener; a terminal that answered has nothing more to say.
///
/// # Errors
/// If the questions cannot be written.
pub fn ask(questions: Questions, patience: Duration) -> io::Result<Listener> {
    let mut out = io::stdout();
    out.write_all(questions.bytes().as_bytes())?;
    out.flush()?;
    let mut listener = Listener::new(questions);
    let mut read = 0;
    while !listener.is_answered() {
        let left = patience.saturating_sub(listener.waited());
        let mut heard = Vec::new();
        // Nothing more in time, or a terminal that is gone.
        if left.is_zero() || !matches!(crate::sys::read_stdin_within(left, &mut heard), Ok(true)) {
            break;
        }
        listener.hear(&heard);
        read += heard.len();
        if read > MOST_HEARD {
            break;
        }
    }
    // Half an answer must not be forgotten: the other half would be keys.
    if listener.is_answered() {
        crate::sys::drop_pending_input();
    }
    listener.answers.waited = listener.waited();
    Ok(listener)
}

/// Something that goes on talking is no terminal.
const MOST_HEARD: usize = 1 << 16;

/// All whole answers in what was heard.
#[cfg(test)]
pub(super) fn parse(heard: &[u8]) -> Vec<Reply> {
    let mut listener = Listener::new(Questions::All);
    listener.hear(heard);
    listener.answers.replies.into_iter().map(|(reply, _)| reply).collect()
}

const ESCAPE: u8 = 0x1b;
const BELL: u8 = 0x07;

/// Reads a control sequence: the answer if it is one, and its length. None if its end is not there yet.
pub(super) fn control(body: &[u8]) -> Option<(Option<Reply>, usize)> {
    let end = body.iter().position(|byte| !(0x20..=0x3f).contains(byte))?;
    if !(0x40..=0x7e).contains(&body[end]) {
        // Broken off, perhaps by the next answer.
        return Some((None, end));
    }
    Some((control_reply(&body[..end], body[end]), end + 1))
}

fn control_reply(parameters: &[u8], last: u8) -> Option<Reply> {
    let text = std::str::from_utf8(parameters).ok()?;
    let numbers = |text: &str| -> Vec<u32> { text.split(';').map(|n| n.parse().unwrap_or(0)).collect() };
    match last {
        b'c' => Some(Reply::Attributes(numbers(text.strip_prefix('?')?))),
        b't' => match numbers(text)[..] {
            [6, height @ 1..=500, width @ 1..=500] => Some(Reply::Cell(width as usize, height as usize)),
            _ => None,
        },
        b'y' => match numbers(text.strip_prefix('?')?.strip_suffix('$')?)[..] {
            [2026, state] => Some(Reply::Synchronized(state)),
            _ => None,
        },
        b'S' => match numbers(text.strip_prefix('?')?)[..] {
            [1, 0, count] if count >= 2 => Some(Reply::Registers(count as usize)),
            _ => None,
        },
        _ => None,
    }
}

/// Reads a string sequence up to its end (ST, or BEL). One that is broken off by another escape was a key.
pub(super) fn string(kind: u8, body: &[u8]) -> Option<(Option<Reply>, usize)> {
    let end = body.iter().position(|byte| matches!(*byte, ESCAPE | BELL))?;
    let used = match (body[end], body.get(end + 1)) {
        (BELL, _) => end + 1,
        (_, Some(b'\\')) => end + 2,
        (_, Some(_)) => return Some((None, end)),
        (_, None) => return None,
    };
    Some((string_reply(kind, &body[..end]), used))
}

fn string_reply(kind: u8, body: &[u8]) -> Option<Reply> {
    let text = std::str::from_utf8(body).ok()?;
    match kind {
        b'P' => {
            let name: String =
                text.strip_prefix(">|")?.chars().filter(|c| !c.is_control()).take(80).collect();
            Some(Reply::Version(name))
        }
        b'_' => {
            let (keys, answer) = text.strip_prefix('G')?.split_once(';')?;
            keys.split(',').any(|key| key == "i=31").then(|| Reply::Kitty(answer.to_owned()))
        }
        b']' => Some(Reply::Background(colour(text.strip_prefix("11;")?)?)),
        _ => None,
    }
}

/// `rgb:RRRR/GGGG/BBBB` with one to four digits each, `rgba:` likewise, or `#RRGGBB`.
fn colour(text: &str) -> Option<[u8; 3]> {
    let channels: Vec<&str> = match text.split_once(':') {
        Some(("rgb" | "rgba", channels)) => channels.split('/').take(3).collect(),
        _ => {
            let digits = text.strip_prefix('#').filter(|digits| digits.len() == 6 && digits.is_ascii())?;
            vec![&digits[..2], &digits[2..4], &digits[4..]]
        }
    };
    let channel = |text: &&str| {
        let most = match text.len() {
            1..=4 => (1u32 << (4 * text.len())) - 1,
            _ => return None,
        };
        u32::from_str_radix(text, 16).ok().map(|value| (value * 255 / most) as u8)
    };
    let channels: Option<Vec<u8>> = channels.iter().map(channel).collect();
    channels?.try_into().ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    const KITTY_SAYS: &[&[u8]] = &[
        b"\x1bP>|kitty(0.43.1)\x1b\\",
        b"\x1b_Gi=31;OK\x1b\\",
        b"\x1b[6;20;10t",
        b"\x1b]11;rgb:1e1e/1e1e/2e2e\x1b\\",
        b"\x1b[?2026;2$y",
        b"\x1b[?1;0;256S",
        b"\x1b[?62;4;52c",
    ];

    fn replies() -> Vec<Reply> {
        vec![
            Reply::Version("kitty(0.43.1)".into()),
            Reply::Kitty("OK".into()),
            Reply::Cell(10, 20),
            Reply::Background([0x1e, 0x1e, 0x2e]),
            Reply::Synchronized(2),
            Reply::Registers(256),
            Reply::Attributes(vec![62, 4, 52]),
        ]
    }

    #[test]
    fn every_answer_is_understood() {
        assert_eq!(parse(&KITTY_SAYS.concat()), replies());
        assert_eq!(parse(b"\x1b]11;rgba:f/80/0000/ffff\x07"), [Reply::Background([255, 128, 0])]);
        assert_eq!(parse(b"\x1b]11;#102030\x07"), [Reply::Background([16, 32, 48])]);
        assert_eq!(parse(b"\x1b[?6c"), [Reply::Attributes(vec![6])]);
        assert_eq!(parse(b"\x1b_Gi=31;EINVAL:what\x1b\\"), [Reply::Kitty("EINVAL:what".into())]);
    }

    #[test]
    fn keys_and_answers_to_others_are_passed_over() {
        for noise in [
            &b"q"[..],
            b"\x1b",
            b"\x1b[A",
            b"\x1bOP",
            b"\x1b[>84;0;0c",
            b"\x1b_",
            b"\x1b]",
            b"\x1bP",
            b"\x1b[",
            b"\x1b[1;5D",
            b"\xff\xfe",
            b"\x1b_Gi=9;OK\x1b\\",
            b"\x1b]10;rgb:0/0/0\x07",
            b"\x1b[I",
            b"\x03",
        ] {
            let heard = [noise, b"\x1b[?62;4c"].concat();
            assert_eq!(parse(&heard), [Reply::Attributes(vec![62, 4])], "{noise:?}");
        }
    }

    #[test]
    fn multiplexers_are_not_asked_what_they_would_show() {
        assert_eq!(Questions::Harmless.bytes(), "\x1b[>q\x1b[c");
        assert!(Questions::All.bytes().ends_with("\x1b[c"));
    }

    proptest! {
        #[test]
        fn order_does_not_matter(order in Just((0..KITTY_SAYS.len()).collect::<Vec<_>>()).prop_shuffle()) {
            let heard: Vec<u8> = order.iter().flat_map(|at| KITTY_SAYS[*at]).copied().collect();
            let expected: Vec<Reply> = order.iter().map(|at| replies()[*at].clone()).collect();
            prop_assert_eq!(parse(&heard), expected);
        }

        /// What is known after any part is kept, in order, when more arrives.
        #[test]
        fn a_cut_anywhere_only_delays(cut in 0..KITTY_SAYS.concat().len()) {
            let heard = KITTY_SAYS.concat();
            let first = parse(&heard[..cut]);
            prop_assert_eq!(&replies()[..first.len()], &first[..]);
        }

        #[test]
        fn keys_between_answers_lose_none(
            keys in proptest::collection::vec(
                prop_oneof![
                    "[a-zA-Z0-9 \r\t]{0,3}".prop_map(String::into_bytes),
                    Just(b"\x1b[A".to_vec()),
                    Just(b"\x1bOB".to_vec()),
                    Just(b"\x1b".to_vec()),
                    Just(b"\x1b_".to_vec()),
                    Just(b"\x1b[<0;3;4M".to_vec()),
                ],
                KITTY_SAYS.len(),
            ),
        ) {
            let heard: Vec<u8> =
                keys.iter().zip(KITTY_SAYS).flat_map(|(key, says)| [key.as_slice(), says].concat()).collect();
            prop_assert_eq!(parse(&heard), replies());
        }

        #[test]
        fn noise_is_survived(noise in proptest::collection::vec(any::<u8>(), 0..200)) {
            parse(&noise);
        }
    }
}
