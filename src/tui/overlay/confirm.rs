//! A question before something that cannot be taken back.

use ratatui::layout::Rect;
use ratatui::text::{Line, Span, Text};
use ratatui::widgets::{Paragraph, Wrap};

use crate::tui::model::Model;
use crate::tui::view::View;

const WIDTH: usize = 62;

/// Draws the question with its consequence and the two answers.
pub fn draw(model: &Model, view: &mut View, area: Rect, question: &str, detail: &str) {
    let theme = model.theme;
    let rows: usize = detail.lines().map(|line| line.chars().count().div_ceil(WIDTH - 4).max(1)).sum();
    let height = u16::try_from(rows + 6).unwrap_or(u16::MAX).max(9);
    let place = super::centred(view, area, WIDTH as u16, height);
    let mut lines = vec![Line::styled(question.to_owned(), theme.strong()), Line::default()];
    lines.extend(detail.lines().map(|line| Line::raw(line.to_owned())));
    lines.push(Line::default());
    lines.push(Line::from(vec![
        Span::styled("y", theme.accent()),
        Span::raw(" yes     "),
        Span::styled("n", theme.accent()),
        Span::raw(" no, leave it as it is"),
    ]));
    let block = theme.frame("really?").border_style(theme.warning());
    view.frame
        .render_widget(Paragraph::new(Text::from(lines)).wrap(Wrap { trim: false }).block(block), place);
}
