//! One record of a table as several runs have it: a line a field, a column a run.

use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use crate::format;
use crate::run::rows::{Sheet, Told};
use crate::tui::model::{Model, RunView};
use crate::tui::view::View;

/// Columns that a field's name takes at most.
const NAME: usize = 24;
/// Columns that a value takes at most.
const VALUE: usize = 16;
/// Columns that the name of a run takes at most.
const RUN: usize = 26;
/// Between columns.
const GAP: usize = 2;

/// A column: its heading with its style, and what it says of each field.
struct Column<'a> {
    heading: String,
    style: Style,
    cells: Vec<Option<Told<'a>>>,
    /// The ground truth, not what a run has.
    is_truth: bool,
}

/// Draws the pane with its frame. Runs on other fields than those of the first one have no column.
pub fn draw(model: &Model, compared: &[(&RunView, usize)], names: &[String], area: Rect, view: &mut View) {
    let theme = model.theme;
    let sheets = compared
        .iter()
        .zip(names)
        .filter_map(|((run, place), name)| Some((run.sheet()?, *place, name.as_str(), run.id.as_str())));
    let sheets: Vec<(Sheet, usize, &str, &str)> = sheets.collect();
    let Some((first, ..)) = sheets.first() else { return };
    let alike = |sheet: &Sheet| sheet.rows().fields == first.rows().fields;
    let others = compared.len() - sheets.iter().filter(|(sheet, ..)| alike(sheet)).count();
    let title = match (others, model.compare.playing) {
        (0, false) => first.title(),
        (0, true) => format!("{}, playing", first.title()),
        (others, _) => format!("{}; {others} of the runs on something else", first.title()),
    };
    let mut block = theme.frame(format::cut(&title, usize::from(area.width).saturating_sub(4), theme.ascii));
    if area.width >= 50 && first.has_truth() {
        let note = " * known to you, never to the attackers ";
        block = block.title_bottom(Line::styled(note, theme.dim()));
    }
    let inner = block.inner(area);
    view.frame.render_widget(block, area);
    let mut columns = Vec::new();
    if first.has_truth() {
        let cells = lines(first);
        columns.push(Column { heading: "true*".into(), style: theme.dim(), cells, is_truth: true });
    }
    let chosen = model.chosen_compared().map(|run| run.id.as_str());
    for (sheet, place, name, id) in sheets.iter().filter(|(sheet, ..)| alike(sheet)) {
        let style = if chosen == Some(id) { theme.strong() } else { theme.series(*place) };
        let heading = format!("{} {name}", theme.marker(*place));
        columns.push(Column { heading, style, cells: lines(sheet), is_truth: false });
    }
    let fields: Vec<&str> = first.fields().iter().map(|told| told.field).collect();
    let named = fields.iter().copied().chain([first.rows().target.as_str()]);
    let width = named.clone().map(format::columns).max().unwrap_or(0).min(NAME);
    let mut rows = vec![Line::styled(format!(" {:<width$}", "field"), theme.dim())];
    // Fields that fit, then the class, and what is not shown.
    let room = usize::from(inner.height).saturating_sub(2);
    let shown = if fields.len() > room { room.saturating_sub(1) } else { fields.len() };
    let order: Vec<usize> = (0..shown).chain([fields.len()]).collect();
    for at in &order {
        let name = format::cut(named.clone().nth(*at).unwrap_or(""), width, theme.ascii);
        let pad = width.saturating_sub(format::columns(&name));
        rows.push(Line::raw(format!(" {name}{:pad$}", "")));
    }
    for column in &columns {
        append(&mut rows, column, &order, usize::from(inner.width), model);
    }
    if shown < fields.len() {
        let more = format!(" +{} more: open a run", fields.len() - shown);
        rows.insert(rows.len() - 1, Line::styled(more, theme.dim()));
    }
    for (line, y) in rows.iter().zip(inner.y..inner.bottom()) {
        view.frame.buffer_mut().set_line(inner.x, y, line, inner.width);
    }
}

/// What a sheet says of every field, and last of the class.
fn lines<'a>(sheet: &Sheet<'a>) -> Vec<Option<Told<'a>>> {
    sheet.fields().into_iter().map(Some).chain([sheet.label()]).collect()
}

/// Puts a column behind what is there, if it has room.
fn append(rows: &mut [Line<'static>], column: &Column, order: &[usize], most: usize, model: &Model) {
    let theme = model.theme;
    let text = |at: usize| {
        let told = column.cells.get(at).and_then(Option::as_ref);
        let value =
            told.and_then(|told| if column.is_truth { told.truth.clone() } else { Some(told.found.clone()) });
        (value.unwrap_or_else(|| "-".into()), told.and_then(|told| told.right).filter(|_| !column.is_truth))
    };
    let marks = if column.is_truth { 0 } else { theme.glyph("✓", "yes").chars().count() + 1 };
    let widest = order.iter().map(|at| format::columns(&text(*at).0)).max().unwrap_or(0).min(VALUE);
    let width = (widest + marks).max(format::columns(&column.heading).min(RUN));
    if rows.first().is_none_or(|heading| heading.width() + GAP + width > most) {
        return;
    }
    let aligned = |text: &str, width: usize| {
        let text = format::cut(text, width, theme.ascii);
        let pad = GAP + width.saturating_sub(format::columns(&text));
        format!("{:pad$}{text}", "")
    };
    for (row, at) in rows.iter_mut().zip(std::iter::once(None).chain(order.iter().map(Some))) {
        let Some(at) = at else {
            row.spans.push(Span::styled(aligned(&column.heading, width), column.style));
            continue;
        };
        let (value, right) = text(*at);
        let style = if column.is_truth { theme.dim() } else { Style::new() };
        row.spans.push(Span::styled(aligned(&value, width - marks), style));
        let (mark, style) = match right {
            Some(true) => (theme.glyph("✓", "yes"), theme.good()),
            Some(false) => (theme.glyph("✗", "no"), theme.bad()),
            None => ("", Style::new()),
        };
        if marks > 0 {
            row.spans.push(Span::styled(format!(" {mark:<width$}", width = marks - 1), style));
        }
    }
}
