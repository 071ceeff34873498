//! Something went wrong: what, and where the log is.

use ratatui::layout::Rect;
use ratatui::text::{Line, Text};
use ratatui::widgets::{Paragraph, Wrap};

use crate::tui::model::Model;
use crate::tui::view::View;

/// Draws the message with the path of the log.
pub fn draw(model: &Model, view: &mut View, area: Rect, message: &str) {
    let theme = model.theme;
    let rows: usize = message.lines().map(|line| line.chars().count() / 60 + 1).sum();
    let place = super::centred(view, area, 72, u16::try_from(rows + 6).unwrap_or(u16::MAX));
    let mut lines: Vec<Line> = message.lines().map(|line| Line::raw(line.to_owned())).collect();
    lines.push(Line::default());
    lines.push(Line::styled(format!("log: {}", model.log_file.display()), theme.dim()));
    lines.push(Line::styled("Enter or Esc closes this", theme.dim()));
    let block = theme.frame("that did not work").border_style(theme.bad());
    view.frame
        .render_widget(Paragraph::new(Text::from(lines)).wrap(Wrap { trim: false }).block(block), place);
}
