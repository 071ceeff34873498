//! The screen of studies: looking into one, running it, opening its runs.

use super::{groups, note, run, save};
use crate::run::RunDirectory;
use crate::study::{Brief, Count, Member, Snapshot, Standing};
use crate::text::about;
use crate::tui::effect::Effect;
use crate::tui::keymap::{Action, Place};
use crate::tui::layout;
use crate::tui::model::{Model, Screen, StudyView};
use crate::tui::overlay::list::{Does, Item, List};
use crate::tui::overlay::{Overlay, Yes};
use crate::tui::studies::Attention;

/// Cells that PgUp and PgDn go past.
const PAGE: isize = 5;

pub fn act(model: &mut Model, action: Action) -> Vec<Effect> {
    match action {
        Action::Describe => describe(model),
        Action::RunStudy => offer(model),
        Action::StopStudy => ask_to_stop(model),
        _ if model.study().is_some() => return in_study(model, action),
        Action::Open => return open(model),
        _ => step(model, action),
    }
    Vec::new()
}

/// Moves the highlighted line of the list.
fn step(model: &mut Model, action: Action) {
    let page = usize::from(layout::page(model.size));
    let view = &mut model.studies_view;
    let rows = view.rows.as_deref().unwrap_or_default();
    let Some(last) = rows.len().checked_sub(1) else { return };
    let at = rows.iter().position(|row| row.name == view.selected).unwrap_or(0);
    let to = match action {
        Action::Up => at.saturating_sub(1),
        Action::Down => at + 1,
        Action::PageUp => at.saturating_sub(page),
        Action::PageDown => at + page,
        Action::First => 0,
        Action::Last => last,
        _ => at,
    };
    view.selected.clone_from(&rows[to.min(last)].name);
}

fn in_study(model: &mut Model, action: Action) -> Vec<Effect> {
    let Some(study) = &mut model.studies_view.opened else { return Vec::new() };
    let Some(matrix) = study.matrix() else { return Vec::new() };
    let by = match action {
        Action::Up => (-1, 0),
        Action::Down => (1, 0),
        Action::Left => (0, -1),
        Action::Right => (0, 1),
        Action::PageUp => (-PAGE, 0),
        Action::PageDown => (PAGE, 0),
        Action::First => (isize::MIN / 2, 0),
        Action::Last => (isize::MAX / 2, 0),
        Action::NextFigure => {
            let figures = study.snapshot().map_or(1, |snapshot| snapshot.study.figures().len());
            study.figure = (study.figure + 1) % figures.max(1);
            return Vec::new();
        }
        Action::Select => {
            match study.marked.iter().position(|cell| *cell == study.cell) {
                Some(at) => drop(study.marked.remove(at)),
                None => study.marked.push(study.cell),
            }
            (0, 0)
        }
        Action::Open => return open_cell(model),
        Action::Compare => return groups::compare(model),
        _ => return Vec::new(),
    };
    if by != (0, 0) {
        study.cell = matrix.step(study.cell, by);
    }
    Vec::new()
}

/// Looks into the chosen study.
fn open(model: &mut Model) -> Vec<Effect> {
    let Some(name) = model.chosen_study().map(|brief| brief.name.clone()) else { return Vec::new() };
    model.studies_view.selected.clone_from(&name);
    model.studies_view.opened = Some(StudyView::new(name));
    save(model)
}

/// Back to the list.
pub fn back(model: &mut Model) -> Vec<Effect> {
    if let Some(study) = &mut model.studies_view.opened
        && !study.marked.is_empty()
    {
        study.marked.clear();
        return Vec::new();
    }
    model.studies_view.opened = None;
    save(model)
}

/// The first click chooses a cell, the second one opens its runs.
pub fn clicked_cell(model: &mut Model, cell: usize) -> Vec<Effect> {
    match &mut model.studies_view.opened {
        Some(study) if study.cell != cell => study.cell = cell,
        _ => return super::act(model, Place::Study, Action::Open),
    }
    Vec::new()
}

/// The runs of the chosen cell: the only one is opened at once, of several a list says how they stand.
fn open_cell(model: &mut Model) -> Vec<Effect> {
    let mut runs = runs_of_cell(model);
    if runs.len() == 1 {
        return run::open(model, runs.remove(0).0);
    }
    let items = runs.into_iter().map(|(run, pair, standing)| Item {
        text: format!("pair {pair}"),
        hint: in_words(&standing),
        reason: None,
        does: Does::Open(run),
    });
    let items = items.collect();
    let cell =
        model.study().and_then(|study| Some(study.snapshot()?.study.cells.get(study.cell)?.name.clone()));
    model.overlays.push(Overlay::List(List::new(format!("runs of {}", cell.unwrap_or_default()), items)));
    Vec::new()
}

/// The runs of the chosen cell that were begun, with their pair of seed and pictures.
pub fn runs_of_cell(model: &Model) -> Vec<(RunDirectory, u32, Standing)> {
    let Some(study) = model.study() else { return Vec::new() };
    let Some((snapshot, filled)) = study.snapshot().zip(study.filled(study.cell)) else { return Vec::new() };
    let begun = filled.runs.iter().filter(|(_, standing)| *standing != Standing::Open);
    let run = |pair: u32| snapshot.place.run(&snapshot.study.id(Member { cell: study.cell, pair }));
    begun.map(|(pair, standing)| (run(*pair), *pair, standing.clone())).collect()
}

fn in_words(standing: &Standing) -> String {
    match standing {
        Standing::Open => "to do".into(),
        Standing::Live => "running".into(),
        Standing::Left => "begun, no worker is on it".into(),
        Standing::Failed(reason) => format!("failed: {reason}"),
        Standing::Done(None) => "done".into(),
        Standing::Done(Some(seconds)) => format!("done in {}", about(*seconds)),
    }
}

/// What it is about, and what the figures say of every expectation.
fn describe(model: &mut Model) {
    let Some(brief) = model.chosen_study() else { return };
    let mut body = vec![brief.about.clone()];
    body.extend(brief.why_not());
    if let Some(snapshot) = model.study().and_then(StudyView::snapshot) {
        body.push(format!("Conditions: {}.", snapshot.study.conditions().join(", ")));
        for judged in &snapshot.results.judged {
            body.push(format!("{}: {}", judged.outcome.name(), judged.says));
            body.push(format!("{}: {}", judged.by, judged.found()));
        }
    }
    let title = format!("{}: {}", brief.name, brief.title);
    model.overlays.push(Overlay::Text { title, body: body.join("\n\n"), scroll: 0 });
}

/// Offers to run the part that takes minutes, or all.
fn offer(model: &mut Model) {
    let Some(brief) = model.chosen_study() else { return };
    let item = |quick: bool, count: &Count| Item {
        text: format!("{}, {} of {} runs are to do", part(quick), count.all - count.done, count.all),
        hint: count.seconds.map_or_else(String::new, |seconds| format!("about {}", about(seconds))),
        reason: count.is_complete().then_some("it is complete"),
        does: Does::RunStudy { study: brief.name.clone(), quick },
    };
    let quick = brief.quick.iter().map(|count| item(true, count));
    let items: Vec<Item> = quick.chain([item(false, &brief.whole)]).collect();
    let chosen = items.iter().position(|item| item.reason.is_none()).unwrap_or(0);
    let list = List { chosen, ..List::new(format!("run {}", brief.name), items) };
    model.overlays.push(Overlay::List(list));
}

fn part(quick: bool) -> &'static str {
    if quick { "the part that takes minutes" } else { "the whole study" }
}

/// Asks whether it is to begin, after saying how long it takes.
pub fn ask_to_run(model: &mut Model, study: String, quick: bool) {
    let Some(brief) = model.chosen_study().filter(|brief| brief.name == study) else { return };
    let count = if quick { brief.quick.unwrap_or_default() } else { brief.whole };
    if count.is_complete() {
        drop(note(model, format!("not now: {} is complete", part(quick)), false));
        return;
    }
    let time = match count.seconds {
        Some(seconds) => format!("Its {} runs to do take about {}.", count.all - count.done, about(seconds)),
        None => format!("It has {} runs to do; how long they take is not known yet.", count.all - count.done),
    };
    let verb = if brief.is_begun() { "Go on with" } else { "Run" };
    model.overlays.push(Overlay::Confirm {
        question: format!("{verb} {study}, {}?", part(quick)),
        detail: format!("{time} They go on when this screen is left; what is done stays done."),
        yes: Yes::Do(vec![Effect::RunStudy { study, quick }]),
    });
}

fn ask_to_stop(model: &mut Model) {
    let Some(brief) = model.chosen_study() else { return };
    let study = brief.name.clone();
    model.overlays.push(Overlay::Confirm {
        question: format!("Stop {study}?"),
        detail: "Its runs write checkpoints and end; r goes on from there.".into(),
        yes: Yes::Do(vec![Effect::StopStudy(study)]),
    });
}

/// A study was started, or not.
pub fn started(model: &mut Model, study: &str, result: Result<(), String>) -> Result<(), String> {
    model.studies_view.starting = false;
    model.notice = None;
    result.map(|()| drop(note(model, format!("{study} is being run"), false)))
}

pub fn listed(model: &mut Model, rows: Vec<Brief>) {
    let view = &mut model.studies_view;
    if !rows.iter().any(|row| row.name == view.selected) {
        view.selected = rows.first().map(|row| row.name.clone()).unwrap_or_default();
    }
    view.rows = Some(rows);
}

pub fn read(model: &mut Model, name: &str, snapshot: Result<Box<Snapshot>, String>) {
    let Some(study) = model.studies_view.opened.as_mut().filter(|study| study.name == name) else { return };
    let cells = snapshot.as_ref().map_or(0, |snapshot| snapshot.study.cells.len());
    study.cell = study.cell.min(cells.saturating_sub(1));
    study.marked.retain(|cell| *cell < cells);
    study.current = Some(snapshot);
}

/// What has to be read of the studies from now on, if that is something else than before.
pub fn attend(model: &mut Model) -> Option<Effect> {
    let wanted = match (model.screen, model.study()) {
        (Screen::Studies, Some(study)) => Attention::Study(study.name.clone()),
        (Screen::Studies, None) => Attention::List,
        (Screen::Audits, _) => Attention::Audits,
        (Screen::Compare, _) => match &model.compare.groups {
            Some(groups) => Attention::Groups(groups.study.clone(), groups.cells.clone()),
            None => Attention::Nothing,
        },
        _ => Attention::Nothing,
    };
    if wanted == model.studies_view.attention {
        return None;
    }
    model.studies_view.attention = wanted.clone();
    Some(Effect::Attend(wanted))
}
