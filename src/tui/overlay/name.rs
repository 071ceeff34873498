//! Asks for the name of a preset that is to be saved.

use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span, Text};
use ratatui::widgets::Paragraph;
use tui_input::Input;

use crate::config::{RunConfig, preset};
use crate::tui::PresetEntry;
use crate::tui::model::Model;
use crate::tui::view::View;

/// The name being typed.
#[derive(Debug)]
pub struct Name {
    /// As typed.
    pub input: Input,
    /// What is to be saved.
    pub config: Box<RunConfig>,
    /// Why the name cannot be used.
    pub problem: Option<String>,
}

impl Name {
    /// Asks what to call this config; `like` is the preset it came from.
    pub fn new(like: &str, config: RunConfig, presets: &[PresetEntry]) -> Self {
        let taken = |name: &str| presets.iter().any(|entry| entry.name == name);
        let free = (1..).map(|n| if n == 1 { format!("my-{like}") } else { format!("my-{like}-{n}") });
        let name = free.take(1000).find(|name| !taken(name)).unwrap_or_default();
        Name { input: Input::new(name), config: Box::new(config), problem: None }
    }

    /// The name, if it can be used.
    ///
    /// # Errors
    /// Why it cannot.
    pub fn checked(&self) -> Result<String, String> {
        let name = self.input.value().trim();
        preset::check_name(name).map(|()| name.to_owned())
    }
}

/// Draws the question.
pub fn draw(model: &Model, view: &mut View, area: Rect, name: &Name) {
    let theme = model.theme;
    let place = super::centred(view, area, 64, 6);
    let block = theme.frame("save as a preset of yours").border_style(theme.accent());
    let inner = block.inner(place);
    let room = usize::from(inner.width.saturating_sub(9)).max(1);
    let scroll = name.input.visual_scroll(room);
    let typed: String = name.input.value().chars().skip(scroll).take(room).collect();
    let taken = model.preset(name.input.value().trim()).is_some();
    let (below, style) = match (&name.problem, name.checked()) {
        (Some(problem), _) => (problem.clone(), theme.bad()),
        (None, Err(problem)) => (problem, theme.bad()),
        (None, Ok(_)) if taken => ("replaces your preset of this name".to_owned(), theme.warning()),
        (None, Ok(_)) => (format!("in {}", model.user_presets.display()), theme.dim()),
    };
    let lines = vec![
        Line::from(vec![Span::styled(" name   ", theme.dim()), Span::raw(typed)]),
        Line::styled(format!(" {below}"), style),
        Line::default(),
        Line::styled(" Enter saves   Esc goes back", theme.dim()),
    ];
    view.frame.render_widget(Paragraph::new(Text::from(lines)).block(block), place);
    let column = name.input.visual_cursor().saturating_sub(scroll) as u16;
    view.frame.set_cursor_position(Position::new(inner.x + 8 + column, inner.y));
}
