//! The seal of a report: a SHA-256 over all of its text, in the text itself. A change of one byte shows. It tells nothing of who
//! made the report: whoever writes another one can seal that.

use std::fmt::Write as _;

use sha2::{Digest, Sha256};

/// What stands in front of the digest.
const MARK: &str = "gialab-audit-sha256:";

/// Digits of a digest.
const DIGITS: usize = 64;

/// What a text holds in the place of its seal.
pub fn open() -> String {
    format!("{MARK}{}", "0".repeat(DIGITS))
}

/// A text with its seal, where [`open`] stands in it. One without stays as it is.
pub fn closed(text: &str) -> String {
    text.replacen(&open(), &format!("{MARK}{}", digest(text)), 1)
}

/// The seal of a text.
///
/// # Errors
/// Why it does not hold, in a sentence.
pub fn check(text: &str) -> Result<String, String> {
    let mut places = text.match_indices(MARK);
    let (Some((at, _)), None) = (places.next(), places.next()) else {
        return Err("it is no report of gialab audit, or its seal is gone".to_owned());
    };
    let from = at + MARK.len();
    let Some(found) = text.get(from..from + DIGITS) else {
        return Err("its seal is cut off".to_owned());
    };
    let bare = format!("{}{}{}", &text[..from], "0".repeat(DIGITS), &text[from + DIGITS..]);
    match digest(&bare) == found {
        true => Ok(found.to_owned()),
        false => {
            Err("its text is not the one that was sealed: it was changed after it was written".to_owned())
        }
    }
}

/// SHA-256 in hexadecimal.
pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::new(), |mut text, byte| {
        // A string takes everything.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn digest(text: &str) -> String {
    sha256(text.as_bytes())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn every_changed_byte_shows() {
        let sealed = closed(&format!("a report\n{}\nits end\n", open()));
        check(&sealed).unwrap();
        for at in 0..sealed.len() {
            let mut bytes = sealed.clone().into_bytes();
            bytes[at] = if bytes[at] == b'1' { b'2' } else { b'1' };
            assert!(check(&String::from_utf8(bytes).unwrap()).is_err(), "byte {at}");
        }
        assert!(check(&format!("{sealed} ")).is_err());
        assert!(check("something else").unwrap_err().contains("no report"));
        assert!(check(&sealed[..40]).unwrap_err().contains("cut off"));
    }
}
