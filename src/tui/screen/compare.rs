//! Several runs: their curves on the same axes, what differs between them, their pictures side by side.

use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use crate::format;
use crate::run::comparison;
use crate::run::tradeoff::{self, Tradeoff};
use crate::tui::model::{Lower, Model, Part, RunView};
use crate::tui::view::{Target, View};
use crate::tui::widget::chart::{self, Chart, Curve, Pen};
use crate::tui::widget::image_pane::{self, Shown};
use crate::tui::widget::{record_table, sheet};

/// From so many rows on there is room for chart, table and pictures at once.
pub const TALL: u16 = 30;

/// Rows of the chart where there is room: eight of curves, with legend, axis and frame.
const CHART: u16 = 12;

/// Below so many rows there is room for one of them only.
const LOW: u16 = 15;

/// Slots of the terminal that the pictures here take; those of the Run screen are below.
const FIRST_SLOT: usize = 8;

/// Dashes that tell curves apart without colour.
const DASHES: [(usize, usize); 4] = [(1, 1), (6, 8), (3, 5), (2, 6)];

/// Draws the comparison.
pub fn draw(model: &Model, view: &mut View, area: Rect) {
    let theme = model.theme;
    if model.compare.runs.is_empty() {
        let keys = &model.keymap;
        let select =
            keys.hint(crate::tui::keymap::Place::Runs, crate::tui::keymap::Action::Select, theme.ascii);
        let text = format!("No run is selected. In the list of runs, {select} selects one.");
        let block = theme.frame("compare");
        view.frame.render_widget(Paragraph::new(text).style(theme.dim()).block(block), area);
        return;
    }
    let table = sheet::of(model);
    let areas = areas(model, area, table.rows.len());
    let line = Line::styled(format!(" {}", common(model, area.width.into())), theme.dim());
    view.frame.buffer_mut().set_line(areas.header.x, areas.header.y, &line, areas.header.width);
    if areas.curves.area() > 0 {
        draw_chart(model, view, areas.curves);
    }
    if areas.table.area() > 0 {
        table.draw(model, view, areas.table);
    }
    if areas.pictures.area() > 0 {
        draw_pictures(model, view, areas.pictures);
    }
}

/// Where the parts stand; empty ones are not drawn.
pub struct Areas {
    header: Rect,
    curves: Rect,
    /// What differs.
    pub table: Rect,
    pictures: Rect,
}

/// Splits the body of the screen for a table of `rows`.
pub fn areas(model: &Model, area: Rect, rows: usize) -> Areas {
    let [header, body] = Layout::vertical([Constraint::Length(1), Constraint::Min(0)]).areas(area);
    let none = Rect { height: 0, ..body };
    let mut areas = Areas { header, curves: none, table: none, pictures: none };
    let lower = match model.compare.lower {
        Lower::Table => Part::Table,
        Lower::Pictures => Part::Pictures,
    };
    let low = match lower {
        Part::Pictures => Part::Curves,
        part => part,
    };
    let part = |areas: &mut Areas, part: Part, area: Rect| match part {
        Part::Curves => areas.curves = area,
        Part::Table => areas.table = area,
        Part::Pictures => areas.pictures = area,
    };
    if let Some(alone) = model.compare.alone.or((body.height < LOW).then_some(low)) {
        part(&mut areas, alone, body);
        return areas;
    }
    // Frame, heads and all rows, as far as the curves keep theirs.
    let rows = (rows as u16 + 3).max(4);
    let chart = CHART.min(body.height / 2);
    if body.height < TALL {
        let rows = if lower == Part::Table { rows } else { body.height };
        let rows = rows.min(body.height - chart);
        let [top, bottom] = Layout::vertical([Constraint::Fill(1), Constraint::Length(rows)]).areas(body);
        areas.curves = top;
        part(&mut areas, lower, bottom);
        return areas;
    }
    let rows = rows.min((body.height - chart) / 2);
    let parts = [Constraint::Min(chart), Constraint::Length(rows), Constraint::Fill(1)];
    let [top, middle, bottom] = Layout::vertical(parts).areas(body);
    Areas { header, curves: top, table: middle, pictures: bottom }
}

/// One sentence: whether the figures can be compared.
pub fn status(model: &Model) -> Line<'static> {
    let theme = model.theme;
    if let Some(sentence) = comparison::unlike(&model.sides()) {
        return Line::styled(format!(" {sentence}"), theme.warning());
    }
    match model.compared().len() {
        0 => Line::default(),
        1 => Line::styled(" one run; select more in the list of runs", theme.dim()),
        _ => {
            Line::styled(" best in bold; the trial of every run was chosen by its matching loss", theme.dim())
        }
    }
}

/// What all runs share of their conditions.
fn common(model: &Model, width: usize) -> String {
    let parts = comparison::common(&model.sides());
    if parts.is_empty() {
        return "nothing in common".to_owned();
    }
    let dot = model.theme.glyph(" · ", ", ");
    let shown = format::header(parts, dot, width.saturating_sub(7), model.theme.ascii);
    format!("all: {}", shown.join(dot))
}

/// Short names of the runs.
fn names(compared: &[(&RunView, usize)]) -> Vec<String> {
    comparison::names(&compared.iter().map(|(run, _)| run.id.as_str()).collect::<Vec<_>>())
}

/// The curves on shared axes, in the order of the runs.
struct Shared<'a> {
    curves: Vec<Curve<'a>>,
    /// Iterations that are still to come, at most.
    planned: Option<usize>,
    /// Of each curve: place of its colour, name, and whether its run is the chosen one.
    shown: Vec<(usize, String, bool)>,
}

fn shared(model: &Model) -> Shared<'_> {
    let theme = model.theme;
    let compared = model.compared();
    let chosen = model.chosen_compared().map(|run| run.id.clone());
    let mut shared = Shared { curves: Vec::new(), planned: None, shown: Vec::new() };
    for ((run, place), name) in compared.iter().zip(names(&compared)) {
        let Some((round, trial)) = run.round().zip(run.shown_trial()) else { continue };
        if run.health.is_live() && round.result.is_none() {
            shared.planned = shared.planned.max(Some(round.iterations));
        }
        shared.shown.push((*place, name, Some(&run.id) == chosen.as_ref()));
        let mark = (trial.best_iteration > 0).then(|| (trial.best_iteration as f64, theme.marker(*place)));
        shared.curves.push(Curve {
            y: &trial.matching,
            seconds: &trial.seconds,
            pen: Pen {
                style: theme.series(*place),
                ascii: theme.marker(*place).chars().next().filter(char::is_ascii).unwrap_or('*'),
                dashes: DASHES[*place % DASHES.len()],
            },
            raw: None,
            scales: true,
            mark,
        });
    }
    shared
}

/// The iteration that is looked at together.
pub fn scrubbed(model: &Model) -> Option<usize> {
    model.compared().iter().filter_map(|(run, _)| run.scrub).max()
}

/// The iteration at the cursor of the chart; of seconds, that of the first run.
pub fn iteration_at_cursor(model: &Model) -> Option<usize> {
    let Shared { mut curves, planned, .. } = shared(model);
    curves.reverse();
    chart::iteration_at_cursor(&curves, planned, &model.chart)
}

/// The compared runs as leakage against utility, as far as they can be.
pub fn tradeoff(model: &Model) -> Option<Tradeoff> {
    tradeoff::of(&model.sides(), model.compare.leakage.figure())
}

fn draw_chart(model: &Model, view: &mut View, area: Rect) {
    let theme = model.theme;
    if let Some(tradeoff) = model.compare.tradeoff.then(|| tradeoff(model)).flatten() {
        let leakage = model.compare.leakage.figure().word.ascii.trim_end_matches(" dB");
        let block = theme.frame(format!("leakage against utility: {leakage} over points of accuracy lost"));
        let inner = block.inner(area);
        view.frame.render_widget(block, area);
        let places: Vec<usize> = model.compared().iter().map(|(_, place)| *place).collect();
        let leakage = model.compare.leakage.figure();
        chart::scatter(&tradeoff, leakage, &places, theme, inner, view.frame.buffer_mut());
        return;
    }
    let block = theme.frame(format!("matching loss ({})", chart::how(&model.chart)));
    let inner = block.inner(area);
    view.frame.render_widget(block, area);
    let Shared { mut curves, planned, shown } = shared(model);
    let mut legend = Vec::new();
    let read = chart::read_off(&curves, planned, &model.chart);
    if let Some((x, _)) = &read {
        let place = if model.chart.clock { format::clock(*x) } else { format!("it {}", x.round()) };
        legend.push(vec![Span::styled(format!("{} {place}", theme.glyph("┊", ":")), theme.accent())]);
    }
    for (at, (place, name, chosen)) in shown.iter().enumerate() {
        let value = match &read {
            Some((_, values)) => values[at],
            None => curves[at].y.buckets().last().map(|bucket| chart::drawn(bucket, &model.chart)),
        };
        let value = value.map_or("-".to_owned(), format::loss);
        let style = if *chosen { theme.strong() } else { Style::new() };
        legend.push(vec![
            Span::styled(format!("{} ", theme.marker(*place)), theme.series(*place)),
            Span::styled(format!("{name} {value:>7}"), style),
        ]);
    }
    // The chosen run is drawn last, in front of the others.
    if let Some(at) = shown.iter().position(|(_, _, chosen)| *chosen) {
        let front = curves.remove(at);
        curves.push(front);
    }
    let empty = "no run has an iteration yet";
    let looked_at = scrubbed(model);
    Chart { curves, legend, planned, looked_at, options: model.chart, empty, theme }
        .draw(inner, view.frame.buffer_mut());
    view.hits.add(chart::plot(inner), Target::Chart);
}

fn draw_pictures(model: &Model, view: &mut View, area: Rect) {
    let theme = model.theme;
    let compared = model.compared();
    if compared.iter().any(|(run, _)| run.sheet().is_some()) {
        return record_table::draw(model, &compared, &names(&compared), area, view);
    }
    let reference = model.reference().and_then(|id| model.view(id));
    let at = compared.iter().filter_map(|(run, _)| run.scrub).max();
    let playing = if model.compare.playing { ", playing" } else { "" };
    let title = at.map_or("pictures".to_owned(), |at| format!("pictures up to iteration {at}{playing}"));
    let mut block = theme.frame(title);
    if area.width >= 50 && reference.is_some_and(RunView::has_truth) {
        let note = " * known to you, never to the attackers ";
        block = block.title_bottom(Line::styled(note, theme.dim()));
    }
    let inner = block.inner(area);
    view.frame.render_widget(block, area);
    let mut shown = Vec::new();
    if let Some(run) = reference.filter(|run| run.has_truth()) {
        shown.push(Shown {
            label: "truth*".to_owned(),
            raster: run.pictures.shown[0].as_ref(),
            instead: "not yet",
            strong: false,
            tiles: None,
        });
    }
    let count = compared.len() + shown.len();
    // Nine pictures in a row are too small to tell apart.
    let columns = if count > 6 && inner.height >= 20 { count.div_ceil(2) } else { count };
    let width = inner.width / columns.max(1) as u16;
    for ((run, place), name) in compared.iter().zip(names(&compared)) {
        let slot = if run.judges_best() { 2 } else { 1 };
        let metrics = run.shown_metrics();
        let psnr = metrics.and_then(|metrics| match run.shown_sample() {
            Some(sample) => metrics.samples.get(sample)?.psnr.map(|psnr| psnr.0),
            None => metrics.psnr.map(|psnr| psnr.mean),
        });
        let psnr = psnr.map_or(String::new(), |psnr| format!(" {} dB", format::fixed(psnr, 1)));
        let slot_of = &run.pictures.slots[slot];
        let shown_at = slot_of.shown.as_ref().filter(|_| !run.solves());
        let iteration = shown_at.map_or(String::new(), |(key, _)| format!(" @ {}", key.iteration));
        let mark = theme.marker(*place);
        // Where the name does not fit, the mark stands for it.
        let labels = [format!("{mark} {name}{psnr}{iteration}"), format!("{mark}{psnr}{iteration}")];
        let fits = |label: &String| label.chars().count() < usize::from(width);
        let label = labels.into_iter().find(fits).unwrap_or_else(|| format!("{mark}{psnr}"));
        shown.push(Shown {
            label,
            raster: run.pictures.shown[slot].as_ref(),
            instead: match run.is_of_table() {
                true => "its fields were not kept",
                false => slot_of.error.as_deref().unwrap_or("not yet"),
            },
            strong: model.chosen_compared().is_some_and(|chosen| chosen.id == run.id),
            tiles: None,
        });
    }
    image_pane::row_by_row(&shown, columns, FIRST_SLOT, theme, inner, view);
}
