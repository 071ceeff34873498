//! The loss of one round: the shown trial in front, the others behind it, the best by matching loss marked.

use ratatui::style::Style;
use ratatui::text::Span;

use super::{Chart, Curve, Pen, drawn, read_off};
use crate::format;
use crate::run::state::{RoundState, TrialState};
use crate::series::Series;
use crate::tui::model::ChartOptions;
use crate::tui::theme::Theme;

/// The chart of `shown`, a trial of `round`, in a run that goes on or has ended.
pub fn of_trial<'a>(
    (round, shown): (&'a RoundState, &'a TrialState),
    is_live: bool,
    options: ChartOptions,
    theme: Theme,
) -> Chart<'a> {
    let planned = planned(round, is_live);
    let pen = |style, ascii, dashes| Pen { style, ascii, dashes };
    let raw = pen(theme.raw(), '.', (1, 1));
    let best = best_trial(round);
    let mark = |trial: &TrialState| {
        let is_best = best == Some(trial.trial) && trial.best_iteration > 0;
        is_best.then(|| (trial.best_iteration as f64, theme.glyph("◆", "@")))
    };
    let curve = |y, trial: &'a TrialState, pen, raw, scales, mark| Curve {
        y,
        seconds: &trial.seconds,
        pen,
        raw,
        scales,
        mark,
    };
    let mut curves: Vec<Curve> = round
        .trials
        .iter()
        .filter(|trial| trial.trial != shown.trial)
        .map(|trial| curve(&trial.matching, trial, pen(theme.dim(), '-', (1, 1)), None, true, mark(trial)))
        .collect();
    let others = curves.len();
    if has_prior(shown) {
        // A prior that is many decades below the matching loss does not squeeze it.
        let near = shown.prior.smallest_positive().zip(shown.matching.smallest_positive());
        let scales = near.is_some_and(|(prior, matching)| prior >= 1e-2 * matching);
        curves.push(curve(&shown.prior, shown, pen(theme.prior(), '+', (2, 6)), None, scales, None));
        // The best is that of the total, where there is a prior.
        let total = pen(Style::new(), 'o', (5, 8));
        curves.push(curve(&shown.total, shown, total, Some(raw), true, mark(shown)));
    }
    let matching = pen(theme.matching(), '*', (1, 1));
    let on_matching = (!has_prior(shown)).then(|| mark(shown)).flatten();
    curves.push(curve(&shown.matching, shown, matching, Some(raw), true, on_matching));
    let legend = match read_off(&curves, planned, &options) {
        Some((x, values)) => at_cursor(x, &values[others..], options, theme),
        None => now(shown, best == Some(shown.trial) && round.trials.len() > 1, options, theme),
    };
    Chart {
        curves,
        legend,
        planned,
        looked_at: None,
        options,
        empty: "waiting for the first iteration",
        theme,
    }
}

/// Iterations that are still to come, at most; `None` once a round is complete or nothing computes any more.
fn planned(round: &RoundState, is_live: bool) -> Option<usize> {
    (is_live && round.result.is_none()).then_some(round.iterations)
}

/// The iteration at the cursor of [`of_trial`].
pub fn iteration_looked_at(
    of: (&RoundState, &TrialState),
    is_live: bool,
    options: ChartOptions,
) -> Option<usize> {
    let theme = Theme::neutral(crate::gfx::Depth::Mono, false);
    let chart = of_trial(of, is_live, options, theme);
    super::iteration_at_cursor(&chart.curves, chart.planned, &options)
}

/// The trial that stands best, by its smallest matching loss alone.
fn best_trial(round: &RoundState) -> Option<usize> {
    if let Some(result) = &round.result {
        return Some(result.trial);
    }
    let loss = |trial: &TrialState| trial.end.as_ref().map_or(trial.best, |end| end.matching);
    let finite = round.trials.iter().filter(|trial| loss(trial).is_finite());
    finite.min_by(|a, b| loss(a).total_cmp(&loss(b))).map(|trial| trial.trial)
}

fn has_prior(trial: &TrialState) -> bool {
    trial.prior.range().is_some_and(|(low, high)| low != 0.0 || high != 0.0)
}

fn number(value: f64) -> String {
    format!("{:>7}", format::loss(value))
}

/// Which line is what, and how it stands.
fn now(trial: &TrialState, is_best: bool, options: ChartOptions, theme: Theme) -> Vec<Vec<Span<'static>>> {
    let value = |series: &Series| {
        series.buckets().last().map_or("      -".to_owned(), |bucket| number(drawn(bucket, &options)))
    };
    let mut parts = vec![vec![
        Span::styled(theme.glyph("─ ", "* "), theme.matching()),
        Span::raw(format!("matching {}", value(&trial.matching))),
    ]];
    if has_prior(trial) {
        parts.push(vec![
            Span::styled(theme.glyph("╌ ", "o "), Style::new()),
            Span::raw(format!("total {}", value(&trial.total))),
        ]);
        parts.push(vec![
            Span::styled(theme.glyph("┄ ", "+ "), theme.prior()),
            Span::raw(format!("prior {}", value(&trial.prior))),
        ]);
    }
    if trial.best.is_finite() {
        let mark = if is_best { theme.glyph("◆ ", "@ ") } else { "" };
        let best = format!("{mark}best {} @ {}", format::loss(trial.best), trial.best_iteration);
        parts.push(vec![Span::styled(best, theme.dim())]);
    }
    if trial.learning_rate.is_finite() {
        parts.push(vec![Span::styled(format!("lr {}", rate(trial.learning_rate)), theme.dim())]);
    }
    parts
}

/// The values under the cursor, in the order prior, total, matching, or matching alone.
fn at_cursor(x: f64, values: &[Option<f64>], options: ChartOptions, theme: Theme) -> Vec<Vec<Span<'static>>> {
    let place = if options.clock { format::clock(x) } else { format!("it {}", x.round()) };
    let mut parts = vec![vec![Span::styled(format!("{} {place}", theme.glyph("┊", ":")), theme.accent())]];
    let names = ["prior", "total", "matching"];
    for (name, value) in names[3 - values.len()..].iter().zip(values).rev() {
        parts.push(vec![Span::raw(format!("{name} {}", value.map_or("      -".to_owned(), number)))]);
    }
    parts
}

fn rate(value: f64) -> String {
    // Through three digits: a rate that was multiplied by 0.1 a few times is not 0.0010000000000000002.
    let value = format!("{value:.2e}").parse().unwrap_or(value);
    if (1e-4..1e4).contains(&value) { format!("{value}") } else { format!("{value:e}") }
}
