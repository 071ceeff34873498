//! All keys of a screen, printed from the keymap; and other long texts.

use ratatui::layout::Rect;
use ratatui::text::{Line, Span, Text};
use ratatui::widgets::{Paragraph, Wrap};

use crate::tui::format;
use crate::tui::keymap::{self, Place};
use crate::tui::model::{Model, Screen};
use crate::tui::view::View;

/// Lines of the help: keys of the shown screen first, then those valid everywhere.
pub fn lines(model: &Model) -> Vec<Line<'static>> {
    let theme = model.theme;
    let mut lines = Vec::new();
    for (title, place) in
        [(screen_title(model), Place::of_screen(model)), ("everywhere".into(), Place::Everywhere)]
    {
        if !lines.is_empty() {
            lines.push(Line::default());
        }
        lines.push(Line::styled(title, theme.strong()));
        for binding in keymap::bindings(place) {
            let keys = format!("  {:<16}", model.keymap.all_keys(binding, theme.ascii));
            let mut spans = match keymap::available(binding.action, model) {
                Ok(()) => vec![Span::styled(keys, theme.accent()), Span::raw(binding.help)],
                Err(reason) => vec![
                    Span::styled(keys, theme.dim()),
                    Span::styled(binding.help, theme.dim()),
                    Span::styled(format!(" ({reason})"), theme.dim()),
                ],
            };
            spans.push(Span::raw(" "));
            lines.push(Line::from(spans));
        }
    }
    lines
}

fn screen_title(model: &Model) -> String {
    match model.study().filter(|_| model.screen == Screen::Studies) {
        Some(_) => "study".into(),
        None => model.screen.name().to_lowercase(),
    }
}

/// Draws the help.
pub fn draw(model: &Model, view: &mut View, area: Rect, scroll: u16) {
    scrolled(model, view, area, "keys", Text::from(lines(model)), scroll);
}

/// Draws a text.
pub fn draw_text(model: &Model, view: &mut View, area: Rect, title: &str, body: &str, scroll: u16) {
    scrolled(model, view, area, title, Text::raw(body.to_owned()), scroll);
}

fn scrolled(model: &Model, view: &mut View, area: Rect, title: &str, text: Text, scroll: u16) {
    let theme = model.theme;
    let width = 78.min(area.width.saturating_sub(2));
    // Lines as they will be wrapped; words may break a little earlier, hence the spare line.
    let inner = usize::from(width.saturating_sub(2)).max(1);
    let needed: usize = text.lines.iter().map(|line| line.width().div_ceil(inner).max(1)).sum();
    let height = u16::try_from(needed + 3).unwrap_or(u16::MAX).min(area.height.saturating_sub(2));
    let place = super::centred(view, area, width, height);
    let hidden = (needed + 1).saturating_sub(usize::from(height.saturating_sub(2)));
    let scroll = scroll.min(u16::try_from(hidden).unwrap_or(u16::MAX));
    let title = format::cut(title, usize::from(place.width.saturating_sub(6)), theme.ascii);
    let mut block = theme.frame(title).border_style(theme.accent());
    if hidden > 0 {
        let hint = format!(" {} more ", theme.glyph("↑↓", "up/down"));
        block = block.title_bottom(Line::styled(hint, theme.dim()).right_aligned());
    }
    let paragraph = Paragraph::new(text).wrap(Wrap { trim: false }).scroll((scroll, 0)).block(block);
    view.frame.render_widget(paragraph, place);
}
