//! What a heading means, in a few lines; the headings of a table one after the other.

use ratatui::layout::Rect;
use ratatui::text::{Line, Text};
use ratatui::widgets::Paragraph;

use crate::figure::Word;
use crate::format::{self, wrapped};
use crate::tui::model::Model;
use crate::tui::view::View;

/// The overlay.
#[derive(Debug)]
pub struct Explain {
    /// The words that can be looked at; one at least.
    pub words: Vec<&'static Word>,
    /// Position of the one that is shown.
    pub at: usize,
}

/// Columns with the frame.
const WIDTH: u16 = 76;

/// Draws the word.
pub fn draw(model: &Model, view: &mut View, area: Rect, explain: &Explain) {
    let theme = model.theme;
    let Some(word) = explain.words.get(explain.at) else { return };
    let inside = usize::from(WIDTH.min(area.width.saturating_sub(2)).saturating_sub(4));
    let rows = |text: &str| wrapped(text, inside).into_iter().map(|row| format!(" {row}"));
    let mut lines: Vec<Line> = rows(word.about).map(Line::raw).collect();
    lines.push(Line::default());
    lines.extend(rows(&format!("source: {}", word.source)).map(|row| Line::styled(row, theme.dim())));
    let place = super::centred(view, area, WIDTH, lines.len() as u16 + 2);
    let title = format::cut(&word.title(), usize::from(place.width.saturating_sub(6)), theme.ascii);
    let mut block = theme.frame(title).border_style(theme.accent());
    let key = format!(" gialab explain {} ", word.key);
    block = block.title_bottom(Line::styled(key, theme.dim()));
    if explain.words.len() > 1 {
        let arrows = theme.glyph("←→", "left/right");
        let place = format!(" {arrows} heading {} of {} ", explain.at + 1, explain.words.len());
        block = block.title_bottom(Line::styled(place, theme.dim()).right_aligned());
    }
    view.frame.render_widget(Paragraph::new(Text::from(lines)).block(block), place);
}
