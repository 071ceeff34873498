#![allow(clippy::unwrap_used)]
use super::*;
use crate::gfx::Depth;
use crate::run::Line as EventLine;
use crate::run::event::{Event, Point, VERSION};
use crate::run::state::{RoundState, RunState};

/// A round with one trial for each list of (iteration, matching loss), a second an iteration.
fn round(trials: &[&[(usize, f64)]]) -> RoundState {
    let mut state = RunState::default();
    let mut apply = |t: f64, event| state.apply(EventLine { v: VERSION, t, event });
    apply(
        0.0,
        Event::Round {
            round: 0,
            update_norm: 1.0,
            accuracy: None,
            batch: 1,
            parameters: 1,
            input: 1,
            trials: trials.len(),
            iterations: 100,
        },
    );
    for (trial, points) in trials.iter().enumerate() {
        apply(0.0, Event::Trial { round: 0, trial, labels: vec![] });
        let best = points.iter().copied().min_by(|a, b| a.1.total_cmp(&b.1)).unwrap();
        for (iteration, matching) in points.iter().copied() {
            let progress = Event::Progress {
                round: 0,
                trial,
                points: vec![Point { iteration, matching, prior: 0.0 }],
                evaluations: 1,
                learning_rate: 0.1,
                best_iteration: best.0,
                best: best.1,
            };
            apply(iteration as f64, progress);
        }
    }
    state.rounds.remove(0)
}

fn options(log: bool) -> ChartOptions {
    ChartOptions { log, ..ChartOptions::default() }
}

fn axes(round: &RoundState, log: bool) -> Option<Axes> {
    let theme = Theme::neutral(Depth::Mono, false);
    Axes::of(&of_trial(round, &round.trials[0], options(log), theme).curves, 100, &options(log))
}

fn drawn(round: &RoundState, options: ChartOptions, ascii: bool) -> Vec<String> {
    let area = Rect::new(0, 0, 60, 10);
    let mut buffer = Buffer::empty(area);
    of_trial(round, &round.trials[0], options, Theme::neutral(Depth::Mono, ascii)).draw(area, &mut buffer);
    (0..area.height).map(|y| (0..area.width).map(|x| buffer[(x, y)].symbol().to_owned()).collect()).collect()
}

#[test]
fn a_log_axis_covers_whole_decades() {
    let axes = axes(&round(&[&[(1, 30.0), (50, 2e-4)]]), true).unwrap();
    assert_eq!((axes.low, axes.high, axes.x_end), (-4.0, 2.0, 100.0));
    assert_eq!(axes.height(1e-4), Some(0.0));
    assert_eq!(axes.height(100.0), Some(1.0));
    assert_eq!(axes.height(-1.0), None);
}

#[test]
fn a_constant_loss_still_has_an_axis() {
    for (value, log) in [(1.0, true), (0.0, false)] {
        let axes = axes(&round(&[&[(1, value), (2, value)]]), log).unwrap();
        assert!(axes.high > axes.low);
    }
}

#[test]
fn a_falling_loss_falls_on_the_screen() {
    let points: Vec<(usize, f64)> = (1..=100).map(|i| (i, 10f64.powf(-(i as f64) / 25.0))).collect();
    let raw = ChartOptions { smooth: false, ..options(true) };
    let rows = drawn(&round(&[&points]), raw, true);
    let column = |row: &String| row.char_indices().filter(|(_, c)| *c == '*').map(|(x, _)| x).max();
    let (top, bottom) = (column(&rows[1]).unwrap(), column(&rows[8]).unwrap());
    assert!(top < bottom, "{rows:#?}");
    assert!(rows[1].starts_with("  1e+00") && rows[8].starts_with("  1e-04"), "{rows:#?}");
}

#[test]
fn a_loss_that_is_not_a_number_is_a_mark() {
    let rows = drawn(&round(&[&[(1, 1.0), (50, f64::NAN), (99, 0.5)]]), options(true), true);
    assert_eq!(rows[1].matches('X').count(), 1, "{rows:#?}");
}

#[test]
fn zero_on_a_log_axis_is_left_out_and_all_zero_says_so() {
    assert!(drawn(&round(&[&[(1, 0.0)]]), options(true), false).concat().contains("no positive loss"));
    assert!(drawn(&round(&[&[(1, 0.0)]]), options(false), false).concat().contains("0.0e+00"));
}

#[test]
fn over_seconds_the_axis_ends_where_the_clock_does() {
    let round = round(&[&[(1, 1.0), (40, 0.1)]]);
    let clock = ChartOptions { clock: true, ..options(true) };
    let rows = drawn(&round, clock, true);
    assert!(rows[9].contains("00:50"), "{rows:#?}");
    assert!(!rows[9].contains("100 it"), "{rows:#?}");
}

#[test]
fn the_cursor_reads_the_curve_off() {
    let points: Vec<(usize, f64)> = (1..=100).map(|i| (i, i as f64)).collect();
    let cursor = ChartOptions { cursor: Some(0.25), ..options(true) };
    let rows = drawn(&round(&[&points]), cursor, true);
    assert!(rows[0].contains("it 25") && rows[0].contains("matching 2.5e+01"), "{rows:#?}");
    assert!(rows[1..9].iter().filter(|row| row.contains(':')).count() > 4, "{rows:#?}");
}

#[test]
fn the_best_trial_is_marked_by_its_matching_loss_and_the_others_stay_behind() {
    let round = round(&[&[(1, 1.0), (100, 0.1)], &[(1, 1.0), (60, 1e-3)]]);
    let rows = drawn(&round, options(true), true);
    let marks: usize = rows[1..].iter().map(|row| row.matches('@').count()).sum();
    assert_eq!(marks, 1, "{rows:#?}");
    // Trial 2 goes down to 1e-3, at 60 of 100 iterations; trial 1 is shown in front.
    let at = rows[8].find('@').unwrap();
    assert!((35..43).contains(&at), "{rows:#?}");
    assert!(rows.concat().contains('*') && rows.concat().contains('-'));
}
