//! Asks where an export is written.

use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span, Text};
use ratatui::widgets::Paragraph;
use tui_input::Input;

use crate::run::RunDirectory;
use crate::run::export::{self, Format};
use crate::tui::format;
use crate::tui::model::Model;
use crate::tui::view::View;

/// The path being typed.
#[derive(Debug)]
pub struct Destination {
    /// As typed.
    pub input: Input,
    /// What is written.
    pub runs: Vec<RunDirectory>,
    /// As what.
    pub format: Format,
    /// Why nothing could be written there.
    pub problem: Option<String>,
    /// It is being written.
    pub is_busy: bool,
}

impl Destination {
    /// Asks for the file of these runs; the name of the first is proposed.
    pub fn new(runs: Vec<RunDirectory>, format: Format) -> Self {
        let path = export::default_path(&runs, format);
        let input = Input::new(path.display().to_string());
        Destination { input, runs, format, problem: None, is_busy: false }
    }
}

/// Draws the question.
pub fn draw(model: &Model, view: &mut View, area: Rect, destination: &Destination) {
    let theme = model.theme;
    let place = super::centred(view, area, 84, 7);
    let what = match destination.runs.as_slice() {
        [one] => one.id(),
        several => format!("{} runs", several.len()),
    };
    let after = format!(" as {}", destination.format.name());
    let room = usize::from(place.width.saturating_sub(6));
    let title = format::around("export ", &what, &after, room, theme.ascii);
    let block = theme.frame(title).border_style(theme.accent());
    let inner = block.inner(place);
    let room = usize::from(inner.width.saturating_sub(9)).max(1);
    let scroll = destination.input.visual_scroll(room);
    let typed: String = destination.input.value().chars().skip(scroll).take(room).collect();
    let (below, style) = match &destination.problem {
        Some(problem) => (problem.clone(), theme.bad()),
        None if destination.is_busy => ("writing".to_owned(), theme.dim()),
        None => (format!("from {}; nothing is replaced unasked", model.here.display()), theme.dim()),
    };
    let width = usize::from(inner.width.saturating_sub(2));
    let mut below = format::wrapped(&below, width);
    if below.len() > 2 {
        let rest = below.split_off(1).join(" ");
        below.push(rest);
    }
    below.resize(2, String::new());
    let below = below.iter().map(|line| format::cut(line, width, theme.ascii));
    let mut lines = vec![Line::from(vec![Span::styled(" file   ", theme.dim()), Span::raw(typed)])];
    lines.extend(below.map(|line| Line::styled(format!(" {line}"), style)));
    lines.push(Line::default());
    lines.push(Line::styled(" Enter writes   Tab completes   Esc goes back", theme.dim()));
    view.frame.render_widget(Paragraph::new(Text::from(lines)).block(block), place);
    let column = destination.input.visual_cursor().saturating_sub(scroll) as u16;
    view.frame.set_cursor_position(Position::new(inner.x + 8 + column, inner.y));
}
