//! What was run: a line a run, with its status.

use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span, Text};
use ratatui::widgets::Paragraph;
use tui_input::Input;

use crate::format;
use crate::run::queue::Turn;
use crate::run::{InWords, progress};
use crate::tui::model::{Model, RunRow, Sort};
use crate::tui::theme::{SERIES, Theme};
use crate::tui::view::{Target, View};

/// Draws the list.
pub fn draw(model: &Model, view: &mut View, area: Rect) {
    let theme = model.theme;
    let rows = model.visible_runs();
    let chosen = model.chosen_run().map(|row| row.id.as_str());
    let at = rows.iter().position(|row| Some(row.id.as_str()) == chosen).unwrap_or(0);
    let block = theme.frame(title(model, at, rows.len()));
    let mut inner = block.inner(area);
    view.frame.render_widget(block, area);
    let list = &model.runs_view;
    inner.height -= draw_filter(view, theme, inner, &list.filter, list.filtering, list.mistake.as_deref());
    if let Some(text) = instead(model) {
        let place = Rect { x: inner.x + 1, width: inner.width.saturating_sub(2), ..inner };
        let paragraph = Paragraph::new(text).style(theme.dim());
        view.frame.render_widget(paragraph.wrap(ratatui::widgets::Wrap { trim: true }), place);
        return;
    }
    draw_heading(model, view, inner);
    let list = Rect { y: inner.y + 1, height: inner.height.saturating_sub(1), ..inner };
    let room = usize::from(list.height).max(1);
    let first = at.saturating_sub(room * 2 / 3).min(rows.len().saturating_sub(room));
    let mut lines = Vec::new();
    for row in rows.iter().skip(first).take(room) {
        let style = if Some(row.id.as_str()) == chosen { theme.selected() } else { Style::new() };
        let y = list.y + lines.len() as u16;
        view.hits.add(Rect { y, height: 1, ..list }, Target::Row(row.id.clone()));
        lines.push(line(model, row, list.width.into()).style(style));
    }
    view.frame.render_widget(Paragraph::new(Text::from(lines)), list);
}

/// `runs, 3 of 12 (41 in all), newest first, 2 selected`.
fn title(model: &Model, at: usize, shown: usize) -> String {
    let list = &model.runs_view;
    let all = list.rows.as_ref().map_or(0, Vec::len);
    let mut title = "runs".to_owned();
    if all > 0 {
        let place = if shown == 0 { 0 } else { at + 1 };
        title.push_str(&format!(", {place} of {shown}"));
        if shown < all {
            title.push_str(&format!(" ({all} in all)"));
        }
    }
    title.push_str(&format!(", {}", list.sort.name(list.reversed)));
    if !list.marked.is_empty() {
        title.push_str(&format!(", {} selected", list.marked.len()));
    }
    title
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
            Some(format!(
                "No runs yet. Press 1, then Enter on a preset{hint}. Runs of studies stand in 5 Studies."
            ))
        }
        Some(_) if model.visible_runs().is_empty() => {
            Some("no run is found by this filter; Esc shows all. Runs of studies stand in 5 Studies".into())
        }
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
        crate::run::Health::Queued => {
            format!(" queued: {}", waits(model, row))
        }
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
    let written = written(row);
    let text = if written.is_empty() { text } else { format!(" {written}") };
    Line::styled(text, theme.dim())
}

/// Tags and note of a run, which have no column.
fn written(row: &RunRow) -> String {
    let tags = row.notebook.tags.iter().map(|tag| format!("#{tag}"));
    let note = Some(row.notebook.note.replace('\n', " ")).filter(|note| !note.is_empty());
    tags.chain(note).collect::<Vec<_>>().join(" ")
}

/// How a run waits, and when it is likely to begin.
pub fn waits(model: &Model, row: &RunRow) -> String {
    let Some(turn) = row.waits else { return "waits for its worker".to_owned() };
    let start = model.runs_view.starts.get(&row.id).filter(|_| turn != Turn::Held);
    let start = start.map(|start| {
        let moment = format::moment(start.max(model.now), model.now, &model.zone);
        format!(", starts about {}", moment.trim())
    });
    format!("{turn}{}", start.unwrap_or_default())
}

/// Draws the filter in the last row of `area` if there is one, with what of it cannot be read; returns the rows used.
pub fn draw_filter(
    view: &mut View,
    theme: Theme,
    area: Rect,
    filter: &Input,
    filtering: bool,
    mistake: Option<&str>,
) -> u16 {
    if filter.value().is_empty() && !filtering {
        return 0;
    }
    let sentence = mistake.map_or(0, |mistake| mistake.chars().count() + 3);
    let room = usize::from(area.width).saturating_sub(4 + sentence).max(TYPED);
    let scroll = filter.visual_scroll(room - 1);
    let text: String = filter.value().chars().skip(scroll).take(room).collect();
    let line = Line::from(vec![Span::styled(" / ", theme.accent()), Span::raw(text)]);
    // The last row, so that the list does not move.
    let y = area.bottom().saturating_sub(1);
    view.frame.buffer_mut().set_line(area.x, y, &line, area.width);
    if let Some(mistake) = mistake {
        let used = (3 + filter.value().chars().count().min(room) + 3) as u16;
        let sentence = format::cut(mistake, usize::from(area.width.saturating_sub(used)), theme.ascii);
        let style = theme.warning();
        view.frame.buffer_mut().set_stringn(area.x + used, y, sentence, area.width.into(), style);
    }
    if filtering {
        let column = filter.visual_cursor().saturating_sub(scroll) as u16;
        super::presets::place_cursor(view, area.x + 3 + column, y);
    }
    1
}

/// Characters of a filter that are seen beside a sentence about it.
const TYPED: usize = 12;

/// Columns on the right with their widths and what orders by them, the least needed last.
const FIGURES: [(&str, usize, Option<Sort>); 5] = [
    ("PSNR dB", 8, Some(Sort::Figure("psnr"))),
    ("match", 8, Some(Sort::Figure("match"))),
    ("started", 13, Some(Sort::Newest)),
    ("took", 9, Some(Sort::Took)),
    ("backend", 7, None),
];

/// The columns on the right: in the place of PSNR is the figure that the list is ordered by, if it has no column.
fn columns(sort: Sort) -> [(&'static str, usize, Option<Sort>); 5] {
    let mut columns = FIGURES;
    if let Some(figure) = sort.figure().filter(|_| !Sort::COLUMNS.contains(&sort)) {
        let heading = figure.word.ascii;
        // Beside the heading is its arrow.
        columns[0] = (heading, columns[0].1.max(heading.chars().count() + 1), Some(sort));
    }
    columns
}

/// The status in front.
const STATUS: usize = 11;

/// Below this a name cannot be told from another.
const SHORTEST_NAME: usize = 16;

/// Widths that depend on the screen: preset, changes, and how many of the figures fit.
fn widths(width: usize, sort: Sort) -> (usize, usize, usize) {
    let columns = columns(sort);
    let taken = |figures: usize| columns[..figures].iter().map(|(_, width, _)| width + 1).sum::<usize>();
    let figures =
        (1..=columns.len()).rev().find(|n| STATUS + SHORTEST_NAME + taken(*n) <= width).unwrap_or(1);
    let rest = width.saturating_sub(STATUS + taken(figures));
    let changes = if rest >= 34 { rest - 20 } else { 0 };
    (rest - changes, changes, figures)
}

/// Headings; an arrow shows by which column the list is ordered, and which way its values go.
fn draw_heading(model: &Model, view: &mut View, area: Rect) {
    let theme = model.theme;
    let sort = model.runs_view.sort;
    let (name, changes, figures) = widths(area.width.into(), sort);
    let left = [("status", STATUS - 1, Some(Sort::Status)), ("preset", name, Some(Sort::Preset))];
    let changed = (changes > 0).then_some(("changed", changes, None));
    let mut x = area.x + 1;
    let mut put = |heading: &str, width: usize, sort: Option<Sort>, to_the_right: bool| {
        let list = &model.runs_view;
        let arrow = match sort == Some(list.sort) {
            true if list.sort.grows(list.reversed) => theme.glyph("▴", "^"),
            true => theme.glyph("▾", "v"),
            false => "",
        };
        let text = if to_the_right {
            format!("{:>width$}", format!("{arrow}{heading}"))
        } else {
            format!("{heading}{arrow}")
        };
        let style = if arrow.is_empty() { theme.dim() } else { theme.accent() };
        let place = Rect { x, width: width as u16, height: 1, ..area }.intersection(area);
        view.frame.buffer_mut().set_stringn(x, area.y, text, place.width.into(), style);
        if let Some(column) = Sort::all().position(|known| Some(known) == sort) {
            view.hits.add(place, Target::Column(column));
        }
        x += width as u16;
    };
    for (heading, width, sort) in left.into_iter().chain(changed) {
        put(heading, width, sort, false);
    }
    for (heading, width, sort) in &columns(sort)[..figures] {
        put(heading, width + 1, *sort, true);
    }
}

fn line(model: &Model, row: &RunRow, width: usize) -> Line<'static> {
    let theme = model.theme;
    let sort = model.runs_view.sort;
    let (name, changes, figures) = widths(width, sort);
    let selected = match model.runs_view.mark_of(&row.id) {
        Some(place) if place < SERIES => Span::styled(theme.marker(place), theme.series(place)),
        // More than have a colour and a mark of their own.
        Some(_) => Span::styled(theme.glyph("•", "."), theme.accent()),
        None => Span::raw(" "),
    };
    let word = match row.waits {
        Some(Turn::Place(place)) => format::cut(&format!("waits {place}"), 8, theme.ascii),
        Some(Turn::Held) => "held".to_owned(),
        None => row.health.name().to_owned(),
    };
    let mark = format!("{} {word:<8}", theme.health_mark(row.health));
    let status = Span::styled(mark, theme.health(row.health));
    let words = model.in_words(row);
    let mut text = format!("{:<name$}", format::cut(&words.name, name.saturating_sub(1), theme.ascii));
    if let (Some(error), None) = (&row.error, &row.config) {
        let room = width.saturating_sub(STATUS + name);
        return Line::from(vec![
            selected,
            status,
            Span::raw(text),
            Span::styled(format::cut(error, room, theme.ascii), theme.bad()),
        ]);
    }
    let InWords { changed, psnr, loss, started, took, backend, .. } = words;
    if changes > 0 {
        let changed = format::cut(&changed, changes - 1, theme.ascii);
        text.push_str(&format!("{changed:<changes$}"));
    }
    let backend = format::cut(&backend, 7, theme.ascii);
    let columns = columns(sort);
    let first = match columns[0].2.filter(|first| *first != Sort::Figure("psnr")).and_then(Sort::figure) {
        Some(figure) => {
            row.summary.figure(figure.word.key).map_or("-".to_owned(), |value| figure.text(value))
        }
        None => psnr,
    };
    for (value, (_, width, _)) in [first, loss, started, took, backend].iter().zip(&columns[..figures]) {
        text.push_str(&format!(" {value:>width$}"));
    }
    Line::from(vec![selected, status, Span::raw(text)])
}
