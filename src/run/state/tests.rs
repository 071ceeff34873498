//! What events add up to, in order and out of it.

#![allow(clippy::unwrap_used)]
use super::fold::{LOG, PICTURES, TABLES};
use super::*;
use crate::run::Status;
use crate::run::event::{Event, Line, PictureOf};
use crate::run::event::{Spread, VERSION};

fn metrics(psnr: f64) -> Metrics {
    let spread = Some(Spread { mean: psnr, best: psnr, worst: psnr });
    Metrics { mse: spread, psnr: spread, label_accuracy: Some(1.0), ..Metrics::default() }
}

fn picture(trial: usize, iteration: usize, what: PictureOf) -> Event {
    let tiles = Tiles { samples: 1, columns: 1, width: 2, height: 2 };
    let trial = (!matches!(what, PictureOf::Truth | PictureOf::Reconstruction)).then_some(trial);
    let file = format!("pictures/{iteration}.png");
    Event::Picture { round: 0, trial, iteration, what, file, tiles, metrics: None }
}

fn progress(trial: usize, from: usize, to: usize) -> Event {
    let points = (from..=to)
        .map(|iteration| Point { iteration, matching: 1.0 / iteration as f64, prior: 0.5 })
        .collect();
    Event::Progress {
        round: 0,
        trial,
        points,
        evaluations: to + 1,
        learning_rate: 0.1,
        best_iteration: to,
        best: 0.5 + 1.0 / to as f64,
    }
}

fn result() -> RoundResult {
    RoundResult {
        round: 0,
        metrics: Some(metrics(20.0)),
        probe: None,
        accuracy: None,
        accuracy_lost: None,
        inferred: None,
        stages: Vec::new(),
        update_norm: None,
        processed: None,
        loss: 0.01,
        iteration: None,
        undescended: false,
        picked: None,
        enhanced: None,
        equation: None,
        at_truth: None,
        baselines: None,
        labels: vec![7],
        label_names: Vec::new(),
        trial: 0,
        trials: 2,
        evaluations: 8,
        seconds: 2.0,
    }
}

fn fold(events: impl IntoIterator<Item = (f64, Event)>) -> RunState {
    let mut state = RunState::default();
    for (t, event) in events {
        state.apply(Line { v: VERSION, t, event });
    }
    state
}

fn begun() -> Vec<(f64, Event)> {
    let round = Event::Round {
        round: 0,
        update_norm: 3.0,
        accuracy: None,
        batch: 1,
        parameters: 10,
        input: 4,
        trials: 3,
        iterations: 100,
    };
    vec![(0.0, round), (0.0, Event::Trial { round: 0, trial: 0, labels: vec![7] })]
}

#[test]
fn progress_adds_up() {
    let mut events = begun();
    events.push((1.0, progress(0, 1, 10)));
    events.push((2.0, progress(0, 11, 20)));
    let state = fold(events);
    let at = state.position().unwrap();
    assert_eq!((at.trial, at.trials, at.iteration, at.iterations), (1, 3, 20, 100));
    let trial = state.rounds[0].shown_trial().unwrap();
    assert_eq!(trial.labels, [7]);
    assert_eq!(trial.total.buckets().len(), 20);
    assert_eq!(trial.last.unwrap().iteration, 20);
    assert_eq!(trial.evaluations, 21);
    assert_eq!(state.seconds, 2.0);
}

#[test]
fn a_pause_does_not_slow_the_speed() {
    let mut events = begun();
    events.push((1.0, progress(0, 1, 10)));
    events.push((1.0, Event::Paused));
    let mut state = fold(events);
    assert!(state.paused);
    state.apply(Line { v: VERSION, t: 1000.0, event: Event::Continued });
    state.apply(Line { v: VERSION, t: 1000.1, event: progress(0, 11, 11) });
    state.apply(Line { v: VERSION, t: 1000.2, event: progress(0, 12, 12) });
    assert!(!state.paused);
    assert_eq!(state.iterations_per_second().map(f64::round), Some(10.0));
}

#[test]
fn a_resume_voids_what_came_after_the_checkpoint() {
    let mut events = begun();
    events.push((0.1, picture(0, 0, PictureOf::Truth)));
    events.push((1.0, progress(0, 1, 100)));
    events.push((1.0, picture(0, 50, PictureOf::Current)));
    events.push((1.0, picture(0, 100, PictureOf::Current)));
    events.push((1.0, picture(0, 100, PictureOf::Best)));
    events.push((1.0, Event::Metrics { round: 0, trial: 0, iteration: 100, metrics: metrics(20.0) }));
    events.push((1.0, Event::Trial { round: 0, trial: 1, labels: vec![7] }));
    events.push((1.5, progress(1, 1, 5)));
    events.push((2.0, Event::Resumed { round: 0, trial: 0, iteration: 60 }));
    let mut state = fold(events);
    let round = state.current_round().unwrap();
    assert_eq!(round.trials.len(), 1);
    let trial = &round.trials[0];
    assert_eq!(trial.total.last_x(), Some(60.0));
    assert_eq!(trial.iteration, 60);
    assert_eq!(trial.pictures.iter().map(|p| p.iteration).collect::<Vec<_>>(), [50]);
    assert!(trial.best_pictures.is_empty() && trial.metrics.is_none());
    assert!(round.truth.is_some());
    state.apply(Line { v: VERSION, t: 3.0, event: progress(0, 61, 70) });
    assert_eq!(state.position().unwrap().iteration, 70);
    assert_eq!(state.iterations_per_second(), Some(10.0));
}

#[test]
fn a_truth_stored_before_its_round_is_kept() {
    let mut events = begun();
    events.insert(0, (0.0, picture(0, 0, PictureOf::Truth)));
    assert!(fold(events).rounds[0].truth.is_some());
}

#[test]
fn a_round_announced_anew_keeps_its_trials() {
    let mut events = begun();
    events.push((1.0, progress(0, 1, 10)));
    events.push((0.9, begun().remove(0).1));
    events.push((0.9, Event::Resumed { round: 0, trial: 0, iteration: 8 }));
    let state = fold(events);
    assert_eq!(state.rounds.len(), 1);
    assert_eq!(state.rounds[0].trials[0].total.last_x(), Some(8.0));
    assert_eq!(state.seconds, 0.9);
}

#[test]
fn training_is_told_between_attacks() {
    let trained = |round| (1.0, Event::Trained { round, loss: 2.0, accuracy: 0.25 });
    let mut events = vec![trained(0)];
    assert_eq!(fold(events.clone()).training().map(|trained| trained.round), Some(0));
    events.extend(begun());
    assert_eq!(fold(events.clone()).training(), None);
    let result = RoundResult { trials: 3, ..result() };
    events.push((2.0, Event::RoundFinished(Box::new(result))));
    assert_eq!(fold(events.clone()).training(), None);
    events.extend([trained(1), trained(2)]);
    let state = fold(events.clone());
    assert_eq!(state.training().map(|trained| trained.round), Some(2));
    assert_eq!(state.trained.len(), 3);
    // Trained again after a resume.
    events.push(trained(1));
    assert_eq!(fold(events).trained.iter().map(|trained| trained.round).collect::<Vec<_>>(), [0, 1]);
}

#[test]
fn the_end_of_a_round_shows_the_chosen_trial() {
    let mut events = begun();
    for trial in 0..2 {
        events.push((1.0, Event::Trial { round: 0, trial, labels: vec![] }));
        events.push((1.0, progress(trial, 1, 3)));
        events.push((
            1.0,
            Event::TrialFinished {
                round: 0,
                trial,
                outcome: TrialOutcome::Completed,
                best: 0.1,
                matching: 0.01 * (trial + 1) as f64,
                best_iteration: 3,
                evaluations: 4,
                seconds: 1.0,
                metrics: Some(metrics(20.0 + trial as f64)),
                labels: vec![7],
            },
        ));
    }
    let result = result();
    events.push((2.0, Event::RoundFinished(Box::new(result.clone()))));
    events.push((
        2.0,
        Event::Finished(Finished {
            status: Status::Done,
            run: "r".into(),
            rounds: vec![result],
            error: None,
            interrupted: false,
        }),
    ));
    let state = fold(events);
    let shown = state.current_round().unwrap().shown_trial().unwrap();
    assert_eq!((shown.trial, shown.matching_loss()), (0, Some(0.01)));
    assert_eq!(shown.latest_metrics().unwrap().psnr.unwrap().mean, 20.0);
    assert!(state.finished.is_some());
}

#[test]
fn events_out_of_place_are_harmless() {
    let state = fold([
        (0.0, progress(0, 1, 3)),
        (0.0, Event::Metrics { round: 0, trial: 0, iteration: 1, metrics: metrics(20.0) }),
        (f64::NAN, Event::Unknown),
        (0.0, picture(3, 1, PictureOf::Current)),
        (0.0, Event::Resumed { round: 9, trial: 0, iteration: 1 }),
    ]);
    assert_eq!(state.unknown, 1);
    assert!(state.position().is_none());
}

#[test]
fn what_was_announced_in_lines_left_out_is_made_from_what_follows() {
    let mut events = begun();
    events.push((0.0, picture(0, 0, PictureOf::Truth)));
    events.push((9.0, progress(2, 41, 50)));
    events.push((9.0, picture(2, 50, PictureOf::Current)));
    events.push((9.0, Event::Metrics { round: 0, trial: 2, iteration: 50, metrics: metrics(20.0) }));
    let state = fold(events);
    let at = state.position().unwrap();
    assert_eq!((at.trial, at.iteration, at.iterations), (3, 50, 100));
    let trial = state.current_round().unwrap().shown_trial().unwrap();
    assert!(trial.labels.is_empty() && trial.metrics.is_some());
    assert_eq!((trial.trial, trial.pictures.len()), (2, 1));
}

#[test]
fn a_round_whose_announcement_was_left_out_is_like_the_one_before() {
    let mut events = begun();
    let Event::Progress { points, .. } = progress(0, 1, 5) else { unreachable!() };
    events.push((
        7.0,
        Event::Progress {
            round: 5,
            trial: 1,
            points,
            evaluations: 5,
            learning_rate: 0.1,
            best_iteration: 5,
            best: 0.7,
        },
    ));
    let state = fold(events);
    let round = state.current_round().unwrap();
    assert_eq!((round.round, round.trials_planned, round.iterations, round.batch), (5, 3, 100, 1));
    assert!(round.update_norm.is_nan());
    assert_eq!(state.position().unwrap().trial, 2);
}

#[test]
fn a_resume_that_was_left_out_is_noticed_by_its_points() {
    let mut events = begun();
    events.push((1.0, progress(0, 1, 80)));
    events.push((1.0, Event::Trial { round: 0, trial: 1, labels: vec![7] }));
    events.push((2.0, progress(1, 1, 5)));
    events.push((2.0, progress(0, 61, 70)));
    let state = fold(events);
    let at = state.position().unwrap();
    assert_eq!((at.trial, at.iteration), (1, 70));
    assert_eq!(state.rounds[0].trials[0].total.last_x(), Some(70.0));
}

#[test]
fn the_last_line_holds_the_results_of_rounds_that_were_left_out() {
    let result = RoundResult { trials: 3, ..result() };
    let mut events = begun();
    let rounds = vec![result];
    events.push((
        2.0,
        Event::Finished(Finished {
            status: Status::Done,
            run: "r".into(),
            rounds,
            error: None,
            interrupted: false,
        }),
    ));
    assert_eq!(fold(events).rounds[0].result.as_ref().map(|result| result.loss), Some(0.01));
}

#[test]
fn log_and_pictures_are_bounded() {
    let mut events = begun();
    for i in 0..3000 {
        events.push((0.0, Event::Log { level: Level::Info, message: i.to_string() }));
        events.push((0.0, picture(0, i, PictureOf::Current)));
    }
    let state = fold(events);
    assert_eq!(state.log.len(), LOG);
    assert_eq!(state.log.back().unwrap().message, "2999");
    let pictures = &state.rounds[0].trials[0].pictures;
    assert!(pictures.len() <= PICTURES);
    assert_eq!(pictures.last().unwrap().iteration, 2999);
}

fn rows(trial: Option<usize>, iteration: usize, what: PictureOf) -> Event {
    let table = r#"{ "set": "wine", "samples": 2, "width": 1, "fields": [{ "name": "ash" }], "target": "class",
        "rows": [{ "cells": [{ "number": 2.5 }] }] }"#;
    Event::Rows {
        round: 0,
        trial,
        iteration,
        what,
        table: serde_json::from_str(table).unwrap(),
        metrics: None,
    }
}

#[test]
fn rows_of_a_table_stand_where_pictures_do() {
    let mut events = vec![(0.0, rows(None, 0, PictureOf::Truth))];
    events.extend(begun());
    events.push((0.5, rows(Some(0), 1, PictureOf::Current)));
    events.push((0.6, rows(Some(0), 20, PictureOf::Current)));
    events.push((0.6, rows(Some(0), 19, PictureOf::Best)));
    let state = fold(events.clone());
    let (round, trial) = (&state.rounds[0], &state.rounds[0].trials[0]);
    let truth = round.truth.as_ref().unwrap();
    assert_eq!((truth.rows().unwrap().set.as_str(), truth.file(), truth.is_of_table()), ("wine", None, true));
    assert_eq!((truth.tiles.samples, truth.tiles.height), (2, 1));
    let iterations =
        |pictures: &[Picture]| pictures.iter().map(|picture| picture.iteration).collect::<Vec<_>>();
    assert_eq!((iterations(&trial.pictures), iterations(&trial.best_pictures)), (vec![1, 20], vec![19]));
    events.push((0.7, rows(None, 19, PictureOf::Reconstruction)));
    events.push((0.8, Event::Resumed { round: 0, trial: 0, iteration: 10 }));
    let state = fold(events);
    assert_eq!(iterations(&state.rounds[0].trials[0].pictures), [1]);
    assert!(state.rounds[0].trials[0].best_pictures.is_empty() && state.rounds[0].reconstruction.is_none());
    assert!(state.rounds[0].truth.is_some());
}

#[test]
fn of_rows_fewer_are_kept_than_of_pictures() {
    let mut events = begun();
    events.extend((1..1000).map(|i| (0.0, rows(Some(0), i, PictureOf::Current))));
    let pictures = &fold(events).rounds[0].trials[0].pictures;
    assert!((TABLES / 2..=TABLES).contains(&pictures.len()));
    assert_eq!((pictures[0].iteration, pictures.last().unwrap().iteration), (1, 999));
}
