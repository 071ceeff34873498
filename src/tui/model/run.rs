//! One run that is looked at: the opened one, or one that is compared.

use std::collections::HashMap;
use std::sync::Arc;

use crate::gfx::Raster;
use crate::run::comparison::Side;
use crate::run::cost::Cost;
use crate::run::event::{Metrics, Tiles};
use crate::run::rows::Sheet;
use crate::run::state::{Picture, RoundState, RunState, TrialState};
use crate::run::{Health, Manifest, RunDirectory};
use crate::tui::msg::PictureKey;

/// A run that is looked at.
#[derive(Debug)]
pub struct RunView {
    /// Where it is.
    pub directory: RunDirectory,
    /// Directory name.
    pub id: String,
    /// Its manifest as read last.
    pub manifest: Option<Manifest>,
    /// Why there is no manifest.
    pub error: Option<String>,
    /// What its post-processing costs, if that was measured.
    pub cost: Option<Cost>,
    /// Status corrected by the heartbeat.
    pub health: Health,
    /// What its events add up to.
    pub live: RunState,
    /// What they added up to when the screen was frozen; shown in its place.
    pub frozen: Option<Box<RunState>>,
    /// What its worker said before it died, oldest line first.
    pub last_words: Vec<String>,
    /// The log is still being read from its beginning.
    pub reading: bool,
    /// Round chosen to look at; `None` follows the run.
    pub chosen_round: Option<u32>,
    /// Trial of that round chosen to look at; `None` is the one in progress or picked.
    pub chosen_trial: Option<usize>,
    /// Iteration whose stored picture is looked at; `None` follows the newest.
    pub scrub: Option<usize>,
    /// The stored pictures pass.
    pub playing: bool,
    /// Sample of the batch that is chosen.
    pub sample: usize,
    /// Fields of the shown record that are scrolled past.
    pub skip: usize,
    /// Pictures are as large as they go, instead of the curves; of a batch the chosen sample alone.
    pub enlarged: bool,
    /// What the rows of the table are, and their order.
    pub table: TableView,
    /// What the picture pane shows.
    pub pictures: Pictures,
    /// Asked of the worker and not seen to happen yet.
    pub asked: Option<&'static str>,
}

/// Loaded pictures of the opened run.
#[derive(Debug, Default)]
pub struct Pictures {
    /// Ground truth, current, best.
    pub slots: [Slot; 3],
    /// The same as shown: whole, or the chosen sample alone.
    pub shown: [Option<Arc<Raster>>; 3],
    /// |current or best - truth| of what is shown, amplified, with the factor.
    pub difference: Option<(Arc<Raster>, u32)>,
    /// What `shown` and `difference` were made of.
    pub made_of: Option<MadeOf>,
    /// Loaded before, for scrubbing.
    pub cache: HashMap<PictureKey, Arc<Raster>>,
    /// Being loaded.
    pub pending: Vec<PictureKey>,
}

/// What shown pictures are made of: the loaded ones, the sample cut out of them, and which is judged.
pub type MadeOf = ([Option<PictureKey>; 3], Option<usize>, bool);

/// What the table shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TableView {
    /// Its rows.
    pub rows: Rows,
    /// Column it is sorted by; `None` is the order of events.
    pub sort: Option<usize>,
    /// The other way round.
    pub reversed: bool,
}

/// What the rows of a run's table are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Rows {
    /// Attacked rounds.
    #[default]
    Rounds,
    /// Trials of the round looked at.
    Trials,
    /// Samples of the batch looked at.
    Samples,
}

impl Rows {
    /// The next kind.
    pub fn next(self) -> Self {
        match self {
            Rows::Rounds => Rows::Trials,
            Rows::Trials => Rows::Samples,
            Rows::Samples => Rows::Rounds,
        }
    }
}

/// One place for a picture.
#[derive(Debug, Default, Clone)]
pub struct Slot {
    /// What belongs here.
    pub wanted: Option<PictureKey>,
    /// What is shown here, perhaps still an earlier one.
    pub shown: Option<(PictureKey, Arc<Raster>)>,
    /// Why it cannot be shown.
    pub error: Option<String>,
}

impl RunView {
    /// A run that nothing is known of yet.
    pub fn new(directory: RunDirectory) -> Self {
        RunView {
            id: directory.id(),
            directory,
            manifest: None,
            error: None,
            cost: None,
            health: Health::Queued,
            live: RunState::default(),
            frozen: None,
            last_words: Vec::new(),
            reading: true,
            chosen_round: None,
            chosen_trial: None,
            scrub: None,
            playing: false,
            sample: 0,
            skip: 0,
            enlarged: false,
            table: TableView::default(),
            pictures: Pictures::default(),
            asked: None,
        }
    }

    /// What is shown of it: as it stands, or as it stood when the screen was frozen.
    pub fn state(&self) -> &RunState {
        self.frozen.as_deref().unwrap_or(&self.live)
    }

    /// The round looked at.
    pub fn round(&self) -> Option<&RoundState> {
        match self.chosen_round {
            Some(round) => self.state().rounds.iter().find(|known| known.round == round),
            None => self.state().current_round(),
        }
    }

    /// The trial looked at: chosen, in progress, or picked by the matching loss.
    pub fn shown_trial(&self) -> Option<&TrialState> {
        let round = self.round()?;
        match self.chosen_trial {
            Some(trial) => round.trials.iter().find(|known| known.trial == trial),
            None => round.shown_trial(),
        }
    }

    /// The run as it is looked at, to be compared.
    pub fn side(&self) -> Side<'_> {
        Side {
            id: &self.id,
            manifest: self.manifest.as_ref(),
            health: self.health,
            state: self.state(),
            round: self.round(),
            trial: self.shown_trial(),
            cost: self.cost.as_ref(),
        }
    }

    /// The stored iterate looked at: the last one up to the chosen iteration.
    pub fn current_picture(&self) -> Option<&Picture> {
        let pictures = &self.shown_trial()?.pictures;
        match self.scrub {
            Some(at) => pictures.iter().rev().find(|picture| picture.iteration <= at).or(pictures.first()),
            None => pictures.last(),
        }
    }

    /// What stands in place of an iterate once the round is complete and nobody scrubs through them, with its name: what the same
    /// search made of noise, or what the attacker's enhancer made of the answer.
    pub fn beside(&self) -> Option<(&'static str, &Picture)> {
        let round = self.round().filter(|_| self.judges_best() && self.chosen_trial.is_none())?;
        let control = round.control.as_ref().map(|picture| ("on noise", picture));
        control.or_else(|| round.enhanced.as_ref().map(|picture| ("enhanced", picture)))
    }

    /// Iterations of the stored iterates.
    pub fn stored(&self) -> Vec<usize> {
        let pictures = self.shown_trial().map_or(&[][..], |trial| trial.pictures.as_slice());
        pictures.iter().map(|picture| picture.iteration).collect()
    }

    /// How the batch is tiled.
    pub fn tiles(&self) -> Option<Tiles> {
        let round = self.round()?;
        let picture = round.truth.as_ref().or_else(|| self.current_picture());
        picture.map(|picture| picture.tiles)
    }

    /// Samples of the batch, 1 or more.
    pub fn samples(&self) -> usize {
        self.tiles().map_or(1, |tiles| tiles.samples.max(1))
    }

    /// The sample that is shown alone, if one is.
    pub fn shown_sample(&self) -> Option<usize> {
        (self.enlarged && self.samples() > 1).then_some(self.sample.min(self.samples() - 1))
    }

    /// Quality of the picture that is judged: the reconstruction of a complete round, else the iterate looked at.
    pub fn shown_metrics(&self) -> Option<&Metrics> {
        if self.judges_best() {
            return self.round()?.result.as_ref().and_then(|result| result.metrics.as_ref());
        }
        self.current_picture()?.metrics.as_deref()
    }

    /// The best iterate of the trial looked at, or the round's reconstruction when following.
    pub fn best_picture(&self) -> Option<&Picture> {
        let reconstruction = self.round()?.reconstruction.as_ref().filter(|_| self.chosen_trial.is_none());
        reconstruction.or_else(|| self.shown_trial()?.best_pictures.last())
    }

    /// Whether its attack solves: it has steps and an answer, and no iterates.
    pub fn solves(&self) -> bool {
        self.manifest.as_ref().is_some_and(|manifest| manifest.config.attack.search().is_none())
    }

    /// Whether its samples are rows of a table.
    pub fn is_of_table(&self) -> bool {
        let round = self.round();
        let picture = round.and_then(|round| round.truth.as_ref()).or_else(|| self.current_picture());
        picture.is_some_and(Picture::is_of_table)
    }

    /// The record looked at: of the reconstruction of a complete round, else of the iterate looked at.
    pub fn sheet(&self) -> Option<Sheet<'_>> {
        let judged = if self.judges_best() { self.best_picture() } else { self.current_picture() };
        let truth = self.round()?.truth.as_ref().and_then(Picture::rows);
        Some(Sheet::new(truth, judged?.rows()?, self.sample))
    }

    /// Whether the difference is that of the reconstruction rather than of the current iterate.
    pub fn judges_best(&self) -> bool {
        self.scrub.is_none() && self.round().is_some_and(|round| round.result.is_some())
    }

    /// Whether an earlier moment, round or trial is looked at than the newest.
    pub fn looks_back(&self) -> bool {
        self.scrub.is_some() || self.chosen_round.is_some() || self.chosen_trial.is_some()
    }

    /// Goes back to the newest picture of the newest round.
    pub fn follow(&mut self) {
        (self.scrub, self.chosen_round, self.chosen_trial, self.playing) = (None, None, None, false);
    }

    /// Looks at a round, from its newest picture on; the last one is followed.
    pub fn look_at_round(&mut self, round: u32) {
        self.follow();
        let is_last = self.state().rounds.last().is_some_and(|last| last.round == round);
        self.chosen_round = (!is_last).then_some(round);
    }

    /// Looks at a trial of a round.
    pub fn look_at_trial(&mut self, round: u32, trial: usize) {
        self.follow();
        (self.chosen_round, self.chosen_trial) = (Some(round), Some(trial));
    }

    /// Whether there is a ground truth to see and to measure by.
    pub fn has_truth(&self) -> bool {
        self.manifest.as_ref().is_none_or(|manifest| manifest.config.has_truth())
    }

    /// Rounds the run attacks in all.
    pub fn rounds_planned(&self) -> usize {
        self.manifest.as_ref().map_or(1, |manifest| manifest.config.federation.attack_rounds.len())
    }
}
