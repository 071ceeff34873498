//! The first row: where one is, and what computes.

use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::format;
use crate::run::Health;
use crate::tui::layout::WIDE;
use crate::tui::model::{Model, Screen};
use crate::tui::view::{Target, View};

/// Between a device and how its run stands.
const GAP: &str = "   ";

/// Below this a device's name says nothing.
const SHORTEST_DEVICE: usize = 8;

/// Draws the row.
pub fn draw(model: &Model, area: Rect, view: &mut View) {
    let theme = model.theme;
    // How a run stands needs the room more than what is said elsewhere.
    let is_narrow = area.width < WIDE;
    let mut line = Line::from(Span::styled(if is_narrow { "" } else { " gialab " }, theme.strong()));
    for (number, screen) in (1..).zip(Screen::ALL) {
        let name = screen.name();
        let text = match screen == model.screen {
            true => format!("[{number} {name}]"),
            false if is_narrow => format!(" {name} "),
            false => format!(" {number} {name} "),
        };
        let style = if screen == model.screen { theme.accent() } else { theme.dim() };
        let place = Rect { x: area.x + line.width() as u16, width: text.len() as u16, ..area };
        view.hits.add(place, Target::Tab(screen));
        line.spans.push(Span::styled(text, style));
    }
    let buffer = view.frame.buffer_mut();
    let used = line.width() as u16;
    buffer.set_line(area.x, area.y, &line, area.width);
    let right = right(model, usize::from(area.width.saturating_sub(used + 2)));
    // Left out rather than cut.
    let width = right.width() as u16;
    if used + width + 2 <= area.width {
        buffer.set_line(area.right() - width - 1, area.y, &right, width);
    }
}

/// What computes, in so many columns; a device's name is shortened, or left out.
fn right(model: &Model, room: usize) -> Line<'static> {
    let theme = model.theme;
    if let (Screen::Run, Some(run)) = (model.screen, model.run()) {
        let device = run.state().started.as_ref().map(|started| started.device.clone()).unwrap_or_default();
        let word = run.asked.map_or(run.health.name(), |asked| asked);
        let status =
            format!("{} {word} {}", theme.health_mark(run.health), format::clock(run.state().seconds));
        let status = Span::styled(status, theme.health(run.health));
        let left = room.saturating_sub(status.width() + GAP.len());
        if left < SHORTEST_DEVICE.min(device.len()) {
            return Line::from(status);
        }
        let device = format!("{}{GAP}", format::cut(&device, left, theme.ascii));
        return Line::from(vec![Span::styled(device, theme.dim()), status]);
    }
    let live = match (model.screen, model.study()) {
        (Screen::Studies, Some(_)) => model.chosen_study().filter(|brief| brief.is_live()),
        (Screen::Studies, None) => model.studies_view.rows.iter().flatten().find(|brief| brief.is_live()),
        _ => None,
    };
    if let Some(brief) = live {
        let text = format!("{}: {} of {} runs", brief.name, brief.whole.done, brief.whole.all);
        return Line::styled(format::cut(&text, room, theme.ascii), theme.accent());
    }
    let live = model.live_runs();
    let waiting = live.iter().filter(|row| row.health == Health::Queued).count();
    let text = match (live.len() - waiting, waiting) {
        (0, 0) => return Line::styled("nothing is running", theme.dim()),
        (1, 0) => "1 run is live".to_owned(),
        (live, 0) => format!("{live} runs are live"),
        (0, waiting) => format!("{waiting} waiting"),
        (live, waiting) => format!("{live} live, {waiting} waiting"),
    };
    Line::styled(text, theme.accent())
}
