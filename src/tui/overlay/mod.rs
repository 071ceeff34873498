//! What is shown over a screen and takes the keys: help and texts, questions, errors, lists, forms.

pub mod confirm;
pub mod destination;
pub mod details;
pub mod error;
pub mod explain;
pub mod form;
pub mod help;
pub mod jot;
pub mod list;
pub mod name;

use ratatui::layout::Rect;
use ratatui::widgets::Clear;

use super::effect::Effect;
use super::model::Model;
use super::view::{Target, View};

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
        yes: Yes,
    },
    /// What a run says of itself in full.
    Details(details::Pane),
    /// What headings mean.
    Explain(explain::Explain),
    /// Something went wrong.
    Error {
        /// One sentence or a few lines.
        message: String,
    },
    /// Settings of a preset or of a new run.
    Form(Box<form::Form>),
    /// Something to choose from.
    List(list::List),
    /// The name of a preset to be saved.
    Name(name::Name),
    /// What is written to a run.
    Jot(jot::Jot),
    /// The file of an export.
    Destination(destination::Destination),
}

/// What follows a question that is answered with yes.
#[derive(Debug)]
pub enum Yes {
    /// These.
    Do(Vec<Effect>),
    /// The chosen preset is started.
    Start,
}

/// Draws the topmost overlay.
pub fn draw(model: &Model, view: &mut View, area: Rect) {
    match model.overlays.last() {
        Some(Overlay::Help { scroll }) => help::draw(model, view, area, *scroll),
        Some(Overlay::Text { title, body, scroll }) => {
            help::draw_text(model, view, area, title, body, *scroll)
        }
        Some(Overlay::Confirm { question, detail, .. }) => confirm::draw(model, view, area, question, detail),
        Some(Overlay::Details(pane)) => details::draw(model, view, area, pane),
        Some(Overlay::Explain(explain)) => explain::draw(model, view, area, explain),
        Some(Overlay::Error { message }) => error::draw(model, view, area, message),
        Some(Overlay::Form(form)) => form::draw(model, view, area, form),
        Some(Overlay::List(list)) => list::draw(model, view, area, list),
        Some(Overlay::Name(name)) => name::draw(model, view, area, name),
        Some(Overlay::Jot(jot)) => jot::draw(model, view, area, jot),
        Some(Overlay::Destination(destination)) => destination::draw(model, view, area, destination),
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
    view.hits.add(place, Target::Cover);
    place
}
