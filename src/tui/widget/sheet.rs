//! What differs between the compared runs, and how they did: a column a run.

use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};

use super::table::Cell;
use crate::figure::{FIGURES, Form};
use crate::format;
use crate::run::comparison::{self, Row};
use crate::text;
use crate::tui::model::Model;
use crate::tui::view::{Target, View};

/// Columns of the labels on the left.
const LABELS: u16 = 26;

/// Least width of a run's column.
const NARROWEST: u16 = 16;

/// What differs between the runs, and how they did: a column a run.
pub struct Sheet {
    heads: Vec<String>,
    /// Its lines.
    pub rows: Vec<Row>,
    ascii: bool,
}

/// The sheet of the compared runs.
pub fn of(model: &Model) -> Sheet {
    let compared = comparison::of(&model.sides());
    let rows = std::iter::once(compared.status)
        .chain(compared.figures)
        .chain(compared.settings)
        .chain(compared.further)
        .collect();
    Sheet { heads: compared.names, rows, ascii: model.theme.ascii }
}

impl Sheet {
    /// The sheet as spreadsheets take it. Numbers have all their digits.
    pub fn tsv(&self) -> String {
        let clean = |text: &str| text::cell(text).into_owned();
        let of = |cell: &Cell| cell.value.map_or_else(|| clean(&cell.text), |value| value.to_string());
        let mut text =
            format!("\t{}\n", self.heads.iter().map(|head| clean(head)).collect::<Vec<_>>().join("\t"));
        for row in &self.rows {
            let cells = row.cells.iter().map(of).collect::<Vec<_>>().join("\t");
            text.push_str(&format!("{}\t{cells}\n", clean(self.label(row))));
        }
        text
    }

    /// The name of a row.
    pub fn label(&self, row: &Row) -> &'static str {
        if self.ascii { row.ascii } else { row.label }
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
        for (nth, row) in lines.enumerate() {
            let y = inner.y + 1 + nth as u16;
            let label = self.label(row);
            let place = Rect { x: inner.x, y, width: LABELS.min(inner.width), height: 1 };
            view.hits.add(place, Target::Word(row.key));
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
                let style = if row.best == Some(*at) { theme.strong() } else { Style::new() };
                let text = beside_reference(row, *at, reference, width);
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
}

/// A value, with how far it is from the reference where there is room for that.
fn beside_reference(row: &Row, at: usize, reference: usize, width: u16) -> String {
    let (cell, other): (&Cell, &Cell) = (&row.cells[at], &row.cells[reference]);
    let apart = cell.value.zip(other.value).map(|(a, b)| a - b).filter(|apart| apart.is_finite());
    let figure = FIGURES.iter().find(|figure| figure.word.key == row.key && figure.is_of_samples());
    let Some(Form::Fixed(decimals)) = figure.map(|figure| figure.form) else { return cell.text.clone() };
    match apart {
        Some(apart) if at != reference && width >= 18 => format!("({apart:+.decimals$}) {}", cell.text),
        _ => cell.text.clone(),
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
