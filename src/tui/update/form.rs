//! Changing settings: of a preset before it starts, of a run that is made again; saving them as a preset.

use super::{note, save};
use crate::tui::effect::Effect;
use crate::tui::keymap::Action;
use crate::tui::layout;
use crate::tui::model::{Model, Screen};
use crate::tui::overlay::Overlay;
use crate::tui::overlay::form::{Form, Purpose};
use crate::tui::overlay::name::Name;

/// Whether arrows go through the values of the field in focus rather than through its text.
pub fn has_choices(model: &Model) -> bool {
    matches!(model.overlays.last(), Some(Overlay::Form(form)) if form.has_choices())
}

pub fn act(model: &mut Model, action: Action) -> Vec<Effect> {
    let page = usize::from(layout::page(model.size)).min(10);
    match (model.overlays.last_mut(), action) {
        (Some(_), Action::Back) => drop(model.overlays.pop()),
        (Some(Overlay::Form(form)), action) => {
            let last = form.fields.len().saturating_sub(1);
            match action {
                Action::NextField => form.focus = if form.focus == last { 0 } else { form.focus + 1 },
                Action::PreviousField => form.focus = form.focus.checked_sub(1).unwrap_or(last),
                Action::PageDown => form.focus = (form.focus + page).min(last),
                Action::PageUp => form.focus = form.focus.saturating_sub(page),
                Action::NextChoice => form.choose(1),
                Action::PreviousChoice => form.choose(-1),
                Action::ResetField => form.reset_field(),
                Action::Accept => return accept(model),
                Action::SavePreset => return ask_for_name(model),
                _ => {}
            }
        }
        (Some(Overlay::Name(_)), Action::Accept) => return save_preset(model),
        _ => {}
    }
    Vec::new()
}

/// Keeps the changes, or starts the run.
fn accept(model: &mut Model) -> Vec<Effect> {
    let Some(Overlay::Form(form)) = model.overlays.last_mut() else { return Vec::new() };
    form.check();
    if let Some(problem) = &form.problem {
        // The field that is wrong gets the keys.
        let wrong = form.fields.iter().position(|field| field.setting.key == problem.key);
        form.focus = wrong.unwrap_or(form.focus);
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
