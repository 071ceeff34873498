//! Carries the reports of an attack to the recorder, and the requests of viewers back.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::checkpoint::Checkpoint;
use super::directory::Request;
use super::event::{Event, Level, PictureOf, Point, TrialOutcome};
use super::queue::Place;
use super::recorder::{Evaluator, Place as At, Reporter};
use crate::attack::label::Answer;
use crate::attack::{Flow, Progress, Sink, TrialEnd};
use crate::config::{RunConfig, Search};
use crate::metric::Picked;

/// Points of the loss are sent together this often.
const PROGRESS_EVERY: Duration = Duration::from_millis(100);
/// The current guess is measured this often at most.
const MEASURE_EVERY: Duration = Duration::from_millis(250);

/// Seconds of computing, over all workers of a run.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    /// When this worker began, later by what it was paused.
    pub begin: Instant,
    /// Seconds of the workers before it.
    pub before: f64,
    /// There was a pause, or a worker before it.
    pub interrupted: bool,
}

impl Clock {
    /// Seconds so far.
    pub fn now(&self) -> f64 {
        self.before + self.begin.elapsed().as_secs_f64()
    }
}

/// What else than a viewer's request decides whether a run goes on.
#[derive(Debug, Clone, Copy)]
pub struct Orders<'a> {
    /// The system wants it to end.
    pub terminate: &'a AtomicBool,
    /// Its place in the queue.
    pub place: &'a Place,
}

/// Carries an attack's reports to the recorder, at the recorder's pace, and a viewer's requests back.
pub struct Bridge<'a> {
    reporter: &'a Reporter,
    evaluator: &'a Evaluator,
    orders: Orders<'a>,
    /// Goes on after the attack.
    pub clock: Clock,
    began: f64,
    round: u32,
    several_rounds: bool,
    several_trials: bool,
    snapshot_every: usize,
    checkpoint_every: Duration,
    /// Seconds that a trial may take.
    most_seconds: Option<f64>,
    points: Vec<Point>,
    sent: Instant,
    measured: Instant,
    saved: Instant,
    trial_begin: f64,
    learning_rate: f64,
    best_stored: usize,
    /// What the truth would pick among the trials so far.
    pub picked: Picked,
}

impl<'a> Bridge<'a> {
    /// For one round.
    pub fn new(
        reporter: &'a Reporter,
        evaluator: &'a Evaluator,
        orders: Orders<'a>,
        clock: Clock,
        began: f64,
        round: u32,
        config: &RunConfig,
    ) -> Self {
        let run = &config.run;
        let now = Instant::now();
        Bridge {
            reporter,
            evaluator,
            orders,
            clock,
            began,
            round,
            several_rounds: config.attacked_rounds().len() > 1,
            several_trials: config.attack.trials() > 1,
            snapshot_every: run.snapshot_every,
            checkpoint_every: Duration::from_secs_f64(run.checkpoint_seconds),
            most_seconds: config.attack.search().and_then(Search::most_seconds),
            points: Vec::new(),
            sent: now,
            measured: now,
            saved: now,
            trial_begin: clock.now(),
            learning_rate: f64::NAN,
            best_stored: 0,
            picked: Picked::among(config.attack.search().map_or(1, |search| search.trials)),
        }
    }

    /// Which round and trial is meant, in front of a message: `round 2, trial 1: `; nothing where there is one of each.
    fn place_of(&self, trial: usize) -> String {
        let round = self.several_rounds.then(|| format!("round {}", self.round));
        let trial = self.several_trials.then(|| format!("trial {}", trial + 1));
        let words: Vec<String> = round.into_iter().chain(trial).collect();
        if words.is_empty() { String::new() } else { format!("{}: ", words.join(", ")) }
    }

    fn at(&self, progress: &dyn Progress) -> At {
        At { round: self.round, trial: Some(progress.trial()), iteration: progress.iteration() }
    }

    /// Sends the points since the last time; keeps them if the disk is behind.
    fn send_points(&mut self, progress: &dyn Progress, wait: bool) {
        if self.points.is_empty() {
            return;
        }
        let event = Event::Progress {
            round: self.round,
            trial: progress.trial(),
            points: std::mem::take(&mut self.points),
            evaluations: progress.evaluations(),
            learning_rate: progress.learning_rate(),
            best_iteration: progress.best().iteration,
            best: progress.best().total(),
        };
        self.sent = Instant::now();
        if wait {
            self.reporter.event(self.clock.now(), event);
        } else if let Err(unsent) = self.reporter.try_event(self.clock.now(), event)
            && let Event::Progress { points, .. } = *unsent
        {
            self.points = points;
        }
    }

    fn save(&mut self, progress: &dyn Progress, wait: bool) {
        self.saved = Instant::now();
        self.send_points(progress, true);
        let (round, seconds) = (self.round, self.clock.now());
        self.reporter
            .checkpoint(Checkpoint { round, seconds, began: self.began, state: progress.checkpoint() }, wait);
    }

    fn log(&self, level: Level, message: String) {
        self.reporter.event(self.clock.now(), Event::Log { level, message });
    }

    /// Holds while a viewer asks for a pause.
    fn obey(&mut self, progress: &dyn Progress) -> Flow {
        if self.reporter.request() == Request::Pause {
            self.save(progress, true);
        }
        hold(self.reporter, self.orders, &mut self.clock)
    }
}

/// Holds while a viewer asks for a pause and then until the run has a place again, and says whether to go on. Paused time is
/// not computing time.
pub fn hold(reporter: &Reporter, orders: Orders, clock: &mut Clock) -> Flow {
    let Orders { terminate, place } = orders;
    let stop = || terminate.load(Ordering::Relaxed) || reporter.request() == Request::Stop;
    if reporter.request() == Request::Pause && !stop() {
        reporter.event(clock.now(), Event::Paused);
        let begin = Instant::now();
        while !stop() && reporter.failure().is_none() {
            match reporter.request() {
                Request::Pause => place.give_back(),
                _ if place.is_up() => break,
                _ => {}
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        clock.begin += begin.elapsed();
        clock.interrupted = true;
        reporter.event(clock.now(), Event::Continued);
    }
    if stop() { Flow::Stop } else { Flow::Continue }
}

impl Sink for Bridge<'_> {
    fn labels_read(&mut self, rule: &'static str, answer: &Answer) {
        let read = self.evaluator.labels_read(self.round, rule, answer);
        self.reporter.event(self.clock.now(), Event::Labels(read));
    }

    fn stage(&mut self, words: String) {
        self.log(Level::Info, words);
    }

    fn halted(&mut self) -> bool {
        hold(self.reporter, self.orders, &mut self.clock) == Flow::Stop
    }

    fn trial_started(&mut self, trial: usize, labels: &[usize]) {
        self.trial_begin = self.clock.now();
        self.learning_rate = f64::NAN;
        self.best_stored = 0;
        let labels = if self.evaluator.names_labels { labels.to_vec() } else { Vec::new() };
        self.reporter.event(self.clock.now(), Event::Trial { round: self.round, trial, labels });
    }

    fn trial_resumed(&mut self, trial: usize, iteration: usize) {
        self.reporter.event(self.clock.now(), Event::Resumed { round: self.round, trial, iteration });
    }

    fn iterated(&mut self, progress: &dyn Progress) -> Flow {
        let (matching, prior) = progress.losses();
        let iteration = progress.iteration();
        self.points.push(Point { iteration, matching, prior });
        let rate = progress.learning_rate();
        if self.learning_rate.is_finite() && rate < 0.5 * self.learning_rate {
            let from = self.learning_rate;
            let place = self.place_of(progress.trial());
            self.log(
                Level::Info,
                format!("{place}learning rate {from:.0e} to {rate:.0e} at iteration {iteration}"),
            );
        }
        if !(rate > 0.5 * self.learning_rate && rate <= self.learning_rate) {
            self.learning_rate = rate;
        }
        if self.sent.elapsed() >= PROGRESS_EVERY {
            self.send_points(progress, false);
        }
        if self.measured.elapsed() >= MEASURE_EVERY {
            self.measured = Instant::now();
            self.reporter.measure(self.at(progress), self.clock.now(), progress.current());
        }
        if iteration == 1 || iteration.is_multiple_of(self.snapshot_every) {
            let (at, t) = (self.at(progress), self.clock.now());
            self.reporter.picture(at, t, PictureOf::Current, progress.current());
            if progress.best().iteration != self.best_stored {
                self.best_stored = progress.best().iteration;
                let at = At { iteration: self.best_stored, ..at };
                self.reporter.picture(at, t, PictureOf::Best, progress.best_guess());
            }
        }
        if self.reporter.failure().is_some() {
            return Flow::Stop;
        }
        let flow = self.obey(progress);
        if flow == Flow::Stop || self.saved.elapsed() >= self.checkpoint_every {
            self.save(progress, flow == Flow::Stop);
        }
        let spent = self.clock.now() - self.trial_begin;
        match flow {
            Flow::Continue if self.most_seconds.is_some_and(|most| spent >= most) => Flow::Enough,
            _ => flow,
        }
    }

    fn trial_finished(&mut self, end: &TrialEnd) {
        let metrics = self.evaluator.judge(&end.guess);
        if let Some(metrics) = &metrics {
            self.picked.add(end.trial, metrics);
        }
        let event = Event::TrialFinished {
            round: self.round,
            trial: end.trial,
            outcome: end.outcome,
            best: end.best.total(),
            matching: end.best.matching,
            best_iteration: end.best.iteration,
            evaluations: end.evaluations,
            seconds: self.clock.now() - self.trial_begin,
            metrics,
            labels: self.evaluator.labels(&end.guess),
        };
        // Points that the last iterations left behind belong in front of the end of their trial.
        if !self.points.is_empty() {
            let rest = Event::Progress {
                round: self.round,
                trial: end.trial,
                points: std::mem::take(&mut self.points),
                evaluations: end.evaluations,
                learning_rate: if self.learning_rate.is_finite() { self.learning_rate } else { 0.0 },
                best_iteration: end.best.iteration,
                best: end.best.total(),
            };
            self.reporter.event(self.clock.now(), rest);
        }
        let at = At { round: self.round, trial: Some(end.trial), iteration: end.best.iteration };
        self.reporter.picture(at, self.clock.now(), PictureOf::Best, end.guess.clone());
        self.reporter.event(self.clock.now(), event);
        let message = match end.outcome {
            TrialOutcome::Completed | TrialOutcome::Stalled | TrialOutcome::OutOfTime if !end.descended() => {
                "it never came below the objective that it began with: its answer is no better than its first guess"
            }
            TrialOutcome::NonFinite if end.best.iteration <= 1 => "the loss is not finite",
            TrialOutcome::NonFinite => "the loss is not finite any more; its best earlier iterate stands",
            TrialOutcome::OutOfTime => {
                "its share of the budget's seconds was spent before its iterations were done"
            }
            TrialOutcome::Completed | TrialOutcome::Converged | TrialOutcome::Stalled => return,
        };
        let round = if self.several_rounds { format!("round {}, ", self.round) } else { String::new() };
        self.log(Level::Warning, format!("{round}trial {}: {message}", end.trial + 1));
    }
}
