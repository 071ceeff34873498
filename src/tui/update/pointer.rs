//! What clicks and the wheel do: the same as keys would.

use super::{act, explain, lists, on_screen, run, show, studies};
use crate::tui::effect::Effect;
use crate::tui::keymap::{Action, Place};
use crate::tui::model::{Model, Screen, Sort};
use crate::tui::overlay::Overlay;
use crate::tui::view::{Hit, Target};

pub fn clicked(model: &mut Model, hit: Hit) -> Vec<Effect> {
    let place = Place::now(model);
    match hit.target {
        Target::Tab(screen) if place.is_screen() => act(model, place, Action::Show(screen)),
        Target::Key(action) => act(model, place, action),
        Target::Row(name) if place.is_screen() || place == Place::Filter => clicked_row(model, name),
        Target::Chart if place.is_screen() => {
            let share = f64::from(hit.column - hit.area.x) / f64::from(hit.area.width.max(2) - 1);
            run::place_cursor(model, share);
            Vec::new()
        }
        Target::Sample(sample) if model.screen == Screen::Run && place.is_screen() => {
            if let Some(run) = model.run_mut() {
                run.enlarged = run.shown_sample().is_none();
                run.sample = sample;
            }
            Vec::new()
        }
        Target::Entry(number) if model.screen == Screen::Run && place.is_screen() => {
            if let Some(run) = model.run_mut() {
                run::look_at(run, number);
            }
            Vec::new()
        }
        Target::Entry(cell) if model.screen == Screen::Studies && place.is_screen() => {
            studies::clicked_cell(model, cell as usize)
        }
        Target::Entry(group) if model.screen == Screen::Compare && place.is_screen() => {
            if let Some(groups) = &mut model.compare.groups {
                groups.chosen = group as usize;
            }
            Vec::new()
        }
        Target::Column(column) if model.screen == Screen::Run && place.is_screen() => {
            if let Some(run) = model.run_mut() {
                run.table.reversed = run.table.sort == Some(column) && !run.table.reversed;
                run.table.sort = Some(column);
            }
            Vec::new()
        }
        Target::Column(column) if model.screen == Screen::Runs && place.is_screen() => {
            let Some(sort) = Sort::all().nth(column) else { return Vec::new() };
            let reversed = model.runs_view.sort == sort && !model.runs_view.reversed;
            lists::sort_by(model, sort, reversed)
        }
        Target::Word(key) if place.is_screen() => {
            explain::open_at(model, key);
            Vec::new()
        }
        Target::Item(item) => clicked_item(model, item),
        _ => Vec::new(),
    }
}

/// The first click chooses a line, the second one opens it.
fn clicked_row(model: &mut Model, name: String) -> Vec<Effect> {
    match model.screen {
        Screen::Presets if model.presets_view.selected == name => act(model, Place::Presets, Action::Start),
        Screen::Presets => {
            model.presets_view.selected = name;
            Vec::new()
        }
        Screen::Runs if model.runs_view.selected == name => act(model, Place::Runs, Action::Open),
        Screen::Runs => {
            model.runs_view.selected = name;
            Vec::new()
        }
        Screen::Studies if model.studies_view.selected == name => act(model, Place::Studies, Action::Open),
        Screen::Audits if model.audits_view.selected == name => act(model, Place::Audits, Action::Open),
        Screen::Audits => {
            model.audits_view.selected = name;
            Vec::new()
        }
        Screen::Studies => {
            model.studies_view.selected = name;
            Vec::new()
        }
        Screen::Catalogue if model.catalogue_view.selected == name => {
            act(model, Place::Catalogue, Action::Start)
        }
        Screen::Catalogue => {
            model.catalogue_view.selected = name;
            Vec::new()
        }
        Screen::Compare => {
            let at = model.compare.runs.iter().position(|(id, _)| *id == name);
            model.compare.chosen = at.unwrap_or(model.compare.chosen);
            Vec::new()
        }
        Screen::Run => show(model, Screen::Run),
    }
}

fn clicked_item(model: &mut Model, item: usize) -> Vec<Effect> {
    match model.overlays.last_mut() {
        Some(Overlay::Form(form)) => form.look_at(item),
        Some(Overlay::List(list)) => {
            list.chosen = item;
            return act(model, Place::List, Action::Accept);
        }
        _ => {}
    }
    Vec::new()
}

/// The wheel moves what is under it by so many notches, down if positive.
pub fn scrolled(model: &mut Model, target: Option<&Target>, by: isize) -> Vec<Effect> {
    let place = Place::now(model);
    let line = if by < 0 { Action::Up } else { Action::Down };
    match (place, target) {
        (Place::Text | Place::Details | Place::List, _) => act(model, place, line),
        (Place::Form, _) => act(model, place, if by < 0 { Action::PreviousField } else { Action::NextField }),
        (Place::Run | Place::Compare, Some(Target::Chart)) => {
            run::move_cursor(model, if by < 0 { Action::CursorBack } else { Action::CursorForward });
            Vec::new()
        }
        (Place::Run, Some(Target::Column(_) | Target::Entry(_))) => act(model, place, line),
        (Place::Compare, _) if model.compare.groups.is_some() => act(model, place, line),
        (Place::Compare, Some(Target::Row(_) | Target::Word(_))) => {
            super::compare::scroll(model, by);
            Vec::new()
        }
        (Place::Run | Place::Compare, _) => act(model, place, Action::Scrub(by)),
        (Place::Study, _) => act(model, place, line),
        (Place::Presets | Place::Runs | Place::Studies | Place::Catalogue | Place::Audits, _) => {
            (0..3).flat_map(|_| on_screen(model, line)).collect()
        }
        _ => Vec::new(),
    }
}
