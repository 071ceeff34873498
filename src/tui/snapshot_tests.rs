//! Pictures of whole screens. After a change: `INSTA_UPDATE=always cargo test --release --lib tui::`, then
//! look at every one that changed.

use insta::assert_snapshot;

use super::fixture::{self, drawn};
use super::model::{Model, Panes, Screen};
use super::msg::Msg;
use super::overlay::Overlay;
use super::update::update;
use crate::run::Health;

fn live(width: u16, height: u16) -> Model {
    let mut model = fixture::model(width, height);
    fixture::open(&mut model, fixture::events(300, false), Health::Running);
    model
}

fn done(width: u16, height: u16) -> Model {
    let mut model = fixture::model(width, height);
    fixture::open(&mut model, fixture::events(300, true), Health::Done);
    model
}

fn runs(width: u16, height: u16, more: usize) -> Model {
    let mut model = fixture::model(width, height);
    update(&mut model, Msg::RunsListed(fixture::rows(more)));
    model.screen = Screen::Runs;
    model
}

#[test]
fn presets() {
    assert_snapshot!("presets_80x24", drawn(&fixture::model(80, 24)));
    assert_snapshot!("presets_120x40", drawn(&fixture::model(120, 40)));
}

#[test]
fn run_live() {
    assert_snapshot!("run_live_80x24", drawn(&live(80, 24)));
    assert_snapshot!("run_live_120x40", drawn(&live(120, 40)));
    let mut large = live(80, 24);
    large.panes = Panes::Only;
    assert_snapshot!("run_live_pictures_80x24", drawn(&large));
    large.panes = Panes::Hidden;
    assert_snapshot!("run_live_chart_80x24", drawn(&large));
}

#[test]
fn run_done() {
    assert_snapshot!("run_done_80x24", drawn(&done(80, 24)));
    assert_snapshot!("run_done_120x40", drawn(&done(120, 40)));
}

#[test]
fn run_in_ascii() {
    let mut model = live(80, 24);
    model.theme.ascii = true;
    let screen = drawn(&model);
    assert!(screen.is_ascii(), "{screen}");
    assert_snapshot!("run_live_ascii_80x24", screen);
}

#[test]
fn list_of_runs() {
    assert_snapshot!("runs_80x24", drawn(&runs(80, 24, 4)));
    assert_snapshot!("runs_120x40", drawn(&runs(120, 40, 40)));
}

#[test]
fn empty_store() {
    let mut model = fixture::model(80, 24);
    update(&mut model, Msg::RunsListed(Vec::new()));
    model.screen = Screen::Runs;
    assert_snapshot!("runs_empty_80x24", drawn(&model));
}

#[test]
fn overlays() {
    let mut model = fixture::model(80, 24);
    model.overlays.push(Overlay::Help { scroll: 0 });
    assert_snapshot!("help_80x24", drawn(&model));
    let mut model = live(80, 24);
    update(&mut model, Msg::Key(crossterm::event::KeyCode::Char('s').into()));
    assert_snapshot!("confirm_stop_80x24", drawn(&model));
    let mut model = fixture::model(80, 24);
    update(&mut model, Msg::Key(crossterm::event::KeyCode::Char('c').into()));
    assert_snapshot!("edit_80x24", drawn(&model));
}

#[test]
fn too_small() {
    assert_snapshot!("too_small_50x12", drawn(&fixture::model(50, 12)));
}

#[test]
fn every_size_from_the_smallest_up_can_be_drawn() {
    for width in [1, 20, 60, 61, 79, 99, 100, 133, 220] {
        for height in [1, 3, 16, 17, 30, 70] {
            for ascii in [false, true] {
                for mut model in [fixture::model(width, height), live(width, height), runs(width, height, 3)]
                {
                    model.theme.ascii = ascii;
                    for panes in [Panes::Beside, Panes::Only, Panes::Hidden] {
                        model.panes = panes;
                        drawn(&model);
                    }
                    model.overlays.push(Overlay::Help { scroll: 100 });
                    drawn(&model);
                    update(&mut model, Msg::Key(crossterm::event::KeyCode::Esc.into()));
                    update(&mut model, Msg::Key(crossterm::event::KeyCode::Char('c').into()));
                    drawn(&model);
                }
            }
        }
    }
}
