//! The command palette, and what else is chosen from a list.

use super::{act as act_at, catalogue, explain, export, form, lists, run, studies};
use crate::catalogue::literature;
use crate::config::tour;
use crate::figure;
use crate::format;
use crate::tui::effect::Effect;
use crate::tui::keymap::{self, Action, Place};
use crate::tui::model::{Model, Screen, Sort};
use crate::tui::overlay::Overlay;
use crate::tui::overlay::list::{Does, Item, List};

/// Runs that the palette offers.
const RUNS: usize = 200;

/// Opens the palette: all that can be done here, every preset, the newest runs, every word that is explained.
pub fn open(model: &mut Model) {
    let ascii = model.theme.ascii;
    let place = Place::of_screen(model);
    let bindings = keymap::bindings(place).chain(keymap::bindings(Place::Everywhere));
    let moves = |action: Action| {
        matches!(
            action,
            Action::Up
                | Action::Down
                | Action::Left
                | Action::Right
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
    items.extend(figure::words().map(|word| Item {
        text: format!("explain {}", word.ascii),
        hint: word.key.to_owned(),
        reason: None,
        does: Does::Explain(word),
    }));
    items.extend(tour::steps().iter().enumerate().map(|(at, step)| Item {
        text: format!("tour {}: {}", at + 1, step.title),
        hint: step.preset.clone(),
        reason: None,
        does: Does::Tour(at),
    }));
    items.extend(literature::attacks().iter().chain(literature::defences()).map(|entry| Item {
        text: format!("catalogue {}", entry.key),
        hint: entry.title.clone(),
        reason: None,
        does: Does::Entry(entry),
    }));
    model.overlays.push(Overlay::List(List::new("find", items)));
}

/// Lets the order of the runs be chosen.
pub fn orders(model: &mut Model) {
    let item = |sort: Sort| {
        let of_figure = |figure: &figure::Figure| (figure.word.ascii.to_owned(), figure.word.key.to_owned());
        let named = || (sort.name(false), String::new());
        let (text, hint) = sort.figure().map_or_else(named, of_figure);
        Item { text, hint, reason: None, does: Does::Order(sort) }
    };
    model.overlays.push(Overlay::List(List::new("order runs by", Sort::all().map(item).collect())));
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
        Does::Act(action) => act_at(model, Place::of_screen(model), action),
        Does::Export(runs, format) => {
            export::ask_where(model, runs, format);
            Vec::new()
        }
        Does::Order(sort) => lists::sort_by(model, sort, false),
        Does::Step(defence) => {
            form::add_step(model, defence);
            Vec::new()
        }
        Does::Preset(name) => {
            model.screen = Screen::Presets;
            model.presets_view.filter.reset();
            model.presets_view.selected = name;
            super::save(model)
        }
        Does::Explain(word) => {
            explain::word(model, word);
            Vec::new()
        }
        Does::Open(directory) => run::open(model, directory),
        Does::RunStudy { study, quick } => {
            studies::ask_to_run(model, study, quick);
            Vec::new()
        }
        Does::Tour(at) => catalogue::ask_to_tour(model, at),
        Does::Entry(entry) => catalogue::look_up(model, entry),
        Does::Run(id) => match model.row(&id).map(|row| row.directory.clone()) {
            Some(directory) => run::open(model, directory),
            None => Vec::new(),
        },
    }
}
