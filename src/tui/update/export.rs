//! Writing reports: as what, where, and what happens to a file that is there already.

use std::path::{Path, PathBuf};

use super::{note, subject};
use crate::run::RunDirectory;
use crate::run::export::Format;
use crate::tui::effect::Effect;
use crate::tui::format;
use crate::tui::keymap::Action;
use crate::tui::model::{Model, Screen};
use crate::tui::overlay::destination::Destination;
use crate::tui::overlay::list::{Does, Item, List};
use crate::tui::overlay::{Overlay, Yes};

/// Asks for the format of a report on the runs that keys act on.
pub fn choose_format(model: &mut Model) {
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
        does: Does::Export(runs.clone(), format),
    });
    model.overlays.push(Overlay::List(List::new(what, items.collect())));
}

fn about(format: Format) -> &'static str {
    match format {
        Format::Csv => "tables for a spreadsheet or pandas",
        Format::Json => "everything but the pixels, for programs",
        Format::Png => "the pictures, enlarged and labelled",
        Format::Html => "a page to read, print and pass on",
        Format::Latex => "a table for a paper, with booktabs",
        Format::Svg(_) => "figures for a paper, 3.3 in wide, to edit",
        Format::Pdf(_) => "the same, to print or include",
    }
}

/// The compared runs, the selected ones, or the one that is looked at.
fn subjects(model: &Model) -> Vec<RunDirectory> {
    let chosen = || subject(model).into_iter().collect();
    match model.screen {
        Screen::Compare => model.compared().iter().map(|(run, _)| run.directory.clone()).collect(),
        Screen::Runs => model.selected_runs().iter().map(|row| row.directory.clone()).collect(),
        _ => chosen(),
    }
}

/// Asks for the file.
pub fn ask_where(model: &mut Model, runs: Vec<RunDirectory>, format: Format) {
    model.overlays.push(Overlay::Destination(Destination::new(runs, format)));
}

fn destination(model: &mut Model) -> Option<&mut Destination> {
    model.overlays.iter_mut().find_map(|overlay| match overlay {
        Overlay::Destination(destination) => Some(destination),
        _ => None,
    })
}

pub fn act(model: &mut Model, action: Action) -> Vec<Effect> {
    let Some(destination) = destination(model) else { return Vec::new() };
    let typed = destination.input.value().trim().to_owned();
    match action {
        Action::Back => drop(model.overlays.pop()),
        Action::Complete => return vec![Effect::CompletePath(typed)],
        Action::Accept if destination.is_busy => {}
        Action::Accept if typed.is_empty() => {
            destination.problem = Some("there is no name; type one".to_owned());
        }
        Action::Accept => {
            destination.is_busy = true;
            let (runs, format) = (destination.runs.clone(), destination.format);
            return vec![Effect::Export { runs, format, out: PathBuf::from(typed), replace: false }];
        }
        _ => {}
    }
    Vec::new()
}

/// What follows a path that was completed.
pub fn completed(model: &mut Model, typed: &str, completed: String) {
    if let Some(destination) = destination(model).filter(|open| open.input.value().trim() == typed) {
        destination.input = completed.into();
    }
}

/// Files are in the way: asks whether they are replaced; whoever says no finds a free name.
pub fn in_the_way(model: &mut Model, out: PathBuf, there: &[PathBuf], free: &Path) {
    let Some(destination) = destination(model) else { return };
    destination.is_busy = false;
    destination.input = free.display().to_string().into();
    let (runs, format) = (destination.runs.clone(), destination.format);
    let question = match there {
        [one] => format!("Replace {}?", one.display()),
        several => format!("Replace {} files?", several.len()),
    };
    let names = if there.len() > 1 { there } else { &[] };
    let lines = names.iter().map(|path| path.display().to_string());
    let proposed = format!("With n, {} is proposed.", free.display());
    model.overlays.push(Overlay::Confirm {
        question,
        detail: lines.chain([proposed]).collect::<Vec<_>>().join("\n"),
        yes: Yes::Do(vec![Effect::Export { runs, format, out, replace: true }]),
    });
}

/// Every file that was written is named: in the status line, or where that is too short, one a line.
pub fn written(model: &mut Model, paths: &[PathBuf]) -> Vec<Effect> {
    model.overlays.retain(|overlay| !matches!(overlay, Overlay::Destination(_)));
    let names: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
    let line = format!("wrote {}", names.join(" and "));
    if format::columns(&line) + 2 <= usize::from(model.size.0) {
        return note(model, line, false);
    }
    model.overlays.push(Overlay::Text { title: "written".to_owned(), body: names.join("\n"), scroll: 0 });
    Vec::new()
}

/// Nothing was written: said where the path is typed.
pub fn failed(model: &mut Model, message: String) {
    match destination(model) {
        Some(destination) => {
            destination.is_busy = false;
            destination.problem = Some(message);
        }
        None => model.overlays.push(Overlay::Error { message }),
    }
}
