//! Checks a report again: its seal, the files that went in, and the runs behind its claims.

use std::path::Path;

use super::report::{Attempt, Report};
use super::seal;
use crate::files;
use crate::run::RunDirectory;
use crate::run::event::{Finished, RoundResult};

/// What was checked, a line each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// What.
    pub what: String,
    /// How it stands: holds, is not there to be checked, or another one than was sealed.
    pub holds: Option<bool>,
}

/// Checks the text of a report, as JSON or as a page, with the runs below this directory.
///
/// # Errors
/// Why the text is no report, or not the one that was sealed.
pub fn verify(text: &str, runs: &Path) -> Result<(Report, Vec<Checked>), String> {
    let digest = seal::check(text)?;
    let json = match text.trim_start().starts_with('{') {
        true => text.to_owned(),
        false => super::html::data(text).ok_or("its data are not in the page")?,
    };
    let report: Report = serde_json::from_str(&json).map_err(|e| format!("it cannot be read: {e}"))?;
    let mut checked = vec![Checked { what: format!("seal {}", &digest[..16]), holds: Some(true) }];
    for input in &report.subject.files {
        let holds = files::read(Path::new(&input.path), files::STATE).ok();
        let holds = holds.map(|bytes| seal::sha256(&bytes) == input.sha256);
        checked.push(Checked { what: format!("{} {}", input.what, input.path), holds });
    }
    let protections = report.protections.iter().map(|protection| &protection.attempt);
    let attempts = report.attempts.iter().chain(&report.control).chain(&report.clients).chain(protections);
    for attempt in attempts.filter(|attempt| !attempt.result_sha256.is_empty()) {
        let result = RunDirectory::at(runs.join(&attempt.run)).result_path();
        let bytes = files::read(&result, files::DOCUMENT).ok();
        let holds =
            bytes.map(|bytes| seal::sha256(&bytes) == attempt.result_sha256 && claims(attempt, &bytes));
        checked.push(Checked { what: format!("run {}", attempt.run), holds });
    }
    Ok((report, checked))
}

/// Whether the figures of a claim are those of the result.
fn claims(attempt: &Attempt, result: &[u8]) -> bool {
    let Ok(finished) = serde_json::from_slice::<Finished>(result) else { return false };
    let psnr = |round: &RoundResult| {
        round.metrics.as_ref().and_then(|metrics| metrics.psnr).map(|psnr| psnr.mean.min(100.0))
    };
    let told: Vec<Option<f64>> =
        attempt.rounds.iter().map(|round| round.psnr.map(|[mean, ..]| mean)).collect();
    let found: Vec<Option<f64>> = finished.rounds.iter().map(psnr).collect();
    told == found
}
