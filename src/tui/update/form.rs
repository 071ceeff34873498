//! Changing settings: of a preset before it starts, of a run that is made again; saving them as a preset.

use crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers};

use super::{note, save};
use crate::catalogue::defence::{DEFENCES, Defence};
use crate::tui::effect::Effect;
use crate::tui::keymap::Action;
use crate::tui::layout;
use crate::tui::model::{Model, Preview, Screen};
use crate::tui::overlay::Overlay;
use crate::tui::overlay::form::{Form, Purpose};
use crate::tui::overlay::list::{Does, Item, List};
use crate::tui::overlay::name::Name;

/// Whether a form takes the keys.
pub fn is_open(model: &Model) -> bool {
    matches!(model.overlays.last(), Some(Overlay::Form(_)))
}

/// Whether a key of the form is typed into the field in focus instead: an arrow, where there are no values to go
/// through, and a character, where a value has been begun.
pub fn types_instead(model: &Model, action: Action, event: &KeyEvent) -> bool {
    let Some(Overlay::Form(form)) = model.overlays.last() else { return false };
    let is_character = matches!(event.code, KeyCode::Char(_))
        && !event.modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT);
    match action {
        Action::NextChoice | Action::PreviousChoice => !form.has_choices(),
        _ => is_character && !form.filtering && !form.replaces,
    }
}

/// Before something is typed into a field: a character replaces the value as it stood, other keys edit it.
pub fn begin_value(model: &mut Model, event: &Event) {
    let Some(Overlay::Form(form)) = model.overlays.last_mut() else { return };
    if form.filtering || !std::mem::take(&mut form.replaces) {
        return;
    }
    let writes = match event {
        Event::Key(KeyEvent { code: KeyCode::Char(_), modifiers, .. }) => {
            !modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT)
        }
        event => matches!(event, Event::Paste(_)),
    };
    if let Some(input) = form.focused_input().filter(|_| writes) {
        input.reset();
    }
}

pub fn act(model: &mut Model, action: Action) -> Vec<Effect> {
    let page = layout::page(model.size).min(10) as isize;
    match (model.overlays.last_mut(), action) {
        (Some(Overlay::Form(form)), Action::Back) if form.is_filtered() => {
            let found = form.visible().contains(&form.focus).then_some(form.focus);
            form.clear_filter();
            found.into_iter().for_each(|field| form.look_at(field));
        }
        (Some(_), Action::Back) => drop(model.overlays.pop()),
        (Some(Overlay::Form(form)), action) => match action {
            Action::NextField => form.step(1, true),
            Action::PreviousField => form.step(-1, true),
            Action::PageDown => form.step(page, false),
            Action::PageUp => form.step(-page, false),
            Action::NextChoice => form.choose(1),
            Action::PreviousChoice => form.choose(-1),
            Action::ResetField => form.reset_field(),
            Action::Filter => form.begin_filter(),
            Action::Accept => return accept(model),
            Action::AddStep => choose_step(model),
            Action::RemoveStep => form.remove_step(),
            Action::StepEarlier => form.move_step(-1),
            Action::StepLater => form.move_step(1),
            Action::SavePreset => return ask_for_name(model),
            _ => {}
        },
        (Some(Overlay::Name(_)), Action::Accept) => return save_preset(model),
        _ => {}
    }
    Vec::new()
}

/// While the filter of the form is typed.
pub fn in_filter(model: &mut Model, action: Action) -> Vec<Effect> {
    let Some(Overlay::Form(form)) = model.overlays.last_mut() else { return Vec::new() };
    match form.path_in_filter() {
        _ if action == Action::Back => form.clear_filter(),
        Some((_, path)) => form.take_path(path),
        None => form.filtering = false,
    }
    Vec::new()
}

/// Keeps the changes, or starts the run.
fn accept(model: &mut Model) -> Vec<Effect> {
    let Some(Overlay::Form(form)) = model.overlays.last_mut() else { return Vec::new() };
    form.check();
    if let Some(problem) = &form.problem {
        // The field that is wrong gets the keys.
        let wrong = form.fields.iter().position(|field| field.key() == problem.key);
        form.filter.reset();
        form.look_at(wrong.unwrap_or(form.focus));
        return note(model, "one of the settings cannot be used".into(), true);
    }
    let (preset, changes, config) = (form.preset.clone(), form.changes(), form.config());
    let purpose = form.purpose.clone();
    model.overlays.pop();
    match (purpose, config) {
        (Purpose::Start { backend }, Ok(config)) => {
            model.starting = true;
            let mut effects = note(model, format!("starting {preset}"), false);
            effects.push(Effect::Start { preset, config: Box::new(config), backend });
            effects
        }
        _ => {
            model.changes.insert(preset, changes);
            save(model)
        }
    }
}

/// Asks which defence is added.
fn choose_step(model: &mut Model) {
    let item = |defence: &&'static Defence| Item {
        text: format!("{}: {}", defence.name, defence.about),
        hint: String::new(),
        reason: None,
        does: Does::Step(defence),
    };
    let items = DEFENCES.iter().map(item).collect();
    model.overlays.push(Overlay::List(List::new("add a step of post-processing", items)));
}

/// Adds a step to the form that lies below.
pub fn add_step(model: &mut Model, defence: &'static Defence) {
    if let Some(Overlay::Form(form)) = model.overlays.last_mut() {
        form.add_step(defence);
    }
}

/// Asks for what the steps of post-processing in the form do as they stand now; what nobody looks at any more is given
/// up.
pub fn preview(model: &mut Model) -> Vec<Effect> {
    let form = model.overlays.iter().rev().find_map(|overlay| match overlay {
        Overlay::Form(form) => Some(form),
        _ => None,
    });
    let config = form.and_then(|form| Some((form, form.checked.as_ref()?)));
    // Elsewhere in the form what is known is kept, and nothing new is asked.
    let wanted = config.filter(|(form, config)| {
        !config.post.is_empty() && (form.is_at_steps() || model.preview.is_of(config))
    });
    match wanted {
        Some((_, config)) if model.preview.is_of(config) => return Vec::new(),
        None if model.preview.is_idle() => return Vec::new(),
        _ => {}
    }
    let config = wanted.map(|(_, config)| Box::new(config.clone()));
    model.preview = Preview::of(config.clone());
    vec![Effect::Preview(config)]
}

fn ask_for_name(model: &mut Model) -> Vec<Effect> {
    let Some(Overlay::Form(form)) = model.overlays.last_mut() else { return Vec::new() };
    form.check();
    match (form.config(), form.preset.clone()) {
        (Ok(config), preset) => {
            model.overlays.push(Overlay::Name(Name::new(&preset, config, &model.presets)));
            Vec::new()
        }
        (Err(_), _) => note(model, "one of the settings cannot be used".into(), true),
    }
}

fn save_preset(model: &mut Model) -> Vec<Effect> {
    let Some(Overlay::Name(name)) = model.overlays.last_mut() else { return Vec::new() };
    match name.checked() {
        Ok(saved) => {
            let mut config = name.config.clone();
            config.group = "yours".to_owned();
            // What was measured with other settings is no expectation for these.
            config.expect = None;
            model.overlays.pop();
            model.overlays.pop();
            model.screen = Screen::Presets;
            model.presets_view.filter.reset();
            model.presets_view.selected = saved.clone();
            model.changes.remove(&saved);
            vec![Effect::SavePreset { name: saved, config }]
        }
        Err(problem) => {
            name.problem = Some(problem);
            Vec::new()
        }
    }
}

/// Opens the form on the settings of the run that keys act on.
pub fn run_again(model: &mut Model) {
    let form = match model.screen {
        Screen::Run => model.run().and_then(|run| {
            let manifest = run.manifest.as_ref()?;
            Some(Form::of_run(&manifest.preset, &manifest.config, manifest.backend.clone(), model))
        }),
        _ => model.chosen_run().and_then(|row| {
            let config = row.config.as_deref()?;
            Some(Form::of_run(&row.preset, config, row.backend.clone(), model))
        }),
    };
    if let Some(form) = form {
        model.overlays.push(Overlay::Form(Box::new(form)));
    }
}
