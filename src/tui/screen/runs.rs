//! What was run: a line a run, with its status.

use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span, Text};
use ratatui::widgets::Paragraph;
use tui_input::Input;

use crate::config::difference::{differences as differences_between, in_words};
use crate::run::progress;
use crate::tui::format;
use crate::tui::model::{Model, RunRow};
use crate::tui::theme::Theme;
use crate::tui::view::{Target, View};

/// Draws the list.
pub fn draw(model: &Model, view: &mut View, area: Rect) {
    let theme = model.theme;
    let title = match model.runs_view.marked.len() {
        0 => format!("runs, {}", model.runs_view.sort.name()),
        count => format!("runs, {}, {count} selected", model.runs_view.sort.name()),
    };
    let block = theme.frame(title);
    let mut inner = block.inner(area);
    view.frame.render_widget(block, area);
    let filter = draw_filter(view, theme, inner, &model.runs_view.filter, model.runs_view.filtering);
    inner.height -= filter;
    if let Some(text) = instead(model) {
        let place = Rect { x: inner.x + 1, width: inner.width.saturating_sub(2), ..inner };
        let paragraph = Paragraph::new(text).style(theme.dim());
        view.frame.render_widget(paragraph.wrap(ratatui::widgets::Wrap { trim: true }), place);
        return;
    }
    let rows = model.visible_runs();
    let chosen = model.chosen_run().map(|row| row.id.as_str());
    let at = rows.iter().position(|row| Some(row.id.as_str()) == chosen).unwrap_or(0);
    let room = usize::from(inner.height.saturating_sub(1)).max(1);
    let first = at.saturating_sub(room * 2 / 3).min(rows.len().saturating_sub(room));
    let mut lines = vec![Line::styled(heading(inner.width.into()), theme.dim())];
    for row in rows.iter().skip(first).take(room) {
        let style = if Some(row.id.as_str()) == chosen { theme.selected() } else { Style::new() };
        let y = inner.y + lines.len() as u16;
        view.hits.add(Rect { y, height: 1, ..inner }, Target::Row(row.id.clone()));
        lines.push(line(model, row, inner.width.into()).style(style));
    }
    view.frame.render_widget(Paragraph::new(Text::from(lines)), inner);
}

/// What stands in place of the list.
fn instead(model: &Model) -> Option<String> {
    if let Some(error) = &model.runs_view.error {
        return Some(error.clone());
    }
    match &model.runs_view.rows {
        None => Some("reading the runs".into()),
        Some(rows) if rows.is_empty() => {
            let quickest = model
                .presets
                .iter()
                .filter_map(|entry| Some((model.expected(entry)?.seconds, &entry.name)))
                .min_by(|a, b| a.0.total_cmp(&b.0));
            let hint = match quickest {
                Some((seconds, name)) => format!("; {name} takes {}", format::about(seconds)),
                None => String::new(),
            };
            Some(format!("No runs yet. Press 1, then Enter on a preset{hint}."))
        }
        Some(_) if model.visible_runs().is_empty() => Some("no run has these words; Esc shows all".into()),
        Some(_) => None,
    }
}

/// One sentence about the chosen run.
pub fn status(model: &Model) -> Line<'static> {
    let theme = model.theme;
    let Some(row) = model.chosen_run() else { return Line::default() };
    if let Some(error) = &row.error {
        return Line::styled(format!(" {error}"), theme.bad());
    }
    let at = row.summary.iteration.map_or(String::new(), |iteration| format!(" at it {iteration}"));
    let text = match row.health {
        crate::run::Health::Crashed => {
            let ago = format::ago(model.now - row.heartbeat);
            format!(" crashed {ago}{at}: r resumes from the last checkpoint")
        }
        crate::run::Health::Stopped => format!(" stopped{at}: r resumes from the last checkpoint"),
        crate::run::Health::Running | crate::run::Health::Paused => {
            match row.config.as_ref().zip(row.summary.place) {
                Some((config, place)) => {
                    let share = 100.0 * progress::share_at(config, place);
                    format!(" {}: {share:.0} % of what is planned", place.describe(config))
                }
                None => String::new(),
            }
        }
        _ => format!(" {}", row.directory.path().display()),
    };
    Line::styled(text, theme.dim())
}

/// Draws the filter in the first row of `area` if there is one; returns the rows used.
pub fn draw_filter(view: &mut View, theme: Theme, area: Rect, filter: &Input, filtering: bool) -> u16 {
    if filter.value().is_empty() && !filtering {
        return 0;
    }
    let room = usize::from(area.width.saturating_sub(4)).max(1);
    let scroll = filter.visual_scroll(room - 1);
    let text: String = filter.value().chars().skip(scroll).take(room).collect();
    let line = Line::from(vec![Span::styled(" / ", theme.accent()), Span::raw(text)]);
    // The last row, so that the list does not move.
    let y = area.bottom().saturating_sub(1);
    view.frame.buffer_mut().set_line(area.x, y, &line, area.width);
    if filtering {
        let column = filter.visual_cursor().saturating_sub(scroll) as u16;
        super::presets::place_cursor(view, area.x + 3 + column, y);
    }
    1
}

/// Columns on the right with their widths, the least needed last.
const FIGURES: [(&str, usize); 5] =
    [("PSNR dB", 7), ("match", 8), ("started", 13), ("took", 9), ("backend", 8)];

/// The status in front.
const STATUS: usize = 11;

/// Below this a name cannot be told from another.
const SHORTEST_NAME: usize = 16;

/// Widths that depend on the screen: preset, changes, and how many of the figures fit.
fn widths(width: usize) -> (usize, usize, usize) {
    let taken = |figures: usize| FIGURES[..figures].iter().map(|(_, width)| width + 1).sum::<usize>();
    let figures =
        (1..=FIGURES.len()).rev().find(|n| STATUS + SHORTEST_NAME + taken(*n) <= width).unwrap_or(1);
    let rest = width.saturating_sub(STATUS + taken(figures));
    let changes = if rest >= 34 { rest - 20 } else { 0 };
    (rest - changes, changes, figures)
}

fn heading(width: usize) -> String {
    let (name, changes, figures) = widths(width);
    let mut text = format!(" {:<10}{:<name$}", "status", "preset");
    if changes > 0 {
        text.push_str(&format!("{:<changes$}", "changed"));
    }
    for (heading, width) in &FIGURES[..figures] {
        text.push_str(&format!(" {heading:>width$}"));
    }
    text
}

fn line(model: &Model, row: &RunRow, width: usize) -> Line<'static> {
    let theme = model.theme;
    let (name, changes, figures) = widths(width);
    let selected = match model.runs_view.mark_of(&row.id) {
        Some(place) => Span::styled(theme.marker(place), theme.series(place)),
        None => Span::raw(" "),
    };
    let mark = format!("{} {:<8}", theme.health_mark(row.health), row.health.name());
    let status = Span::styled(mark, theme.health(row.health));
    let label = if row.preset.is_empty() { &row.id } else { &row.preset };
    let mut text = format!("{:<name$}", format::cut(label, name.saturating_sub(1), theme.ascii));
    if let (Some(error), None) = (&row.error, &row.config) {
        let room = width.saturating_sub(STATUS + name);
        return Line::from(vec![
            selected,
            status,
            Span::raw(text),
            Span::styled(format::cut(error, room, theme.ascii), theme.bad()),
        ]);
    }
    if changes > 0 {
        let differs = format::cut(&differences(model, row), changes - 1, theme.ascii);
        text.push_str(&format!("{differs:<changes$}"));
    }
    let summary = &row.summary;
    let number = |value: Option<String>| value.unwrap_or_else(|| "-".into());
    let psnr = summary.psnr.map(|psnr| format::fixed(psnr, 2));
    let psnr = number(psnr.or_else(|| (!row.has_truth()).then(|| "n/a".to_owned())));
    let loss = number(summary.loss.map(format::loss));
    let took = number(summary.seconds.map(format::clock));
    let when = format::moment(row.created, model.now, &model.zone);
    let backend = format::cut(&row.backend, 8, theme.ascii);
    for (value, (_, width)) in [psnr, loss, when, took, backend].iter().zip(&FIGURES[..figures]) {
        text.push_str(&format!(" {value:>width$}"));
    }
    Line::from(vec![selected, status, Span::raw(text)])
}

/// What of a run is not as its preset says.
fn differences(model: &Model, row: &RunRow) -> String {
    let Some(config) = &row.config else { return String::new() };
    let Some(preset) = model.preset(&row.preset).map(|entry| &entry.config) else { return String::new() };
    in_words(&differences_between(preset, config))
}
