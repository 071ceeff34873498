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
    Axes::of(
        &of_trial((round, &round.trials[0]), true, options(log), theme).curves,
        Some(100),
        &options(log),
        13,
    )
}

fn chart(round: &RoundState, options: ChartOptions, ascii: bool) -> Chart<'_> {
    of_trial((round, &round.trials[0]), true, options, Theme::neutral(Depth::Mono, ascii))
}

fn drawn(round: &RoundState, options: ChartOptions, ascii: bool) -> Vec<String> {
    let area = Rect::new(0, 0, 60, 10);
    let mut buffer = Buffer::empty(area);
    chart(round, options, ascii).draw(area, &mut buffer);
    (0..area.height).map(|y| (0..area.width).map(|x| buffer[(x, y)].symbol().to_owned()).collect()).collect()
}

#[test]
fn a_log_axis_begins_at_a_decade_and_ends_with_the_data() {
    let axes = axes(&round(&[&[(1, 1.0), (50, 2e-4)]]), true).unwrap();
    assert_eq!((axes.scale.low, axes.scale.high, axes.x_end), (-4.0, 0.0, 100.0));
    let labels: Vec<String> = axes.ticks(13).into_iter().map(|(_, label)| label).collect();
    assert_eq!(labels, ["1e-04", "1e-02", "1e+00"]);
    assert_eq!((axes.height(1e-4), axes.height(1.0), axes.height(-1.0)), (Some(0.0), Some(1.0), None));
}

#[test]
fn no_label_stands_above_the_data_and_most_of_the_height_is_used() {
    for (least, most) in [(2e-4, 30.0), (1e-3, 1.1), (0.9, 1.0), (0.3, 0.99), (4e-9, 9.7e-2), (1.0, 12.5)] {
        for log in [true, false] {
            for rows in 4..40 {
                let (bottom, top) = if log { (f64::log10(least), f64::log10(most)) } else { (0.0, most) };
                let scale = Scale::of(bottom, top, rows, log);
                let axes = Axes { x_end: 1.0, log, scale };
                let ticks = axes.ticks(rows);
                let labels: Vec<&String> = ticks.iter().map(|(_, label)| label).collect();
                let values: Vec<f64> = labels.iter().map(|label| label.parse().unwrap()).collect();
                assert!(values.is_sorted_by(|a, b| a < b), "{labels:?}");
                assert!(values.len() > 1 && values.iter().all(|value| *value <= 1.13 * most), "{labels:?}");
                assert!(scale.high >= top - 1e-9, "{scale:?}");
                let used = (top - scale.low) / (scale.high - scale.low);
                assert!(used > 0.5 || rows < 8, "{least} to {most}, {rows} rows: {scale:?} uses {used}");
                let at: Vec<f64> = ticks.iter().map(|(height, _)| height * (rows - 1) as f64).collect();
                assert!(at.windows(3).all(|row| (row[2] - 2.0 * row[1] + row[0]).abs() < 1e-9), "{at:?}");
            }
        }
    }
}

#[test]
fn a_constant_loss_still_has_an_axis() {
    for (value, log) in [(1.0, true), (0.0, false), (0.37, true), (0.37, false)] {
        let axes = axes(&round(&[&[(1, value), (2, value)]]), log).unwrap();
        assert!(axes.scale.high > axes.scale.low);
    }
}

#[test]
fn a_falling_loss_falls_on_the_screen() {
    let points: Vec<(usize, f64)> = (1..=100).map(|i| (i, 10f64.powf(-(i as f64) / 25.0))).collect();
    let raw = ChartOptions { smooth: false, ..options(true) };
    let rows = drawn(&round(&[&points]), raw, true);
    let column = |row: &String| row.char_indices().filter(|(_, c)| *c == '*').map(|(x, _)| x).max();
    let (top, bottom) = (column(&rows[2]).unwrap(), column(&rows[8]).unwrap());
    assert!(top < bottom, "{rows:#?}");
    let labels: Vec<usize> = (1..9).filter(|row| rows[*row].trim_start().starts_with("1e")).collect();
    assert_eq!(labels, [2, 5, 8], "{rows:#?}");
    assert!(rows[2].starts_with("  1e+00") && rows[8].starts_with("  1e-04"), "{rows:#?}");
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
    let cursor = ChartOptions { cursor: Some(0.25), smooth: false, ..options(true) };
    let rows = drawn(&round(&[&points]), cursor, true);
    assert!(rows[0].contains("it 25") && rows[0].contains("matching 2.5e+01"), "{rows:#?}");
    assert!(rows[1..9].iter().filter(|row| row.contains(':')).count() > 4, "{rows:#?}");
    // Where the curve has not come yet there is nothing to read.
    let rows = drawn(&round(&[&points[..40]]), ChartOptions { cursor: Some(0.75), ..cursor }, true);
    assert!(rows[0].contains("it 75") && rows[0].contains("matching       -"), "{rows:#?}");
}

#[test]
fn the_best_trial_is_marked_by_its_matching_loss_and_the_others_stay_behind() {
    let round = round(&[&[(1, 1.0), (100, 0.1)], &[(1, 1.0), (60, 1e-3)]]);
    let rows = drawn(&round, ChartOptions { smooth: false, ..options(true) }, true);
    let marks: usize = rows[1..].iter().map(|row| row.matches('@').count()).sum();
    assert_eq!(marks, 1, "{rows:#?}");
    // Trial 2 goes down to 1e-3, at 60 of 100 iterations; trial 1 is shown in front.
    let at = rows[8].find('@').unwrap();
    assert!((35..43).contains(&at), "{rows:#?}");
    assert!(rows.concat().contains('*') && rows.concat().contains('-'));
}

#[test]
fn the_axes_of_what_has_ended_end_with_it_and_no_label_is_said_twice() {
    let round = round(&[&[(1, 1.0), (3, 0.1)]]);
    for (clock, end) in [(true, "3.0 s"), (false, "3 it")] {
        let area = Rect::new(0, 0, 60, 10);
        let mut buffer = Buffer::empty(area);
        let options = ChartOptions { clock, ..options(true) };
        Chart { planned: None, ..chart(&round, options, true) }.draw(area, &mut buffer);
        let axis: String = (0..60).map(|x| buffer[(x, 9)].symbol()).collect();
        assert!(axis.trim_end().ends_with(end), "{axis}");
        let labels: Vec<&str> = axis.split("  ").map(str::trim).filter(|label| !label.is_empty()).collect();
        let mut once = labels.clone();
        once.dedup();
        assert_eq!(labels, once);
    }
}

#[test]
fn the_legend_says_what_the_bright_line_shows() {
    let points: Vec<(usize, f64)> = (1..=100).map(|i| (i, 10f64.powf(-(i as f64) / 25.0))).collect();
    let round = round(&[&points]);
    let raw = drawn(&round, ChartOptions { smooth: false, ..options(true) }, true);
    assert!(raw[0].contains("matching 1.0e-04"), "{raw:#?}");
    let smoothed = drawn(&round, options(true), true);
    let last = round.trials[0].matching.buckets().last().unwrap().smooth;
    assert!(
        last > 1.5e-4 && smoothed[0].contains(&format!("matching {}", format::loss(last))),
        "{smoothed:#?}"
    );
    assert_eq!((how(&options(true)), how(&options(false))), ("log, smoothed", "linear, smoothed"));
}

#[test]
fn the_iteration_looked_at_is_a_line() {
    let area = Rect::new(0, 0, 60, 10);
    let mut buffer = Buffer::empty(area);
    let round = round(&[&[(1, 1.0), (100, 0.9)]]);
    Chart { looked_at: Some(50), ..chart(&round, options(true), true) }.draw(area, &mut buffer);
    let lines: Vec<u16> = (9..60).filter(|x| (3..8).all(|y| buffer[(*x, y)].symbol() == "'")).collect();
    let plot = plot(area);
    assert_eq!(lines, [plot.x + ((plot.width - 1) as f64 * 0.5).round() as u16]);
}

#[test]
fn where_only_the_average_is_drawn_the_mark_is_on_it() {
    let points: Vec<(usize, f64)> = (1..=100).map(|i| (i, if i == 60 { 1e-6 } else { 1.0 })).collect();
    let round = round(&[&points]);
    let row = |raw: bool| {
        let mut chart = chart(&round, options(true), true);
        if !raw {
            chart.curves.iter_mut().for_each(|curve| curve.raw = None);
        }
        let area = Rect::new(0, 0, 60, 10);
        let mut buffer = Buffer::empty(area);
        chart.draw(area, &mut buffer);
        (1..9).find(|y| (8..60).any(|x| buffer[(x, *y)].symbol() == "@")).unwrap()
    };
    assert!(row(true) > row(false) + 3, "{} {}", row(true), row(false));
}
