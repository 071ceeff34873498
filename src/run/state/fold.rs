//! A pure fold of [`Line`]s into a [`RunState`].
//!
//! Feed it lines once and in order. Where a reader left lines out, what they announced is made from what follows, with
//! labels and norm of the update unknown.

use std::sync::Arc;

use super::speed::Speed;
use super::{CURVE, Content, Ending, LogLine, Picture, RoundState, RunState, Started, Trained, TrialState};
use crate::run::event::{Event, Level, Line, PictureOf, Tiles};
use crate::run::labels;
use crate::series::Series;

/// Trials of a round that keep their curves in full.
const TRIALS: usize = 16;

/// Buckets kept of each curve of a trial that ended, beyond so many trials.
const OUTLINE: usize = 128;

/// Log lines kept.
pub(super) const LOG: usize = 500;

/// Pictures kept of one trial; beyond that every second one is forgotten.
pub(super) const PICTURES: usize = 1000;

/// The same of rows of a table, which lie in memory with all their fields.
pub(super) const TABLES: usize = 200;

impl RunState {
    /// Takes one more line of the event log.
    pub fn apply(&mut self, line: Line) {
        if line.t.is_finite() {
            // Lines of several threads may be a moment out of order; only a resume turns the clock back.
            let anew = matches!(line.event, Event::Started { .. } | Event::Resumed { .. });
            self.seconds = if anew { line.t } else { line.t.max(self.seconds) };
        }
        let t = self.seconds;
        match line.event {
            Event::Started { run, preset, backend, device } => {
                self.started = Some(Started { run, preset, backend, device });
                self.paused = false;
                self.finished = None;
                self.speed = Speed::default();
                self.training_pace.interrupt();
            }
            Event::Round { round, update_norm, accuracy, batch, parameters, input, trials, iterations } => {
                self.training_pace.interrupt();
                // Announced anew after a resume: what it holds already stands until it is taken back.
                let known = self.rounds.iter().position(|known| known.round == round);
                let before = known.map(|at| self.rounds.remove(at));
                let began = before.as_ref().map_or(t, |before| before.began);
                let early = self.early_truth.take_if(|(of, _)| *of == round).map(|(_, picture)| picture);
                let (trials_before, truth, labels_read) = before.map_or((Vec::new(), None, None), |before| {
                    (before.trials, before.truth, before.labels_read)
                });
                self.rounds.push(RoundState {
                    round,
                    update_norm,
                    accuracy,
                    batch,
                    parameters,
                    input,
                    trials_planned: trials,
                    iterations,
                    labels_read,
                    trials: trials_before,
                    truth: early.or(truth),
                    reconstruction: None,
                    control: None,
                    enhanced: None,
                    result: None,
                    processed: None,
                    began,
                });
            }
            Event::Processed { round, effect } => {
                if let Some(round) = self.round_mut(round) {
                    round.processed = Some(effect);
                }
            }
            Event::Trained { round, loss, accuracy } => {
                self.training_pace.begin(round, t);
                // Trained anew after a resume.
                self.trained.retain(|known| known.round < round);
                self.trained.push(Trained { round, loss, accuracy });
            }
            Event::Labels(read) => {
                let level = if read.doubt.is_some() { Level::Warning } else { Level::Info };
                self.note(level, labels::read(&read));
                if let Some(round) = self.round_announced(read.round, t) {
                    round.labels_read = Some(read);
                }
            }
            Event::Trial { round, trial, labels } => {
                self.speed.restart(t, 0);
                if let Some(round) = self.round_mut(round) {
                    // Announced anew after a resume: what went before it was taken back already.
                    round.trials.retain(|known| known.trial < trial);
                    round.trials.push(TrialState::new(trial, labels, t));
                }
            }
            Event::Resumed { round, trial, iteration } => self.take_back(round, trial, iteration),
            Event::Progress { round, trial, points, evaluations, learning_rate, best_iteration, best } => {
                if let Some(first) = points.first() {
                    self.notice_resume(round, trial, first.iteration);
                }
                let Some(trial) = self.trial_announced(round, trial, t) else { return };
                // The points of a line share the time since the line before it.
                let since = trial.seconds.buckets().last().map_or(0.0, |bucket| bucket.max);
                let until = (t - trial.began).max(since);
                let count = points.len();
                for (at, point) in points.into_iter().enumerate() {
                    let x = point.iteration as f64;
                    trial.seconds.push(x, since + (until - since) * (at + 1) as f64 / count as f64);
                    trial.matching.push(x, point.matching);
                    trial.prior.push(x, point.prior);
                    trial.total.push(x, point.total());
                    trial.iteration = trial.iteration.max(point.iteration);
                    trial.last = Some(point);
                }
                trial.evaluations = evaluations;
                trial.learning_rate = learning_rate;
                trial.best_iteration = best_iteration;
                trial.best = best;
                let iteration = trial.iteration;
                self.speed.observe(t, iteration);
            }
            Event::Metrics { round, trial, iteration, metrics } => {
                if let Some(trial) = self.trial_announced(round, trial, t) {
                    trial.metrics = Some((iteration, metrics));
                }
            }
            Event::Picture { round, trial, iteration, what, file, tiles, metrics } => {
                let picture = Picture { iteration, content: Content::File(file), tiles, metrics };
                self.add_picture(round, trial, what, picture, t);
            }
            Event::Rows { round, trial, iteration, what, table, metrics } => {
                let (samples, width) = (table.samples, table.fields.len());
                let tiles = Tiles { samples, columns: 1, width, height: 1 };
                let picture = Picture { iteration, content: Content::Rows(Arc::new(*table)), tiles, metrics };
                self.add_picture(round, trial, what, picture, t);
            }
            Event::TrialFinished {
                round,
                trial,
                outcome,
                best,
                matching,
                best_iteration,
                evaluations,
                seconds,
                metrics,
                labels,
            } => {
                if let Some(trial) = self.trial_announced(round, trial, t) {
                    trial.best = best;
                    trial.best_iteration = best_iteration;
                    trial.evaluations = evaluations;
                    trial.end = Some(Ending { outcome, matching, seconds, metrics, labels });
                }
                self.thin_trials(round);
            }
            Event::RoundFinished(result) => {
                self.training_pace.begin(result.round, t);
                if let Some(round) = self.round_announced(result.round, t) {
                    round.result = Some(*result);
                }
            }
            Event::Paused => self.paused = true,
            Event::Continued => {
                self.paused = false;
                self.speed.pause();
            }
            Event::Log { level, message } => self.note(level, message),
            Event::Finished(finished) => {
                self.paused = false;
                for result in &finished.rounds {
                    if let Some(round) = self.round_announced(result.round, t) {
                        round.result.get_or_insert_with(|| result.clone());
                    }
                }
                self.finished = Some(finished);
            }
            Event::Unknown => self.unknown += 1,
        }
    }

    /// Of many trials, those that ended keep their curves in outline: a thousand must not fill the memory.
    fn thin_trials(&mut self, round: u32) {
        let Some(round) = self.round_mut(round).filter(|round| round.trials.len() > TRIALS) else { return };
        for trial in round.trials.iter_mut().filter(|trial| trial.end.is_some()) {
            for series in [&mut trial.matching, &mut trial.prior, &mut trial.total, &mut trial.seconds] {
                series.limit(OUTLINE);
            }
        }
    }

    fn note(&mut self, level: Level, message: String) {
        if self.log.len() == LOG {
            self.log.pop_front();
        }
        self.log.push_back(LogLine { seconds: self.seconds, level, message });
    }

    /// Points of `trial` beyond `iteration`, later trials and later rounds are void.
    fn take_back(&mut self, round: u32, trial: usize, iteration: usize) {
        self.finished = None;
        self.speed = Speed::default();
        self.speed.restart(self.seconds, iteration);
        let Some(at) = self.rounds.iter().position(|known| known.round == round) else { return };
        self.rounds.truncate(at + 1);
        let state = &mut self.rounds[at];
        state.result = None;
        state.reconstruction = None;
        (state.control, state.enhanced) = (None, None);
        state.trials.retain(|known| known.trial <= trial);
        if let Some(last) = state.trials.last_mut().filter(|known| known.trial == trial) {
            last.take_back(iteration);
        }
    }

    /// Points that are behind what is known come from a resume whose line was left out.
    fn notice_resume(&mut self, round: u32, trial: usize, first: usize) {
        let known = self.rounds.iter().find(|known| known.round == round);
        let goes_back = known.is_some_and(|known| {
            known.trials.iter().any(|t| t.trial > trial || (t.trial == trial && t.iteration >= first))
        });
        if goes_back {
            self.take_back(round, trial, first.saturating_sub(1));
        }
    }

    fn add_picture(&mut self, round: u32, trial: Option<usize>, what: PictureOf, picture: Picture, t: f64) {
        if what == PictureOf::Truth && !self.rounds.iter().any(|known| known.round == round) {
            self.early_truth = Some((round, picture));
            return;
        }
        match (what, trial) {
            (PictureOf::Truth, _) => {
                if let Some(round) = self.round_announced(round, t) {
                    round.truth = Some(picture);
                }
            }
            (PictureOf::Reconstruction, _) => {
                if let Some(round) = self.round_announced(round, t) {
                    round.reconstruction = Some(picture);
                }
            }
            (PictureOf::Control, _) => {
                if let Some(round) = self.round_announced(round, t) {
                    round.control = Some(picture);
                }
            }
            (PictureOf::Enhanced, _) => {
                if let Some(round) = self.round_announced(round, t) {
                    round.enhanced = Some(picture);
                }
            }
            (PictureOf::Current | PictureOf::Best, Some(trial)) => {
                let Some(trial) = self.trial_announced(round, trial, t) else { return };
                let list =
                    if what == PictureOf::Best { &mut trial.best_pictures } else { &mut trial.pictures };
                list.retain(|known| known.iteration < picture.iteration);
                let most = if picture.rows().is_some() { TABLES } else { PICTURES };
                list.push(picture);
                if list.len() > most {
                    thin(list);
                }
            }
            (PictureOf::Current | PictureOf::Best, None) => {}
        }
    }

    fn round_mut(&mut self, round: u32) -> Option<&mut RoundState> {
        self.rounds.iter_mut().rev().find(|known| known.round == round)
    }

    /// That round. If the line that announced it was left out it is made like the one before it, of the same
    /// run; nothing if there is none.
    fn round_announced(&mut self, round: u32, t: f64) -> Option<&mut RoundState> {
        if !self.rounds.iter().any(|known| known.round == round) {
            let like = self.rounds.last()?;
            self.rounds.push(RoundState {
                round,
                update_norm: f64::NAN,
                accuracy: None,
                labels_read: None,
                trials: Vec::new(),
                // One private batch is attacked in every round.
                truth: like.truth.clone(),
                reconstruction: None,
                control: None,
                enhanced: None,
                result: None,
                processed: None,
                began: t,
                ..*like
            });
        }
        self.round_mut(round)
    }

    /// That trial; made, with labels unknown, if the line that announced it was left out.
    fn trial_announced(&mut self, round: u32, trial: usize, t: f64) -> Option<&mut TrialState> {
        let round = self.round_announced(round, t)?;
        if !round.trials.iter().any(|known| known.trial == trial) {
            let at = round.trials.partition_point(|known| known.trial < trial);
            round.trials.insert(at, TrialState::new(trial, Vec::new(), t));
        }
        round.trials.iter_mut().find(|known| known.trial == trial)
    }
}

impl TrialState {
    fn new(trial: usize, labels: Vec<usize>, began: f64) -> Self {
        TrialState {
            trial,
            labels,
            matching: Series::new(CURVE),
            prior: Series::new(CURVE),
            total: Series::new(CURVE),
            seconds: Series::new(CURVE),
            began,
            last: None,
            iteration: 0,
            evaluations: 0,
            learning_rate: f64::NAN,
            best_iteration: 0,
            best: f64::INFINITY,
            metrics: None,
            end: None,
            pictures: Vec::new(),
            best_pictures: Vec::new(),
        }
    }

    fn take_back(&mut self, iteration: usize) {
        let x = iteration as f64;
        self.matching.truncate_after(x);
        self.prior.truncate_after(x);
        self.total.truncate_after(x);
        self.seconds.truncate_after(x);
        self.iteration = self.iteration.min(iteration);
        self.last = None;
        self.end = None;
        if self.best_iteration > iteration {
            self.best_iteration = 0;
            self.best = f64::INFINITY;
        }
        self.metrics.take_if(|(at, _)| *at > iteration);
        self.pictures.retain(|picture| picture.iteration <= iteration);
        self.best_pictures.retain(|picture| picture.iteration <= iteration);
    }
}

/// Drops every second picture but the newest.
fn thin(list: &mut Vec<Picture>) {
    let newest = list.len() - 1;
    let mut at = 0;
    list.retain(|_| {
        let keep = at % 2 == 0 || at == newest;
        at += 1;
        keep
    });
}
