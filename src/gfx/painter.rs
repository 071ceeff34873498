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
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::cell::RefCell;
    use std::rc::Rc;

    use super::super::caps::{Images, Known};
    use super::super::mux::Tmux;
    use super::*;
    use ratatui::backend::CrosstermBackend;
    use ratatui::{Terminal, TerminalOptions, Viewport};

    const AREA: Rect = Rect { x: 2, y: 1, width: 8, height: 4 };

    fn picture(value: u8) -> Arc<Raster> {
        Arc::new(Raster { width: 4, height: 4, pixels: vec![[value, 0, 0]; 16] })
    }

    #[derive(Clone, Default)]
    struct Wire(Rc<RefCell<Vec<u8>>>);

    impl Write for Wire {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.borrow_mut().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// A terminal of 20x6 whose first frame is text everywhere, and what is written to it.
    struct Bench {
        painter: Painter,
        terminal: Terminal<CrosstermBackend<Wire>>,
        wire: Wire,
        screen: vt100::Parser,
        begin: Instant,
    }

    /// What a frame wrote: its own bytes, those of pictures.
    struct Written {
        frame: String,
        pictures: String,
    }

    impl Bench {
        fn new(images: Images) -> Bench {
            Bench::of(&Known { images, cell: Some((10, 20)), ..Known::default() })
        }

        fn of(known: &Known) -> Bench {
            crossterm::style::force_color_output(true);
            let environment = |name: &str| (name == "TERM").then(|| "xterm-256color".to_owned());
            let options = TerminalOptions { viewport: Viewport::Fixed(Rect::new(0, 0, 20, 6)) };
            let wire = Wire::default();
            Bench {
                painter: Painter::new(&Capabilities::of(known, environment), 0),
                terminal: Terminal::with_options(CrosstermBackend::new(wire.clone()), options).unwrap(),
                wire,
                screen: vt100::Parser::new(6.try_into().unwrap(), 20.try_into().unwrap(), 0),
                begin: Instant::now(),
            }
        }

        /// One frame, that many milliseconds after the start.
        fn frame(&mut self, at: u64, shown: Option<(&Arc<Raster>, Rect)>, covered: bool) -> Written {
            self.painter.begin_frame(self.begin + Duration::from_millis(at), covered);
            let painter = &mut self.painter;
            self.terminal
                .draw(|frame| {
                    for y in 0..6 {
                        frame.buffer_mut().set_string(0, y, "x".repeat(20), Style::new());
                    }
                    if let Some((picture, area)) = shown {
                        painter.place(frame.buffer_mut(), area, 0, picture);
                    }
                })
                .unwrap();
            let frame = std::mem::take(&mut *self.wire.0.borrow_mut());
            self.screen.process(&frame);
            let mut pictures = Vec::new();
            self.painter.paint(&mut pictures).unwrap();
            let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
            Written { frame: text(frame), pictures: text(pictures) }
        }

        fn show(&mut self, at: u64, value: u8) -> Written {
            self.frame(at, Some((&picture(value), AREA)), false)
        }

        fn symbol(&self, x: u16, y: u16) -> String {
            self.screen.screen().cell(y, x).unwrap().contents().to_owned()
        }

        fn due_in(&self) -> Option<Duration> {
            self.painter.due().map(|due| due.saturating_duration_since(self.begin))
        }
    }

    #[test]
    fn placeholders_come_one_frame_after_their_picture_and_stay_unwritten() {
        let mut bench = Bench::new(Images::Kitty);
        let first = bench.show(0, 1);
        // 4x4 pixels, 20 times as large: 8x4 cells of 10x20.
        assert!(first.pictures.starts_with("\u{1b}_Ga=T,q=2,U=1,i=1,f=32,o=z,s=80,v=80,c=8,r=4,m=0;"));
        assert!(!first.frame.contains('\u{10EEEE}'));
        assert_eq!(bench.due_in(), Some(Duration::ZERO), "the cells want a frame");
        let second = bench.show(33, 1);
        assert!(second.pictures.is_empty());
        assert_eq!(second.frame.matches('\u{10EEEE}').count(), 8 * 4);
        assert!(second.frame.contains("\u{1b}[38;2;0;0;1;"), "the id is the colour: {:?}", second.frame);
        assert_eq!(bench.symbol(3, 2), "\u{10EEEE}\u{30D}\u{30D}");
        let third = bench.show(66, 1);
        assert!(third.pictures.is_empty() && !third.frame.contains('\u{10EEEE}'));
        assert_eq!(bench.due_in(), None);
    }

    #[test]
    fn a_newer_picture_waits_for_its_time_and_then_replaces_the_older() {
        let mut bench = Bench::new(Images::Kitty);
        bench.show(0, 1);
        bench.show(33, 1);
        for (at, value) in [(66, 2), (100, 3), (200, 4)] {
            let frame = bench.show(at, value);
            assert!(frame.pictures.is_empty(), "too early at {at} ms");
            assert_eq!(bench.due_in(), Some(Duration::from_millis(500)));
            assert_eq!(bench.symbol(2, 1), "\u{10EEEE}\u{305}\u{305}", "the older one stays");
        }
        let sent = bench.show(500, 4);
        assert!(sent.pictures.contains("i=2,") && !sent.pictures.contains("a=d"));
        let shown = bench.show(533, 4);
        assert!(shown.frame.contains("\u{1b}[38;2;0;0;2;"));
        assert_eq!(shown.pictures, "\u{1b}_Ga=d,d=I,i=1,q=2;\u{1b}\\");
        assert_eq!(bench.due_in(), None);
    }

    #[test]
    fn the_same_picture_from_another_load_is_not_sent_again() {
        for images in [Images::Kitty, Images::Iterm, Images::Sixel] {
            let mut bench = Bench::new(images);
            bench.show(0, 1);
            for at in [1000, 2000] {
                assert!(bench.show(at, 1).pictures.is_empty(), "{images:?}");
            }
        }
    }

    #[test]
    fn pixels_follow_the_frame_that_blanked_their_cells_and_are_then_left_alone() {
        for (images, sign) in [(Images::Iterm, "\u{1b}]1337;File="), (Images::Sixel, "\u{1b}P0;1;0q")] {
            let mut bench = Bench::new(images);
            bench.frame(0, None, false);
            assert_eq!(bench.symbol(2, 1), "x");
            let first = bench.show(10, 1);
            assert_eq!(bench.symbol(2, 1), " ", "blanked");
            assert!(first.pictures.starts_with(&format!("\u{1b}7\u{1b}[2;3H{sign}")), "{:?}", first.pictures);
            assert!(first.pictures.ends_with("\u{1b}8"));
            let kept = bench.show(43, 1);
            assert!(kept.frame.is_empty() || !kept.frame.contains(' '), "{:?}", kept.frame);
            // A newer picture of the same size goes over the older without a blank frame.
            let newer = bench.show(600, 2);
            assert!(newer.pictures.contains(sign) && !newer.frame.contains(' '));
            // Where none is any more, every cell is written, which wipes the pixels.
            let gone = bench.frame(650, None, false);
            assert_eq!(gone.frame.matches('x').count(), 8 * 4);
            assert!(gone.pictures.is_empty());
        }
    }

    #[test]
    fn a_classic_picture_is_deleted_by_its_id() {
        let known = Known {
            answers: super::super::probe::Answers {
                replies: super::super::probe::parse(
                    b"\x1bP>|kitty(0.26.5)\x1b\\\x1b_Gi=31;OK\x1b\\\x1b[?62c",
                )
                .into_iter()
                .map(|reply| (reply, Duration::ZERO))
                .collect(),
                ..Default::default()
            },
            images: Images::Kitty,
            cell: Some((10, 20)),
            ..Known::default()
        };
        let mut bench = Bench::of(&known);
        let first = bench.show(0, 1);
        assert!(first.pictures.contains("\u{1b}[2;3H\u{1b}_Ga=T,q=2,p=1,C=1,i=1,"));
        let second = bench.show(600, 2);
        let (newer, older) =
            (second.pictures.find("i=2,").unwrap(), second.pictures.find("a=d,d=I,i=1").unwrap());
        assert!(newer < older, "no moment without a picture");
        assert!(bench.painter.farewell().ends_with(b"\x1b_Ga=d,d=I,i=2,q=2;\x1b\\"));
        let covered = bench.frame(650, Some((&picture(2), AREA)), true);
        assert!(covered.pictures.contains("a=d,d=I,i=2"));
        assert_eq!(bench.symbol(2, 1), "▀");
        assert!(bench.painter.farewell().is_empty());
    }

    #[test]
    fn a_cover_hides_pixels_and_they_come_back_at_once() {
        let mut bench = Bench::new(Images::Sixel);
        bench.show(0, 1);
        bench.show(33, 1);
        let covered = bench.frame(66, Some((&picture(1), AREA)), true);
        assert!(covered.pictures.is_empty());
        assert_eq!(bench.symbol(2, 1), "▀", "cells instead");
        let back = bench.show(100, 1);
        assert_eq!(bench.symbol(2, 1), " ");
        assert!(back.pictures.contains("\u{1b}P0;1;0q"));
    }

    #[test]
    fn a_moved_picture_is_wiped_and_drawn_at_its_new_place_when_its_time_comes() {
        let mut bench = Bench::new(Images::Iterm);
        bench.show(0, 1);
        bench.show(33, 1);
        let moved = Rect { x: 10, ..AREA };
        let early = bench.frame(66, Some((&picture(1), moved)), false);
        assert!(early.pictures.is_empty());
        assert_eq!((bench.symbol(2, 1), bench.symbol(10, 1)), ("x".into(), "▀".into()));
        let later = bench.frame(500, Some((&picture(1), moved)), false);
        assert!(later.pictures.contains("\u{1b}[2;11H\u{1b}]1337;"));
        assert_eq!(bench.symbol(10, 1), " ");
    }

    #[test]
    fn after_damage_everything_is_sent_again() {
        for images in [Images::Kitty, Images::Iterm] {
            let mut bench = Bench::new(images);
            bench.show(0, 1);
            bench.show(33, 1);
            bench.painter.invalidate();
            assert!(!bench.show(1000, 1).pictures.is_empty(), "{images:?}");
        }
    }

    #[test]
    fn nothing_is_drawn_into_the_last_row() {
        for images in [Images::Kitty, Images::Iterm, Images::Sixel] {
            let mut bench = Bench::new(images);
            let whole = Rect::new(0, 0, 20, 6);
            for at in [0, 33, 66] {
                bench.frame(at, Some((&picture(1), whole)), false);
            }
            assert_eq!(bench.symbol(10, 5), "x", "{images:?}");
        }
    }

    #[test]
    fn tmux_gets_wrapped_commands_and_indexed_ids() {
        let tmux = Tmux {
            passthrough: "on".into(),
            terminal: "kitty(0.43.1)".into(),
            features: "256,RGB".into(),
            ..Tmux::default()
        };
        let mut bench = Bench::of(&Known {
            multiplexer: Multiplexer::Tmux(tmux),
            cell: Some((10, 20)),
            images: Images::Kitty,
            ..Known::default()
        });
        bench.painter.id = 254;
        let first = bench.show(0, 1);
        assert!(first.pictures.starts_with("\u{1b}Ptmux;\u{1b}\u{1b}_Ga=T,q=2,U=1,i=255,"));
        assert!(bench.show(33, 1).frame.contains("\u{1b}[38;5;255;"));
        assert!(bench.show(600, 2).pictures.contains(",i=1,"), "ids begin again");
    }

    #[test]
    fn over_ssh_a_slot_is_written_to_every_two_seconds() {
        assert_eq!((pace(false), pace(true)), (Duration::from_millis(500), Duration::from_secs(2)));
    }

    #[test]
    fn off_says_so() {
        let mut bench = Bench::new(Images::Off);
        bench.frame(0, Some((&picture(1), Rect::new(0, 0, 20, 3))), false);
        let shown = bench.screen.screen().contents();
        assert!(shown.contains("pictures are off (--"), "{shown}");
    }
}
