//! Bars that only move forward, and times that say what they know.

#![allow(clippy::unwrap_used)]

use super::*;
use crate::config::preset;
use crate::run::event::{Event, Line, Point, RoundResult, VERSION};

fn config(name: &str, changes: &[&str]) -> RunConfig {
    let changes: Vec<String> = changes.iter().map(|change| (*change).to_owned()).collect();
    preset::load(name, &changes, "/nonexistent".as_ref()).unwrap().config
}

/// Four trials of 300 iterations that may each end early.
fn dlg() -> RunConfig {
    config("dlg-lenet", &["attack.trials=4"])
}

/// The same that never do.
fn adam() -> RunConfig {
    config("ig-lenet", &["attack.trials=4", "attack.iterations=300"])
}

/// A run, event by event, at ten iterations a second.
struct Run {
    config: RunConfig,
    state: RunState,
    t: f64,
    shares: Vec<f64>,
}

impl Run {
    fn new(config: RunConfig) -> Run {
        let mut run = Run { config, state: RunState::default(), t: 0.0, shares: vec![0.0] };
        let text = String::new;
        run.push(Event::Started { run: text(), preset: text(), backend: text(), device: text() });
        run
    }

    fn push(&mut self, event: Event) {
        self.state.apply(Line { v: VERSION, t: self.t, event });
        self.shares.push(share(&self.config, &self.state));
    }

    fn round(&mut self, round: u32) {
        self.push(Event::Round {
            round,
            update_norm: 1.0,
            accuracy: None,
            batch: 1,
            parameters: 10,
            input: 4,
            trials: self.config.attack.trials(),
            iterations: self.config.attack.iterations(),
        });
    }

    /// A trial from where it is up to this iteration.
    fn trial(&mut self, round: u32, trial: usize, iterations: usize) {
        let known =
            self.state.current_round().and_then(|known| known.trials.iter().find(|t| t.trial == trial));
        let from = known.map(|known| known.iteration);
        if from.is_none() {
            self.push(Event::Trial { round, trial, labels: Vec::new() });
        }
        for iteration in (from.unwrap_or(0) + 10..=iterations).step_by(10) {
            self.t += 1.0;
            self.push(Event::Progress {
                round,
                trial,
                points: (iteration - 9..=iteration)
                    .map(|iteration| Point { iteration, matching: 1.0, prior: 0.0 })
                    .collect(),
                evaluations: iteration,
                learning_rate: 1.0,
                best_iteration: iteration,
                best: 1.0,
            });
        }
    }

    /// A whole trial that ends at this iteration.
    fn ended(&mut self, round: u32, trial: usize, iterations: usize) {
        self.trial(round, trial, iterations);
        let event = serde_json::json!({
            "v": VERSION, "t": self.t, "event": "trial-finished", "round": round, "trial": trial,
            "outcome": "stalled", "best": 1.0, "matching": 1.0, "best_iteration": iterations,
            "evaluations": iterations, "seconds": iterations as f64 / 10.0,
        });
        self.push(serde_json::from_value::<Line>(event).unwrap().event);
    }

    fn result(&self, round: u32) -> RoundResult {
        serde_json::from_value(serde_json::json!({
            "round": round, "loss": 1.0, "trial": 0, "trials": 1, "evaluations": 1, "seconds": 1.0,
        }))
        .unwrap()
    }

    fn attacked(&mut self, round: u32) {
        let result = self.result(round);
        self.push(Event::RoundFinished(Box::new(result)));
    }

    fn trained(&mut self, round: u32) {
        self.push(Event::Trained { round, loss: 1.0, accuracy: 0.5 });
    }

    fn end(&mut self) {
        let line = serde_json::json!({"v": VERSION, "t": self.t, "event": "finished", "status": "done",
            "run": "run", "rounds": [self.result(0)]});
        self.push(serde_json::from_value::<Line>(line).unwrap().event);
    }

    fn eta(&self) -> Option<Eta> {
        eta(&self.config, &self.state)
    }

    fn share(&self) -> f64 {
        share(&self.config, &self.state)
    }

    #[track_caller]
    fn assert_forward_and_full_at_the_end(&self) {
        assert!(self.shares.is_sorted(), "{:?}", self.shares);
        let (last, before) = self.shares.split_last().unwrap();
        assert_eq!(*last, 1.0);
        assert!(before.iter().all(|share| *share < 1.0), "{:?}", self.shares);
    }
}

#[test]
fn trials_that_end_early_move_the_bar_to_their_end_and_no_further() {
    let mut run = Run::new(dlg());
    run.round(0);
    for (trial, iterations) in [30, 60, 10, 300].into_iter().enumerate() {
        run.ended(0, trial, iterations);
        if trial < 3 {
            assert_eq!(run.share(), (trial + 1) as f64 / 4.0);
        }
    }
    run.attacked(0);
    run.end();
    run.assert_forward_and_full_at_the_end();
}

#[test]
fn the_bar_of_a_run_that_goes_through_is_proportional() {
    let mut run = Run::new(adam());
    run.round(0);
    run.ended(0, 0, 300);
    run.trial(0, 1, 180);
    assert!((run.share() - 0.4).abs() < 1e-12, "{}", run.share());
    assert!((share_of(run.state.current_round().unwrap()) - 0.4).abs() < 1e-12);
}

#[test]
fn without_early_ends_there_is_one_time() {
    let mut run = Run::new(adam());
    run.round(0);
    assert_eq!(run.eta(), None, "no speed yet");
    run.trial(0, 0, 100);
    // 200 of this trial and 900 of three others, at ten a second.
    assert_eq!(run.eta(), Some(Eta::Exact(110.0)));
    assert_eq!(run.eta().unwrap().to_string(), "ETA 01:50");
}

#[test]
fn before_a_trial_has_ended_the_time_is_a_bound_and_says_so() {
    let mut run = Run::new(dlg());
    run.round(0);
    run.trial(0, 0, 10);
    assert_eq!(run.eta(), Some(Eta::AtMost(119.0)));
    assert_eq!(run.eta().unwrap().to_string(), "ETA at most 01:59");
    // A loss that stays: this trial to its end, and half of the three that may be spared.
    run.trial(0, 0, 100);
    assert_eq!(run.eta(), Some(Eta::Likely(65.0, 110.0)));
    assert_eq!(run.eta().unwrap().to_string(), "ETA 01:05 max 01:50");
}

/// Best matching losses of three recorded runs of dlg-lenet (seeds 0, 1 and 3, up to 8 trials), at iterations 15, 30, ... of
/// the trial that is under way after a quarter of the run, with straight lines of their logarithms between, and how many
/// iterations were left.
#[test]
fn after_a_quarter_of_a_run_that_ends_early_the_time_is_right_within_a_factor_of_two() {
    for (curve, trial, at, left) in [
        (vec![2.2, 6.3e-2, 7.5e-3, 1.7e-3], 1, 48, 162.0),
        (vec![3.9e-1, 5.9e-2, 1.5e-2, 4.0e-3], 0, 45, 137.0),
        (
            vec![18.0, 7.0, 4.0, 2.0, 1.3, 0.97, 0.77, 0.65, 0.57, 0.52, 0.48, 0.44, 0.41, 0.37, 0.34],
            0,
            216,
            648.0,
        ),
    ] {
        let mut run = Run::new(config("dlg-lenet", &[]));
        run.round(0);
        (0..trial).for_each(|trial| run.ended(0, trial, 0));
        run.push(Event::Trial { round: 0, trial, labels: Vec::new() });
        let begin = run.t;
        for iteration in 15..=at {
            let (step, share) = (iteration / 15 - 1, (iteration % 15) as f64 / 15.0);
            let next = *curve.get(step + 1).unwrap_or(&curve[step]);
            let matching = f64::powf(curve[step], 1.0 - share) * f64::powf(next, share);
            run.t = begin + iteration as f64 / 10.0;
            run.push(Event::Progress {
                round: 0,
                trial,
                points: vec![Point { iteration, matching, prior: 0.0 }],
                evaluations: iteration,
                learning_rate: 1.0,
                best_iteration: iteration,
                best: matching,
            });
        }
        let eta = run.eta().unwrap();
        let ratio = eta.middle() / (left / 10.0);
        assert!((0.5..=2.0).contains(&ratio), "{eta} is {ratio} times what was left");
        // Words and number are of one mind.
        assert!(eta.to_string().starts_with(&format!("ETA {}", clock(eta.middle().round()))), "{eta}");
    }
}

#[test]
fn trials_that_ended_early_give_the_low_end_of_a_range() {
    let mut run = Run::new(dlg());
    run.round(0);
    run.ended(0, 0, 40);
    run.ended(0, 1, 60);
    run.trial(0, 2, 30);
    // As the others, 20 more here and 50 in the last; as planned, 270 and 300.
    let Some(Eta::Between(low, high)) = run.eta() else { panic!("{:?}", run.eta()) };
    assert_eq!((low, high), (7.0, 57.0));
    assert_eq!(run.eta().unwrap().to_string(), "ETA 00:07 to 00:57");
    // A trial that outlasts the others leaves only the last to come.
    run.trial(0, 2, 100);
    let Some(Eta::Between(low, high)) = run.eta() else { panic!("{:?}", run.eta()) };
    assert_eq!((low, high), (5.0, 50.0));
}

#[test]
fn a_range_that_shrinks_to_nothing_is_one_time() {
    let mut run = Run::new(dlg());
    run.round(0);
    for trial in 0..4 {
        run.ended(0, trial, 40);
    }
    assert_eq!(run.eta().unwrap().to_string(), "ETA 00:00");
    assert_eq!(Eta::Between(12.2, 12.4).to_string(), "ETA 00:12");
    run.attacked(0);
    run.end();
    assert_eq!(run.eta(), None);
}

#[test]
fn training_between_attacks_counts_once_its_pace_is_known() {
    let mut run =
        Run::new(config("leakage-by-round", &["federation.attack_rounds=[0, 2]", "attack.iterations=100"]));
    run.trained(0);
    run.round(0);
    run.trial(0, 0, 50);
    assert_eq!(run.eta(), None, "how long the clients train is not known");
    run.ended(0, 0, 100);
    run.attacked(0);
    run.t += 3.0;
    run.trained(1);
    // One more round of three seconds, and an attack of ten.
    assert_eq!(run.eta(), Some(Eta::Exact(13.0)));
    run.t += 5.0;
    run.trained(2);
    assert_eq!(run.eta(), Some(Eta::Exact(10.0)));
    run.round(2);
    run.trial(2, 0, 60);
    assert_eq!(run.eta(), Some(Eta::Exact(4.0)));
    run.ended(2, 0, 100);
    run.attacked(2);
    run.end();
    run.assert_forward_and_full_at_the_end();
}

#[test]
fn rounds_to_come_are_taken_to_be_like_those_that_are_over() {
    let changes = [
        "federation.attack_rounds=[0, 2]",
        "attack.iterations=100",
        "attack.trials=3",
        "attack.stop_below=1e-6",
    ];
    let mut run = Run::new(config("leakage-by-round", &changes));
    run.round(0);
    // The second of three trials converged.
    run.ended(0, 0, 100);
    run.ended(0, 1, 20);
    run.attacked(0);
    run.t += 1.0;
    run.trained(1);
    let Some(Eta::Between(low, high)) = run.eta() else { panic!("{:?}", run.eta()) };
    assert_eq!((low, high), (13.0, 31.0));
    run.t += 1.0;
    run.trained(2);
    run.round(2);
    run.trial(2, 0, 50);
    // 70 as the first round went, which spared its third trial; 50 and 200 as planned.
    let Some(Eta::Between(low, high)) = run.eta() else { panic!("{:?}", run.eta()) };
    assert_eq!((low, high), (7.0, 25.0));
}

#[test]
fn a_list_and_a_bar_tell_the_same_share() {
    let mut run = Run::new(dlg());
    run.round(0);
    run.ended(0, 0, 40);
    run.trial(0, 1, 30);
    assert_eq!(run.share(), share_at(&run.config, Place::Attack(0, 1, 30)));
    assert_eq!(Place::Attack(0, 1, 30).describe(&run.config), "trial 2 of 4, iteration 30 of 300");
    // A log of another config is no reason to be full.
    assert!(share_at(&run.config, Place::Attack(9, 99, 999)) < 1.0);
}
