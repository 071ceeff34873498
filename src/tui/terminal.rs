//! Takes the terminal and gives it back, whatever happens.
//!
//! [`restore`] can be called from anywhere and any number of times: by the guard's `Drop`, by the panic hook,
//! by the signal thread. While the screen is owned, stderr goes to the log: CUDA's compiler and driver write
//! to it and would wreck the picture.

use std::io::{self, Stdout, Write};
use std::panic;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, Once, PoisonError};
use std::time::Instant;

use anyhow::Context;
use crossterm::event::{
    DisableBracketedPaste, DisableFocusChange, DisableMouseCapture, EnableBracketedPaste, EnableFocusChange,
    EnableMouseCapture,
};
use crossterm::terminal::{
    BeginSynchronizedUpdate, Clear, ClearType, EndSynchronizedUpdate, EnterAlternateScreen,
    LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use crossterm::{cursor, execute, queue};
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::layout::Rect;

use super::model::Model;
use super::screen;
use super::view::{Hits, View};
use super::wire::Counted;
use crate::files;
use crate::gfx::{Painter, Surface};
use crate::sys::StderrRedirect;

/// The screen is ours.
static OWNED: AtomicBool = AtomicBool::new(false);

/// Where stderr went, while the screen is ours.
static STDERR: Mutex<Option<StderrRedirect>> = Mutex::new(None);

/// What takes our pictures from the terminal, while the screen is ours.
static FAREWELL: Mutex<Vec<u8>> = Mutex::new(Vec::new());

static HOOK: Once = Once::new();

/// Gives the terminal back if it is ours.
pub fn restore() {
    if !OWNED.swap(false, Ordering::SeqCst) {
        return;
    }
    let mut out = io::stdout();
    // Each step is tried: a terminal that refuses one may take the next.
    let _ =
        execute!(out, EndSynchronizedUpdate, DisableBracketedPaste, DisableFocusChange, DisableMouseCapture);
    let _ = out.write_all(&std::mem::take(&mut *FAREWELL.lock().unwrap_or_else(PoisonError::into_inner)));
    // Emptied first: tmux 3.3a pushes lines of a resized alternate screen into the normal one otherwise.
    let _ = execute!(out, Clear(ClearType::All), cursor::MoveTo(0, 0), LeaveAlternateScreen, cursor::Show);
    let _ = disable_raw_mode();
    STDERR.lock().unwrap_or_else(PoisonError::into_inner).take();
}

/// Whether the screen is ours; not so after a panic in any thread.
pub fn is_owned() -> bool {
    OWNED.load(Ordering::SeqCst)
}

/// The terminal while it is ours.
pub struct Screen {
    terminal: Terminal<CrosstermBackend<Counted<Stdout>>>,
    /// Bytes written, pictures included.
    written: Arc<AtomicU64>,
    painter: Painter,
    /// What was drawn where, for the mouse.
    pub hits: Hits,
    mouse: bool,
    log_file: std::path::PathBuf,
}

impl Screen {
    /// Takes the terminal.
    ///
    /// # Errors
    /// If the terminal refuses raw mode, or the log file cannot be made.
    pub fn take(log_file: &Path, painter: Painter, mouse: bool) -> anyhow::Result<Self> {
        // Ours runs before whichever hook is there, which then prints to a usable terminal.
        HOOK.call_once(|| {
            let previous = panic::take_hook();
            panic::set_hook(Box::new(move |info| {
                restore();
                previous(info);
            }));
        });
        let (out, written) = Counted::new(io::stdout());
        let terminal = Terminal::new(CrosstermBackend::new(out)).context("no terminal to draw on")?;
        let mut screen = Screen {
            terminal,
            written,
            painter,
            hits: Hits::default(),
            mouse,
            log_file: log_file.to_path_buf(),
        };
        screen.enter()?;
        Ok(screen)
    }

    /// Takes the terminal again after [`restore`], and draws all of it at the next frame.
    ///
    /// # Errors
    /// As for [`Screen::take`].
    pub fn enter(&mut self) -> anyhow::Result<()> {
        enable_raw_mode().context("the terminal refuses raw mode")?;
        OWNED.store(true, Ordering::SeqCst);
        if let Some(parent) = self.log_file.parent() {
            files::create_directories(parent)
                .with_context(|| format!("cannot create {}", parent.display()))?;
        }
        let log = files::append(&self.log_file)
            .with_context(|| format!("cannot write {}", self.log_file.display()))?;
        let redirect = StderrRedirect::to(&log).context("cannot redirect stderr")?;
        *STDERR.lock().unwrap_or_else(PoisonError::into_inner) = Some(redirect);
        execute!(io::stdout(), EnterAlternateScreen, EnableBracketedPaste, EnableFocusChange, cursor::Hide)?;
        if self.mouse {
            execute!(io::stdout(), EnableMouseCapture)?;
        }
        self.repaint()
    }

    /// Draws everything at the next frame. Not `Terminal::clear`, which asks for the cursor's position and
    /// would compete with the input thread for the answer.
    ///
    /// # Errors
    /// If the terminal cannot be written to.
    pub fn repaint(&mut self) -> anyhow::Result<()> {
        self.painter.invalidate();
        let size = self.terminal.size()?;
        Ok(self.terminal.resize(Rect::new(0, 0, size.width, size.height))?)
    }

    /// Draws pictures in another way from now on.
    ///
    /// # Errors
    /// If the terminal cannot be written to.
    pub fn paint_with(&mut self, painter: Painter) -> anyhow::Result<()> {
        let old = std::mem::replace(&mut self.painter, painter);
        self.out().write_all(&old.farewell())?;
        self.repaint()
    }

    /// Columns and rows.
    ///
    /// # Errors
    /// If the terminal does not say.
    pub fn size(&self) -> anyhow::Result<(u16, u16)> {
        let size = self.terminal.size()?;
        Ok((size.width, size.height))
    }

    /// Draws one frame.
    ///
    /// # Errors
    /// If the terminal cannot be written to.
    pub fn draw(&mut self, model: &Model) -> anyhow::Result<()> {
        self.hits = frame(&mut self.terminal, &mut self.painter, model)?;
        *FAREWELL.lock().unwrap_or_else(PoisonError::into_inner) = self.painter.farewell();
        Ok(())
    }

    /// Where text can be written besides frames; between two of them.
    pub fn out(&mut self) -> &mut impl Write {
        self.terminal.backend_mut()
    }

    /// When a picture that had to wait can be drawn.
    pub fn picture_due(&self) -> Option<Instant> {
        self.painter.due()
    }

    /// Bytes written so far: for frames, and for pictures that go beside them.
    pub fn bytes_written(&self) -> (u64, u64) {
        let pictures = self.painter.bytes_written();
        (self.written.load(Ordering::Relaxed).saturating_sub(pictures), pictures)
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        restore();
    }
}

/// One frame inside a synchronized update (DEC 2026), whose end is sent on an error too: a terminal that
/// waits for it would show nothing any more.
///
/// # Errors
/// If the terminal cannot be written to.
pub fn frame<W: Write>(
    terminal: &mut Terminal<CrosstermBackend<W>>,
    painter: &mut Painter,
    model: &Model,
) -> anyhow::Result<Hits> {
    painter.begin_frame(Instant::now(), !model.overlays.is_empty());
    queue!(terminal.backend_mut(), BeginSynchronizedUpdate)?;
    let mut hits = Hits::default();
    let mut cells = painter.cells();
    let drawn = terminal
        .draw(|frame| {
            let surface: &mut dyn Surface = if model.blocks { &mut cells } else { &mut *painter };
            screen::draw(model, &mut View { frame, surface, hits: &mut hits });
        })
        .map(|_| ())
        .and_then(|()| painter.paint(terminal.backend_mut()));
    let ended = execute!(terminal.backend_mut(), EndSynchronizedUpdate);
    drawn?;
    ended?;
    Ok(hits)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::gfx::caps::Known;
    use crate::gfx::{Capabilities, ImageMode};
    use crate::tui::fixture;
    use ratatui::{TerminalOptions, Viewport};

    #[test]
    fn frames_are_synchronized_and_show_the_screen() {
        crossterm::style::force_color_output(true);
        let mut bytes = Vec::new();
        {
            let options = TerminalOptions { viewport: Viewport::Fixed(Rect::new(0, 0, 80, 24)) };
            let mut terminal = Terminal::with_options(CrosstermBackend::new(&mut bytes), options).unwrap();
            let mut model = fixture::model(80, 24);
            let blocks = Known { images: ImageMode::Blocks, ..Known::default() };
            let mut painter = Painter::new(&Capabilities::of(&blocks, |_| None), 0);
            frame(&mut terminal, &mut painter, &model).unwrap();
            model.overlays.push(crate::tui::overlay::Overlay::Help { scroll: 0 });
            frame(&mut terminal, &mut painter, &model).unwrap();
        }
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let (begin, end) = ("\u{1b}[?2026h", "\u{1b}[?2026l");
        assert_eq!((text.matches(begin).count(), text.matches(end).count()), (2, 2));
        assert!(text.starts_with(begin));
        assert!(text.find(end).unwrap() < text.rfind(begin).unwrap());
        // Nothing asks the terminal a question whose answer the input thread would get.
        assert!(!text.contains("\u{1b}[6n"));
        let mut parser = vt100::Parser::new(24.try_into().unwrap(), 80.try_into().unwrap(), 0);
        parser.process(&bytes);
        let shown = parser.screen().contents();
        assert!(shown.contains("gialab") && shown.contains("start the attack"), "{shown}");
    }
}
