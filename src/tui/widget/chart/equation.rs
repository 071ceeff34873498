//! An equation of one unknown: its curve, the value that it has to take, its roots, and where the truth is.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Span;

use super::canvas::{Canvas, Pen};
use super::{LABELS, plot};
use crate::equation::Equation;
use crate::format::cut;
use crate::tui::theme::Theme;

/// Draws it: a full mark is the root that was taken, a hollow one another that fits as well, a cross the private sample.
pub fn equation(equation: &Equation, theme: Theme, area: Rect, buffer: &mut Buffer) {
    let plot = plot(area);
    let (Some(first), Some(last)) = (equation.points.first(), equation.points.last()) else { return };
    if area.width < LABELS + 16 || plot.height < 3 || last.0 <= first.0 {
        return;
    }
    let values = || equation.points.iter().map(|(_, y)| *y).chain([equation.value]);
    let (low, high) = (values().fold(f64::INFINITY, f64::min), values().fold(f64::NEG_INFINITY, f64::max));
    let (low, high) = if high > low { (low, high) } else { (low - 1.0, high + 1.0) };
    let share_x = |x: f64| ((x - first.0) / (last.0 - first.0)).clamp(0.0, 1.0);
    let share_y = |y: f64| (1.0 - (y - low) / (high - low)).clamp(0.0, 1.0);
    let column = |x: f64| plot.x + (share_x(x) * f64::from(plot.width - 1)).round() as u16;
    let row = |y: f64| plot.y + (share_y(y) * f64::from(plot.height - 1)).round() as u16;

    for y in plot.top()..plot.bottom() {
        buffer.set_string(plot.x - 1, y, theme.glyph("│", "|"), theme.dim());
    }
    for value in [low, high] {
        let label = format!("{value:>width$.2}", width = usize::from(LABELS - 1));
        buffer.set_stringn(plot.x - LABELS, row(value), label, usize::from(LABELS - 1), theme.dim());
    }
    let line = theme.glyph("╌", "-").repeat(plot.width.into());
    buffer.set_string(plot.x, row(equation.value), line, theme.dim());

    let mut canvas = Canvas::new(plot, theme.ascii);
    let (width, height) = canvas.size();
    let pen = Pen { style: theme.series(0), ascii: '.', dashes: (1, 1) };
    let dot = |(x, y): (f64, f64)| {
        (
            (share_x(x) * (width - 1) as f64).round() as usize,
            (share_y(y) * (height - 1) as f64).round() as usize,
        )
    };
    for pair in equation.points.windows(2) {
        canvas.join(dot(pair[0]), dot(pair[1]), &pen);
    }
    canvas.paint(buffer);

    for root in &equation.roots {
        let is_taken = equation.taken == Some(*root);
        let (full, hollow) = (theme.glyph("●", "*"), theme.glyph("○", "o"));
        let symbol = if is_taken { full } else { hollow };
        buffer.set_string(column(*root), row(equation.value), symbol, theme.accent());
    }
    // Where a root stands on it, the row below says so.
    let truth = equation.truth.and_then(|x| Some((x, equation.at(x)?)));
    if let Some((x, y)) = truth {
        let (x, own) = (column(x), row(y));
        let stands = equation.roots.iter().any(|root| column(*root) == x) && own == row(equation.value);
        let below = if own + 1 < plot.bottom() { own + 1 } else { own.saturating_sub(1).max(plot.y) };
        buffer.set_string(x, if stands { below } else { own }, theme.glyph("×", "x"), theme.good());
    }

    let ends = (format!("{:.2}", first.0), format!("{:.2}", last.0));
    let begin = plot.right().saturating_sub(ends.1.len() as u16);
    buffer.set_string(plot.x, plot.bottom(), &ends.0, theme.dim());
    buffer.set_string(begin, plot.bottom(), &ends.1, theme.dim());
    let from = plot.x + ends.0.len() as u16 + 2;
    let name = cut(&equation.unknown, usize::from(begin.saturating_sub(from + 2)), theme.ascii);
    buffer.set_string(from, plot.bottom(), &name, theme.dim());

    let mut parts = vec![vec![Span::raw(format!("{} = {:.4}", equation.left, equation.value))]];
    let mut part = |is: bool, symbol: &'static str, name: &'static str, style| {
        if is {
            parts.push(vec![Span::styled(format!("  {symbol}"), style), Span::styled(name, theme.dim())]);
        }
    };
    part(equation.taken.is_some(), theme.glyph("●", "*"), " taken", theme.accent());
    part(truth.is_some(), theme.glyph("×", "x"), " private", theme.good());
    part(equation.roots.len() > 1, theme.glyph("○", "o"), " fits too", theme.accent());
    // A part that does not fit as a whole is left out.
    let mut x = area.x + 1;
    for part in parts {
        if x + part.iter().map(|span| span.width() as u16).sum::<u16>() > area.right() {
            break;
        }
        for span in part {
            buffer.set_span(x, area.y, &span, area.right() - x);
            x += span.width() as u16;
        }
    }
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::*;
    use crate::tui::theme::Theme;

    /// Where -mu / (1 + e^mu) is -0.2, of which the second root was taken.
    fn logit(truth: Option<f64>) -> Equation {
        let curve = |mu: f64| -mu / (1.0 + mu.exp());
        Equation {
            unknown: "mu, the logit of the label".into(),
            left: "-mu / (1 + e^mu)".into(),
            points: (0..160).map(|i| -1.0 + f64::from(i) * 0.05).map(|mu| (mu, curve(mu))).collect(),
            value: -0.2,
            roots: vec![0.5263, 2.5427],
            taken: Some(2.5427),
            truth,
        }
    }

    fn drawn(of: &Equation, width: u16, height: u16, ascii: bool) -> String {
        let area = Rect::new(0, 0, width, height);
        let mut buffer = Buffer::empty(area);
        let theme = Theme::neutral(crate::gfx::Depth::True, ascii);
        equation(of, theme, area, &mut buffer);
        let row = |y| (0..width).map(|x| buffer[(x, y)].symbol()).collect::<String>();
        (0..height).map(|y| row(y).trim_end().to_owned()).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn roots_and_truth_stand_on_the_curve() {
        assert_snapshot!("equation_70x14", drawn(&logit(Some(1.0)), 70, 14, false));
        assert_snapshot!("equation_same_70x14", drawn(&logit(Some(2.54)), 70, 14, false));
        let ascii = drawn(&logit(None), 48, 8, true);
        assert!(ascii.is_ascii(), "{ascii}");
        assert_snapshot!("equation_ascii_48x8", ascii);
        // Too small for anything, or nothing to draw.
        assert_eq!(drawn(&logit(None), 20, 3, false).trim(), "");
        assert_eq!(drawn(&Equation { points: Vec::new(), ..logit(None) }, 70, 14, false).trim(), "");
    }
}
