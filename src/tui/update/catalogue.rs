//! The screen of the catalogue.

use super::{lists, note, save};
use crate::catalogue::literature::{Entry, Of};
use crate::config::tour;
use crate::tui::effect::Effect;
use crate::tui::keymap::{self, Action};
use crate::tui::model::{Model, Screen};
use crate::tui::overlay::{Overlay, Yes};

pub fn act(model: &mut Model, action: Action) -> Vec<Effect> {
    let view = &mut model.catalogue_view;
    match action {
        Action::Filter => view.filtering = true,
        Action::NextRows => view.switch(),
        Action::NextFamily => view.next_family(),
        Action::NextModality => view.next_modality(),
        Action::OnlyRuns => view.runs = !view.runs,
        Action::ThreatModel(letter) => {
            view.threat_model = Some(letter).filter(|_| view.threat_model != Some(letter));
        }
        Action::Describe => {
            if let Some(entry) = view.chosen() {
                let (title, body) = (entry.title.clone(), described(model, entry));
                model.overlays.push(Overlay::Text { title, body, scroll: 0 });
            }
        }
        Action::Start => return ask_to_run(model),
        _ => lists::step(model, action),
    }
    lists::keep_selection(model);
    Vec::new()
}

/// Shows an entry in the list.
pub fn look_up(model: &mut Model, entry: &Entry) -> Vec<Effect> {
    model.screen = Screen::Catalogue;
    model.catalogue_view.show_all();
    model.catalogue_view.defences = matches!(entry.of, Of::Defence { .. });
    model.catalogue_view.selected.clone_from(&entry.key);
    save(model)
}

/// All that is known of it, a paragraph each.
fn described(model: &Model, entry: &Entry) -> String {
    let known = entry.page().into_iter().map(|(label, text)| format!("{label}: {text}"));
    let here = format!("here: {}", model.said_here(entry));
    known.chain([here]).collect::<Vec<_>>().join("\n\n")
}

/// To the preset that shows the chosen entry, with the question whether it is to start.
fn ask_to_run(model: &mut Model) -> Vec<Effect> {
    let preset = model.catalogue_view.chosen().and_then(|entry| model.preset_of(entry));
    let Some((name, title)) = preset.map(|preset| (preset.name.clone(), preset.config.title.clone())) else {
        return Vec::new();
    };
    let time =
        preset.and_then(|preset| model.expected(preset)).map(|expected| format!("It takes {expected}."));
    let detail = [Some(title), time].into_iter().flatten().collect::<Vec<_>>().join("\n");
    ask_to_start(model, name.clone(), format!("Start {name}?"), detail)
}

/// To the preset of a step of the tour, with what to know before it.
pub fn ask_to_tour(model: &mut Model, at: usize) -> Vec<Effect> {
    let Some(step) = tour::steps().get(at) else { return Vec::new() };
    // A step is its preset as it stands.
    model.changes.remove(&step.preset);
    let question = format!("Tour, {} of {}: start {}?", at + 1, tour::steps().len(), step.preset);
    ask_to_start(model, step.preset.clone(), question, step.before().to_owned())
}

fn ask_to_start(model: &mut Model, name: String, question: String, detail: String) -> Vec<Effect> {
    model.screen = Screen::Presets;
    model.presets_view.filter.reset();
    model.presets_view.selected = name;
    let mut effects = save(model);
    match keymap::available(Action::Start, model) {
        Ok(()) => model.overlays.push(Overlay::Confirm { question, detail, yes: Yes::Start }),
        Err(reason) => effects.extend(note(model, format!("not now: {reason}"), false)),
    }
    effects
}
