//! The last row: the keys that work now, printed from the keymap.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::tui::keymap::{self, Binding, Place};
use crate::tui::model::Model;

/// Draws as many keys as fit as a whole; the last ones, help and quit, always have their place.
pub fn draw(model: &Model, area: Rect, buffer: &mut Buffer) {
    let theme = model.theme;
    let place = Place::now(model);
    let everywhere = matches!(place, Place::Presets | Place::Runs | Place::Run);
    let spans = |binding: &'static Binding| {
        let key = keymap::first_key(binding, theme.ascii);
        vec![Span::styled(key, theme.accent()), Span::styled(format!(" {}", binding.label), theme.dim())]
    };
    let is_shown = |binding: &&'static Binding| {
        !binding.label.is_empty() && keymap::available(binding.action, model).is_ok()
    };
    let last: Vec<Span> = if everywhere {
        keymap::bindings(Place::Everywhere)
            .filter(is_shown)
            .flat_map(|binding| [vec![Span::raw("  ")], spans(binding)].concat())
            .collect()
    } else {
        Vec::new()
    };
    let kept: usize = last.iter().map(Span::width).sum();
    let mut line = Line::from(" ");
    for binding in keymap::bindings(place).filter(is_shown) {
        let part = spans(binding);
        let width: usize = part.iter().map(Span::width).sum();
        if line.width() + width + 2 + kept < usize::from(area.width) {
            if line.spans.len() > 1 {
                line.spans.push(Span::raw("  "));
            }
            line.spans.extend(part);
        }
    }
    line.spans.extend(last);
    buffer.set_line(area.x, area.y, &line, area.width);
}
