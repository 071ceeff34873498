//! What things look like: meanings, lowered once to the colours and characters the terminal has.
//!
//! Text and background are the terminal's own, so that light and dark both work; the accents are chosen to
//! be legible on either. Nothing is told by colour alone.

mod palette;

pub use palette::{Palette, SERIES, Shade, load};

use std::path::{Path, PathBuf};

use ratatui::style::{Color, Modifier, Style};
use ratatui::symbols::border;
use ratatui::text::Span;
use ratatui::widgets::{Block, BorderType};

use crate::gfx::{Capabilities, Cells, Depth};
use crate::run::Health;

/// Colours and characters of one terminal.
#[derive(Debug, Clone, Copy)]
pub struct Theme {
    /// Colours.
    pub depth: Depth,
    /// Only ASCII characters.
    pub ascii: bool,
    colours: Colours,
}

/// The colours of a [`Palette`], lowered.
#[derive(Debug, Clone, Copy)]
struct Colours {
    accent: Color,
    dim: Color,
    good: Color,
    warning: Color,
    bad: Color,
    matching: Color,
    prior: Color,
    raw: Color,
    series: [Color; SERIES],
}

/// Marks that tell curves apart without colour.
const MARKERS: [(&str, &str); SERIES] =
    [("●", "o"), ("▲", "^"), ("■", "#"), ("◆", "*"), ("▼", "v"), ("○", "O"), ("△", "A"), ("□", "=")];

/// The theme that is wished for.
#[derive(Debug, Clone)]
pub struct Wish {
    /// Its name; `auto` is the one that suits the background.
    pub name: String,
    /// Where themes of the person are.
    pub folder: PathBuf,
}

impl Wish {
    /// The theme as a terminal can show it, and what is wrong with the wish, if something is.
    pub fn on(&self, capabilities: &Capabilities) -> (Theme, Option<String>) {
        let (depth, ascii) = (capabilities.depth, capabilities.ascii);
        let name = match (self.name.as_str(), capabilities.is_light()) {
            ("auto", Some(true)) => "light",
            ("auto", Some(false)) => "dark",
            ("auto", None) => "neutral",
            (name, _) => name,
        };
        match load(name, &self.folder) {
            Ok(palette) => (Theme::new(&palette, depth, ascii), None),
            Err(error) => (Theme::neutral(depth, ascii), Some(format!("{error}; the neutral theme is used"))),
        }
    }
}

impl Theme {
    /// A palette on a terminal of that depth.
    pub fn new(palette: &Palette, depth: Depth, ascii: bool) -> Self {
        let depth = if palette.mono { Depth::Mono } else { depth };
        let lower = |shade: Shade| shade.lower(depth);
        let colours = Colours {
            accent: lower(palette.accent),
            dim: lower(palette.dim),
            good: lower(palette.good),
            warning: lower(palette.warning),
            bad: lower(palette.bad),
            matching: lower(palette.matching),
            prior: lower(palette.prior),
            raw: lower(palette.raw),
            series: palette.series.map(lower),
        };
        Theme { depth, ascii, colours }
    }

    /// The neutral theme.
    pub fn neutral(depth: Depth, ascii: bool) -> Self {
        // Tests hold that it can be read.
        Theme::new(&palette::load("neutral", Path::new("")).unwrap_or_default(), depth, ascii)
    }

    /// Pictures in cells, as this terminal can show them.
    pub fn cells(self) -> Cells {
        Cells { depth: self.depth, ascii: self.ascii }
    }

    fn colour(self, colour: Color) -> Style {
        if self.depth == Depth::Mono { Style::new() } else { Style::new().fg(colour) }
    }

    fn or_bold(self, style: Style) -> Style {
        if self.depth == Depth::Mono { style.add_modifier(Modifier::BOLD) } else { style }
    }

    /// What the eye should meet first.
    pub fn accent(self) -> Style {
        self.or_bold(self.colour(self.colours.accent))
    }

    /// Labels, frames, what is not now.
    pub fn dim(self) -> Style {
        if self.depth == Depth::Mono {
            Style::new().add_modifier(Modifier::DIM)
        } else {
            self.colour(self.colours.dim)
        }
    }

    /// Titles and values that matter.
    pub fn strong(self) -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }

    /// Went well.
    pub fn good(self) -> Style {
        self.colour(self.colours.good)
    }

    /// To be known.
    pub fn warning(self) -> Style {
        self.or_bold(self.colour(self.colours.warning))
    }

    /// Went wrong.
    pub fn bad(self) -> Style {
        self.or_bold(self.colour(self.colours.bad))
    }

    /// The chosen line of a list.
    pub fn selected(self) -> Style {
        Style::new().add_modifier(Modifier::REVERSED)
    }

    /// Matching loss.
    pub fn matching(self) -> Style {
        self.colour(self.colours.matching)
    }

    /// Priors.
    pub fn prior(self) -> Style {
        self.colour(self.colours.prior)
    }

    /// Raw points behind a smoothed line.
    pub fn raw(self) -> Style {
        if self.depth == Depth::Mono {
            Style::new().add_modifier(Modifier::DIM)
        } else {
            self.colour(self.colours.raw)
        }
    }

    /// Style of the curve at that position of a comparison.
    pub fn series(self, at: usize) -> Style {
        self.colour(self.colours.series[at % SERIES])
    }

    /// Mark of the curve at that position of a comparison.
    pub fn marker(self, at: usize) -> &'static str {
        let (unicode, ascii) = MARKERS[at % SERIES];
        self.glyph(unicode, ascii)
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
