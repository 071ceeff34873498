//! The screen that compares, with groups of runs in the place of runs: cells of a study.

use super::{save, show};
use crate::study::{Groups, Matrix};
use crate::tui::effect::Effect;
use crate::tui::keymap::Action;
use crate::tui::model::{GroupsView, Model, Screen, StudyView};

/// Compares the selected cells of the study that is looked into, or all.
pub fn compare(model: &mut Model) -> Vec<Effect> {
    let Some(study) = model.study() else { return Vec::new() };
    let Some(snapshot) = study.snapshot() else { return Vec::new() };
    let all = || {
        // As they are read: row by row.
        let matrix = Matrix::of(&snapshot.study);
        matrix.rows.iter().flat_map(|(_, cells)| cells.iter().flatten().copied()).collect::<Vec<usize>>()
    };
    let cells = if study.marked.is_empty() { all() } else { study.marked.clone() };
    model.compare.groups = Some(GroupsView::new(study.name.clone(), cells));
    show(model, Screen::Compare)
}

pub fn act(model: &mut Model, action: Action) -> Vec<Effect> {
    let Some(groups) = &mut model.compare.groups else { return Vec::new() };
    let last = groups.cells.len().saturating_sub(1);
    groups.chosen = groups.chosen.min(last);
    match action {
        Action::Up => groups.chosen = groups.chosen.saturating_sub(1),
        Action::Down => groups.chosen = (groups.chosen + 1).min(last),
        Action::NextFigure => groups.next_figure(),
        Action::Pin => {
            // It goes in front; the others keep their order.
            groups.cells[..=groups.chosen].rotate_right(1);
            groups.chosen = 0;
            groups.current = None;
        }
        Action::Select => {
            groups.cells.remove(groups.chosen);
            groups.chosen = groups.chosen.min(groups.cells.len().saturating_sub(1));
            groups.current = None;
            if groups.cells.is_empty() {
                return back(model);
            }
        }
        Action::Open => {
            let (name, cell) = (groups.study.clone(), groups.cells[groups.chosen]);
            let study = model.studies_view.opened.take().filter(|study| study.name == name);
            let study = study.unwrap_or_else(|| StudyView::new(name.clone()));
            model.studies_view.selected = name;
            model.studies_view.opened = Some(StudyView { cell, ..study });
            return show(model, Screen::Studies);
        }
        Action::Copy => {
            if let Some(Ok(groups)) = &groups.current {
                return vec![Effect::Copy(groups.tsv())];
            }
        }
        _ => {}
    }
    Vec::new()
}

/// Back to the study; runs can be compared again.
pub fn back(model: &mut Model) -> Vec<Effect> {
    model.compare.groups = None;
    let mut effects = show(model, Screen::Studies);
    effects.extend(save(model));
    effects
}

pub fn read(model: &mut Model, name: &str, cells: &[usize], read: Result<Box<Groups>, String>) {
    let shown = model.compare.groups.as_mut().filter(|shown| shown.study == name && shown.cells == cells);
    if let Some(shown) = shown {
        shown.current = Some(read);
    }
}
