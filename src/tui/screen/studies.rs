//! The studies there are: a line each, with how far it has come.

use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span, Text};
use ratatui::widgets::Paragraph;

use crate::format;
use crate::study::{Brief, Count, Outcome};
use crate::text::about;
use crate::tui::model::Model;
use crate::tui::theme::Theme;
use crate::tui::view::{Target, View};

/// Columns in front of the title: heading and width.
const COLUMNS: [(&str, usize); 5] =
    [("study", 10), ("runs", 15), ("verdict so far", 15), ("quick", 9), ("all", 8)];

/// Draws the list, or the study that is looked into.
pub fn draw(model: &Model, view: &mut View, area: Rect) {
    if let Some(study) = model.study() {
        return super::study::draw(model, study, view, area);
    }
    let theme = model.theme;
    let rows = model.studies_view.rows.as_deref().unwrap_or_default();
    let chosen = model.chosen_study().map(|brief| brief.name.as_str());
    let at = rows.iter().position(|row| Some(row.name.as_str()) == chosen).unwrap_or(0);
    let title = match rows.len() {
        0 => "studies".to_owned(),
        count => format!("studies, {} of {count}", at + 1),
    };
    let block = theme.frame(title);
    let inner = block.inner(area);
    view.frame.render_widget(block, area);
    if rows.is_empty() {
        let line = Line::styled(" reading the studies", theme.dim());
        view.frame.buffer_mut().set_line(inner.x, inner.y, &line, inner.width);
        return;
    }
    let width = usize::from(inner.width);
    let heading: String = COLUMNS.iter().map(|(name, width)| format!("{name:<width$}")).collect();
    let heading = format::cut(&format!(" {heading}title"), width, theme.ascii);
    view.frame.buffer_mut().set_stringn(inner.x, inner.y, heading, width, theme.dim());
    let list = Rect { y: inner.y + 1, height: inner.height.saturating_sub(1), ..inner };
    let room = usize::from(list.height).max(1);
    let first = at.saturating_sub(room * 2 / 3).min(rows.len().saturating_sub(room));
    let mut lines = Vec::new();
    for brief in rows.iter().skip(first).take(room) {
        let style = if Some(brief.name.as_str()) == chosen { theme.selected() } else { Style::new() };
        let y = list.y + lines.len() as u16;
        view.hits.add(Rect { y, height: 1, ..list }, Target::Row(brief.name.clone()));
        lines.push(line(brief, width, theme).style(style));
    }
    view.frame.render_widget(Paragraph::new(Text::from(lines)), list);
}

fn line(brief: &Brief, width: usize, theme: Theme) -> Line<'static> {
    let cell = |text: &str, at: usize| {
        let width = COLUMNS[at].1;
        format!("{:<width$}", format::cut(text, width - 1, theme.ascii))
    };
    let taken: usize = COLUMNS.iter().map(|(_, width)| width).sum();
    let title = format::cut(&brief.title, width.saturating_sub(taken + 1), theme.ascii);
    let (state, style) = state(brief, theme);
    if brief.why_not().is_some() {
        let rest: usize = COLUMNS[2..].iter().map(|(_, width)| width).sum();
        let text = format!(" {}{}{:rest$}{title}", cell(&brief.name, 0), cell(&state, 1), "");
        return Line::styled(text, theme.dim());
    }
    let outcome = brief.outcome.map_or("-", Outcome::name);
    let quick = brief.quick.as_ref().map_or_else(|| "-".to_owned(), time);
    Line::from(vec![
        Span::raw(format!(" {}", cell(&brief.name, 0))),
        Span::styled(cell(&state, 1), style),
        Span::styled(cell(outcome, 2), verdict(brief.outcome, theme)),
        Span::raw(format!("{}{}{title}", cell(&quick, 3), cell(&time(&brief.whole), 4))),
    ])
}

/// Seconds to go, or that there are none.
fn time(count: &Count) -> String {
    match count.seconds {
        _ if count.is_complete() => "done".to_owned(),
        Some(seconds) => about(seconds),
        None => "-".to_owned(),
    }
}

/// How far it has come.
fn state(brief: &Brief, theme: Theme) -> (String, Style) {
    let Count { all, done, failed, .. } = brief.whole;
    match brief {
        Brief { lacks: Some(attack), .. } => (format!("  needs {attack}"), theme.dim()),
        Brief { error: Some(_), .. } => (format!("{} cannot run", theme.glyph("✗", "x")), theme.bad()),
        _ if brief.is_live() => (format!("{} {done} of {all}", theme.glyph("●", "*")), theme.accent()),
        _ if brief.whole.is_complete() => (format!("{} {all}", theme.glyph("✓", "+")), theme.good()),
        _ if failed > 0 => (format!("{} {done} of {all}", theme.glyph("✗", "x")), theme.bad()),
        _ if brief.is_begun() => (format!("{} {done} of {all}", theme.glyph("■", "#")), theme.warning()),
        _ => (format!("  {all}"), Style::new()),
    }
}

/// The style of what follows.
pub fn verdict(outcome: Option<Outcome>, theme: Theme) -> Style {
    match outcome {
        Some(Outcome::AsExpected) => theme.good(),
        Some(Outcome::Opposite) => theme.warning(),
        Some(Outcome::Inconclusive) | None => Style::new(),
    }
}

/// One sentence about the chosen study.
pub fn status(model: &Model) -> Line<'static> {
    let theme = model.theme;
    if let Some(study) = model.study() {
        return super::study::status(study, theme);
    }
    let Some(brief) = model.chosen_study() else { return Line::default() };
    if let Some(error) = &brief.error {
        return Line::styled(format!(" {error}"), theme.bad());
    }
    let text = match brief.why_not() {
        Some(reason) => format!(" {}: {reason}", brief.name),
        None => format!(
            " {}: preset {} in {} cells; quick and all say how long what is to do takes, about",
            brief.name, brief.preset, brief.cells
        ),
    };
    Line::styled(text, theme.dim())
}
