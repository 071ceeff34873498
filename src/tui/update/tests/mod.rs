//! What keys and news do, without thread or terminal.

#![allow(clippy::unwrap_used)]

mod calibrating;
mod cataloguing;
mod comparing;
mod devices;
mod explaining;
mod exporting;
mod pointing;
mod post_processing;
mod runs;
mod settings;
mod studying;
mod watching;

use super::*;
use crate::run::event::{Event, Line, PictureOf, VERSION};
use crate::run::{Health, Request};
use crate::tui::fixture::{self, NOW};
use crate::tui::model::Panes;
use crate::tui::msg::{Deed, Undone};
use crate::tui::view::Target;

fn press(model: &mut Model, keys: &str) -> Vec<Effect> {
    keys.chars().flat_map(|c| code(model, KeyCode::Char(c))).collect()
}

fn code(model: &mut Model, code: KeyCode) -> Vec<Effect> {
    update(model, Msg::Key(KeyEvent::new(code, KeyModifiers::NONE)))
}

fn control(model: &mut Model, c: char) -> Vec<Effect> {
    update(model, Msg::Key(KeyEvent::new(KeyCode::Char(c), KeyModifiers::CONTROL)))
}

fn without_saving(effects: Vec<Effect>) -> Vec<Effect> {
    effects.into_iter().filter(|effect| !matches!(effect, Effect::SaveSession(_))).collect()
}

fn with_runs() -> Model {
    let mut model = fixture::model(80, 24);
    update(&mut model, Msg::RunsListed(fixture::rows(3)));
    press(&mut model, "2");
    model
}

fn live() -> Model {
    let mut model = fixture::model(80, 24);
    fixture::open(&mut model, fixture::events(300, false), Health::Running);
    model
}

#[test]
fn enter_starts_the_chosen_preset_with_its_changes_once() {
    let mut model = fixture::model(80, 24);
    press(&mut model, "ji");
    assert!(without_saving(code(&mut model, KeyCode::Enter)).is_empty());
    let Some(Overlay::Confirm { detail, .. }) = model.overlays.last() else { panic!("{:?}", model.overlays) };
    assert_eq!(detail, "victim.indices: [0] → [1]");
    let effects = without_saving(code(&mut model, KeyCode::Enter));
    let [Effect::Start { preset, config, backend }] = effects.as_slice() else { panic!("{effects:?}") };
    assert_eq!((preset.as_str(), backend.as_str()), ("idlg-lenet", "auto"));
    assert_eq!(config.victim.indices, [1]);
    assert!(without_saving(code(&mut model, KeyCode::Enter)).is_empty());
    update(&mut model, Msg::Finished(Outcome::Launch(Err("no disk".into()))));
    assert!(matches!(model.overlays.last(), Some(Overlay::Error { message }) if message == "no disk"));
    code(&mut model, KeyCode::Esc);
    code(&mut model, KeyCode::Enter);
    assert!(!without_saving(code(&mut model, KeyCode::Enter)).is_empty());
}

#[test]
fn a_changed_preset_says_so_everywhere_and_one_key_takes_it_back() {
    let mut model = fixture::model(120, 40);
    let unchanged = fixture::drawn(&model);
    assert!(!unchanged.contains("changed"));
    press(&mut model, "i");
    let drawn = fixture::drawn(&model);
    let line = |text: &str| drawn.lines().find(|line| line.contains(text)).unwrap().to_owned();
    assert!(line("  dlg-lenet ").contains("changed"), "in the list: {drawn}");
    assert!(line(", changed ─").contains("╭"), "in the title: {drawn}");
    assert!(line("expect").contains("unknown; as the preset stands"), "{drawn}");
    assert!(drawn.contains("indices [1]; u undoes it"), "{drawn}");
    // The figures of its description are those of the preset as it stands in its file.
    assert!(
        drawn.contains("As shipped, before your changes: ") && !unchanged.contains("As shipped"),
        "{drawn}"
    );
    press(&mut model, "d");
    assert!(
        matches!(model.overlays.last(), Some(Overlay::Text { body, .. }) if body.starts_with("As shipped"))
    );
    code(&mut model, KeyCode::Esc);
    press(&mut model, "u");
    model.notice = None;
    assert_eq!(fixture::drawn(&model), unchanged);
    // Changes last until the program ends, unless they are saved as a preset.
    press(&mut model, "i");
    let session = serde_json::to_string(&model.session()).unwrap();
    assert!(!session.contains("indices"), "{session}");
}

#[test]
fn what_a_figure_is_judged_by_is_on_the_screen_of_a_run_at_every_size() {
    for (width, height) in [(80, 24), (100, 30), (120, 40), (200, 60)] {
        let mut model = fixture::model(width, height);
        fixture::open(&mut model, fixture::events(300, true), Health::Done);
        for _ in 0..3 {
            let drawn = fixture::drawn(&model);
            assert!(drawn.contains("11.3") && drawn.contains("2.1e-09"), "{width}x{height}: {drawn}");
            press(&mut model, "t");
        }
    }
}

#[test]
fn an_attack_that_solves_has_no_pane_for_an_iterate() {
    let mut model = fixture::model(120, 40);
    fixture::open(&mut model, fixture::events(300, true), Health::Done);
    assert!(fixture::drawn(&model).contains("current @ "));
    let solver = crate::config::preset::load("imprint", &[], "/nonexistent".as_ref()).unwrap().config.attack;
    model.run_mut().unwrap().manifest.as_mut().unwrap().config.attack = solver;
    let drawn = fixture::drawn(&model);
    assert!(drawn.contains("steps") && !drawn.contains("current"), "{drawn}");
    assert!(
        drawn.contains("truth*") && drawn.contains("reconstruction") && drawn.contains("difference"),
        "{drawn}"
    );
}

#[test]
fn a_created_run_is_opened_at_once() {
    let mut model = fixture::model(80, 24);
    let directory = RunDirectory::at("/data/gialab/runs/r");
    let effects = update(&mut model, Msg::Created(directory.clone()));
    assert!(effects.contains(&Effect::Follow(vec![directory])));
    assert_eq!(model.screen, Screen::Run);
}

#[test]
fn pictures_go_round_and_the_presets_own_is_no_change() {
    let mut model = fixture::model(80, 24);
    press(&mut model, "I");
    assert_eq!(model.changes["dlg-lenet"]["victim.indices"], "[16]");
    press(&mut model, "i");
    assert!(model.changes["dlg-lenet"].is_empty());
}

#[test]
fn a_drawn_batch_is_named_and_not_moved() {
    let mut model = fixture::model(80, 24);
    let drawn = [("victim.sample.classes", "same"), ("victim.sample.count", "4")];
    model.changes.insert("dlg-lenet".into(), drawn.map(|(key, value)| (key.into(), value.into())).into());
    let changes = model.changes["dlg-lenet"].clone();
    press(&mut model, "i");
    assert_eq!(model.changes["dlg-lenet"], changes);
    assert!(fixture::drawn(&model).contains("photos, 4 drawn of one class"), "{}", fixture::drawn(&model));
}

#[test]
fn backends_that_are_not_there_are_passed_over() {
    let mut model = fixture::model(80, 24);
    for expected in ["flex", "ndarray", "auto"] {
        press(&mut model, "b");
        assert_eq!(model.backend, expected);
    }
}

#[test]
fn a_filter_takes_the_keys_until_it_is_kept_or_cleared() {
    let mut model = fixture::model(80, 24);
    press(&mut model, "/qres");
    assert!(!model.is_leaving && model.visible_presets().is_empty());
    control(&mut model, 'u');
    press(&mut model, "resnet");
    code(&mut model, KeyCode::Enter);
    assert_eq!(model.chosen_preset().unwrap().name, "ig-resnet18");
    press(&mut model, "j");
    assert_eq!(model.presets_view.filter.value(), "resnet");
    code(&mut model, KeyCode::Esc);
    assert_eq!(model.visible_presets().len(), 5);
    assert_eq!(model.presets_view.selected, "ig-resnet18");
}

#[test]
fn selection_stays_on_its_run_when_the_list_moves() {
    let mut model = with_runs();
    press(&mut model, "jj");
    let chosen = model.chosen_run().unwrap().id.clone();
    let mut rows = fixture::rows(3);
    rows.rotate_right(2);
    update(&mut model, Msg::RunsListed(rows));
    assert_eq!(model.chosen_run().unwrap().id, chosen);
    press(&mut model, "G");
    assert_eq!(model.chosen_run().unwrap().id, model.visible_runs().last().unwrap().id);
}

#[test]
fn deleting_asks_first_and_never_touches_a_live_run() {
    let mut model = with_runs();
    press(&mut model, "x");
    assert!(model.overlays.is_empty());
    assert!(model.notice.as_ref().unwrap().text.contains("stop it first"));
    press(&mut model, "jjx");
    let chosen = model.chosen_run().unwrap().directory.clone();
    assert!(without_saving(press(&mut model, "n")).is_empty());
    let effects = press(&mut model, "xy");
    assert_eq!(effects, [Effect::Delete(vec![chosen.clone()])]);
    let count = model.visible_runs().len();
    update(&mut model, Msg::Finished(Outcome::Done(Deed::Delete, vec![(chosen.id(), Ok(()))])));
    assert_eq!(model.visible_runs().len(), count - 1);
}

#[test]
fn sorting_by_psnr_puts_the_best_first() {
    let mut model = with_runs();
    press(&mut model, "oo");
    let psnr: Vec<f64> = model.visible_runs().iter().filter_map(|row| row.summary.figure("psnr")).collect();
    assert!(psnr.windows(2).all(|pair| pair[0] >= pair[1]), "{psnr:?}");
}

#[test]
fn space_pauses_and_goes_on() {
    let mut model = live();
    let directory = model.run().unwrap().directory.clone();
    assert_eq!(press(&mut model, " "), [Effect::Ask(vec![directory.clone()], Request::Pause)]);
    let run = directory.id();
    let manifest = Ok(Box::new(fixture::manifest(&run, "dlg-lenet", Health::Paused, NOW)));
    update(&mut model, Msg::ManifestArrived { run, manifest, health: Health::Paused });
    assert_eq!(model.run().unwrap().asked, None);
    assert_eq!(press(&mut model, " "), [Effect::Ask(vec![directory], Request::Run)]);
}

/// Both lines come at once, and no manifest in between says that it was paused.
#[test]
fn a_pause_that_another_viewer_ended_at_once_is_not_waited_for() {
    let mut model = live();
    press(&mut model, " ");
    assert_eq!(model.run().unwrap().asked, Some("pausing"));
    let run = model.run().unwrap().directory.id();
    let lines = [Event::Paused, Event::Continued].map(|event| Line { v: VERSION, t: 60.0, event }).to_vec();
    update(&mut model, Msg::LinesArrived { run, restarted: false, lines, more: false });
    assert_eq!(model.run().unwrap().asked, None);
}

#[test]
fn stopping_asks_first() {
    let mut model = live();
    let directory = model.run().unwrap().directory.clone();
    assert!(press(&mut model, "s").is_empty());
    assert_eq!(press(&mut model, "y"), [Effect::Ask(vec![directory], Request::Stop)]);
}

#[test]
fn resuming_is_for_runs_that_stand() {
    let mut model = live();
    assert!(press(&mut model, "r").is_empty());
    model.run_mut().unwrap().health = Health::Crashed;
    let directory = model.run().unwrap().directory.clone();
    assert_eq!(press(&mut model, "r"), [Effect::Resume(vec![directory])]);
    assert!(press(&mut model, "r").is_empty());
}

#[test]
fn scrubbing_walks_the_stored_pictures_and_ends_by_following() {
    let mut model = live();
    let shown = |model: &Model| model.run().unwrap().current_picture().unwrap().iteration;
    assert_eq!(shown(&model), 150);
    code(&mut model, KeyCode::Left);
    assert_eq!(shown(&model), 100);
    press(&mut model, "g");
    assert_eq!(shown(&model), 50);
    code(&mut model, KeyCode::Right);
    code(&mut model, KeyCode::Right);
    assert_eq!((shown(&model), model.run().unwrap().scrub), (150, None));
}

#[test]
fn trials_can_be_looked_at_one_by_one() {
    let mut model = live();
    let trial = |model: &Model| model.run().unwrap().shown_trial().unwrap().trial;
    assert_eq!(trial(&model), 1);
    press(&mut model, "[");
    assert_eq!(trial(&model), 0);
    press(&mut model, "G");
    assert_eq!((trial(&model), model.run().unwrap().looks_back()), (1, false));
    // The only round has no other to go to: up and down go through its trials too.
    code(&mut model, KeyCode::Up);
    assert_eq!((trial(&model), model.run().unwrap().chosen_trial), (0, Some(0)));
}

#[test]
fn every_attacked_round_opens_with_its_curve_and_pictures() {
    let mut model = fixture::model(80, 24);
    fixture::open(&mut model, fixture::federation(&[0, 2, 5], 300), Health::Done);
    let shown = |model: &Model| {
        let run = model.run().unwrap();
        let best = run.best_picture().unwrap().file().unwrap().to_owned();
        (run.round().unwrap().round, run.shown_trial().unwrap().iteration, best)
    };
    let file = |round| {
        fixture::federation(&[round], 300).iter().find_map(|line| match &line.event {
            crate::run::Event::Picture { what: PictureOf::Reconstruction, file, .. } => Some(file.clone()),
            _ => None,
        })
    };
    assert_eq!(shown(&model), (5, 300, file(5).unwrap()));
    // Of a log that is longer than its place the last lines are shown.
    assert!(fixture::drawn(&model).contains("chosen by its matching loss: trial 1"));
    code(&mut model, KeyCode::Up);
    assert_eq!(shown(&model), (2, 300, file(2).unwrap()));
    code(&mut model, KeyCode::Up);
    code(&mut model, KeyCode::Up);
    assert_eq!(shown(&model), (0, 300, file(0).unwrap()));
    code(&mut model, KeyCode::Left);
    assert!(model.run().unwrap().scrub.is_some(), "its pictures are scrubbed");
    code(&mut model, KeyCode::Esc);
    assert_eq!(shown(&model).0, 5, "back to the newest");
    // A click on a row is the same, also where the table is sorted otherwise.
    press(&mut model, "oO");
    update(
        &mut model,
        Msg::Clicked(crate::tui::view::Hit {
            target: crate::tui::view::Target::Entry(2),
            area: ratatui::layout::Rect::new(0, 0, 9, 1),
            column: 0,
            row: 0,
        }),
    );
    assert_eq!(shown(&model).0, 2);
    code(&mut model, KeyCode::Down);
    assert_eq!(shown(&model).0, 0, "the rows are reversed");
}

#[test]
fn pictures_are_asked_for_once_and_the_old_one_stays_until_the_new_one_is_there() {
    let mut model = live();
    let run = model.run().unwrap().id.clone();
    assert!(model.run().unwrap().pictures.difference.is_some());
    let more: Vec<_> = fixture::events(400, false).into_iter().collect();
    let effects =
        update(&mut model, Msg::LinesArrived { run: run.clone(), restarted: true, lines: more, more: false });
    let asked: Vec<_> = effects.iter().filter(|effect| matches!(effect, Effect::Decode(_))).collect();
    assert_eq!(asked.len(), 1);
    assert!(model.run().unwrap().pictures.slots[1].shown.is_some());
    assert!(
        update(&mut model, Msg::LinesArrived { run, restarted: false, lines: vec![], more: false })
            .is_empty()
    );
}

#[test]
fn a_picture_that_cannot_be_read_is_asked_for_once() {
    let mut model = fixture::model(80, 24);
    let directory = RunDirectory::at("/data/gialab/runs/r");
    update(&mut model, Msg::Created(directory.clone()));
    let lines = fixture::events(300, true);
    let effects =
        update(&mut model, Msg::LinesArrived { run: directory.id(), restarted: false, lines, more: false });
    let Some(Effect::Decode(keys)) = effects.into_iter().next_back() else { panic!("nothing asked for") };
    for key in keys {
        assert!(update(&mut model, Msg::PictureArrived(key, Err("gone".into()))).is_empty());
    }
}

#[test]
fn news_of_another_run_is_ignored() {
    let mut model = live();
    let lines = fixture::events(300, true);
    update(&mut model, Msg::LinesArrived { run: "other".into(), restarted: true, lines, more: false });
    assert!(model.run().unwrap().live.finished.is_none());
}

#[test]
fn tab_goes_round_the_screens_there_are() {
    let mut model = fixture::model(80, 24);
    code(&mut model, KeyCode::Tab);
    assert_eq!(model.screen, Screen::Runs);
    code(&mut model, KeyCode::Tab);
    assert_eq!(model.screen, Screen::Studies);
    code(&mut model, KeyCode::Tab);
    assert_eq!(model.screen, Screen::Catalogue);
    code(&mut model, KeyCode::Tab);
    assert_eq!(model.screen, Screen::Audits);
    code(&mut model, KeyCode::Tab);
    assert_eq!(model.screen, Screen::Presets);
    press(&mut model, "3");
    assert_eq!(model.screen, Screen::Presets);
    let mut model = live();
    update(&mut model, Msg::Key(KeyEvent::new(KeyCode::BackTab, KeyModifiers::SHIFT)));
    assert_eq!(model.screen, Screen::Runs);
    code(&mut model, KeyCode::Tab);
    assert_eq!(model.screen, Screen::Run);
    code(&mut model, KeyCode::Esc);
    assert_eq!(model.screen, Screen::Runs);
}

#[test]
fn control_c_leaves_from_everywhere_and_q_only_from_screens() {
    let mut model = fixture::model(80, 24);
    press(&mut model, "?q");
    assert!(!model.is_leaving && model.overlays.is_empty());
    press(&mut model, "c");
    control(&mut model, 'c');
    assert!(model.is_leaving);
    let mut model = fixture::model(80, 24);
    press(&mut model, "q");
    assert!(model.is_leaving);
}

#[test]
fn a_session_comes_back_as_it_was() {
    let mut model = with_runs();
    press(&mut model, "1ji/lenet");
    code(&mut model, KeyCode::Enter);
    press(&mut model, "b2o");
    model.panes = Panes::Hidden;
    let session = model.session();
    let json = serde_json::to_string(&session).unwrap();
    let mut next = fixture::model(80, 24);
    next.restore(serde_json::from_str(&json).unwrap());
    assert_eq!(next.session(), session);
}

#[test]
fn the_run_of_the_last_session_is_opened_without_changing_the_screen() {
    let mut model = fixture::model(80, 24);
    let id = fixture::rows(0)[1].id.clone();
    model.reopen = Some(id.clone());
    let effects = update(&mut model, Msg::RunsListed(fixture::rows(0)));
    assert!(matches!(effects.first(), Some(Effect::Follow(runs)) if runs[0].id() == id));
    assert_eq!(model.screen, Screen::Presets);
    let mut model = fixture::model(80, 24);
    model.screen = Screen::Run;
    model.reopen = Some("deleted".into());
    update(&mut model, Msg::RunsListed(fixture::rows(0)));
    assert_eq!(model.screen, Screen::Runs);
}

#[test]
fn a_tick_draws_only_what_moves() {
    let mut model = fixture::model(80, 24);
    model.is_dirty = false;
    update(&mut model, Msg::Tick(NOW + 1.0));
    assert!(!model.is_dirty);
    let mut model = live();
    model.is_dirty = false;
    update(&mut model, Msg::Tick(NOW + 1.0));
    assert!(model.is_dirty);
}

#[test]
fn a_session_that_cannot_be_written_is_a_notice_not_an_overlay() {
    let mut model = fixture::model(80, 24);
    update(&mut model, Msg::Finished(Outcome::Session(Err("cannot write".into()))));
    assert!(model.overlays.is_empty() && model.notice.unwrap().is_bad);
}

#[test]
fn a_terminal_that_did_not_answer_is_asked_again() {
    let mut model = fixture::model(80, 24);
    let focus = |model: &mut Model| update(model, Msg::FocusChanged(true));
    assert_eq!(focus(&mut model), [Effect::Redraw], "who has answered is not asked");
    model.answered = false;
    assert_eq!(focus(&mut model), [Effect::Redraw, Effect::AskTerminal]);
    assert_eq!(control(&mut model, 'l'), [Effect::Redraw, Effect::AskTerminal]);
    press(&mut model, "c");
    assert_eq!(control(&mut model, 'l'), [Effect::Redraw, Effect::AskTerminal], "in a form too");
    let theme = crate::tui::theme::Theme::neutral(crate::gfx::Depth::True, false);
    let shows = crate::tui::msg::Shows {
        theme,
        has_pixels: true,
        protocol: "sixel",
        shortfall: None,
        answered: true,
    };
    update(&mut model, Msg::Shows(Box::new(shows)));
    assert!(model.answered && model.has_pixels);
    assert_eq!(focus(&mut model), [Effect::Redraw]);
}
