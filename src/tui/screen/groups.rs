//! Groups of runs beside each other: the cells of a study, each with the mean of its runs and an interval.

use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use crate::format;
use crate::study::groups::Row;
use crate::study::{Group, Groups, Mean};
use crate::tui::model::{GroupsView, Model};
use crate::tui::theme::Theme;
use crate::tui::view::{Target, View};
use crate::tui::widget::chart::{Points, intervals};

/// Rows of the plot, at least; below that there is the table alone.
const PLOT: u16 = 9;

/// Columns of a name, at most, or a third of a wide screen.
const NAME: usize = 30;

/// Columns of the runs.
const RUNS: usize = 9;

/// Draws the comparison.
pub fn draw(model: &Model, view: &mut View, area: Rect, of: &GroupsView) {
    let theme = model.theme;
    let groups = match &of.current {
        Some(Ok(groups)) => groups,
        other => {
            let (text, style) = match other {
                Some(Err(reason)) => (reason.as_str(), theme.bad()),
                _ => ("reading the runs of the groups", theme.dim()),
            };
            let block = theme.frame(format!("groups of {}", of.study));
            view.frame.render_widget(Paragraph::new(text.to_owned()).style(style).block(block), area);
            return;
        }
    };
    let [header, body] = Layout::vertical([Constraint::Length(1), Constraint::Min(0)]).areas(area);
    let parts: Vec<String> =
        std::iter::once(format!("study {}", of.study)).chain(groups.common.iter().cloned()).collect();
    let line = format!(" {}", parts.join(theme.glyph(" · ", ", ")));
    let line = format::cut(&line, usize::from(header.width), theme.ascii);
    view.frame.buffer_mut().set_stringn(header.x, header.y, line, header.width.into(), theme.dim());
    let rows = (groups.groups.len() as u16 + 3).min(body.height);
    let table = match body.height.checked_sub(rows) {
        Some(rest) if rest >= PLOT => rows,
        // Half of it where all groups leave no room for the plot.
        _ if body.height >= 2 * PLOT => body.height / 2,
        _ => body.height,
    };
    let [plot, table] = Layout::vertical([Constraint::Fill(1), Constraint::Length(table)]).areas(body);
    let row = of.row(groups);
    if plot.height >= PLOT
        && let Some(row) = row
    {
        let heading = if theme.ascii { row.figure().word.ascii } else { row.figure().word.heading };
        let block = theme.frame(format!("{heading}, mean and 95 % interval"));
        let inside = block.inner(plot);
        view.frame.render_widget(block, plot);
        let (series, names) = series(groups, row);
        intervals(&series, &names, theme, inside, view.frame.buffer_mut());
    }
    draw_table(groups, of, theme, table, view);
}

/// A series a group, for its colour and mark.
fn series(groups: &Groups, row: &Row) -> (Vec<Points>, Vec<String>) {
    let scale = if row.figure().form == crate::figure::Form::Share { 100.0 } else { 1.0 };
    let point = |mean: Mean| {
        (scale * mean.mean, mean.interval.map(|interval| (scale * interval.low, scale * interval.high)))
    };
    let count = groups.groups.len();
    let series = (0..count).map(|at| {
        let points = (0..count).map(|other| row.means[at].filter(|_| other == at).map(point));
        Points { name: String::new(), place: at, at: points.collect() }
    });
    (series.collect(), groups.groups.iter().map(|group| group.name.clone()).collect())
}

fn draw_table(groups: &Groups, of: &GroupsView, theme: Theme, area: Rect, view: &mut View) {
    let block = theme.frame("means and 95 % intervals over pairs of seed and pictures");
    let inner = block.inner(area);
    view.frame.render_widget(block, area);
    let chars = |text: &str| text.chars().count();
    let name = groups
        .groups
        .iter()
        .map(|group| chars(&group.name))
        .max()
        .unwrap_or(0)
        .clamp(6, NAME.max(usize::from(inner.width) / 3));
    let columns = columns(groups, of, usize::from(inner.width).saturating_sub(3 + name + RUNS), theme);
    let mut heading = format!("   {:<name$}{:>RUNS$}", "group", "runs");
    for (title, cells) in &columns {
        let width = width(title, cells);
        heading.push_str(&format!("  {title:>width$}"));
    }
    let width_of_all = usize::from(inner.width);
    view.frame.buffer_mut().set_stringn(inner.x, inner.y, heading, width_of_all, theme.dim());
    let room = usize::from(inner.height.saturating_sub(1)).max(1);
    let chosen = of.chosen.min(groups.groups.len().saturating_sub(1));
    let first = chosen.saturating_sub(room * 2 / 3).min(groups.groups.len().saturating_sub(room));
    for (at, group) in groups.groups.iter().enumerate().skip(first).take(room) {
        let y = inner.y + 1 + (at - first) as u16;
        let runs = if group.done == group.all {
            group.all.to_string()
        } else {
            format!("{} of {}", group.done, group.all)
        };
        let called = called(group, name, theme);
        let mut text = format!("{called:<name$}{runs:>RUNS$}");
        for (title, cells) in &columns {
            let width = width(title, cells);
            text.push_str(&format!("  {:>width$}", cells[at]));
        }
        let style = if at == chosen { theme.selected() } else { Style::new() };
        let reference = if at == 0 { "*" } else { " " };
        let line = Line::from(vec![
            Span::styled(theme.marker(at), theme.series(at)),
            Span::styled(format!("{reference} "), theme.accent()),
            Span::styled(text, style),
        ]);
        view.frame.buffer_mut().set_line(inner.x, y, &line, inner.width);
        view.hits.add(Rect { y, height: 1, ..inner }, Target::Entry(at as u32));
    }
}

/// The name of a group in so many columns; where it is longer, its end, as the last axes tell neighbours apart.
fn called(group: &Group, columns: usize, theme: Theme) -> String {
    let chars = |text: &str| text.chars().count();
    if chars(&group.name) <= columns {
        return group.name.clone();
    }
    match chars(&group.short) {
        0 => format::cut(&group.name, columns, theme.ascii),
        short if short <= columns => group.short.clone(),
        short => {
            let mark = theme.glyph("…", "..");
            let end = group.short.chars().skip(short + chars(mark) - columns);
            mark.chars().chain(end).collect()
        }
    }
}

/// The chosen figure, how far it is from the first group's, then the other figures, as far as they fit.
fn columns(
    groups: &Groups,
    of: &GroupsView,
    width_of_all: usize,
    theme: Theme,
) -> Vec<(String, Vec<String>)> {
    let Some(row) = of.row(groups) else { return Vec::new() };
    let dash = || theme.glyph("–", "-").to_owned();
    let texts = |row: &Row| {
        let text = |mean: &Option<Mean>| mean.map_or_else(dash, |mean| mean.text(row.figure()));
        row.means.iter().map(text).collect::<Vec<_>>()
    };
    let heading = |row: &Row| {
        let word = &row.figure().word;
        if theme.ascii { word.ascii } else { word.heading }.to_owned()
    };
    let apart = row.apart.iter().map(|mean| mean.map_or_else(dash, |mean| mean.text_apart(row.figure())));
    let mut all = vec![(heading(row), texts(row)), ("less *, by pairs".to_owned(), apart.collect())];
    all.extend(groups.rows.iter().filter(|other| other.key != row.key).map(|row| (heading(row), texts(row))));
    let mut used = 0;
    all.into_iter()
        .enumerate()
        .take_while(|(at, (title, cells))| {
            used += width(title, cells) + 2;
            used <= width_of_all || *at == 0
        })
        .map(|(_, column)| column)
        .collect()
}

fn width(title: &str, cells: &[String]) -> usize {
    let chars = |text: &str| text.chars().count();
    cells.iter().map(|cell| chars(cell)).max().unwrap_or(0).max(chars(title))
}

/// One sentence.
pub fn status(of: &GroupsView, theme: Theme) -> Line<'static> {
    match &of.current {
        Some(Ok(groups)) if groups.rows.is_empty() => Line::styled(" no run has a result yet", theme.dim()),
        Some(Ok(_)) => Line::styled(" * is what the others are compared with, pair by pair", theme.dim()),
        _ => Line::default(),
    }
}
