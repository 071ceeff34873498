//! What headings mean.

use crate::figure::{Word, find, words};
use crate::tui::effect::Effect;
use crate::tui::keymap::Action;
use crate::tui::model::{Model, Screen};
use crate::tui::overlay::Overlay;
use crate::tui::overlay::explain::Explain;
use crate::tui::widget::{metric_table, sheet};

/// Explains the headings of the table that is shown, beginning with the one it is sorted by.
pub fn open(model: &mut Model) {
    let first = sorted(model).or_else(|| under(model)).or(headings(model).first().map(|word| word.key));
    if let Some(key) = first {
        open_at(model, key);
    }
}

/// Explains the headings of the table that is shown, beginning with this one.
pub fn open_at(model: &mut Model, key: &str) {
    let words = headings(model);
    if let Some(at) = words.iter().position(|word| word.key == key) {
        model.overlays.push(Overlay::Explain(Explain { words, at }));
    } else if let Some(alone) = find(key).filter(|word| word.key == key) {
        word(model, alone);
    }
}

/// Explains one word alone.
pub fn word(model: &mut Model, word: &'static Word) {
    model.overlays.push(Overlay::Explain(Explain { words: vec![word], at: 0 }));
}

/// Key of the heading that the table of a run is sorted by: the one that is chosen.
pub fn sorted(model: &Model) -> Option<&'static str> {
    let run = model.run().filter(|_| model.screen == Screen::Run)?;
    Some(metric_table::columns(run).get(run.table.sort?)?.key)
}

/// Key of the threat model that the chosen entry of the catalogue is under; of a defence that in general.
fn under(model: &Model) -> Option<&'static str> {
    let entry = model.catalogue_view.chosen().filter(|_| model.screen == Screen::Catalogue)?;
    let word = find(&format!("threat model {}", entry.threat_models())).or(find("threat model"))?;
    Some(word.key)
}

/// The headings that are on the screen, in their order.
fn headings(model: &Model) -> Vec<&'static Word> {
    let keys: Vec<&'static str> = match (model.screen, model.run()) {
        (Screen::Run, Some(run)) => {
            let table = metric_table::of(run, model.theme);
            // The frame takes a column on either side.
            let shown = table.fitting(usize::from(model.size.0.saturating_sub(2)));
            shown.into_iter().map(|column| table.columns[column].key).collect()
        }
        (Screen::Catalogue, _) => {
            words().map(|word| word.key).filter(|key| key.starts_with("threat_model")).collect()
        }
        (Screen::Runs, _) => vec!["psnr", "match", "seconds"],
        (Screen::Compare, _) => sheet::of(model).rows.iter().map(|row| row.key).collect(),
        _ => Vec::new(),
    };
    keys.into_iter().filter_map(|key| find(key).filter(|word| word.key == key)).collect()
}

pub fn act(model: &mut Model, action: Action) -> Vec<Effect> {
    let Some(Overlay::Explain(explain)) = model.overlays.last_mut() else { return Vec::new() };
    let count = explain.words.len().max(1);
    match action {
        Action::NextPart => explain.at = (explain.at + 1) % count,
        Action::PreviousPart => explain.at = (explain.at + count - 1) % count,
        Action::Help => {
            model.overlays.pop();
            model.overlays.push(Overlay::Help { scroll: 0 });
        }
        _ => drop(model.overlays.pop()),
    }
    Vec::new()
}
