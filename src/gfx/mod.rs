//! Pictures in terminals: a narrow seam between a picture and what a terminal can show.
//!
//! A picture takes its place in the frame's buffer through [`Surface::place`]; [`look`] finds out what the
//! terminal can do, and [`Painter`] does it. Knows nothing of runs or attacks.

pub mod blocks;
pub mod brand;
pub mod caps;
pub mod fit;
pub mod inline;
mod iterm;
mod kitty;
pub mod listener;
pub mod mux;
mod painter;
pub mod probe;
mod sixel;

pub use caps::{Capabilities, ImageMode, Protocol};
pub use painter::Painter;

use std::sync::Arc;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use serde::Serialize;

use caps::Known;
use listener::Listener;
use mux::Multiplexer;
use probe::{Answers, Questions};

/// Pictures with a longer side are reduced to this when they are loaded.
pub const LONGEST_SIDE: u32 = 512;

/// A picture in memory: 8-bit RGB, row by row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Raster {
    /// Pixels in a row.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// `width * height` pixels.
    pub pixels: Vec<[u8; 3]>,
}

/// How many colours the terminal shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Depth {
    /// 24 bits.
    True,
    /// The palette of 256.
    Indexed,
    /// The first 16, whatever they look like.
    Sixteen,
    /// None.
    Mono,
}

/// Shows pictures in one kind of terminal.
pub trait Surface {
    /// Pixels in one cell at which pictures are drawn, (width, height): (1, 2) for half blocks and characters,
    /// the terminal's own for protocols with real pixels.
    fn cell(&self) -> (usize, usize);

    /// Takes the place of `picture` in the frame, centred in `area`, and returns the cells that are used. What
    /// was shown in `slot` before is replaced.
    fn place(&mut self, buffer: &mut Buffer, area: Rect, slot: usize, picture: &Arc<Raster>) -> Rect;
}

/// Pictures as cells: half blocks, or characters by luminance where there are no colours.
#[derive(Debug, Clone, Copy)]
pub struct Cells {
    /// Colours of the terminal.
    pub depth: Depth,
    /// Only ASCII can be shown.
    pub ascii: bool,
}

impl Surface for Cells {
    fn cell(&self) -> (usize, usize) {
        fit::HALF_BLOCKS
    }

    fn place(&mut self, buffer: &mut Buffer, area: Rect, _slot: usize, picture: &Arc<Raster>) -> Rect {
        let fitted = fit::fit(picture, area.width.into(), area.height.into(), fit::HALF_BLOCKS);
        if self.ascii || matches!(self.depth, Depth::Mono | Depth::Sixteen) {
            blocks::ramp(buffer, area, &fitted)
        } else {
            blocks::half_blocks(buffer, area, &fitted, self.depth)
        }
    }
}

/// What is wished of the pictures.
#[derive(Debug, Clone, Copy, Default)]
pub struct Wishes {
    /// How they are shown.
    pub images: ImageMode,
    /// Set tmux's `allow-passthrough` for this pane.
    pub tmux_passthrough: bool,
    /// Show nothing beyond ASCII, whatever the locale says.
    pub ascii: bool,
}

/// Finds out what the terminal can do: asks it, and the tmux that it is in. Must be in raw mode unless stdin or
/// stdout is no terminal, in which case nothing is asked. A listener waits for what the terminal says later.
pub fn look(wishes: Wishes) -> (Capabilities, Option<Listener>) {
    let variable = |name: &str| std::env::var(name).ok();
    let patience = match variable("SSH_CONNECTION") {
        Some(_) => probe::PATIENCE_OVER_SSH,
        None => probe::PATIENCE,
    };
    let listener = questions().and_then(|questions| probe::ask(questions, patience).ok());
    let answers = listener.as_ref().map(|listener| listener.answers.clone()).unwrap_or_default();
    if wishes.tmux_passthrough && matches!(Multiplexer::of_environment(variable), Multiplexer::Tmux(_)) {
        mux::allow_passthrough(variable);
    }
    (judge(answers, wishes), listener)
}

/// What this terminal can be asked; nothing if it is none, or a dumb one.
pub fn questions() -> Option<Questions> {
    let variable = |name: &str| std::env::var(name).ok();
    let term = variable("TERM").unwrap_or_default();
    if !is_terminal() || term == "dumb" {
        return None;
    }
    let is_direct = Multiplexer::of_environment(variable) == Multiplexer::None && term != "linux";
    Some(if is_direct { Questions::All } else { Questions::Harmless })
}

/// What the terminal can do by its answers, by its environment, and by the tmux that it is in, which is asked.
pub fn judge(answers: Answers, wishes: Wishes) -> Capabilities {
    let variable = |name: &str| std::env::var(name).ok();
    let mut multiplexer = Multiplexer::of_environment(variable);
    let named = answers.version().and_then(brand::Brand::of_version);
    if multiplexer == Multiplexer::None && matches!(named, Some(brand::Brand::Tmux | brand::Brand::Screen)) {
        multiplexer = Multiplexer::Remote;
    }
    if matches!(multiplexer, Multiplexer::Tmux(_)) {
        multiplexer = Multiplexer::Tmux(mux::ask_tmux(variable));
    }
    let (cell, Wishes { images, ascii, .. }) = (crate::sys::cell_size(), wishes);
    Capabilities::of(&Known { answers, multiplexer, cell, images, ascii }, variable)
}

/// Whether both stdin and stdout are a terminal.
pub fn is_terminal() -> bool {
    use std::io::IsTerminal;
    std::io::stdin().is_terminal() && std::io::stdout().is_terminal()
}

impl Depth {
    /// What the environment says; `*-256color` is not true colour.
    pub fn from_environment(variable: impl Fn(&str) -> Option<String>) -> Self {
        if variable("NO_COLOR").is_some_and(|value| !value.is_empty()) {
            return Depth::Mono;
        }
        let term = variable("TERM").unwrap_or_default();
        // GNU screen lowers colours to those of its own terminal; tmux, which may take its name, does not.
        let is_screen = term.starts_with("screen") && !term.contains("256") && variable("TMUX").is_none();
        let true_colour = matches!(variable("COLORTERM").as_deref(), Some("truecolor" | "24bit"))
            || term.ends_with("-direct");
        match term.as_str() {
            "dumb" => Depth::Mono,
            _ if is_screen => Depth::Sixteen,
            _ if true_colour => Depth::True,
            "linux" | "ansi" | "cygwin" => Depth::Sixteen,
            _ if term.starts_with("vt") => Depth::Sixteen,
            _ => Depth::Indexed,
        }
    }
}

/// Whether the environment promises nothing beyond ASCII.
pub fn only_ascii(variable: impl Fn(&str) -> Option<String>) -> bool {
    if matches!(variable("TERM").as_deref(), Some("linux" | "dumb")) {
        return true;
    }
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
        .into_iter()
        .find_map(|name| variable(name).filter(|value| !value.is_empty()));
    match locale {
        Some(locale) => {
            let locale = locale.to_ascii_lowercase();
            !(locale.contains("utf-8") || locale.contains("utf8"))
        }
        // Containers often set no locale at all under a terminal that knows UTF-8; tmux then does not.
        None => variable("TMUX").is_some(),
    }
}

impl Raster {
    /// A picture, reduced to [`LONGEST_SIDE`].
    pub fn of(picture: image::RgbImage) -> Raster {
        let mut picture = image::DynamicImage::from(picture);
        if picture.width().max(picture.height()) > LONGEST_SIDE {
            picture = picture.thumbnail(LONGEST_SIDE, LONGEST_SIDE);
        }
        let picture = picture.into_rgb8();
        Raster {
            width: picture.width() as usize,
            height: picture.height() as usize,
            pixels: picture.pixels().map(|pixel| pixel.0).collect(),
        }
    }

    /// One of the equal tiles that the picture is made of, counted row by row; all black beyond the last.
    pub fn tile(&self, columns: usize, rows: usize, at: usize) -> Raster {
        let (columns, rows) = (columns.max(1), rows.max(1));
        let (width, height) = (self.width / columns, self.height / rows);
        let (left, top) = (at % columns * width, at / columns * height);
        let pixel = |x: usize, y: usize| self.pixels.get((top + y) * self.width + left + x).copied();
        let all = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
        Raster { width, height, pixels: all.map(|(x, y)| pixel(x, y).unwrap_or_default()).collect() }
    }

    /// The absolute difference of two pictures, amplified by the largest power of two that clips nothing, and
    /// that factor. `None` if their sizes differ.
    pub fn difference(&self, other: &Raster) -> Option<(Raster, u32)> {
        if (self.width, self.height) != (other.width, other.height) {
            return None;
        }
        let apart = |(a, b): (&[u8; 3], &[u8; 3])| [0, 1, 2].map(|channel| a[channel].abs_diff(b[channel]));
        let mut pixels: Vec<[u8; 3]> = self.pixels.iter().zip(&other.pixels).map(apart).collect();
        let largest = u32::from(pixels.iter().flatten().copied().max().unwrap_or(0));
        let mut factor = 1;
        while largest > 0 && largest * factor * 2 <= 255 {
            factor *= 2;
        }
        for value in pixels.iter_mut().flatten() {
            *value = value.saturating_mul(u8::try_from(factor).unwrap_or(u8::MAX));
        }
        Some((Raster { width: self.width, height: self.height, pixels }, factor))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn environment<'a>(pairs: &'a [(&'a str, &'a str)]) -> impl Fn(&str) -> Option<String> + 'a {
        move |name| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
    }

    #[test]
    fn only_colorterm_and_direct_promise_true_colour() {
        let depth = |pairs: &[(&str, &str)]| Depth::from_environment(environment(pairs));
        assert_eq!(depth(&[("TERM", "xterm-256color")]), Depth::Indexed);
        assert_eq!(depth(&[("TERM", "xterm-256color"), ("COLORTERM", "truecolor")]), Depth::True);
        assert_eq!(depth(&[("TERM", "xterm-direct")]), Depth::True);
        assert_eq!(depth(&[("TERM", "linux")]), Depth::Sixteen);
        assert_eq!(depth(&[("TERM", "dumb")]), Depth::Mono);
        assert_eq!(depth(&[("TERM", "screen.xterm"), ("COLORTERM", "truecolor")]), Depth::Sixteen);
        assert_eq!(depth(&[("TERM", "screen"), ("TMUX", "/tmp/x")]), Depth::Indexed);
        assert_eq!(depth(&[("TERM", "screen-256color")]), Depth::Indexed);
        assert_eq!(depth(&[("COLORTERM", "24bit"), ("NO_COLOR", "1")]), Depth::Mono);
        assert_eq!(depth(&[("COLORTERM", "24bit"), ("NO_COLOR", "")]), Depth::True);
    }

    #[test]
    fn a_locale_without_utf8_means_ascii() {
        let ascii = |pairs: &[(&str, &str)]| only_ascii(environment(pairs));
        assert!(ascii(&[("LANG", "C")]));
        assert!(!ascii(&[("LANG", "en_GB.UTF-8")]));
        assert!(ascii(&[("LC_ALL", "POSIX"), ("LANG", "en_GB.UTF-8")]));
        assert!(ascii(&[("TERM", "linux"), ("LANG", "en_GB.UTF-8")]));
        assert!(!ascii(&[]));
        assert!(ascii(&[("TMUX", "/tmp/x")]));
    }

    #[test]
    fn a_difference_is_amplified_without_clipping() {
        let grey = |value: u8| Raster { width: 1, height: 1, pixels: vec![[value; 3]] };
        let (difference, factor) = grey(100).difference(&grey(110)).unwrap();
        assert_eq!((difference.pixels[0], factor), ([160; 3], 16));
        let (difference, factor) = grey(0).difference(&grey(255)).unwrap();
        assert_eq!((difference.pixels[0], factor), ([255; 3], 1));
        assert_eq!(grey(9).difference(&grey(9)).unwrap().1, 1);
        assert!(grey(9).difference(&Raster { width: 2, height: 1, pixels: vec![[0; 3]; 2] }).is_none());
    }

    #[test]
    fn what_is_no_picture_is_refused() {}
}
