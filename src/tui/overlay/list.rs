//! A list to choose from by typing: the command palette, the formats of an export.

use ratatui::layout::{Position, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span, Text};
use ratatui::widgets::Paragraph;
use tui_input::Input;

use crate::catalogue::defence::Defence;
use crate::catalogue::literature::Entry;
use crate::figure::Word;
use crate::format;
use crate::run::RunDirectory;
use crate::run::export::Format;
use crate::tui::keymap::Action;
use crate::tui::model::{Model, Sort};
use crate::tui::view::{Target, View};

/// The list with what was typed.
#[derive(Debug)]
pub struct List {
    /// Title of the frame.
    pub title: String,
    /// Typed words.
    pub input: Input,
    /// All that can be chosen.
    pub items: Vec<Item>,
    /// Position among those that fit.
    pub chosen: usize,
}

/// Something that can be chosen.
#[derive(Debug)]
pub struct Item {
    /// What it says.
    pub text: String,
    /// What stands on its right, such as its key.
    pub hint: String,
    /// Why it cannot be chosen now.
    pub reason: Option<&'static str>,
    /// What choosing it does.
    pub does: Does,
}

/// What choosing an item does.
#[derive(Debug)]
pub enum Does {
    /// What a key of the screen would.
    Act(Action),
    /// Shows this preset.
    Preset(String),
    /// Says what this word means.
    Explain(&'static Word),
    /// Opens this run.
    Run(String),
    /// Asks whether this step of the tour is to be run; its place.
    Tour(usize),
    /// Shows this entry of the catalogue.
    Entry(&'static Entry),
    /// Opens the run in this directory.
    Open(RunDirectory),
    /// Asks whether this study is to be run, the part that takes minutes or all.
    RunStudy {
        /// Its name.
        study: String,
        /// The part.
        quick: bool,
    },
    /// Orders the runs by this.
    Order(Sort),
    /// Adds a step of this defence to the form.
    Step(&'static Defence),
    /// Asks where these runs are written as that.
    Export(Vec<RunDirectory>, Format),
}

impl List {
    /// A list of these items.
    pub fn new(title: impl Into<String>, items: Vec<Item>) -> Self {
        List { title: title.into(), input: Input::default(), items, chosen: 0 }
    }

    /// Positions of the items that hold every typed word; what can be done now and begins with the first word is
    /// in front.
    pub fn fitting(&self) -> Vec<usize> {
        let typed = self.input.value().to_lowercase();
        let words: Vec<&str> = typed.split_whitespace().collect();
        let rank = |item: &Item| {
            let also = match item.does {
                Does::Explain(word) => word.also.join(" "),
                _ => String::new(),
            };
            let text = format!("{} {} {also}", item.text, item.hint).to_lowercase();
            let fits = words.iter().all(|word| text.contains(word));
            let first = words.first().copied().unwrap_or_default();
            let place = if text.starts_with(first) {
                0
            } else if text.split([' ', '-']).any(|part| part.starts_with(first)) {
                1
            } else {
                2
            };
            fits.then_some((item.reason.is_some(), place))
        };
        let ranked = self.items.iter().enumerate().filter_map(|(at, item)| Some((rank(item)?, at)));
        let mut ranked: Vec<_> = ranked.collect();
        if !words.is_empty() {
            ranked.sort();
        }
        ranked.into_iter().map(|(_, at)| at).collect()
    }

    /// The chosen item.
    pub fn item(&self) -> Option<&Item> {
        let fitting = self.fitting();
        fitting.get(self.chosen).or(fitting.last()).map(|at| &self.items[*at])
    }
}

/// Draws the list with its input line.
pub fn draw(model: &Model, view: &mut View, area: Rect, list: &List) {
    let theme = model.theme;
    let fitting = list.fitting();
    let height = (list.items.len() as u16 + 3).min(18);
    let place = super::centred(view, area, 72, height);
    let title = format::cut(&list.title, usize::from(place.width.saturating_sub(6)), theme.ascii);
    let block = theme.frame(title).border_style(theme.accent());
    let inner = block.inner(place);
    let room = usize::from(inner.height.saturating_sub(1)).max(1);
    let chosen = list.chosen.min(fitting.len().saturating_sub(1));
    let first = chosen.saturating_sub(room * 2 / 3).min(fitting.len().saturating_sub(room));
    let width = usize::from(inner.width);
    let typed = list.input.value();
    let scroll = list.input.visual_scroll(width.saturating_sub(4).max(1));
    let shown: String = typed.chars().skip(scroll).take(width.saturating_sub(3)).collect();
    let mut lines = vec![Line::from(vec![Span::styled(" > ", theme.accent()), Span::raw(shown)])];
    for (row, at) in fitting.iter().enumerate().skip(first).take(room) {
        let item = &list.items[*at];
        let hint = item.reason.map_or(item.hint.clone(), |reason| format!("({reason})"));
        let hint = format::cut(&hint, width / 2, theme.ascii);
        let text = format::cut(&item.text, width.saturating_sub(hint.chars().count() + 3), theme.ascii);
        let gap = width.saturating_sub(text.chars().count() + hint.chars().count() + 2);
        let style = if item.reason.is_some() { theme.dim() } else { Style::new() };
        let line = Line::from(vec![
            Span::styled(format!(" {text}"), style),
            Span::raw(" ".repeat(gap)),
            Span::styled(format!("{hint} "), theme.dim()),
        ]);
        lines.push(if row == chosen { line.style(theme.selected()) } else { line });
        let y = inner.y + 1 + (row - first) as u16;
        view.hits.add(Rect { y, height: 1, ..inner }, Target::Item(row));
    }
    if fitting.is_empty() {
        lines.push(Line::styled(" nothing has these words", theme.dim()));
    }
    view.frame.render_widget(Paragraph::new(Text::from(lines)).block(block), place);
    let column = list.input.visual_cursor().saturating_sub(scroll) as u16;
    view.frame.set_cursor_position(Position::new(inner.x + 3 + column, inner.y));
}
