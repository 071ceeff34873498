//! How long a study takes: at first by the work of every cell next to the preset's, then by what its runs took.

use super::StudyError;
use super::grid::{Member, Study};
use super::statistics::median;
use crate::config::RunConfig;
use crate::expectation::Experience;
use crate::model::Net;
use crate::probe::Dimension;
use crate::run::plan;

/// Seconds of a run besides its work: its process, reading data, writing pictures.
const BESIDE: f64 = 0.4;

/// Of an evaluation of a sample in an attack, what one in training takes: forward and backward, against both passes.
const TRAINING: f64 = 0.4;

/// Seconds to expect of the runs of a study.
#[derive(Debug, Clone)]
pub struct Pace {
    /// A guess for every cell.
    guessed: Vec<f64>,
    /// What its runs took.
    measured: Vec<Vec<f64>>,
    /// Numbers of an update against unknowns of the batch, for every cell.
    pub dimensions: Vec<Dimension>,
}

impl Pace {
    /// Of a study on a backend, before a run of it is known. Every cell is planned, so that what cannot be run is refused now.
    ///
    /// # Errors
    /// The first cell that cannot be run.
    pub fn new(
        study: &Study,
        experience: &Experience,
        backend: &str,
        threads: usize,
    ) -> Result<Pace, StudyError> {
        let planned = |name: &str, config: &RunConfig| {
            plan::plan(config)
                .map(|plan| plan.sent)
                .map_err(|source| StudyError::Cell { cell: name.to_owned(), source: Box::new(source) })
        };
        let own = planned(&format!("{} as it stands", study.definition.preset), &study.own)?;
        let reference = study.own.expect.as_ref().map_or(1.0, |expect| expect.seconds);
        let expected = experience.expected(&study.own, &study.own, backend, threads);
        let seconds =
            expected.map_or(reference, |expected| expected.seconds) / work(&study.own, &own).max(1.0);
        let mut pace = Pace {
            guessed: Vec::new(),
            measured: vec![Vec::new(); study.cells.len()],
            dimensions: Vec::new(),
        };
        for cell in &study.cells {
            let net = planned(&cell.name, &cell.config)?;
            pace.guessed.push(BESIDE + seconds * work(&cell.config, &net));
            pace.dimensions.push(Dimension::of(&net, cell.config.victim.mode, cell.config.batch()));
        }
        Ok(pace)
    }

    /// Takes up what a run took.
    pub fn learn(&mut self, cell: usize, seconds: f64) {
        if let Some(measured) = self.measured.get_mut(cell) {
            measured.push(seconds);
        }
    }

    /// Whether anything was measured.
    pub fn is_measured(&self) -> bool {
        self.measured.iter().any(|of| !of.is_empty())
    }

    /// Seconds of a run of a cell: as others of it took, else as guessed, by how far guesses were off so far.
    pub fn seconds(&self, cell: usize) -> f64 {
        if let Some(seconds) = median(&self.measured[cell]) {
            return seconds + BESIDE;
        }
        let off = self.measured.iter().zip(&self.guessed);
        let off: Vec<f64> =
            off.filter_map(|(of, guess)| Some(median(of)? / (guess - BESIDE).max(1e-3))).collect();
        let work = self.guessed[cell] - BESIDE;
        BESIDE + work * median(&off).unwrap_or(1.0)
    }

    /// Seconds of these runs, so many at once.
    pub fn left(&self, members: impl IntoIterator<Item = Member>, at_once: usize) -> f64 {
        let (mut all, mut longest) = (0.0, 0.0_f64);
        for member in members {
            let seconds = self.seconds(member.cell);
            all += seconds;
            longest = longest.max(seconds);
        }
        (all / at_once.max(1) as f64).max(longest)
    }
}

/// Evaluations of a sample, each in multiply-adds: what the time of a run grows with.
fn work(config: &RunConfig, net: &Net) -> f64 {
    let attack = &config.attack;
    let evaluations = attack.search().map_or(1, |search| search.optimiser.work());
    let samples = config.batch() as f64;
    let steps = config.local().map_or(1, |local| local.steps(config.batch()));
    let attacked =
        (config.attacked_rounds().len().max(1) * attack.trials() * attack.iterations().max(1) * evaluations)
            as f64;
    let trained = f64::from(config.rounds()) * f64::from(config.federation.clients) * TRAINING;
    let trained = if config.trains() { trained } else { 0.0 };
    (attacked + trained) * samples * steps as f64 * net.multiply_adds().max(1) as f64
}
