//! From bytes to text with plain line ends: UTF-8, UTF-16, or Windows-1252, which Latin-1 is a part of.

use crate::reading::Reading;

/// What Windows-1252 has where Latin-1 has control characters, from 0x80 on.
const WINDOWS: &str = "€\u{81}‚ƒ„…†‡ˆ‰Š‹Œ\u{8d}Ž\u{8f}\u{90}‘’“”•–—˜™š›œ\u{9d}žŸ";

/// The text of a file, with `\n` as its only line end; nothing if the file is no text.
pub fn decode(bytes: &[u8], reading: &mut Reading) -> Option<String> {
    let text = if let Some(rest) = bytes.strip_prefix(b"\xef\xbb\xbf") {
        narrow(rest, reading)?
    } else if let Some(wide) = wide(bytes) {
        // UTF-32 looks the same at its beginning.
        if wide.contains('\0') {
            return None;
        }
        reading.note("the text is UTF-16");
        wide
    } else {
        narrow(bytes, reading)?
    };
    let mut text = text;
    if text.contains('\r') {
        text = text.replace("\r\n", "\n").replace('\r', "\n");
    }
    Some(text)
}

fn narrow(bytes: &[u8], reading: &mut Reading) -> Option<String> {
    if bytes.contains(&0) {
        return None;
    }
    Some(match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => {
            reading.note("the text is not UTF-8, read as Windows-1252 (Latin-1)");
            let upper: Vec<char> = WINDOWS.chars().collect();
            let letter = |byte: &u8| match byte {
                0x80..=0x9f => upper[usize::from(byte - 0x80)],
                _ => char::from(*byte),
            };
            bytes.iter().map(letter).collect()
        }
    })
}

/// UTF-16 by its mark, or by the zeros that every second byte of Western text is.
fn wide(bytes: &[u8]) -> Option<String> {
    let start = &bytes[..bytes.len().min(2000) / 2 * 2];
    let zeros = |odd: usize| start.iter().skip(odd).step_by(2).filter(|byte| **byte == 0).count();
    let most = |zeros: usize| zeros * 4 > start.len();
    let (little, rest) = match bytes {
        [0xff, 0xfe, rest @ ..] => (true, rest),
        [0xfe, 0xff, rest @ ..] => (false, rest),
        _ if most(zeros(1)) && zeros(0) == 0 => (true, bytes),
        _ if most(zeros(0)) && zeros(1) == 0 => (false, bytes),
        _ => return None,
    };
    let unit = |pair: &[u8; 2]| if little { u16::from_le_bytes(*pair) } else { u16::from_be_bytes(*pair) };
    let units = rest.as_chunks::<2>().0.iter().map(unit);
    Some(char::decode_utf16(units).map(|letter| letter.unwrap_or(char::REPLACEMENT_CHARACTER)).collect())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> (Option<String>, Vec<String>) {
        let mut reading = Reading::default();
        (decode(bytes, &mut reading), reading.notes().to_vec())
    }

    #[test]
    fn texts_of_all_encodings_are_the_same() {
        let text = "länge,\"€\"\n1,2\n";
        let little: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let big: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        for (bytes, note) in [
            (text.as_bytes().to_vec(), None),
            ([b"\xef\xbb\xbf", text.as_bytes()].concat(), None),
            ([&b"\xff\xfe"[..], &little].concat(), Some("the text is UTF-16")),
            ([&b"\xfe\xff"[..], &big].concat(), Some("the text is UTF-16")),
            (little, Some("the text is UTF-16")),
            (big, Some("the text is UTF-16")),
            (
                b"l\xe4nge,\"\x80\"\r\n1,2\r".to_vec(),
                Some("the text is not UTF-8, read as Windows-1252 (Latin-1)"),
            ),
        ] {
            let (found, notes) = read(&bytes);
            assert_eq!(found.as_deref(), Some(text), "{note:?}");
            assert_eq!(notes, note.into_iter().collect::<Vec<_>>());
        }
    }

    #[test]
    fn bytes_that_are_no_text_are_none() {
        assert_eq!(read(b"a\0\0\0b,c\0\0").0, None);
        assert_eq!(read(b"").0.as_deref(), Some(""));
    }
}
