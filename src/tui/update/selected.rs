//! What is done to the selected runs, or to the one that keys act on: hold, stop, resume, delete. Those that it cannot be
//! done to are said and left alone.

use super::{lists, note, run, save};
use crate::run::queue::{Change, Turn};
use crate::run::{Health, Request, RunDirectory};
use crate::tui::effect::Effect;
use crate::tui::keymap::{Action, possible};
use crate::tui::model::{Model, Screen};
use crate::tui::msg::{Deed, Undone};
use crate::tui::overlay::{Overlay, Yes};

/// Runs that a question names, a line each.
const MOST_LINES: usize = 9;

/// Runs that a sentence names.
const MOST_WORDS: usize = 3;

/// The runs that something is done to, and the others with the reason.
#[derive(Default)]
struct Split {
    able: Vec<RunDirectory>,
    left: Vec<(String, &'static str)>,
}

impl Split {
    /// `X`, or `3 runs`.
    fn what(&self) -> String {
        match self.able.as_slice() {
            [one] => one.id(),
            several => format!("{} runs", several.len()),
        }
    }

    /// Which runs, where `what` does not say it, a line each; then what is done; then which are left alone.
    fn detail(&self, sentence: &str) -> String {
        let mut lines: Vec<String> = Vec::new();
        if self.able.len() > 1 {
            lines.extend(self.able.iter().map(RunDirectory::id));
        }
        if lines.len() > MOST_LINES {
            let more = lines.split_off(MOST_LINES - 1).len();
            lines.push(format!("and {more} more"));
        }
        lines.push(sentence.to_owned());
        lines.extend(self.left_alone());
        lines.join("\n")
    }

    fn left_alone(&self) -> Option<String> {
        let left: Vec<String> = self.left.iter().map(|(run, reason)| format!("{run} ({reason})")).collect();
        (!left.is_empty()).then(|| format!("left alone: {}", some_of(&left)))
    }
}

/// The runs that keys act on, with how they stand.
fn subjects(model: &Model) -> Vec<(RunDirectory, Health)> {
    match model.screen {
        Screen::Runs => model.selected_runs().iter().map(|row| (row.directory.clone(), row.health)).collect(),
        Screen::Run => model.run().map(|run| (run.directory.clone(), run.health)).into_iter().collect(),
        Screen::Presets | Screen::Compare | Screen::Studies | Screen::Catalogue | Screen::Audits => {
            Vec::new()
        }
    }
}

fn split(model: &Model, why_not: impl Fn(Health) -> Result<(), &'static str>) -> Split {
    let mut split = Split::default();
    for (run, health) in subjects(model) {
        match why_not(health) {
            Ok(()) => split.able.push(run),
            Err(reason) => split.left.push((run.id(), reason)),
        }
    }
    split
}

fn ask(model: &mut Model, question: String, detail: String, effect: Effect) {
    model.overlays.push(Overlay::Confirm { question, detail, yes: Yes::Do(vec![effect]) });
}

pub fn ask_to_delete(model: &mut Model) {
    let split = split(model, |health| possible(Action::Delete, health));
    let sentence = match split.able.len() {
        0 => return,
        1 => "It goes to the trash; u brings it back.",
        _ => "They go to the trash; u brings them back.",
    };
    let detail = split.detail(sentence);
    ask(model, format!("Delete {}?", split.what()), detail, Effect::Delete(split.able));
}

pub fn ask_to_stop(model: &mut Model) {
    let split = split(model, |health| possible(Action::Stop, health));
    let sentence = match split.able.len() {
        0 => return,
        1 => "The worker writes a checkpoint and ends; r goes on from there.",
        _ => "Their workers write a checkpoint and end; r goes on from there.",
    };
    let detail = split.detail(sentence);
    ask(model, format!("Stop {}?", split.what()), detail, Effect::Ask(split.able, Request::Stop));
}

/// One run is resumed and opened; several are resumed after asking, since they compute at once.
pub fn resume(model: &mut Model) -> Vec<Effect> {
    let split = split(model, |health| possible(Action::Resume, health));
    let [directory] = split.able.as_slice() else {
        if !split.able.is_empty() {
            let detail = split.detail("Their workers compute at the same time.");
            ask(model, format!("Resume {}?", split.what()), detail, Effect::Resume(split.able));
        }
        return Vec::new();
    };
    model.starting = true;
    let mut effects = vec![Effect::Resume(vec![directory.clone()])];
    if model.screen == Screen::Runs {
        effects.extend(run::open(model, directory.clone()));
    }
    if let Some(run) = model.run_mut() {
        run.asked = Some("resuming");
    }
    effects
}

/// Holds those that run; where none does, those that are held go on.
pub fn pause(model: &mut Model) -> Vec<Effect> {
    let any_runs = subjects(model).iter().any(|(_, health)| *health == Health::Running);
    let (wanted, request, doing) = match any_runs {
        true => (Health::Running, Request::Pause, "pausing"),
        false => (Health::Paused, Request::Run, "going on with"),
    };
    let split = split(model, |health| match health {
        health if health == wanted => Ok(()),
        Health::Paused => Err("it is held already"),
        _ => Err("it is not running"),
    });
    if split.able.is_empty() {
        return Vec::new();
    }
    let left = split.left_alone().map_or_else(String::new, |left| format!("; {left}"));
    let mut effects = note(model, format!("{doing} {}{left}", split.what()), false);
    effects.push(Effect::Ask(split.able, request));
    effects
}

/// Gives those that wait another place in the queue. Those that wait are held; where all are held already, they are released.
pub fn queue(model: &mut Model, action: Action) -> Vec<Effect> {
    let waiting: Vec<(RunDirectory, Turn)> =
        model.selected_runs().iter().filter_map(|row| Some((row.directory.clone(), row.waits?))).collect();
    let change = match action {
        Action::QueueFirst => Change::First,
        Action::QueueLast => Change::Last,
        _ if waiting.iter().all(|(_, turn)| *turn == Turn::Held) => Change::Release,
        _ => Change::Hold,
    };
    if waiting.is_empty() {
        return Vec::new();
    }
    vec![Effect::Queue(waiting.into_iter().map(|(run, _)| run).collect(), change)]
}

/// What was agreed to begins: no worker is started twice, and what is to be deleted is not selected any more.
pub fn begin(model: &mut Model, effects: Vec<Effect>) -> Vec<Effect> {
    for effect in &effects {
        match effect {
            Effect::Resume(_) => model.starting = true,
            Effect::RunStudy { study, .. } => {
                model.studies_view.starting = true;
                note(model, format!("starting {study}"), false);
            }
            Effect::Delete(runs) => {
                model.runs_view.keep_marked(|id| runs.iter().all(|run| run.id() != id));
            }
            _ => {}
        }
    }
    effects
}

/// How it went: what was done is a notice, as is a run that another program deleted; what went wrong is to be shown.
pub fn done(
    model: &mut Model,
    deed: Deed,
    results: Vec<(String, Result<(), Undone>)>,
) -> (Vec<Effect>, Result<(), String>) {
    if deed == Deed::Resume {
        model.starting = false;
        for run in model.views.iter_mut().filter(|run| run.asked == Some("resuming")) {
            run.asked = None;
        }
    }
    let (mut effects, mut finished, mut missing, mut wrong) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (id, result) in results {
        match result {
            Ok(()) => {
                if deed == Deed::Delete {
                    effects.extend(lists::deleted(model, &id));
                }
                finished.push(id);
            }
            Err(Undone::Gone) => {
                lists::forget(model, &id);
                missing.push(id);
            }
            Err(Undone::Because(reason)) => wrong.push(reason),
        }
    }
    let what = match finished.as_slice() {
        [one] => one.clone(),
        several => format!("{} runs", several.len()),
    };
    let said = match deed {
        _ if finished.is_empty() => None,
        Deed::Delete => Some(format!("deleted {what}; u brings back what was deleted last")),
        Deed::Ask(Request::Stop) => Some(format!("asked {what} to stop")),
        Deed::Resume if finished.len() > 1 => Some(format!("resumed {what}")),
        Deed::Queue(Change::First) => Some(format!("next in the queue: {what}")),
        Deed::Queue(Change::Last) => Some(format!("last in the queue: {what}")),
        Deed::Queue(Change::Hold) => Some(format!("held: {what}")),
        Deed::Queue(Change::Release) => Some(format!("released: {what}")),
        // Seen at once, or said when the key was pressed.
        Deed::Resume | Deed::Ask(_) => None,
    };
    let sentences: Vec<String> = said.into_iter().chain(gone(&missing)).collect();
    if !sentences.is_empty() {
        effects.extend(note(model, sentences.join("; "), false));
        effects.extend(save(model));
    }
    (effects, if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n")) })
}

/// Selected runs that are not listed any more are not selected any more. Where they were there before, that is said.
pub fn drop_missing(model: &mut Model, is_news: bool) {
    let missing: Vec<String> = model.runs_view.marked.iter().map(|(id, _)| id.clone()).collect();
    let missing: Vec<String> = missing.into_iter().filter(|id| model.row(id).is_none()).collect();
    model.runs_view.keep_marked(|id| !missing.iter().any(|gone| gone == id));
    if let Some(sentence) = gone(&missing).filter(|_| is_news) {
        note(model, sentence, false);
    }
}

fn gone(runs: &[String]) -> Option<String> {
    match runs {
        [] => None,
        [one] => Some(format!("{one} is gone, deleted by another program")),
        several => Some(format!("{} are gone, deleted by another program", some_of(several))),
    }
}

/// The first few of these words.
fn some_of(words: &[String]) -> String {
    match words.len() {
        0..=MOST_WORDS => words.join(", "),
        count => format!("{} and {} more", words[..MOST_WORDS].join(", "), count - MOST_WORDS),
    }
}
