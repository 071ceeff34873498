//! What a run's events add up to, for the screen and for the command line. Knows neither files nor screens.

mod fold;
mod speed;

use std::collections::VecDeque;
use std::sync::Arc;

use super::event::{
    Effect, Finished, LabelsRead, Level, Measured, Metrics, Point, RoundResult, Tiles, TrialOutcome,
};
use super::manifest::Status;
use super::rows::Rows;
use crate::series::Series;
use speed::{Speed, TrainingPace};

/// Buckets kept of each curve: more than a wide screen has columns of dots.
pub const CURVE: usize = 1024;

/// Everything a viewer shows of one run.
#[derive(Debug, Clone, Default)]
pub struct RunState {
    /// Who computes, as the worker said last.
    pub started: Option<Started>,
    /// Attacked rounds in the order they began.
    pub rounds: Vec<RoundState>,
    /// Rounds of training, attacked or not, in order.
    pub trained: Vec<Trained>,
    /// Log lines, oldest first.
    pub log: VecDeque<LogLine>,
    /// The worker holds on request.
    pub paused: bool,
    /// How the run ended.
    pub finished: Option<Finished>,
    /// Seconds of computing so far.
    pub seconds: f64,
    /// Events of kinds this version does not know.
    pub unknown: u64,
    speed: Speed,
    training_pace: TrainingPace,
    /// A ground truth that was stored before its round was announced: pictures come from another thread.
    early_truth: Option<(u32, Picture)>,
}

/// Who computes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Started {
    /// Directory name.
    pub run: String,
    /// Preset name.
    pub preset: String,
    /// Backend name.
    pub backend: String,
    /// Backend with threads or device.
    pub device: String,
}

/// The global model before one round.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Trained {
    /// Federated round.
    pub round: u32,
    /// Task loss on the held-out samples.
    pub loss: f64,
    /// Share of them that it classifies rightly.
    pub accuracy: f64,
}

/// One attacked round.
#[derive(Debug, Clone)]
pub struct RoundState {
    /// Federated round.
    pub round: u32,
    /// l2 norm of the update.
    pub update_norm: f64,
    /// Share of held-out samples that the global model classifies rightly.
    pub accuracy: Option<f64>,
    /// What post-processing did to the update.
    pub processed: Option<Effect>,
    /// Private samples, B.
    pub batch: usize,
    /// Parameters of the model, P.
    pub parameters: usize,
    /// Input scalars of one sample, d.
    pub input: usize,
    /// Trials planned.
    pub trials_planned: usize,
    /// Iterations planned for each trial.
    pub iterations: usize,
    /// What a rule said of the labels, before the first trial.
    pub labels_read: Option<LabelsRead>,
    /// Trials begun, in order.
    pub trials: Vec<TrialState>,
    /// The private batch.
    pub truth: Option<Picture>,
    /// The chosen reconstruction.
    pub reconstruction: Option<Picture>,
    /// What the same search makes of noise.
    pub control: Option<Picture>,
    /// What the attacker's enhancer made of the reconstruction.
    pub enhanced: Option<Picture>,
    /// Outcome once all trials ended.
    pub result: Option<RoundResult>,
    /// Seconds of computing when it began.
    pub began: f64,
}

/// One restart.
#[derive(Debug, Clone)]
pub struct TrialState {
    /// 0-based.
    pub trial: usize,
    /// Labels the attacker uses; empty while they are optimised.
    pub labels: Vec<usize>,
    /// Matching loss by iteration.
    pub matching: Series,
    /// Weighted priors by iteration.
    pub prior: Series,
    /// Their sum by iteration.
    pub total: Series,
    /// Seconds of computing since the trial began by iteration, pushed together with the losses.
    pub seconds: Series,
    /// Seconds of computing when it began.
    pub began: f64,
    /// Newest point.
    pub last: Option<Point>,
    /// Iterations done.
    pub iteration: usize,
    /// Evaluations so far.
    pub evaluations: usize,
    /// Step size in use.
    pub learning_rate: f64,
    /// Iteration with the smallest total.
    pub best_iteration: usize,
    /// That total; infinite before there is one.
    pub best: f64,
    /// Newest metrics, with their iteration.
    pub metrics: Option<(usize, Metrics)>,
    /// How it ended.
    pub end: Option<Ending>,
    /// Stored iterates, by increasing iteration.
    pub pictures: Vec<Picture>,
    /// Stored best iterates, by increasing iteration.
    pub best_pictures: Vec<Picture>,
}

/// How a trial ended.
#[derive(Debug, Clone)]
pub struct Ending {
    /// Why.
    pub outcome: TrialOutcome,
    /// Matching loss of the best iterate.
    pub matching: f64,
    /// Seconds of computing.
    pub seconds: f64,
    /// Quality of the best iterate; absent without ground truth.
    pub metrics: Option<Metrics>,
    /// Its labels.
    pub labels: Vec<usize>,
}

/// A stored picture, or the rows of a table in its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Picture {
    /// Iteration shown.
    pub iteration: usize,
    /// What there is to see.
    pub content: Content,
    /// How the batch is tiled; records lie below each other.
    pub tiles: Tiles,
    /// Quality of what it shows; absent for the ground truth and in logs of earlier versions.
    pub metrics: Option<Box<Metrics>>,
}

/// What a [`Picture`] holds.
#[derive(Debug, Clone, PartialEq)]
pub enum Content {
    /// Path of an image inside the run directory.
    File(String),
    /// Rows of a table.
    Rows(Arc<Rows>),
}

/// One line of the log.
#[derive(Debug, Clone, PartialEq)]
pub struct LogLine {
    /// Seconds of computing.
    pub seconds: f64,
    /// How serious.
    pub level: Level,
    /// One sentence.
    pub message: String,
}

/// Where a run is: for a progress bar.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Position {
    /// Federated round.
    pub round: u32,
    /// 1-based trial, for people.
    pub trial: usize,
    /// Trials planned.
    pub trials: usize,
    /// Iterations done in this trial.
    pub iteration: usize,
    /// Iterations planned for this trial.
    pub iterations: usize,
    /// Evaluations over all trials of this round.
    pub evaluations: usize,
}

impl Picture {
    /// Path of the image inside the run directory. Rows of a table have none, and the strips of grey that earlier
    /// versions stored of them are no pictures.
    pub fn file(&self) -> Option<&str> {
        match &self.content {
            Content::File(file) if !self.is_of_table() => Some(file),
            Content::File(_) | Content::Rows(_) => None,
        }
    }

    /// The rows of a table, where they were recorded.
    pub fn rows(&self) -> Option<&Rows> {
        match &self.content {
            Content::Rows(rows) => Some(rows),
            Content::File(_) => None,
        }
    }

    /// Whether it is of rows of a table: no image is so low.
    pub fn is_of_table(&self) -> bool {
        self.tiles.height == 1
    }
}

impl RunState {
    /// Forgets every figure that compares with the truth.
    pub fn drop_metrics(&mut self) {
        for round in &mut self.rounds {
            let shown = round.truth.iter_mut().chain(&mut round.reconstruction);
            shown.for_each(|picture| picture.metrics = None);
            round.result.iter_mut().for_each(|result| result.metrics = None);
            for trial in &mut round.trials {
                trial.metrics = None;
                trial.end.iter_mut().for_each(|end| end.metrics = None);
                let pictures = trial.pictures.iter_mut().chain(&mut trial.best_pictures);
                pictures.for_each(|picture| picture.metrics = None);
            }
        }
    }

    /// The newest round of training, while no attack is under way.
    pub fn training(&self) -> Option<Trained> {
        let attacking = self.rounds.last().is_some_and(|round| round.result.is_none());
        let done = self.finished.as_ref().is_some_and(|finished| finished.status == Status::Done);
        let newest = self.trained.last().filter(|_| !attacking && !done)?;
        let attacked = self.rounds.last().is_some_and(|round| round.round == newest.round);
        (!attacked).then_some(*newest)
    }

    /// The round in progress, or the last one.
    pub fn current_round(&self) -> Option<&RoundState> {
        self.rounds.last()
    }

    /// Where the run is; nothing before its first trial.
    pub fn position(&self) -> Option<Position> {
        let round = self.current_round()?;
        let trial = round.trials.last()?;
        Some(Position {
            round: round.round,
            trial: trial.trial + 1,
            trials: round.trials_planned,
            iteration: trial.iteration,
            iterations: round.iterations,
            evaluations: round.evaluations(),
        })
    }

    /// Iterations a second, averaged over the last seconds.
    pub fn iterations_per_second(&self) -> Option<f64> {
        self.speed.per_second()
    }

    /// Seconds that a round of training takes, with the look at the model after it; once one was seen.
    pub fn seconds_per_training(&self) -> Option<f64> {
        self.training_pace.per_round()
    }
}

impl RunState {
    /// What was measured of one of its rounds: the result, or how its shown trial stands now.
    pub fn measured<'a>(&self, round: &'a RoundState) -> Measured<'a> {
        let before = Measured {
            trials: round.trials.len(),
            evaluations: Some(round.evaluations()),
            seconds: Some((self.seconds - round.began).max(0.0)),
            accuracy: round.accuracy,
            update_norm: Some(round.update_norm),
            processed: round.processed,
            ..Measured::default()
        };
        match (&round.result, round.shown_trial()) {
            (Some(result), _) => Measured {
                accuracy: round.accuracy,
                update_norm: Some(round.update_norm),
                processed: round.processed.or(result.processed),
                ..result.measured()
            },
            (None, Some(trial)) => Measured {
                metrics: trial.latest_metrics(),
                matching: trial.matching_loss(),
                trial: Some(trial.trial),
                ..before
            },
            (None, None) => before,
        }
    }
}

impl RoundState {
    /// The trial in progress, or the one that was chosen once the round ended.
    pub fn shown_trial(&self) -> Option<&TrialState> {
        match &self.result {
            Some(result) => {
                self.trials.iter().find(|trial| trial.trial == result.trial).or(self.trials.last())
            }
            None => self.trials.last(),
        }
    }

    /// Evaluations over all trials.
    pub fn evaluations(&self) -> usize {
        self.trials.iter().map(|trial| trial.evaluations).sum()
    }
}

impl TrialState {
    /// The labels: of the best iterate once the trial ended, before that those that the attacker uses all along.
    pub fn labels(&self) -> &[usize] {
        let ended = self.end.as_ref().map(|end| end.labels.as_slice()).filter(|labels| !labels.is_empty());
        ended.unwrap_or(&self.labels)
    }

    /// Matching loss now, or of the best iterate once the trial ended.
    pub fn matching_loss(&self) -> Option<f64> {
        match &self.end {
            Some(end) => Some(end.matching),
            None => self.last.map(|point| point.matching),
        }
    }

    /// What was measured of it.
    pub fn measured(&self) -> Measured<'_> {
        let newest = || self.seconds.buckets().last().map_or(0.0, |bucket| bucket.max);
        Measured {
            metrics: self.latest_metrics(),
            matching: self.matching_loss(),
            iteration: (self.best_iteration > 0).then_some(self.best_iteration),
            trial: Some(self.trial),
            evaluations: Some(self.evaluations),
            seconds: Some(self.end.as_ref().map_or_else(newest, |end| end.seconds)),
            ..Measured::default()
        }
    }

    /// Newest metrics, or those of the best iterate once the trial ended.
    pub fn latest_metrics(&self) -> Option<&Metrics> {
        match &self.end {
            Some(end) => end.metrics.as_ref(),
            None => self.metrics.as_ref().map(|(_, metrics)| metrics),
        }
    }
}

#[cfg(test)]
mod tests;
