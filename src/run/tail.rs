//! Reads `events.jsonl` while a worker writes it: by byte offset, a bounded piece per call.
//!
//! A torn last line is waited for; lines that are no events are skipped and counted; a file that was cut,
//! replaced or deleted is started over. Of a log of gigabytes a screen reads the beginning, the end and samples
//! between ([`Tail::thinning`]).

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Seek, SeekFrom};
use std::ops::Range;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::Line;
use crate::files;

/// Bytes read in one call, so that a log of gigabytes never lies in memory.
const PIECE: u64 = 1 << 20;

/// A line longer than this is garbage. A progress line of 1,000 points has about 60 kB.
const LONGEST_LINE: usize = 8 << 20;

/// How every event line begins.
const BEGIN: &str = "{\"v\":";

/// What is read of a log that is too long to be read as a whole, in bytes.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// A log up to this size is read as a whole.
    pub whole: u64,
    /// Read at the beginning: who computes what, the truth, the first round.
    pub head: u64,
    /// Samples between beginning and end, evenly spaced.
    pub samples: u64,
    /// Size of a sample. One without a whole line in it is read on.
    pub sample: u64,
    /// Read at the end.
    pub end: u64,
}

/// Read within a second, and as many samples as a wide chart has columns.
const SCREEN: Limits =
    Limits { whole: 64 << 20, head: 1 << 20, samples: 256, sample: 32 << 10, end: 8 << 20 };

/// Where a reader stands in one event log.
#[derive(Debug)]
pub struct Tail {
    path: PathBuf,
    limits: Option<Limits>,
    offset: u64,
    /// What is left out, in order.
    gaps: VecDeque<Range<u64>>,
    thinned: Option<u64>,
    torn: Vec<u8>,
    overlong: bool,
    /// In the middle of a line whose beginning was left out.
    partial: bool,
    /// Nothing was read since the last gap.
    empty: bool,
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
    /// Reads every line of `path`, which need not exist yet.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Tail {
            path: path.into(),
            limits: None,
            offset: 0,
            gaps: VecDeque::new(),
            thinned: None,
            torn: Vec::new(),
            overlong: false,
            partial: false,
            empty: false,
            identity: None,
            skipped: 0,
        }
    }

    /// For a screen: leaves most of the middle out if the log is longer than 64 MiB, and says so in
    /// [`Tail::thinned`]. What is appended later is read as a whole.
    pub fn thinning(path: impl Into<PathBuf>) -> Self {
        Tail::within(SCREEN, path)
    }

    /// As [`Tail::thinning`], with limits of one's own.
    pub fn within(limits: Limits, path: impl Into<PathBuf>) -> Self {
        Tail { limits: Some(limits), ..Tail::new(path) }
    }

    /// The file read.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Lines that were no events.
    pub fn skipped(&self) -> u64 {
        self.skipped
    }

    /// Bytes that the log had when its middle was left out; `None` if it is read as a whole.
    pub fn thinned(&self) -> Option<u64> {
        self.thinned
    }

    /// What to tell a person about [`Tail::thinned`], in one sentence.
    pub fn notice(&self) -> Option<String> {
        let gigabytes = self.thinned? as f64 / 1e9;
        let size = if gigabytes < 1.0 {
            format!("{:.0} MB", 1000.0 * gigabytes)
        } else {
            format!("{gigabytes:.1} GB")
        };
        Some(format!("the log has {size}: read are its beginning, its end and samples between"))
    }

    /// Reads what is new, about a mebibyte at most.
    ///
    /// # Errors
    /// Any reading error but a missing file, which is an empty one.
    pub fn read(&mut self) -> io::Result<Batch> {
        let mut batch = Batch::default();
        let mut file = match files::open(&self.path) {
            Ok(file) => file,
            Err(e) if e.kind() == ErrorKind::NotFound => {
                batch.restarted = self.identity.is_some();
                self.start_over();
                return Ok(batch);
            }
            Err(e) => return Err(e),
        };
        let metadata = file.metadata()?;
        let (identity, length) = ((metadata.dev(), metadata.ino()), metadata.len());
        if length < self.offset || self.identity.is_some_and(|known| known != identity) {
            batch.restarted = true;
            self.start_over();
        }
        if self.identity.is_none() {
            self.leave_out(length);
        }
        self.identity = Some(identity);
        let mut room = PIECE;
        while room > 0 && self.offset < length {
            let until = self.gaps.front().map_or(length, |gap| gap.start);
            file.seek(SeekFrom::Start(self.offset))?;
            let mut piece = Vec::new();
            let read = (&file).take(room.min(until - self.offset)).read_to_end(&mut piece)? as u64;
            if read == 0 {
                break;
            }
            self.offset += read;
            room -= read;
            self.take_lines(&piece, &mut batch.lines);
            if self.gaps.front().is_some_and(|gap| gap.start == self.offset) {
                self.jump();
            }
        }
        batch.more = self.offset < length;
        Ok(batch)
    }

    /// Decides what of a log of that length is left out.
    fn leave_out(&mut self, length: u64) {
        let Some(limits) = self.limits.filter(|limits| length > limits.whole) else { return };
        self.thinned = Some(length);
        let (begin, end) = (limits.head, length.saturating_sub(limits.end));
        let spacing = end.saturating_sub(begin) / (limits.samples + 1);
        let mut from = begin;
        for sample in 1..=limits.samples {
            let at = begin + sample * spacing;
            self.gaps.push_back(from..at);
            from = at + limits.sample;
        }
        self.gaps.push_back(from..end);
        self.gaps.retain(|gap| gap.start < gap.end);
    }

    /// Goes over the gap that begins here, unless nothing was read since the last one: then it begins later.
    fn jump(&mut self) {
        let Some(mut gap) = self.gaps.pop_front() else { return };
        if self.empty {
            gap.start += self.limits.map_or(PIECE, |limits| limits.sample);
            if gap.start < gap.end {
                self.gaps.push_front(gap);
            }
            return;
        }
        self.offset = gap.end;
        self.torn.clear();
        self.overlong = false;
        self.partial = true;
        self.empty = true;
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
        let overlong = std::mem::take(&mut self.overlong);
        if std::mem::take(&mut self.partial) {
            return;
        }
        self.empty = false;
        if overlong {
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
        let path = std::mem::take(&mut self.path);
        *self = Tail { limits: self.limits, ..Tail::new(path) };
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

    const SMALL: Limits = Limits { whole: 4000, head: 500, samples: 5, sample: 100, end: 800 };

    fn numbered(range: std::ops::RangeInclusive<usize>) -> String {
        range.map(|i| format!("{{\"v\":1,\"t\":{i}.0,\"event\":\"paused\"}}\n")).collect()
    }

    fn read_all(tail: &mut Tail) -> Vec<f64> {
        let mut times = Vec::new();
        loop {
            let batch = tail.read().unwrap();
            times.extend(batch.lines.into_iter().map(|line| line.t));
            if !batch.more {
                return times;
            }
        }
    }

    #[test]
    fn of_a_long_log_beginning_samples_and_end_are_read() {
        let log = Log::new();
        log.append(&numbered(1..=1000));
        let mut tail = Tail::within(SMALL, &log.path);
        let times = read_all(&mut tail);
        assert_eq!(tail.thinned(), Some(fs::metadata(&log.path).unwrap().len()));
        assert!(tail.notice().unwrap().starts_with("the log has 0 MB"));
        assert_eq!(tail.skipped(), 0);
        assert!(times.is_sorted() && times.len() < 80, "{times:?}");
        assert_eq!(times[..3], [1.0, 2.0, 3.0]);
        assert_eq!(times[times.len() - 20..], *(981..=1000).map(f64::from).collect::<Vec<_>>());
        // No stretch of the middle is without a sample.
        let widest = times.windows(2).map(|pair| pair[1] - pair[0]).fold(0.0, f64::max);
        assert!(widest < 250.0, "{times:?}");
        log.append(&numbered(1001..=1500));
        assert_eq!(read_all(&mut tail), (1001..=1500).map(f64::from).collect::<Vec<_>>());
    }

    #[test]
    fn a_sample_shorter_than_a_line_is_read_on() {
        let log = Log::new();
        log.append(&numbered(1..=1000));
        let mut tail = Tail::within(Limits { sample: 10, ..SMALL }, &log.path);
        let times = read_all(&mut tail);
        let between = times.iter().filter(|t| (50.0..950.0).contains(*t)).count();
        assert!((5..=10).contains(&between), "{times:?}");
        assert_eq!(tail.skipped(), 0);
    }

    #[test]
    fn a_log_within_the_limits_and_one_for_a_program_are_read_as_a_whole() {
        let log = Log::new();
        log.append(&numbered(1..=1000));
        let large = Limits { whole: 1 << 20, ..SMALL };
        for mut tail in [Tail::new(&log.path), Tail::within(large, &log.path)] {
            assert_eq!(read_all(&mut tail).len(), 1000);
            assert_eq!((tail.thinned(), tail.notice()), (None, None));
        }
    }

    #[test]
    fn a_long_log_that_is_replaced_is_thinned_anew() {
        let log = Log::new();
        log.append(&numbered(1..=1000));
        let mut tail = Tail::within(SMALL, &log.path);
        tail.read().unwrap();
        fs::remove_file(&log.path).unwrap();
        log.append(&numbered(1..=10));
        let batch = tail.read().unwrap();
        assert!(batch.restarted && batch.lines.len() == 10);
        assert_eq!(tail.thinned(), None);
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
