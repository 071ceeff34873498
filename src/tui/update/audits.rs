//! The screen of audits: choosing one, reading its report, beginning and stopping.

use super::note;
use crate::audit::shelf::Kept;
use crate::tui::effect::Effect;
use crate::tui::keymap::Action;
use crate::tui::layout;
use crate::tui::model::Model;
use crate::tui::overlay::{Overlay, Yes};
use crate::tui::screen::audits;

pub fn act(model: &mut Model, action: Action) -> Vec<Effect> {
    match action {
        Action::Open => {
            model.audits_view.reading = model.chosen_audit().is_some();
            model.audits_view.top = 0;
        }
        Action::StopAudit => ask_to_stop(model),
        _ if model.audits_view.reading => scroll(model, action),
        _ => step(model, action),
    }
    Vec::new()
}

/// Back to the list.
pub fn back(model: &mut Model) -> Vec<Effect> {
    model.audits_view.reading = false;
    model.audits_view.top = 0;
    Vec::new()
}

/// Moves the highlighted line of the list.
fn step(model: &mut Model, action: Action) {
    let page = usize::from(layout::page(model.size));
    let view = &mut model.audits_view;
    let rows = view.rows.as_deref().unwrap_or_default();
    let Some(last) = rows.len().checked_sub(1) else { return };
    let at = rows.iter().position(|row| row.name == view.selected).unwrap_or(0);
    view.selected.clone_from(&rows[moved(at, action, page).min(last)].name);
    view.top = 0;
}

/// Moves the report.
fn scroll(model: &mut Model, action: Action) {
    let page = usize::from(layout::page(model.size));
    let last = audits::last_top(model);
    model.audits_view.top = moved(model.audits_view.top, action, page).min(last);
}

fn moved(at: usize, action: Action, page: usize) -> usize {
    match action {
        Action::Up => at.saturating_sub(1),
        Action::Down => at + 1,
        Action::PageUp => at.saturating_sub(page),
        Action::PageDown => at + page,
        Action::First => 0,
        Action::Last => usize::MAX,
        _ => at,
    }
}

/// Asks whether the chosen preset is to be audited, with its changes.
pub fn ask_to_begin(model: &mut Model) {
    let Some(entry) = model.chosen_preset() else { return };
    let preset = entry.name.clone();
    let own = model.changes.get(&preset).into_iter().flatten();
    let changes: Vec<String> = own.map(|(key, value)| format!("{key}={value}")).collect();
    let with = if changes.is_empty() { String::new() } else { format!(" with {}", changes.join(", ")) };
    model.overlays.push(Overlay::Confirm {
        question: format!("Audit {preset}{with}?"),
        detail: "Every attack that fits, from little knowledge to much, five minutes for all searches, then what would protect. It \
                 goes on when this screen is left; gialab audit has budgets, limits and captured updates."
            .into(),
        yes: Yes::Do(vec![Effect::Audit { preset, changes }]),
    });
}

fn ask_to_stop(model: &mut Model) {
    let Some(audit) = model.chosen_audit() else { return };
    let (name, path) = (audit.name.clone(), audit.path.clone());
    model.overlays.push(Overlay::Confirm {
        question: format!("Stop the audit {name}?"),
        detail: "Its runs write checkpoints and end; the same command goes on from there.".into(),
        yes: Yes::Do(vec![Effect::StopAudit(path)]),
    });
}

/// An audit was begun, or not.
pub fn begun(model: &mut Model, preset: &str, result: Result<(), String>) -> Result<(), String> {
    model.notice = None;
    result.map(|()| {
        drop(note(model, format!("{preset} is being audited: the screen of audits shows it"), false))
    })
}

pub fn listed(model: &mut Model, rows: Vec<Kept>) {
    let view = &mut model.audits_view;
    if !rows.iter().any(|row| row.name == view.selected) {
        view.selected = rows.first().map(|row| row.name.clone()).unwrap_or_default();
        (view.top, view.reading) = (0, false);
    }
    view.rows = Some(rows);
    let last = audits::last_top(model);
    model.audits_view.top = model.audits_view.top.min(last);
}
