//! `run.log`: what the worker, its libraries and its drivers said, as text that is safe to show.

use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use crate::{files, text};

/// Bytes of the end that are looked at: a driver may have written gigabytes.
const END: u64 = 64 << 10;

/// Characters shown of one line among others, and where the log is read by itself.
const LONGEST: usize = 400;
const LONGEST_ALONE: usize = 10_000;

/// The last lines that say something, oldest first, at most `count`. None if the file cannot be read.
pub fn last_lines(path: &Path, count: usize) -> Vec<String> {
    let (end, _) = read_end(path).unwrap_or_default();
    let text = String::from_utf8_lossy(&end);
    let lines = text.lines().rev().map(|line| printable(line, LONGEST));
    let mut lines: Vec<String> = lines.filter(|line| !line.is_empty()).take(count).collect();
    lines.reverse();
    lines
}

/// The end of the log to be read by itself, with a line in front where that is not all of it.
pub fn end(path: &Path) -> Vec<String> {
    let (end, skipped) = read_end(path).unwrap_or_default();
    let text = String::from_utf8_lossy(&end);
    let notice = format!("({} earlier bytes are in {})", text::grouped(skipped), path.display());
    let notice = (skipped > 0).then(|| text::one_line(&notice).into_owned());
    let lines = text.lines().map(|line| printable(line, LONGEST_ALONE)).filter(|line| !line.is_empty());
    notice.into_iter().chain(lines).collect()
}

/// The end of a file, and how many bytes are in front of it.
fn read_end(path: &Path) -> io::Result<(Vec<u8>, u64)> {
    let mut file = files::open(path)?;
    let skipped = file.metadata()?.len().saturating_sub(END);
    file.seek(SeekFrom::Start(skipped))?;
    let mut end = Vec::new();
    file.take(END).read_to_end(&mut end)?;
    Ok((end, skipped))
}

/// The line as it would look on a terminal at last, without anything that could act on one.
fn printable(line: &str, longest: usize) -> String {
    // What a progress bar wrote over itself was not meant to be kept.
    let line = line.trim_end_matches('\r');
    let line = line.rsplit('\r').next().unwrap_or(line);
    let mut kept = String::new();
    let mut rest = line.chars();
    while let Some(c) = rest.next() {
        match c {
            '\u{1b}' => skip_sequence(&mut rest),
            '\t' => kept.push(' '),
            c if c.is_control() => {}
            c => kept.push(c),
        }
    }
    let kept = kept.trim();
    match kept.char_indices().nth(longest) {
        Some((at, _)) => format!("{} ...", &kept[..at]),
        None => kept.to_owned(),
    }
}

/// Goes over the rest of an escape sequence: colours, titles, links.
fn skip_sequence(rest: &mut std::str::Chars) {
    match rest.next() {
        Some('[') => drop(rest.find(|c| ('\u{40}'..='\u{7e}').contains(c))),
        Some(']' | 'P' | '_' | '^' | 'X') => {
            while let Some(c) = rest.next() {
                match c {
                    '\u{7}' | '\u{9c}' => break,
                    '\u{1b}' => {
                        rest.next();
                        break;
                    }
                    _ => {}
                }
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn written(content: &[u8]) -> (tempfile::TempDir, std::path::PathBuf) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("run.log");
        std::fs::write(&path, content).unwrap();
        (directory, path)
    }

    #[test]
    fn the_last_lines_that_say_something() {
        let (_directory, path) = written(b"first\nsecond\n\n  \nthird\n");
        assert_eq!(last_lines(&path, 2), ["second", "third"]);
        assert_eq!(last_lines(&path, 9), ["first", "second", "third"]);
        assert!(last_lines(Path::new("/nowhere/run.log"), 3).is_empty());
    }

    #[test]
    fn nothing_in_them_can_act_on_a_terminal() {
        let hostile = b"\x1b[31mred\x1b[0m\x07 \x1b]0;title\x07a\x1b]8;;http://x\x1b\\link\x1b(B\x9b1m\tend\xff\n 10 %\r 20 %\r\n";
        let (_directory, path) = written(hostile);
        let lines = last_lines(&path, 5);
        assert_eq!(lines[1], "20 %");
        assert!(lines[0].starts_with("red alinkB") && lines[0].contains(" end"), "{lines:?}");
        assert!(lines.iter().all(|line| !line.chars().any(char::is_control)));
    }

    #[test]
    fn of_a_large_log_and_of_a_long_line_only_a_little_is_read() {
        let mut content = b"early\n".to_vec();
        content.extend("x".repeat(3 * END as usize).bytes());
        let (_directory, path) = written(&content);
        let lines = last_lines(&path, 5);
        assert_eq!(lines.len(), 1);
        assert_eq!(lines[0].chars().count(), LONGEST + 4);
        let alone = end(&path);
        assert!(alone[0].starts_with("(131,078 earlier bytes are in /"), "{}", alone[0]);
        assert_eq!(alone[1].chars().count(), LONGEST_ALONE + 4);
    }
}
