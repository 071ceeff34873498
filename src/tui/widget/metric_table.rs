//! How good the reconstructions are: a row a round, live for the round in progress.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use crate::run::Health;
use crate::run::event::{Metrics, TrialOutcome};
use crate::run::state::RoundState;
use crate::tui::format;
use crate::tui::model::RunView;
use crate::tui::theme::Theme;

/// A column: heading, width, and how badly it is needed (0 always, higher goes first).
struct Column(&'static str, &'static str, usize, u8);

const COLUMNS: [Column; 11] = [
    Column("round", "round", 5, 0),
    Column("match↓", "match", 7, 0),
    Column("PSNR↑ dB (best)", "PSNR dB (best)", 15, 0),
    Column("SSIM↑", "SSIM", 6, 0),
    Column("MSE↓", "MSE", 7, 2),
    Column("labels", "labels", 6, 1),
    Column("|update|", "|update|", 8, 4),
    Column("trial", "trial", 5, 1),
    Column("evals", "evals", 7, 3),
    Column("time", "time", 7, 0),
    Column("status", "status", 10, 0),
];

/// Heading and rows of the table, one string a cell, all of the width of their column.
fn cells(run: &RunView, round: &RoundState, last: bool) -> [String; 11] {
    let trial = round.shown_trial();
    let metrics = match &round.result {
        Some(result) => Some(&result.metrics),
        None => trial.and_then(|trial| trial.latest_metrics()),
    };
    let matching = match &round.result {
        Some(result) => Some(result.loss),
        None => trial.and_then(|trial| trial.matching_loss()),
    };
    let some = |text: Option<String>| text.unwrap_or_else(|| "-".into());
    let of = |f: &dyn Fn(&Metrics) -> Option<String>| some(metrics.and_then(f));
    let trials = match &round.result {
        Some(result) => format!("{}/{}", result.trial + 1, result.trials),
        None => format!("{}/{}", round.trials.len(), round.trials_planned),
    };
    let seconds = match &round.result {
        Some(result) => result.seconds,
        None => run.state.seconds - round.began,
    };
    [
        round.round.to_string(),
        some(matching.map(format::loss)),
        of(&|m| Some(format!("{} ({})", format::fixed(m.psnr.mean, 2), format::fixed(m.psnr.best, 2)))),
        of(&|m| m.ssim.map(|ssim| format::fixed(ssim.mean, 3))),
        of(&|m| Some(format::loss(m.mse.mean))),
        of(&|m| m.label_accuracy.map(|share| format!("{:.0} %", 100.0 * share))),
        format::fixed(round.update_norm, 3),
        trials,
        round.result.as_ref().map_or(round.evaluations(), |result| result.evaluations).to_string(),
        format::clock(seconds),
        status(run, round, last),
    ]
}

fn status(run: &RunView, round: &RoundState, last: bool) -> String {
    if round.result.is_some() {
        let outcome = round.shown_trial().and_then(|trial| trial.end.as_ref()).map(|end| end.outcome);
        return match outcome {
            Some(TrialOutcome::Converged) => "converged",
            Some(TrialOutcome::Stalled) => "stalled",
            Some(TrialOutcome::NonFinite) => "non-finite",
            Some(TrialOutcome::Completed) | None => "done",
        }
        .into();
    }
    match (run.health, round.trials.last()) {
        (Health::Running | Health::Paused, Some(trial)) if last && round.iterations > 0 => {
            let share = 100.0 * trial.iteration as f64 / round.iterations as f64;
            format!("{share:.0} %")
        }
        (health, _) => health.name().into(),
    }
}

/// Which columns fit: the least needed go first.
fn chosen(width: usize) -> Vec<usize> {
    let mut chosen: Vec<usize> = (0..COLUMNS.len()).collect();
    let needed = |chosen: &[usize]| chosen.iter().map(|i| COLUMNS[*i].2 + 1).sum::<usize>();
    for rank in (1..=4).rev() {
        for i in (0..COLUMNS.len()).rev() {
            if needed(&chosen) > width && COLUMNS[i].3 == rank {
                chosen.retain(|kept| *kept != i);
            }
        }
    }
    chosen
}

/// Draws the table without its frame. Of more rounds than fit, the last ones are shown.
pub fn draw(run: &RunView, theme: Theme, area: Rect, buffer: &mut Buffer) {
    let columns = chosen(usize::from(area.width));
    // What is left is shared, so that a wide screen has air between the columns.
    let used: usize = columns.iter().map(|i| COLUMNS[*i].2).sum();
    let gap = (usize::from(area.width).saturating_sub(used + 1) / columns.len()).clamp(1, 4);
    let line = |cells: &[String]| -> String {
        columns.iter().map(|i| format!("{:gap$}{:>width$}", "", cells[*i], width = COLUMNS[*i].2)).collect()
    };
    let headings = COLUMNS.map(|column| if theme.ascii { column.1 } else { column.0 }.to_owned());
    buffer.set_stringn(area.x, area.y, line(&headings), area.width.into(), theme.dim());
    let room = usize::from(area.height.saturating_sub(1));
    let rounds = &run.state.rounds;
    let first = rounds.len().saturating_sub(room);
    for (row, round) in rounds[first..].iter().enumerate() {
        let is_last = first + row + 1 == rounds.len();
        let is_live = is_last && round.result.is_none() && run.health.is_live();
        let style = if is_live { theme.accent() } else { Style::new() };
        let line = Line::from(Span::styled(line(&cells(run, round, is_last)), style));
        buffer.set_line(area.x, area.y + 1 + row as u16, &line, area.width);
    }
    if rounds.is_empty() && room > 0 {
        buffer.set_stringn(area.x, area.y + 1, "    no round yet", area.width.into(), theme.dim());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_needed_columns_go_first_and_the_rest_fits() {
        for width in [58, 78, 98, 118, 200] {
            let columns = chosen(width);
            assert!(columns.iter().map(|i| COLUMNS[*i].2 + 1).sum::<usize>() <= width.max(64), "{width}");
            for needed in [0, 1, 2, 3, 9, 10] {
                assert!(columns.contains(&needed));
            }
        }
        assert_eq!(chosen(118).len(), COLUMNS.len());
        assert!(!chosen(78).contains(&6));
    }
}
