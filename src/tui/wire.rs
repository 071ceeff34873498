//! Bytes on the wire: counted while the screen is shown, kept for `gialab doctor`.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};

use crate::files::{self, Access};

/// What one session of the terminal application wrote.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Figures {
    /// Bytes of frames: text, lines, and pictures made of cells.
    pub frames: u64,
    /// Bytes of pictures that go beside the frames.
    pub pictures: u64,
    /// How long it was shown.
    pub seconds: f64,
    /// How pictures were drawn.
    pub protocol: String,
}

impl Figures {
    /// Where they are kept.
    pub fn file(state: &Path) -> PathBuf {
        state.join("wire.json")
    }

    /// Those of the last session, if there was one.
    pub fn read(state: &Path) -> Option<Figures> {
        serde_json::from_slice(&files::read(&Figures::file(state), files::TEXT).ok()?).ok()
    }

    /// Keeps them.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn write(&self, state: &Path) -> io::Result<()> {
        files::write(&Figures::file(state), &serde_json::to_vec_pretty(self)?, Access::Private)
    }
}

/// Counts what goes through.
#[derive(Debug)]
pub struct Counted<W> {
    inner: W,
    count: Arc<AtomicU64>,
}

impl<W: Write> Counted<W> {
    /// Begins at zero; the second value reads the count.
    pub fn new(inner: W) -> (Self, Arc<AtomicU64>) {
        let count = Arc::new(AtomicU64::new(0));
        (Counted { inner, count: count.clone() }, count)
    }
}

impl<W: Write> Write for Counted<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.count.fetch_add(written as u64, Ordering::Relaxed);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn figures_are_kept() {
        let state = tempfile::tempdir().unwrap();
        assert_eq!(Figures::read(state.path()), None);
        let figures = Figures { frames: 7, pictures: 5, seconds: 1.5, protocol: "sixel".into() };
        figures.write(state.path()).unwrap();
        assert_eq!(Figures::read(state.path()), Some(figures));
    }

    #[test]
    fn what_goes_through_is_counted() {
        let (mut out, count) = Counted::new(Vec::new());
        out.write_all(b"four").unwrap();
        out.write_all(b"five5").unwrap();
        assert_eq!(count.load(Ordering::Relaxed), 9);
    }
}
