//! The screen of studies.

use super::*;
use crate::study::{Brief, Groups, Snapshot};
use crate::tui::fixture_studies::{batches, briefs, seen_of};
use crate::tui::studies::Attention;

fn listed() -> Model {
    let mut model = fixture::model(120, 40);
    press(&mut model, "5");
    update(&mut model, Msg::StudiesListed(briefs()));
    model
}

/// A study that nobody computes, looked into.
fn opened(done: usize) -> Model {
    let mut model = listed();
    code(&mut model, KeyCode::Enter);
    let mut snapshot = batches(done);
    (snapshot.brief.is_conducted, snapshot.brief.whole.live) = (false, 0);
    arrived(&mut model, snapshot);
    model
}

fn arrived(model: &mut Model, snapshot: Snapshot) -> Vec<Effect> {
    let study = snapshot.brief.name.clone();
    update(model, Msg::StudyRead { study, snapshot: Ok(Box::new(snapshot)) })
}

fn said(model: &Model) -> &str {
    &model.notice.as_ref().unwrap().text
}

#[test]
fn only_what_is_shown_of_the_studies_is_read() {
    let mut model = fixture::model(80, 24);
    assert!(press(&mut model, "5").contains(&Effect::Attend(Attention::List)));
    update(&mut model, Msg::StudiesListed(briefs()));
    let effects = code(&mut model, KeyCode::Enter);
    assert!(effects.contains(&Effect::Attend(Attention::Study("batches".into()))), "{effects:?}");
    assert!(without_saving(press(&mut model, "j")).is_empty());
    assert!(press(&mut model, "2").contains(&Effect::Attend(Attention::Nothing)));
    // It is looked into again where it was left.
    assert!(press(&mut model, "5").contains(&Effect::Attend(Attention::Study("batches".into()))));
    assert!(code(&mut model, KeyCode::Esc).contains(&Effect::Attend(Attention::List)));
}

#[test]
fn a_study_begins_after_its_time_was_said_and_once() {
    let mut model = opened(12);
    assert!(press(&mut model, "r").is_empty());
    let Some(Overlay::List(list)) = model.overlays.last() else { panic!("{:?}", model.overlays) };
    assert_eq!(list.items.len(), 2);
    // The part that is complete is passed over.
    assert_eq!((list.items[0].reason, list.chosen), (Some("it is complete"), 1));
    assert!(code(&mut model, KeyCode::Enter).is_empty());
    let Some(Overlay::Confirm { question, detail, .. }) = model.overlays.last() else { panic!() };
    assert_eq!(question, "Go on with batches, the whole study?");
    assert!(detail.contains("54 runs to do take about 5 min"), "{detail}");
    let effects = press(&mut model, "y");
    assert_eq!(effects, [Effect::RunStudy { study: "batches".into(), quick: false }]);
    press(&mut model, "r");
    assert!(said(&model).contains("a study is being started"));
    update(&mut model, Msg::Finished(Outcome::StudyRun("batches".into(), Err("no disk".into()))));
    assert!(matches!(model.overlays.last(), Some(Overlay::Error { message }) if message == "no disk"));
    code(&mut model, KeyCode::Esc);
    press(&mut model, "r");
    assert!(matches!(model.overlays.last(), Some(Overlay::List(_))));
}

#[test]
fn what_cannot_be_run_says_why() {
    let mut model = listed();
    for (name, reason) in [
        ("batches", "it is being run"),
        ("t3", "it is complete"),
        ("a2", "it needs an attack that is not there yet"),
        ("mine", "it cannot be run; the line below says why"),
    ] {
        model.studies_view.selected = name.into();
        press(&mut model, "r");
        assert!(said(&model).contains(reason), "{name}: {}", said(&model));
        assert!(model.overlays.is_empty());
    }
    model.studies_view.selected = "a2".into();
    code(&mut model, KeyCode::Enter);
    assert!(model.study().is_none() && said(&model).contains("needs an attack"));
    model.studies_view.selected = "t2".into();
    press(&mut model, "s");
    assert!(said(&model).contains("it is not running"));
}

#[test]
fn a_study_that_runs_is_stopped_after_asking() {
    let mut model = listed();
    press(&mut model, "s");
    assert!(matches!(model.overlays.last(), Some(Overlay::Confirm { .. })));
    assert_eq!(press(&mut model, "y"), [Effect::StopStudy("batches".into())]);
    update(&mut model, Msg::Finished(Outcome::StudyStopped("batches".into(), Ok(()))));
    assert_eq!(said(&model), "asked batches to stop");
}

#[test]
fn enter_opens_the_runs_of_a_cell_and_back_leads_to_the_study() {
    let mut model = opened(12);
    press(&mut model, "jl");
    let cell = model.study().unwrap().cell;
    code(&mut model, KeyCode::Enter);
    assert_eq!(model.screen, Screen::Run, "its only run is opened at once");
    let id = model.opened.clone().unwrap();
    assert!(id.ends_with("_pair-00") && id.contains("any"), "{id}");
    assert!(model.run().unwrap().directory.path().starts_with("/data/gialab/studies/batches/runs"));
    code(&mut model, KeyCode::Esc);
    assert_eq!((model.screen, model.study().unwrap().cell), (Screen::Studies, cell));
    // Of several one is chosen from a list.
    let mut model = opened(40);
    code(&mut model, KeyCode::Enter);
    let Some(Overlay::List(list)) = model.overlays.last() else { panic!("{:?}", model.overlays) };
    assert_eq!((list.items[1].text.as_str(), list.items[1].hint.as_str()), ("pair 1", "done in 12 s"));
    code(&mut model, KeyCode::Down);
    code(&mut model, KeyCode::Enter);
    assert!(model.opened.as_ref().unwrap().ends_with("_pair-01"));
    // A cell without a run says so.
    let mut model = opened(0);
    code(&mut model, KeyCode::Enter);
    assert!(model.overlays.is_empty() && said(&model).contains("no run of this cell was begun yet"));
}

#[test]
fn a_run_of_the_same_name_in_another_study_is_another_run() {
    let mut model = opened(40);
    let run = |study: &str| RunDirectory::at(format!("/data/gialab/studies/{study}/runs/B-1_pair-00"));
    update(&mut model, Msg::Created(run("one")));
    let effects = update(&mut model, Msg::Created(run("other")));
    assert!(effects.contains(&Effect::Follow(vec![run("other")])), "{effects:?}");
    assert_eq!(model.run().unwrap().directory, run("other"));
}

#[test]
fn the_chosen_cell_and_figure_stay_while_a_study_fills_in() {
    let mut model = opened(12);
    press(&mut model, "jllf");
    let before = (model.study().unwrap().cell, model.study().unwrap().figure);
    arrived(&mut model, batches(40));
    let study = model.study().unwrap();
    assert_eq!((study.cell, study.figure), before);
    assert_eq!(study.asked().unwrap().figure.word.key, "brr");
    // News of another study is not taken for this one's.
    let mut other = batches(0);
    other.brief.name = "other".into();
    arrived(&mut model, other);
    assert_eq!(model.study().unwrap().snapshot().unwrap().brief.whole.done, 40);
}

#[test]
fn the_next_start_finds_the_study_again() {
    let mut model = opened(12);
    let session = model.session();
    let mut next = fixture::model(80, 24);
    next.restore(session);
    assert_eq!((next.screen, next.study().unwrap().name.as_str()), (Screen::Studies, "batches"));
    assert!(press(&mut next, "j").contains(&Effect::Attend(Attention::Study("batches".into()))));
    // One that is gone says so, and Esc shows the others.
    let gone = Err("there is no study batches any more".to_owned());
    update(&mut next, Msg::StudyRead { study: "batches".into(), snapshot: gone });
    assert!(fixture::drawn(&next).contains("there is no study batches any more"));
    code(&mut next, KeyCode::Esc);
    assert!(next.study().is_none());
    code(&mut model, KeyCode::Esc);
    assert!(!model.session().study_is_open);
}

#[test]
fn a_click_chooses_a_cell_and_the_next_one_opens_its_runs() {
    let mut model = opened(12);
    let hits = fixture::hits(&model);
    let of = |cell: u32| {
        let at = (0..40).flat_map(|y| (0..120).map(move |x| (x, y)));
        at.filter_map(|(x, y)| hits.at(x, y)).find(|hit| hit.target == Target::Entry(cell)).unwrap()
    };
    update(&mut model, Msg::Clicked(of(6)));
    assert_eq!((model.study().unwrap().cell, model.screen), (6, Screen::Studies));
    update(&mut model, Msg::Clicked(of(6)));
    assert_eq!(model.screen, Screen::Run);
}

#[test]
fn all_briefs_have_a_line() {
    let model = listed();
    let drawn = fixture::drawn(&model);
    for Brief { name, .. } in briefs() {
        assert!(drawn.contains(&name), "{drawn}");
    }
}

fn groups_of(model: &Model, done: usize) -> (String, Vec<usize>, Result<Box<Groups>, String>) {
    let shown = model.compare.groups.as_ref().unwrap();
    let study = batches(done).study;
    let groups = Groups::of(&study, &seen_of(&study, done), &shown.cells);
    (shown.study.clone(), shown.cells.clone(), Ok(Box::new(groups)))
}

fn read(model: &mut Model, done: usize) {
    let (study, cells, groups) = groups_of(model, done);
    update(model, Msg::GroupsRead { study, cells, groups });
}

#[test]
fn selected_cells_are_compared_as_groups_and_without_any_all_of_them() {
    let mut model = opened(40);
    press(&mut model, " ll ");
    let effects = press(&mut model, "c");
    assert_eq!(model.screen, Screen::Compare);
    assert!(
        effects.contains(&Effect::Attend(Attention::Groups("batches".into(), vec![0, 2]))),
        "{effects:?}"
    );
    read(&mut model, 40);
    let drawn = fixture::drawn(&model);
    assert!(drawn.contains("B=1") && drawn.contains("B=4") && drawn.contains("classes=unique"), "{drawn}");
    // The chosen one becomes what the others are compared with, and is read anew.
    let effects = press(&mut model, "jr");
    assert!(
        effects.contains(&Effect::Attend(Attention::Groups("batches".into(), vec![2, 0]))),
        "{effects:?}"
    );
    // What was asked for before is not taken for it.
    let (study, _, groups) = groups_of(&model, 40);
    update(&mut model, Msg::GroupsRead { study, cells: vec![0, 2], groups });
    assert!(model.compare.groups.as_ref().unwrap().current.is_none());
    read(&mut model, 40);
    press(&mut model, "f");
    assert_ne!(model.compare.groups.as_ref().unwrap().figure, "psnr");
    let effects = press(&mut model, "y");
    assert!(matches!(effects.as_slice(), [Effect::Copy(text)] if text.starts_with("group\truns\t")));
    press(&mut model, "v");
    assert!(said(&model).contains("groups of runs have no curves"), "{}", said(&model));
    // Enter leads back to the cell, Esc to the study; then runs are compared again.
    press(&mut model, "j");
    code(&mut model, KeyCode::Enter);
    assert_eq!((model.screen, model.study().unwrap().cell), (Screen::Studies, 0));
    press(&mut model, "4");
    code(&mut model, KeyCode::Esc);
    assert!(model.screen == Screen::Studies && model.compare.groups.is_none());
    code(&mut model, KeyCode::Esc);
    press(&mut model, "c");
    assert_eq!(model.compare.groups.as_ref().unwrap().cells.len(), 11);
}

#[test]
fn the_last_group_that_is_taken_out_leads_back() {
    let mut model = opened(40);
    press(&mut model, " l c");
    read(&mut model, 40);
    press(&mut model, " ");
    assert_eq!(model.compare.groups.as_ref().unwrap().cells, [1]);
    press(&mut model, " ");
    assert!(model.compare.groups.is_none() && model.screen == Screen::Studies);
}
