//! The letters of all figures, embedded in what is written: DejaVu Sans with the signs of Latin and Greek, a few of mathematics,
//! and nothing that moves letters by their neighbours, so that a line is as long everywhere as it is here.

use std::sync::LazyLock;

use ttf_parser::{Face, GlyphId};

/// The file, TrueType.
pub const FILE: &[u8] = include_bytes!("../../assets/fonts/dejavu-sans.ttf");

/// Its family.
pub const FAMILY: &str = "DejaVu Sans";

/// Nothing only if the file that ships is damaged, which a test looks at.
static FACE: LazyLock<Option<Face<'static>>> = LazyLock::new(|| Face::parse(FILE, 0).ok());

/// The font, read.
pub fn face() -> Option<&'static Face<'static>> {
    FACE.as_ref()
}

/// The glyph of a letter.
pub fn glyph(letter: char) -> Option<GlyphId> {
    face()?.glyph_index(letter)
}

/// Length of a line in points; of a letter that the font does not have, its size.
pub fn width(text: &str, size: f64) -> f64 {
    let Some(face) = face() else { return 0.6 * size * text.chars().count() as f64 };
    let units = f64::from(face.units_per_em());
    let advance = |letter| {
        let glyph = face.glyph_index(letter)?;
        Some(f64::from(face.glyph_hor_advance(glyph)?) / units)
    };
    text.chars().map(|letter| size * advance(letter).unwrap_or(1.0)).sum()
}

/// Lines that are at most `room` points long, broken at spaces, and in words that are longer.
pub fn wrapped(text: &str, size: f64, room: f64) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut line = String::new();
    for word in text.split_whitespace() {
        let longer = if line.is_empty() { word.to_owned() } else { format!("{line} {word}") };
        if width(&longer, size) <= room {
            line = longer;
            continue;
        }
        if !line.is_empty() {
            lines.push(std::mem::take(&mut line));
        }
        for letter in word.chars() {
            if !line.is_empty() && width(&line, size) + width(letter.encode_utf8(&mut [0; 4]), size) > room {
                lines.push(std::mem::take(&mut line));
            }
            line.push(letter);
        }
    }
    if !line.is_empty() {
        lines.push(line);
    }
    lines
}

/// What of a line goes into `room` points, with a mark at its end if something was cut.
pub fn cut(text: &str, size: f64, room: f64) -> String {
    if width(text, size) <= room {
        return text.to_owned();
    }
    let mut kept = text.to_owned();
    while !kept.is_empty() && width(&kept, size) + width("…", size) > room {
        kept.pop();
    }
    kept.trim_end().to_owned() + "…"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_font_that_ships_has_the_letters_of_figures() {
        assert!(face().is_some());
        for letter in (' '..='~').chain('À'..='ſ').chain("αβγδεσΣλ…·×−≤≥≈∞↑↓–—‘’“”⁻⁵".chars())
        {
            assert!(glyph(letter).is_some(), "{letter}");
        }
    }

    #[test]
    fn lines_are_as_long_as_they_are_printed() {
        // Advances of DejaVu Sans are 1303 for a digit and 651 for a space, of 2048.
        assert!((width("10 ", 7.0) - 7.0 * (2.0 * 1303.0 + 651.0) / 2048.0).abs() < 1e-9);
        assert_eq!(width("", 7.0), 0.0);
        let room = width("one two", 7.0);
        assert_eq!(wrapped("one two three", 7.0, room), ["one two", "three"]);
        assert!(wrapped("abcdefghijklmnopqrstuvwxyz", 7.0, 30.0).iter().all(|line| width(line, 7.0) <= 30.0));
        let short = cut("matching loss", 7.0, 30.0);
        assert!(short.ends_with('…') && width(&short, 7.0) <= 30.0, "{short}");
        assert_eq!(cut("loss", 7.0, 30.0), "loss");
    }
}
