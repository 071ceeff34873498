//! Clicks and the wheel, through the targets that drawing left behind.

use ratatui::layout::Rect;

use super::*;
use crate::tui::view::{Hit, Target};

fn click(model: &mut Model, target: Target) -> Vec<Effect> {
    let area = Rect::new(10, 5, 101, 8);
    update(model, Msg::Clicked(Hit { target, area, column: 35, row: 6 }))
}

#[test]
fn everything_that_is_drawn_can_be_clicked() {
    let model = live();
    let hits = fixture::hits(&model);
    let all: Vec<Target> = (0..24)
        .flat_map(|y| (0..80).map(move |x| (x, y)))
        .filter_map(|(x, y)| Some(hits.at(x, y)?.target))
        .collect();
    for target in [
        Target::Tab(Screen::Runs),
        Target::Chart,
        Target::Column(4),
        Target::Entry(0),
        Target::Key(Action::Pause),
    ] {
        assert!(all.contains(&target), "{target:?}");
    }
    let model = with_runs();
    let hits = fixture::hits(&model);
    let second = model.visible_runs()[1].id.clone();
    assert!((0..24).any(|y| hits.at(20, y).is_some_and(|hit| hit.target == Target::Row(second.clone()))));
}

#[test]
fn the_first_click_chooses_and_the_second_opens() {
    let mut model = with_runs();
    let second = model.visible_runs()[1].id.clone();
    assert!(click(&mut model, Target::Row(second.clone())).is_empty());
    assert_eq!((model.runs_view.selected.as_str(), model.screen), (second.as_str(), Screen::Runs));
    click(&mut model, Target::Row(second.clone()));
    assert_eq!((model.opened.as_deref(), model.screen), (Some(second.as_str()), Screen::Run));
}

#[test]
fn tabs_keys_columns_and_charts_take_clicks() {
    let mut model = live();
    click(&mut model, Target::Column(3));
    click(&mut model, Target::Column(3));
    let table = model.run().unwrap().table;
    assert_eq!((table.sort, table.reversed), (Some(3), true));
    click(&mut model, Target::Chart);
    assert_eq!(model.chart.cursor, Some(0.25));
    // A quarter of 300 iterations; pictures are stored every 50.
    assert_eq!(model.run().unwrap().current_picture().unwrap().iteration, 50);
    click(&mut model, Target::Key(Action::Stop));
    assert!(matches!(model.overlays.last(), Some(Overlay::Confirm { .. })));
    click(&mut model, Target::Tab(Screen::Presets));
    assert_eq!(model.screen, Screen::Run, "under a question nothing else is clicked");
    code(&mut model, KeyCode::Esc);
    click(&mut model, Target::Tab(Screen::Presets));
    assert_eq!(model.screen, Screen::Presets);
}

#[test]
fn the_wheel_moves_lists_pictures_and_the_cursor() {
    let mut model = with_runs();
    update(&mut model, Msg::Scrolled(None, 1));
    assert_eq!(model.runs_view.selected, model.visible_runs()[3].id);
    let mut model = live();
    update(&mut model, Msg::Scrolled(None, -1));
    assert_eq!(model.run().unwrap().scrub, Some(100));
    update(&mut model, Msg::Scrolled(Some(Target::Chart), 1));
    assert_eq!(model.chart.cursor, Some(0.5));
}

#[test]
fn an_item_of_a_list_is_done_by_a_click() {
    let mut model = live();
    press(&mut model, "e");
    click(&mut model, Target::Item(1));
    let Some(Overlay::Destination(asked)) = model.overlays.last() else { panic!("{:?}", model.overlays) };
    assert_eq!((asked.runs.len(), asked.format.name()), (1, "json"));
}
