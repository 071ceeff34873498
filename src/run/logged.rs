//! What the log of an earlier worker of a run says is done.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, ErrorKind};

use super::RunError;
use super::directory::RunDirectory;
use super::event::{Event, Line, RoundResult};
use crate::files;
use crate::metric::Picked;

/// Results of rounds before `first`.
///
/// # Errors
/// If the log cannot be read.
pub fn rounds(directory: &RunDirectory, first: u32) -> Result<BTreeMap<u32, RoundResult>, RunError> {
    let mut done = BTreeMap::new();
    each(directory, b"\"round-finished\"", |event| {
        if let Event::RoundFinished(result) = event
            && result.round < first
        {
            done.insert(result.round, *result);
        }
    })?;
    Ok(done)
}

/// Adds the trials of a round that have ended to what the truth would pick.
///
/// # Errors
/// If the log cannot be read.
pub fn trials(directory: &RunDirectory, of: u32, picked: &mut Picked) -> Result<(), RunError> {
    each(directory, b"\"trial-finished\"", |event| {
        if let Event::TrialFinished { round, trial, metrics: Some(metrics), .. } = event
            && round == of
        {
            picked.add(trial, &metrics);
        }
    })
}

/// Takes up every event whose line holds the word: few of many, the others need not be taken apart.
fn each(directory: &RunDirectory, word: &[u8], mut take: impl FnMut(Event)) -> Result<(), RunError> {
    let path = directory.events_path();
    let log = match files::open(&path) {
        Ok(log) => log,
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(()),
        Err(e) => return Err(RunError::io("read", &path, e)),
    };
    for line in BufReader::new(log).split(b'\n') {
        let line = line.map_err(|e| RunError::io("read", &path, e))?;
        if line.windows(word.len()).any(|part| part == word)
            && let Ok(Line { event, .. }) = serde_json::from_slice(&line)
        {
            take(event);
        }
    }
    Ok(())
}
