//! The screens, and what frames them: tabs, status line, footer, overlays.

pub mod audits;
mod catalogue;
pub mod compare;
mod groups;
pub mod presets;
pub mod run;
pub mod runs;
pub mod studies;
mod study;

use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::layout;
use super::model::{Model, Screen};
use super::overlay;
use super::view::{Target, View};
use super::widget::{footer, tabs};
use crate::run::event::Level;

/// Draws everything.
pub fn draw(model: &Model, view: &mut View) {
    let area = view.frame.area();
    if layout::is_too_small(area.width, area.height) {
        let (width, height) = layout::SMALLEST;
        let text = format!("gialab needs {width}x{height}; this terminal is {}x{}", area.width, area.height);
        view.frame.render_widget(Paragraph::new(text), area);
        return;
    }
    let areas = layout::areas(area);
    tabs::draw(model, areas.tabs, view);
    match model.screen {
        Screen::Presets => presets::draw(model, view, areas.body),
        Screen::Runs => runs::draw(model, view, areas.body),
        Screen::Run => run::draw(model, view, areas.body),
        Screen::Compare => match &model.compare.groups {
            Some(of) => groups::draw(model, view, areas.body, of),
            None => compare::draw(model, view, areas.body),
        },
        Screen::Studies => studies::draw(model, view, areas.body),
        Screen::Catalogue => catalogue::draw(model, view, areas.body),
        Screen::Audits => audits::draw(model, view, areas.body),
    }
    let mut line = status(model);
    if line.width() > usize::from(areas.status.width)
        && let Some(last) = line.spans.last_mut()
    {
        // The sentence is one span.
        last.content = crate::format::cut(&last.content, areas.status.width.into(), model.theme.ascii).into();
    }
    view.frame.buffer_mut().set_line(areas.status.x, areas.status.y, &line, areas.status.width);
    footer::draw(model, areas.footer, view);
    if !model.overlays.is_empty() {
        view.hits.add(areas.tabs.union(areas.status), Target::Cover);
    }
    overlay::draw(model, view, areas.body);
}

/// One sentence: a notice, or how the shown thing stands.
fn status(model: &Model) -> Line<'static> {
    let theme = model.theme;
    if let Some(notice) = &model.notice {
        let style = if notice.is_bad { theme.bad() } else { theme.accent() };
        return Line::from(Span::styled(format!(" {}", notice.text), style));
    }
    match model.screen {
        Screen::Presets => Line::styled(format!(" {}", presets::status(model)), theme.dim()),
        Screen::Runs => runs::status(model),
        Screen::Run => run::status(model),
        Screen::Compare => match &model.compare.groups {
            Some(of) => groups::status(of, theme),
            None => compare::status(model),
        },
        Screen::Studies => studies::status(model),
        Screen::Catalogue => catalogue::status(model),
        Screen::Audits => audits::status(model),
    }
}

/// Style of a log line.
fn level_style(theme: super::theme::Theme, level: Level) -> ratatui::style::Style {
    match level {
        Level::Info => ratatui::style::Style::new(),
        Level::Warning => theme.warning(),
        Level::Error => theme.bad(),
    }
}
