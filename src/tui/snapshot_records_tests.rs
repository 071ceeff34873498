//! Pictures of whole screens of runs on rows of a table.

#![allow(clippy::unwrap_used)]

use crossterm::event::KeyCode;
use insta::assert_snapshot;

use super::fixture::{self, drawn};
use super::fixture_records::{of_strips, of_table};
use super::model::{Lower, Model, Panes};
use super::msg::Msg;
use super::snapshot_tests::{comparing_of, press};
use super::update::update;
use crate::run::{Health, Line};

fn opened(width: u16, height: u16, lines: Vec<Line>, health: Health) -> Model {
    let mut model = fixture::model(width, height);
    fixture::open(&mut model, lines, health);
    model
}

fn live(width: u16, height: u16, samples: usize) -> Model {
    opened(width, height, of_table(fixture::events(300, false), samples, true), Health::Running)
}

fn done(width: u16, height: u16) -> Model {
    opened(width, height, of_table(fixture::events(300, true), 1, true), Health::Done)
}

#[test]
fn a_record_that_comes_back() {
    for (width, height) in [(60, 16), (80, 24), (100, 30), (120, 40), (200, 60)] {
        assert_snapshot!(format!("record_live_{width}x{height}"), drawn(&live(width, height, 1)));
    }
    for (width, height) in [(80, 24), (120, 40)] {
        assert_snapshot!(format!("record_done_{width}x{height}"), drawn(&done(width, height)));
        let mut large = done(width, height);
        press(&mut large, "z");
        assert_snapshot!(format!("record_enlarged_{width}x{height}"), drawn(&large));
        update(&mut large, Msg::Key(KeyCode::PageDown.into()));
        assert_snapshot!(format!("record_scrolled_{width}x{height}"), drawn(&large));
    }
}

#[test]
fn every_field_of_a_record_can_be_reached() {
    for (width, height) in [(60, 16), (80, 24), (120, 40), (200, 60)] {
        for keys in ["", "z", "p"] {
            let mut model = done(width, height);
            press(&mut model, keys);
            let mut seen = String::new();
            for _ in 0..40 {
                seen.push_str(&drawn(&model));
                update(&mut model, Msg::Key(KeyCode::PageDown.into()));
            }
            let fields = model.run().unwrap().sheet().unwrap().fields();
            // A narrow pane cuts long names, but from ten columns on they can be told apart.
            let missing: Vec<&str> = fields
                .iter()
                .map(|told| told.field)
                .filter(|name| !seen.contains(&name[..name.len().min(7)]))
                .collect();
            assert!(missing.is_empty(), "{width}x{height} {keys:?}: {missing:?}");
            let last = drawn(&model);
            for _ in 0..40 {
                update(&mut model, Msg::Key(KeyCode::PageUp.into()));
            }
            assert!(last.contains("hospital") && drawn(&model).contains("mean ra"), "{last}");
        }
    }
}

#[test]
fn one_record_of_a_batch_at_a_time() {
    let mut model = live(120, 40, 20);
    press(&mut model, "n");
    assert_snapshot!("record_of_batch_120x40", drawn(&model));
    press(&mut model, "NN");
    let screen = drawn(&model);
    assert!(screen.contains("record 20 of 20") && screen.contains("of 20 records the first 16"), "{screen}");
}

#[test]
fn an_earlier_iterate_of_a_record() {
    let mut model = live(120, 40, 1);
    press(&mut model, "hh");
    assert_snapshot!("record_scrubbed_120x40", drawn(&model));
}

#[test]
fn without_a_ground_truth_there_is_no_column_of_it() {
    let lines = of_table(fixture::events(300, false), 1, false);
    let screen = drawn(&opened(120, 40, lines, Health::Running));
    assert!(
        !screen.contains("true*") && !screen.contains("off by") && !screen.contains("within"),
        "{screen}"
    );
    assert_snapshot!("record_without_truth_120x40", screen);
}

#[test]
fn records_in_ascii() {
    let mut model = live(80, 24, 1);
    model.theme.ascii = true;
    let screen = drawn(&model);
    // The word of a field is the table's own.
    assert!(screen.is_ascii(), "{screen}");
    assert_snapshot!("record_ascii_80x24", screen);
    press(&mut model, "z");
    update(&mut model, Msg::Key(KeyCode::PageDown.into()));
    assert!(drawn(&model).lines().all(|line| line.replace('é', "e").is_ascii()), "{}", drawn(&model));
}

#[test]
fn strips_of_an_earlier_gialab_are_no_pictures() {
    let screen = drawn(&opened(80, 24, of_strips(fixture::events(300, true)), Health::Done));
    assert!(screen.contains("an earlier gialab kept no fields"), "{screen}");
    assert!(!screen.contains('▀'), "{screen}");
}

#[test]
fn records_of_several_runs() {
    for (width, height) in [(80, 24), (120, 40), (200, 60)] {
        let mut model = comparing_of(width, height, |lines| of_table(lines, 2, true));
        model.compare.lower = Lower::Pictures;
        assert_snapshot!(format!("record_compare_{width}x{height}"), drawn(&model));
    }
    let mut model = comparing_of(80, 24, |lines| of_table(lines, 1, true));
    model.theme.ascii = true;
    model.compare.lower = Lower::Pictures;
    assert!(drawn(&model).lines().all(|line| line.replace('é', "e").is_ascii()), "{}", drawn(&model));
}

#[test]
fn records_can_be_drawn_at_every_size() {
    for width in [1, 20, 60, 61, 79, 100, 133, 220] {
        for height in [1, 3, 16, 17, 30, 70] {
            for ascii in [false, true] {
                let compared = comparing_of(width, height, |lines| of_table(lines, 2, true));
                for mut model in [live(width, height, 20), compared] {
                    model.theme.ascii = ascii;
                    model.compare.lower = Lower::Pictures;
                    for panes in [Panes::Beside, Panes::Only, Panes::Hidden] {
                        model.panes = panes;
                        drawn(&model);
                        update(&mut model, Msg::Key(KeyCode::PageDown.into()));
                        drawn(&model);
                    }
                }
            }
        }
    }
}

#[test]
fn confidence_has_a_column_where_an_attack_tells_it() {
    let mut lines = of_table(fixture::events(300, true), 1, true);
    for line in &mut lines {
        if let crate::run::Event::Rows { table, .. } = &mut line.event {
            let cells = table.rows.iter_mut().flat_map(|row| &mut row.cells).enumerate();
            cells.for_each(|(at, cell)| cell.confidence = Some(1.0 - at as f64 / 40.0));
        }
    }
    let mut model = opened(120, 40, lines, Health::Done);
    press(&mut model, "z");
    assert_snapshot!("record_confidence_120x40", drawn(&model));
    model.size = (80, 24);
    assert!(drawn(&model).contains("1.00  ✓"), "{}", drawn(&model));
    model.theme.ascii = true;
    assert!(drawn(&model).contains("mean radius"), "{}", drawn(&model));
    assert!(!drawn(&done(120, 40)).contains("confidence"));
}
