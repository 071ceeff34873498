//! Which runs a command is about: names, patterns, a filter.

use gialab::config::preset;
use gialab::run::{Filter, InWords, RunDirectory, RunRow, in_words, now};
use jiff::tz::TimeZone;

use super::{Context, complete};

#[derive(clap::Args)]
pub struct Runs {
    /// Names of runs, parts of names that fit one run, patterns with * and ? (quote them for the shell), paths, or `last`
    #[arg(value_name = "RUN", required_unless_present = "filter", add = complete::runs())]
    runs: Vec<String>,
    /// Of these runs, or of all, those with these words, or that meet conditions as 'psnr>20 status:done'
    #[arg(long, value_name = "WORDS", allow_hyphen_values = true)]
    filter: Option<String>,
}

impl Runs {
    /// The runs, each once, in the order in which they were named, else live ones first and then newest first.
    ///
    /// # Errors
    /// If a name or pattern fits none, a name fits several, or the filter cannot be read or leaves none.
    pub fn find(&self, context: &Context) -> anyhow::Result<Vec<RunDirectory>> {
        let mut found: Vec<RunDirectory> = Vec::new();
        for name in &self.runs {
            let fitting = match name.contains(['*', '?']) {
                true => context.store.matching(name)?,
                false => vec![context.store.find(name)?],
            };
            found.extend(fitting.into_iter().filter(|run| !found.contains(run)).collect::<Vec<_>>());
        }
        let Some(filter) = &self.filter else { return Ok(found) };
        let (rows, count) = filtered(context, filter)?;
        let among = |row: &RunRow| self.runs.is_empty() || found.contains(&row.directory);
        let found: Vec<RunDirectory> =
            rows.into_iter().map(|(row, _)| row).filter(among).map(|row| row.directory).collect();
        anyhow::ensure!(!found.is_empty(), "none of {count} runs is found by this filter");
        Ok(found)
    }
}

/// The runs that a filter finds, with what lists say of them, and how many there are in all.
///
/// # Errors
/// If the filter cannot be read, or the runs cannot be listed.
pub fn filtered(context: &Context, filter: &str) -> anyhow::Result<(Vec<(RunRow, InWords)>, usize)> {
    let zone = TimeZone::system();
    let (filter, mistake) = Filter::read(filter, &zone);
    if let Some(mistake) = mistake {
        return Err(mistake.into());
    }
    let (presets, _) = preset::all(&context.paths.presets());
    let now = now();
    let in_words = |row: RunRow| {
        let preset = presets.iter().find(|preset| preset.name == row.preset).map(|preset| &preset.config);
        let words = InWords::of(&row, &in_words::changed(&row, preset), now, &zone);
        (row, words)
    };
    let all = context.store.list()?;
    let count = all.len();
    Ok((all.into_iter().map(in_words).filter(|(row, words)| filter.fits(row, words)).collect(), count))
}
