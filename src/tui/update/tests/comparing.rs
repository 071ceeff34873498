//! Selecting runs and comparing them.

use super::*;
use crate::config::preset;

/// Three listed runs, the first two selected and followed.
pub fn comparing() -> Model {
    let mut model = with_runs();
    press(&mut model, "  c");
    for (id, iterations, seed) in
        names(&model).into_iter().zip([300, 600]).zip([0, 7]).map(|((a, b), c)| (a, b, c))
    {
        let manifest = fixture::manifest(&id, "dlg-lenet", Health::Done, NOW);
        let mut manifest = Box::new(manifest);
        manifest.config =
            preset::change(&manifest.config, [("run.seed", format!("{seed}").as_str())]).unwrap();
        let mut effects = update(
            &mut model,
            Msg::ManifestArrived { run: id.clone(), manifest: Ok(manifest), health: Health::Done },
        );
        let lines = fixture::events(iterations, true);
        effects
            .extend(update(&mut model, Msg::LinesArrived { run: id, restarted: false, lines, more: false }));
        fixture::load(&mut model, effects);
    }
    model
}

fn names(model: &Model) -> Vec<String> {
    model.compare.runs.iter().map(|(id, _)| id.clone()).collect()
}

#[test]
fn selected_runs_are_followed_and_the_others_are_not() {
    let mut model = with_runs();
    press(&mut model, "  ");
    let effects = press(&mut model, "c");
    assert_eq!(model.screen, Screen::Compare);
    let followed: Vec<String> = effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Follow(runs) => Some(runs.iter().map(RunDirectory::id).collect::<Vec<_>>()),
            _ => None,
        })
        .next_back()
        .unwrap();
    assert_eq!(followed, names(&model));
    assert_eq!(followed.len(), 2);
}

#[test]
fn nothing_selected_is_said() {
    let mut model = with_runs();
    press(&mut model, "c");
    assert_eq!(model.screen, Screen::Runs);
    assert!(model.notice.unwrap().text.contains("no run is selected"));
}

#[test]
fn colours_stay_with_their_runs_when_one_is_taken_out() {
    let mut model = comparing();
    let before = model.compare.runs.clone();
    press(&mut model, "k ");
    assert_eq!(model.compare.runs, before[1..]);
    // A new one takes the place that became free.
    press(&mut model, "2g ");
    let places: Vec<usize> = model.runs_view.marked.iter().map(|(_, place)| *place).collect();
    assert_eq!(places, [1, 0]);
}

#[test]
fn no_more_runs_are_compared_than_there_are_colours() {
    let mut model = fixture::model(80, 24);
    update(&mut model, Msg::RunsListed(fixture::rows(20)));
    press(&mut model, "2          c");
    assert_eq!((model.runs_view.marked.len(), model.screen), (10, Screen::Runs));
    assert!(model.notice.as_ref().unwrap().text.contains("no more than eight runs can be compared"));
    code(&mut model, KeyCode::Tab);
    assert_ne!(model.screen, Screen::Compare);
    press(&mut model, "2g  c");
    assert_eq!(model.screen, Screen::Compare);
    // Those that had none got the colours that became free.
    let mut places: Vec<usize> = model.compare.runs.iter().map(|(_, place)| *place).collect();
    places.sort_unstable();
    assert_eq!(places, (0..crate::tui::theme::SERIES).collect::<Vec<_>>());
}

#[test]
fn the_sheet_holds_what_differs_and_marks_the_best() {
    let model = comparing();
    let sheet = crate::tui::widget::sheet::of(&model);
    let row = |label: &str| sheet.rows.iter().find(|row| row.label.starts_with(label));
    let seeds = &row("run.seed").unwrap().cells;
    assert_eq!(seeds.iter().map(|cell| cell.text.as_str()).collect::<Vec<_>>(), ["0", "7"]);
    assert!(row("attack.trials").is_none(), "what is the same is left out");
    assert!(row("PSNR").is_some() && row("evals").is_some());
    let text = sheet.tsv();
    assert!(text.contains("run.seed\t0\t7\n"), "{text}");
}

#[test]
fn pictures_are_scrubbed_together() {
    let mut model = comparing();
    press(&mut model, "g");
    for (run, _) in model.compared() {
        assert_eq!(run.current_picture().unwrap().iteration, 50);
    }
    press(&mut model, "L");
    let at: Vec<usize> =
        model.compared().iter().map(|(run, _)| run.current_picture().unwrap().iteration).collect();
    assert_eq!(at, [300, 550], "the shorter run stays at its last picture");
    code(&mut model, KeyCode::Esc);
    assert!(model.compared().iter().all(|(run, _)| run.scrub.is_none()));
    assert_eq!(model.screen, Screen::Compare);
    code(&mut model, KeyCode::Esc);
    assert_eq!(model.screen, Screen::Runs);
}

#[test]
fn the_pinned_run_is_the_reference() {
    let mut model = comparing();
    let names = names(&model);
    assert_eq!(model.reference(), Some(names[0].as_str()));
    press(&mut model, "jr");
    assert_eq!(model.reference(), Some(names[1].as_str()));
}

#[test]
fn a_compared_run_is_opened_without_being_read_again() {
    let mut model = comparing();
    let points = model.compared()[0].0.live.rounds.len();
    code(&mut model, KeyCode::Enter);
    assert_eq!(model.screen, Screen::Run);
    assert_eq!(model.run().unwrap().live.rounds.len(), points);
}

#[test]
fn a_report_is_written_of_all_compared_runs() {
    let mut model = comparing();
    press(&mut model, "ehtml");
    code(&mut model, KeyCode::Enter);
    let effects = code(&mut model, KeyCode::Enter);
    let [Effect::Export { runs, format, .. }] = effects.as_slice() else { panic!("{effects:?}") };
    assert_eq!((runs.len(), format.name()), (2, "html"));
}

#[test]
fn the_palette_finds_commands_presets_and_runs() {
    let mut model = with_runs();
    press(&mut model, ":preset resnet");
    code(&mut model, KeyCode::Enter);
    assert_eq!((model.screen, model.presets_view.selected.as_str()), (Screen::Presets, "ig-resnet18"));
    let id = model.runs_view.rows.as_ref().unwrap()[2].id.clone();
    press(&mut model, ":");
    press(&mut model, &id);
    code(&mut model, KeyCode::Enter);
    assert_eq!(model.opened, Some(id));
    press(&mut model, ":these keys");
    code(&mut model, KeyCode::Enter);
    assert!(matches!(model.overlays.last(), Some(Overlay::Help { .. })));
}

#[test]
fn the_palette_says_why_something_cannot_be_done() {
    let mut model = live();
    press(&mut model, ":go on from the last");
    code(&mut model, KeyCode::Enter);
    assert!(model.notice.unwrap().text.contains("it is running"));
}

#[test]
fn the_reference_comes_first_everywhere() {
    let mut model = comparing();
    let before = names(&model);
    press(&mut model, "jr");
    assert_eq!(names(&model), [before[1].clone(), before[0].clone()]);
    assert_eq!((model.reference(), model.compare.chosen), (Some(before[1].as_str()), 0));
    // That the list comes in another order is no reason to follow the runs anew.
    let effects = update(&mut model, Msg::RunsListed(fixture::rows(3)));
    assert!(!effects.iter().any(|effect| matches!(effect, Effect::Follow(_))), "{effects:?}");
    // It stays so when the list is taken anew.
    press(&mut model, "24");
    assert_eq!(names(&model)[0], before[1]);
}

#[test]
fn a_part_gets_all_the_room_and_the_table_is_scrolled_to_its_end() {
    let mut model = comparing();
    let drawn = |model: &Model| fixture::drawn(model);
    assert!(drawn(&model).contains("what differs") && drawn(&model).contains("matching loss ("));
    press(&mut model, "p");
    assert!(!drawn(&model).contains("what differs") && drawn(&model).contains("matching loss ("));
    press(&mut model, "p");
    assert!(drawn(&model).contains("what differs") && !drawn(&model).contains("matching loss ("));
    press(&mut model, "p");
    assert!(drawn(&model).contains("pictures") && !drawn(&model).contains("what differs"));
    press(&mut model, "p");
    assert_eq!(model.compare.alone, None);
    let last = crate::tui::widget::sheet::of(&model).rows.last().unwrap().label;
    assert!(!drawn(&model).contains(last));
    for _ in 0..9 {
        code(&mut model, KeyCode::PageDown);
    }
    assert!(drawn(&model).contains(last), "{}", drawn(&model));
    code(&mut model, KeyCode::PageUp);
    assert!(!drawn(&model).contains(last), "one page back is seen at once");
}

#[test]
fn the_cursor_of_the_chart_moves_the_pictures_of_all() {
    let mut model = comparing();
    press(&mut model, ",");
    // Of 600 iterations the first press is at the middle.
    let shown: Vec<usize> =
        model.compared().iter().map(|(run, _)| run.current_picture().unwrap().iteration).collect();
    assert_eq!(shown, [300, 300]);
}

#[test]
fn the_chart_has_eight_rows_of_curves_from_100_by_30_on() {
    for (width, height) in [(100, 30), (120, 40), (200, 60)] {
        let mut drawing = fixture::Drawing::of_comparison(5, 300, width, height);
        drawing.frame();
        let hits = fixture::hits(&drawing.model);
        let rows = (0..height).filter(|y| {
            hits.at(width / 2, *y).is_some_and(|hit| hit.target == crate::tui::view::Target::Chart)
        });
        assert!(rows.count() >= 8, "{width}x{height}");
    }
}
