//! Several runs: their curves on the same axes, what differs between them, their pictures side by side.

use std::collections::BTreeSet;

use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use crate::config::preset;
use crate::config::setting::SETTINGS;
use crate::run::event::Metrics;
use crate::tui::format;
use crate::tui::model::{Changes, Lower, Model, RunView};
use crate::tui::view::{Target, View};
use crate::tui::widget::chart::{self, Chart, Curve, Pen};
use crate::tui::widget::image_pane::{self, Shown};
use crate::tui::widget::table::Cell;

/// From so many rows on there is room for chart, table and pictures at once.
pub const TALL: u16 = 30;

/// Below so many rows there is room for one of them only.
const LOW: u16 = 15;

/// Columns of the labels on the left of the table.
const LABELS: u16 = 26;

/// Least width of a run's column.
const NARROWEST: u16 = 16;

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
    let table = table(model);
    let rows = table.rows.len() as u16 + 3;
    let [header, body] = Layout::vertical([Constraint::Length(1), Constraint::Min(0)]).areas(area);
    let line = Line::styled(format!(" {}", common(model, area.width.into())), theme.dim());
    view.frame.buffer_mut().set_line(header.x, header.y, &line, header.width);
    if body.height < LOW {
        match model.compare.lower {
            Lower::Table => table.draw(model, view, body),
            Lower::Pictures => draw_chart(model, view, body),
        }
        return;
    }
    if body.height < TALL {
        let [top, bottom] =
            Layout::vertical([Constraint::Fill(1), Constraint::Length(rows.min(body.height / 2 + 2))])
                .areas(body);
        draw_chart(model, view, top);
        match model.compare.lower {
            Lower::Table => table.draw(model, view, bottom),
            Lower::Pictures => draw_pictures(model, view, bottom),
        }
        return;
    }
    let rows = rows.min(body.height / 3 + 2);
    let [top, middle, bottom] =
        Layout::vertical([Constraint::Fill(2), Constraint::Length(rows), Constraint::Fill(3)]).areas(body);
    draw_chart(model, view, top);
    table.draw(model, view, middle);
    draw_pictures(model, view, bottom);
}

/// One sentence: whether the figures can be compared.
pub fn status(model: &Model) -> Line<'static> {
    let theme = model.theme;
    if let Some(sentence) = unlike(model) {
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

fn config(run: &RunView) -> Option<&crate::config::RunConfig> {
    run.manifest.as_ref().map(|manifest| &manifest.config)
}

/// Why the figures are not like for like, if they are not.
fn unlike(model: &Model) -> Option<&'static str> {
    let compared = model.compared();
    let configs: Vec<_> = compared.iter().filter_map(|(run, _)| config(run)).collect();
    let (first, rest) = configs.split_first()?;
    let victims = |a: &crate::config::Victim, b: &crate::config::Victim| {
        (&a.data, &a.indices, a.size) == (&b.data, &b.indices, b.size)
    };
    if rest.iter().any(|other| !victims(&first.victim, &other.victim)) {
        return Some("the runs attack different pictures: their figures are not like for like");
    }
    if rest.iter().any(|other| first.knowledge != other.knowledge) {
        return Some("the attackers know different things: see the labels in the table");
    }
    None
}

/// What all runs share of their conditions.
fn common(model: &Model, width: usize) -> String {
    let compared = model.compared();
    let of = |f: &dyn Fn(&crate::config::RunConfig) -> String| {
        let values: BTreeSet<String> = compared.iter().filter_map(|(run, _)| config(run)).map(f).collect();
        if values.len() == 1 { values.into_iter().next() } else { None }
    };
    let parts = [
        of(&|config| config.victim.model.clone()),
        of(&|config| super::presets::state(config)),
        of(&|config| format!("{} mode", config.victim.mode.name())),
        of(&|config| format!("labels {}", config.knowledge.labels.name())),
        of(&|config| format!("batch of {}", config.batch())),
        of(&|config| {
            let threat = config.threat_model();
            format!("threat model {}", threat.split_once(' ').map_or(threat, |(letter, _)| letter))
        }),
    ];
    let dot = model.theme.glyph(" · ", ", ");
    let mut text = String::new();
    for part in parts.into_iter().flatten() {
        let longer = if text.is_empty() { format!("all: {part}") } else { format!("{text}{dot}{part}") };
        if longer.chars().count() + 1 < width {
            text = longer;
        }
    }
    if text.is_empty() { "nothing in common".to_owned() } else { text }
}

fn draw_chart(model: &Model, view: &mut View, area: Rect) {
    let theme = model.theme;
    let scale = if model.chart.log { "log" } else { "linear" };
    let block = theme.frame(format!("matching loss ({scale})"));
    let inner = block.inner(area);
    view.frame.render_widget(block, area);
    let compared = model.compared();
    let chosen = model.chosen_compared().map(|run| run.id.clone());
    let mut curves = Vec::new();
    let mut legend = Vec::new();
    let mut iterations = 1;
    let mut names = Vec::new();
    // The chosen run is drawn last, in front of the others.
    let in_front = |run: &RunView| Some(&run.id) == chosen.as_ref();
    let mut ordered: Vec<_> = compared.iter().collect();
    ordered.sort_by_key(|(run, _)| in_front(run));
    for (run, place) in ordered {
        let Some((round, trial)) = run.round().zip(run.shown_trial()) else { continue };
        iterations = iterations.max(round.iterations);
        names.push((*place, short(run), in_front(run)));
        let mark = (trial.best_iteration > 0).then(|| (trial.best_iteration as f64, theme.marker(*place)));
        curves.push(Curve {
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
    let read = chart::read_off(&curves, iterations, &model.chart);
    if let Some((x, _)) = &read {
        let place = if model.chart.clock { format::clock(*x) } else { format!("it {}", x.round()) };
        legend.push(vec![Span::styled(format!("{} {place}", theme.glyph("┊", ":")), theme.accent())]);
    }
    for (at, (place, name, chosen)) in names.iter().enumerate() {
        let value = match &read {
            Some((_, values)) => values[at],
            None => curves[at].y.buckets().last().map_or(f64::NAN, |bucket| bucket.value),
        };
        let style = if *chosen { theme.strong() } else { Style::new() };
        legend.push(vec![
            Span::styled(format!("{} ", theme.marker(*place)), theme.series(*place)),
            Span::styled(format!("{name} {:>7}", format::loss(value)), style),
        ]);
    }
    let empty = "no run has an iteration yet";
    Chart { curves, legend, iterations, options: model.chart, empty, theme }
        .draw(inner, view.frame.buffer_mut());
    view.hits.add(chart::plot(inner), Target::Chart);
}

/// A run's name without the day it began.
fn short(run: &RunView) -> String {
    let parts: Vec<&str> = run.id.splitn(3, '-').collect();
    match parts.as_slice() {
        [day, time, rest] if day.len() == 8 && time.len() == 6 => format!("{rest} {}", &time[..4]),
        _ => run.id.clone(),
    }
}

fn draw_pictures(model: &Model, view: &mut View, area: Rect) {
    let theme = model.theme;
    let compared = model.compared();
    let reference = model.reference().and_then(|id| model.view(id));
    let at = compared.iter().filter_map(|(run, _)| run.scrub).max();
    let playing = if model.compare.playing { ", playing" } else { "" };
    let title = at.map_or("pictures".to_owned(), |at| format!("pictures up to iteration {at}{playing}"));
    let mut block = theme.frame(title);
    if area.width >= 50 {
        let note = " * known to you, never to the attackers ";
        block = block.title_bottom(Line::styled(note, theme.dim()));
    }
    let inner = block.inner(area);
    view.frame.render_widget(block, area);
    let mut shown = Vec::new();
    if let Some(run) = reference {
        shown.push(Shown {
            label: "truth*".to_owned(),
            raster: run.pictures.shown[0].as_ref(),
            instead: "not yet",
            strong: false,
            tiles: None,
        });
    }
    for (run, place) in &compared {
        let slot = if run.judges_best() { 2 } else { 1 };
        let metrics = run.shown_metrics();
        let psnr = metrics.map(|metrics| match run.shown_sample() {
            Some(sample) => metrics.samples.get(sample).map_or(f64::NAN, |sample| sample.psnr),
            None => metrics.psnr.mean,
        });
        let psnr = psnr.map_or(String::new(), |psnr| format!(" {} dB", format::fixed(psnr, 1)));
        let slot_of = &run.pictures.slots[slot];
        let iteration =
            slot_of.shown.as_ref().map_or(String::new(), |(key, _)| format!(" @ {}", key.iteration));
        shown.push(Shown {
            label: format!("{} {}{psnr}{iteration}", theme.marker(*place), short(run)),
            raster: run.pictures.shown[slot].as_ref(),
            instead: slot_of.error.as_deref().unwrap_or("not yet"),
            strong: model.chosen_compared().is_some_and(|chosen| chosen.id == run.id),
            tiles: None,
        });
    }
    let columns = match shown.len() {
        // Nine pictures in a row are too small to tell apart.
        count if count > 6 && inner.height >= 20 => count.div_ceil(2),
        count => count,
    };
    image_pane::row_by_row(&shown, columns, FIRST_SLOT, theme, inner, view);
}

/// What differs between the runs, and how they did: a column a run.
pub struct Sheet {
    heads: Vec<String>,
    /// Label, a cell a run, and the position of the best.
    pub rows: Vec<(String, Vec<Cell>, Option<usize>)>,
}

/// The sheet of the compared runs.
pub fn table(model: &Model) -> Sheet {
    let compared = model.compared();
    let values: Vec<Changes> =
        compared.iter().map(|(run, _)| config(run).map(preset::flat).unwrap_or_default()).collect();
    let mut rows = Vec::new();
    let mut text = |label: &str, of: &dyn Fn(&RunView) -> String| {
        let cells: Vec<Cell> = compared.iter().map(|(run, _)| Cell::text(of(run))).collect();
        rows.push((label.to_owned(), cells, None));
    };
    text("status", &|run| run.health.name().to_owned());
    let backends: BTreeSet<_> =
        compared.iter().filter_map(|(run, _)| run.manifest.as_ref().map(|m| &m.backend)).collect();
    if backends.len() > 1 {
        text("backend", &|run| run.manifest.as_ref().map_or("-".into(), |m| m.backend.clone()));
    }
    let differs = |key: &str| values.iter().any(|other| other.get(key) != values[0].get(key));
    for setting in SETTINGS.iter().filter(|setting| setting.key != "title" && differs(setting.key)) {
        let cells =
            values.iter().map(|values| Cell::text(values.get(setting.key).map_or("-", String::as_str)));
        rows.push((setting.key.to_owned(), cells.collect(), None));
    }
    let comparable =
        unlike(model) != Some("the runs attack different pictures: their figures are not like for like");
    let same_distance = !differs("attack.distance");
    let ascii = model.theme.ascii;
    let glyph = |unicode: &'static str, plain: &'static str| if ascii { plain } else { unicode };
    let quality = |run: &RunView| -> Option<Metrics> { metrics(run).cloned() };
    let mut number =
        |label: &str, of: &dyn Fn(&RunView) -> Option<f64>, show: fn(f64) -> String, better: Better| {
            let found: Vec<Option<f64>> = compared.iter().map(|(run, _)| of(run)).collect();
            let best = better.of(&found);
            rows.push((
                label.to_owned(),
                found.into_iter().map(|value| Cell::maybe(value, show)).collect(),
                best,
            ));
        };
    let high = if comparable { Better::High } else { Better::Neither };
    let low = if comparable { Better::Low } else { Better::Neither };
    let match_low = if comparable && same_distance { Better::Low } else { Better::Neither };
    number(glyph("PSNR↑ dB", "PSNR dB"), &|run| Some(quality(run)?.psnr.mean), |v| format::fixed(v, 2), high);
    number(glyph("SSIM↑", "SSIM"), &|run| Some(quality(run)?.ssim?.mean), |v| format::fixed(v, 3), high);
    number(glyph("MSE↓", "MSE"), &|run| Some(quality(run)?.mse.mean), format::loss, low);
    number("labels %", &|run| Some(100.0 * quality(run)?.label_accuracy?), |v| format::fixed(v, 0), high);
    number(glyph("match↓", "match"), &matching, format::loss, match_low);
    number("evaluations", &evaluations, |v| format::fixed(v, 0), Better::Neither);
    number("time", &|run| Some(run.state().seconds), format::clock, Better::Neither);
    let heads = compared.iter().map(|(run, _)| short(run)).collect();
    Sheet { heads, rows }
}

/// Which of several numbers is the best.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Better {
    High,
    Low,
    Neither,
}

impl Better {
    fn of(self, values: &[Option<f64>]) -> Option<usize> {
        let finite =
            values.iter().enumerate().filter_map(|(at, v)| v.filter(|v| !v.is_nan()).map(|v| (at, v)));
        let best = match self {
            Better::High => finite.max_by(|a, b| a.1.total_cmp(&b.1)),
            Better::Low => finite.min_by(|a, b| a.1.total_cmp(&b.1)),
            Better::Neither => None,
        };
        best.filter(|_| values.len() > 1).map(|(at, _)| at)
    }
}

fn metrics(run: &RunView) -> Option<&Metrics> {
    let round = run.round()?;
    match &round.result {
        Some(result) => Some(&result.metrics),
        None => round.shown_trial()?.latest_metrics(),
    }
}

fn matching(run: &RunView) -> Option<f64> {
    let round = run.round()?;
    match &round.result {
        Some(result) => Some(result.loss),
        None => round.shown_trial()?.matching_loss(),
    }
}

fn evaluations(run: &RunView) -> Option<f64> {
    let round = run.round()?;
    Some(round.result.as_ref().map_or(round.evaluations(), |result| result.evaluations) as f64)
}

impl Sheet {
    /// The sheet as spreadsheets take it. Numbers have all their digits.
    pub fn tsv(&self) -> String {
        let clean = |text: &str| text.replace(['\t', '\n', '\r'], " ");
        let of = |cell: &Cell| cell.value.map_or_else(|| clean(&cell.text), |value| value.to_string());
        let mut text =
            format!("\t{}\n", self.heads.iter().map(|head| clean(head)).collect::<Vec<_>>().join("\t"));
        for (label, cells, _) in &self.rows {
            let cells = cells.iter().map(of).collect::<Vec<_>>().join("\t");
            text.push_str(&format!("{label}\t{cells}\n"));
        }
        text
    }

    /// Draws the columns that fit, the reference first, always with the chosen run.
    fn draw(&self, model: &Model, view: &mut View, area: Rect) {
        let theme = model.theme;
        let block = theme.frame("what differs");
        let inner = block.inner(area);
        view.frame.render_widget(block, area);
        let count = self.heads.len();
        let room = usize::from((inner.width.saturating_sub(LABELS) / NARROWEST).max(1));
        let reference =
            model.compare.runs.iter().position(|(id, _)| Some(id.as_str()) == model.reference()).unwrap_or(0);
        let chosen = model.compare.chosen.min(count.saturating_sub(1));
        let mut order: Vec<usize> =
            std::iter::once(reference).chain((0..count).filter(|at| *at != reference)).collect();
        if order.len() > room {
            let at = order.iter().position(|at| *at == chosen).unwrap_or(0);
            let skip = (at + 1).saturating_sub(room);
            order.drain(1..1 + skip);
            order.truncate(room);
        }
        let width = (inner.width.saturating_sub(LABELS) / order.len().max(1) as u16).clamp(NARROWEST, 28);
        let cut = |text: &str| format::cut(text, usize::from(width) - 2, theme.ascii);
        for (column, at) in order.iter().enumerate() {
            let x = inner.x + LABELS + column as u16 * width;
            let place = model.compare.runs.get(*at).map_or(0, |(_, place)| *place);
            let pinned = if *at == reference && count > 1 { theme.glyph("*", "*") } else { "" };
            let head = format!("{} {}{pinned}", theme.marker(place), cut(&self.heads[*at]));
            let head = format::cut(&head, usize::from(width) - 1, theme.ascii);
            let mut style = theme.series(place);
            if *at == chosen {
                style = style.add_modifier(Modifier::REVERSED);
            }
            let head = format!("{head:>width$}", width = usize::from(width) - 1);
            put(view, inner, x, inner.y, &head, style);
            if let Some((id, _)) = model.compare.runs.get(*at) {
                view.hits.add(Rect { x, y: inner.y, width, height: inner.height }, Target::Row(id.clone()));
            }
        }
        let lines = self.rows.iter().take(usize::from(inner.height.saturating_sub(1)));
        for (row, (label, cells, best)) in lines.enumerate() {
            let y = inner.y + 1 + row as u16;
            put(
                view,
                inner,
                inner.x + 1,
                y,
                &format::cut(label, usize::from(LABELS) - 2, theme.ascii),
                theme.dim(),
            );
            for (column, at) in order.iter().enumerate() {
                let x = inner.x + LABELS + column as u16 * width;
                let style = if *best == Some(*at) { theme.strong() } else { Style::new() };
                let text =
                    self.beside_reference(label, &cells[*at], &cells[reference], *at == reference, width);
                let text = format!("{:>width$}", cut(&text), width = usize::from(width) - 1);
                put(view, inner, x, y, &text, style);
            }
        }
        if count > order.len() {
            let more = format!(" {} more: up and down go through them ", count - order.len());
            let x = inner.right().saturating_sub(more.len() as u16);
            put(view, area, x, area.bottom().saturating_sub(1), &more, theme.dim());
        }
    }

    /// A value, with how far it is from the reference where there is room for that.
    fn beside_reference(
        &self,
        label: &str,
        cell: &Cell,
        reference: &Cell,
        is_it: bool,
        width: u16,
    ) -> String {
        let apart = cell.value.zip(reference.value).map(|(a, b)| a - b).filter(|apart| apart.is_finite());
        let decimals = match label.get(..4) {
            Some("PSNR") => 2,
            Some("SSIM") => 3,
            _ => return cell.text.clone(),
        };
        match apart {
            Some(apart) if !is_it && width >= 18 => format!("({apart:+.decimals$}) {}", cell.text),
            _ => cell.text.clone(),
        }
    }
}

fn put(view: &mut View, area: Rect, x: u16, y: u16, text: &str, style: Style) {
    if x < area.right() && y < area.bottom() {
        view.frame.buffer_mut().set_stringn(x, y, text, (area.right() - x).into(), style);
    }
}
