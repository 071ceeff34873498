//! The surface of a real terminal: what is shown in which slot, and what has to be written for it.
//!
//! A frame goes: [`Painter::begin_frame`], [`Surface::place`] for every picture while the frame is drawn into
//! the buffer, the frame's own bytes, [`Painter::paint`]. Placeholder pictures are sent in one frame and their
//! cells shown in the next, so no cell names a picture that the terminal does not have. Pictures that are
//! written at a place (classic kitty, iTerm2, sixel) come right after the frame that blanked their cells; from
//! then on the cells are skipped, because writing to them would wipe the picture.
//!
//! A slot is written to at most once per [`pace`]; until then the older picture stays, and [`Painter::due`] says
//! when the newest can be shown.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};

use ratatui::buffer::{Buffer, CellDiffOption};
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::caps::{Capabilities, Protocol};
use super::fit::{self, Canvas};
use super::kitty::{self, Placement, Route};
use super::mux::Multiplexer;
use super::{Cells, Raster, Surface, iterm, sixel};

/// Shortest time between two pictures in one slot: two a second here, one in two seconds over SSH.
pub fn pace(over_ssh: bool) -> Duration {
    if over_ssh { Duration::from_secs(2) } else { Duration::from_millis(500) }
}

/// Shows pictures in a real terminal.
#[derive(Debug)]
pub struct Painter {
    protocol: Protocol,
    route: Route,
    cells: Cells,
    cell: (usize, usize),
    registers: usize,
    pace: Duration,
    slots: BTreeMap<usize, Slot>,
    /// Given to the last picture.
    id: u32,
    /// Pictures to be taken from the terminal.
    unwanted: Vec<u32>,
    now: Instant,
    covered: bool,
    due: Option<Instant>,
    written: u64,
}

/// What is known of one slot.
#[derive(Debug, Default)]
struct Slot {
    /// What the terminal shows.
    shown: Option<Shown>,
    /// Placeholder picture that the terminal has, with no cells yet.
    sent: Option<Shown>,
    /// To be written after this frame.
    next: Option<(Shown, Canvas)>,
    /// When it was last written to.
    written: Option<Instant>,
    /// Placed in this frame.
    is_placed: bool,
}

#[derive(Debug, Clone)]
struct Shown {
    picture: Arc<Raster>,
    area: Rect,
    id: u32,
}

impl Shown {
    fn is(&self, picture: &Arc<Raster>) -> bool {
        Arc::ptr_eq(&self.picture, picture) || self.picture == *picture
    }

    /// Of the same size in pixels and cells, wherever.
    fn is_as_large(&self, picture: &Raster, area: Rect) -> bool {
        self.area.as_size() == area.as_size()
            && (self.picture.width, self.picture.height) == (picture.width, picture.height)
    }
}

impl Painter {
    /// For a terminal of these capabilities. Ids of pictures begin after `seed`, so that two programs in one
    /// terminal seldom use the same.
    pub fn new(capabilities: &Capabilities, seed: u32) -> Painter {
        let in_tmux = matches!(capabilities.multiplexer, Multiplexer::Tmux(_) | Multiplexer::Remote);
        let route = if in_tmux { Route::Tmux } else { Route::Direct };
        Painter {
            protocol: capabilities.protocol,
            route,
            cells: Cells { depth: capabilities.depth, ascii: capabilities.protocol == Protocol::Ascii },
            cell: capabilities.drawing_cell(),
            registers: capabilities.sixel_registers,
            pace: pace(capabilities.over_ssh),
            slots: BTreeMap::new(),
            id: seed % route.largest_id(),
            unwanted: Vec::new(),
            now: Instant::now(),
            covered: false,
            due: None,
            written: 0,
        }
    }

    /// Begins a frame. Under something that lies over the screen (`covered`) pictures at a place are hidden.
    pub fn begin_frame(&mut self, now: Instant, covered: bool) {
        (self.now, self.covered, self.due) = (now, covered, None);
        self.slots.values_mut().for_each(|slot| slot.is_placed = false);
    }

    /// Writes what the frame asked for. Belongs after the frame's own bytes, inside its synchronized update.
    ///
    /// # Errors
    /// If the terminal cannot be written to.
    pub fn paint(&mut self, out: &mut dyn Write) -> io::Result<()> {
        let mut bytes = Vec::new();
        for slot in self.slots.values_mut() {
            if let Some((shown, canvas)) = slot.next.take() {
                let at = (shown.area.x, shown.area.y);
                match self.protocol {
                    Protocol::KittyPlaceholders => {
                        kitty::transmit(&mut bytes, &canvas, shown.id, Placement::Placeholders, self.route);
                        self.unwanted.extend(slot.sent.replace(shown).map(|sent| sent.id));
                        // Its cells come with the next frame.
                        self.due = Some(self.now);
                        continue;
                    }
                    Protocol::KittyClassic => at_place(&mut bytes, at, |bytes| {
                        kitty::transmit(bytes, &canvas, shown.id, Placement::Cursor, self.route);
                    }),
                    Protocol::Iterm => at_place(&mut bytes, at, |bytes| iterm::draw(bytes, &canvas)),
                    Protocol::Sixel => {
                        at_place(&mut bytes, at, |bytes| sixel::draw(bytes, &canvas, self.registers));
                    }
                    Protocol::Blocks | Protocol::Ascii | Protocol::Off => {}
                }
                self.unwanted.extend(slot.shown.replace(shown).map(|shown| shown.id));
            }
        }
        for slot in self.slots.values().filter(|slot| !slot.is_placed) {
            self.unwanted.extend(slot.shown.iter().chain(&slot.sent).map(|shown| shown.id));
        }
        self.slots.retain(|_, slot| slot.is_placed);
        self.delete_unwanted(&mut bytes);
        self.written += bytes.len() as u64;
        out.write_all(&bytes)
    }

    /// What draws pictures as cells here, for whom prefers them.
    pub fn cells(&self) -> Cells {
        self.cells
    }

    /// Everything on the screen may be gone: all pictures are written again.
    pub fn invalidate(&mut self) {
        for slot in self.slots.values_mut() {
            self.unwanted.extend(slot.shown.take().into_iter().chain(slot.sent.take()).map(|shown| shown.id));
        }
    }

    /// What takes all pictures from the terminal, as things stand.
    pub fn farewell(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        if self.has_ids() {
            let shown = self.slots.values().flat_map(|slot| slot.shown.iter().chain(&slot.sent));
            for id in shown.map(|shown| shown.id).chain(self.unwanted.iter().copied()) {
                kitty::delete(&mut bytes, id, self.route);
            }
        }
        bytes
    }

    /// When a picture that is not shown yet can be; a frame is to be drawn then.
    pub fn due(&self) -> Option<Instant> {
        self.due
    }

    /// Bytes written for pictures that do not go through the frame.
    pub fn bytes_written(&self) -> u64 {
        self.written
    }

    fn has_ids(&self) -> bool {
        matches!(self.protocol, Protocol::KittyPlaceholders | Protocol::KittyClassic)
    }

    fn delete_unwanted(&mut self, bytes: &mut Vec<u8>) {
        let ids = std::mem::take(&mut self.unwanted);
        if self.has_ids() {
            ids.into_iter().for_each(|id| kitty::delete(bytes, id, self.route));
        }
    }

    fn new_id(&mut self) -> u32 {
        let shown = self.slots.values().flat_map(|slot| slot.shown.iter().chain(&slot.sent));
        let taken: Vec<u32> = shown.map(|shown| shown.id).chain(self.unwanted.iter().copied()).collect();
        // Of the ids that tmux leaves us there may be none free; then one is shared.
        for _ in 0..=taken.len() {
            self.id = self.id % self.route.largest_id() + 1;
            if !taken.contains(&self.id) {
                break;
            }
        }
        self.id
    }

    /// Whether the slot may be written to now; if not, when.
    fn may_write(&mut self, slot: &Slot) -> bool {
        let from = slot.written.map(|written| written + self.pace).filter(|from| *from > self.now);
        if let Some(from) = from {
            self.due = Some(self.due.map_or(from, |due| due.min(from)));
        }
        from.is_none()
    }

    fn write_next(&mut self, slot: &mut Slot, picture: &Arc<Raster>, used: Rect) {
        let canvas = fit::canvas(picture, used.width, used.height, self.cell);
        let shown = Shown { picture: picture.clone(), area: used, id: self.new_id() };
        slot.next = Some((shown, canvas));
        slot.written = Some(self.now);
    }

    /// By cells that name the picture, wherever they are.
    fn place_cells(
        &mut self,
        slot: &mut Slot,
        buffer: &mut Buffer,
        picture: &Arc<Raster>,
        used: Rect,
    ) -> bool {
        if let Some(sent) = slot.sent.take() {
            self.unwanted.extend(slot.shown.replace(sent).map(|old| old.id));
        }
        if let Some(shown) = &mut slot.shown
            && shown.is(picture)
            && shown.area.as_size() == used.as_size()
        {
            shown.picture = picture.clone();
        } else if self.may_write(slot) {
            self.write_next(slot, picture, used);
        }
        match &slot.shown {
            Some(shown) if shown.is_as_large(picture, used) => {
                kitty::placeholders(buffer, used, shown.id, self.route);
                true
            }
            // The next frame has it.
            _ => slot.next.is_some(),
        }
    }

    /// By pixels at a place.
    fn place_pixels(
        &mut self,
        slot: &mut Slot,
        buffer: &mut Buffer,
        picture: &Arc<Raster>,
        used: Rect,
    ) -> bool {
        // A classic picture lies over its cells, the others are in them.
        let keeps_cells = self.protocol != Protocol::KittyClassic;
        let fits =
            slot.shown.as_ref().is_some_and(|shown| shown.area == used && shown.is_as_large(picture, used));
        if let Some(shown) = &mut slot.shown
            && fits
            && shown.is(picture)
        {
            shown.picture = picture.clone();
        } else if self.may_write(slot) {
            self.write_next(slot, picture, used);
        } else if !fits {
            self.unwanted.extend(slot.shown.take().map(|shown| shown.id));
            return false;
        }
        blank(buffer, used);
        if keeps_cells && fits {
            for position in used.positions() {
                if let Some(cell) = buffer.cell_mut(position) {
                    cell.set_diff_option(CellDiffOption::Skip);
                }
            }
        }
        true
    }
}

impl Surface for Painter {
    fn cell(&self) -> (usize, usize) {
        self.cell
    }

    fn place(&mut self, buffer: &mut Buffer, area: Rect, slot: usize, picture: &Arc<Raster>) -> Rect {
        match self.protocol {
            Protocol::Blocks | Protocol::Ascii => return self.cells.place(buffer, area, slot, picture),
            Protocol::Off => return say_off(buffer, area),
            _ => {}
        }
        // Nothing in the last row: pixels there scroll the screen.
        let last = buffer.area.bottom().saturating_sub(1);
        let area = area.intersection(Rect { height: last.saturating_sub(buffer.area.y), ..buffer.area });
        let used = self.used(area, picture);
        if used.is_empty() {
            return used;
        }
        let mut state = self.slots.remove(&slot).unwrap_or_default();
        state.is_placed = true;
        state.next = None;
        let is_drawn = match self.protocol {
            Protocol::KittyPlaceholders => self.place_cells(&mut state, buffer, picture, used),
            _ if self.covered => {
                self.unwanted.extend(state.shown.take().map(|shown| shown.id));
                // Shown again at once when the cover goes.
                state.written = None;
                false
            }
            _ => self.place_pixels(&mut state, buffer, picture, used),
        };
        self.slots.insert(slot, state);
        if is_drawn { used } else { self.cells.place(buffer, used, slot, picture) }
    }
}

impl Painter {
    /// Cells that the picture takes in `area`, centred.
    fn used(&self, area: Rect, picture: &Raster) -> Rect {
        let most = |cell: usize| match self.protocol {
            Protocol::Sixel => (sixel::LONGEST_SIDE / cell) as u16,
            _ => kitty::MOST_CELLS,
        };
        let (columns, rows) = (area.width.min(most(self.cell.0)), area.height.min(most(self.cell.1)));
        let (width, height) =
            fit::size(picture.width, picture.height, columns.into(), rows.into(), self.cell);
        let (width, height) = (width.div_ceil(self.cell.0) as u16, height.div_ceil(self.cell.1) as u16);
        Rect { x: area.x + (area.width - width) / 2, y: area.y + (area.height - height) / 2, width, height }
    }
}

/// Puts the cursor there, draws, and puts it back.
fn at_place(bytes: &mut Vec<u8>, (x, y): (u16, u16), draw: impl FnOnce(&mut Vec<u8>)) {
    bytes.extend_from_slice(format!("\x1b7\x1b[{};{}H", y + 1, x + 1).as_bytes());
    draw(bytes);
    bytes.extend_from_slice(b"\x1b8");
}

fn blank(buffer: &mut Buffer, area: Rect) {
    for position in area.positions() {
        if let Some(cell) = buffer.cell_mut(position) {
            cell.reset();
            cell.set_style(Style::reset());
        }
    }
}

fn say_off(buffer: &mut Buffer, area: Rect) -> Rect {
    let text = "pictures are off (--images)";
    let row = Rect { y: area.y + area.height / 2, height: area.height.min(1), ..area };
    let offset = area.width.saturating_sub(text.len() as u16) / 2;
    buffer.set_stringn(row.x + offset, row.y, text, row.width.into(), Style::new());
    row
}

#[cfg(test)]
#[path = "painter_tests.rs"]
mod tests;
