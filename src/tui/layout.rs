//! Where things stand on screens of different sizes.

use ratatui::layout::{Constraint, Layout, Rect};

use super::model::Panes;
use crate::gfx::fit;

/// Below this many columns gialab says so and shows nothing else.
pub const SMALLEST: (u16, u16) = (60, 16);

/// From this many columns on, chart and pictures stand side by side.
pub const WIDE: u16 = 100;

/// Columns beyond which a record of a table has only gaps.
const WIDEST_RECORD: u16 = 90;

/// Rows that a chart above the pictures has at least.
const LOWEST_CHART: u16 = 9;

/// Whether a screen is too small to show anything useful.
pub fn is_too_small(width: u16, height: u16) -> bool {
    width < SMALLEST.0 || height < SMALLEST.1
}

/// Tabs, body, status line and footer.
#[derive(Debug, Clone, Copy)]
pub struct Areas {
    /// First row.
    pub tabs: Rect,
    /// Between.
    pub body: Rect,
    /// Last row but one.
    pub status: Rect,
    /// Last row.
    pub footer: Rect,
}

/// Splits the whole screen.
pub fn areas(area: Rect) -> Areas {
    let [tabs, body, status, footer] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Min(0),
        Constraint::Length(1),
        Constraint::Length(1),
    ])
    .areas(area);
    Areas { tabs, body, status, footer }
}

/// Lines that PgUp and PgDn move by.
pub fn page(size: (u16, u16)) -> u16 {
    size.1.saturating_sub(8).max(1)
}

/// Areas of the Run screen; empty ones are not drawn.
#[derive(Debug, Clone, Copy)]
pub struct RunAreas {
    /// What the attacker knows.
    pub header: Rect,
    /// Loss chart.
    pub chart: Rect,
    /// Pictures.
    pub pictures: Rect,
    /// Metric table.
    pub table: Rect,
    /// Log tail.
    pub log: Rect,
    /// Progress.
    pub gauge: Rect,
}

/// Splits the body of the Run screen for a table of `rounds` rows, a log of `lines`, and pictures of `picture` pixels in
/// cells of `cell` pixels, or of a record of a table in their place.
pub fn run(
    body: Rect,
    (rounds, lines, header): (usize, usize, u16),
    panes: Panes,
    picture: Option<(usize, usize)>,
    cell: (usize, usize),
) -> RunAreas {
    let rounds = rounds.clamp(1, 200) as u16;
    // Frame, header and one line a round, but never more than a third.
    let table = (rounds + 3).min((body.height / 3).max(4));
    let lines = lines.min(200) as u16;
    // Where there is little room the log has no frame.
    let log = match body.height {
        ..18 => 0,
        18..28 if panes == Panes::Only => 0,
        _ if lines == 0 => 0,
        18..28 => lines.min(2),
        28..44 => (lines + 2).min(4),
        _ => (lines + 2).min(8),
    };
    let [header, middle, table, log, gauge] = Layout::vertical([
        Constraint::Length(header),
        Constraint::Min(5),
        Constraint::Length(table),
        Constraint::Length(log),
        Constraint::Length(1),
    ])
    .areas(body);
    let none = Rect { width: 0, height: 0, ..middle };
    let (chart, pictures) = match panes {
        Panes::Hidden => (middle, none),
        Panes::Only => (none, middle),
        Panes::Beside => match picture {
            Some(picture) => beside(middle, picture, cell),
            None => halves(middle),
        },
    };
    RunAreas { header, chart, pictures, table, log, gauge }
}

/// Chart and record: a record is as wide as its columns, and the taller the better.
fn halves(area: Rect) -> (Rect, Rect) {
    // Where there is little room, names need more of it than curves do.
    let width = if area.width < WIDE { area.width * 4 / 7 } else { (area.width / 2).min(WIDEST_RECORD) };
    Layout::horizontal([Constraint::Min(0), Constraint::Length(width)]).areas::<2>(area).into()
}

/// Chart and pictures: side by side, or the pictures in a row below the chart where that shows them larger.
fn beside(area: Rect, picture: (usize, usize), cell: (usize, usize)) -> (Rect, Rect) {
    let width = if area.width < WIDE { area.width / 2 - 2 } else { area.width * 2 / 5 };
    let columns = Layout::horizontal([Constraint::Min(0), Constraint::Length(width)]);
    if area.width < WIDE {
        return columns.areas::<2>(area).into();
    }
    // Inside the frame: four in a row with a label each, or two rows of two.
    let fitted = |columns: u16, rows: u16| fit::size(picture.0, picture.1, columns.into(), rows.into(), cell);
    let most = area.height.saturating_sub(LOWEST_CHART + 3);
    // Half blocks need a row for two pixels; with pixels of its own a picture is sharp at any height, and the
    // chart gets its half.
    let rows = if cell == fit::HALF_BLOCKS { most } else { most.min(area.height / 2) };
    let below = fitted((area.width - 2) / 4 - 1, rows);
    let aside = fitted((width - 2) / 2 - 1, (area.height.saturating_sub(2) / 2).saturating_sub(1));
    if below.0 <= aside.0 {
        return columns.areas::<2>(area).into();
    }
    let height = below.1.div_ceil(cell.1) as u16 + 3;
    Layout::vertical([Constraint::Min(0), Constraint::Length(height)]).areas::<2>(area).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run_with_pixels(body: Rect, rounds: usize, panes: Panes) -> RunAreas {
        run(body, (rounds, 9, 2), panes, Some((32, 32)), (9, 18))
    }

    #[test]
    fn below_sixty_by_sixteen_is_too_small() {
        assert!(is_too_small(59, 40) && is_too_small(200, 15));
        assert!(!is_too_small(60, 16));
    }

    #[test]
    fn every_part_of_a_run_has_room_from_the_smallest_size_up() {
        for (width, height) in [(60, 16), (80, 24), (120, 40), (200, 60), (300, 20)] {
            for panes in [Panes::Beside, Panes::Only, Panes::Hidden] {
                for rounds in [0, 1, 5, 100] {
                    let body = areas(Rect::new(0, 0, width, height)).body;
                    let silent = super::run(body, (rounds, 0, 2), panes, Some((32, 32)), fit::HALF_BLOCKS);
                    assert_eq!(silent.log.height, 0, "an empty log takes no room");
                    let run = run(body, (rounds, 9, 2), panes, Some((32, 32)), fit::HALF_BLOCKS);
                    let sharp = run_with_pixels(body, rounds, panes);
                    assert!(sharp.chart.height >= 5 || sharp.pictures.height >= 5, "{width}x{height}");
                    assert!(run.chart.height >= 5 || run.pictures.height >= 5, "{width}x{height}");
                    let record = super::run(body, (rounds, 9, 2), panes, None, fit::HALF_BLOCKS);
                    assert!(record.chart.width >= 30 || record.pictures.width >= 30, "{width}x{height}");
                    assert_eq!((run.header.height, run.gauge.height), (2, 1));
                    assert!(run.table.height >= 3);
                }
            }
        }
    }
}
