//! What a run says of itself in full: why it failed, its settings, its log. One of them is shown, and scrolls.

use ratatui::layout::Rect;
use ratatui::text::{Line, Span, Text};
use ratatui::widgets::Paragraph;

use crate::run::details::Details;
use crate::tui::layout;
use crate::tui::model::Model;
use crate::tui::view::View;

/// The overlay.
#[derive(Debug)]
pub struct Pane {
    /// The run's name.
    pub run: String,
    /// What is shown.
    pub part: Part,
    /// First line shown.
    pub scroll: usize,
    /// What was read; nothing yet at first.
    pub details: Option<Box<Details>>,
}

/// One of the texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Why it failed.
    Failure,
    /// Its config as resolved.
    Settings,
    /// What its worker said.
    Log,
}

impl Part {
    /// In the order of their tabs.
    pub const ALL: [Part; 3] = [Part::Failure, Part::Settings, Part::Log];

    fn name(self) -> &'static str {
        match self {
            Part::Failure => "failure",
            Part::Settings => "settings",
            Part::Log => "run.log",
        }
    }

    /// The one so many tabs further.
    pub fn step(self, by: usize) -> Self {
        let at = Part::ALL.iter().position(|known| *known == self).unwrap_or(0);
        Part::ALL[(at + by) % Part::ALL.len()]
    }
}

impl Pane {
    /// A pane that waits for what is read.
    pub fn new(run: String, part: Part) -> Self {
        Pane { run, part, scroll: 0, details: None }
    }

    /// Lines of the shown text, as they were read.
    pub fn lines(&self) -> Vec<&str> {
        let Some(details) = &self.details else { return vec!["reading"] };
        let (lines, instead) = match self.part {
            Part::Failure => (details.failure.as_deref().unwrap_or_default(), "it did not fail"),
            Part::Settings => (details.settings.as_slice(), "it has none"),
            Part::Log => (details.log.as_slice(), "its worker, libraries and drivers said nothing"),
        };
        if lines.is_empty() { vec![instead] } else { lines.iter().map(String::as_str).collect() }
    }

    /// The same, in rows of a screen of that size.
    fn rows(&self, size: (u16, u16)) -> Vec<String> {
        let width = usize::from(place(size).width.saturating_sub(4)).max(1);
        self.lines().into_iter().flat_map(|line| wrapped(line, width)).collect()
    }

    /// Whether nothing is below what is shown.
    pub fn is_at_end(&self, size: (u16, u16)) -> bool {
        self.scroll + room(size) >= self.rows(size).len()
    }

    /// Scrolls to this row, as far as there is something below.
    pub fn scroll_to(&mut self, row: usize, size: (u16, u16)) {
        self.scroll = row.min(self.rows(size).len().saturating_sub(room(size)));
    }
}

/// Rows of text on a screen of that size.
pub fn room(size: (u16, u16)) -> usize {
    usize::from(place(size).height.saturating_sub(4)).max(1)
}

fn place((width, height): (u16, u16)) -> Rect {
    let body = layout::areas(Rect::new(0, 0, width, height)).body;
    Rect { width: body.width.saturating_sub(2).min(120), height: body.height.saturating_sub(2), ..body }
}

/// A line in rows of so many columns, between words where that leaves no row half empty.
fn wrapped(line: &str, width: usize) -> Vec<String> {
    let columns = |text: &str| if text.is_ascii() { text.len() } else { Span::raw(text).width() };
    let mut rows = Vec::new();
    let mut row = String::new();
    let mut used = 0;
    for c in line.chars() {
        let wide = columns(c.encode_utf8(&mut [0; 4]));
        if used + wide > width {
            let space = row.rfind(' ').filter(|at| 2 * columns(&row[..*at]) > width && c != ' ');
            let rest = space.map_or_else(String::new, |at| row.split_off(at + 1));
            used = columns(&rest);
            rows.push(std::mem::replace(&mut row, rest));
        }
        if c != ' ' || used > 0 || rows.is_empty() {
            used += wide;
            row.push(c);
        }
    }
    rows.push(row);
    rows
}

/// Draws the tabs and the shown text.
pub fn draw(model: &Model, view: &mut View, area: Rect, pane: &Pane) {
    let theme = model.theme;
    let wanted = place(model.size);
    let place = super::centred(view, area, wanted.width, wanted.height);
    let mut tabs = Line::default();
    for part in Part::ALL {
        let is_empty =
            part == Part::Failure && pane.details.as_ref().is_some_and(|details| details.failure.is_none());
        let (text, style) = match part == pane.part {
            true => (format!("[{}] ", part.name()), theme.accent()),
            false if is_empty => (format!(" {} (none)  ", part.name()), theme.dim()),
            false => (format!(" {}  ", part.name()), theme.dim()),
        };
        tabs.spans.push(Span::styled(text, style));
    }
    let rows = pane.rows(model.size);
    let room = room(model.size);
    let first = pane.scroll.min(rows.len().saturating_sub(room));
    let last = (first + room).min(rows.len());
    let mut block = theme.frame(format!("details of {}", pane.run)).border_style(theme.accent());
    if rows.len() > room {
        let place = format!(" lines {} to {last} of {} ", first + 1, rows.len());
        block = block.title_bottom(Line::styled(place, theme.dim()).right_aligned());
    }
    let lines = rows[first..last].iter().map(|row| Line::raw(format!(" {row}")));
    let text: Vec<Line> = [tabs, Line::default()].into_iter().chain(lines).collect();
    view.frame.render_widget(Paragraph::new(Text::from(text)).block(block), place);
}

#[cfg(test)]
mod tests {
    use super::wrapped;

    #[test]
    fn rows_end_between_words_and_nothing_is_lost() {
        assert_eq!(wrapped("", 8), [""]);
        assert_eq!(wrapped("just fits", 9), ["just fits"]);
        assert_eq!(wrapped("goes on in the next", 8), ["goes on ", "in the ", "next"]);
        assert_eq!(wrapped("abcdefgh ij", 8), ["abcdefgh", "ij"]);
        assert_eq!(wrapped("/a/path/longer/than", 8), ["/a/path/", "longer/t", "han"]);
        assert_eq!(wrapped("  indented", 20), ["  indented"]);
        assert_eq!(wrapped("字字字字字", 4), ["字字", "字字", "字"]);
    }
}
