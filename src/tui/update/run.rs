//! The screen of one run: opening it, looking back through its pictures and trials, asking its worker.

use super::{follow, note, save, show};
use crate::run::event::Event;
use crate::run::{Health, Request, RunDirectory};
use crate::tui::effect::Effect;
use crate::tui::keymap::Action;
use crate::tui::model::{Model, Rows, RunView, Screen};
use crate::tui::screen;
use crate::tui::theme::Theme;
use crate::tui::widget::{chart, metric_table, record_pane};

/// Shares of the x axis that the cursor moves by.
const CURSOR_STEP: f64 = 0.01;

pub fn act(model: &mut Model, action: Action) -> Vec<Effect> {
    match action {
        Action::Pause => return pause(model),
        Action::Copy => return copy(model),
        Action::PageUp | Action::PageDown => return scroll(model, action),
        _ => {}
    }
    let theme = model.theme;
    let Some(run) = model.run_mut() else { return Vec::new() };
    match action {
        Action::Scrub(by) => {
            run.playing = false;
            let stored = run.stored();
            run.scrub = scrubbed(&stored, run.scrub, by);
        }
        Action::ScrubFirst => run.scrub = run.stored().first().copied(),
        Action::Play => {
            run.playing = !run.playing;
            // From the beginning if it stands at the end.
            if run.playing && run.scrub.is_none() {
                run.scrub = run.stored().first().copied();
            }
        }
        Action::Follow => {
            run.follow();
            run.frozen = None;
            model.chart.cursor = None;
        }
        Action::Enlarge => (run.enlarged, run.skip) = (!run.enlarged, 0),
        Action::NextSample => run.sample = (run.sample + 1) % run.samples(),
        Action::PreviousSample => run.sample = (run.sample + run.samples() - 1) % run.samples(),
        Action::Freeze => {
            run.frozen = match run.frozen.take() {
                Some(_) => None,
                None => Some(Box::new(run.live.clone())),
            };
        }
        Action::Up => look_at_row(run, theme, -1),
        Action::Down => look_at_row(run, theme, 1),
        Action::PreviousTrial => look_at_trial(run, -1),
        Action::NextTrial => look_at_trial(run, 1),
        Action::NextRows => {
            run.table.rows = run.table.rows.next();
            run.table.sort = None;
        }
        Action::Sort => {
            let columns = metric_table::columns(run).len();
            let next = run.table.sort.map_or(0, |column| column + 1);
            run.table.sort = (next < columns).then_some(next);
        }
        Action::Reverse => run.table.reversed = !run.table.reversed,
        _ => {}
    }
    Vec::new()
}

/// The stored iteration that lies `by` pictures from the one looked at; beyond the newest lies following.
pub fn scrubbed(stored: &[usize], at: Option<usize>, by: isize) -> Option<usize> {
    let last = stored.len().checked_sub(1)?;
    let at = at.map_or(last, |iteration| stored.iter().rposition(|known| *known <= iteration).unwrap_or(0));
    let to = at.saturating_add_signed(by).min(last);
    (to < last || by < 0).then(|| stored[to])
}

/// Shows the next stored picture while they pass; at the end the newest is followed again.
pub fn play_on(model: &mut Model) -> Vec<Effect> {
    if model.screen == Screen::Compare {
        return super::compare::play_on(model);
    }
    if let Some(run) = model.run_mut().filter(|run| run.playing) {
        // A picture that is still being loaded is waited for.
        if !run.pictures.pending.is_empty() {
            return Vec::new();
        }
        run.scrub = scrubbed(&run.stored(), run.scrub, 1);
        run.playing = run.scrub.is_some();
    }
    Vec::new()
}

/// The next way to show pictures; enlarged ones are shown as before.
pub fn next_panes(model: &mut Model) {
    match model.run_mut().filter(|run| run.enlarged) {
        Some(run) => run.enlarged = false,
        None => model.panes = model.panes.next(),
    }
}

pub fn back(model: &mut Model) -> Vec<Effect> {
    let home = home(model);
    let Some(run) = model.run_mut() else { return show(model, Screen::Runs) };
    if run.frozen.take().is_some() {
        return Vec::new();
    }
    if run.looks_back() {
        run.follow();
        return Vec::new();
    }
    if run.enlarged {
        run.enlarged = false;
        return Vec::new();
    }
    show(model, home)
}

/// The screen that the opened run is listed on.
fn home(model: &Model) -> Screen {
    if model.is_run_of_study() && model.study().is_some() { Screen::Studies } else { Screen::Runs }
}

pub fn move_cursor(model: &mut Model, action: Action) {
    let by = if action == Action::CursorBack { -CURSOR_STEP } else { CURSOR_STEP };
    // The first press shows the cursor in the middle.
    place_cursor(model, model.chart.cursor.map_or(0.5, |at| at + by));
}

/// Puts the chart's cursor at a share of the x axis; the pictures follow it.
pub fn place_cursor(model: &mut Model, share: f64) {
    model.chart.cursor = Some(share.clamp(0.0, 1.0));
    if model.screen == Screen::Compare {
        return super::compare::look_at_cursor(model);
    }
    let options = model.chart;
    let Some(run) = model.run_mut() else { return };
    let Some(of) = run.round().zip(run.shown_trial()) else { return };
    let Some(cursor) = chart::iteration_looked_at(of, run.health.is_live(), options) else { return };
    let stored = run.stored();
    run.playing = false;
    run.scrub = stored.iter().rev().find(|known| **known <= cursor).or(stored.first()).copied();
}

fn look_at_trial(run: &mut RunView, by: isize) {
    let all: Vec<(u32, usize)> = run
        .state()
        .rounds
        .iter()
        .flat_map(|round| round.trials.iter().map(|trial| (round.round, trial.trial)))
        .collect();
    let shown = run.round().zip(run.shown_trial()).map(|(round, trial)| (round.round, trial.trial));
    let at = all.iter().position(|known| Some(*known) == shown).unwrap_or(0);
    let Some(last) = all.len().checked_sub(1) else { return };
    let (round, trial) = all[at.saturating_add_signed(by).min(last)];
    run.look_at_trial(round, trial);
}

/// Scrolls the fields of the record by what is shown of them.
fn scroll(model: &mut Model, action: Action) -> Vec<Effect> {
    let Some(run) = model.run() else { return Vec::new() };
    let Some(sheet) = run.sheet() else { return Vec::new() };
    let area = screen::run::record(model, run);
    let room = record_pane::Layout::of(area, &sheet, model.theme).shown();
    let last = sheet.fields().len().saturating_sub(room);
    let Some(run) = model.run_mut() else { return Vec::new() };
    run.skip = match action {
        Action::PageUp => run.skip.min(last).saturating_sub(room),
        _ => (run.skip + room).min(last),
    };
    Vec::new()
}

/// Opens the row of the table that lies `by` rows from the one looked at.
fn look_at_row(run: &mut RunView, theme: Theme, by: isize) {
    if run.table.rows == Rows::Rounds && run.state().rounds.len() < 2 {
        return look_at_trial(run, by);
    }
    let table = metric_table::of(run, theme);
    let Some(last) = table.rows.len().checked_sub(1) else { return };
    let at = table.rows.iter().position(|row| row.open).unwrap_or(last);
    if let Some(number) = table.rows[at.saturating_add_signed(by).min(last)].number() {
        look_at(run, number);
    }
}

/// Opens the row of the table whose first cell is this number.
pub fn look_at(run: &mut RunView, number: u32) {
    match (run.table.rows, run.round().map(|round| round.round)) {
        (Rows::Rounds, _) => run.look_at_round(number),
        (Rows::Trials, Some(round)) => run.look_at_trial(round, number.saturating_sub(1) as usize),
        (Rows::Samples, _) => run.sample = number.saturating_sub(1) as usize,
        (Rows::Trials, None) => {}
    }
}

pub fn open(model: &mut Model, directory: RunDirectory) -> Vec<Effect> {
    let id = directory.id();
    model.screen = Screen::Run;
    model.runs_view.selected = id.clone();
    model.reopen = None;
    model.opened = Some(id);
    take_up(model, directory);
    let mut effects = vec![follow(model)];
    effects.extend(save(model));
    effects
}

/// Adds a view of a run unless there is one.
pub fn take_up(model: &mut Model, directory: RunDirectory) {
    let id = directory.id();
    // A run of another store may have the same name.
    model.views.retain(|view| view.id != id || view.directory == directory);
    if model.view(&id).is_some() {
        return;
    }
    let mut view = RunView::new(directory);
    if let Some(row) = model.row(&id) {
        view.health = row.health;
    }
    model.views.push(view);
}

fn pause(model: &mut Model) -> Vec<Effect> {
    let Some(run) = model.run_mut() else { return Vec::new() };
    let (request, word) = match run.health {
        Health::Paused => (Request::Run, "going on"),
        _ if run.asked == Some("pausing") => (Request::Run, "going on"),
        _ => (Request::Pause, "pausing"),
    };
    run.asked = Some(word);
    vec![Effect::Ask(vec![run.directory.clone()], request)]
}

/// Forgets a request once the run is in the state it asked for.
pub fn settle_request(run: &mut RunView) {
    let done = match run.asked {
        Some("pausing") => run.health != Health::Running,
        Some("going on") => run.health != Health::Paused,
        Some("resuming") => run.health == Health::Running,
        _ => false,
    };
    if done {
        run.asked = None;
    }
}

/// Forgets a request that the log tells of: another viewer may have taken it back before the run was looked at again.
pub fn settle_by(run: &mut RunView, event: &Event) {
    if let (Some("pausing"), Event::Paused) | (Some("going on"), Event::Continued) = (run.asked, event) {
        run.asked = None;
    }
}

fn copy(model: &mut Model) -> Vec<Effect> {
    let Some(run) = model.run() else { return Vec::new() };
    let table = metric_table::of(run, model.theme);
    if table.rows.is_empty() {
        return note(model, "the table is empty".into(), false);
    }
    vec![Effect::Copy(table.tsv())]
}
