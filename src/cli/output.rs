//! What commands print. All of it goes through here, so that nothing that comes from a file, a name or a message acts on
//! the terminal; what gialab itself wants of the terminal goes around it.

use std::fmt::Display;
use std::io::{self, BufWriter, StdoutLock, Write};

use gialab::{format, sys, text};

/// Lines for people on standard output.
pub fn lines() -> Plain<StdoutLock<'static>> {
    Plain::new(io::stdout().lock(), Form::Lines)
}

/// A whole table or document on standard output, as JSON or as lines.
pub fn whole(json: bool) -> BufWriter<Plain<StdoutLock<'static>>> {
    let form = if json { Form::Json } else { Form::Lines };
    BufWriter::new(Plain::new(io::stdout().lock(), form))
}

/// Lines for people on standard error.
pub fn notes() -> Plain<io::Stderr> {
    Plain::new(io::stderr(), Form::Lines)
}

/// Writes over the line of progress on standard error, which is a terminal; an empty one takes it away.
pub fn progress(line: &str) {
    // Nobody may be there to read it.
    let _ = write!(io::stderr(), "\r\x1b[K{}", on_one_row(&text::one_line(line)));
}

/// As much of a line as fits on a row of the terminal: what is longer would break, and only its last row be written over.
pub fn on_one_row(line: &str) -> String {
    match sys::columns() {
        Some(columns) => format::cut(line, columns.saturating_sub(1), false),
        None => line.to_owned(),
    }
}

/// Says in one line what is wrong, on standard error.
pub fn complain(problem: impl Display) {
    let line = problem.to_string();
    // Nobody may be there to read it.
    let _ = writeln!(io::stderr(), "gialab: {}", text::one_line(&line.trim_end().replace('\n', " ")));
}

/// How text is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Whatever acts but the end of a line is a question mark.
    Lines,
    /// It is escaped, as in a string of JSON, where alone it can stand.
    Json,
}

/// A writer of text that no character of which acts on a terminal.
#[derive(Debug)]
pub struct Plain<W: Write> {
    inner: W,
    form: Form,
    /// The beginning of a character that is not complete yet.
    pending: Vec<u8>,
}

impl<W: Write> Plain<W> {
    pub fn new(inner: W, form: Form) -> Self {
        Plain { inner, form, pending: Vec::new() }
    }
}

impl<W: Write> Write for Plain<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut text = std::mem::take(&mut self.pending);
        text.extend_from_slice(bytes);
        let mut clean = String::with_capacity(text.len());
        let mut chunks = text.utf8_chunks().peekable();
        while let Some(chunk) = chunks.next() {
            for c in chunk.valid().chars() {
                match self.form {
                    _ if c == '\n' || !text::acts(c) => clean.push(c),
                    Form::Lines => clean.push('?'),
                    Form::Json => clean.push_str(&format!("\\u{:04x}", u32::from(c))),
                }
            }
            let is_last = chunks.peek().is_none();
            match chunk.invalid() {
                [] => {}
                beginning if is_last && incomplete(beginning) => self.pending = beginning.to_vec(),
                _ => clean.push(char::REPLACEMENT_CHARACTER),
            }
        }
        self.inner.write_all(clean.as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// Whether more bytes could make a character of these.
fn incomplete(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_err_and(|error| error.error_len().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(form: Form, parts: &[&[u8]]) -> String {
        let mut plain = Plain::new(Vec::new(), form);
        parts.iter().for_each(|part| plain.write_all(part).unwrap_or_default());
        String::from_utf8(plain.inner).unwrap_or_default()
    }

    #[test]
    fn lines_stay_lines_and_nothing_in_them_acts() {
        let hostile = "title\x1b]0;x\x07\r\u{9b}2J\u{202e}\nnext é\n".as_bytes();
        assert_eq!(written(Form::Lines, &[hostile]), "title?]0;x???2J?\nnext é\n");
        assert_eq!(written(Form::Lines, &[b"a\xff\x9bb"]), "a\u{fffd}\u{fffd}b");
    }

    #[test]
    fn a_character_may_come_in_parts() {
        assert_eq!(written(Form::Lines, &[b"a\xc3", b"\xa9b"]), "aéb");
        assert_eq!(written(Form::Lines, &[b"a\xc2", b"\x9bb"]), "a?b");
    }

    #[test]
    fn json_keeps_its_meaning() {
        let value = "a\u{9b}\u{7f}\u{202e}\x1bz";
        let text = serde_json::to_string(value).unwrap_or_default();
        let clean = written(Form::Json, &[text.as_bytes()]);
        assert!(clean.is_ascii() && !clean.contains(text::acts), "{clean}");
        assert_eq!(serde_json::from_str::<String>(&clean).ok().as_deref(), Some(value));
    }
}
