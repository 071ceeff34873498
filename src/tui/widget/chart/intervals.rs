//! Middles with their intervals over the points of an axis, a series a row.

use std::collections::HashSet;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Span;

use super::{LABELS, plot};
use crate::format::cut;
use crate::tui::theme::Theme;

/// One series.
#[derive(Debug, Clone)]
pub struct Points {
    /// Its name, for the legend.
    pub name: String,
    /// Place of its colour and mark.
    pub place: usize,
    /// Middle, and ends of its interval, at every point of the axis that it has.
    #[expect(clippy::type_complexity, reason = "a value with its interval, where there is one")]
    pub at: Vec<Option<(f64, Option<(f64, f64)>)>>,
}

/// Draws the series over the named points.
pub fn intervals(series: &[Points], names: &[String], theme: Theme, area: Rect, buffer: &mut Buffer) {
    let plot = plot(area);
    if area.width < LABELS + 16 || plot.height < 3 {
        return;
    }
    let all = || series.iter().flat_map(|points| points.at.iter().flatten());
    let low = all().map(|(middle, ends)| ends.map_or(*middle, |ends| ends.0)).fold(f64::INFINITY, f64::min);
    let high =
        all().map(|(middle, ends)| ends.map_or(*middle, |ends| ends.1)).fold(f64::NEG_INFINITY, f64::max);
    if !low.is_finite() || !high.is_finite() {
        buffer.set_stringn(plot.x, plot.y, "no run has a result yet", plot.width.into(), theme.dim());
        return;
    }
    let (bottom, top) = if high > low { (low, high) } else { (low - 1.0, high + 1.0) };
    let row = |value: f64| {
        let share = ((value - bottom) / (top - bottom)).clamp(0.0, 1.0);
        plot.bottom() - 1 - (share * f64::from(plot.height - 1)).round() as u16
    };
    for y in plot.top()..plot.bottom() {
        buffer.set_string(plot.x - 1, y, theme.glyph("│", "|"), theme.dim());
    }
    let parts = (plot.height / 3).clamp(1, 4);
    for part in 0..=parts {
        let value = bottom + (top - bottom) * f64::from(part) / f64::from(parts);
        let label = format!("{:>width$}", label(value, top - bottom), width = usize::from(LABELS - 1));
        buffer.set_stringn(plot.x - LABELS, row(value), label, usize::from(LABELS - 1), theme.dim());
    }
    // A column a point, the series beside each other in it.
    let width = (plot.width / names.len().max(1) as u16).max(1);
    let middle = |at: usize| plot.x + at as u16 * width + width / 2;
    let mut end = plot.x;
    let room = usize::from(width.saturating_sub(1));
    let short: Vec<_> = names.iter().map(|name| cut(name, room, theme.ascii)).collect();
    // Words that are the same once they are cut tell nothing: then the marks do.
    let told = short.iter().collect::<HashSet<_>>().len() == names.iter().collect::<HashSet<_>>().len();
    for (at, name) in short.iter().enumerate().filter(|_| told) {
        let x = middle(at).saturating_sub(name.chars().count() as u16 / 2).max(end);
        if x + name.chars().count() as u16 <= area.right() {
            buffer.set_string(x, plot.bottom(), name, theme.dim());
            end = x + name.chars().count() as u16 + 1;
        }
    }
    for (place, points) in series.iter().enumerate() {
        let style = theme.series(points.place);
        for (at, point) in points.at.iter().enumerate() {
            let Some((value, ends)) = point else { continue };
            // Those that stand at this point too are beside it.
            let there = |series: &[Points]| {
                series.iter().filter(|of| of.at.get(at).is_some_and(Option::is_some)).count()
            };
            let apart = (there(&series[..place]) as i32 * 2 - (there(series) as i32 - 1))
                .clamp(-i32::from(width / 2), i32::from(width / 2));
            let x = middle(at).saturating_add_signed(apart as i16);
            if x >= plot.right() {
                continue;
            }
            if let Some((low, high)) = ends {
                for y in row(*high)..=row(*low) {
                    buffer.set_string(x, y, theme.glyph("│", "|"), style);
                }
            }
            buffer.set_string(x, row(*value), theme.marker(points.place), style);
        }
    }
    legend(series, theme, area, buffer);
}

/// As many names as fit, in the first row, and how many more there are.
fn legend(series: &[Points], theme: Theme, area: Rect, buffer: &mut Buffer) {
    let mut x = area.x + 1;
    let named: Vec<&Points> = series.iter().filter(|points| !points.name.is_empty()).collect();
    for (at, points) in named.iter().enumerate() {
        let left = named.len() - at - 1;
        // The last one needs no room for what follows.
        let more = if left > 0 { format!("+{left}").len() as u16 } else { 0 };
        let mark = Span::styled(theme.marker(points.place), theme.series(points.place));
        let name = Span::styled(format!(" {}  ", points.name), Style::new());
        if x + (mark.width() + name.width()) as u16 + more > area.right() {
            let rest = format!("+{}", left + 1);
            buffer.set_stringn(x, area.y, rest, area.right().saturating_sub(x).into(), theme.dim());
            return;
        }
        buffer.set_span(x, area.y, &mark, 1);
        buffer.set_span(x + 1, area.y, &name, area.right() - x - 1);
        x += 1 + name.width() as u16;
    }
}

/// With as many decimals as tell labels apart.
fn label(value: f64, range: f64) -> String {
    match range {
        range if range >= 10.0 => format!("{value:.0}"),
        range if range >= 0.5 => format!("{value:.1}"),
        range if range >= 0.05 => format!("{value:.2}"),
        _ => format!("{value:.1e}"),
    }
}
