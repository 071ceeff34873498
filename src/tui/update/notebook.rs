//! What a person writes to a run.

use crate::tui::effect::Effect;
use crate::tui::keymap::Action;
use crate::tui::model::Model;
use crate::tui::overlay::Overlay;
use crate::tui::overlay::jot::Jot;

/// Opens the field for it.
pub fn open(model: &mut Model, action: Action) {
    if let Some(jot) = model.chosen_run().and_then(|row| Jot::of(row, action)) {
        model.overlays.push(Overlay::Jot(jot));
    }
}

/// In the field.
pub fn act(model: &mut Model, action: Action) -> Vec<Effect> {
    let Some(Overlay::Jot(mut jot)) = model.overlays.pop() else { return Vec::new() };
    if action != Action::Accept {
        return Vec::new();
    }
    match jot.entry(model.row(&jot.run.id())) {
        Ok(entry) => vec![Effect::Write(jot.run, entry)],
        Err(unfit) => {
            jot.problem = Some(unfit.to_string());
            model.overlays.push(Overlay::Jot(jot));
            Vec::new()
        }
    }
}
