//! What is shown over a screen and takes the keys: help and texts, questions, errors, a form.

pub mod confirm;
pub mod edit;
pub mod error;
pub mod help;

use ratatui::layout::Rect;
use ratatui::widgets::Clear;

use super::effect::Effect;
use super::model::Model;
use super::view::View;

/// Something over the screen.
#[derive(Debug)]
pub enum Overlay {
    /// All keys, scrolled by so many lines.
    Help {
        /// First line shown.
        scroll: u16,
    },
    /// A long text, such as a preset's description.
    Text {
        /// Frame title.
        title: String,
        /// Paragraphs.
        body: String,
        /// First line shown.
        scroll: u16,
    },
    /// A question to be answered with yes or no.
    Confirm {
        /// The question.
        question: String,
        /// What yes means.
        detail: String,
        /// What yes does.
        yes: Vec<Effect>,
    },
    /// Something went wrong.
    Error {
        /// One sentence or a few lines.
        message: String,
    },
    /// The settings of a preset.
    Edit(Box<edit::Form>),
}

/// Draws the topmost overlay.
pub fn draw(model: &Model, view: &mut View, area: Rect) {
    match model.overlays.last() {
        Some(Overlay::Help { scroll }) => help::draw(model, view, area, *scroll),
        Some(Overlay::Text { title, body, scroll }) => {
            help::draw_text(model, view, area, title, body, *scroll)
        }
        Some(Overlay::Confirm { question, detail, .. }) => confirm::draw(model, view, area, question, detail),
        Some(Overlay::Error { message }) => error::draw(model, view, area, message),
        Some(Overlay::Edit(form)) => edit::draw(model, view, area, form),
        None => {}
    }
}

/// Clears a centred box of at most `width` x `height` and returns it.
fn centred(view: &mut View, area: Rect, width: u16, height: u16) -> Rect {
    let width = width.min(area.width.saturating_sub(2));
    let height = height.min(area.height.saturating_sub(2));
    let place =
        Rect { x: area.x + (area.width - width) / 2, y: area.y + (area.height - height) / 2, width, height };
    view.frame.render_widget(Clear, place);
    place
}
