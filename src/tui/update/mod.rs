//! The only place that changes the model. Pure: no file, no clock, no terminal.

mod audits;
mod calibration;
mod catalogue;
mod compare;
mod details;
mod explain;
mod export;
mod form;
mod groups;
mod lists;
mod notebook;
mod palette;
mod pictures;
mod pointer;
mod run;
mod selected;
pub mod studies;

use crossterm::event::{Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use tui_input::Input;
use tui_input::backend::crossterm::EventHandler;

use super::effect::Effect;
use super::keymap::{self, Action, Place};
use super::model::{Model, Notice, Screen};
use super::msg::{Msg, Outcome};
use super::overlay::{Overlay, Yes};
use crate::run::{RunDirectory, RunState};

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
        Msg::Clicked(hit) => pointer::clicked(model, hit),
        Msg::Scrolled(target, by) => pointer::scrolled(model, target.as_ref(), by),
        Msg::Resized(columns, rows) => {
            model.size = (columns, rows);
            Vec::new()
        }
        Msg::Damaged => vec![Effect::Redraw],
        Msg::Suspend => vec![Effect::Suspend],
        Msg::CannotSuspend => {
            note(model, "no shell here could continue gialab: it does not stop".into(), false)
        }
        Msg::FocusChanged(focused) => {
            model.focused = Some(focused);
            match (focused, model.answered) {
                // Some terminals forget pictures while they are hidden.
                (true, true) => vec![Effect::Redraw],
                (true, false) => vec![Effect::Redraw, Effect::AskTerminal],
                (false, _) => Vec::new(),
            }
        }
        Msg::Shows(shows) => {
            model.theme = shows.theme;
            model.has_pixels = shows.has_pixels;
            (model.protocol, model.shortfall) = (shows.protocol, shows.shortfall);
            model.answered = shows.answered;
            Vec::new()
        }
        // The loop's own.
        Msg::Tick(_) | Msg::Mouse(_) | Msg::Answered(_) => Vec::new(),
        Msg::Beat => run::play_on(model),
        Msg::Previewed(config, answer) => {
            model.preview.arrived(&config, answer);
            Vec::new()
        }
        Msg::Calibrated(result) => calibration::arrived(model, result),
        Msg::Terminate => {
            model.is_leaving = true;
            Vec::new()
        }
        Msg::RunsListed(rows) => lists::runs_listed(model, rows),
        Msg::StartsExpected(starts) => {
            model.runs_view.starts = starts;
            Vec::new()
        }
        Msg::RunsUnreadable(error) => {
            model.runs_view.error = Some(error);
            Vec::new()
        }
        Msg::PresetsLoaded(presets, errors) => lists::presets_loaded(model, presets, &errors),
        Msg::ManifestArrived { run, manifest, health } => {
            if let Some(view) = model.view_mut(&run) {
                view.health = health;
                match manifest {
                    Ok(manifest) => {
                        view.manifest = Some(*manifest);
                        view.error = None;
                    }
                    Err(error) => view.error = Some(error),
                }
                run::settle_request(view);
            }
            Vec::new()
        }
        Msg::CostArrived(run, cost) => {
            if let Some(view) = model.view_mut(&run) {
                view.cost = cost.map(|cost| *cost);
            }
            Vec::new()
        }
        Msg::LinesArrived { run, restarted, lines, more } => {
            if let Some(view) = model.view_mut(&run) {
                if restarted {
                    view.live = RunState::default();
                }
                for line in lines {
                    run::settle_by(view, &line.event);
                    view.live.apply(line);
                }
                view.reading = more;
            }
            Vec::new()
        }
        Msg::LastWords { run, lines } => {
            if let Some(view) = model.view_mut(&run) {
                view.last_words = lines;
            }
            Vec::new()
        }
        Msg::PictureArrived(key, decoded) => {
            pictures::arrived(model, key, decoded);
            Vec::new()
        }
        Msg::DetailsRead { run, details } => {
            details::arrived(model, &run, details);
            Vec::new()
        }
        Msg::StudiesListed(rows) => {
            studies::listed(model, rows);
            Vec::new()
        }
        Msg::AuditsListed(rows) => {
            audits::listed(model, rows);
            Vec::new()
        }
        Msg::StudyRead { study, snapshot } => {
            studies::read(model, &study, snapshot);
            Vec::new()
        }
        Msg::GroupsRead { study, cells, groups } => {
            groups::read(model, &study, &cells, groups);
            Vec::new()
        }
        Msg::Created(directory) => run::open(model, directory),
        Msg::Finished(outcome) => finished(model, outcome),
    };
    effects.extend(pictures::want(model));
    effects.extend(form::preview(model));
    effects.extend(studies::attend(model));
    effects
}

fn tick(model: &mut Model, now: f64) -> Vec<Effect> {
    model.now = now;
    // A clock that was set back must not keep it for hours.
    let is_over = |notice: &Notice| !(now..now + 60.0).contains(&notice.until);
    if model.notice.as_ref().is_some_and(is_over) {
        model.notice = None;
        model.is_dirty = true;
    }
    // "3 min ago" and elapsed times move with the clock.
    if matches!(model.screen, Screen::Runs | Screen::Studies | Screen::Audits)
        || model.run().is_some_and(|run| run.health.is_live())
    {
        model.is_dirty = true;
    }
    let mut effects = calibration::when_at_rest(model);
    effects.extend(details::refresh(model));
    effects
}

fn on_key(model: &mut Model, event: KeyEvent) -> Vec<Effect> {
    // Whatever else is going on, Ctrl-C leaves.
    if event.code == KeyCode::Char('c') && event.modifiers.contains(KeyModifiers::CONTROL) {
        model.is_leaving = true;
        return Vec::new();
    }
    let place = Place::now(model);
    let action = model.keymap.action(place, &event).or_else(|| {
        // Drawing anew and suspending also work while something is typed or asked.
        let anywhere = model.keymap.action(Place::Everywhere, &event);
        anywhere.filter(|action| matches!(action, Action::Redraw | Action::Suspend))
    });
    match action {
        Some(action) if form::types_instead(model, action, &event) => {
            type_into(model, place, &Event::Key(event))
        }
        Some(action) => act(model, place, action),
        None => type_into(model, place, &Event::Key(event)),
    }
}

/// Does what a key, a click or the palette asks for, or says why not.
fn act(model: &mut Model, place: Place, action: Action) -> Vec<Effect> {
    // What else lies over a screen is not bound by what can be done there.
    let is_bound = place.is_bound() || place == Place::Filter;
    if is_bound && let Err(reason) = keymap::available(action, model) {
        return note(model, format!("not now: {reason}"), false);
    }
    match action {
        Action::Redraw => return vec![Effect::Redraw, Effect::AskTerminal],
        Action::Suspend => return vec![Effect::Suspend],
        _ => {}
    }
    match place {
        Place::Filter if form::is_open(model) => form::in_filter(model, action),
        Place::Filter => lists::in_filter(model, action),
        Place::Question | Place::Text => in_overlay(model, action),
        Place::Details => details::act(model, action),
        Place::Explain => explain::act(model, action),
        Place::Name if matches!(model.overlays.last(), Some(Overlay::Jot(_))) => notebook::act(model, action),
        Place::Form | Place::Name => form::act(model, action),
        Place::List => palette::act(model, action),
        Place::Destination => export::act(model, action),
        _ => on_screen(model, action),
    }
}

/// The text field that keys go to, if any.
fn focused_input(model: &mut Model, place: Place) -> Option<&mut Input> {
    match (place, model.screen) {
        (Place::Filter | Place::Form | Place::Name | Place::List | Place::Destination, _)
            if !model.overlays.is_empty() =>
        {
            match model.overlays.last_mut() {
                Some(Overlay::Form(form)) => form.focused_input(),
                Some(Overlay::Name(name)) => Some(&mut name.input),
                Some(Overlay::Jot(jot)) => Some(&mut jot.input),
                Some(Overlay::List(list)) => Some(&mut list.input),
                Some(Overlay::Destination(destination)) => Some(&mut destination.input),
                _ => None,
            }
        }
        (Place::Filter, Screen::Presets) => Some(&mut model.presets_view.filter),
        (Place::Filter, Screen::Runs) => Some(&mut model.runs_view.filter),
        (Place::Filter, Screen::Catalogue) => Some(&mut model.catalogue_view.filter),
        _ => None,
    }
}

fn type_into(model: &mut Model, place: Place, event: &Event) -> Vec<Effect> {
    form::begin_value(model, event);
    if let Some(input) = focused_input(model, place) {
        input.handle_event(event);
    }
    after_typing(model);
    Vec::new()
}

fn paste(model: &mut Model, text: &str) -> Vec<Effect> {
    let place = Place::now(model);
    form::begin_value(model, &Event::Paste(text.to_owned()));
    if let Some(input) = focused_input(model, place) {
        for c in text.trim().chars().filter(|c| !c.is_control()) {
            input.handle(tui_input::InputRequest::InsertChar(c));
        }
    }
    after_typing(model);
    Vec::new()
}

fn after_typing(model: &mut Model) {
    match model.overlays.last_mut() {
        None => lists::keep_selection(model),
        Some(Overlay::Form(form)) if form.filtering => form.keep_focus(),
        Some(Overlay::Form(form)) => form.check(),
        Some(Overlay::Name(name)) => name.problem = None,
        Some(Overlay::Jot(jot)) => jot.problem = None,
        Some(Overlay::List(list)) => list.chosen = 0,
        Some(Overlay::Destination(destination)) => destination.problem = None,
        _ => {}
    }
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
                return match yes {
                    Yes::Do(effects) => selected::begin(model, effects),
                    Yes::Start => lists::start(model),
                };
            }
        }
        (Some(Overlay::Error { .. }), Action::Back) => drop(model.overlays.pop()),
        _ => {}
    }
    Vec::new()
}

fn on_screen(model: &mut Model, action: Action) -> Vec<Effect> {
    match action {
        Action::Quit => model.is_leaving = true,
        // On a heading it is that which one wants to know of.
        Action::Help if explain::sorted(model).is_some() => explain::open(model),
        Action::Explain => explain::open(model),
        Action::Help => model.overlays.push(Overlay::Help { scroll: 0 }),
        Action::Palette => palette::open(model),
        Action::NextScreen => return turn(model, 1),
        Action::PreviousScreen => return turn(model, Screen::ALL.len() - 1),
        Action::Show(screen) => return show(model, screen),
        Action::Back => return back(model),
        Action::ToggleAxis => model.chart.log = !model.chart.log,
        Action::ToggleSmoothing => model.chart.smooth = !model.chart.smooth,
        Action::ToggleClock => {
            model.chart.clock = !model.chart.clock;
            model.chart.cursor = None;
        }
        Action::CursorBack | Action::CursorForward => run::move_cursor(model, action),
        Action::TogglePictures if model.screen == Screen::Run => run::next_panes(model),
        Action::ToggleBlocks => model.blocks = !model.blocks,
        Action::Export => export::choose_format(model),
        Action::Details => return details::open(model),
        Action::Resume => return selected::resume(model),
        Action::Stop => selected::ask_to_stop(model),
        Action::Delete => selected::ask_to_delete(model),
        Action::Again => form::run_again(model),
        Action::Audit => audits::ask_to_begin(model),
        _ => {
            return match model.screen {
                Screen::Presets => lists::on_presets(model, action),
                Screen::Runs => lists::on_runs(model, action),
                Screen::Run => run::act(model, action),
                Screen::Compare if model.compare.groups.is_some() => groups::act(model, action),
                Screen::Compare => compare::act(model, action),
                Screen::Studies => studies::act(model, action),
                Screen::Catalogue => catalogue::act(model, action),
                Screen::Audits => audits::act(model, action),
            };
        }
    }
    let is_kept = matches!(
        action,
        Action::ToggleAxis
            | Action::ToggleSmoothing
            | Action::ToggleClock
            | Action::TogglePictures
            | Action::ToggleBlocks
    );
    if is_kept { save(model) } else { Vec::new() }
}

fn turn(model: &mut Model, by: usize) -> Vec<Effect> {
    let is_there = |screen: &Screen| match screen {
        Screen::Run => model.opened.is_some(),
        Screen::Compare => keymap::available(Action::Show(Screen::Compare), model).is_ok(),
        Screen::Presets | Screen::Runs | Screen::Studies | Screen::Catalogue | Screen::Audits => true,
    };
    let at = Screen::ALL.iter().position(|screen| *screen == model.screen).unwrap_or(0);
    let count = Screen::ALL.len();
    let next = (1..=count).map(|n| Screen::ALL[(at + n * by) % count]).find(is_there);
    show(model, next.unwrap_or_default())
}

fn show(model: &mut Model, screen: Screen) -> Vec<Effect> {
    model.screen = screen;
    model.presets_view.filtering = false;
    model.runs_view.filtering = false;
    model.catalogue_view.filtering = false;
    let mut effects = save(model);
    if screen == Screen::Compare && model.compare.groups.is_none() {
        effects.extend(compare::take_up(model));
    }
    effects
}

fn back(model: &mut Model) -> Vec<Effect> {
    if model.chart.cursor.is_some() && matches!(model.screen, Screen::Run | Screen::Compare) {
        model.chart.cursor = None;
        return Vec::new();
    }
    match model.screen {
        Screen::Run => return run::back(model),
        Screen::Compare if model.compare.groups.is_some() => return groups::back(model),
        Screen::Compare => return compare::back(model),
        Screen::Studies => return studies::back(model),
        Screen::Catalogue => model.catalogue_view.show_all(),
        Screen::Audits => return audits::back(model),
        Screen::Runs if model.runs_view.filter.value().is_empty() => return show(model, Screen::Presets),
        Screen::Runs => model.runs_view.filter.reset(),
        Screen::Presets => model.presets_view.filter.reset(),
    }
    lists::keep_selection(model);
    save(model)
}

/// The run that keys act on.
fn subject(model: &Model) -> Option<RunDirectory> {
    match model.screen {
        Screen::Run => model.run().map(|run| run.directory.clone()),
        Screen::Compare => model.chosen_compared().map(|run| run.directory.clone()),
        Screen::Presets | Screen::Runs => model.chosen_run().map(|row| row.directory.clone()),
        Screen::Studies | Screen::Catalogue | Screen::Audits => None,
    }
}

/// Follows the opened and the compared runs, and forgets the others.
fn follow(model: &mut Model) -> Effect {
    let wanted = |id: &str| {
        model.opened.as_deref() == Some(id) || model.compare.runs.iter().any(|(compared, _)| compared == id)
    };
    let keep: Vec<bool> = model.views.iter().map(|view| wanted(&view.id)).collect();
    let mut keep = keep.into_iter();
    model.views.retain(|_| keep.next().unwrap_or(false));
    Effect::Follow(model.views.iter().map(|view| view.directory.clone()).collect())
}

fn finished(model: &mut Model, outcome: Outcome) -> Vec<Effect> {
    let mut effects = Vec::new();
    let result = match outcome {
        Outcome::Launch(result) => {
            model.starting = false;
            model.notice = None;
            result
        }
        Outcome::StudyRun(study, result) => studies::started(model, &study, result),
        Outcome::Audited(preset, result) => audits::begun(model, &preset, result),
        Outcome::StudyStopped(study, result) => {
            result.map(|()| drop(note(model, format!("asked {study} to stop"), false)))
        }
        Outcome::Done(deed, results) => {
            let (more, result) = selected::done(model, deed, results);
            effects.extend(more);
            result
        }
        Outcome::Written(result) => result,
        Outcome::Undeleted(result) => result.map(|runs| {
            let what = if let [one] = runs.as_slice() { one.clone() } else { format!("{} runs", runs.len()) };
            effects.extend(note(model, format!("brought back {what}"), false));
        }),
        Outcome::Saved(result) => result.map(|path| {
            effects.extend(note(model, format!("saved {}", path.display()), false));
        }),
        Outcome::Copied(result) => result.map(|how| effects.extend(note(model, how, false))),
        Outcome::Exported(Ok(paths)) => {
            effects.extend(export::written(model, &paths));
            Ok(())
        }
        Outcome::Exported(Err(message)) => {
            export::failed(model, message);
            Ok(())
        }
        Outcome::InTheWay { out, there, free } => {
            export::in_the_way(model, out, &there, &free);
            Ok(())
        }
        Outcome::Completed { typed, path } => {
            export::completed(model, &typed, path);
            Ok(())
        }
        Outcome::Edited(result) => result.map(|name| {
            if model.preset(&name).is_some() {
                model.presets_view.selected = name;
            }
        }),
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

#[cfg(test)]
mod tests;
