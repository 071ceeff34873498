//! The pictures of a run: ground truth, current and best iterate, and the difference.

use std::sync::Arc;

use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::gfx::{Raster, fit};
use crate::tui::model::{RunView, Slot};
use crate::tui::theme::Theme;
use crate::tui::view::View;

/// One picture with what stands under it.
struct Shown<'a> {
    label: String,
    raster: Option<&'a Arc<Raster>>,
    instead: &'a str,
    strong: bool,
}

/// Draws the pane with its frame.
pub fn draw(run: &RunView, theme: Theme, area: Rect, view: &mut View) {
    let mut block = theme.frame(title(run, theme));
    if area.width >= 50 {
        let note = " * known to you, not to the attacker ";
        block = block.title_bottom(Line::styled(note, theme.dim()));
    }
    let inner = block.inner(area);
    view.frame.render_widget(block, area);
    let mut shown = collect(run);
    if shown.iter().all(|picture| picture.raster.is_none()) {
        let text = "no picture yet";
        let y = inner.y + inner.height / 2;
        view.frame.buffer_mut().set_stringn(inner.x + 1, y, text, inner.width.into(), theme.dim());
        return;
    }
    // A small pane shows the two that matter: the truth, and what the attack has.
    if inner.width < 70 && inner.height < 14 {
        let best = run.judges_best();
        shown = shown
            .into_iter()
            .enumerate()
            .filter(|(i, _)| matches!((i, best), (0, _) | (1, false) | (2, true)))
            .map(|(_, picture)| picture)
            .collect();
    }
    let columns = grid(&shown, inner, view.surface.cell());
    let rows = shown.len().div_ceil(columns);
    let (width, height) = (inner.width / columns as u16, inner.height / rows as u16);
    for (i, picture) in shown.iter().enumerate() {
        let place = Rect {
            x: inner.x + (i % columns) as u16 * width,
            y: inner.y + (i / columns) as u16 * height,
            width: width.saturating_sub(1),
            height,
        };
        one(picture, i, theme, place, view);
    }
}

fn collect(run: &RunView) -> Vec<Shown<'_>> {
    let [truth, current, best] = &run.pictures.slots;
    let iteration = |slot: &Slot| slot.shown.as_ref().map(|(key, _)| key.iteration);
    let best_name = if run.judges_best() { "reconstruction" } else { "best" };
    let of = |name: &str, slot: &Slot| match iteration(slot) {
        Some(iteration) => format!("{name} @ {iteration}"),
        None => name.to_owned(),
    };
    let difference = run.pictures.difference.as_ref();
    vec![
        shown("truth*".to_owned(), truth),
        Shown { strong: !run.judges_best(), ..shown(of("current", current), current) },
        Shown { strong: run.judges_best(), ..shown(of(best_name, best), best) },
        Shown {
            label: difference.map_or("difference".into(), |(_, factor)| format!("difference x{factor}")),
            raster: difference.map(|(raster, _)| raster),
            instead: "not yet",
            strong: false,
        },
    ]
}

fn shown(label: String, slot: &Slot) -> Shown<'_> {
    Shown {
        label,
        raster: slot.shown.as_ref().map(|(_, raster)| raster),
        instead: slot.error.as_deref().unwrap_or("not yet"),
        strong: false,
    }
}

fn title(run: &RunView, theme: Theme) -> String {
    let trial = match run.trial {
        Some((_, trial)) => format!(" of trial {}", trial + 1),
        None => String::new(),
    };
    match (run.scrub, run.shown_trial().map(|trial| trial.pictures.len())) {
        (Some(at), Some(count)) => {
            format!("pictures{trial} {} {} of {count}", theme.glyph("◂▸", "<>"), at + 1)
        }
        _ => format!("pictures{trial}"),
    }
}

/// Columns that show the pictures largest.
fn grid(shown: &[Shown], area: Rect, cell: (usize, usize)) -> usize {
    let Some(picture) = shown.iter().find_map(|shown| shown.raster) else { return shown.len() };
    (1..=shown.len())
        .filter(|columns| shown.len().is_multiple_of(*columns))
        .max_by_key(|columns| {
            let rows = shown.len() / columns;
            let width = (usize::from(area.width) / columns).saturating_sub(1);
            let height = (usize::from(area.height) / rows).saturating_sub(1);
            // Of equals, the one with more columns: it reads as a row.
            (fit::size(picture.width, picture.height, width, height, cell).0, *columns)
        })
        .unwrap_or(1)
}

fn one(picture: &Shown, slot: usize, theme: Theme, area: Rect, view: &mut View) {
    if area.width < 4 || area.height < 2 {
        return;
    }
    let room = Rect { height: area.height - 1, ..area };
    let mut label = picture.label.clone();
    let used = match picture.raster {
        Some(raster) => {
            let (width, height) = fit::size(
                raster.width,
                raster.height,
                room.width.into(),
                room.height.into(),
                view.surface.cell(),
            );
            if width < raster.width && label.len() + 12 <= usize::from(area.width) {
                label = format!("{label} ({width}{}{height} px)", theme.glyph("×", "x"));
            }
            view.surface.place(view.frame.buffer_mut(), room, slot, raster)
        }
        None => {
            let width = usize::from(area.width);
            let y = area.y + room.height / 2;
            view.frame.buffer_mut().set_stringn(area.x, y, picture.instead, width, theme.dim());
            room
        }
    };
    let style = if picture.strong { theme.strong() } else { theme.dim() };
    if label.chars().count() > usize::from(area.width) {
        // Without its iteration rather than with a part of it.
        label.truncate(label.find(" @ ").unwrap_or(label.len()));
    }
    let label = crate::tui::format::cut(&label, area.width.into(), theme.ascii);
    let offset = area.width.saturating_sub(label.chars().count() as u16) / 2;
    let line = Line::from(Span::styled(label, style));
    view.frame.buffer_mut().set_line(area.x + offset, used.bottom().max(area.y), &line, area.width - offset);
}
