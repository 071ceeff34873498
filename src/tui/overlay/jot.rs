//! What a person writes to a run: a title, a note, or tags.

use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span, Text};
use ratatui::widgets::Paragraph;
use tui_input::Input;

use crate::format;
use crate::run::notebook::{Entry, Unfit};
use crate::run::{RunDirectory, RunRow};
use crate::tui::keymap::Action;
use crate::tui::model::Model;
use crate::tui::view::View;

/// The text being typed.
#[derive(Debug)]
pub struct Jot {
    /// The run.
    pub run: RunDirectory,
    /// What it becomes.
    pub what: What,
    /// As typed.
    pub input: Input,
    /// Why it cannot be written.
    pub problem: Option<String>,
}

/// What is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// What it is called.
    Title,
    /// A note.
    Note,
    /// All its tags.
    Tags,
}

impl Jot {
    /// Begins with what is written to the run; nothing for an action that writes nothing.
    pub fn of(row: &RunRow, action: Action) -> Option<Jot> {
        let (what, text) = match action {
            Action::Rename => (What::Title, row.notebook.title.clone()),
            Action::WriteNote => (What::Note, row.notebook.note.replace('\n', " ")),
            Action::WriteTags => {
                (What::Tags, row.notebook.tags.iter().cloned().collect::<Vec<_>>().join(" "))
            }
            _ => return None,
        };
        Some(Jot { run: row.directory.clone(), what, input: Input::new(text), problem: None })
    }

    /// What is to be written; `row` says what is there.
    ///
    /// # Errors
    /// It cannot be.
    pub fn entry(&self, row: Option<&RunRow>) -> Result<Entry, Unfit> {
        let text = self.input.value();
        match self.what {
            What::Title => Entry::title(text),
            What::Note => Entry::note(text),
            What::Tags => match Entry::tags(text.split_whitespace())? {
                Entry::Tags(come, mut go) => {
                    // What was taken out of the line goes.
                    let there = row.into_iter().flat_map(|row| row.notebook.tags.iter());
                    go.extend(there.filter(|tag| !come.contains(tag)).cloned());
                    Ok(Entry::Tags(come, go))
                }
                entry => Ok(entry),
            },
        }
    }
}

/// Draws the field.
pub fn draw(model: &Model, view: &mut View, area: Rect, jot: &Jot) {
    let theme = model.theme;
    let place = super::centred(view, area, 72, 6);
    let (name, hint) = match jot.what {
        What::Title => ("title", "what lists call it; its directory keeps its name"),
        What::Note => ("note", "an empty one takes it away; gialab note takes longer ones"),
        What::Tags => ("tags", "words with spaces between; the filter tag:WORD finds them"),
    };
    let title = format::around(
        &format!("{name} of "),
        &jot.run.id(),
        "",
        usize::from(place.width.saturating_sub(6)),
        theme.ascii,
    );
    let block = theme.frame(title).border_style(theme.accent());
    let inner = block.inner(place);
    let room = usize::from(inner.width.saturating_sub(9)).max(1);
    let scroll = jot.input.visual_scroll(room);
    let typed: String = jot.input.value().chars().skip(scroll).take(room).collect();
    let (below, style) = match &jot.problem {
        Some(problem) => (problem.as_str(), theme.bad()),
        None => (hint, theme.dim()),
    };
    let below = format::cut(below, usize::from(inner.width).saturating_sub(2), theme.ascii);
    let lines = vec![
        Line::from(vec![Span::styled(format!(" {name:<7}"), theme.dim()), Span::raw(typed)]),
        Line::styled(format!(" {below}"), style),
        Line::default(),
        Line::styled(" Enter writes   Esc goes back", theme.dim()),
    ];
    view.frame.render_widget(Paragraph::new(Text::from(lines)).block(block), place);
    let column = jot.input.visual_cursor().saturating_sub(scroll) as u16;
    view.frame.set_cursor_position(Position::new(inner.x + 8 + column, inner.y));
}
