//! How far a run is, and how long it will take: for every bar, list and line that tells.
//!
//! The bar counts the planned work, so it moves forward only and is full at the end alone: what a trial leaves by ending
//! early is passed over in one step. The time left is measured, and a range where trials can end early.

use std::fmt;

use super::event::TrialOutcome;
use super::state::{RoundState, RunState, TrialState};
use crate::config::{OptimiserKind, RunConfig, Search};
use crate::text::clock;

/// Where a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// In this iteration of a trial (0-based) of an attacked round.
    Attack(u32, usize, usize),
    /// The attack on this round is over.
    Attacked(u32),
    /// The clients train in this round, or are about to.
    Training(u32),
}

impl Place {
    /// `trial 2 of 4, iteration 180 of 300`, `the clients train, round 12 of 40`.
    pub fn describe(self, config: &RunConfig) -> String {
        let (trials, iterations) = (config.attack.trials(), config.attack.iterations());
        match self {
            Place::Attack(_, trial, iteration) => {
                let name = config.attack.name_of(trial);
                format!(
                    "{name} {} of {trials}, iteration {iteration} of {iterations}",
                    (trial + 1).min(trials)
                )
            }
            Place::Attacked(round) => format!("the attack on round {round} is over"),
            Place::Training(round) => format!("the clients train, round {round} of {}", config.rounds()),
        }
    }
}

/// Seconds that are left.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Eta {
    /// No trial can end early.
    Exact(f64),
    /// From what the trials took that ended so far, to all that is planned.
    Between(f64, f64),
    /// So much if the loss falls on as it does and half of the restarts are spared, and all that is planned at most.
    Likely(f64, f64),
    /// All that is planned: nothing says yet how early it ends.
    AtMost(f64),
}

impl Eta {
    /// One number to count on.
    pub fn middle(self) -> f64 {
        match self {
            Eta::Exact(seconds) | Eta::Likely(seconds, _) | Eta::AtMost(seconds) => seconds,
            Eta::Between(low, high) => f64::midpoint(low, high),
        }
    }
}

/// `ETA 00:36`, `ETA 00:10 to 00:40`, `ETA 00:12 max 02:40`, `ETA at most 02:40`.
impl fmt::Display for Eta {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Eta::Exact(seconds) => write!(f, "ETA {}", clock(seconds.round())),
            Eta::Likely(likely, most) if likely.round() < most.round() => {
                write!(f, "ETA {} max {}", clock(likely.round()), clock(most.round()))
            }
            Eta::Likely(_, seconds) | Eta::AtMost(seconds) => {
                write!(f, "ETA at most {}", clock(seconds.round()))
            }
            Eta::Between(low, high) if low.round() == high.round() => {
                write!(f, "ETA {}", clock(high.round()))
            }
            Eta::Between(low, high) => write!(f, "ETA {} to {}", clock(low.round()), clock(high.round())),
        }
    }
}

/// Whether a trial may end before its last iteration: below `stop_below`, or where L-BFGS cannot move any more.
pub fn ends_early(config: &RunConfig) -> bool {
    let ends = |search: &Search| search.stop_below > 0.0 || search.optimiser.kind == OptimiserKind::Lbfgs;
    config.attack.search().is_some_and(ends)
}

/// Share of the planned work that is done at that place, below 1.
pub fn share_at(config: &RunConfig, place: Place) -> f64 {
    let attack = config.attack.trials() * config.attack.iterations();
    let attacks = attack as f64 * evaluations_per_iteration(config);
    let attacked = config.attacked_rounds();
    let before = |round: u32| {
        let attacks_before = attacked.iter().filter(|known| **known < round).count() as f64 * attacks;
        attacks_before + f64::from(round) * training(config)
    };
    let done = match place {
        Place::Training(round) => before(round),
        Place::Attacked(round) => before(round) + attacks,
        Place::Attack(round, trial, iteration) => {
            let iterations = trial * config.attack.iterations() + iteration.min(config.attack.iterations());
            before(round) + iterations.min(attack) as f64 * evaluations_per_iteration(config)
        }
    };
    let all = attacked.len() as f64 * attacks + f64::from(config.rounds()) * training(config);
    if all > 0.0 { (done / all).clamp(0.0, SHORT_OF_THE_END) } else { 0.0 }
}

/// Nothing is full before the end.
const SHORT_OF_THE_END: f64 = 0.999;

/// Evaluations of one iteration, about.
fn evaluations_per_iteration(config: &RunConfig) -> f64 {
    config.attack.search().map_or(1.0, |search| (search.optimiser.work() * search.members) as f64)
}

/// What a round of training weighs in a bar, in evaluations of an attack: about one for every pass of a client.
/// Measured weights would move the bar back.
fn training(config: &RunConfig) -> f64 {
    let federation = &config.federation;
    let clients = federation.clients_per_round.unwrap_or(federation.clients).max(1);
    f64::from(clients) * f64::from(federation.local_epochs.max(1))
}

/// Share of the planned work that is done, 1 at the end alone.
pub fn share(config: &RunConfig, state: &RunState) -> f64 {
    if state.finished.as_ref().is_some_and(|finished| finished.status == super::Status::Done) {
        return 1.0;
    }
    place(state).map_or(0.0, |place| share_at(config, place))
}

fn place(state: &RunState) -> Option<Place> {
    if let Some(trained) = state.training() {
        return Some(Place::Training(trained.round));
    }
    let round = state.current_round()?;
    match (&round.result, round.trials.last()) {
        (Some(_), _) => Some(Place::Attacked(round.round)),
        // Trials that end early leave the rest of theirs behind at once.
        (None, Some(trial)) if trial.end.is_some() => Some(Place::Attack(round.round, trial.trial + 1, 0)),
        (None, Some(trial)) => Some(Place::Attack(round.round, trial.trial, trial.iteration)),
        (None, None) => Some(Place::Attack(round.round, 0, 0)),
    }
}

/// Share of a round's planned iterations that is done, for its row in a table.
pub fn share_of(round: &RoundState) -> f64 {
    let all = (round.trials_planned * round.iterations).max(1) as f64;
    let done = round.trials.last().map_or(0, |trial| match trial.end {
        Some(_) => (trial.trial + 1) * round.iterations,
        None => trial.trial * round.iterations + trial.iteration,
    });
    (done as f64 / all).min(SHORT_OF_THE_END)
}

/// Time left at the present speed. Nothing before the speed is known, or while it is not known how long the clients
/// train.
pub fn eta(config: &RunConfig, state: &RunState) -> Option<Eta> {
    if state.finished.is_some() {
        return None;
    }
    let now = place(state)?;
    let (Place::Attack(round, ..) | Place::Attacked(round) | Place::Training(round)) = now;
    let to_train = config.rounds().saturating_sub(round);
    let training = match to_train {
        0 => 0.0,
        rounds => f64::from(rounds) * state.seconds_per_training()?,
    };
    let attacked = config.attacked_rounds();
    let to_attack = match now {
        Place::Training(round) => attacked.iter().filter(|known| **known >= round).count(),
        _ => attacked.iter().filter(|known| **known > round).count(),
    };
    let seconds = |iterations: f64| match state.iterations_per_second() {
        _ if iterations == 0.0 => Some(0.0),
        speed => Some(iterations / speed?),
    };
    let Range { low, likely, high } = iterations_left(config, state, to_attack);
    let high = training + seconds(high)?;
    if !ends_early(config) || high == training {
        return Some(Eta::Exact(high));
    }
    let within = |iterations: f64| Some((training + seconds(iterations)?).min(high));
    Some(match (likely, low) {
        (Some(likely), _) => Eta::Likely(within(likely)?, high),
        (None, Some(low)) => Eta::Between(within(low)?, high),
        (None, None) => Eta::AtMost(high),
    })
}

/// Iterations that are left: as those that ended lead one to expect, as the loss of this trial does, and as planned.
struct Range {
    /// Nothing before a trial has ended.
    low: Option<f64>,
    /// Nothing before a trial is a little under way, and where rounds are to come.
    likely: Option<f64>,
    high: f64,
}

fn iterations_left(config: &RunConfig, state: &RunState, rounds_to_come: usize) -> Range {
    let (trials, iterations) = (config.attack.trials(), config.attack.iterations() as f64);
    let of_round =
        |round: &RoundState| round.trials.iter().map(|trial| trial.iteration).sum::<usize>() as f64;
    let ended = state
        .rounds
        .iter()
        .flat_map(|round| &round.trials)
        .filter(|trial| trial.end.as_ref().is_some_and(|end| end.outcome != TrialOutcome::NonFinite));
    let of_trial = mean(ended.map(|trial| trial.iteration as f64));
    let rounds = mean(state.rounds.iter().filter(|round| round.result.is_some()).map(of_round));
    let current = state.current_round().filter(|round| round.result.is_none() && state.training().is_none());
    let here = current.map_or(Range { low: Some(0.0), likely: None, high: 0.0 }, |round| {
        let (begun, done) = match round.trials.last() {
            Some(trial) if trial.end.is_none() => (trial.trial + 1, Some(trial.iteration as f64)),
            Some(trial) => (trial.trial + 1, None),
            None => (0, None),
        };
        let to_come = trials.saturating_sub(begun) as f64;
        let all = |of_trial: f64| done.map_or(0.0, |done| (of_trial - done).max(0.0)) + to_come * of_trial;
        // A trial that converges spares the later ones: as it was in earlier rounds.
        let spared = rounds.map_or(f64::INFINITY, |rounds| (rounds - of_round(round)).max(0.0));
        let likely =
            round.trials.last().filter(|trial| trial.end.is_none()).and_then(
                |trial| match until_it_converges(config, round, trial) {
                    Some(left) => Some(left),
                    None if of_trial.is_some() || to_come == 0.0 || trial.iteration < ENOUGH => None,
                    None => Some(iterations - trial.iteration as f64 + to_come / 2.0 * iterations),
                },
            );
        Range { low: of_trial.map(|of_trial| all(of_trial).min(spared)), likely, high: all(iterations) }
    });
    let to_come = rounds_to_come as f64;
    let so_far = current.map(of_round);
    let like = rounds.or_else(|| Some(so_far? + here.low?));
    Range {
        low: if rounds_to_come == 0 {
            here.low
        } else {
            here.low.zip(like).map(|(low, like)| low + to_come * like)
        },
        likely: here.likely.filter(|_| rounds_to_come == 0),
        high: here.high + to_come * trials as f64 * iterations,
    }
}

/// From this iteration on the loss of a trial says where it goes.
const ENOUGH: usize = 16;

/// Iterations until a trial falls below `attack.stop_below`, if its loss goes on falling by the same factor whenever the
/// iterations double, as that of L-BFGS near a solution does; at most those that are planned. Nothing where that leads far
/// beyond them.
fn until_it_converges(config: &RunConfig, round: &RoundState, trial: &TrialState) -> Option<f64> {
    let search = config.attack.search().filter(|search| search.stop_below > 0.0)?;
    let unit = if search.distance.ignores_scale() { 1.0 } else { round.update_norm.powi(2).min(1.0) };
    let best = |until: f64| {
        let buckets = trial.matching.buckets().iter().take_while(|bucket| bucket.last <= until);
        buckets.map(|bucket| bucket.min).fold(f64::INFINITY, f64::min)
    };
    let (now, planned) = (trial.iteration as f64, round.iterations as f64);
    let (half, whole) = (best(now / 2.0), best(now));
    if trial.iteration < ENOUGH || !(half.is_finite() && whole < half) {
        return None;
    }
    let doublings = (whole / (search.stop_below * unit)).ln() / (half / whole).ln();
    let there = now * doublings.max(0.0).exp2();
    (there <= 4.0 * planned).then(|| (there.min(planned) - now).max(0.0))
}

fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (sum, count) = values.fold((0.0, 0.0), |(sum, count), value| (sum + value, count + 1.0));
    (count > 0.0).then(|| sum / count)
}

#[cfg(test)]
#[path = "progress_tests.rs"]
mod tests;
