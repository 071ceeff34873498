//! A run of a list in words: what its row says on the screen and on the command line, and what a filter finds.

use jiff::tz::TimeZone;

use super::RunRow;
use crate::config::RunConfig;
use crate::config::difference::{differences, in_words};
use crate::format;

/// What is known of a run, column by column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InWords {
    /// Its title, or its preset; where the manifest cannot be read, its directory.
    pub name: String,
    /// What is not as its preset says.
    pub changed: String,
    /// Mean PSNR in dB.
    pub psnr: String,
    /// Matching loss.
    pub loss: String,
    /// When it began.
    pub started: String,
    /// How long it computed so far.
    pub took: String,
    /// Where it computes.
    pub backend: String,
}

impl InWords {
    /// The words for a run, with what [`changed`] says of it.
    pub fn of(row: &RunRow, changed: &str, now: f64, zone: &TimeZone) -> Self {
        let or_dash = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
        let unknown = || (!row.has_truth()).then(|| "n/a".to_owned());
        let readable = |text: &str| or_dash(row.config.is_some().then(|| text.to_owned()));
        InWords {
            name: [&row.notebook.title, &row.preset, &row.id]
                .into_iter()
                .find(|name| !name.is_empty())
                .cloned()
                .unwrap_or_default(),
            changed: changed.to_owned(),
            psnr: or_dash(row.summary.figure("psnr").map(|psnr| format::fixed(psnr, 2)).or_else(unknown)),
            loss: or_dash(row.summary.figure("match").map(format::loss)),
            started: readable(&format::moment(row.created, now, zone)),
            took: or_dash(row.summary.seconds.map(format::clock)),
            backend: readable(&row.backend),
        }
    }
}

/// What of a run is not as its preset says, in one line; `-` where that preset is not there any more.
pub fn changed(row: &RunRow, preset: Option<&RunConfig>) -> String {
    match row.config.as_deref().zip(preset) {
        Some((config, preset)) => in_words(&differences(preset, config)),
        None => "-".to_owned(),
    }
}
