//! Numbers, durations and points in time as text of fixed width, so that nothing jumps.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use unicode_width::UnicodeWidthStr;

pub use crate::text::{about, clock};

/// `3.1e-03`, seven characters for every finite value of two-digit exponent.
pub fn loss(value: f64) -> String {
    if !value.is_finite() {
        return if value.is_nan() {
            "NaN".into()
        } else if value > 0.0 {
            "inf".into()
        } else {
            "-inf".into()
        };
    }
    let text = format!("{value:.1e}");
    match text.split_once('e') {
        Some((mantissa, exponent)) => match exponent.strip_prefix('-') {
            Some(digits) => format!("{mantissa}e-{digits:0>2}"),
            None => format!("{mantissa}e+{exponent:0>2}"),
        },
        None => text,
    }
}

/// At least four significant digits; `inf` and `nan` as words.
pub fn number(value: f64) -> String {
    match value.abs() {
        size if size.is_nan() => "nan".to_owned(),
        0.0 => "0".to_owned(),
        0.001..10_000.0 => format!("{value:.4}"),
        size if size.is_infinite() => "inf".to_owned(),
        _ => format!("{value:.2e}"),
    }
}

/// Fixed decimals; `inf` and `NaN` as words.
pub fn fixed(value: f64, decimals: usize) -> String {
    if value.is_nan() {
        "NaN".into()
    } else if value.is_infinite() {
        if value > 0.0 { "inf".into() } else { "-inf".into() }
    } else {
        format!("{value:.decimals$}")
    }
}

/// `1st`, `2nd`, `3rd`, `4th`, `11th`.
pub fn ordinal(number: usize) -> String {
    let end = match (number % 10, number % 100) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    };
    format!("{number}{end}")
}

/// `just now`, `3 min ago`, `5 h ago`, `2 days ago`.
pub fn ago(seconds: f64) -> String {
    if seconds < 60.0 {
        "just now".into()
    } else if seconds < 3600.0 {
        format!("{:.0} min ago", (seconds / 60.0).floor())
    } else if seconds < 2.0 * 86400.0 {
        format!("{:.0} h ago", (seconds / 3600.0).floor())
    } else {
        format!("{:.0} days ago", (seconds / 86400.0).floor())
    }
}

/// `22 Nov 12:55`, or `22 Nov 2025` in another year.
pub fn moment(epoch_seconds: f64, now: f64, zone: &TimeZone) -> String {
    let at = |seconds: f64| {
        Timestamp::from_second(seconds as i64).unwrap_or(Timestamp::UNIX_EPOCH).to_zoned(zone.clone())
    };
    let (then, today) = (at(epoch_seconds), at(now));
    let pattern = if then.year() == today.year() { "%e %b %H:%M" } else { "%e %b  %Y" };
    then.strftime(pattern).to_string()
}

/// `15,826`.
pub fn count(value: usize) -> String {
    let digits = value.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// What goes into `width` columns, with a mark at its end if something was cut.
pub fn cut(text: &str, width: usize, ascii: bool) -> String {
    if columns(text) <= width {
        return text.to_owned();
    }
    let mut kept = String::new();
    let mut used = 0;
    for c in text.chars() {
        used += columns(c.encode_utf8(&mut [0; 4]));
        if used >= width {
            break;
        }
        kept.push(c);
    }
    if width > 0 {
        kept.push(if ascii { '~' } else { '…' });
    }
    kept
}

/// A value with what it is sorted and copied by.
#[derive(Debug, Clone, PartialEq)]
pub struct Cell {
    /// As shown.
    pub text: String,
    /// As sorted and copied; text sorts as text.
    pub value: Option<f64>,
}

impl Cell {
    /// A number as shown and as it is.
    pub fn number(text: String, value: f64) -> Self {
        Cell { text, value: Some(value) }
    }

    /// Text.
    pub fn text(text: impl Into<String>) -> Self {
        Cell { text: text.into(), value: None }
    }

    /// What is not known.
    pub fn none() -> Self {
        Cell::text("-")
    }

    /// A number if it is known.
    pub fn maybe(value: Option<f64>, show: impl FnOnce(f64) -> String) -> Self {
        value.map_or_else(Cell::none, |value| Cell::number(show(value), value))
    }
}

/// Columns that a text takes.
pub fn columns(text: &str) -> usize {
    text.width()
}

/// Breaks text into lines of at most `width` characters at spaces.
pub fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let Some(line) = lines.last_mut() else { break };
        if line.is_empty() {
            line.push_str(word);
        } else if line.chars().count() + 1 + word.chars().count() <= width {
            line.push(' ');
            line.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
    }
    lines
}

/// A name between words, shortened so that the words stay.
pub fn around(before: &str, name: &str, after: &str, width: usize, ascii: bool) -> String {
    let taken = columns(before) + columns(after);
    format!("{before}{}{after}", cut(name, width.saturating_sub(taken).max(SHORTEST_NAME), ascii))
}

/// Below this a name cannot be told from another.
const SHORTEST_NAME: usize = 12;

/// A part of a header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// A name from outside, of any length: it may be shortened.
    Name(String),
    /// Said as a whole or not at all.
    Word(String),
}

impl Piece {
    /// Its text.
    pub fn into_text(self) -> String {
        match self {
            Piece::Name(text) | Piece::Word(text) => text,
        }
    }
}

/// What of a header goes into `width` columns with `gap` between the parts: long names are shortened first, the longest
/// most; then parts that have no room are left out.
pub fn header(parts: Vec<Piece>, gap: &str, width: usize, ascii: bool) -> Vec<String> {
    let (mut texts, names): (Vec<String>, Vec<bool>) = parts
        .into_iter()
        .map(|part| match part {
            Piece::Name(text) => (text, true),
            Piece::Word(text) => (text, false),
        })
        .unzip();
    let mut lengths: Vec<usize> = texts.iter().map(|text| columns(text)).collect();
    let gaps = texts.len().saturating_sub(1) * columns(gap);
    while lengths.iter().sum::<usize>() + gaps > width {
        let longest = (0..lengths.len()).filter(|at| names[*at]).max_by_key(|at| lengths[*at]);
        let Some(at) = longest.filter(|at| lengths[*at] > LONG_NAME) else { break };
        lengths[at] -= 1;
    }
    for (text, length) in texts.iter_mut().zip(&lengths) {
        *text = cut(text, (*length).min(width), ascii);
    }
    let mut used = 0;
    texts.retain(|text| {
        let with = used + columns(text) + if used > 0 { columns(gap) } else { 0 };
        let fits = with <= width;
        used = if fits { with } else { used };
        fits
    });
    texts
}

/// A name of a header keeps so many columns before another part is left out.
const LONG_NAME: usize = 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn losses_keep_their_width() {
        assert_eq!(loss(0.0031), "3.1e-03");
        assert_eq!(loss(123.0), "1.2e+02");
        assert_eq!(loss(0.0), "0.0e+00");
        assert_eq!(loss(1e-12), "1.0e-12");
        assert_eq!(loss(f64::NAN), "NaN");
        assert_eq!(loss(f64::NEG_INFINITY), "-inf");
    }

    #[test]
    fn durations() {
        assert_eq!(clock(41.9), "00:41");
        assert_eq!(clock(3723.0), "1:02:03");
        assert_eq!(clock(360_000.0), "4d 04h");
        assert_eq!(clock(f64::INFINITY), "--:--");
        assert_eq!(
            (about(0.2), about(240.0), about(9000.0)),
            ("0.2 s".into(), "4 min".into(), "2.5 h".into())
        );
        assert_eq!((ago(5.0), ago(185.0)), ("just now".into(), "3 min ago".into()));
    }

    #[test]
    fn moments_follow_the_given_zone() {
        let now = 1_795_352_101.0;
        assert_eq!(moment(now, now, &TimeZone::UTC), "22 Nov 12:55");
        assert_eq!(moment(0.0, now, &TimeZone::UTC), " 1 Jan  1970");
    }

    #[test]
    fn counts_and_cuts() {
        assert_eq!(count(11_173_962), "11,173,962");
        assert_eq!(count(7), "7");
        assert_eq!([1, 2, 3, 4, 11, 22, 113].map(ordinal).join(" "), "1st 2nd 3rd 4th 11th 22nd 113th");
        assert_eq!(cut("abcdef", 4, false), "abc…");
        assert_eq!(cut("abcd", 4, true), "abcd");
        assert_eq!((cut("日本語", 5, false), cut("日本語", 4, false)), ("日本…".into(), "日…".into()));
        let name = |length: usize| Piece::Name("n".repeat(length));
        let word = || Piece::Word("word".into());
        let shown = |parts: Vec<Piece>, width| header(parts, ", ", width, true).join(", ");
        assert_eq!(shown(vec![name(5), word(), word()], 30), "nnnnn, word, word");
        assert_eq!(shown(vec![name(300), word()], 30), format!("{}~, word", "n".repeat(23)));
        assert_eq!(shown(vec![name(300), name(300)], 44), format!("{0}~, {0}~", "n".repeat(20)));
        assert_eq!(shown(vec![name(300), word(), word()], 30), format!("{}~, word", "n".repeat(19)));
        assert_eq!(shown(vec![name(300)], 8), "nnnnnnn~");
        assert_eq!(around("run ", "a-long-long-long-name", " again", 25, true), "run a-long-long-lo~ again");
    }
}
