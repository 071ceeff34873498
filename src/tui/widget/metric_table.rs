//! How good the reconstructions are: a row a round, a trial or a sample, live where they are in progress.

use ratatui::style::Style;

use super::table::{Cell, Column, Row, Table};
use crate::format;
use crate::run::event::{Metrics, Probe, Ratio, Sample, Spread, TrialOutcome};
use crate::run::state::{RoundState, TrialState};
use crate::run::{Health, progress};
use crate::tui::model::{Rows, RunView};
use crate::tui::theme::Theme;

const fn column(heading: &'static str, ascii: &'static str, width: usize, rank: u8) -> Column {
    Column { heading, ascii, width, rank }
}

const ROUNDS: [Column; 18] = [
    column("round", "round", 5, 0),
    column("acc↑", "acc", 5, 4),
    column("|update|", "|update|", 8, 4),
    column("match↓", "match", 7, 0),
    column("at truth", "at truth", 8, 3),
    column("labels", "labels", 6, 1),
    column("PSNR↑ dB (best)", "PSNR dB (best)", 15, 0),
    column("grey, mean", "grey, mean", 10, 2),
    column("SSIM↑", "SSIM", 6, 0),
    column("ST-LPIPS↓", "ST-LPIPS", 9, 1),
    column("BRR", "BRR", 5, 2),
    column("WSRR", "WSRR", 5, 3),
    column("IGSA", "IGSA", 7, 4),
    column("MSE↓", "MSE", 7, 5),
    column("trial", "trial", 5, 3),
    column("evals", "evals", 7, 5),
    column("time", "time", 7, 0),
    column("status", "status", 10, 0),
];

/// Columns of [`ROUNDS`] that only some runs have values for.
const ACCURACY: usize = 1;
const IGSA: usize = 12;

const TRIALS: [Column; 12] = [
    column("trial", "trial", 6, 0),
    column("match↓", "match", 8, 0),
    column("best @", "best @", 7, 3),
    column("labels", "labels", 6, 1),
    column("PSNR↑ dB", "PSNR dB", 9, 0),
    column("SSIM↑", "SSIM", 6, 0),
    column("ST-LPIPS↓", "ST-LPIPS", 9, 2),
    column("BRR", "BRR", 5, 2),
    column("MSE↓", "MSE", 7, 3),
    column("evals", "evals", 7, 3),
    column("time", "time", 7, 0),
    column("status", "status", 10, 0),
];

const SAMPLES: [Column; 5] = [
    column("sample", "sample", 6, 0),
    column("PSNR↑ dB", "PSNR dB", 9, 0),
    column("SSIM↑", "SSIM", 7, 0),
    column("ST-LPIPS↓", "ST-LPIPS", 9, 0),
    column("MSE↓", "MSE", 8, 0),
];

/// Columns of a table with such rows.
pub fn columns(rows: Rows) -> &'static [Column] {
    match rows {
        Rows::Rounds => &ROUNDS,
        Rows::Trials => &TRIALS,
        Rows::Samples => &SAMPLES,
    }
}

/// The table of a run, sorted as the person chose.
pub fn of(run: &RunView, theme: Theme) -> Table {
    let rows = match run.table.rows {
        Rows::Rounds => rounds(run, theme),
        Rows::Trials => trials(run, theme),
        Rows::Samples => samples(run, theme),
    };
    let mut table = Table { columns: columns(run.table.rows).to_vec(), rows };
    if run.table.rows == Rows::Rounds {
        let rounds = &run.state().rounds;
        let has_accuracy = rounds.iter().any(|round| round.accuracy.is_some());
        let has_probe = rounds.iter().any(|round| probe(round).is_some());
        // What a run has is needed like its recovery; what it has not goes first.
        for (column, has) in [(ACCURACY, has_accuracy), (IGSA, has_probe)] {
            table.columns[column].rank = if has { 1 } else { 6 };
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
    let trial = round.shown_trial();
    let metrics = match &round.result {
        Some(result) => result.metrics.as_ref(),
        None => trial.and_then(|trial| trial.latest_metrics()),
    };
    let matching = match &round.result {
        Some(result) => Some(result.loss),
        None => trial.and_then(|trial| trial.matching_loss()),
    };
    let trials = match &round.result {
        Some(result) => format!("{}/{}", result.trial + 1, result.trials),
        None => format!("{}/{}", round.trials.len(), round.trials_planned),
    };
    let seconds = match &round.result {
        Some(result) => result.seconds,
        None => run.state().seconds - round.began,
    };
    let evaluations = round.result.as_ref().map_or(round.evaluations(), |result| result.evaluations);
    let labels = match &round.result {
        Some(result) => &result.labels,
        None => trial.map_or(&[][..], |trial| trial.labels()),
    };
    let Quality { labels, psnr, ssim, st_lpips, brr, mse } = quality(run, metrics, labels);
    let best = metrics.map_or(String::new(), |m| format!(" ({})", format::fixed(m.psnr.best, 2)));
    let at_truth = round.result.as_ref().and_then(|result| result.at_truth).map(|truth| truth.matching);
    let igsa = probe(round).map(|probe| probe.igsa);
    // WSRR is the share of batches whose worst sample is recovered; here it is one batch.
    let worst = metrics.and_then(|m| m.worst_recovered).map(|recovered| f64::from(u8::from(recovered)));
    vec![
        Cell::number(round.round.to_string(), f64::from(round.round)),
        Cell::maybe(round.accuracy, percent),
        Cell::number(format::fixed(round.update_norm, 3), round.update_norm),
        Cell::maybe(matching, format::loss),
        measured(run, at_truth, format::loss),
        labels,
        Cell { text: format!("{}{best}", psnr.text), value: psnr.value },
        baselines(run, round),
        ssim,
        st_lpips,
        brr,
        measured(run, worst, percent),
        Cell::maybe(igsa, format::loss),
        mse,
        Cell::text(trials),
        Cell::number(evaluations.to_string(), evaluations as f64),
        Cell::number(format::clock(seconds), seconds),
        Cell::text(round_status(run, round, last)),
    ]
}

fn probe(round: &RoundState) -> Option<Probe> {
    round.result.as_ref()?.probe
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

/// How good a reconstruction is, as cells.
struct Quality {
    labels: Cell,
    psnr: Cell,
    ssim: Cell,
    st_lpips: Cell,
    brr: Cell,
    mse: Cell,
}

/// A figure that needs the ground truth: `n/a` where there is none.
fn measured(run: &RunView, value: Option<f64>, show: impl FnOnce(f64) -> String) -> Cell {
    if run.has_truth() { Cell::maybe(value, show) } else { Cell::text("n/a") }
}

fn quality(run: &RunView, metrics: Option<&Metrics>, labels: &[usize]) -> Quality {
    let three = |value: f64| format::fixed(value, 3);
    Quality {
        labels: match labels {
            // What came back is all that there is to tell.
            [label] if !run.has_truth() => Cell::number(label.to_string(), *label as f64),
            _ => measured(run, metrics.and_then(|m| m.label_accuracy), percent),
        },
        psnr: measured(run, metrics.map(|m| m.psnr.mean), |psnr| format::fixed(psnr, 2)),
        ssim: measured(run, metrics.and_then(|m| m.ssim).map(|ssim| ssim.mean), three),
        st_lpips: measured(run, metrics.and_then(|m| m.st_lpips).map(|distance| distance.mean), three),
        brr: measured(run, metrics.and_then(|m| m.recovered), percent),
        mse: measured(run, metrics.map(|m| m.mse.mean), format::loss),
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
        let Quality { labels, psnr, ssim, st_lpips, brr, mse } =
            quality(run, trial.latest_metrics(), trial.labels());
        let seconds = match &trial.end {
            Some(end) => end.seconds,
            None => trial.seconds.buckets().last().map_or(0.0, |bucket| bucket.max),
        };
        let best = (trial.best_iteration > 0).then_some(trial.best_iteration as f64);
        Row {
            cells: vec![
                Cell::number((trial.trial + 1).to_string(), (trial.trial + 1) as f64),
                Cell::maybe(trial.matching_loss(), format::loss),
                Cell::maybe(best, |best| best.to_string()),
                labels,
                psnr,
                ssim,
                st_lpips,
                brr,
                mse,
                Cell::number(trial.evaluations.to_string(), trial.evaluations as f64),
                Cell::number(format::clock(seconds), seconds),
                Cell::text(trial_status(run, round, trial)),
            ],
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
    let row = |(at, sample): (usize, Sample)| Row {
        cells: vec![
            Cell::number((at + 1).to_string(), (at + 1) as f64),
            Cell::number(format::fixed(sample.psnr, 2), sample.psnr),
            Cell::maybe(sample.ssim.map(|ssim| ssim.0), |ssim| format::fixed(ssim, 3)),
            Cell::maybe(sample.st_lpips.map(|distance| distance.0), |distance| format::fixed(distance, 3)),
            Cell::number(format::loss(sample.mse), sample.mse),
        ],
        style: if at == chosen && run.samples() > 1 { theme.accent() } else { Style::new() },
        open: at == chosen && run.samples() > 1,
    };
    if metrics.samples.is_empty() {
        // A batch of one is its own mean.
        let mean = |spread: Option<Spread>| spread.map(|spread| Ratio(spread.mean));
        let (ssim, st_lpips) = (mean(metrics.ssim), mean(metrics.st_lpips));
        let only = Sample { mse: metrics.mse.mean, psnr: metrics.psnr.mean, ssim, st_lpips };
        return vec![row((0, only))];
    }
    metrics.samples.iter().copied().enumerate().map(row).collect()
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
            let table = Table { columns: columns(rows).to_vec(), rows: Vec::new() };
            for width in [58, 78, 118, 200] {
                let kept = table.fitting(width);
                let needed: usize = kept.iter().map(|i| table.columns[*i].width + 1).sum();
                assert!(needed <= width.max(64), "{rows:?} in {width}: {needed}");
            }
            assert_eq!(table.fitting(160).len(), table.columns.len());
        }
    }
}
