//! The screens of presets and of runs.

use std::collections::BTreeMap;

use super::{compare, note, notebook, palette, run, save, selected, show, subject};
use crate::tui::PresetEntry;
use crate::tui::effect::Effect;
use crate::tui::keymap::Action;
use crate::tui::layout;
use crate::tui::model::{Model, RunRow, Screen, Sort};
use crate::tui::notify;
use crate::tui::overlay::form::Form;
use crate::tui::overlay::{Overlay, Yes};
use crate::tui::screen::presets;

/// Lines of a question.
const MOST_LINES: usize = 4;

pub fn on_presets(model: &mut Model, action: Action) -> Vec<Effect> {
    match action {
        Action::Filter => model.presets_view.filtering = true,
        Action::Start => return ask_to_start(model),
        Action::Undo => {
            if let Some(name) = model.chosen_preset().map(|entry| entry.name.clone()) {
                model.changes.remove(&name);
                return note(model, format!("{name} is as it was"), false);
            }
        }
        Action::Change => {
            if let Some(form) = model.chosen_preset().map(|entry| Form::of_preset(entry, model)) {
                model.overlays.push(Overlay::Form(Box::new(form)));
            }
        }
        Action::NextPicture => return move_picture(model, 1),
        Action::PreviousPicture => return move_picture(model, -1),
        Action::NextBackend => return next_backend(model),
        Action::Describe => {
            if let Some(entry) = model.chosen_preset() {
                let (title, body) = (entry.config.title.clone(), presets::about(model, entry));
                model.overlays.push(Overlay::Text { title, body, scroll: 0 });
            }
        }
        Action::EditFile => {
            if let Some(entry) = model.chosen_preset() {
                return vec![Effect::EditPreset { name: entry.name.clone() }];
            }
        }
        _ => step(model, action),
    }
    Vec::new()
}

pub fn on_runs(model: &mut Model, action: Action) -> Vec<Effect> {
    match action {
        Action::Filter => model.runs_view.filtering = true,
        Action::Open => {
            if let Some(directory) = subject(model) {
                return run::open(model, directory);
            }
        }
        Action::Select => {
            let Some(id) = model.chosen_run().map(|row| row.id.clone()) else { return Vec::new() };
            model.runs_view.toggle(&id);
            step(model, Action::Down);
            return save(model);
        }
        Action::SelectAll => {
            model.select_all();
            return save(model);
        }
        Action::Compare => {
            model.compare.groups = None;
            return show(model, Screen::Compare);
        }
        Action::Pause => return selected::pause(model),
        Action::Hold | Action::QueueFirst | Action::QueueLast => return selected::queue(model, action),
        Action::WriteNote | Action::WriteTags | Action::Rename => notebook::open(model, action),
        Action::Undo => return vec![Effect::Undelete],
        Action::Sort => return sort_by(model, model.runs_view.sort.next(), false),
        Action::SortBy => palette::orders(model),
        Action::Reverse => return sort_by(model, model.runs_view.sort, !model.runs_view.reversed),
        _ => step(model, action),
    }
    Vec::new()
}

/// Orders the runs; the chosen one stays chosen.
pub fn sort_by(model: &mut Model, sort: Sort, reversed: bool) -> Vec<Effect> {
    (model.runs_view.sort, model.runs_view.reversed) = (sort, reversed);
    keep_selection(model);
    save(model)
}

pub fn in_filter(model: &mut Model, action: Action) -> Vec<Effect> {
    let (filter, filtering) = match model.screen {
        Screen::Runs => (&mut model.runs_view.filter, &mut model.runs_view.filtering),
        Screen::Catalogue => (&mut model.catalogue_view.filter, &mut model.catalogue_view.filtering),
        _ => (&mut model.presets_view.filter, &mut model.presets_view.filtering),
    };
    *filtering = false;
    if action == Action::Back {
        filter.reset();
    }
    keep_selection(model);
    save(model)
}

/// After a filter, an order or what is listed changed: what is highlighted is what is chosen.
pub fn keep_selection(model: &mut Model) {
    model.list_runs();
    if let Some(name) = model.chosen_preset().map(|entry| entry.name.clone()) {
        model.presets_view.selected = name;
    }
    if let Some(id) = model.chosen_run().map(|row| row.id.clone()) {
        model.runs_view.selected = id;
    }
    if let Some(entry) = model.catalogue_view.chosen() {
        model.catalogue_view.selected.clone_from(&entry.key);
    }
}

/// Moves the highlighted line of the shown list.
pub fn step(model: &mut Model, action: Action) {
    let page = usize::from(layout::page(model.size));
    let to = |at: usize, count: usize| match action {
        Action::Up => at.saturating_sub(1),
        Action::Down => at + 1,
        Action::PageUp => at.saturating_sub(page),
        Action::PageDown => at + page,
        Action::First => 0,
        Action::Last => count,
        _ => at,
    };
    let moved = |names: Vec<&str>, selected: &str| {
        let at = names.iter().position(|name| *name == selected).unwrap_or(0);
        names.get(to(at, names.len()).min(names.len().saturating_sub(1))).map(|name| (*name).to_owned())
    };
    match model.screen {
        Screen::Presets => {
            let names = model.visible_presets().iter().map(|entry| entry.name.as_str()).collect();
            if let Some(name) = moved(names, &model.presets_view.selected) {
                model.presets_view.selected = name;
            }
        }
        Screen::Catalogue => {
            let keys = model.catalogue_view.visible().iter().map(|entry| entry.key.as_str()).collect();
            if let Some(key) = moved(keys, &model.catalogue_view.selected) {
                model.catalogue_view.selected = key;
            }
        }
        _ => {
            let names = model.visible_runs().iter().map(|row| row.id.as_str()).collect();
            if let Some(id) = moved(names, &model.runs_view.selected) {
                model.runs_view.selected = id;
            }
        }
    }
}

/// Starts the chosen preset; if it was changed, after showing how.
fn ask_to_start(model: &mut Model) -> Vec<Effect> {
    let Some(entry) = model.chosen_preset() else { return Vec::new() };
    let changes = model.changes_of(entry);
    if changes.is_empty() {
        return start(model);
    }
    let arrow = model.theme.glyph("→", "->");
    let mut lines: Vec<String> = changes
        .iter()
        .map(|change| format!("{}: {} {arrow} {}", change.key, change.from, change.to))
        .collect();
    if lines.len() > MOST_LINES {
        let more = lines.split_off(MOST_LINES - 1).len();
        lines.push(format!("and {more} more"));
    }
    model.overlays.push(Overlay::Confirm {
        question: format!("Start {} with its changes?", entry.name),
        detail: lines.join("\n"),
        yes: Yes::Start,
    });
    Vec::new()
}

pub fn start(model: &mut Model) -> Vec<Effect> {
    let Some(entry) = model.chosen_preset() else { return Vec::new() };
    let config = model.config_of(entry);
    let preset = entry.name.clone();
    model.presets_view.selected = preset.clone();
    model.starting = true;
    let mut effects = note(model, format!("starting {preset}"), false);
    effects.extend(save(model));
    effects.push(Effect::Start { preset, config: Box::new(config), backend: model.backend.clone() });
    effects
}

fn move_picture(model: &mut Model, by: isize) -> Vec<Effect> {
    let Some(entry) = model.chosen_preset() else { return Vec::new() };
    let (name, config) = (entry.name.clone(), model.config_of(entry));
    if config.victim.sample.is_some() {
        return note(model, "the batch is drawn: victim.indices chooses its pictures".into(), false);
    }
    let Some(samples) = model.dataset(&config.victim.data).map(|set| set.samples as isize) else {
        return Vec::new();
    };
    let moved: Vec<usize> = config
        .victim
        .positions()
        .iter()
        .map(|index| (*index as isize + by).rem_euclid(samples.max(1)) as usize)
        .collect();
    let own = entry.config.victim.positions() == moved && entry.config.victim.data == config.victim.data;
    let changes = model.changes.entry(name).or_default();
    if own {
        changes.remove("victim.indices");
    } else {
        changes.insert("victim.indices".to_owned(), format!("{moved:?}"));
    }
    save(model)
}

fn next_backend(model: &mut Model) -> Vec<Effect> {
    let at = model.backends.iter().position(|entry| entry.name == model.backend).unwrap_or(0);
    let count = model.backends.len();
    let next = (1..=count)
        .map(|by| &model.backends[(at + by) % count])
        .find(|entry| entry.unavailable.is_none())
        .map(|entry| entry.name.clone());
    model.backend = next.unwrap_or_else(|| model.backend.clone());
    save(model)
}

pub fn presets_loaded(model: &mut Model, presets: Vec<PresetEntry>, errors: &[String]) -> Vec<Effect> {
    model.presets = presets;
    model.runs_view.forget_changes();
    keep_selection(model);
    match errors {
        [] => Vec::new(),
        errors => {
            model.overlays.push(Overlay::Error { message: errors.join("\n") });
            Vec::new()
        }
    }
}

pub fn runs_listed(model: &mut Model, rows: Vec<RunRow>) -> Vec<Effect> {
    let before = model.runs_view.rows.replace(rows);
    let after = model.runs_view.rows.as_deref().unwrap_or_default();
    let ended = notify::news(before.as_deref().unwrap_or_default(), after, model.focused);
    model.runs_view.error = None;
    model.experience.take_up(after, &model.machine.host);
    keep_selection(model);
    selected::drop_missing(model, before.is_some());
    let rows = model.runs_view.rows.iter().flatten();
    let known: BTreeMap<&str, &RunRow> = rows.map(|row| (row.id.as_str(), row)).collect();
    let mut effects: Vec<Effect> = ended.map(Effect::Notify).into_iter().collect();
    if let Some(wanted) = model.reopen.take() {
        let directory = known.get(wanted.as_str()).map(|row| row.directory.clone());
        // Reopening is not a reason to change the screen.
        let screen = model.screen;
        match directory {
            Some(directory) => {
                effects.extend(run::open(model, directory));
                model.screen = screen;
            }
            None if screen == Screen::Run => model.screen = Screen::Runs,
            None => {}
        }
    }
    let shows_runs = model.screen == Screen::Compare && model.compare.groups.is_none();
    if shows_runs && !model.compare.holds(&model.runs_view.marked) {
        effects.extend(compare::take_up(model));
    }
    effects
}

/// A run is not on the disk any more.
pub fn forget(model: &mut Model, id: &str) {
    if let Some(rows) = &mut model.runs_view.rows {
        rows.retain(|row| row.id != id);
    }
    model.runs_view.keep_marked(|marked| marked != id);
    keep_selection(model);
}

/// A run was deleted here.
pub fn deleted(model: &mut Model, id: &str) -> Vec<Effect> {
    forget(model, id);
    if model.opened.as_deref() == Some(id) {
        model.opened = None;
        if model.screen == Screen::Run {
            model.screen = Screen::Runs;
        }
    }
    model.compare.runs.retain(|(compared, _)| compared != id);
    vec![super::follow(model)]
}
