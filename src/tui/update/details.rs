//! What a run says of itself in full.

use super::subject;
use crate::run::Health;
use crate::run::details::Details;
use crate::tui::effect::Effect;
use crate::tui::keymap::Action;
use crate::tui::model::{Model, Screen};
use crate::tui::overlay::Overlay;
use crate::tui::overlay::details::{Pane, Part, room};

/// Opens the details of the run that keys act on: of one that failed why it did, else its log.
pub fn open(model: &mut Model) -> Vec<Effect> {
    let Some(directory) = subject(model) else { return Vec::new() };
    let health = match model.screen {
        Screen::Run => model.run().map(|run| run.health),
        _ => model.chosen_run().map(|row| row.health),
    };
    let part = match health {
        Some(Health::Failed | Health::Crashed) => Part::Failure,
        _ => Part::Log,
    };
    model.overlays.push(Overlay::Details(Pane::new(directory.id(), part)));
    vec![Effect::ReadDetails(directory)]
}

/// Reads them anew while they are open and the run is live.
pub fn refresh(model: &Model) -> Option<Effect> {
    let Some(Overlay::Details(pane)) = model.overlays.last() else { return None };
    let health = match model.screen {
        Screen::Run => model.run().map(|run| run.health),
        _ => model.row(&pane.run).map(|row| row.health),
    };
    // Until they have arrived they are on their way.
    let is_due = pane.details.is_some() && health.is_some_and(Health::is_live);
    let directory = subject(model).filter(|directory| is_due && directory.id() == pane.run)?;
    Some(Effect::ReadDetails(directory))
}

/// What was read belongs to the pane that waits for it, if it is still open. A log is shown from its end, and goes on to be
/// where that was looked at.
pub fn arrived(model: &mut Model, run: &str, details: Box<Details>) {
    let size = model.size;
    let mut panes = model.overlays.iter_mut().filter_map(|overlay| match overlay {
        Overlay::Details(pane) if pane.run == run => Some(pane),
        _ => None,
    });
    if let Some(pane) = panes.next() {
        let follows = pane.part == Part::Log && pane.is_at_end(size);
        match pane.details.replace(details) {
            Some(_) if !follows => pane.scroll_to(pane.scroll, size),
            _ => show(pane, pane.part, size),
        }
    }
}

pub fn act(model: &mut Model, action: Action) -> Vec<Effect> {
    let size = model.size;
    let Some(Overlay::Details(pane)) = model.overlays.last_mut() else { return Vec::new() };
    let (at, page) = (pane.scroll, room(size));
    match action {
        Action::NextPart => show(pane, pane.part.step(1), size),
        Action::PreviousPart => show(pane, pane.part.step(Part::ALL.len() - 1), size),
        Action::Up => pane.scroll_to(at.saturating_sub(1), size),
        Action::Down => pane.scroll_to(at + 1, size),
        Action::PageUp => pane.scroll_to(at.saturating_sub(page), size),
        Action::PageDown => pane.scroll_to(at + page, size),
        Action::First => pane.scroll = 0,
        Action::Last => pane.scroll_to(usize::MAX, size),
        Action::Copy => return vec![Effect::Copy(pane.lines().join("\n") + "\n")],
        _ => drop(model.overlays.pop()),
    }
    Vec::new()
}

fn show(pane: &mut Pane, part: Part, size: (u16, u16)) {
    pane.part = part;
    pane.scroll_to(if part == Part::Log { usize::MAX } else { 0 }, size);
}
