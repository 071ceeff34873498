//! The loss chart: several curves over iterations, logarithmic or linear, in braille dots or ASCII.
//!
//! ratatui's own chart has neither a logarithmic axis nor a place for NaN, hence this one.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget;

use super::super::format;
use super::super::theme::Theme;
use crate::run::state::TrialState;
use crate::series::{Bucket, Series, log10};

/// Columns of the labels on the left.
const LABELS: u16 = 8;

/// Dots of braille in a cell.
const DOTS: (usize, usize) = (2, 4);

/// The chart of one trial.
pub struct LossChart<'a> {
    /// Its curves.
    pub trial: &'a TrialState,
    /// Iterations planned: the width of the x axis.
    pub iterations: usize,
    /// Logarithmic y axis.
    pub log: bool,
    /// Colours and characters.
    pub theme: Theme,
}

/// Both axes.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Axes {
    x_end: f64,
    low: f64,
    high: f64,
    log: bool,
}

impl Axes {
    fn of(trial: &TrialState, iterations: usize, log: bool) -> Option<Axes> {
        let curves = [&trial.matching, &trial.total, &trial.prior];
        let x_end = (iterations as f64).max(trial.iteration as f64).max(1.0);
        let top = curves.iter().filter_map(|curve| curve.range()).map(|range| range.1).reduce(f64::max)?;
        if log {
            // Whole decades, and at least one, so that the axis seldom moves. A prior that is many decades
            // below the matching loss does not squeeze it.
            let main = trial.matching.smallest_positive()?;
            let prior = trial.prior.smallest_positive().unwrap_or(main).max(main * 1e-2);
            let low = log10(main.min(prior))?.floor();
            let high = log10(top)?.ceil();
            return Some(Axes { x_end, low, high: high.max(low + 1.0), log });
        }
        let bottom = curves.iter().filter_map(|curve| curve.range()).map(|range| range.0).reduce(f64::min)?;
        let high = if top > 0.0 { nice(top) } else { 1.0 };
        Some(Axes { x_end, low: bottom.min(0.0), high, log })
    }

    /// 0 at the bottom, 1 at the top; outside of both beyond them.
    fn height(&self, y: f64) -> Option<f64> {
        let y = if self.log { log10(y)? } else { y };
        y.is_finite().then(|| (y - self.low) / (self.high - self.low))
    }

    /// Values with labels, and their heights.
    fn ticks(&self, rows: usize) -> Vec<(f64, String)> {
        let rows = rows.max(2);
        if self.log {
            let decades = (self.high - self.low) as i64;
            let step = (decades as f64 * 1.5 / rows as f64).ceil().max(1.0) as i64;
            return (0..=decades)
                .step_by(step as usize)
                .map(|n| (n as f64 / decades as f64, format!("1e{:+03}", self.low as i64 + n)))
                .collect();
        }
        let parts = (rows / 3).clamp(1, 4);
        (0..=parts)
            .map(|n| n as f64 / parts as f64)
            .map(|height| (height, format::loss(self.low + height * (self.high - self.low))))
            .collect()
    }
}

/// The smallest of 1, 2, 5 times a power of ten that is no less.
fn nice(value: f64) -> f64 {
    let decade = 10f64.powf(value.log10().floor());
    [1.0, 2.0, 5.0, 10.0].into_iter().map(|m| m * decade).find(|nice| *nice >= value).unwrap_or(value)
}

/// How a curve is drawn: which values of a bucket, and with which pattern.
struct Pen {
    style: Style,
    ascii: char,
    /// Of so many dots, the first so many are set.
    dashes: (usize, usize),
}

impl Widget for LossChart<'_> {
    fn render(self, area: Rect, buffer: &mut Buffer) {
        if area.width < LABELS + 8 || area.height < 4 {
            return;
        }
        legend(&self, area, buffer);
        let plot =
            Rect { x: area.x + LABELS, y: area.y + 1, width: area.width - LABELS, height: area.height - 2 };
        let Some(axes) = Axes::of(self.trial, self.iterations, self.log) else {
            let text = if self.log && !self.trial.matching.is_empty() {
                "no positive loss to show on a log axis; l shows it linear"
            } else {
                "waiting for the first iteration"
            };
            let style = self.theme.dim();
            buffer.set_stringn(plot.x + 1, plot.y + plot.height / 2, text, plot.width.into(), style);
            return;
        };
        draw_axes(&self, &axes, plot, buffer);
        let pen = |style, ascii, dashes| Pen { style, ascii, dashes };
        let theme = self.theme;
        let mut canvas = Canvas::new(plot, self.theme.ascii);
        let trial = self.trial;
        let extremes = |bucket: &Bucket| [bucket.min, bucket.max];
        let smooth = |bucket: &Bucket| [bucket.smooth, bucket.smooth];
        canvas.curve(&axes, &trial.total, extremes, &pen(theme.raw(), '.', (1, 1)));
        canvas.curve(&axes, &trial.matching, extremes, &pen(theme.raw(), '.', (1, 1)));
        if has_prior(trial) {
            canvas.curve(&axes, &trial.prior, smooth, &pen(theme.prior(), '+', (2, 6)));
            canvas.curve(&axes, &trial.total, smooth, &pen(Style::new(), 'o', (5, 8)));
        }
        canvas.curve(&axes, &trial.matching, smooth, &pen(theme.matching(), '*', (1, 1)));
        canvas.paint(buffer);
        draw_marks(&self, &axes, plot, buffer);
    }
}

fn has_prior(trial: &TrialState) -> bool {
    trial.prior.range().is_some_and(|(low, high)| low != 0.0 || high != 0.0)
}

/// One line above the plot: which line is what, and how it stands.
fn legend(chart: &LossChart, area: Rect, buffer: &mut Buffer) {
    let (theme, trial) = (chart.theme, chart.trial);
    let number =
        |value: Option<f64>| value.map_or("      -".to_owned(), |v| format!("{:>7}", format::loss(v)));
    let last = trial.last;
    let mut parts = vec![vec![
        Span::styled(theme.glyph("─ ", "* "), theme.matching()),
        Span::raw(format!("matching {}", number(last.map(|point| point.matching)))),
    ]];
    if has_prior(trial) {
        parts.push(vec![
            Span::styled(theme.glyph("╌ ", "o "), Style::new()),
            Span::raw(format!("total {}", number(last.map(|point| point.total())))),
        ]);
        parts.push(vec![
            Span::styled(theme.glyph("┄ ", "+ "), theme.prior()),
            Span::raw(format!("prior {}", number(last.map(|point| point.prior)))),
        ]);
    }
    let best = if trial.best.is_finite() {
        format!("best {} @ {}", format::loss(trial.best), trial.best_iteration)
    } else {
        String::new()
    };
    parts.push(vec![Span::styled(best, theme.dim())]);
    if trial.learning_rate.is_finite() {
        parts.push(vec![Span::styled(format!("lr {}", rate(trial.learning_rate)), theme.dim())]);
    }
    let mut line = Line::default();
    for part in parts {
        // A part that does not fit as a whole is left out: no number is cut.
        let width: usize = part.iter().map(Span::width).sum();
        if width > 0 && line.width() + width + 2 < usize::from(area.width) {
            line.spans.push(Span::raw(if line.spans.is_empty() { " " } else { "  " }));
            line.spans.extend(part);
        }
    }
    buffer.set_line(area.x, area.y, &line, area.width);
}

fn rate(value: f64) -> String {
    // Through three digits: a rate that was multiplied by 0.1 a few times is not 0.0010000000000000002.
    let value = format!("{value:.2e}").parse().unwrap_or(value);
    if (1e-4..1e4).contains(&value) { format!("{value}") } else { format!("{value:e}") }
}

fn draw_axes(chart: &LossChart, axes: &Axes, plot: Rect, buffer: &mut Buffer) {
    let dim = chart.theme.dim();
    for (height, label) in axes.ticks(plot.height.into()) {
        let row = plot.y + ((1.0 - height) * f64::from(plot.height - 1)).round() as u16;
        buffer.set_string(plot.x - LABELS, row, format!("{label:>7}"), dim);
    }
    for y in plot.top()..plot.bottom() {
        buffer.set_string(plot.x - 1, y, chart.theme.glyph("│", "|"), dim);
    }
    let bottom = plot.bottom();
    let end = format!("{} it", axes.x_end);
    buffer.set_string(plot.x, bottom, "0", dim);
    buffer.set_string(plot.right().saturating_sub(end.len() as u16), bottom, &end, dim);
    for quarter in 1..4u16 {
        let value = axes.x_end * f64::from(quarter) / 4.0;
        let label = if value.fract() == 0.0 { format!("{value}") } else { continue };
        let x = plot.x + plot.width * quarter / 4;
        let from = x.saturating_sub(label.len() as u16 / 2);
        if from + (label.len() as u16) + 1 < plot.right().saturating_sub(end.len() as u16) {
            buffer.set_string(from, bottom, label, dim);
        }
    }
}

/// NaN and infinite losses, as marks on the top row.
fn draw_marks(chart: &LossChart, axes: &Axes, plot: Rect, buffer: &mut Buffer) {
    for bucket in chart.trial.matching.buckets().iter().filter(|bucket| bucket.marks > 0) {
        let column = (bucket.last / axes.x_end * f64::from(plot.width - 1)).round() as u16;
        let x = plot.x + column.min(plot.width - 1);
        buffer.set_string(x, plot.y, chart.theme.glyph("✗", "X"), chart.theme.bad());
    }
}

/// Dots of one plot; a cell takes the style of the last curve that touched it.
struct Canvas {
    area: Rect,
    ascii: bool,
    cells: Vec<(u8, char, Style)>,
}

impl Canvas {
    fn new(area: Rect, ascii: bool) -> Self {
        let cells = vec![(0, ' ', Style::new()); usize::from(area.width) * usize::from(area.height)];
        Canvas { area, ascii, cells }
    }

    /// Dots across and down.
    fn size(&self) -> (usize, usize) {
        let dots = if self.ascii { (1, 1) } else { DOTS };
        (usize::from(self.area.width) * dots.0, usize::from(self.area.height) * dots.1)
    }

    fn dot(&mut self, x: usize, y: usize, pen: &Pen) {
        const BITS: [[u8; 4]; 2] = [[0x01, 0x02, 0x04, 0x40], [0x08, 0x10, 0x20, 0x80]];
        let dots = if self.ascii { (1, 1) } else { DOTS };
        let at = (y / dots.1) * usize::from(self.area.width) + x / dots.0;
        if let Some(cell) = self.cells.get_mut(at) {
            let bit = if self.ascii { 1 } else { BITS[x % 2][y % 4] };
            *cell = (cell.0 | bit, pen.ascii, pen.style);
        }
    }

    /// Draws low and high of every column of dots, joined to the column before.
    fn curve(&mut self, axes: &Axes, series: &Series, values: impl Fn(&Bucket) -> [f64; 2], pen: &Pen) {
        let (width, height) = self.size();
        let row = |y: f64| {
            let up = axes.height(y)?.clamp(0.0, 1.0);
            Some(((1.0 - up) * (height - 1) as f64).round() as usize)
        };
        let column = |x: f64| ((x / axes.x_end * (width - 1) as f64).round() as usize).min(width - 1);
        let mut before: Option<(usize, usize, usize)> = None;
        for bucket in series.buckets() {
            let [low, high] = values(bucket);
            let (Some(top), Some(bottom)) = (row(high), row(low).or_else(|| row(high))) else {
                if bucket.marks > 0 {
                    before = None;
                }
                continue;
            };
            let (from, to) = (column(bucket.first), column(bucket.last));
            if let Some((x, before_top, before_bottom)) = before {
                self.join((x, (before_top + before_bottom) / 2), (from, (top + bottom) / 2), pen);
            }
            for x in from..=to {
                self.vertical(x, top, bottom, pen);
            }
            before = Some((to, top, bottom));
        }
    }

    fn vertical(&mut self, x: usize, a: usize, b: usize, pen: &Pen) {
        for y in a.min(b)..=a.max(b) {
            if x % pen.dashes.1 < pen.dashes.0 {
                self.dot(x, y, pen);
            }
        }
    }

    fn join(&mut self, (x0, y0): (usize, usize), (x1, y1): (usize, usize), pen: &Pen) {
        let steps = x1.saturating_sub(x0);
        let at = |n: usize| {
            (y0 as f64 + (y1 as f64 - y0 as f64) * n as f64 / steps.max(1) as f64).round() as usize
        };
        for n in 1..=steps {
            self.vertical(x0 + n, at(n - 1), at(n), pen);
        }
    }

    fn paint(&self, buffer: &mut Buffer) {
        for (at, (bits, ascii, style)) in self.cells.iter().enumerate().filter(|(_, cell)| cell.0 != 0) {
            let width = usize::from(self.area.width);
            let place = (self.area.x + (at % width) as u16, self.area.y + (at / width) as u16);
            if let Some(cell) = buffer.cell_mut(place) {
                let symbol = if self.ascii {
                    *ascii
                } else {
                    char::from_u32(0x2800 + u32::from(*bits)).unwrap_or(' ')
                };
                cell.set_char(symbol).set_style(*style);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::gfx::Depth;
    use crate::run::Line as EventLine;
    use crate::run::event::{Event, Point, VERSION};
    use crate::run::state::RunState;

    fn trial(points: &[(usize, f64)]) -> TrialState {
        let mut state = RunState::default();
        let round = Event::Round {
            round: 0,
            update_norm: 1.0,
            batch: 1,
            parameters: 1,
            input: 1,
            trials: 1,
            iterations: 100,
        };
        let points = points.iter().map(|(i, m)| Point { iteration: *i, matching: *m, prior: 0.0 }).collect();
        let progress = Event::Progress {
            round: 0,
            trial: 0,
            points,
            evaluations: 1,
            learning_rate: 0.1,
            best_iteration: 1,
            best: 0.5,
        };
        for event in [round, Event::Trial { round: 0, trial: 0, labels: vec![] }, progress] {
            state.apply(EventLine { v: VERSION, t: 0.0, event });
        }
        state.rounds.remove(0).trials.remove(0)
    }

    fn drawn(trial: &TrialState, log: bool, ascii: bool) -> Vec<String> {
        let area = Rect::new(0, 0, 60, 10);
        let mut buffer = Buffer::empty(area);
        let theme = Theme { depth: Depth::Mono, ascii };
        LossChart { trial, iterations: 100, log, theme }.render(area, &mut buffer);
        (0..area.height)
            .map(|y| (0..area.width).map(|x| buffer[(x, y)].symbol().to_owned()).collect())
            .collect()
    }

    #[test]
    fn a_log_axis_covers_whole_decades() {
        let axes = Axes::of(&trial(&[(1, 30.0), (50, 2e-4)]), 100, true).unwrap();
        assert_eq!((axes.low, axes.high, axes.x_end), (-4.0, 2.0, 100.0));
        assert_eq!(axes.height(1e-4), Some(0.0));
        assert_eq!(axes.height(100.0), Some(1.0));
        assert_eq!(axes.height(-1.0), None);
    }

    #[test]
    fn a_constant_loss_still_has_an_axis() {
        let axes = Axes::of(&trial(&[(1, 1.0), (2, 1.0)]), 100, true).unwrap();
        assert!(axes.high > axes.low);
        let axes = Axes::of(&trial(&[(1, 0.0), (2, 0.0)]), 100, false).unwrap();
        assert!(axes.high > axes.low);
    }

    #[test]
    fn a_nan_is_a_mark_and_not_a_gap_in_the_axis() {
        let rows = drawn(&trial(&[(1, 1.0), (50, f64::NAN), (99, 0.01)]), true, true);
        assert!(rows[1].contains('X'), "{rows:#?}");
        assert!(rows[0].contains("matching 1.0e-02"), "{rows:#?}");
    }

    #[test]
    fn nothing_positive_says_so_on_a_log_axis() {
        let rows = drawn(&trial(&[(1, 0.0)]), true, true);
        assert!(rows.iter().any(|row| row.contains("no positive loss")), "{rows:#?}");
        let rows = drawn(&trial(&[]), true, true);
        assert!(rows.iter().any(|row| row.contains("waiting for the first iteration")), "{rows:#?}");
    }

    #[test]
    fn ascii_draws_nothing_else() {
        let points: Vec<(usize, f64)> = (1..100).map(|i| (i, 1.0 / i as f64)).collect();
        for row in drawn(&trial(&points), true, true) {
            assert!(row.is_ascii(), "{row}");
        }
    }

    #[test]
    fn nice_tops() {
        assert_eq!((nice(0.31), nice(1.0), nice(73.0)), (0.5, 1.0, 100.0));
    }
}
