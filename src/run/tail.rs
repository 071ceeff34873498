//! Reads `events.jsonl` while a worker writes it: by byte offset, a bounded piece per call.
//!
//! A torn last line is waited for; lines that are no events are skipped and counted; a file that was cut,
//! replaced or deleted is started over.

use std::fs::File;
use std::io::{self, ErrorKind, Read, Seek, SeekFrom};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::Line;

/// Bytes read in one call, so that a log of gigabytes never lies in memory.
const PIECE: u64 = 1 << 20;

/// A line longer than this is garbage. A progress line of 1,000 points has about 60 kB.
const LONGEST_LINE: usize = 8 << 20;

/// How every event line begins.
const BEGIN: &str = "{\"v\":";

/// Where a reader stands in one event log.
#[derive(Debug)]
pub struct Tail {
    path: PathBuf,
    offset: u64,
    torn: Vec<u8>,
    overlong: bool,
    identity: Option<(u64, u64)>,
    skipped: u64,
}

/// What one call of [`Tail::read`] found.
#[derive(Debug, Default)]
pub struct Batch {
    /// New events in order.
    pub lines: Vec<Line>,
    /// The file was cut, replaced or deleted: forget all earlier events first.
    pub restarted: bool,
    /// More is waiting; read again at once.
    pub more: bool,
}

impl Tail {
    /// Starts at the beginning of `path`, which need not exist yet.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Tail { path: path.into(), offset: 0, torn: Vec::new(), overlong: false, identity: None, skipped: 0 }
    }

    /// The file read.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Lines that were no events.
    pub fn skipped(&self) -> u64 {
        self.skipped
    }

    /// Reads what is new, about a mebibyte at most.
    ///
    /// # Errors
    /// Any reading error but a missing file, which is an empty one.
    pub fn read(&mut self) -> io::Result<Batch> {
        let mut batch = Batch::default();
        let mut file = match File::open(&self.path) {
            Ok(file) => file,
            Err(e) if e.kind() == ErrorKind::NotFound => {
                batch.restarted = self.identity.is_some();
                self.start_over();
                return Ok(batch);
            }
            Err(e) => return Err(e),
        };
        let metadata = file.metadata()?;
        let identity = (metadata.dev(), metadata.ino());
        if metadata.len() < self.offset || self.identity.is_some_and(|known| known != identity) {
            batch.restarted = true;
            self.start_over();
        }
        self.identity = Some(identity);
        if metadata.len() == self.offset {
            return Ok(batch);
        }
        file.seek(SeekFrom::Start(self.offset))?;
        let mut piece = Vec::new();
        let read = file.take(PIECE).read_to_end(&mut piece)?;
        self.offset += read as u64;
        batch.more = self.offset < metadata.len();
        self.take_lines(&piece, &mut batch.lines);
        Ok(batch)
    }

    fn take_lines(&mut self, piece: &[u8], lines: &mut Vec<Line>) {
        let mut parts = piece.split(|byte| *byte == b'\n').peekable();
        while let Some(part) = parts.next() {
            if !self.overlong {
                self.torn.extend_from_slice(part);
            }
            let complete = parts.peek().is_some();
            if self.torn.len() > LONGEST_LINE {
                self.torn = Vec::new();
                self.overlong = true;
            }
            if complete {
                self.finish_line(lines);
            }
        }
    }

    fn finish_line(&mut self, lines: &mut Vec<Line>) {
        let bytes = std::mem::take(&mut self.torn);
        if std::mem::take(&mut self.overlong) {
            self.skipped += 1;
            return;
        }
        let text = String::from_utf8_lossy(&bytes);
        let text = text.trim();
        if text.is_empty() {
            return;
        }
        match serde_json::from_str(text) {
            Ok(line) => lines.push(line),
            Err(_) => {
                self.skipped += 1;
                // A worker killed in the middle of a line leaves its beginning; the next worker's first line
                // may follow on the same line and still counts.
                let rest = text.rfind(BEGIN).filter(|at| *at > 0).map(|at| &text[at..]);
                lines.extend(rest.and_then(|rest| serde_json::from_str::<Line>(rest).ok()));
            }
        }
    }

    fn start_over(&mut self) {
        self.offset = 0;
        self.torn.clear();
        self.overlong = false;
        self.identity = None;
        self.skipped = 0;
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::run::Event;
    use std::fs::{self, OpenOptions};
    use std::io::Write;

    const PAUSED: &str = r#"{"v":1,"t":1.5,"event":"paused"}"#;
    const CONTINUED: &str = r#"{"v":1,"t":2.5,"event":"continued"}"#;

    struct Log {
        _directory: tempfile::TempDir,
        path: PathBuf,
    }

    impl Log {
        fn new() -> Self {
            let directory = tempfile::tempdir().unwrap();
            let path = directory.path().join("events.jsonl");
            Log { _directory: directory, path }
        }

        fn append(&self, text: &str) {
            let mut file = OpenOptions::new().create(true).append(true).open(&self.path).unwrap();
            file.write_all(text.as_bytes()).unwrap();
        }
    }

    fn events(batch: Batch) -> Vec<Event> {
        batch.lines.into_iter().map(|line| line.event).collect()
    }

    #[test]
    fn a_missing_file_is_an_empty_one() {
        let mut tail = Tail::new("/nowhere/events.jsonl");
        let batch = tail.read().unwrap();
        assert!(batch.lines.is_empty() && !batch.restarted && !batch.more);
    }

    #[test]
    fn a_torn_last_line_is_waited_for() {
        let log = Log::new();
        let mut tail = Tail::new(&log.path);
        log.append(&format!("{PAUSED}\n{}", &CONTINUED[..10]));
        assert_eq!(events(tail.read().unwrap()), [Event::Paused]);
        assert!(tail.read().unwrap().lines.is_empty());
        log.append(&CONTINUED[10..]);
        assert!(tail.read().unwrap().lines.is_empty());
        log.append("\n");
        assert_eq!(events(tail.read().unwrap()), [Event::Continued]);
        assert_eq!(tail.skipped(), 0);
    }

    #[test]
    fn unknown_kinds_are_read_and_garbage_is_counted() {
        let log = Log::new();
        let mut tail = Tail::new(&log.path);
        log.append("{\"v\":1,\"t\":0.0,\"event\":\"from-the-future\",\"x\":[1]}\nnonsense\n\n\u{0}\u{1}\n");
        log.append(&format!("{PAUSED}\n"));
        assert_eq!(events(tail.read().unwrap()), [Event::Unknown, Event::Paused]);
        assert_eq!(tail.skipped(), 2);
    }

    #[test]
    fn a_line_after_a_torn_one_still_counts() {
        let log = Log::new();
        let mut tail = Tail::new(&log.path);
        log.append(&format!("{}{CONTINUED}\n", &PAUSED[..14]));
        assert_eq!(events(tail.read().unwrap()), [Event::Continued]);
        assert_eq!(tail.skipped(), 1);
    }

    #[test]
    fn a_cut_file_is_started_over() {
        let log = Log::new();
        let mut tail = Tail::new(&log.path);
        log.append(&format!("{PAUSED}\n{PAUSED}\n"));
        assert_eq!(tail.read().unwrap().lines.len(), 2);
        fs::write(&log.path, format!("{CONTINUED}\n")).unwrap();
        let batch = tail.read().unwrap();
        assert!(batch.restarted);
        assert_eq!(events(batch), [Event::Continued]);
    }

    #[test]
    fn a_replaced_and_a_vanished_file_are_started_over() {
        let log = Log::new();
        let mut tail = Tail::new(&log.path);
        log.append(&format!("{PAUSED}\n"));
        tail.read().unwrap();
        let other = log.path.with_extension("new");
        fs::write(&other, format!("{CONTINUED}\n{PAUSED}\n")).unwrap();
        fs::rename(&other, &log.path).unwrap();
        let batch = tail.read().unwrap();
        assert!(batch.restarted && batch.lines.len() == 2);
        fs::remove_file(&log.path).unwrap();
        assert!(tail.read().unwrap().restarted);
        assert!(!tail.read().unwrap().restarted);
    }

    #[test]
    fn a_large_file_comes_in_pieces() {
        let log = Log::new();
        let mut tail = Tail::new(&log.path);
        let line = format!("{PAUSED}\n");
        let count = 3 * PIECE as usize / line.len();
        log.append(&line.repeat(count));
        let (mut lines, mut calls) = (0, 0);
        loop {
            let batch = tail.read().unwrap();
            lines += batch.lines.len();
            calls += 1;
            if !batch.more {
                break;
            }
        }
        assert_eq!((lines, calls), (count, 3));
        assert_eq!(tail.skipped(), 0);
    }

    #[test]
    fn an_endless_line_is_dropped_without_being_kept() {
        let log = Log::new();
        let mut tail = Tail::new(&log.path);
        log.append(&"x".repeat(LONGEST_LINE + 2 * PIECE as usize));
        while tail.read().unwrap().more {}
        assert!(tail.torn.is_empty());
        log.append(&format!("\n{PAUSED}\n"));
        assert_eq!(events(tail.read().unwrap()), [Event::Paused]);
        assert_eq!(tail.skipped(), 1);
    }
}
