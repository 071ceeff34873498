//! How long a run is likely to take, and how that is known.

use std::fmt;
use std::path::Path;

use crate::calibration::{Calibration, can_measure};
use crate::config::RunConfig;
use crate::run::progress::ends_early;
use crate::run::{Health, RunRow};
use crate::text::about;

/// Of runs of one kind the newest that count, and of all runs the newest that are kept.
const NEWEST: usize = 5;
const KEPT: usize = 200;

/// A time to expect.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Expected {
    /// How long.
    pub seconds: f64,
    /// From the shortest to the longest of such runs, where trials can end early.
    pub range: Option<(f64, f64)>,
    /// Whether trials can end early, so that one run may take a part of it and another a multiple.
    pub varies: bool,
    /// How that is known.
    pub source: Source,
}

/// How a time is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// Runs of this kind took as long here.
    Measured,
    /// From the speed of this machine, or from such runs with other numbers of iterations or trials.
    Estimated,
    /// It took so long on the machine that the preset names.
    Reference,
    /// It may take no longer.
    Budget,
}

/// `about 13 s (measured here)`, `6.0 s to 20 s (measured here)`, `about 20 s (estimated for this machine); less or more, since
/// trials end early`, `13 s on the reference machine`.
impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = match self.range.map(|(low, high)| (about(low), about(high))) {
            Some((low, high)) if low != high => format!("{low} to {high}"),
            _ if self.source == Source::Reference => about(self.seconds),
            _ => format!("about {}", about(self.seconds)),
        };
        match self.source {
            Source::Measured => write!(f, "{time} (measured here)")?,
            Source::Estimated => write!(f, "{time} (estimated for this machine)")?,
            Source::Reference => write!(f, "{time} on the reference machine")?,
            Source::Budget => return write!(f, "at most {} of attacks (its budget)", about(self.seconds)),
        }
        match self.range {
            None if self.varies => f.write_str("; less or more, since trials end early"),
            _ => Ok(()),
        }
    }
}

impl Expected {
    /// `13 s`, `~13 s` where it varies: for lists.
    pub fn short(&self) -> String {
        format!("{}{}", if self.varies { "~" } else { "" }, about(self.seconds))
    }
}

/// What is known of the speed of this machine.
#[derive(Debug, Clone, Default)]
pub struct Experience {
    /// Runs that went through here, newest first.
    runs: Vec<Took>,
    /// How fast the machine is, a line for each backend that was measured.
    pub calibrations: Vec<Calibration>,
}

/// What a run took.
#[derive(Debug, Clone)]
struct Took {
    work: RunConfig,
    backend: String,
    threads: Option<usize>,
    seconds: f64,
}

impl Experience {
    /// Of what was kept of earlier measurements for these backends.
    pub fn kept<'a>(cache: &Path, backends: impl IntoIterator<Item = &'a str>) -> Experience {
        let kept = backends.into_iter().filter_map(|name| Calibration::read(cache, name));
        Experience { runs: Vec::new(), calibrations: kept.collect() }
    }

    /// Takes up the runs of a list, newest first: those that this host computed from beginning to end in one go.
    pub fn take_up(&mut self, rows: &[RunRow], host: &str) {
        let counts = |row: &&RunRow| row.health == Health::Done && row.host == host && row.summary.in_one_go;
        let took = |row: &RunRow| {
            let (config, seconds) = (row.config.as_ref()?, row.summary.seconds?);
            let (backend, threads) = (row.backend.clone(), row.threads);
            Some(Took { work: work(config), backend, threads, seconds })
        };
        self.runs = rows.iter().filter(counts).filter_map(took).take(KEPT).collect();
    }

    /// The time to expect of a config, which is the preset `own` as it stands or changed, on a backend (`flex`, `ndarray`,
    /// `cuda`) with so many threads. Nothing if the preset states none, or was changed so that it cannot be told.
    pub fn expected(
        &self,
        own: &RunConfig,
        config: &RunConfig,
        backend: &str,
        threads: usize,
    ) -> Option<Expected> {
        if let Some(seconds) = config.attack.search().and_then(|search| search.budget?.seconds) {
            let seconds = seconds * config.attacked_rounds().len() as f64;
            return Some(Expected { seconds, range: None, varies: false, source: Source::Budget });
        }
        let varies = ends_early(config);
        let measured = |config: &RunConfig, scale: f64, source: Source| {
            let all = self.took(&work(config), backend, threads);
            let (low, high) = (*all.first()?, *all.last()?);
            let range = (varies && all.len() > 1).then_some((scale * low, scale * high));
            Some(Expected { seconds: scale * median(&all), range, varies, source })
        };
        if let Some(expected) = measured(config, 1.0, Source::Measured) {
            return Some(expected);
        }
        let scale = scale(own, config)?;
        if let Some(expected) = measured(own, scale, Source::Estimated) {
            return Some(expected);
        }
        let reference = own.expect.as_ref()?.seconds;
        match self.calibrations.iter().find(|known| known.backend == backend && known.threads == threads) {
            Some(calibration) => {
                let seconds = scale * reference * calibration.factor(own, reference);
                Some(Expected { seconds, range: None, varies, source: Source::Estimated })
            }
            None => {
                let seconds = scale * reference;
                Some(Expected { seconds, range: None, varies, source: Source::Reference })
            }
        }
    }

    /// Whether this machine could be measured on the backend, and was not yet.
    pub fn lacks(&self, backend: &str) -> bool {
        can_measure(backend) && self.calibrations.iter().all(|known| known.backend != backend)
    }

    /// What the newest runs of this work took, the shortest first.
    fn took(&self, work: &RunConfig, backend: &str, threads: usize) -> Vec<f64> {
        let alike = |took: &&Took| {
            // Devices do not depend on threads.
            let same = backend == "cuda" || took.threads == Some(threads);
            took.backend == backend && same && took.work == *work
        };
        let mut seconds: Vec<f64> =
            self.runs.iter().filter(alike).map(|took| took.seconds).take(NEWEST).collect();
        seconds.sort_by(f64::total_cmp);
        seconds
    }
}

/// Of values in order, at least one.
fn median(sorted: &[f64]) -> f64 {
    let middle = sorted.len() / 2;
    match sorted.len() % 2 {
        0 => f64::midpoint(sorted[middle - 1], sorted[middle]),
        _ => sorted[middle],
    }
}

/// A config without what makes no difference to its time: words, seed, which pictures of the set.
fn work(config: &RunConfig) -> RunConfig {
    let mut work = config.clone();
    (work.title, work.about, work.group, work.expect) = Default::default();
    work.run.seed = 0;
    work.run.recovered_psnr = 0.0;
    work.run.checkpoint_seconds = 1.0;
    if work.victim.captured.is_none() {
        work.victim.indices = (0..config.victim.positions().len()).collect();
    }
    // Which of several state dicts of a file: the same network.
    work.victim.weights_key = None;
    work
}

/// How many times the work of the preset's the config is; nothing where that cannot be told. Iterations and trials
/// multiply the work, unless a trial may end early.
fn scale(own: &RunConfig, config: &RunConfig) -> Option<f64> {
    let (own_work, mut other) = (work(own), work(config));
    if own_work == other {
        return Some(1.0);
    }
    let planned = |config: &RunConfig| (config.attack.iterations() * config.attack.trials()) as f64;
    let scale = planned(config) / planned(own);
    if let (Some(other), Some(own)) = (other.attack.search_mut(), own.attack.search()) {
        (other.iterations, other.trials) = (own.iterations, own.trials);
    }
    (own_work == other && !ends_early(own) && !own.trains()).then_some(scale)
}

#[cfg(test)]
#[path = "expectation_tests.rs"]
mod tests;
