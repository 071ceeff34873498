//! Keys, pastes and the mouse from the bytes of a terminal, for the moments in which it is listened to for answers and
//! crossterm does not read.

use crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};

const ESCAPE: u8 = 0x1b;
const PASTE: &[u8] = b"\x1b[200~";
const PASTED: &[u8] = b"\x1b[201~";

/// Bytes that make events, some of them not complete yet.
#[derive(Debug, Default)]
pub struct Keys {
    pending: Vec<u8>,
}

impl Keys {
    /// Takes bytes in and returns the events that they complete.
    pub fn read(&mut self, bytes: &[u8]) -> Vec<Event> {
        self.pending.extend_from_slice(bytes);
        let mut events = Vec::new();
        let mut used = 0;
        while let Some((event, length)) = next(&self.pending[used..]) {
            events.extend(event);
            used += length;
        }
        self.pending.drain(..used);
        events
    }

    /// After some silence: an escape by itself was the key of that name.
    pub fn give_up(&mut self) -> Vec<Event> {
        let pending = std::mem::take(&mut self.pending);
        if pending.starts_with(PASTE) {
            self.pending = pending;
            return Vec::new();
        }
        match pending.split_first() {
            Some((&ESCAPE, [])) => vec![key(KeyCode::Esc, KeyModifiers::NONE)],
            Some((&ESCAPE, [letter])) => vec![key(KeyCode::Char(char::from(*letter)), KeyModifiers::ALT)],
            _ => Vec::new(),
        }
    }
}

fn key(code: KeyCode, modifiers: KeyModifiers) -> Event {
    Event::Key(KeyEvent::new(code, modifiers))
}

/// The first event and its length; nothing of what is not known. None if its end is not there.
fn next(bytes: &[u8]) -> Option<(Option<Event>, usize)> {
    let (first, rest) = bytes.split_first()?;
    if *first != ESCAPE {
        return character(bytes).map(|(c, length)| (c.map(|c| plain(c, KeyModifiers::NONE)), length));
    }
    match rest.first()? {
        // The key, and then another sequence.
        &ESCAPE => Some((Some(key(KeyCode::Esc, KeyModifiers::NONE)), 1)),
        b'[' => control(bytes),
        b'O' => {
            let code = rest.get(1).map(|last| named(*last))?;
            Some((code.map(|code| key(code, KeyModifiers::NONE)), 3))
        }
        _ => character(rest).map(|(c, length)| (c.map(|c| plain(c, KeyModifiers::ALT)), length + 1)),
    }
}

/// A character in UTF-8.
fn character(bytes: &[u8]) -> Option<(Option<char>, usize)> {
    let length = match bytes.first()? {
        0..0x80 => 1,
        0xc0..0xe0 => 2,
        0xe0..0xf0 => 3,
        0xf0..0xf8 => 4,
        _ => return Some((None, 1)),
    };
    let whole = bytes.get(..length)?;
    Some((std::str::from_utf8(whole).ok().and_then(|text| text.chars().next()), length))
}

/// The key of a character, as crossterm tells it.
fn plain(c: char, modifiers: KeyModifiers) -> Event {
    let control = |c: u8| key(KeyCode::Char(char::from(c)), modifiers | KeyModifiers::CONTROL);
    match c {
        '\r' => key(KeyCode::Enter, modifiers),
        '\t' => key(KeyCode::Tab, modifiers),
        '\x7f' => key(KeyCode::Backspace, modifiers),
        '\0' => control(b' '),
        '\x01'..='\x1a' => control(c as u8 - 1 + b'a'),
        '\x1c'..='\x1f' => control(c as u8 - 0x1c + b'4'),
        c if c.is_uppercase() => key(KeyCode::Char(c), modifiers | KeyModifiers::SHIFT),
        c => key(KeyCode::Char(c), modifiers),
    }
}

/// The key of the last byte of `ESC [` or `ESC O`.
fn named(last: u8) -> Option<KeyCode> {
    Some(match last {
        b'A' => KeyCode::Up,
        b'B' => KeyCode::Down,
        b'C' => KeyCode::Right,
        b'D' => KeyCode::Left,
        b'H' => KeyCode::Home,
        b'F' => KeyCode::End,
        b'P'..=b'S' => KeyCode::F(last - b'P' + 1),
        _ => return None,
    })
}

/// The key of the number before `~`.
fn numbered(number: u16) -> Option<KeyCode> {
    Some(match number {
        1 | 7 => KeyCode::Home,
        2 => KeyCode::Insert,
        3 => KeyCode::Delete,
        4 | 8 => KeyCode::End,
        5 => KeyCode::PageUp,
        6 => KeyCode::PageDown,
        11..=15 => KeyCode::F((number - 10) as u8),
        17..=21 => KeyCode::F((number - 11) as u8),
        23..=24 => KeyCode::F((number - 12) as u8),
        _ => return None,
    })
}

/// `ESC [ ... final`.
fn control(bytes: &[u8]) -> Option<(Option<Event>, usize)> {
    if bytes.starts_with(PASTE) {
        let end = bytes.windows(PASTED.len()).position(|window| window == PASTED)?;
        let text = String::from_utf8_lossy(&bytes[PASTE.len()..end]).into_owned();
        return Some((Some(Event::Paste(text)), end + PASTED.len()));
    }
    let end = 2 + bytes[2..].iter().position(|byte| !(0x20..=0x3f).contains(byte))?;
    let (last, length) = (bytes[end], end + 1);
    let text = std::str::from_utf8(&bytes[2..end]).unwrap_or_default();
    if let Some(mouse) = text.strip_prefix('<') {
        return Some((mouse_event(mouse, last == b'M'), length));
    }
    let numbers: Vec<u16> = text.split(';').map(|number| number.parse().unwrap_or(0)).collect();
    let held = numbers.get(1).map_or(KeyModifiers::NONE, |number| modifiers(number.saturating_sub(1)));
    let event = match last {
        b'~' => numbered(numbers[0]).map(|code| key(code, held)),
        b'Z' => Some(key(KeyCode::BackTab, KeyModifiers::SHIFT)),
        b'I' => Some(Event::FocusGained),
        b'O' => Some(Event::FocusLost),
        last => named(last).map(|code| key(code, held)),
    };
    Some((event, length))
}

/// Bits of the second number of a key.
fn modifiers(bits: u16) -> KeyModifiers {
    let all = [(1, KeyModifiers::SHIFT), (2, KeyModifiers::ALT), (4, KeyModifiers::CONTROL)];
    all.into_iter().filter(|(bit, _)| bits & bit != 0).fold(KeyModifiers::NONE, |held, (_, one)| held | one)
}

/// `ESC [ < button ; column ; row`, pressed or released.
fn mouse_event(text: &str, pressed: bool) -> Option<Event> {
    let numbers: Vec<u16> = text.split(';').filter_map(|number| number.parse().ok()).collect();
    let &[button, column, row] = numbers.as_slice() else { return None };
    let kind = match (button & 0b1110_0011, pressed) {
        (0, true) => MouseEventKind::Down(MouseButton::Left),
        (1, true) => MouseEventKind::Down(MouseButton::Middle),
        (2, true) => MouseEventKind::Down(MouseButton::Right),
        (64, true) => MouseEventKind::ScrollUp,
        (65, true) => MouseEventKind::ScrollDown,
        _ => return None,
    };
    let modifiers = KeyModifiers::NONE;
    let (column, row) = (column.saturating_sub(1), row.saturating_sub(1));
    Some(Event::Mouse(MouseEvent { kind, column, row, modifiers }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pressed(code: KeyCode) -> Event {
        key(code, KeyModifiers::NONE)
    }

    #[test]
    fn keys_are_what_crossterm_calls_them() {
        let shift = |code| key(code, KeyModifiers::SHIFT);
        let control = |c| key(KeyCode::Char(c), KeyModifiers::CONTROL);
        for (bytes, event) in [
            (&b"q"[..], pressed(KeyCode::Char('q'))),
            (b"G", shift(KeyCode::Char('G'))),
            ("ä".as_bytes(), pressed(KeyCode::Char('ä'))),
            (b"\r", pressed(KeyCode::Enter)),
            (b"\t", pressed(KeyCode::Tab)),
            (b"\x1b[Z", shift(KeyCode::BackTab)),
            (b"\x7f", pressed(KeyCode::Backspace)),
            (b"\x03", control('c')),
            (b"\x0c", control('l')),
            (b"\x1b[A", pressed(KeyCode::Up)),
            (b"\x1bOD", pressed(KeyCode::Left)),
            (b"\x1b[1;2C", shift(KeyCode::Right)),
            (b"\x1b[H", pressed(KeyCode::Home)),
            (b"\x1b[4~", pressed(KeyCode::End)),
            (b"\x1b[3~", pressed(KeyCode::Delete)),
            (b"\x1b[6~", pressed(KeyCode::PageDown)),
            (b"\x1bOP", pressed(KeyCode::F(1))),
            (b"\x1b[15~", pressed(KeyCode::F(5))),
            (b"\x1b[24~", pressed(KeyCode::F(12))),
            (b"\x1bx", key(KeyCode::Char('x'), KeyModifiers::ALT)),
            (b"\x1b[I", Event::FocusGained),
            (b"\x1b[O", Event::FocusLost),
            (b"\x1b[200~a \x1b[A b\x1b[201~", Event::Paste("a \x1b[A b".into())),
        ] {
            assert_eq!(Keys::default().read(bytes), std::slice::from_ref(&event), "{bytes:?}");
            // In two parts it is the same.
            for cut in 1..bytes.len() {
                let mut keys = Keys::default();
                assert!(keys.read(&bytes[..cut]).is_empty(), "{bytes:?} at {cut}");
                assert_eq!(keys.read(&bytes[cut..]), std::slice::from_ref(&event), "{bytes:?} at {cut}");
            }
        }
    }

    #[test]
    fn the_mouse_is_where_it_is() {
        let events = Keys::default().read(b"\x1b[<0;3;4M\x1b[<0;3;4m\x1b[<65;1;1M\x1b[<35;9;9M");
        let at =
            |kind, column, row| Event::Mouse(MouseEvent { kind, column, row, modifiers: KeyModifiers::NONE });
        let down = at(MouseEventKind::Down(MouseButton::Left), 2, 3);
        assert_eq!(events, [down, at(MouseEventKind::ScrollDown, 0, 0)]);
    }

    #[test]
    fn an_escape_by_itself_is_a_key_after_some_silence() {
        let mut keys = Keys::default();
        assert!(keys.read(b"\x1b").is_empty());
        assert_eq!(keys.give_up(), [pressed(KeyCode::Esc)]);
        assert!(keys.give_up().is_empty());
        assert_eq!(keys.read(b"\x1b\x1b[A"), [pressed(KeyCode::Esc), pressed(KeyCode::Up)]);
        assert!(keys.read(b"\xff\x1b[99~\x1bOz").is_empty());
    }
}
