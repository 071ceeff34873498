//! What the terminal is: asked again where it did not answer in time, and taken over into the screen.

use std::io::Write;

use super::input::Reader;
use super::model::Model;
use super::msg::{Msg, Shows};
use super::theme::Wish;
use super::{terminal, update};
use crate::gfx::probe::Answers;
use crate::gfx::{self, Capabilities, ImageMode, Painter, Wishes};

/// What is known of the terminal, and what became of the questions.
pub struct Asking {
    wishes: Wishes,
    theme: Wish,
    known: Capabilities,
    answered: bool,
    asked_by_itself: bool,
}

impl Asking {
    /// After the first question.
    pub fn new(wishes: Wishes, theme: Wish, known: Capabilities, answered: bool) -> Self {
        Asking { wishes, theme, known, answered, asked_by_itself: false }
    }

    /// What the screen has to know.
    pub fn shows(&self) -> Shows {
        let can_do_better = self.wishes.images == ImageMode::Auto;
        Shows {
            theme: self.theme.on(&self.known).0,
            has_pixels: self.known.protocol.has_pixels(),
            protocol: self.known.protocol.name(),
            shortfall: self.known.shortfall(self.answered).filter(|_| can_do_better),
            answered: self.answered,
        }
    }

    /// Puts the questions again. The answers come as a message.
    ///
    /// # Errors
    /// If the terminal cannot be written to.
    pub fn ask(&self, screen: &mut terminal::Screen, reader: &Reader) -> anyhow::Result<()> {
        let Some(questions) = gfx::questions() else { return Ok(()) };
        if reader.listen(questions) {
            let out = screen.out();
            out.write_all(questions.bytes().as_bytes())?;
            out.flush()?;
            // They may have left marks.
            screen.repaint()?;
        }
        Ok(())
    }

    /// Takes answers in, or asks once more if there are none.
    ///
    /// # Errors
    /// If the terminal cannot be written to.
    pub fn heard(
        &mut self,
        answers: Answers,
        model: &mut Model,
        screen: &mut terminal::Screen,
        reader: &Reader,
    ) -> anyhow::Result<()> {
        if answers.attributes().is_none() {
            if !self.answered && !std::mem::replace(&mut self.asked_by_itself, true) {
                self.ask(screen, reader)?;
                model.is_dirty = true;
            }
            return Ok(());
        }
        let known = gfx::judge(answers, self.wishes);
        self.answered = true;
        let is_drawn_alike = |a: &Capabilities, b: &Capabilities| {
            (a.protocol, a.cell, a.depth, a.ascii) == (b.protocol, b.cell, b.depth, b.ascii)
        };
        if !is_drawn_alike(&known, &self.known) {
            screen.paint_with(Painter::new(&known, std::process::id()))?;
        }
        self.known = known;
        update::update(model, Msg::Shows(Box::new(self.shows())));
        Ok(())
    }
}
