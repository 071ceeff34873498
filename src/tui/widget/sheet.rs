//! What differs between the compared runs, and how they did: a column a run.

use std::collections::BTreeSet;

use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};

use super::table::Cell;
use crate::config::preset;
use crate::config::setting::SETTINGS;
use crate::run::event::Metrics;
use crate::text;
use crate::tui::format;
use crate::tui::model::{Changes, Model, RunView};
use crate::tui::screen::compare::{attack_different_pictures, config, names};
use crate::tui::view::{Target, View};

/// Columns of the labels on the left.
const LABELS: u16 = 26;

/// Least width of a run's column.
const NARROWEST: u16 = 16;

/// What differs between the runs, and how they did: a column a run.
pub struct Sheet {
    heads: Vec<String>,
    /// Label, a cell a run, and the position of the best.
    pub rows: Vec<Line>,
}

/// The sheet of the compared runs.
pub fn of(model: &Model) -> Sheet {
    let compared = model.compared();
    let mut rows = vec![words("status", &compared, |run| run.health.name().to_owned())];
    let (figures, further) = figures(model, &compared);
    rows.extend(figures);
    let backend = |run: &RunView| run.manifest.as_ref().map_or("-".into(), |m| m.backend.clone());
    let backends: BTreeSet<String> = compared.iter().map(|(run, _)| backend(run)).collect();
    if backends.len() > 1 {
        rows.push(words("backend", &compared, backend));
    }
    let values: Vec<Changes> =
        compared.iter().map(|(run, _)| config(run).map(preset::flat).unwrap_or_default()).collect();
    let differs = |key: &str| values.iter().any(|other| other.get(key) != values[0].get(key));
    for setting in SETTINGS.iter().filter(|setting| setting.key != "title" && differs(setting.key)) {
        let of = |values: &Changes| Cell::text(values.get(setting.key).map_or("-", String::as_str));
        rows.push((setting.key.to_owned(), values.iter().map(of).collect(), None));
    }
    rows.extend(further);
    Sheet { heads: names(&compared), rows }
}

/// Label, a cell a run, and the position of the best.
type Line = (String, Vec<Cell>, Option<usize>);

fn words(label: &str, compared: &[(&RunView, usize)], of: impl Fn(&RunView) -> String) -> Line {
    (label.to_owned(), compared.iter().map(|(run, _)| Cell::text(of(run))).collect(), None)
}

/// How the runs did, and the figures that are looked at second, as far as a run has them. The best is marked only where victims are the same, and that of the matching loss only where
/// it is the same distance.
fn figures(model: &Model, compared: &[(&RunView, usize)]) -> (Vec<Line>, Vec<Line>) {
    let is_fair = !attack_different_pictures(compared);
    let distances: BTreeSet<String> =
        compared.iter().filter_map(|(run, _)| Some(format!("{:?}", config(run)?.attack.distance))).collect();
    let if_fair = |better: Better| if is_fair { better } else { Better::Neither };
    let of_match = if distances.len() > 1 { Better::Neither } else { if_fair(Better::Low) };
    let quality = |run: &RunView| -> Option<Metrics> { metrics(run).cloned() };
    let line =
        |label: &str, of: &dyn Fn(&RunView) -> Option<f64>, show: fn(f64) -> String, better: Better| {
            let found: Vec<Option<f64>> = compared.iter().map(|(run, _)| of(run)).collect();
            let best = better.of(&found);
            // What is missing although the attack goes on needs a ground truth.
            let cell = |(value, (run, _)): (Option<f64>, &(&RunView, usize))| match value {
                None if !run.has_truth() && matching(run).is_some() => Cell::text("n/a"),
                value => Cell::maybe(value, show),
            };
            (label.to_owned(), found.into_iter().zip(compared).map(cell).collect(), best)
        };
    let glyph = |unicode: &'static str, plain: &'static str| model.theme.glyph(unicode, plain);
    let (high, low, neither) = (if_fair(Better::High), if_fair(Better::Low), Better::Neither);
    let whole: fn(f64) -> String = |v| format::fixed(v, 0);
    let three: fn(f64) -> String = |v| format::fixed(v, 3);
    let first = vec![
        line(
            glyph("PSNR↑ dB", "PSNR dB"),
            &|run| Some(quality(run)?.psnr.mean),
            |v| format::fixed(v, 2),
            high,
        ),
        line(glyph("SSIM↑", "SSIM"), &|run| Some(quality(run)?.ssim?.mean), three, high),
        line(glyph("ST-LPIPS↓", "ST-LPIPS"), &|run| Some(quality(run)?.st_lpips?.mean), three, low),
        line("BRR %", &|run| Some(100.0 * quality(run)?.recovered?), whole, high),
        line("labels %", &|run| Some(100.0 * quality(run)?.label_accuracy?), whole, high),
        line(glyph("match↓", "match"), &matching, format::loss, of_match),
        line("time", &|run| Some(run.state().seconds), format::clock, neither),
    ];
    let probe = |run: &RunView| run.round()?.result.as_ref()?.probe;
    let accuracy = |run: &RunView| Some(100.0 * run.round()?.accuracy?);
    let further = [
        line(glyph("MSE↓", "MSE"), &|run| Some(quality(run)?.mse.mean), format::loss, low),
        line("evaluations", &evaluations, whole, neither),
        line(glyph("LPIPS↓", "LPIPS"), &|run| Some(quality(run)?.lpips?.mean), three, low),
        line("IIP %", &|run| Some(100.0 * quality(run)?.iip?), whole, high),
        line(
            glyph("feature MSE↓", "feature MSE"),
            &|run| Some(quality(run)?.feature_mse?.mean),
            format::loss,
            neither,
        ),
        line("IGSA", &|run| Some(probe(run)?.igsa), format::loss, neither),
        line("IGSA_rel", &|run| Some(probe(run)?.igsa_rel), format::loss, neither),
        line("r_eff", &|run| Some(probe(run)?.r_eff), |v| format::fixed(v, 1), neither),
        line("model accuracy %", &accuracy, |v| format::fixed(v, 1), neither),
    ];
    let has_any = |(_, cells, _): &Line| cells.iter().any(|cell| cell.value.is_some());
    (first, further.into_iter().filter(has_any).collect())
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
        Some(result) => result.metrics.as_ref(),
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
        let clean = |text: &str| text::cell(text).into_owned();
        let of = |cell: &Cell| cell.value.map_or_else(|| clean(&cell.text), |value| value.to_string());
        let mut text =
            format!("\t{}\n", self.heads.iter().map(|head| clean(head)).collect::<Vec<_>>().join("\t"));
        for (label, cells, _) in &self.rows {
            let cells = cells.iter().map(of).collect::<Vec<_>>().join("\t");
            text.push_str(&format!("{}\t{cells}\n", clean(label)));
        }
        text
    }

    /// Draws the columns that fit, the reference first, always with the chosen run.
    pub fn draw(&self, model: &Model, view: &mut View, area: Rect) {
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
        let room = room_below(inner);
        let skip = model.compare.skip.min(self.rows.len().saturating_sub(room));
        let lines = self.rows.iter().skip(skip).take(room);
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
        if self.rows.len() > room {
            let last = (skip + room).min(self.rows.len());
            let more = format!(" rows {} to {last} of {}: PgUp, PgDn ", skip + 1, self.rows.len());
            put(view, area, area.x + 2, area.bottom().saturating_sub(1), &more, theme.dim());
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
            Some("SSIM" | "ST-L") => 3,
            _ => return cell.text.clone(),
        };
        match apart {
            Some(apart) if !is_it && width >= 18 => format!("({apart:+.decimals$}) {}", cell.text),
            _ => cell.text.clone(),
        }
    }
}

/// Rows of figures that a table in `area` shows.
pub fn room(area: Rect) -> usize {
    room_below(Rect { height: area.height.saturating_sub(2), ..area })
}

/// Rows below the heads.
fn room_below(inner: Rect) -> usize {
    usize::from(inner.height.saturating_sub(1))
}

fn put(view: &mut View, area: Rect, x: u16, y: u16, text: &str, style: Style) {
    if x < area.right() && y < area.bottom() {
        view.frame.buffer_mut().set_stringn(x, y, text, (area.right() - x).into(), style);
    }
}
