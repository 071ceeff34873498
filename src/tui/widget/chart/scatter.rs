//! Runs as points: what post-processing left of the picture over what it costs.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Span;

use super::canvas::{Canvas, Pen};
use super::{LABELS, nice, plot};
use crate::figure::{Figure, Form};
use crate::run::tradeoff::{Mark, Tradeoff};
use crate::tui::theme::Theme;

/// Draws the points; `places` are those of the sides' colours. An attacker who adapts is a full mark, one who ignores the
/// step a hollow one, and a line joins what the two made of the same step.
pub fn scatter(
    tradeoff: &Tradeoff,
    figure: &Figure,
    places: &[usize],
    theme: Theme,
    area: Rect,
    buffer: &mut Buffer,
) {
    if area.width < LABELS + 16 || area.height < 4 {
        return;
    }
    let plot = plot(area);
    let lost = || tradeoff.marks.iter().map(|mark| mark.lost);
    let leaked =
        tradeoff.marks.iter().map(|mark| mark.leaked).chain(tradeoff.ends.iter().map(|end| end.leaked));
    let (left, right) = (lost().fold(0.0, f64::min).floor(), nice(lost().fold(1.0, f64::max)));
    // The next ten above the largest; a share has its whole.
    let top = match figure.form {
        Form::Share => 1.0,
        _ => 10.0 * (leaked.fold(10.0, f64::max) / 10.0).ceil(),
    };
    let share_x = |lost: f64| ((lost - left) / (right - left)).clamp(0.0, 1.0);
    let share_y = |leaked: f64| (1.0 - leaked / top).clamp(0.0, 1.0);
    let cell = |lost: f64, leaked: f64| {
        let x = plot.x + (share_x(lost) * f64::from(plot.width - 1)).round() as u16;
        (x, plot.y + (share_y(leaked) * f64::from(plot.height - 1)).round() as u16)
    };
    axes(plot, (left, right, top), figure, theme, buffer);
    for end in &tradeoff.ends {
        let (_, row) = cell(left, end.leaked);
        let line = theme.glyph("╌", "-").repeat(plot.width.into());
        buffer.set_string(plot.x, row, line, theme.dim());
    }
    let mut canvas = Canvas::new(plot, theme.ascii);
    let (width, height) = canvas.size();
    for &(naive, adaptive) in &tradeoff.joined {
        // From mark to mark, cell by cell.
        let dot = |at: usize| {
            let (x, y) = cell(tradeoff.marks[at].lost, tradeoff.marks[at].leaked);
            let middle = |cell: u16, dots: usize, cells: u16| {
                usize::from(cell) * dots / usize::from(cells) + dots / usize::from(cells) / 2
            };
            (middle(x - plot.x, width, plot.width), middle(y - plot.y, height, plot.height))
        };
        let ((x, a), (_, b)) = (dot(naive), dot(adaptive));
        let place = places.get(tradeoff.marks[adaptive].side).copied().unwrap_or(0);
        let pen = Pen { style: theme.series(place), ascii: '|', dashes: (1, 1) };
        canvas.vertical(x, a, b, &pen);
    }
    canvas.paint(buffer);
    for end in &tradeoff.ends {
        let (_, row) = cell(left, end.leaked);
        let label = format!(" {} {} ", end.name, value(figure, end.leaked));
        let width = label.len() as u16;
        let at_right = plot.right().saturating_sub(width + 1).max(plot.x);
        // On the side where no mark stands.
        let is_free = |from: u16| {
            let stands = |mark: &Mark| {
                let (x, y) = cell(mark.lost, mark.leaked);
                y == row && (from..from + width).contains(&x)
            };
            !tradeoff.marks.iter().any(stands)
        };
        let x = if is_free(at_right) { at_right } else { plot.x + 1 };
        buffer.set_stringn(x, row, label, plot.width.into(), theme.dim());
    }
    for mark in &tradeoff.marks {
        let (x, y) = cell(mark.lost, mark.leaked);
        let style = theme.series(places.get(mark.side).copied().unwrap_or(0));
        buffer.set_string(x, y, symbol(mark.adaptive, theme), style);
        label(&mark.steps, (x, y), plot, style, buffer);
    }
    let legend = [
        Span::styled(symbol(true, theme), theme.strong()),
        Span::styled(" adaptive  ", theme.dim()),
        Span::styled(symbol(false, theme), theme.strong()),
        Span::styled(" ignores it    low and left is what a defence wants", theme.dim()),
    ];
    let mut x = area.x + 1;
    for span in legend {
        let width = span.width() as u16;
        buffer.set_span(x, area.y, &span, area.right().saturating_sub(x));
        x += width;
    }
}

fn symbol(adaptive: bool, theme: Theme) -> &'static str {
    if adaptive { theme.glyph("●", "*") } else { theme.glyph("○", "o") }
}

/// The steps beside their mark, on the side where there is room for all of them and nothing else stands.
fn label(steps: &str, (x, y): (u16, u16), plot: Rect, style: ratatui::style::Style, buffer: &mut Buffer) {
    let width = steps.chars().count() as u16;
    let free = |from: u16| {
        let inside = from >= plot.x && from + width <= plot.right();
        inside
            && (from..from + width)
                .all(|x| buffer.cell((x, y)).is_some_and(|cell| matches!(cell.symbol(), " " | "╌" | "-")))
    };
    let sides = [Some(x + 2), x.checked_sub(width + 1)];
    if let Some(from) = sides.into_iter().flatten().find(|from| free(*from)) {
        buffer.set_string(from, y, steps, style);
    }
}

/// `46 dB`, `50 %`.
fn value(figure: &Figure, leaked: f64) -> String {
    match figure.form {
        Form::Share => format!("{:.0} %", 100.0 * leaked),
        _ => format!("{leaked:.0} {}", figure.unit),
    }
}

fn axes(plot: Rect, (left, right, top): (f64, f64, f64), figure: &Figure, theme: Theme, buffer: &mut Buffer) {
    let dim = theme.dim();
    for y in plot.top()..plot.bottom() {
        buffer.set_string(plot.x - 1, y, theme.glyph("│", "|"), dim);
    }
    let parts = (plot.height / 3).clamp(1, 4);
    for part in 0..=parts {
        let share = f64::from(part) / f64::from(parts);
        let row = plot.bottom() - 1 - (share * f64::from(plot.height - 1)).round() as u16;
        buffer.set_string(plot.x - LABELS, row, format!("{:>7}", value(figure, share * top)), dim);
    }
    let end = format!("{right:.0} points");
    buffer.set_string(plot.x, plot.bottom(), format!("{left:.0}"), dim);
    buffer.set_string(plot.right().saturating_sub(end.len() as u16), plot.bottom(), &end, dim);
    for quarter in 1..4u16 {
        let value = left + (right - left) * f64::from(quarter) / 4.0;
        let x = plot.x + (f64::from(plot.width - 1) * f64::from(quarter) / 4.0).round() as u16;
        let text = format!("{value:.1}");
        if x + 2 + (text.len() as u16) < plot.right().saturating_sub(end.len() as u16) {
            buffer.set_string(x.saturating_sub(text.len() as u16 / 2), plot.bottom(), text, dim);
        }
    }
}
