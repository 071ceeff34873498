//! The command palette, and the list of export formats.

use super::{act as act_at, run};
use crate::format;
use crate::run::RunDirectory;
use crate::run::export::Format;
use crate::tui::effect::Effect;
use crate::tui::keymap::{self, Action, Place};
use crate::tui::model::{Model, Screen};
use crate::tui::overlay::Overlay;
use crate::tui::overlay::list::{Does, Item, List};

/// Runs that the palette offers.
const RUNS: usize = 200;

/// Opens the palette: all that can be done here, every preset, the newest runs.
pub fn open(model: &mut Model) {
    let ascii = model.theme.ascii;
    let place = Place::of_screen(model.screen);
    let bindings = keymap::bindings(place).chain(keymap::bindings(Place::Everywhere));
    let moves = |action: Action| {
        matches!(
            action,
            Action::Up
                | Action::Down
                | Action::PageUp
                | Action::PageDown
                | Action::First
                | Action::Last
                | Action::Palette
        )
    };
    let mut items: Vec<Item> = bindings
        .filter(|binding| !moves(binding.action))
        .map(|binding| Item {
            text: binding.help.to_owned(),
            hint: model.keymap.all_keys(binding, ascii),
            reason: keymap::available(binding.action, model).err(),
            does: Does::Act(binding.action),
        })
        .collect();
    items.extend(model.presets.iter().map(|entry| Item {
        text: format!("preset {}", entry.name),
        hint: entry.config.title.clone(),
        reason: None,
        does: Does::Preset(entry.name.clone()),
    }));
    let newest = model.runs_view.rows.iter().flatten().take(RUNS);
    items.extend(newest.map(|row| Item {
        text: format!("run {}", row.id),
        hint: format!(
            "{}, {}",
            row.health.name(),
            format::moment(row.created, model.now, &model.zone).trim()
        ),
        reason: None,
        does: Does::Run(row.id.clone()),
    }));
    model.overlays.push(Overlay::List(List::new("find", items)));
}

/// Asks for the format of a report on the runs that keys act on.
pub fn choose_export(model: &mut Model) {
    let runs = subjects(model);
    let what = match runs.as_slice() {
        [] => return,
        [one] => format!("export {}", one.id()),
        several => format!("export {} runs", several.len()),
    };
    let items = Format::ALL.into_iter().map(|format| Item {
        text: format.name().to_owned(),
        hint: about(format).to_owned(),
        reason: None,
        does: Does::Effects(vec![Effect::Export(runs.clone(), format)]),
    });
    model.overlays.push(Overlay::List(List::new(what, items.collect())));
}

fn about(format: Format) -> &'static str {
    match format {
        Format::Csv => "tables for a spreadsheet or pandas",
        Format::Json => "everything but the pixels, for programs",
        Format::Png => "the pictures, enlarged and labelled",
        Format::Html => "a page to read, print and pass on",
    }
}

/// The compared runs, the selected ones, or the one that is looked at.
fn subjects(model: &Model) -> Vec<RunDirectory> {
    let chosen = || super::subject(model).into_iter().collect();
    match model.screen {
        Screen::Compare => model.compared().iter().map(|(run, _)| run.directory.clone()).collect(),
        Screen::Runs => model.selected_runs().iter().map(|row| row.directory.clone()).collect(),
        _ => chosen(),
    }
}

pub fn act(model: &mut Model, action: Action) -> Vec<Effect> {
    let Some(Overlay::List(list)) = model.overlays.last_mut() else { return Vec::new() };
    let last = list.fitting().len().saturating_sub(1);
    match action {
        Action::Up => list.chosen = list.chosen.min(last).checked_sub(1).unwrap_or(last),
        Action::Down => list.chosen = if list.chosen >= last { 0 } else { list.chosen + 1 },
        Action::PageUp => list.chosen = list.chosen.saturating_sub(10),
        Action::PageDown => list.chosen = (list.chosen + 10).min(last),
        Action::Back => drop(model.overlays.pop()),
        Action::Accept => return accept(model),
        _ => {}
    }
    Vec::new()
}

fn accept(model: &mut Model) -> Vec<Effect> {
    let Some(Overlay::List(mut list)) = model.overlays.pop() else { return Vec::new() };
    let at = {
        let fitting = list.fitting();
        match fitting.get(list.chosen).or(fitting.last()) {
            Some(at) => *at,
            None => {
                model.overlays.push(Overlay::List(list));
                return Vec::new();
            }
        }
    };
    match list.items.swap_remove(at).does {
        Does::Act(action) => act_at(model, Place::of_screen(model.screen), action),
        Does::Effects(effects) => effects,
        Does::Preset(name) => {
            model.screen = Screen::Presets;
            model.presets_view.filter.reset();
            model.presets_view.selected = name;
            super::save(model)
        }
        Does::Run(id) => match model.row(&id).map(|row| row.directory.clone()) {
            Some(directory) => run::open(model, directory),
            None => Vec::new(),
        },
    }
}
