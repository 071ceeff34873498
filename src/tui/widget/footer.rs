//! The last row: the keys that work now, printed from the keymap.

use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::tui::keymap::{self, Action, Binding, Place};
use crate::tui::model::Model;
use crate::tui::view::{Target, View};

/// Draws as many keys as fit as a whole; the last ones, help and quit, always have their place.
pub fn draw(model: &Model, area: Rect, view: &mut View) {
    let theme = model.theme;
    let place = Place::now(model);
    let everywhere = place.is_screen();
    let spans = |binding: &'static Binding| {
        let key = model.keymap.first_key(binding, theme.ascii);
        vec![Span::styled(key, theme.accent()), Span::styled(format!(" {}", binding.label), theme.dim())]
    };
    let is_shown = |binding: &&'static Binding| {
        !binding.label.is_empty()
            && !model.keymap.first_key(binding, theme.ascii).is_empty()
            // What lies over a screen is not bound by what can be done there.
            && (!place.is_screen() || keymap::available(binding.action, model).is_ok())
    };
    let width = |part: &[Span]| part.iter().map(Span::width).sum::<usize>();
    let everywhere: Vec<(Action, Vec<Span>)> = if everywhere {
        keymap::bindings(Place::Everywhere).filter(is_shown).map(|b| (b.action, spans(b))).collect()
    } else {
        Vec::new()
    };
    let kept: usize = everywhere.iter().map(|(_, part)| width(part) + 2).sum();
    let mut parts = Vec::new();
    let mut used = 1 + kept;
    for binding in keymap::bindings(place).filter(is_shown) {
        let part = spans(binding);
        if used + width(&part) + 2 <= usize::from(area.width) {
            used += width(&part) + 2;
            parts.push((binding.action, part));
        }
    }
    let mut line = Line::from(" ");
    for (action, part) in parts.into_iter().chain(everywhere) {
        if line.spans.len() > 1 {
            line.spans.push(Span::raw("  "));
        }
        let place = Rect { x: area.x + line.width() as u16, width: width(&part) as u16, ..area };
        view.hits.add(place.intersection(area), Target::Key(action));
        line.spans.extend(part);
    }
    view.frame.buffer_mut().set_line(area.x, area.y, &line, area.width);
}
