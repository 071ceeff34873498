//! The record of a table that an attack is after: a line a field with its true and its recovered value.

use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use crate::format;
use crate::run::rows::{self, Sheet, Told};
use crate::tui::keymap::{Action, Place};
use crate::tui::model::{Model, RunView};
use crate::tui::theme::Theme;
use crate::tui::view::View;

/// Cells of the bar of a confidence.
const BAR: usize = 10;
/// Columns that are left of a field's name at least.
const NAME: usize = 8;
/// Between columns.
const GAP: usize = 2;
/// Of whom the truth is known.
const NOTE: &str = " * known to you, never to the attacker ";

/// Draws the pane with its frame.
pub fn draw(model: &Model, run: &RunView, area: Rect, view: &mut View) {
    let theme = model.theme;
    let sheet = run.sheet();
    let width = usize::from(area.width).saturating_sub(4);
    let title = format::cut(&title(run, sheet.as_ref(), theme), width, theme.ascii);
    let mut block = theme.frame(title);
    let dot = theme.glyph(" · ", ", ");
    let summaries = sheet.map(|sheet| sheet.summaries(dot)).unwrap_or_default();
    let summary = summaries.into_iter().find(|summary| format::columns(summary) <= width);
    let used = summary.as_deref().map_or(0, |summary| format::columns(summary) + 3);
    if let Some(summary) = summary {
        block = block.title_bottom(Line::styled(format!(" {summary} "), theme.strong()));
    }
    if sheet.is_some_and(|sheet| sheet.has_truth()) && used + NOTE.len() <= width {
        block = block.title_bottom(Line::styled(NOTE, theme.dim()).right_aligned());
    }
    let inner = block.inner(area);
    view.frame.render_widget(block, area);
    let Some(sheet) = sheet else {
        let text = match run.current_picture() {
            Some(_) => "an earlier gialab kept no fields: run it again",
            None => "no record yet",
        };
        let y = inner.y + inner.height / 2;
        view.frame.buffer_mut().set_stringn(inner.x + 1, y, text, inner.width.into(), theme.dim());
        return;
    };
    let (fields, label) = (sheet.fields(), sheet.label());
    let columns = Columns::of(&sheet, &fields, label.as_ref(), theme, inner.width.into());
    let (room, count) = room(area, &sheet);
    let first = run.skip.min(count.saturating_sub(room));
    let mut lines = vec![columns.heading(&sheet)];
    lines.extend(fields.iter().skip(first).take(room).map(|told| columns.line(told, None)));
    lines.extend(rest(model, &sheet, (first, room, count)).map(|text| Line::styled(text, theme.dim())));
    if let Some(label) = &label {
        let labels = run.manifest.as_ref().map(|manifest| rows::source(&manifest.config.attack.labels));
        lines.push(columns.line(label, labels));
    }
    for (line, y) in lines.iter().zip(inner.y..inner.bottom()) {
        view.frame.buffer_mut().set_line(inner.x, y, line, inner.width);
    }
}

/// Fields that a pane of this area shows at once, and how many there are.
pub fn room(area: Rect, sheet: &Sheet) -> (usize, usize) {
    let count = sheet.fields().len();
    // Without frame, headings and class.
    let taken = 3 + usize::from(sheet.label().is_some());
    let room = usize::from(area.height).saturating_sub(taken);
    let is_all = count <= room && sheet.left_out().is_none();
    // One line says what is not shown.
    (if is_all { room } else { room.saturating_sub(1) }.max(1), count)
}

/// What is not shown, in words.
fn rest(model: &Model, sheet: &Sheet, (first, room, count): (usize, usize, usize)) -> Option<String> {
    let key = |action| model.keymap.hint(Place::Run, action, model.theme.ascii);
    let (up, down) = (key(Action::PageUp), key(Action::PageDown));
    let below = count.saturating_sub(first + room);
    let more = match (first, below) {
        (0, 0) => None,
        (0, below) => Some(format!("+{below} more ({down})")),
        (first, 0) => Some(format!("{first} above ({up})")),
        (first, below) => Some(format!("{first} above ({up}), +{below} more ({down})")),
    };
    let more = more.or(sheet.left_out())?;
    Some(format!(" {more}"))
}

fn title(run: &RunView, sheet: Option<&Sheet>, theme: Theme) -> String {
    let mut title = sheet.map_or("record".to_owned(), Sheet::title);
    if let Some(round) = run.chosen_round.filter(|_| run.rounds_planned() > 1) {
        title.push_str(&format!(", round {round}"));
    }
    if let Some(trial) = run.chosen_trial {
        title.push_str(&format!(", trial {}", trial + 1));
    }
    let Some(at) = run.scrub else {
        let iteration = run.current_picture().map(|picture| picture.iteration);
        return match iteration.filter(|_| sheet.is_some() && !run.judges_best()) {
            Some(iteration) => format!("{title} @ {iteration}"),
            None => title,
        };
    };
    let stored = run.stored();
    let position = stored.iter().rposition(|known| *known <= at).unwrap_or(0);
    let (mark, playing) = (theme.glyph("◂▸", "<>"), if run.playing { ", playing" } else { "" });
    format!("{title} @ {at} {mark} {} of {}{playing}", position + 1, stored.len())
}

/// Widths of the columns; those that are 0 are not shown.
struct Columns {
    theme: Theme,
    name: usize,
    truth: usize,
    found: usize,
    off: usize,
    confidence: usize,
    has_bar: bool,
    right: usize,
}

impl Columns {
    /// As wide as what they hold; where that is too much, first confidence and distance go, then the names.
    fn of(sheet: &Sheet, fields: &[Told], label: Option<&Told>, theme: Theme, width: usize) -> Columns {
        let all = || fields.iter().chain(label);
        let widest = |heading: &str, text: &dyn Fn(&Told) -> usize| {
            all().map(text).max().unwrap_or(0).max(format::columns(heading))
        };
        let has_truth = sheet.has_truth();
        let mut columns = Columns {
            theme,
            name: widest("field", &|told| format::columns(told.field)),
            truth: if has_truth {
                widest("true*", &|told| told.truth.as_deref().map_or(0, format::columns))
            } else {
                0
            },
            found: widest("recovered", &|told| format::columns(&told.found)),
            off: if has_truth {
                widest("off by", &|told| told.off.as_deref().map_or(0, format::columns))
            } else {
                0
            },
            confidence: if sheet.has_confidence() { BAR + 6 } else { 0 },
            has_bar: true,
            right: if all().any(|told| told.right.is_some()) {
                theme.glyph("✓", "yes").chars().count()
            } else {
                0
            },
        };
        if columns.needed() > width && columns.confidence > 0 {
            (columns.confidence, columns.has_bar) = ("confidence".len(), false);
        }
        let fits = |columns: &Columns| columns.needed() - columns.name + NAME.max(columns.name / 2) <= width;
        if !fits(&columns) {
            columns.confidence = 0;
        }
        if !fits(&columns) {
            columns.off = 0;
        }
        let most = width.saturating_sub(columns.needed() - columns.name).max(NAME);
        columns.name = columns.name.min(most);
        // Words of any length must leave room for their neighbour.
        let left = width.saturating_sub(columns.name + columns.right + 3 * GAP + 2);
        if columns.truth + columns.found > left && columns.off == 0 {
            let each = if has_truth { left / 2 } else { left };
            (columns.truth, columns.found) = (columns.truth.min(each), columns.found.min(each));
        }
        columns
    }

    fn needed(&self) -> usize {
        let others = [self.truth, self.found, self.off, self.confidence, self.right];
        2 + self.name + others.into_iter().filter(|width| *width > 0).map(|width| width + GAP).sum::<usize>()
    }

    fn heading(&self, sheet: &Sheet) -> Line<'static> {
        let truth = if sheet.has_truth() { "true*" } else { "" };
        let cells = [(truth, self.truth), ("recovered", self.found), ("off by", self.off)];
        let mut text = format!(" {:<width$}", "field", width = self.name);
        for (heading, width) in cells.into_iter().filter(|(_, width)| *width > 0) {
            text.push_str(&self.right_aligned(heading, width));
        }
        if self.confidence > 0 {
            text.push_str(&format!("{:GAP$}{:<width$}", "", "confidence", width = self.confidence));
        }
        Line::styled(text, self.theme.dim())
    }

    /// A line; `source` stands where the distance of a number would.
    fn line(&self, told: &Told, source: Option<&'static str>) -> Line<'static> {
        let theme = self.theme;
        let name = format::cut(told.field, self.name, theme.ascii);
        let pad = self.name.saturating_sub(format::columns(&name));
        let mut spans = vec![Span::raw(format!(" {name}{:pad$}", ""))];
        if self.truth > 0 {
            let truth = told.truth.as_deref().unwrap_or("-");
            spans.push(Span::styled(self.right_aligned(truth, self.truth), theme.dim()));
        }
        spans.push(Span::styled(self.right_aligned(&told.found, self.found), theme.strong()));
        let (off, confidence) = (self.off, self.confidence);
        let room =
            [off, confidence].into_iter().filter(|width| *width > 0).map(|width| width + GAP).sum::<usize>();
        match source.filter(|source| source.len() + GAP <= room) {
            Some(source) => spans.push(Span::styled(self.right_aligned(source, room - GAP), theme.dim())),
            None => {
                if off > 0 {
                    spans.push(Span::raw(self.right_aligned(told.off.as_deref().unwrap_or(""), off)));
                }
                if confidence > 0 {
                    spans.push(Span::raw(self.sure(told.confidence)));
                }
            }
        }
        if self.right > 0 {
            let (mark, style) = match told.right {
                Some(true) => (theme.glyph("✓", "yes"), theme.good()),
                Some(false) => (theme.glyph("✗", "no"), theme.bad()),
                None => ("", Style::new()),
            };
            spans.push(Span::styled(format!("{:GAP$}{mark}", ""), style));
        }
        Line::from(spans)
    }

    /// A bar with its number, or the number alone.
    fn sure(&self, confidence: Option<f64>) -> String {
        let text = match confidence {
            Some(sure) if self.has_bar => {
                let full = (sure.clamp(0.0, 1.0) * BAR as f64).round() as usize;
                let bar = self.theme.glyph("█", "#").repeat(full);
                format!("{bar}{:pad$}  {sure:.2}", "", pad = BAR - full)
            }
            Some(sure) => format!("{sure:.2}"),
            None => String::new(),
        };
        format!("{:GAP$}{text:<width$}", "", width = self.confidence)
    }

    fn right_aligned(&self, text: &str, width: usize) -> String {
        let text = format::cut(text, width, self.theme.ascii);
        let pad = GAP + width.saturating_sub(format::columns(&text));
        format!("{:pad$}{text}", "")
    }
}
