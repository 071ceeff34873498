//! What things look like: meanings, lowered once to the colours and characters the terminal has.
//!
//! Text and background are the terminal's own, so that light and dark both work; the accents are chosen to
//! be legible on either. Nothing is told by colour alone.

use ratatui::style::{Color, Modifier, Style};
use ratatui::symbols::border;
use ratatui::text::Span;
use ratatui::widgets::{Block, BorderType};

use crate::gfx::{Cells, Depth};
use crate::run::Health;

/// Colours and characters of one terminal.
#[derive(Debug, Clone, Copy)]
pub struct Theme {
    /// Colours.
    pub depth: Depth,
    /// Only ASCII characters.
    pub ascii: bool,
}

/// One accent at every depth: 24 bits, palette of 256, first 16.
struct Accent([u8; 3], u8, Color);

const BLUE: Accent = Accent([0x26, 0x8b, 0xd2], 33, Color::Blue);
const ORANGE: Accent = Accent([0xd7, 0x87, 0x00], 172, Color::Yellow);
const GREEN: Accent = Accent([0x2f, 0xa0, 0x2f], 34, Color::Green);
const RED: Accent = Accent([0xd7, 0x3a, 0x3a], 167, Color::Red);
const GREY: Accent = Accent([0x8a, 0x8a, 0x8a], 245, Color::DarkGray);
const PALE: Accent = Accent([0x7f, 0xa8, 0xc4], 110, Color::Cyan);

impl Theme {
    /// Pictures in cells, as this terminal can show them.
    pub fn cells(self) -> Cells {
        Cells { depth: self.depth, ascii: self.ascii }
    }

    fn lower(self, accent: &Accent) -> Style {
        let Accent([r, g, b], indexed, basic) = *accent;
        match self.depth {
            Depth::True => Style::new().fg(Color::Rgb(r, g, b)),
            Depth::Indexed => Style::new().fg(Color::Indexed(indexed)),
            Depth::Sixteen => Style::new().fg(basic),
            Depth::Mono => Style::new(),
        }
    }

    fn or_bold(self, style: Style) -> Style {
        if self.depth == Depth::Mono { style.add_modifier(Modifier::BOLD) } else { style }
    }

    /// What the eye should meet first.
    pub fn accent(self) -> Style {
        self.or_bold(self.lower(&BLUE))
    }

    /// Labels, frames, what is not now.
    pub fn dim(self) -> Style {
        if self.depth == Depth::Mono { Style::new().add_modifier(Modifier::DIM) } else { self.lower(&GREY) }
    }

    /// Titles and values that matter.
    pub fn strong(self) -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }

    /// Went well.
    pub fn good(self) -> Style {
        self.lower(&GREEN)
    }

    /// To be known.
    pub fn warning(self) -> Style {
        self.or_bold(self.lower(&ORANGE))
    }

    /// Went wrong.
    pub fn bad(self) -> Style {
        self.or_bold(self.lower(&RED))
    }

    /// The chosen line of a list.
    pub fn selected(self) -> Style {
        Style::new().add_modifier(Modifier::REVERSED)
    }

    /// Matching loss.
    pub fn matching(self) -> Style {
        self.lower(&BLUE)
    }

    /// Priors.
    pub fn prior(self) -> Style {
        self.lower(&ORANGE)
    }

    /// Raw points behind a smoothed line.
    pub fn raw(self) -> Style {
        if self.depth == Depth::Mono { Style::new().add_modifier(Modifier::DIM) } else { self.lower(&PALE) }
    }

    /// Style of a run's status.
    pub fn health(self, health: Health) -> Style {
        match health {
            Health::Running | Health::Queued => self.accent(),
            Health::Paused | Health::Stopped => self.warning(),
            Health::Crashed | Health::Failed => self.bad(),
            Health::Done => self.good(),
        }
    }

    /// Mark of a run's status.
    pub fn health_mark(self, health: Health) -> &'static str {
        match (health, self.ascii) {
            (Health::Running, false) => "●",
            (Health::Running, true) => "*",
            (Health::Queued, false) => "○",
            (Health::Queued, true) => "o",
            (Health::Paused, false) => "‖",
            (Health::Paused, true) => "=",
            (Health::Stopped, false) => "■",
            (Health::Stopped, true) => "#",
            (Health::Crashed | Health::Failed, false) => "✗",
            (Health::Crashed | Health::Failed, true) => "x",
            (Health::Done, false) => "✓",
            (Health::Done, true) => "+",
        }
    }

    /// `unicode`, or `ascii` where only that can be shown.
    pub fn glyph(self, unicode: &'static str, ascii: &'static str) -> &'static str {
        if self.ascii { ascii } else { unicode }
    }

    /// A light frame with a title.
    pub fn frame<'a>(self, title: impl Into<String>) -> Block<'a> {
        let block = Block::bordered().border_style(self.dim());
        let block = if self.ascii {
            block.border_set(border::Set {
                top_left: "+",
                top_right: "+",
                bottom_left: "+",
                bottom_right: "+",
                vertical_left: "|",
                vertical_right: "|",
                horizontal_top: "-",
                horizontal_bottom: "-",
            })
        } else {
            block.border_type(BorderType::Rounded)
        };
        let title: String = title.into();
        if title.is_empty() { block } else { block.title(Span::styled(format!(" {title} "), self.strong())) }
    }
}
