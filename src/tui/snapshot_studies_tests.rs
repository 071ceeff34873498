//! Pictures of the screen of studies, in every state.

#![allow(clippy::unwrap_used)]

use crossterm::event::KeyCode;
use insta::assert_snapshot;

use super::fixture::{self, drawn};
use super::fixture_studies::{batches, briefs, seen_of, widths};
use super::model::Model;
use super::msg::Msg;
use super::snapshot_tests::press;
use super::update::update;
use crate::study::{Groups, Snapshot};

const SIZES: [(u16, u16); 4] = [(80, 24), (100, 30), (120, 40), (200, 60)];

fn list(width: u16, height: u16) -> Model {
    let mut model = fixture::model(width, height);
    press(&mut model, "5");
    update(&mut model, Msg::StudiesListed(briefs()));
    model
}

fn opened(width: u16, height: u16, snapshot: Snapshot) -> Model {
    let mut model = list(width, height);
    model.studies_view.selected = snapshot.brief.name.clone();
    let mut rows = briefs();
    rows.push(snapshot.brief.clone());
    update(&mut model, Msg::StudiesListed(rows));
    update(&mut model, Msg::Key(KeyCode::Enter.into()));
    let study = snapshot.brief.name.clone();
    update(&mut model, Msg::StudyRead { study, snapshot: Ok(Box::new(snapshot)) });
    model
}

#[test]
fn list_of_studies() {
    for (width, height) in SIZES {
        assert_snapshot!(format!("studies_{width}x{height}"), drawn(&list(width, height)));
    }
    let mut model = fixture::model(80, 24);
    press(&mut model, "5");
    assert!(drawn(&model).contains("reading the studies"));
}

#[test]
fn a_matrix_fills_in() {
    for (width, height) in SIZES {
        let mut model = opened(width, height, batches(40));
        press(&mut model, "j");
        assert_snapshot!(format!("study_{width}x{height}"), drawn(&model));
    }
    assert_snapshot!("study_begins_80x24", drawn(&opened(80, 24, batches(0))));
    assert_snapshot!("study_done_80x24", drawn(&opened(80, 24, batches(66))));
    let mut shares = opened(120, 40, batches(66));
    press(&mut shares, "fl l ");
    assert_snapshot!("study_shares_120x40", drawn(&shares));
}

#[test]
fn a_single_axis_goes_down_and_scrolls() {
    for (width, height) in SIZES {
        let mut model = opened(width, height, widths(200));
        press(&mut model, "G");
        assert_snapshot!(format!("study_single_{width}x{height}"), drawn(&model));
    }
}

#[test]
fn cells_are_compared_as_groups() {
    for (width, height) in SIZES {
        let mut model = opened(width, height, batches(40));
        press(&mut model, "cj");
        let shown = model.compare.groups.as_ref().unwrap();
        let (study, cells) = (shown.study.clone(), shown.cells.clone());
        assert!(drawn(&model).contains("reading the runs of the groups"));
        let of = batches(40).study;
        let groups = Ok(Box::new(Groups::of(&of, &seen_of(&of, 40), &cells)));
        update(&mut model, Msg::GroupsRead { study, cells, groups });
        assert_snapshot!(format!("groups_{width}x{height}"), drawn(&model));
        model.theme.ascii = true;
        assert!(drawn(&model).is_ascii());
    }
}

#[test]
fn a_study_in_ascii() {
    let mut model = opened(120, 40, batches(40));
    model.theme.ascii = true;
    let screen = drawn(&model);
    assert!(screen.is_ascii(), "{screen}");
    assert_snapshot!("study_ascii_120x40", screen);
}

#[test]
fn what_a_study_would_take_is_said_before_it_begins() {
    let mut model = opened(80, 24, batches(12));
    model
        .studies_view
        .opened
        .as_mut()
        .unwrap()
        .current
        .as_mut()
        .unwrap()
        .as_mut()
        .unwrap()
        .brief
        .is_conducted = false;
    press(&mut model, "r");
    assert_snapshot!("study_parts_80x24", drawn(&model));
    update(&mut model, Msg::Key(KeyCode::Enter.into()));
    assert_snapshot!("study_confirm_80x24", drawn(&model));
    update(&mut model, Msg::Key(KeyCode::Esc.into()));
    update(&mut model, Msg::Key(KeyCode::Enter.into()));
    assert_snapshot!("study_runs_80x24", drawn(&model));
    update(&mut model, Msg::Key(KeyCode::Esc.into()));
    press(&mut model, "d");
    assert_snapshot!("study_described_80x24", drawn(&model));
}

#[test]
fn every_size_from_the_smallest_up_can_be_drawn() {
    for (width, height) in [(60, 16), (61, 40), (79, 17), (300, 16), (250, 90)] {
        for snapshot in [batches(0), batches(31), batches(66), widths(7)] {
            let mut model = opened(width, height, snapshot);
            drawn(&model);
            press(&mut model, "lllllljjjjjjjjj f");
            drawn(&model);
        }
        drawn(&list(width, height));
    }
}
