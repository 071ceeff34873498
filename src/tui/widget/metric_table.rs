//! How good the reconstructions are: a row a round, a trial or a sample, live where they are in progress.

use ratatui::style::Style;

use super::table::{Cell, Column, Row, Table};
use crate::figure::{FIGURES, Figure, Measured, Ratio, WORDS, Word, figure};
use crate::format;
use crate::run::event::TrialOutcome;
use crate::run::state::{RoundState, TrialState};
use crate::run::{Health, progress};
use crate::tui::model::{Rows, RunView};
use crate::tui::theme::Theme;

/// A column of a figure; its width has room for every value.
fn of_figure(key: &str, width: usize) -> Column {
    let figure = figure(key);
    of_word(&figure.word, width, figure.rank)
}

/// A column of a word of the field.
fn named(key: &str, width: usize, rank: u8) -> Column {
    let word = WORDS.iter().find(|word| word.key == key);
    word.map_or_else(|| of_figure(key, width), |word| of_word(word, width, rank))
}

fn of_word(word: &Word, width: usize, rank: u8) -> Column {
    Column { key: word.key, heading: word.heading.to_owned(), ascii: word.ascii.to_owned(), width, rank }
}

/// PSNR with that of the best sample.
fn psnr_with_best() -> Column {
    let column = of_figure("psnr", 15);
    let with_best = |heading: String| heading + " (best)";
    Column { heading: with_best(column.heading), ascii: with_best(column.ascii), ..column }
}

/// Columns of the run's table: what post-processing did only where there is any.
pub fn columns(run: &RunView) -> Vec<Column> {
    let mut columns = all(run.table.rows);
    if run.table.rows == Rows::Rounds && run.state().rounds.iter().all(|round| round.processed.is_none()) {
        columns.retain(|column| !OF_PROCESSED.contains(&column.key));
    }
    columns
}

/// What post-processing did to the update of a round.
const OF_PROCESSED: [&str; 4] = ["norm_kept", "cosine", "zeros", "bits"];

fn all(rows: Rows) -> Vec<Column> {
    match rows {
        Rows::Rounds => vec![
            named("round", 5, 0),
            of_figure("accuracy", 5),
            of_figure("accuracy_lost", 5),
            of_figure("update_norm", 8),
            of_figure("norm_kept", 9),
            of_figure("cosine", 6),
            of_figure("zeros", 5),
            of_figure("bits", 5),
            of_figure("match", 7),
            of_figure("match_at_truth", 8),
            of_figure("label_accuracy", 7),
            psnr_with_best(),
            named("baselines", 10, 2),
            of_figure("ssim", 6),
            of_figure("st_lpips", 9),
            of_figure("brr", 5),
            of_figure("wsrr", 5),
            of_figure("igsa", 7),
            of_figure("mse", 7),
            named("trial", 5, 3),
            of_figure("evaluations", 7),
            of_figure("seconds", 7),
            named("status", 10, 0),
        ],
        Rows::Trials => vec![
            named("trial", 6, 0),
            of_figure("match", 8),
            of_figure("iteration", 7),
            of_figure("label_accuracy", 7),
            of_figure("psnr", 9),
            of_figure("ssim", 6),
            of_figure("st_lpips", 9),
            of_figure("brr", 5),
            of_figure("mse", 7),
            of_figure("evaluations", 7),
            of_figure("seconds", 7),
            named("status", 10, 0),
        ],
        Rows::Samples => {
            let of_samples =
                FIGURES.iter().filter(|figure| figure.is_of_samples() && figure.word.key != "lpips");
            let of_samples = of_samples.map(|figure| Column { rank: 0, ..of_figure(figure.word.key, 9) });
            std::iter::once(named("sample", 6, 0)).chain(of_samples).collect()
        }
    }
}

/// The table of a run, sorted as the person chose.
pub fn of(run: &RunView, theme: Theme) -> Table {
    let rows = match run.table.rows {
        Rows::Rounds => rounds(run, theme),
        Rows::Trials => trials(run, theme),
        Rows::Samples => samples(run, theme),
    };
    let mut table = Table { columns: columns(run), rows };
    if run.table.rows == Rows::Rounds {
        let rounds = &run.state().rounds;
        // Figures that only some runs have: what a run has is needed like its recovery; what it has not goes first.
        for column in table
            .columns
            .iter_mut()
            .filter(|column| ["accuracy", "accuracy_lost", "igsa"].contains(&column.key))
        {
            let value = |round| figure(column.key).value(&run.state().measured(round));
            column.rank = if rounds.iter().any(|round| value(round).is_some()) { 1 } else { 6 };
        }
    }
    if let Some(column) = run.table.sort {
        table.sort(column, run.table.reversed);
    }
    table
}

/// Title of the table's frame. Trials say that the matching loss alone chose among them.
pub fn title(run: &RunView) -> String {
    match run.table.rows {
        Rows::Rounds => "rounds".to_owned(),
        Rows::Trials => "trials, the best by matching loss in front".to_owned(),
        Rows::Samples => match (run.judges_best(), run.current_picture()) {
            (true, _) => "samples of the reconstruction".to_owned(),
            (false, Some(picture)) => format!("samples @ {}", picture.iteration),
            (false, None) => "samples".to_owned(),
        },
    }
}

/// What a figure of the round looked at is judged by, as far as the columns have no room for it: `grey 11.3 dB, mean of others
/// 12.6 dB, truth matches with 2.1e-09`.
pub fn left_out(run: &RunView, table: &Table, width: usize) -> Option<String> {
    let fitting = table.fitting(width);
    let shown = |key: &str| fitting.iter().any(|at| table.columns[*at].key == key);
    let measured = run.state().measured(run.round()?);
    let said = |key: &str, name: &str| {
        let figure = figure(key);
        let unit = if figure.unit.is_empty() { String::new() } else { format!(" {}", figure.unit) };
        figure.value(&measured).map(|value| format!("{name} {}{unit}", figure.text(value)))
    };
    let mut parts = Vec::new();
    if !shown("baselines") {
        parts.extend([
            said("psnr_grey", "grey"),
            said("psnr_mean", "mean of others"),
            said("psnr_noise", "on noise"),
        ]);
    }
    if !shown("match_at_truth") {
        parts.push(said("match_at_truth", "truth matches with"));
    }
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

fn rounds(run: &RunView, theme: Theme) -> Vec<Row> {
    let rounds = &run.state().rounds;
    let shown = run.round().map(|round| round.round);
    rounds
        .iter()
        .enumerate()
        .map(|(at, round)| {
            let is_last = at + 1 == rounds.len();
            let is_live = is_last && round.result.is_none() && run.health.is_live();
            let style = if is_live { theme.accent() } else { Style::new() };
            let open = rounds.len() > 1 && shown == Some(round.round);
            Row { cells: round_cells(run, round, is_last), style, open }
        })
        .collect()
}

fn round_cells(run: &RunView, round: &RoundState, last: bool) -> Vec<Cell> {
    let measured = run.state().measured(round);
    let labels = match &round.result {
        Some(result) => &result.labels,
        None => round.shown_trial().map_or(&[][..], |trial| trial.labels()),
    };
    let cell = |column: &Column| match column.key {
        "round" => Cell::number(round.round.to_string(), f64::from(round.round)),
        "trial" => Cell::text(match &round.result {
            Some(result) => format!("{}/{}", result.trial + 1, result.trials),
            None => format!("{}/{}", round.trials.len(), round.trials_planned),
        }),
        "status" => Cell::text(round_status(run, round, last)),
        "baselines" => baselines(run, round),
        "label_accuracy" => label_cell(run, &measured, labels),
        "psnr" => {
            let psnr = cell_of(run, "psnr", &measured);
            let best = figure("psnr").spread(&measured).map(|spread| figure("psnr").text(spread.best));
            let best = best.map_or(String::new(), |best| format!(" ({best})"));
            Cell { text: format!("{}{best}", psnr.text), value: psnr.value }
        }
        key => cell_of(run, key, &measured),
    };
    columns(run).iter().map(cell).collect()
}

/// PSNR of a grey picture and of the mean of the other samples.
fn baselines(run: &RunView, round: &RoundState) -> Cell {
    let found = round.result.as_ref().and_then(|result| result.baselines);
    let of = |score: Option<Ratio>| score.map_or_else(|| "-".to_owned(), |score| format::fixed(score.0, 1));
    match found {
        Some(found) => Cell {
            text: format!("{}, {}", of(found.grey), of(found.mean)),
            value: found.mean.or(found.grey).map(|score| score.0),
        },
        None => measured(run, None, |_| String::new()),
    }
}

fn percent(share: f64) -> String {
    format!("{:.0} %", 100.0 * share)
}

/// A figure that needs the ground truth: `n/a` where there is none.
fn measured(run: &RunView, value: Option<f64>, show: impl FnOnce(f64) -> String) -> Cell {
    if run.has_truth() { Cell::maybe(value, show) } else { Cell::text("n/a") }
}

/// A figure as a cell.
fn cell_of(run: &RunView, key: &str, of: &Measured) -> Cell {
    let figure = figure(key);
    let (value, show) = (figure.value(of), |value| figure.text(value));
    if figure.needs_truth() { measured(run, value, show) } else { Cell::maybe(value, show) }
}

fn label_cell(run: &RunView, of: &Measured, labels: &[usize]) -> Cell {
    match labels {
        // What came back is all that there is to tell.
        [label] if !run.has_truth() => Cell::number(label.to_string(), *label as f64),
        _ => cell_of(run, "label_accuracy", of),
    }
}

fn round_status(run: &RunView, round: &RoundState, last: bool) -> String {
    if round.result.is_some() {
        let outcome = round.shown_trial().and_then(|trial| trial.end.as_ref()).map(|end| end.outcome);
        return outcome.map_or("done", outcome_name).to_owned();
    }
    match round.trials.last() {
        Some(_) if last && matches!(run.health, Health::Running | Health::Paused) => {
            percent(progress::share_of(round))
        }
        Some(trial) if last => trial_status(run, round, trial),
        _ => run.health.name().to_owned(),
    }
}

fn outcome_name(outcome: TrialOutcome) -> &'static str {
    match outcome {
        TrialOutcome::Completed => "done",
        TrialOutcome::Converged => "converged",
        TrialOutcome::Stalled => "stalled",
        TrialOutcome::NonFinite => "non-finite",
        TrialOutcome::OutOfTime => "time spent",
    }
}

fn trial_status(run: &RunView, round: &RoundState, trial: &TrialState) -> String {
    match (&trial.end, run.health) {
        (Some(end), _) => outcome_name(end.outcome).to_owned(),
        (None, Health::Running | Health::Paused) if round.iterations > 0 => {
            format!("{:.0} %", 100.0 * trial.iteration as f64 / round.iterations as f64)
        }
        (None, health) => health.name().to_owned(),
    }
}

/// Trials of the round looked at; unless sorted otherwise, by matching loss, never by quality.
fn trials(run: &RunView, theme: Theme) -> Vec<Row> {
    let Some(round) = run.round() else { return Vec::new() };
    let mut trials: Vec<&TrialState> = round.trials.iter().collect();
    let loss = |trial: &TrialState| trial.matching_loss().unwrap_or(f64::INFINITY);
    trials.sort_by(|a, b| loss(a).total_cmp(&loss(b)));
    let shown = run.shown_trial().map(|trial| trial.trial);
    let row = |trial: &TrialState| {
        let of = trial.measured();
        let cell = |column: &Column| match column.key {
            "trial" => Cell::number((trial.trial + 1).to_string(), (trial.trial + 1) as f64),
            "status" => Cell::text(trial_status(run, round, trial)),
            "label_accuracy" => label_cell(run, &of, trial.labels()),
            key => cell_of(run, key, &of),
        };
        Row {
            cells: columns(run).iter().map(cell).collect(),
            style: if shown == Some(trial.trial) { theme.accent() } else { Style::new() },
            open: round.trials.len() > 1 && shown == Some(trial.trial),
        }
    };
    trials.into_iter().map(row).collect()
}

/// Samples of the picture that is judged.
fn samples(run: &RunView, theme: Theme) -> Vec<Row> {
    let Some(metrics) = run.shown_metrics() else { return Vec::new() };
    let chosen = run.sample;
    let cells = |at: usize, of: &dyn Fn(&Figure) -> Option<f64>| {
        let cell = |column: &Column| match column.key {
            "sample" => Cell::number((at + 1).to_string(), (at + 1) as f64),
            key => Cell::maybe(of(figure(key)), |value| figure(key).text(value)),
        };
        columns(run).iter().map(cell).collect()
    };
    let row = |at: usize, cells: Vec<Cell>| Row {
        cells,
        style: if at == chosen && run.samples() > 1 { theme.accent() } else { Style::new() },
        open: at == chosen && run.samples() > 1,
    };
    if metrics.samples.is_empty() {
        // A batch of one is its own mean.
        let only = Measured { metrics: Some(metrics), ..Measured::default() };
        return vec![row(0, cells(0, &|figure| figure.value(&only)))];
    }
    let samples = metrics.samples.iter().enumerate();
    samples.map(|(at, sample)| row(at, cells(at, &|figure| figure.of_sample(sample)))).collect()
}

/// First row to show in `room` rows: the one looked at is among them.
pub fn first_row(table: &Table, room: usize) -> usize {
    let most = table.rows.len().saturating_sub(room);
    let open = table.rows.iter().position(|row| row.open).unwrap_or(0);
    open.saturating_sub(room / 2).min(most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_table_fits_the_smallest_screen() {
        for rows in [Rows::Rounds, Rows::Trials, Rows::Samples] {
            let table = Table { columns: all(rows), rows: Vec::new() };
            for width in [58, 78, 118, 200] {
                let kept = table.fitting(width);
                let needed: usize = kept.iter().map(|i| table.columns[*i].width + 1).sum();
                assert!(needed <= width.max(64), "{rows:?} in {width}: {needed}");
            }
            assert_eq!(table.fitting(220).len(), table.columns.len());
        }
    }
}
