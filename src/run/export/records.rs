//! Records of tables that a run holds.

use super::record::{self, Record};
use crate::run::rows::Rows;
use crate::run::state::Picture;

/// What an attack has of the records of one round.
#[derive(Debug)]
pub struct Found<'a> {
    /// Federated round.
    pub round: u32,
    /// Iteration that they were taken from.
    pub iteration: usize,
    /// `reconstruction`, `best so far`, `newest iterate`.
    pub name: &'static str,
    /// The private records.
    pub truth: Option<&'a Rows>,
    /// What came back.
    pub rows: &'a Rows,
}

/// Round by round; nothing of runs on images.
pub fn of(record: &Record) -> Vec<Found<'_>> {
    let found = record.state.rounds.iter().filter_map(|round| {
        let (picture, name) = record::shown_picture(round)?;
        let truth = round.truth.as_ref().and_then(Picture::rows);
        Some(Found { round: round.round, iteration: picture.iteration, name, truth, rows: picture.rows()? })
    });
    found.collect()
}
