//! Which actions make sense now, and why the others do not.

use super::Action as A;
use super::Action;
use ratatui::layout::Rect;

use crate::run::Health;
use crate::study::Brief;
use crate::tui::layout;
use crate::tui::model::{Model, Rows, Screen};
use crate::tui::overlay::Overlay;
use crate::tui::overlay::form::Form;
use crate::tui::screen::compare;
use crate::tui::theme::SERIES;
use crate::tui::update::studies;

/// Whether an action makes sense now; if not, why.
pub fn available(action: Action, model: &Model) -> Result<(), &'static str> {
    let holds = |holds: bool, reason| if holds { Ok(()) } else { Err(reason) };
    if let Some(Overlay::Form(form)) = model.overlays.last() {
        return filling_in(action, form);
    }
    if model.screen == Screen::Studies
        && let Some(answer) = studying(action, model)
    {
        return answer;
    }
    if model.screen == Screen::Catalogue
        && let Some(answer) = reading_up(action, model)
    {
        return answer;
    }
    match action {
        A::Start if model.starting => Err("a run is being started"),
        A::Start if model.chosen_backend().is_none_or(|entry| entry.unavailable.is_some()) => {
            Err("this backend is not available")
        }
        A::StopAudit => holds(model.chosen_audit().is_some_and(|audit| audit.live), "it is not being made"),
        A::Open if model.screen == Screen::Audits => {
            holds(model.chosen_audit().is_some(), "there is no audit")
        }
        A::Back if model.screen == Screen::Audits && model.overlays.is_empty() => {
            holds(model.audits_view.reading, "there is nothing to go back to")
        }
        A::Start | A::Change | A::Describe | A::EditFile | A::Audit => {
            holds(model.chosen_preset().is_some(), "no preset is chosen")
        }
        A::Undo if model.screen == Screen::Presets => {
            let changes = model.chosen_preset().map(|entry| model.changes_of(entry)).unwrap_or_default();
            holds(!changes.is_empty(), "the preset is as it was")
        }
        A::NextPicture | A::PreviousPicture => {
            let Some(entry) = model.chosen_preset() else { return Err("no preset is chosen") };
            let data = model.config_of(entry).victim.data;
            let several = model.dataset(&data).is_some_and(|set| set.samples > 1);
            holds(several, "the set has one picture, or is a path")
        }
        A::NextBackend => {
            let there = model.backends.iter().filter(|entry| entry.unavailable.is_none()).count();
            holds(there > 1, "there is one")
        }
        A::Compare => comparable(model, "no run is selected; select some first"),
        A::Back if model.overlays.is_empty() && model.screen == Screen::Presets => {
            let view = &model.presets_view;
            holds(view.filtering || !view.filter.value().is_empty(), "there is nothing to go back to")
        }
        A::ToggleBlocks => holds(model.has_pixels, "this terminal has no other way; gialab doctor says why"),
        A::Show(Screen::Run) => holds(model.opened.is_some(), "no run is open"),
        A::Show(Screen::Compare) if model.compare.groups.is_some() => Ok(()),
        A::Show(Screen::Compare) => comparable(model, "no run is selected; select some in the list of runs"),
        A::Pause | A::Stop | A::Resume | A::Delete => on_selected(action, model),
        A::Hold | A::QueueFirst | A::QueueLast => {
            let waits = model.selected_runs().iter().any(|row| row.waits.is_some());
            holds(waits, "it does not wait in the queue")
        }
        A::Again => again(model),
        A::Details if model.screen == Screen::Run => holds(model.run().is_some(), "no run is open"),
        A::SelectAll if model.runs_view.mistake.is_some() => Err("the filter cannot be read"),
        A::WriteNote
        | A::WriteTags
        | A::Rename
        | A::Open
        | A::Select
        | A::SelectAll
        | A::Sort
        | A::SortBy
        | A::Reverse
        | A::Export
        | A::Details
            if model.screen == Screen::Runs =>
        {
            holds(model.chosen_run().is_some(), "there are no runs")
        }
        _ => match model.screen {
            Screen::Run => looking_at(action, model),
            Screen::Compare => comparing(action, model),
            Screen::Presets | Screen::Runs | Screen::Studies | Screen::Catalogue | Screen::Audits => Ok(()),
        },
    }
}

/// Whether the selected runs can be compared; `none` is said where there are none.
fn comparable(model: &Model, none: &'static str) -> Result<(), &'static str> {
    match model.runs_view.marked.len() {
        0 => Err(none),
        1..=SERIES => Ok(()),
        _ => Err("no more than eight runs can be compared at once; take some out first"),
    }
}

/// What concerns the workers and the files of the selected runs, or of the one that is looked at.
fn on_selected(action: Action, model: &Model) -> Result<(), &'static str> {
    if action == A::Resume && model.starting {
        return Err("a worker is being started");
    }
    let runs: Vec<Health> = match model.screen {
        Screen::Runs => model.selected_runs().iter().map(|row| row.health).collect(),
        Screen::Run => model.run().map(|run| run.health).into_iter().collect(),
        Screen::Presets | Screen::Compare | Screen::Studies | Screen::Catalogue | Screen::Audits => {
            Vec::new()
        }
    };
    match runs.as_slice() {
        [] => Err("there is no run"),
        [health] => possible(action, *health),
        several if several.iter().any(|health| possible(action, *health).is_ok()) => Ok(()),
        _ => Err(match action {
            A::Pause | A::Stop => "none of the selected runs is running",
            A::Resume => "none of the selected runs stands: they run or are complete",
            _ => "all selected runs are running; stop them first",
        }),
    }
}

/// Whether something can be done to a run that stands so; if not, why.
pub fn possible(action: Action, health: Health) -> Result<(), &'static str> {
    let holds = |holds: bool, reason| if holds { Ok(()) } else { Err(reason) };
    match action {
        A::Pause => holds(matches!(health, Health::Running | Health::Paused), "it is not running"),
        A::Stop => holds(health.is_live(), "it is not running"),
        A::Resume if health.is_live() => Err("it is running"),
        A::Resume => holds(health.can_resume(), "it is complete"),
        _ => holds(!health.is_live(), "stop it first"),
    }
}

fn again(model: &Model) -> Result<(), &'static str> {
    let (is_there, config) = match model.screen {
        Screen::Run => (model.run().is_some(), model.run().is_some_and(|run| run.manifest.is_some())),
        Screen::Runs => {
            (model.chosen_run().is_some(), model.chosen_run().is_some_and(|row| row.config.is_some()))
        }
        Screen::Presets | Screen::Compare | Screen::Studies | Screen::Catalogue | Screen::Audits => {
            (false, false)
        }
    };
    match (is_there, config) {
        (false, _) => Err("there is no run"),
        _ if model.starting => Err("a worker is being started"),
        (true, false) => Err("its settings cannot be read"),
        (true, true) => Ok(()),
    }
}

/// What concerns the chosen study; nothing of what can be done on every screen.
fn studying(action: Action, model: &Model) -> Option<Result<(), &'static str>> {
    let holds = |holds: bool, reason| if holds { Ok(()) } else { Err(reason) };
    let brief = model.chosen_study();
    Some(match action {
        A::Open if model.study().is_some() => {
            holds(!studies::runs_of_cell(model).is_empty(), "no run of this cell was begun yet")
        }
        A::Open => match brief {
            None => Err("the studies are being read"),
            Some(brief) if brief.lacks.is_some() => Err("it needs an attack that is not there yet"),
            Some(brief) => holds(brief.error.is_none() || brief.cells > 0, "it cannot be read"),
        },
        A::RunStudy => match brief {
            _ if model.studies_view.starting => Err("a study is being started"),
            None => Err("the study is being read"),
            Some(brief) if brief.lacks.is_some() => Err("it needs an attack that is not there yet"),
            Some(brief) if brief.error.is_some() => Err("it cannot be run; the line below says why"),
            Some(brief) if brief.is_conducted => Err("it is being run"),
            Some(brief) => holds(!brief.whole.is_complete(), "it is complete"),
        },
        A::StopStudy => holds(brief.is_some_and(Brief::is_live), "it is not running"),
        A::Describe => holds(brief.is_some(), "the study is being read"),
        A::Select | A::NextFigure | A::Compare => {
            holds(model.study().is_some_and(|study| study.snapshot().is_some()), "the study is being read")
        }
        A::Back => {
            holds(model.study().is_some() || !model.overlays.is_empty(), "there is nothing to go back to")
        }
        _ => return None,
    })
}

/// What concerns the chosen entry of the catalogue; nothing of what can be done on every screen.
fn reading_up(action: Action, model: &Model) -> Option<Result<(), &'static str>> {
    let holds = |holds: bool, reason| if holds { Ok(()) } else { Err(reason) };
    let entry = model.catalogue_view.chosen();
    Some(match action {
        A::Start => match entry {
            None => Err("no entry is chosen"),
            Some(entry) if !entry.runs => Err("gialab does not have it"),
            Some(entry) => holds(model.preset_of(entry).is_some(), "no preset shows it"),
        },
        A::Describe | A::Explain => holds(entry.is_some(), "no entry is chosen"),
        A::Back => holds(
            model.catalogue_view.is_filtered() || !model.overlays.is_empty(),
            "there is nothing to go back to",
        ),
        _ => return None,
    })
}

/// What is done to the steps of post-processing in a form.
fn filling_in(action: Action, form: &Form) -> Result<(), &'static str> {
    let holds = |holds: bool, reason| if holds { Ok(()) } else { Err(reason) };
    match (action, form.step_in_focus()) {
        (A::AddStep, _) => holds(form.is_at_steps(), "go to post-processing first"),
        (A::RemoveStep | A::StepEarlier | A::StepLater, None) => Err("go to a step of post-processing first"),
        (A::ResetField, Some(_)) => {
            holds(form.is_typed(), "a step has no value of its own; on post the preset's own steps come back")
        }
        (A::StepEarlier, Some(at)) => holds(at > 0, "it is the first step"),
        (A::StepLater, Some(at)) => holds(at + 1 < form.steps(), "it is the last step"),
        _ => Ok(()),
    }
}

/// What changes how one run is looked at.
fn looking_at(action: Action, model: &Model) -> Result<(), &'static str> {
    let holds = |holds: bool, reason| if holds { Ok(()) } else { Err(reason) };
    let run = match (model.run(), action) {
        (Some(run), _) => run,
        (None, A::Help | A::Palette | A::Quit | A::Back | A::NextScreen | A::PreviousScreen) => return Ok(()),
        (None, A::Show(_) | A::Redraw | A::Suspend) => return Ok(()),
        (None, _) => return Err("no run is open"),
    };
    match action {
        A::Scrub(_) | A::ScrubFirst | A::Play => {
            let stored = run.shown_trial().map_or(0, |trial| trial.pictures.len());
            holds(stored > 1, "there are no earlier pictures")
        }
        A::ToggleAxis | A::ToggleSmoothing | A::ToggleClock | A::CursorBack | A::CursorForward
            if run.solves() =>
        {
            Err("an attack that solves has no curve")
        }
        A::Follow => holds(run.looks_back() || run.frozen.is_some(), "it follows already"),
        A::PreviousTrial | A::NextTrial => {
            let trials: usize = run.state().rounds.iter().map(|round| round.trials.len()).sum();
            holds(trials > 1, "there is one trial")
        }
        A::Up | A::Down => {
            let rows = match run.table.rows {
                Rows::Rounds if run.state().rounds.len() > 1 => run.state().rounds.len(),
                Rows::Rounds => run.round().map_or(0, |round| round.trials.len()),
                Rows::Trials => run.round().map_or(0, |round| round.trials.len()),
                Rows::Samples => run.samples(),
            };
            holds(rows > 1, "the table has one row")
        }
        A::NextSample | A::PreviousSample => holds(run.samples() > 1, "the batch has one sample"),
        A::Enlarge => {
            let is_there = run.pictures.shown.iter().any(Option::is_some) || run.sheet().is_some();
            holds(is_there, "there is no picture yet")
        }
        A::PageUp | A::PageDown => holds(run.sheet().is_some(), "there is no record of a table to scroll"),
        _ => Ok(()),
    }
}

fn comparing(action: Action, model: &Model) -> Result<(), &'static str> {
    let holds = |holds: bool, reason| if holds { Ok(()) } else { Err(reason) };
    if let Some(groups) = &model.compare.groups {
        let is_read = matches!(groups.current, Some(Ok(_)));
        return match action {
            A::NextFigure | A::Copy | A::Pin => holds(is_read, "the groups are being read"),
            A::Up | A::Down | A::Select | A::Open => Ok(()),
            A::NextScreen | A::PreviousScreen | A::Show(_) | A::Back => Ok(()),
            A::Help | A::Palette | A::Quit | A::Redraw | A::Suspend => Ok(()),
            A::Export => Err("groups are exported with their study"),
            _ => Err("groups of runs have no curves and pictures"),
        };
    }
    match action {
        A::NextFigure => holds(
            model.compare.tradeoff,
            "every figure of a run is in the table; the chart of utility has two",
        ),
        A::Scrub(_) | A::ScrubFirst | A::Play => {
            holds(model.stored_together().len() > 1, "there are no earlier pictures")
        }
        A::Follow => {
            let looks_back = model.compared().iter().any(|(run, _)| run.scrub.is_some());
            holds(looks_back, "it follows already")
        }
        A::NextSample | A::PreviousSample => {
            let several = model.compared().iter().any(|(run, _)| run.samples() > 1);
            holds(several, "every batch has one sample")
        }
        A::NextRows => {
            let height = layout::areas(Rect::new(0, 0, model.size.0, model.size.1)).body.height;
            holds(height <= compare::TALL && model.compare.alone.is_none(), "everything is shown")
        }
        A::ToggleTradeoff => holds(
            model.compare.tradeoff || compare::tradeoff(model).is_some(),
            "no run has post-processing whose cost is known: gialab utility PRESET measures it",
        ),
        A::Pin | A::Open | A::Select | A::Copy | A::Explain | A::Export => {
            holds(model.chosen_compared().is_some(), "no run is compared")
        }
        _ => Ok(()),
    }
}
