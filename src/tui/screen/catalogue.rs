//! The field as a timeline: attacks or defences by year, and the chosen one.

use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span, Text};
use ratatui::widgets::Paragraph;

use super::runs::draw_filter;
use crate::catalogue::literature::{Entry, Knowledge};
use crate::format::{self, wrapped};
use crate::tui::keymap::{Action, Place};
use crate::tui::model::{CatalogueView, Model};
use crate::tui::theme::Theme;
use crate::tui::view::{Target, View};

/// Columns of a list: heading, width, and how wide the list must be for it.
struct Column {
    heading: &'static str,
    width: usize,
    from: usize,
    says: fn(&Model, &Entry, usize) -> String,
}

/// Of attacks; the last takes what is left.
const ATTACKS: [Column; 7] = [
    Column { heading: "attack", width: 23, from: 0, says: |_, entry, _| entry.key.clone() },
    Column { heading: "family", width: 17, from: 0, says: |_, entry, _| entry.family.clone() },
    Column { heading: "model", width: 6, from: 0, says: |_, entry, _| entry.threat_models() },
    Column { heading: "here", width: 9, from: 0, says: |model, entry, _| here(model, entry) },
    Column { heading: "must know", width: 22, from: 0, says: must_know },
    Column { heading: "published", width: 19, from: 112, says: |_, entry, _| published(entry) },
    Column { heading: "bounded by", width: 24, from: 100, says: |_, entry, _| entry.about().to_owned() },
];

/// Of defences.
const DEFENCES: [Column; 5] = [
    Column { heading: "defence", width: 23, from: 0, says: |_, entry, _| entry.key.clone() },
    Column { heading: "acts on", width: 9, from: 0, says: |_, entry, _| entry.family.clone() },
    Column { heading: "holds for", width: 11, from: 0, says: |_, entry, _| entry.threat_models() },
    Column { heading: "here", width: 9, from: 0, says: |model, entry, _| here(model, entry) },
    Column { heading: "what it does", width: 24, from: 0, says: |_, entry, _| entry.about().to_owned() },
];

/// Columns of a label beside the chosen entry.
const LABEL: usize = 12;

/// Draws list and chosen entry.
pub fn draw(model: &Model, view: &mut View, area: Rect) {
    let below = if area.height >= 30 { area.height * 2 / 5 } else { area.height * 2 / 5 + 1 };
    let [list, entry] = Layout::vertical([Constraint::Min(0), Constraint::Length(below)]).areas(area);
    draw_list(model, view, list);
    draw_entry(model, view, entry);
}

/// What the marks and columns mean.
pub fn status(model: &Model) -> Line<'static> {
    let theme = model.theme;
    let text = if model.catalogue_view.defences {
        " holds for: models, fully/partly; here: what an attack gets in spite of it".to_owned()
    } else {
        format!(
            " {} any server  {} granted or collected  {} can be seen  here: preset's median",
            Knowledge::Local.mark(theme.ascii),
            Knowledge::Labels.mark(theme.ascii),
            Knowledge::Choose.mark(theme.ascii)
        )
    };
    Line::styled(text, theme.dim())
}

/// What an entry does here: the median of its preset, or that it is not here.
fn here(model: &Model, entry: &Entry) -> String {
    let expect = model.preset_of(entry).and_then(|preset| preset.config.expect.as_ref());
    match expect {
        _ if !entry.runs => "not here".to_owned(),
        Some(expect) => expect.in_words(0),
        None => "runs".to_owned(),
    }
}

/// Marks with names, or where these have no room marks alone.
fn must_know(model: &Model, entry: &Entry, width: usize) -> String {
    let ascii = model.theme.ascii;
    let whole = Knowledge::marked(entry.knows(), ascii);
    if whole.chars().count() < width {
        return whole;
    }
    let marks: Vec<&str> = entry.knows().iter().map(|known| known.mark(ascii)).collect();
    marks.join(" ")
}

fn published(entry: &Entry) -> String {
    entry.figure().map_or_else(|| "-".to_owned(), |reported| reported.figure.clone())
}

fn title(view: &CatalogueView, at: usize, count: usize) -> String {
    let what = if view.defences { "defences" } else { "attacks" };
    let mut title = match count {
        0 => format!("{what}, none of {}", view.all().len()),
        count if count < view.all().len() => {
            format!("{what}, {} of {count} (of {})", at + 1, view.all().len())
        }
        count => format!("{what}, {} of {count}", at + 1),
    };
    if let Some(letter) = view.threat_model {
        title.push_str(&format!(", threat model {letter}"));
    }
    if let Some(family) = view.family {
        title.push_str(&format!(", {family}"));
    }
    if let Some(modality) = view.modality {
        title.push_str(&format!(", on {modality}"));
    }
    if view.runs {
        title.push_str(", that run here");
    }
    title
}

fn draw_list(model: &Model, view: &mut View, area: Rect) {
    let (theme, list) = (model.theme, &model.catalogue_view);
    let visible = list.visible();
    let chosen = list.chosen().map(|entry| entry.key.as_str());
    let at = visible.iter().position(|entry| Some(entry.key.as_str()) == chosen).unwrap_or(0);
    let block = theme.frame(title(list, at, visible.len()));
    let mut inner = block.inner(area);
    view.frame.render_widget(block, area);
    inner.height -= draw_filter(view, theme, inner, &list.filter, list.filtering, None).min(inner.height);
    if visible.is_empty() {
        let text = "nothing is found so; Esc shows all";
        view.frame.buffer_mut().set_stringn(inner.x + 1, inner.y, text, inner.width.into(), theme.dim());
        return;
    }
    let columns = columns(list.defences, inner.width.into());
    let heading: String =
        columns.iter().map(|(column, width)| format!("{:<width$}", column.heading)).collect();
    let room = usize::from(inner.width.saturating_sub(2));
    view.frame.buffer_mut().set_stringn(inner.x + 2, inner.y, heading, room, theme.dim());
    let (mut lines, mut rows, mut chosen_line) = (Vec::new(), Vec::new(), 0);
    let mut year = 0;
    for entry in &visible {
        if entry.year != year {
            year = entry.year;
            let count = visible.iter().filter(|entry| entry.year == year).count();
            lines.push(of_year(year, count, theme));
        }
        let is_chosen = Some(entry.key.as_str()) == chosen;
        if is_chosen {
            chosen_line = lines.len();
        }
        let style = match (is_chosen, entry.runs) {
            (true, _) => theme.selected(),
            (false, true) => Style::new(),
            (false, false) => theme.dim(),
        };
        rows.push((lines.len(), entry.key.clone()));
        lines.push(Line::styled(row(model, entry, &columns), style));
    }
    let area = Rect { y: inner.y + 1, height: inner.height.saturating_sub(1), ..inner };
    let room = usize::from(area.height).max(1);
    // The year of the first line stays above it.
    let first = chosen_line.saturating_sub(room * 2 / 3).min(lines.len().saturating_sub(room));
    for (line, key) in rows {
        if (first..first + room).contains(&line) {
            view.hits.add(Rect { y: area.y + (line - first) as u16, height: 1, ..area }, Target::Row(key));
        }
    }
    view.frame.render_widget(Paragraph::new(Text::from(lines.split_off(first))), area);
}

/// The columns that have room, with their widths.
fn columns(defences: bool, width: usize) -> Vec<(&'static Column, usize)> {
    let all: &'static [Column] = if defences { &DEFENCES } else { &ATTACKS };
    let mut shown: Vec<(&Column, usize)> =
        all.iter().filter(|column| column.from <= width).map(|column| (column, column.width)).collect();
    let used: usize = shown.iter().map(|(_, width)| width).sum();
    if let Some((_, last)) = shown.last_mut() {
        *last = (*last + width.saturating_sub(2)).saturating_sub(used);
    }
    shown
}

/// A year with a bar as long as it has entries.
fn of_year(year: u16, count: usize, theme: Theme) -> Line<'static> {
    let bar = theme.glyph("■", "#").repeat(count);
    Line::styled(format!("{} {year}  {bar} {count}", theme.glyph("▾", "-")), theme.dim())
}

fn row(model: &Model, entry: &Entry, columns: &[(&Column, usize)]) -> String {
    let cell = |(column, width): &(&Column, usize)| {
        let text = (column.says)(model, entry, *width);
        let width = *width;
        format!("{:<width$}", format::cut(&text, width.saturating_sub(1), model.theme.ascii))
    };
    format!("  {}", columns.iter().map(cell).collect::<String>())
}

fn draw_entry(model: &Model, view: &mut View, area: Rect) {
    let theme = model.theme;
    let Some(entry) = model.catalogue_view.chosen() else {
        return view.frame.render_widget(theme.frame(""), area);
    };
    let title = format::cut(&entry.title, usize::from(area.width.saturating_sub(6)), theme.ascii);
    let block = theme.frame(title);
    let inner = block.inner(area);
    view.frame.render_widget(block, area);
    let inner = Rect { x: inner.x + 1, width: inner.width.saturating_sub(2), ..inner };
    // What it does here belongs to what one sees first.
    let mut page = entry.page();
    page.insert(page.len().min(4), ("here", model.said_here(entry)));
    let room = usize::from(inner.width).saturating_sub(LABEL);
    let mut lines = Vec::new();
    for (label, text) in page {
        for (at, part) in wrapped(&text, room).into_iter().enumerate() {
            let label = if at == 0 { label } else { "" };
            let part = format::cut(&part, room, theme.ascii);
            lines.push(Line::from(vec![
                Span::styled(format!("{label:<LABEL$}"), theme.dim()),
                Span::raw(part),
            ]));
        }
    }
    if lines.len() > usize::from(inner.height) {
        lines.truncate(usize::from(inner.height).saturating_sub(1));
        let key = model.keymap.hint(Place::Catalogue, Action::Describe, theme.ascii);
        lines.push(Line::styled(format!("{} {key} shows all of it", theme.glyph("…", "...")), theme.dim()));
    }
    view.frame.render_widget(Paragraph::new(Text::from(lines)), inner);
}
