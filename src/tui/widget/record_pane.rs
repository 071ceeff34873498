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
/// Columns that are left of a field's name before its neighbours go.
const NAME: usize = 18;
/// Columns that are left of it at least.
const SHORTEST_NAME: usize = 8;
/// Columns that a value has where room is short.
const VALUE: usize = 10;
/// Parts that the fields stand beside each other in at most.
const PARTS: usize = 3;
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
    let Layout { parts, room } = Layout::of(area, &sheet, theme);
    let part = usize::from(inner.width) / parts;
    let columns = Columns::wide(&sheet, &fields, label.as_ref(), theme).within(part);
    let first = run.skip.min(fields.len().saturating_sub(room * parts));
    let buffer = view.frame.buffer_mut();
    for (at, shown) in fields.get(first..).unwrap_or_default().chunks(room).take(parts).enumerate() {
        let x = inner.x + (at * part) as u16;
        buffer.set_line(x, inner.y, &columns.heading(&sheet), part as u16);
        for (told, y) in shown.iter().zip(inner.y + 1..inner.bottom()) {
            buffer.set_line(x, y, &columns.line(told, None, part), part as u16);
        }
    }
    let mut below = Vec::new();
    below.extend(
        rest(model, &sheet, (first, room * parts, fields.len())).map(|text| Line::styled(text, theme.dim())),
    );
    if let Some(label) = &label {
        let labels = run.manifest.as_ref().map(|manifest| rows::source(&manifest.config.attack.labels));
        below.push(columns.line(label, labels.as_deref(), inner.width.into()));
    }
    let under = (inner.y + 1 + fields.len().min(room) as u16).min(inner.bottom());
    for (line, y) in below.iter().zip(under..inner.bottom()) {
        buffer.set_line(inner.x, y, line, inner.width);
    }
}

/// How the fields of a record are laid out in a pane.
pub struct Layout {
    /// Parts beside each other.
    parts: usize,
    /// Fields in one of them.
    room: usize,
}

impl Layout {
    /// In a pane of this area, with its frame.
    pub fn of(area: Rect, sheet: &Sheet, theme: Theme) -> Layout {
        let (fields, label) = (sheet.fields(), sheet.label());
        // Without frame, headings and class.
        let rows = usize::from(area.height).saturating_sub(3 + usize::from(label.is_some()));
        let width = usize::from(area.width).saturating_sub(2);
        let compact = Columns::wide(sheet, &fields, label.as_ref(), theme).compact();
        let least = compact.needed() - compact.name + compact.name.min(NAME);
        let most = (width / least.max(1)).clamp(1, PARTS);
        let parts = (1..=most).find(|parts| fields.len() <= rows * parts).unwrap_or(most);
        let is_all = fields.len() <= rows * parts && sheet.left_out().is_none();
        // One line says what is not shown.
        let room = if is_all { fields.len().div_ceil(parts) } else { rows.saturating_sub(1) };
        Layout { parts, room: room.max(1) }
    }

    /// Fields that are shown at once.
    pub fn shown(&self) -> usize {
        self.parts * self.room
    }
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
    // What was not kept is said where the fields that were end.
    let left_out = sheet.left_out().filter(|_| below == 0);
    let parts: Vec<String> = more.into_iter().chain(left_out).collect();
    (!parts.is_empty()).then(|| format!(" {}", parts.join("; ")))
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
    /// As wide as what they hold.
    fn wide(sheet: &Sheet, fields: &[Told], label: Option<&Told>, theme: Theme) -> Columns {
        let all = || fields.iter().chain(label);
        let widest = |heading: &str, text: &dyn Fn(&Told) -> usize| {
            all().map(text).max().unwrap_or(0).max(format::columns(heading))
        };
        let with_truth = |width: usize| if sheet.has_truth() { width } else { 0 };
        Columns {
            theme,
            name: widest("field", &|told| format::columns(told.field)),
            truth: with_truth(widest("true*", &|told| told.truth.as_deref().map_or(0, format::columns))),
            found: widest("recovered", &|told| format::columns(&told.found)),
            off: with_truth(widest("off by", &|told| told.off.as_deref().map_or(0, format::columns))),
            confidence: if sheet.has_confidence() { BAR + 6 } else { 0 },
            has_bar: true,
            right: match all().any(|told| told.right.is_some()) {
                true => theme.glyph("✓", "yes").chars().count(),
                false => 0,
            },
        }
    }

    /// With long words cut.
    fn compact(self) -> Columns {
        Columns { truth: self.truth.min(VALUE), found: self.found.min(VALUE), ..self }
    }

    /// In so many columns: long words are cut first, then confidence and distance go, then names are cut, then the truth
    /// goes: whether a field is right is said beside it.
    fn within(self, width: usize) -> Columns {
        let fits = |columns: &Columns, name: usize| {
            columns.needed() - columns.name + columns.name.min(name) <= width
        };
        let mut columns = self;
        if columns.needed() > width {
            columns = columns.compact();
        }
        if !fits(&columns, NAME) && columns.confidence > 0 {
            (columns.confidence, columns.has_bar) = ("confidence".len(), false);
        }
        if !fits(&columns, NAME) {
            columns.confidence = 0;
        }
        if !fits(&columns, NAME) {
            columns.off = 0;
        }
        if !fits(&columns, SHORTEST_NAME) {
            columns.truth = 0;
        }
        let left = width.saturating_sub(columns.needed() - columns.name);
        columns.name = columns.name.min(left.max(SHORTEST_NAME));
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

    /// A line of at most so many columns. `source` stands where the distance of a number would, or behind the mark.
    fn line(&self, told: &Told, source: Option<&str>, most: usize) -> Line<'static> {
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
        let room: usize = [off, confidence].iter().filter(|width| **width > 0).map(|width| width + GAP).sum();
        let inside = source.filter(|source| source.len() + GAP <= room);
        if let Some(source) = inside {
            spans.push(Span::styled(self.right_aligned(source, room - GAP), theme.dim()));
        } else {
            if off > 0 {
                spans.push(Span::raw(self.right_aligned(told.off.as_deref().unwrap_or(""), off)));
            }
            if confidence > 0 {
                spans.push(Span::raw(self.sure(told.confidence)));
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
        let mut line = Line::from(spans);
        let behind = source.filter(|source| inside.is_none() && line.width() + GAP + source.len() <= most);
        if let Some(source) = behind {
            line.push_span(Span::styled(format!("{:GAP$}{source}", ""), theme.dim()));
        }
        line
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
