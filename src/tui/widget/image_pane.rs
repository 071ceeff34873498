//! The pictures of a run: ground truth, current and best iterate, and the difference; of a batch all samples, or
//! one enlarged.

use std::sync::Arc;

use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::format;
use crate::gfx::{Raster, fit};
use crate::run::event::Tiles;
use crate::tui::model::RunView;
use crate::tui::theme::Theme;
use crate::tui::view::{Target, View};

/// What stands under the truth.
const TRUTH: &str = "truth*";

/// One picture with what stands under it.
pub struct Shown<'a> {
    /// Under it.
    pub label: String,
    /// The picture, if it is there.
    pub raster: Option<&'a Arc<Raster>>,
    /// Said in its place.
    pub instead: &'a str,
    /// It is the one that is judged.
    pub strong: bool,
    /// How a batch is tiled, if it is one.
    pub tiles: Option<Tiles>,
}

/// Draws the pane with its frame.
pub fn draw(run: &RunView, theme: Theme, area: Rect, view: &mut View) {
    let mut block = theme.frame(title(run, theme));
    if area.width >= 50 && run.has_truth() {
        let note = " * known to you, never to the attacker ";
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
    let has_truth = run.has_truth();
    // An attack that solves has no iterate, and without a truth there is nothing to differ from.
    let solves = run.solves();
    shown = shown
        .into_iter()
        .enumerate()
        .filter(|(at, _)| (has_truth || [1, 2].contains(at)) && !(solves && *at == 1))
        .map(|(_, picture)| picture)
        .collect();
    // A small pane shows those that matter: the truth, and what the attack has. So does one whose pictures are to be as
    // large as they go.
    let cell = view.surface.cell();
    let is_small = inner.width < 70 && inner.height < 14 && run.has_truth();
    let matters: Vec<bool> = shown.iter().map(|picture| picture.strong || picture.label == TRUTH).collect();
    let count = matters.iter().filter(|matters| **matters).count();
    if is_small || run.enlarged && side(&shown, count, inner, cell) > side(&shown, shown.len(), inner, cell) {
        let mut matters = matters.into_iter();
        shown.retain(|_| matters.next().unwrap_or(true));
    }
    let columns = grid(&shown, inner, cell);
    row_by_row(&shown, columns, 0, theme, inner, view);
}

/// Draws pictures in a grid; the first one takes slot `slot` of the terminal, the others those after it.
pub fn row_by_row(shown: &[Shown], columns: usize, slot: usize, theme: Theme, area: Rect, view: &mut View) {
    let columns = columns.max(1);
    let rows = shown.len().div_ceil(columns).max(1);
    let (width, height) = (area.width / columns as u16, area.height / rows as u16);
    for (i, picture) in shown.iter().enumerate() {
        let place = Rect {
            x: area.x + (i % columns) as u16 * width,
            y: area.y + (i / columns) as u16 * height,
            width: width.saturating_sub(1),
            height,
        };
        one(picture, slot + i, theme, place, view);
    }
}

fn collect(run: &RunView) -> Vec<Shown<'_>> {
    let pictures = &run.pictures;
    let iteration = |slot: usize| {
        let shown = pictures.slots[slot].shown.as_ref().filter(|_| !run.solves());
        shown.map_or(String::new(), |(key, _)| format!(" @ {}", key.iteration))
    };
    let judges_best = run.judges_best();
    let best_name = if judges_best { "reconstruction" } else { "best" };
    let tiles = run.tiles().filter(|tiles| tiles.samples > 1 && run.shown_sample().is_none());
    let sample = run.shown_sample();
    let quality = sample.and_then(|sample| {
        let metrics = run.shown_metrics()?.samples.get(sample)?;
        Some(format!(" {} dB", format::fixed(metrics.psnr?.0, 1)))
    });
    let quality = quality.unwrap_or_default();
    let of = |slot: usize, label: String, strong: bool| Shown {
        label,
        raster: pictures.shown[slot].as_ref(),
        instead: pictures.slots[slot].error.as_deref().unwrap_or("not yet"),
        strong,
        tiles,
    };
    let judged = |judged: bool| if judged { quality.as_str() } else { "" };
    let difference = pictures.difference.as_ref();
    vec![
        of(0, TRUTH.to_owned(), false),
        match run.beside() {
            Some((name, picture)) => {
                let psnr = picture.metrics.as_ref().and_then(|metrics| metrics.psnr);
                let score =
                    psnr.map_or_else(String::new, |psnr| format!(" {} dB", format::fixed(psnr.mean, 1)));
                of(1, format!("{name}{score}"), false)
            }
            None => of(1, format!("current{}{}", iteration(1), judged(!judges_best)), !judges_best),
        },
        of(2, format!("{best_name}{}{}", iteration(2), judged(judges_best)), judges_best),
        Shown {
            label: difference.map_or("difference".into(), |(_, factor)| format!("difference x{factor}")),
            raster: difference.map(|(raster, _)| raster),
            instead: "not yet",
            strong: false,
            tiles,
        },
    ]
}

fn title(run: &RunView, theme: Theme) -> String {
    let mut title = "pictures".to_owned();
    if let Some(round) = run.chosen_round.filter(|_| run.rounds_planned() > 1) {
        title.push_str(&format!(" of round {round}"));
    }
    if let Some(trial) = run.chosen_trial {
        let of = if title.contains(" of ") { "," } else { " of" };
        title.push_str(&format!("{of} trial {}", trial + 1));
    }
    match run.shown_sample() {
        Some(sample) => title.push_str(&format!(", sample {} of {}", sample + 1, run.samples())),
        None if run.samples() > 1 => title.push_str(&format!(", {} samples", run.samples())),
        None => {}
    }
    if let Some(at) = run.scrub {
        let stored = run.stored();
        let position = stored.iter().rposition(|known| *known <= at).unwrap_or(0);
        let (mark, playing) = (theme.glyph("◂▸", "<>"), if run.playing { ", playing" } else { "" });
        let metrics = run
            .shown_metrics()
            .and_then(|metrics| metrics.psnr)
            .map(|psnr| format!(", PSNR {} dB", format::fixed(psnr.mean, 2)));
        let metrics = metrics.unwrap_or_default();
        title.push_str(&format!(" {mark} {} of {}{playing}{metrics}", position + 1, stored.len()));
    }
    title
}

/// Columns that show the pictures largest.
pub fn grid(shown: &[Shown], area: Rect, cell: (usize, usize)) -> usize {
    match shown.iter().find_map(|shown| shown.raster) {
        // Of equals, the one with more columns: it reads as a row.
        Some(picture) => largest(picture, shown.len(), area, cell).map_or(1, |(_, columns)| columns),
        None => shown.len(),
    }
}

/// The width in pixels of the first `count` pictures, as large as they go.
fn side(shown: &[Shown], count: usize, area: Rect, cell: (usize, usize)) -> usize {
    let picture = shown.iter().find_map(|shown| shown.raster);
    picture.and_then(|picture| largest(picture, count, area, cell)).map_or(0, |(width, _)| width)
}

/// Width in pixels, and columns, of so many pictures in the grid that shows them largest.
fn largest(picture: &Raster, count: usize, area: Rect, cell: (usize, usize)) -> Option<(usize, usize)> {
    let grids = (1..=count).filter(|columns| count.is_multiple_of(*columns)).map(|columns| {
        let rows = count / columns;
        let width = (usize::from(area.width) / columns).saturating_sub(1);
        let height = (usize::from(area.height) / rows).saturating_sub(1);
        (fit::size(picture.width, picture.height, width, height, cell).0, columns)
    });
    grids.max()
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
            if width < raster.width && label.chars().count() + 12 <= usize::from(area.width) {
                label = format!("{label} ({width}{}{height} px)", theme.glyph("×", "x"));
            }
            let used = view.surface.place(view.frame.buffer_mut(), room, slot, raster);
            if let Some(tiles) = picture.tiles {
                samples(tiles, used, view);
            }
            used
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
    let label = format::cut(&label, area.width.into(), theme.ascii);
    let offset = area.width.saturating_sub(label.chars().count() as u16) / 2;
    let line = Line::from(Span::styled(label, style));
    view.frame.buffer_mut().set_line(area.x + offset, used.bottom().max(area.y), &line, area.width - offset);
}

/// Makes every sample of a tiled picture a target of the mouse.
fn samples(tiles: Tiles, used: Rect, view: &mut View) {
    let columns = tiles.columns.max(1);
    let rows = tiles.samples.div_ceil(columns).max(1);
    for sample in 0..tiles.samples {
        let (x, y) = (sample % columns, sample / columns);
        let at = |n: usize, of: usize, length: u16| (n * usize::from(length) / of) as u16;
        let (left, right) = (at(x, columns, used.width), at(x + 1, columns, used.width));
        let (top, bottom) = (at(y, rows, used.height), at(y + 1, rows, used.height));
        let place = Rect { x: used.x + left, y: used.y + top, width: right - left, height: bottom - top };
        view.hits.add(place, Target::Sample(sample));
    }
}
