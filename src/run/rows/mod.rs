//! Rows of a table as a run records and tells them: what pictures are for images.
//!
//! - [`Rows`]: what stands in the event log, in the table's own units and words
//! - `make`: from what a model sees to rows, judged where there is a ground truth
//! - [`Sheet`]: one record beside the truth as text, for the screen, the shell and reports

mod make;
mod sheet;

pub(super) use make::Tabulator;
pub use sheet::{Sheet, Told, source};

use serde::{Deserialize, Deserializer, Serialize, de::Error};

use super::event::MOST_SAMPLES;
use crate::figure::number;

/// Records that one event holds at most.
pub const MOST_ROWS: usize = 16;
/// Fields that one record holds at most; tables of words have more than anybody reads.
const MOST_FIELDS: usize = 512;
/// Fields of all records of one event, so that no line of the log is longer than some hundred kilobytes.
const MOST_CELLS: usize = 4096;

/// Records of a batch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Rows {
    /// Name of the data set.
    pub set: String,
    /// Samples in the batch; the first of them have a row.
    #[serde(deserialize_with = "samples")]
    pub samples: usize,
    /// Fields of a record; the first of them are told.
    pub width: usize,
    /// Those that are told, in order.
    pub fields: Vec<Field>,
    /// Name of the field that holds the class.
    pub target: String,
    /// In the order of the private batch.
    pub rows: Vec<Row>,
}

/// A field that all rows have.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Field {
    /// Its name.
    pub name: String,
    /// Decimals that tell its values apart; absent for words and where that is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decimals: Option<u8>,
}

/// One record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// Its fields.
    pub cells: Vec<Cell>,
    /// Its class; absent where the attacker has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<Cell>,
    /// Fields that are right, of all; absent without a ground truth, and for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub right: Option<usize>,
    /// Fields that the mean or the most frequent word of the other records would have right, of all; of a ground truth.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline: Option<usize>,
}

/// One field of a record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Cell {
    /// What it says.
    #[serde(flatten)]
    pub value: Value,
    /// Whether that is right; absent without a ground truth, and for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub right: Option<bool>,
    /// How sure the attack is of it, 0 to 1, if it can tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confidence: Option<f64>,
}

/// What a field says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Value {
    /// In the unit of its field.
    Number(#[serde(with = "number")] f64),
    /// A category.
    Word(String),
}

/// Samples as a log claims them to be.
fn samples<'de, D: Deserializer<'de>>(deserializer: D) -> Result<usize, D::Error> {
    let samples = usize::deserialize(deserializer)?;
    let is_batch = (1..=MOST_SAMPLES).contains(&samples);
    if is_batch { Ok(samples) } else { Err(D::Error::custom(format!("{samples} samples are no batch"))) }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
