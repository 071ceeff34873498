//! One run as exports read it: manifest, what its events add up to, and the conditions of its figures.

use crate::config::RunConfig;
use crate::run::comparison::Side;
use crate::run::cost::{self, Cost, Costs};
use crate::run::state::{Picture, RoundState};
use crate::run::{Health, Manifest, Notebook, Pulse, RunDirectory, RunError, RunState, Tail};

use super::ExportError;

/// A run, read to the end of its log.
#[derive(Debug, Clone)]
pub struct Record {
    /// Where it is.
    pub directory: RunDirectory,
    /// What it is.
    pub manifest: Manifest,
    /// How it stands.
    pub health: Health,
    /// What its events add up to.
    pub state: RunState,
    /// Lines of the log that could not be read.
    pub skipped: u64,
    /// What its post-processing costs, if that was measured.
    pub cost: Option<Cost>,
    /// What a person wrote to it.
    pub notebook: Notebook,
}

/// Reads every run once, in the order given.
pub fn read(runs: &[RunDirectory]) -> Result<Vec<Record>, ExportError> {
    let mut records: Vec<Record> = Vec::new();
    for directory in runs {
        if records.iter().all(|known| known.directory != *directory) {
            records.push(Record::read(directory)?);
        }
    }
    if records.is_empty() { Err(ExportError::NoRuns) } else { Ok(records) }
}

impl Record {
    fn read(directory: &RunDirectory) -> Result<Record, ExportError> {
        let manifest = directory.manifest()?;
        let health = Pulse::default().health(directory, &manifest);
        let mut state = RunState::default();
        let mut any = false;
        let mut tail = Tail::new(directory.events_path());
        loop {
            let batch = tail.read().map_err(|e| RunError::io("read", tail.path(), e))?;
            if batch.restarted {
                (state, any) = (RunState::default(), false);
            }
            any |= !batch.lines.is_empty();
            batch.lines.into_iter().for_each(|line| state.apply(line));
            if !batch.more {
                break;
            }
        }
        if !any {
            return Err(ExportError::NoEvents { run: directory.id() });
        }
        let cost = Costs::beside(directory).of(&manifest.config);
        let (directory, skipped, notebook) = (directory.clone(), tail.skipped(), Notebook::read(directory)?);
        Ok(Record { directory, manifest, health, state, skipped, cost, notebook })
    }

    /// Directory name.
    pub fn id(&self) -> String {
        self.directory.id()
    }

    /// Its config as resolved.
    pub fn config(&self) -> &RunConfig {
        &self.manifest.config
    }

    /// Whether it tells what a defence protects from while what that costs is not known.
    pub fn lacks_cost(&self) -> bool {
        self.cost.is_none() && cost::applies(self.config())
    }

    /// The run as a report tells it: without figures that compare with the truth where it lacks its cost.
    pub fn for_report(&self) -> Record {
        let mut record = self.clone();
        if self.lacks_cost() {
            record.state.drop_metrics();
        }
        record
    }

    /// What its post-processing costs, in a sentence; nothing if it has none.
    pub fn cost_in_words(&self) -> Option<String> {
        match &self.cost {
            Some(cost) => Some(format!("it costs {cost}")),
            None if self.lacks_cost() => Some(format!(
                "what it costs is not measured, so that figures of its protection are left out: gialab utility {} measures it, with the same --set as this run",
                self.manifest.preset
            )),
            None => None,
        }
    }

    /// The run beside others, in its newest round.
    pub fn side<'a>(&'a self, id: &'a str) -> Side<'a> {
        Side::newest(id, &self.manifest, self.health, &self.state).with_cost(self.cost.as_ref())
    }

    /// Whether its samples are rows of a table.
    pub fn is_of_table(&self) -> bool {
        let shown =
            self.state.rounds.iter().filter_map(|round| {
                round.truth.as_ref().or(shown_picture(round).map(|(picture, _)| picture))
            });
        shown.into_iter().any(Picture::is_of_table)
    }

    /// Backend with threads or device, once a worker said so.
    pub fn device(&self) -> &str {
        self.state.started.as_ref().map_or(&self.manifest.backend, |started| &started.device)
    }
}

/// Letter of the threat model.
pub fn threat_model_letter(config: &RunConfig) -> &'static str {
    let (letter, _) = config.threat_model().split_once(' ').unwrap_or((config.threat_model(), ""));
    letter
}

/// The picture to judge a round by, and what it is: the reconstruction, else the best or newest iterate so far.
pub fn shown_picture(round: &RoundState) -> Option<(&Picture, &'static str)> {
    let of_trial = || {
        let trial = round.shown_trial()?;
        let best = trial.best_pictures.last().map(|picture| (picture, "best so far"));
        best.or(trial.pictures.last().map(|picture| (picture, "newest iterate")))
    };
    round.reconstruction.as_ref().map(|picture| (picture, "reconstruction")).or_else(of_trial)
}
