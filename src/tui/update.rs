//! The only place that changes the model. Pure: no file, no clock, no terminal.

use std::collections::HashMap;
use std::sync::Arc;

use crossterm::event::{Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use tui_input::Input;
use tui_input::backend::crossterm::EventHandler;

use super::effect::Effect;
use super::keymap::{self, Action, Place};
use super::layout;
use super::model::{Model, Notice, RunView, Screen};
use super::msg::{Msg, Outcome, PictureKey};
use super::overlay::{Overlay, edit::Form};
use crate::gfx::Raster;
use crate::run::state::{Picture, RunState};
use crate::run::{Health, Request, RunDirectory};

/// Decoded pictures kept for scrubbing.
const CACHED: usize = 64;

/// Seconds a notice stays.
const NOTICE_S: f64 = 6.0;

/// Takes a message into the model and says what is to be done about it.
pub fn update(model: &mut Model, msg: Msg) -> Vec<Effect> {
    match msg {
        Msg::Key(event) if event.kind == KeyEventKind::Release => return Vec::new(),
        Msg::Tick(now) => return tick(model, now),
        _ => {}
    }
    model.is_dirty = true;
    let mut effects = match msg {
        Msg::Key(event) => on_key(model, event),
        Msg::Paste(text) => paste(model, &text),
        Msg::Resized(columns, rows) => {
            model.size = (columns, rows);
            Vec::new()
        }
        Msg::Damaged => vec![Effect::Redraw],
        Msg::Tick(_) => Vec::new(),
        Msg::Terminate => {
            model.is_leaving = true;
            Vec::new()
        }
        Msg::RunsListed(rows) => runs_listed(model, rows),
        Msg::RunsUnreadable(error) => {
            model.runs_view.error = Some(error);
            Vec::new()
        }
        Msg::ManifestArrived { run, manifest, health } => {
            if let Some(view) = model.run.as_mut().filter(|view| view.id == run) {
                view.health = health;
                match manifest {
                    Ok(manifest) => {
                        view.manifest = Some(*manifest);
                        view.error = None;
                    }
                    Err(error) => view.error = Some(error),
                }
                settle_request(view);
            }
            Vec::new()
        }
        Msg::LinesArrived { run, restarted, lines, more } => {
            if let Some(view) = model.run.as_mut().filter(|view| view.id == run) {
                if restarted {
                    view.state = RunState::default();
                }
                for line in lines {
                    view.state.apply(line);
                }
                view.reading = more;
            }
            Vec::new()
        }
        Msg::LastWords { run, lines } => {
            if let Some(view) = model.run.as_mut().filter(|view| view.id == run) {
                view.last_words = lines;
            }
            Vec::new()
        }
        Msg::PictureArrived(key, decoded) => {
            picture_arrived(model, key, decoded);
            Vec::new()
        }
        Msg::Created(directory) => open(model, directory),
        Msg::Finished(outcome) => finished(model, outcome),
    };
    effects.extend(want_pictures(model));
    effects
}

fn tick(model: &mut Model, now: f64) -> Vec<Effect> {
    model.now = now;
    if model.notice.as_ref().is_some_and(|notice| notice.until <= now) {
        model.notice = None;
        model.is_dirty = true;
    }
    // "3 min ago" and elapsed times move with the clock.
    if model.screen == Screen::Runs || model.run.as_ref().is_some_and(|run| run.health.is_live()) {
        model.is_dirty = true;
    }
    Vec::new()
}

fn on_key(model: &mut Model, event: KeyEvent) -> Vec<Effect> {
    let control = event.modifiers.contains(KeyModifiers::CONTROL);
    match event.code {
        KeyCode::Char('c') if control => {
            model.is_leaving = true;
            return Vec::new();
        }
        KeyCode::Char('l') if control => return vec![Effect::Redraw],
        KeyCode::Char('z') if control => return vec![Effect::Suspend],
        _ => {}
    }
    let place = Place::now(model);
    let Some(action) = keymap::action(place, &event) else {
        return type_into(model, place, &Event::Key(event));
    };
    if let Err(reason) = keymap::available(action, model) {
        return note(model, format!("not now: {reason}"), false);
    }
    match place {
        Place::Filter => in_filter(model, action),
        Place::Question | Place::Text | Place::Form => in_overlay(model, action),
        _ => on_screen(model, action),
    }
}

/// The text field that keys go to, if any.
fn focused_input(model: &mut Model, place: Place) -> Option<&mut Input> {
    match (place, model.screen) {
        (Place::Filter, Screen::Presets) => Some(&mut model.presets_view.filter),
        (Place::Filter, Screen::Runs) => Some(&mut model.runs_view.filter),
        (Place::Form, _) => match model.overlays.last_mut() {
            Some(Overlay::Edit(form)) => form.inputs.get_mut(form.focus),
            _ => None,
        },
        _ => None,
    }
}

fn type_into(model: &mut Model, place: Place, event: &Event) -> Vec<Effect> {
    if let Some(input) = focused_input(model, place) {
        input.handle_event(event);
    }
    keep_selection(model);
    Vec::new()
}

fn paste(model: &mut Model, text: &str) -> Vec<Effect> {
    let place = Place::now(model);
    if let Some(input) = focused_input(model, place) {
        for c in text.trim().chars().filter(|c| !c.is_control()) {
            input.handle(tui_input::InputRequest::InsertChar(c));
        }
    }
    keep_selection(model);
    Vec::new()
}

/// After the visible lists changed: what is highlighted is what is chosen.
fn keep_selection(model: &mut Model) {
    if let Some(name) = model.chosen_preset().map(|entry| entry.name.clone()) {
        model.presets_view.selected = name;
    }
    if let Some(id) = model.chosen_run().map(|row| row.id.clone()) {
        model.runs_view.selected = id;
    }
}

fn in_filter(model: &mut Model, action: Action) -> Vec<Effect> {
    let (filter, filtering) = match model.screen {
        Screen::Runs => (&mut model.runs_view.filter, &mut model.runs_view.filtering),
        _ => (&mut model.presets_view.filter, &mut model.presets_view.filtering),
    };
    *filtering = false;
    if action == Action::Back {
        filter.reset();
    }
    keep_selection(model);
    save(model)
}

fn in_overlay(model: &mut Model, action: Action) -> Vec<Effect> {
    let page = model.size.1.saturating_sub(6).max(1);
    match (model.overlays.last_mut(), action) {
        (Some(Overlay::Help { scroll } | Overlay::Text { scroll, .. }), action) => match action {
            Action::Up => *scroll = scroll.saturating_sub(1),
            Action::Down => *scroll = scroll.saturating_add(1).min(500),
            Action::PageUp => *scroll = scroll.saturating_sub(page),
            Action::PageDown => *scroll = scroll.saturating_add(page).min(500),
            Action::First => *scroll = 0,
            _ => drop(model.overlays.pop()),
        },
        (Some(Overlay::Confirm { .. }), action) => {
            if let (Some(Overlay::Confirm { yes, .. }), Action::Yes) = (model.overlays.pop(), action) {
                return yes;
            }
        }
        (Some(Overlay::Edit(form)), Action::NextField) => form.focus = (form.focus + 1) % form.inputs.len(),
        (Some(Overlay::Edit(form)), Action::PreviousField) => {
            form.focus = (form.focus + form.inputs.len() - 1) % form.inputs.len();
        }
        (Some(Overlay::Edit(form)), Action::ResetField) => form.reset_field(),
        (Some(Overlay::Edit(form)), Action::Accept) => {
            if let Some(settings) = form.settings(&model.datasets) {
                model.settings.insert(form.preset.clone(), settings);
                model.overlays.pop();
                return save(model);
            }
            return note(model, "one of the fields cannot be used".into(), true);
        }
        (Some(Overlay::Error { .. } | Overlay::Edit(_)), Action::Back) => drop(model.overlays.pop()),
        _ => {}
    }
    Vec::new()
}

fn on_screen(model: &mut Model, action: Action) -> Vec<Effect> {
    match action {
        Action::Quit => model.is_leaving = true,
        Action::Help => model.overlays.push(Overlay::Help { scroll: 0 }),
        Action::NextScreen => return turn(model, 1),
        Action::PreviousScreen => return turn(model, 2),
        Action::Show(screen) => return show(model, screen),
        Action::Back => return back(model),
        Action::Up => return step(model, |at, _| at.saturating_sub(1)),
        Action::Down => return step(model, |at, _| at + 1),
        Action::PageUp => return step(model, |at, page| at.saturating_sub(page)),
        Action::PageDown => return step(model, |at, page| at + page),
        Action::First => return step(model, |_, _| 0),
        Action::Last => return step(model, |_, _| usize::MAX),
        Action::Filter => match model.screen {
            Screen::Runs => model.runs_view.filtering = true,
            _ => model.presets_view.filtering = true,
        },
        Action::Start => return start(model),
        Action::Change => {
            if let Some(form) = model.chosen_preset().map(|entry| Form::new(entry, model)) {
                model.overlays.push(Overlay::Edit(Box::new(form)));
            }
        }
        Action::NextPicture => return move_picture(model, 1),
        Action::PreviousPicture => return move_picture(model, -1),
        Action::NextBackend => return next_backend(model),
        Action::Describe => {
            if let Some(entry) = model.chosen_preset() {
                let (title, body) = (entry.config.title.clone(), entry.config.about.clone());
                model.overlays.push(Overlay::Text { title, body, scroll: 0 });
            }
        }
        Action::Open => {
            if let Some(directory) = model.chosen_run().map(|row| row.directory.clone()) {
                return open(model, directory);
            }
        }
        Action::Sort => {
            model.runs_view.sort = model.runs_view.sort.next();
            return save(model);
        }
        Action::Resume => {
            if let Some(directory) = subject(model) {
                model.starting = true;
                let mut effects = vec![Effect::Resume(directory.clone())];
                if model.screen == Screen::Runs {
                    effects.extend(open(model, directory));
                }
                if let Some(run) = &mut model.run {
                    run.asked = Some("resuming");
                }
                return effects;
            }
        }
        Action::Delete => ask_to_delete(model),
        Action::Pause => return pause(model),
        Action::Stop => ask_to_stop(model),
        Action::ToggleAxis => {
            model.log_axis = !model.log_axis;
            return save(model);
        }
        Action::TogglePictures => {
            model.panes = model.panes.next();
            return save(model);
        }
        Action::ScrubBack => scrub(model, -1),
        Action::ScrubForward => scrub(model, 1),
        Action::ScrubFirst => scrub(model, isize::MIN),
        Action::Follow => {
            if let Some(run) = &mut model.run {
                run.scrub = None;
                run.trial = None;
            }
        }
        Action::PreviousTrial => look_at_trial(model, -1),
        Action::NextTrial => look_at_trial(model, 1),
        _ => {}
    }
    Vec::new()
}

fn turn(model: &mut Model, by: usize) -> Vec<Effect> {
    const ORDER: [Screen; 3] = [Screen::Presets, Screen::Runs, Screen::Run];
    let screens = if model.run.is_some() { 3 } else { 2 };
    let at = ORDER.iter().position(|screen| *screen == model.screen).unwrap_or(0);
    let by = if by == 1 { 1 } else { screens - 1 };
    show(model, ORDER[(at + by) % screens])
}

fn show(model: &mut Model, screen: Screen) -> Vec<Effect> {
    model.screen = screen;
    model.presets_view.filtering = false;
    model.runs_view.filtering = false;
    save(model)
}

fn back(model: &mut Model) -> Vec<Effect> {
    match model.screen {
        Screen::Run => {
            if let Some(run) = model.run.as_mut().filter(|run| run.scrub.is_some() || run.trial.is_some()) {
                run.scrub = None;
                run.trial = None;
                return Vec::new();
            }
            return show(model, Screen::Runs);
        }
        Screen::Runs if model.runs_view.filter.value().is_empty() => return show(model, Screen::Presets),
        Screen::Runs => model.runs_view.filter.reset(),
        Screen::Presets => model.presets_view.filter.reset(),
    }
    keep_selection(model);
    save(model)
}

/// Moves the highlighted line; `to` gets its position and the length of a page.
fn step(model: &mut Model, to: impl Fn(usize, usize) -> usize) -> Vec<Effect> {
    let page = usize::from(layout::page(model.size));
    match model.screen {
        Screen::Presets => {
            let names: Vec<String> = model.visible_presets().iter().map(|entry| entry.name.clone()).collect();
            let at = names.iter().position(|name| *name == model.presets_view.selected).unwrap_or(0);
            if let Some(name) = names.get(to(at, page).min(names.len().saturating_sub(1))) {
                model.presets_view.selected = name.clone();
            }
        }
        Screen::Runs => {
            let ids: Vec<String> = model.visible_runs().iter().map(|row| row.id.clone()).collect();
            let at = ids.iter().position(|id| *id == model.runs_view.selected).unwrap_or(0);
            if let Some(id) = ids.get(to(at, page).min(ids.len().saturating_sub(1))) {
                model.runs_view.selected = id.clone();
            }
        }
        Screen::Run => {}
    }
    Vec::new()
}

fn start(model: &mut Model) -> Vec<Effect> {
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
    let Some(samples) = model.dataset(&config.victim.data).map(|set| set.samples as isize) else {
        return Vec::new();
    };
    let at = config.victim.indices.first().copied().unwrap_or(0) as isize;
    let picture = (at + by).rem_euclid(samples.max(1)) as usize;
    let own = entry.config.victim.indices.first().copied() == Some(picture);
    let settings = model.settings.entry(name).or_default();
    settings.picture = (!own || settings.data.is_some()).then_some(picture);
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

/// The run that keys act on.
fn subject(model: &Model) -> Option<RunDirectory> {
    match model.screen {
        Screen::Run => model.run.as_ref().map(|run| run.directory.clone()),
        _ => model.chosen_run().map(|row| row.directory.clone()),
    }
}

fn open(model: &mut Model, directory: RunDirectory) -> Vec<Effect> {
    let id = directory.id();
    model.screen = Screen::Run;
    model.runs_view.selected = id.clone();
    model.reopen = None;
    if model.run.as_ref().is_some_and(|run| run.id == id) {
        return save(model);
    }
    let mut view = RunView::new(directory.clone());
    if let Some(row) = model.runs_view.rows.iter().flatten().find(|row| row.id == id) {
        view.health = row.health;
    }
    model.run = Some(view);
    let mut effects = vec![Effect::Follow(vec![directory])];
    effects.extend(save(model));
    effects
}

fn ask_to_delete(model: &mut Model) {
    if let Some(directory) = subject(model) {
        model.overlays.push(Overlay::Confirm {
            question: format!("Delete {}?", directory.id()),
            detail: "Its curves, pictures and result are gone for good.".into(),
            yes: vec![Effect::Delete(directory)],
        });
    }
}

fn ask_to_stop(model: &mut Model) {
    if let Some(run) = &model.run {
        model.overlays.push(Overlay::Confirm {
            question: format!("Stop {}?", run.id),
            detail: "The worker writes a checkpoint and ends; r goes on from there.".into(),
            yes: vec![Effect::Ask(run.directory.clone(), Request::Stop)],
        });
    }
}

fn pause(model: &mut Model) -> Vec<Effect> {
    let Some(run) = &mut model.run else { return Vec::new() };
    let (request, word) = match run.health {
        Health::Paused => (Request::Run, "going on"),
        _ if run.asked == Some("pausing") => (Request::Run, "going on"),
        _ => (Request::Pause, "pausing"),
    };
    run.asked = Some(word);
    vec![Effect::Ask(run.directory.clone(), request)]
}

/// Forgets a request once the run is in the state it asked for.
fn settle_request(run: &mut RunView) {
    let done = match run.asked {
        Some("pausing") => run.health != Health::Running,
        Some("going on") => run.health != Health::Paused,
        Some("resuming") => run.health == Health::Running,
        _ => false,
    };
    if done {
        run.asked = None;
    }
}

fn scrub(model: &mut Model, by: isize) {
    let Some(run) = &mut model.run else { return };
    let count = run.shown_trial().map_or(0, |trial| trial.pictures.len());
    let Some(last) = count.checked_sub(1) else { return };
    let at = run.scrub.unwrap_or(last) as isize;
    let to = at.saturating_add(by).clamp(0, last as isize) as usize;
    // Beyond the newest picture lies following.
    run.scrub = (to < last || by < 0).then_some(to);
}

fn look_at_trial(model: &mut Model, by: isize) {
    let Some(run) = &mut model.run else { return };
    let all: Vec<(u32, usize)> = run
        .state
        .rounds
        .iter()
        .flat_map(|round| round.trials.iter().map(|trial| (round.round, trial.trial)))
        .collect();
    let shown = run.round().zip(run.shown_trial()).map(|(round, trial)| (round.round, trial.trial));
    let at = all.iter().position(|known| Some(*known) == shown).unwrap_or(0) as isize;
    let Some(last) = all.len().checked_sub(1) else { return };
    run.trial = Some(all[(at + by).clamp(0, last as isize) as usize]);
    run.scrub = None;
}

fn runs_listed(model: &mut Model, rows: Vec<super::model::RunRow>) -> Vec<Effect> {
    model.runs_view.rows = Some(rows);
    model.runs_view.error = None;
    keep_selection(model);
    let Some(wanted) = model.reopen.take() else { return Vec::new() };
    let directory =
        model.runs_view.rows.iter().flatten().find(|row| row.id == wanted).map(|row| row.directory.clone());
    match directory {
        Some(directory) => {
            // Reopening is not a reason to change the screen.
            let screen = model.screen;
            let effects = open(model, directory);
            model.screen = screen;
            effects
        }
        None => {
            if model.screen == Screen::Run {
                model.screen = Screen::Runs;
            }
            Vec::new()
        }
    }
}

fn finished(model: &mut Model, outcome: Outcome) -> Vec<Effect> {
    let mut effects = Vec::new();
    let result = match outcome {
        Outcome::Launch(result) => {
            model.starting = false;
            model.notice = None;
            if let Some(run) = model.run.as_mut().filter(|run| run.asked == Some("resuming")) {
                run.asked = None;
            }
            result
        }
        Outcome::Delete(id, result) => {
            if result.is_ok() {
                if let Some(rows) = &mut model.runs_view.rows {
                    rows.retain(|row| row.id != id);
                }
                keep_selection(model);
                if model.run.as_ref().is_some_and(|run| run.id == id) {
                    model.run = None;
                    effects.push(Effect::Follow(Vec::new()));
                    if model.screen == Screen::Run {
                        model.screen = Screen::Runs;
                    }
                }
                effects.extend(note(model, format!("deleted {id}"), false));
            }
            result
        }
        Outcome::Ask(result) => result,
        Outcome::Session(Err(message)) => {
            // Not worth an overlay at every key.
            return note(model, message, true);
        }
        Outcome::Session(Ok(())) => Ok(()),
    };
    if let Err(message) = result {
        model.overlays.push(Overlay::Error { message });
    }
    effects
}

fn save(model: &Model) -> Vec<Effect> {
    vec![Effect::SaveSession(Box::new(model.session()))]
}

fn note(model: &mut Model, text: String, is_bad: bool) -> Vec<Effect> {
    model.notice = Some(Notice { text, is_bad, until: model.now + NOTICE_S });
    Vec::new()
}

/// Brings the picture slots up to date with what is looked at, and asks for what is not loaded.
fn want_pictures(model: &mut Model) -> Vec<Effect> {
    let Some(run) = &mut model.run else { return Vec::new() };
    let key = |picture: &Picture| PictureKey {
        run: run.id.clone(),
        file: picture.file.clone(),
        iteration: picture.iteration,
    };
    let wanted = [
        run.round().and_then(|round| round.truth.as_ref()).map(key),
        run.current_picture().map(key),
        run.best_picture().map(key),
    ];
    let judges_best = run.judges_best();
    let pictures = &mut run.pictures;
    let mut missing = Vec::new();
    for (slot, wanted) in pictures.slots.iter_mut().zip(wanted) {
        if slot.wanted != wanted {
            slot.error = None;
            slot.wanted = wanted;
        }
        let Some(key) = &slot.wanted else {
            slot.shown = None;
            continue;
        };
        if slot.shown.as_ref().is_some_and(|(shown, _)| shown == key) {
            continue;
        }
        match pictures.cache.get(key) {
            Some(raster) => slot.shown = Some((key.clone(), raster.clone())),
            None if slot.error.is_none() && !pictures.pending.contains(key) && !missing.contains(key) => {
                missing.push(key.clone());
            }
            None => {}
        }
    }
    let [truth, current, best] = &pictures.slots;
    let judged = if judges_best { best } else { current };
    pictures.difference = match (&truth.shown, &judged.shown) {
        (Some((_, truth)), Some((_, other))) => {
            truth.difference(other).map(|(raster, factor)| (Arc::new(raster), factor))
        }
        _ => None,
    };
    if missing.is_empty() {
        return Vec::new();
    }
    pictures.pending.extend(missing.iter().cloned());
    vec![Effect::Decode(missing)]
}

fn picture_arrived(model: &mut Model, key: PictureKey, decoded: Result<Arc<Raster>, String>) {
    let Some(run) = model.run.as_mut().filter(|run| run.id == key.run) else { return };
    let pictures = &mut run.pictures;
    pictures.pending.retain(|pending| *pending != key);
    match decoded {
        Ok(raster) => {
            if pictures.cache.len() >= CACHED {
                pictures.cache = HashMap::new();
            }
            pictures.cache.insert(key, raster);
        }
        Err(error) => {
            for slot in pictures.slots.iter_mut().filter(|slot| slot.wanted.as_ref() == Some(&key)) {
                slot.error = Some(error.clone());
            }
        }
    }
}

#[cfg(test)]
#[path = "update_tests.rs"]
mod tests;
