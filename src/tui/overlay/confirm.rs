//! A question before something that cannot be taken back.

use ratatui::layout::Rect;
use ratatui::text::{Line, Span, Text};
use ratatui::widgets::Paragraph;

use crate::tui::format::{self, wrapped};
use crate::tui::model::Model;
use crate::tui::view::View;

/// Draws the question with its consequence and the two answers.
pub fn draw(model: &Model, view: &mut View, area: Rect, question: &str, detail: &str) {
    let theme = model.theme;
    let width = usize::from(area.width.saturating_sub(2)).min(62).saturating_sub(2).max(1);
    // A long name in it leaves room for the answers.
    let short = |line: String| format::cut(&line, width, theme.ascii);
    let question = wrapped(question, width).into_iter().take(2).map(short);
    let mut lines: Vec<Line> = question.map(|line| Line::styled(line, theme.strong())).collect();
    lines.push(Line::default());
    lines.extend(detail.lines().flat_map(|line| wrapped(line, width)).map(short).map(Line::raw));
    lines.push(Line::default());
    lines.push(Line::from(vec![
        Span::styled("y", theme.accent()),
        Span::raw(" yes     "),
        Span::styled("n", theme.accent()),
        Span::raw(" no, leave it as it is"),
    ]));
    let place = super::centred(view, area, 62, (lines.len() as u16 + 2).max(9));
    let block = theme.frame("really?").border_style(theme.warning());
    view.frame.render_widget(Paragraph::new(Text::from(lines)).block(block), place);
}
