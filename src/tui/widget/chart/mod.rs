//! Curves over iterations or seconds, logarithmic or linear, in braille dots or ASCII.
//!
//! ratatui's own chart has neither a logarithmic axis nor a place for NaN, hence this one.

mod canvas;
mod equation;
mod intervals;
mod loss;
mod scatter;

pub use canvas::Pen;
pub use equation::equation;
pub use intervals::{Points, intervals};
pub use loss::{iteration_looked_at, of_trial};
pub use scatter::scatter;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use canvas::Canvas;

use crate::format;
use crate::series::{Bucket, Series, log10};
use crate::tui::model::ChartOptions;
use crate::tui::theme::Theme;

/// Columns of the labels on the left.
const LABELS: u16 = 8;

/// Labels of an axis above its lowest.
const MOST_LABELS: usize = 8;

/// One curve of a chart.
pub struct Curve<'a> {
    /// Values by iteration.
    pub y: &'a Series,
    /// Seconds by iteration, pushed together with `y`.
    pub seconds: &'a Series,
    /// How it is drawn.
    pub pen: Pen,
    /// How every single point is drawn behind a smoothed line; not at all if absent.
    pub raw: Option<Pen>,
    /// Whether the axes cover it, or it is cut where they end.
    pub scales: bool,
    /// A mark at the point with this iteration.
    pub mark: Option<(f64, &'static str)>,
}

/// A chart of curves on the same axes.
pub struct Chart<'a> {
    /// From back to front.
    pub curves: Vec<Curve<'a>>,
    /// One line above the plot; parts that do not fit as a whole are left out.
    pub legend: Vec<Vec<Span<'static>>>,
    /// Iterations planned: the least width of the x axis while it counts them. `None` once all curves have ended: the
    /// axis ends where they do.
    pub planned: Option<usize>,
    /// Iteration whose picture is looked at.
    pub looked_at: Option<usize>,
    /// Axes, smoothing, cursor.
    pub options: ChartOptions,
    /// Said in the middle while there is no point.
    pub empty: &'static str,
    /// Colours and characters.
    pub theme: Theme,
}

/// Both axes.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Axes {
    x_end: f64,
    log: bool,
    scale: Scale,
}

impl Curve<'_> {
    /// x of the first and last point of a bucket.
    fn span(&self, at: usize, bucket: &Bucket, clock: bool) -> (f64, f64) {
        match self.seconds.buckets().get(at).filter(|_| clock) {
            Some(seconds) => (seconds.min, seconds.max),
            None => (bucket.first, bucket.last),
        }
    }

    /// x of an iteration.
    fn x_of(&self, iteration: f64, clock: bool) -> f64 {
        let buckets = self.y.buckets();
        match buckets.iter().position(|bucket| bucket.last >= iteration).filter(|_| clock) {
            Some(at) => self.span(at, &buckets[at], clock).1,
            None if clock => self.end(clock),
            None => iteration,
        }
    }

    fn end(&self, clock: bool) -> f64 {
        let last = self.y.buckets().len().checked_sub(1);
        last.map_or(0.0, |at| self.span(at, &self.y.buckets()[at], clock).1)
    }

    /// The bucket that lies at `x`; nothing beyond the end.
    fn at(&self, x: f64, clock: bool) -> Option<&Bucket> {
        let buckets = self.y.buckets();
        let after = (0..buckets.len()).find(|at| self.span(*at, &buckets[*at], clock).1 >= x);
        after.and_then(|at| buckets.get(at))
    }
}

impl Axes {
    fn of(curves: &[Curve], planned: Option<usize>, options: &ChartOptions, rows: usize) -> Option<Axes> {
        let scaling = || curves.iter().filter(|curve| curve.scales);
        let ends = curves.iter().map(|curve| curve.end(options.clock)).fold(0.0, f64::max);
        let x_end = match planned {
            None if ends > 0.0 => ends,
            // Further than now, so that the axis seldom moves.
            _ if options.clock => nice(ends.max(1.0)),
            _ => (planned.unwrap_or(1) as f64).max(ends).max(1.0),
        };
        let top = scaling().filter_map(|curve| curve.y.range()).map(|range| range.1).reduce(f64::max)?;
        let (bottom, top) = match options.log {
            true => {
                let least = scaling().filter_map(|curve| curve.y.smallest_positive()).reduce(f64::min)?;
                (log10(least)?, log10(top)?)
            }
            false => {
                let least =
                    scaling().filter_map(|curve| curve.y.range()).map(|range| range.0).reduce(f64::min)?;
                (least.min(0.0), top.max(0.0))
            }
        };
        let scale = Scale::of(bottom, top, rows, options.log);
        Some(Axes { x_end, log: options.log, scale })
    }

    /// 0 at the bottom, 1 at the top; outside of both beyond them.
    fn height(&self, y: f64) -> Option<f64> {
        let y = if self.log { log10(y)? } else { y };
        y.is_finite().then(|| (y - self.scale.low) / (self.scale.high - self.scale.low))
    }

    /// Values with labels, and their heights.
    fn ticks(&self, rows: usize) -> Vec<(f64, String)> {
        let Scale { low, step, apart, last, .. } = self.scale;
        let word = |value: f64| if self.log { power(value) } else { format::loss(value) };
        (0..=last)
            .map(|n| (n, n * apart))
            .filter(|(_, row)| *row < rows.max(2))
            .map(|(n, row)| (row as f64 / (rows.max(2) - 1) as f64, word(low + n as f64 * step)))
            .collect()
    }
}

/// `1e-03`; with its mantissa where it is no whole decade.
fn power(log: f64) -> String {
    if log.fract() == 0.0 { format!("1e{:+03}", log as i64) } else { format::loss(10f64.powf(log)) }
}

/// The values beside a plot's rows. On a log axis they are decimal logarithms.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Scale {
    /// In the last row.
    low: f64,
    /// In the first one.
    high: f64,
    /// From label to label.
    step: f64,
    /// Rows from label to label: the same everywhere.
    apart: usize,
    /// Labels above the lowest, as far as there are values.
    last: usize,
}

impl Scale {
    /// From a round value below the smallest, so that the axis seldom moves, to where the values end.
    fn of(bottom: f64, top: f64, rows: usize, log: bool) -> Scale {
        let gaps = rows.max(2) - 1;
        let steps: Vec<f64> = match log {
            true => (1..=64).map(f64::from).collect(),
            false => {
                let decade = 10f64.powf((top - bottom).max(f64::MIN_POSITIVE).log10().floor() - 1.0);
                [1.0, 2.0, 5.0, 10.0, 20.0, 50.0].map(|step| step * decade).to_vec()
            }
        };
        let scales = steps.into_iter().filter_map(|step| {
            // A log axis begins at a whole decade, a linear one at a label.
            let low = if log { bottom.floor() } else { (bottom / step).floor() * step };
            // A label may stand a little above the values: 1 where they begin at 0.95.
            let last = ((top - low) / step + 0.05).floor() as usize;
            let range = (top - low).max(last as f64 * step);
            // As many rows between labels as there are, with all values below the last row.
            let apart = (gaps as f64 * step / range + 1e-9).floor() as usize;
            let used = range * apart as f64 / (step * gaps as f64);
            (apart > 0 && (1..=MOST_LABELS).contains(&last) && range.is_finite()).then(|| {
                // Labels in every row are hard to read, and three or more say more than two.
                let crowded = if apart < 2 { 0.2 } else { 0.0 };
                let few = if last < 2 { 0.2 } else { 0.0 };
                let high = low + step * gaps as f64 / apart as f64;
                // Of equal ones the one with more room between its labels.
                (used - crowded - few - 0.01 / apart as f64, Scale { low, high, step, apart, last })
            })
        });
        let best = scales.max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, scale)| scale);
        best.unwrap_or_else(|| {
            // Values within less than one step: labels at both ends.
            let low = if log { bottom.floor() } else { bottom };
            let range = if top - low > 1e-2 { top - low } else { 1.0 };
            Scale { low, high: low + range, step: range, apart: gaps, last: 1 }
        })
    }
}

/// The smallest of 1, 2, 5 times a power of ten that is no less.
fn nice(value: f64) -> f64 {
    let decade = 10f64.powf(value.log10().floor());
    [1.0, 2.0, 5.0, 10.0].into_iter().map(|m| m * decade).find(|nice| *nice >= value).unwrap_or(value)
}

/// Where the curves are drawn inside a chart's area: what a click into it refers to.
pub fn plot(area: Rect) -> Rect {
    Rect {
        x: area.x + LABELS.min(area.width),
        y: area.y + 1,
        width: area.width.saturating_sub(LABELS),
        height: area.height.saturating_sub(2),
    }
}

impl Chart<'_> {
    /// Draws the chart, if there is room for one.
    pub fn draw(self, area: Rect, buffer: &mut Buffer) {
        if area.width < LABELS + 8 || area.height < 4 {
            return;
        }
        let plot = plot(area);
        let Some(axes) = Axes::of(&self.curves, self.planned, &self.options, plot.height.into()) else {
            self.draw_legend(area, buffer);
            let has_points = self.curves.iter().any(|curve| !curve.y.is_empty());
            let text = match has_points && self.options.log {
                true => "no positive loss to show on a log axis; the linear one shows it",
                false => self.empty,
            };
            let style = self.theme.dim();
            buffer.set_stringn(plot.x + 1, plot.y + plot.height / 2, text, plot.width.into(), style);
            return;
        };
        self.draw_axes(&axes, plot, buffer);
        self.draw_looked_at(&axes, plot, buffer);
        self.draw_cursor(plot, buffer);
        let mut canvas = Canvas::new(plot, self.theme.ascii);
        let extremes = |bucket: &Bucket| [bucket.min, bucket.max];
        let smooth = |bucket: &Bucket| [bucket.smooth, bucket.smooth];
        for curve in &self.curves {
            match (self.options.smooth, &curve.raw) {
                (true, Some(raw)) => draw_curve(&mut canvas, &axes, curve, extremes, raw, self.options.clock),
                (true, None) => {}
                (false, _) => draw_curve(&mut canvas, &axes, curve, extremes, &curve.pen, self.options.clock),
            }
        }
        if self.options.smooth {
            for curve in &self.curves {
                draw_curve(&mut canvas, &axes, curve, smooth, &curve.pen, self.options.clock);
            }
        }
        canvas.paint(buffer);
        for curve in &self.curves {
            self.draw_marks(curve, &axes, plot, buffer);
        }
        self.draw_legend(area, buffer);
    }

    fn draw_legend(&self, area: Rect, buffer: &mut Buffer) {
        let mut line = Line::default();
        for part in &self.legend {
            // A part that does not fit as a whole is left out: no number is cut.
            let width: usize = part.iter().map(Span::width).sum();
            if width > 0 && line.width() + width + 2 < usize::from(area.width) {
                line.spans.push(Span::raw(if line.spans.is_empty() { " " } else { "  " }));
                line.spans.extend(part.iter().cloned());
            }
        }
        buffer.set_line(area.x, area.y, &line, area.width);
    }

    fn draw_axes(&self, axes: &Axes, plot: Rect, buffer: &mut Buffer) {
        let dim = self.theme.dim();
        for (height, label) in axes.ticks(plot.height.into()) {
            let row = plot.y + ((1.0 - height) * f64::from(plot.height - 1)).round() as u16;
            buffer.set_string(plot.x - LABELS, row, format!("{label:>7}"), dim);
        }
        for y in plot.top()..plot.bottom() {
            buffer.set_string(plot.x - 1, y, self.theme.glyph("│", "|"), dim);
        }
        let bottom = plot.bottom();
        let text = |value: f64| match self.options.clock {
            true if axes.x_end < 1.0 => format!("{value:.2} s"),
            true if axes.x_end < 10.0 => format!("{value:.1} s"),
            true => format::clock(value),
            false => format!("{value}"),
        };
        let end = if self.options.clock { text(axes.x_end) } else { format!("{} it", axes.x_end) };
        let begin = if self.options.clock { text(0.0) } else { "0".to_owned() };
        buffer.set_string(plot.x, bottom, &begin, dim);
        buffer.set_string(plot.right().saturating_sub(end.len() as u16), bottom, &end, dim);
        let mut said = begin;
        for quarter in 1..4u16 {
            let value = axes.x_end * f64::from(quarter) / 4.0;
            if !self.options.clock && value.fract() != 0.0 {
                continue;
            }
            let label = text(value);
            let x = plot.x + plot.width * quarter / 4;
            let from = x.saturating_sub(label.len() as u16 / 2);
            let is_news = label != said && label != end;
            let free = is_news
                && from > plot.x + 6
                && from + (label.len() as u16) + 1 < plot.right() - end.len() as u16;
            if free {
                buffer.set_string(from, bottom, &label, dim);
                said = label;
            }
        }
    }

    /// The iteration whose picture is looked at, as a line behind the curves.
    fn draw_looked_at(&self, axes: &Axes, plot: Rect, buffer: &mut Buffer) {
        let Some((iteration, front)) = self.looked_at.zip(self.curves.last()) else { return };
        let x = front.x_of(iteration as f64, self.options.clock);
        let x = plot.x + ((x / axes.x_end).min(1.0) * f64::from(plot.width - 1)).round() as u16;
        for y in plot.top()..plot.bottom() {
            buffer.set_string(x, y, self.theme.glyph("╎", "'"), self.theme.accent());
        }
    }

    fn draw_cursor(&self, plot: Rect, buffer: &mut Buffer) {
        let Some(share) = self.options.cursor else { return };
        let x = plot.x + (share * f64::from(plot.width - 1)).round() as u16;
        for y in plot.top()..plot.bottom() {
            buffer.set_string(x, y, self.theme.glyph("┊", ":"), self.theme.accent());
        }
    }

    /// NaN and infinite values as marks on the top row, and the mark of the curve itself.
    fn draw_marks(&self, curve: &Curve, axes: &Axes, plot: Rect, buffer: &mut Buffer) {
        let column = |x: f64| {
            let column = (x / axes.x_end * f64::from(plot.width - 1)).round() as u16;
            plot.x + column.min(plot.width - 1)
        };
        for (at, bucket) in curve.y.buckets().iter().enumerate() {
            if bucket.marks > 0 {
                let x = column(curve.span(at, bucket, self.options.clock).1);
                buffer.set_string(x, plot.y, self.theme.glyph("✗", "X"), self.theme.bad());
            }
        }
        let Some((iteration, mark)) = curve.mark else { return };
        let at = curve.y.buckets().iter().position(|bucket| bucket.last >= iteration);
        let Some(bucket) = at.and_then(|at| curve.y.buckets().get(at)) else { return };
        // Where the single points are not drawn, the mark is on what is.
        let least = if self.options.smooth && curve.raw.is_none() { bucket.smooth } else { bucket.min };
        let height = axes.height(least).or_else(|| axes.height(bucket.value));
        let Some(height) = height.filter(|height| (0.0..=1.0).contains(height)) else { return };
        let (x, last) = curve.span(at.unwrap_or(0), bucket, self.options.clock);
        let row = plot.y + ((1.0 - height) * f64::from(plot.height - 1)).round() as u16;
        buffer.set_string(column((x + last) / 2.0), row, mark, curve.pen.style);
    }
}

/// x, and y of each curve there.
type ReadOff = (f64, Vec<Option<f64>>);

/// Values of the curves at the cursor: x, and y of each curve that has come so far.
pub fn read_off(curves: &[Curve], planned: Option<usize>, options: &ChartOptions) -> Option<ReadOff> {
    let axes = Axes::of(curves, planned, options, 2)?;
    let x = options.cursor? * axes.x_end;
    let value = |curve: &Curve| curve.at(x, options.clock).map(|bucket| drawn(bucket, options));
    Some((x, curves.iter().map(value).collect()))
}

/// The iteration at the cursor, that of the curve in front where seconds are along the axis.
pub fn iteration_at_cursor(
    curves: &[Curve],
    planned: Option<usize>,
    options: &ChartOptions,
) -> Option<usize> {
    let x = options.cursor? * Axes::of(curves, planned, options, 2)?.x_end;
    let front = curves.last()?;
    let iteration = match options.clock {
        true => front.at(x, true).or(front.y.buckets().last())?.last,
        false => x,
    };
    Some(iteration.round() as usize)
}

/// What the bright line shows of a bucket.
pub fn drawn(bucket: &Bucket, options: &ChartOptions) -> f64 {
    if options.smooth && !bucket.smooth.is_nan() { bucket.smooth } else { bucket.value }
}

/// `log, smoothed`: what a title says of how curves are drawn.
pub fn how(options: &ChartOptions) -> &'static str {
    match (options.log, options.smooth) {
        (true, true) => "log, smoothed",
        (true, false) => "log",
        (false, true) => "linear, smoothed",
        (false, false) => "linear",
    }
}

/// Draws low and high of every column of dots, joined to the column before.
fn draw_curve(
    canvas: &mut Canvas,
    axes: &Axes,
    curve: &Curve,
    values: impl Fn(&Bucket) -> [f64; 2],
    pen: &Pen,
    clock: bool,
) {
    let (width, height) = canvas.size();
    let row = |y: f64| {
        let up = axes.height(y)?.clamp(0.0, 1.0);
        Some(((1.0 - up) * (height - 1) as f64).round() as usize)
    };
    let column = |x: f64| ((x / axes.x_end * (width - 1) as f64).round() as usize).min(width - 1);
    let mut before: Option<(usize, usize, usize)> = None;
    for (at, bucket) in curve.y.buckets().iter().enumerate() {
        let [low, high] = values(bucket);
        let (Some(top), Some(bottom)) = (row(high), row(low).or_else(|| row(high))) else {
            if bucket.marks > 0 {
                before = None;
            }
            continue;
        };
        let (first, last) = curve.span(at, bucket, clock);
        let (from, to) = (column(first), column(last));
        if let Some((x, before_top, before_bottom)) = before {
            canvas.join((x, (before_top + before_bottom) / 2), (from, (top + bottom) / 2), pen);
        }
        for x in from..=to {
            canvas.vertical(x, top, bottom, pen);
        }
        before = Some((to, top, bottom));
    }
}

#[cfg(test)]
mod tests;
