//! Which runs a command is about: names, patterns, a filter, the runs of a study.

use gialab::config::preset;
use gialab::run::{Filter, InWords, RunDirectory, RunError, RunRow, Store, in_words, now};
use gialab::study::{Place, StudyError};
use jiff::tz::TimeZone;

use super::{Context, complete};

#[derive(clap::Args)]
pub struct Runs {
    /// Names of runs, parts of names that fit one run, patterns with * and ? (quote them for the shell), paths, or `last`
    #[arg(value_name = "RUN", required_unless_present_any = ["filter", "study"], add = complete::runs())]
    runs: Vec<String>,
    /// Of these runs, or of all, those with these words, or that meet conditions as 'psnr>20 status:done'
    #[arg(long, value_name = "WORDS", allow_hyphen_values = true, add = complete::filters())]
    filter: Option<String>,
    #[command(flatten)]
    pub among: Among,
}

/// Where runs are looked for.
#[derive(clap::Args)]
pub struct Among {
    /// Among the runs of this study; they are kept apart from single ones
    #[arg(long, value_name = "STUDY", add = complete::studies())]
    pub study: Option<String>,
}

impl Among {
    /// The runs of the study, or the single ones.
    ///
    /// # Errors
    /// If the study was not begun.
    pub fn store(&self, context: &Context) -> Result<Store, StudyError> {
        let Some(study) = &self.study else { return Ok(context.store.clone()) };
        let place = Place::of(&context.paths.data, study);
        match place.definition().exists() {
            true => Ok(place.store()),
            false => Err(StudyError::NotBegun { study: study.clone() }),
        }
    }
}

impl Runs {
    /// The runs, each once, in the order in which they were named, else live ones first and then newest first.
    ///
    /// # Errors
    /// If a name or pattern fits none, a name fits several, or the filter cannot be read or leaves none.
    pub fn find(&self, context: &Context) -> anyhow::Result<Vec<RunDirectory>> {
        let store = self.among.store(context)?;
        let mut found: Vec<RunDirectory> = Vec::new();
        for name in &self.runs {
            let fitting = named(&store, name)?;
            found.extend(fitting.into_iter().filter(|run| !found.contains(run)).collect::<Vec<_>>());
        }
        if self.filter.is_none() && !self.are_all() {
            return Ok(found);
        }
        let (rows, count) = filtered(context, &store, self.filter.as_deref().unwrap_or_default())?;
        let among = |row: &RunRow| self.are_all() || found.contains(&row.directory);
        let found: Vec<RunDirectory> =
            rows.into_iter().map(|(row, _)| row).filter(among).map(|row| row.directory).collect();
        anyhow::ensure!(!found.is_empty(), "none of {count} runs is found by this filter");
        Ok(found)
    }

    /// Whether none is named.
    fn are_all(&self) -> bool {
        self.runs.is_empty()
    }
}

/// The runs of this name or pattern, of which there is at least one.
///
/// # Errors
/// None has it, or a name fits several.
pub fn named(store: &Store, name: &str) -> Result<Vec<RunDirectory>, RunError> {
    if name.contains(['*', '?']) { store.matching(name) } else { Ok(vec![store.find(name)?]) }
}

/// The runs of a store that a filter finds, with what lists say of them, and how many there are in all.
///
/// # Errors
/// If the filter cannot be read, or the runs cannot be listed.
pub fn filtered(
    context: &Context,
    store: &Store,
    filter: &str,
) -> anyhow::Result<(Vec<(RunRow, InWords)>, usize)> {
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
    let all = store.list()?;
    let count = all.len();
    Ok((all.into_iter().map(in_words).filter(|(row, words)| filter.fits(row, words)).collect(), count))
}
