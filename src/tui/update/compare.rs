//! The screen that compares runs: the selected ones, scrubbed together.

use ratatui::layout::Rect;

use super::run::scrubbed;
use super::{follow, run, save, show};
use crate::tui::effect::Effect;
use crate::tui::keymap::Action;
use crate::tui::layout;
use crate::tui::model::{Lower, Model, Part, Screen};
use crate::tui::screen::compare::{areas, iteration_at_cursor, scrubbed as scrub};
use crate::tui::widget::sheet;

/// Rows of the table that PgUp and PgDn go past.
const PAGE: isize = 5;

pub fn act(model: &mut Model, action: Action) -> Vec<Effect> {
    let last = model.compare.runs.len().saturating_sub(1);
    match action {
        Action::Up => model.compare.chosen = model.compare.chosen.min(last).saturating_sub(1),
        Action::Down => model.compare.chosen = (model.compare.chosen + 1).min(last),
        Action::Pin => {
            model.compare.reference = model.chosen_compared().map(|run| run.id.clone());
            let runs = std::mem::take(&mut model.compare.runs);
            model.compare.take(runs);
            model.compare.chosen = 0;
        }
        Action::TogglePictures => model.compare.alone = Part::next(model.compare.alone),
        Action::ToggleTradeoff => model.compare.tradeoff = !model.compare.tradeoff,
        Action::NextFigure => model.compare.leakage = model.compare.leakage.next(),
        Action::PageUp => scroll(model, -PAGE),
        Action::PageDown => scroll(model, PAGE),
        Action::Open => {
            if let Some(directory) = model.chosen_compared().map(|run| run.directory.clone()) {
                return run::open(model, directory);
            }
        }
        Action::Select => {
            if let Some(id) = model.chosen_compared().map(|run| run.id.clone()) {
                model.runs_view.toggle(&id);
                let mut effects = take_up(model);
                effects.extend(save(model));
                return effects;
            }
        }
        Action::Scrub(by) => {
            model.compare.playing = false;
            let to = scrubbed(&model.stored_together(), scrub(model), by);
            look_at(model, to);
        }
        Action::ScrubFirst => {
            let first = model.stored_together().first().copied();
            look_at(model, first);
        }
        Action::Play => {
            model.compare.playing = !model.compare.playing;
            if model.compare.playing && scrub(model).is_none() {
                let first = model.stored_together().first().copied();
                look_at(model, first);
            }
        }
        Action::Follow => {
            model.compare.playing = false;
            look_at(model, None);
        }
        Action::NextSample => next_sample(model, 1),
        Action::PreviousSample => next_sample(model, -1),
        Action::NextRows => {
            model.compare.lower = match model.compare.lower {
                Lower::Table => Lower::Pictures,
                Lower::Pictures => Lower::Table,
            };
        }
        Action::Copy => return vec![Effect::Copy(sheet::of(model).tsv())],
        _ => {}
    }
    Vec::new()
}

/// Follows the selected runs that are there.
pub fn take_up(model: &mut Model) -> Vec<Effect> {
    model.compare.take(model.runs_view.marked.clone());
    let ids: Vec<String> = model.compare.runs.iter().map(|(id, _)| id.clone()).collect();
    for id in ids {
        if let Some(directory) = model.row(&id).map(|row| row.directory.clone()) {
            run::take_up(model, directory);
        }
    }
    vec![follow(model)]
}

pub fn back(model: &mut Model) -> Vec<Effect> {
    if scrub(model).is_some() {
        model.compare.playing = false;
        look_at(model, None);
        return Vec::new();
    }
    show(model, Screen::Runs)
}

pub fn play_on(model: &mut Model) -> Vec<Effect> {
    let is_loading = model.compared().iter().any(|(run, _)| !run.pictures.pending.is_empty());
    if model.compare.playing && !is_loading {
        let to = scrubbed(&model.stored_together(), scrub(model), 1);
        look_at(model, to);
        model.compare.playing = to.is_some();
    }
    Vec::new()
}

/// Scrolls the table by so many rows, down if positive.
pub fn scroll(model: &mut Model, by: isize) {
    let rows = sheet::of(model).rows.len();
    let body = layout::areas(Rect::new(0, 0, model.size.0, model.size.1)).body;
    let room = sheet::room(areas(model, body, rows).table);
    model.compare.skip = model.compare.skip.saturating_add_signed(by).min(rows.saturating_sub(room));
}

/// Shows the pictures that were stored last before the chart's cursor.
pub fn look_at_cursor(model: &mut Model) {
    let Some(cursor) = iteration_at_cursor(model) else { return };
    let stored = model.stored_together();
    let at = stored.iter().rev().find(|known| **known <= cursor).or(stored.first());
    model.compare.playing = false;
    look_at(model, at.copied());
}

fn look_at(model: &mut Model, iteration: Option<usize>) {
    for id in model.compare.runs.iter().map(|(id, _)| id.clone()).collect::<Vec<_>>() {
        if let Some(run) = model.view_mut(&id) {
            run.scrub = iteration;
            run.playing = false;
        }
    }
}

/// Cuts the same sample out of every batch; beyond the last one the whole batches are shown again.
fn next_sample(model: &mut Model, by: isize) {
    let samples = model.compared().iter().map(|(run, _)| run.samples()).max().unwrap_or(1) as isize;
    let shown = model.compared().iter().find_map(|(run, _)| run.shown_sample());
    let at = shown.map_or(-1, |sample| sample as isize);
    let next = (at + by + 1).rem_euclid(samples + 1) - 1;
    for id in model.compare.runs.iter().map(|(id, _)| id.clone()).collect::<Vec<_>>() {
        if let Some(run) = model.view_mut(&id) {
            run.enlarged = next >= 0;
            run.sample = next.max(0) as usize;
        }
    }
}
