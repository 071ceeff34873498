//! The audits there are, and what the chosen one found.

use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span, Text};
use ratatui::widgets::Paragraph;

use crate::audit::shelf::Kept;
use crate::audit::{Tone, found, lines};
use crate::format::{self, wrapped};
use crate::tui::layout;
use crate::tui::model::Model;
use crate::tui::theme::Theme;
use crate::tui::view::{Target, View};

/// Columns in front of what came of it: heading and width.
const COLUMNS: [(&str, usize); 3] = [("audit", 30), ("state", 14), ("when", 16)];

/// Columns of what a line of a report is about.
const ABOUT: usize = 20;

/// Draws the list with the chosen report below it, or the report alone.
pub fn draw(model: &Model, view: &mut View, area: Rect) {
    let theme = model.theme;
    let rows = model.audits_view.rows.as_deref().unwrap_or_default();
    if model.audits_view.reading {
        return report(model, view, area);
    }
    let (list, below) = parts(area, rows.len());
    let chosen = model.chosen_audit();
    let at = rows.iter().position(|row| Some(row) == chosen).unwrap_or(0);
    let title = match rows.len() {
        0 => "audits".to_owned(),
        count => format!("audits, {} of {count}", at + 1),
    };
    let block = theme.frame(title);
    let inner = block.inner(list);
    view.frame.render_widget(block, list);
    if rows.is_empty() {
        let words = match model.audits_view.rows {
            None => " reading the audits",
            Some(_) => " none yet: press A on a preset, or run gialab audit on an update that was captured",
        };
        let words = format::cut(words, inner.width.into(), theme.ascii);
        view.frame.buffer_mut().set_line(inner.x, inner.y, &Line::styled(words, theme.dim()), inner.width);
        return;
    }
    let width = usize::from(inner.width);
    let heading: String = COLUMNS.iter().map(|(name, width)| format!("{name:<width$}")).collect();
    let heading = format::cut(&format!(" {heading}what came back"), width, theme.ascii);
    view.frame.buffer_mut().set_stringn(inner.x, inner.y, heading, width, theme.dim());
    let room = usize::from(inner.height.saturating_sub(1)).max(1);
    let first = at.saturating_sub(room * 2 / 3).min(rows.len().saturating_sub(room));
    for (place, audit) in rows.iter().skip(first).take(room).enumerate() {
        let y = inner.y + 1 + place as u16;
        let row = Rect { y, height: 1, ..inner };
        let style = if Some(audit) == chosen { theme.selected() } else { Style::new() };
        view.hits.add(row, Target::Row(audit.name.clone()));
        view.frame.render_widget(Paragraph::new(line(audit, width, model).style(style)), row);
    }
    if below.height > 2 {
        report(model, view, below);
    }
}

/// Where the list is, and the report.
fn parts(area: Rect, rows: usize) -> (Rect, Rect) {
    let wanted = (rows.max(1) + 3).min(usize::from(area.height) / 3).max(5) as u16;
    let list = if rows == 0 { area.height } else { wanted.min(area.height) };
    (Rect { height: list, ..area }, Rect { y: area.y + list, height: area.height - list, ..area })
}

fn line(audit: &Kept, width: usize, model: &Model) -> Line<'static> {
    let theme = model.theme;
    let cell = |text: &str, at: usize| {
        let width = COLUMNS[at].1;
        format!("{:<width$}", format::cut(text, width - 1, theme.ascii))
    };
    let (state, style) = state(audit, theme);
    let taken: usize = COLUMNS.iter().map(|(_, width)| width).sum();
    let found = match &audit.report {
        Some(Ok(report)) => found(report),
        Some(Err(error)) => error.clone(),
        None => String::new(),
    };
    let found = format::cut(&found, width.saturating_sub(taken + 1), theme.ascii);
    Line::from(vec![
        Span::raw(format!(" {}", cell(&audit.name, 0))),
        Span::styled(cell(&state, 1), style),
        Span::raw(cell(&format::ago(model.now - audit.at), 2)),
        Span::raw(found),
    ])
}

fn state(audit: &Kept, theme: Theme) -> (String, Style) {
    let (done, begun) = audit.runs;
    match &audit.report {
        _ if audit.live => (format!("{} {done} of {begun}", theme.glyph("●", "*")), theme.accent()),
        Some(Ok(_)) => (format!("{} done", theme.glyph("✓", "+")), theme.good()),
        Some(Err(_)) => (format!("{} unreadable", theme.glyph("✗", "x")), theme.bad()),
        None => (format!("{} stopped", theme.glyph("■", "#")), theme.warning()),
    }
}

/// Lines of the chosen report.
fn text(model: &Model, width: usize) -> Vec<Line<'static>> {
    let theme = model.theme;
    let Some(audit) = model.chosen_audit() else { return Vec::new() };
    let report = match &audit.report {
        Some(Ok(report)) => report,
        Some(Err(error)) => return vec![Line::styled(error.clone(), theme.bad())],
        None if audit.live => {
            return vec![Line::styled("it is being made; its report comes at the end", theme.dim())];
        }
        None => return vec![Line::styled("it was stopped; the same command goes on", theme.dim())],
    };
    let mut text = Vec::new();
    for said in lines(report) {
        let style = match said.tone {
            Tone::Good => theme.good(),
            Tone::Bad => theme.bad(),
            Tone::Plain => Style::new(),
        };
        let mut about = said.about;
        if about.chars().count() >= ABOUT {
            text.push(Line::styled(about.clone(), theme.accent()));
            about = String::new();
        }
        for (at, row) in wrapped(&said.words, width.saturating_sub(ABOUT).max(20)).into_iter().enumerate() {
            let about = if at == 0 { about.as_str() } else { "" };
            text.push(Line::from(vec![
                Span::styled(format!("{about:<ABOUT$}"), theme.accent()),
                Span::styled(row, style),
            ]));
        }
    }
    text.push(Line::styled(format!("as a page: {}", audit.path.join("report.html").display()), theme.dim()));
    text
}

/// The furthest that the report can be moved.
pub fn last_top(model: &Model) -> usize {
    let area = layout::areas(Rect::new(0, 0, model.size.0, model.size.1)).body;
    let width = usize::from(area.width.saturating_sub(4));
    text(model, width).len().saturating_sub(usize::from(area.height.saturating_sub(2)))
}

fn report(model: &Model, view: &mut View, area: Rect) {
    let theme = model.theme;
    let name = model.chosen_audit().map(|audit| audit.name.clone()).unwrap_or_default();
    let block = theme.frame(name);
    let inner = block.inner(area);
    view.frame.render_widget(block, area);
    let inner = Rect { x: inner.x + 1, width: inner.width.saturating_sub(2), ..inner };
    let lines = text(model, inner.width.into());
    let top = if model.audits_view.reading { model.audits_view.top } else { 0 };
    let shown: Vec<Line<'_>> = lines.into_iter().skip(top).take(inner.height.into()).collect();
    view.frame.render_widget(Paragraph::new(Text::from(shown)), inner);
}

/// One sentence about the chosen audit.
pub fn status(model: &Model) -> Line<'static> {
    let theme = model.theme;
    let words = match model.chosen_audit() {
        None => String::new(),
        Some(audit) => match &audit.report {
            Some(Ok(report)) => format!(" {}", report.command),
            _ => format!(" {}", audit.path.display()),
        },
    };
    Line::styled(words, theme.dim())
}
