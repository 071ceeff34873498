//! The last row: the keys that work now, printed from the keymap.

use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::gfx::caps::Shortfall;
use crate::tui::keymap::{self, Action, Binding, Place};
use crate::tui::model::{Model, Panes, Screen};
use crate::tui::overlay::Overlay;
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
    // What is done to the steps of a form is greyed where it cannot be done, with the reason where that has room.
    let greyed = |binding: &'static Binding, with_reason: bool| {
        let reason = keymap::available(binding.action, model).err()?;
        let key = model.keymap.first_key(binding, theme.ascii);
        let reason = if with_reason { format!(" ({reason})") } else { String::new() };
        Some(vec![Span::styled(format!("{key} {}{reason}", binding.label), theme.dim())])
    };
    let is_at_steps = matches!(model.overlays.last(), Some(Overlay::Form(form)) if form.is_at_steps());
    let is_of_steps = |action| {
        is_at_steps && matches!(action, Action::RemoveStep | Action::StepEarlier | Action::StepLater)
    };
    let is_shown = |binding: &&'static Binding| {
        !binding.label.is_empty()
            && !model.keymap.first_key(binding, theme.ascii).is_empty()
            // What else lies over a screen is not bound by what can be done there.
            && (!place.is_bound()
                || is_of_steps(binding.action)
                || keymap::available(binding.action, model).is_ok())
    };
    let width = |part: &[Span]| part.iter().map(Span::width).sum::<usize>();
    let second_best = second_best(model);
    let everywhere: Vec<(Action, Vec<Span>)> = if everywhere {
        keymap::bindings(Place::Everywhere).filter(is_shown).map(|b| (b.action, spans(b))).collect()
    } else {
        Vec::new()
    };
    let kept: usize = everywhere.iter().map(|(_, part)| width(part) + 2).sum();
    // The longer one where most keys have room beside it.
    let fits = |hint: &String, keys: usize| kept + keys + hint.chars().count() + 3 <= usize::from(area.width);
    let hint = second_best.iter().zip([KEYS, 0]).find(|(hint, keys)| fits(hint, *keys)).map(|(hint, _)| hint);
    let mut parts = Vec::new();
    let mut used = 1 + kept + hint.map_or(0, |hint| hint.chars().count() + 2);
    for binding in keymap::bindings(place).filter(is_shown) {
        let fits = |part: &Vec<Span>| used + width(part) + 2 <= usize::from(area.width);
        let forms = match greyed(binding, true) {
            Some(with_reason) if is_of_steps(binding.action) => {
                vec![Some(with_reason), greyed(binding, false)]
            }
            _ => vec![Some(spans(binding))],
        };
        if let Some(part) = forms.into_iter().flatten().find(fits) {
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
    if let Some(hint) = hint {
        let x = area.right().saturating_sub(hint.chars().count() as u16 + 1);
        view.frame.buffer_mut().set_stringn(x, area.y, hint, area.width.into(), theme.warning());
    }
}

/// Columns that the keys of a screen should have.
const KEYS: usize = 20;

/// Where pictures are: why they are not as good as they may be, in more words and in fewer.
fn second_best(model: &Model) -> Vec<String> {
    let Some(shortfall) = model.shortfall.as_ref().filter(|_| !model.blocks && model.overlays.is_empty())
    else {
        return Vec::new();
    };
    let shows_pictures = match model.screen {
        Screen::Run => model.run().is_some_and(|run| run.enlarged || model.panes != Panes::Hidden),
        Screen::Compare => model.compare.groups.is_none(),
        Screen::Presets | Screen::Runs | Screen::Studies | Screen::Catalogue | Screen::Audits => false,
    };
    let redraw = model.keymap.hint(Place::Everywhere, Action::Redraw, model.theme.ascii);
    if shows_pictures { hint(shortfall, model.protocol, &redraw).into() } else { Vec::new() }
}

/// Why pictures are not as good as they may be, and what to do; a longer and a shorter form.
fn hint(shortfall: &Shortfall, protocol: &str, redraw: &str) -> [String; 2] {
    match shortfall {
        Shortfall::NoAnswer => [
            format!("{protocol}: the terminal did not answer, {redraw} asks again"),
            format!("{protocol}: {redraw} asks again"),
        ],
        Shortfall::Remedy => [
            format!("{protocol}: gialab doctor says how to get better pictures"),
            format!("{protocol}: see gialab doctor"),
        ],
    }
}
