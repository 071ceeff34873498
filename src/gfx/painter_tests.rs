#![allow(clippy::unwrap_used)]
use std::cell::RefCell;
use std::rc::Rc;

use super::super::caps::{ImageMode, Known};
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
    fn new(images: ImageMode) -> Bench {
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
    let mut bench = Bench::new(ImageMode::Kitty);
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
    let mut bench = Bench::new(ImageMode::Kitty);
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
    for images in [ImageMode::Kitty, ImageMode::Iterm, ImageMode::Sixel] {
        let mut bench = Bench::new(images);
        bench.show(0, 1);
        for at in [1000, 2000] {
            assert!(bench.show(at, 1).pictures.is_empty(), "{images:?}");
        }
    }
}

#[test]
fn pixels_follow_the_frame_that_blanked_their_cells_and_are_then_left_alone() {
    for (images, sign) in [(ImageMode::Iterm, "\u{1b}]1337;File="), (ImageMode::Sixel, "\u{1b}P0;1;0q")] {
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
            replies: super::super::probe::parse(b"\x1bP>|kitty(0.26.5)\x1b\\\x1b_Gi=31;OK\x1b\\\x1b[?62c")
                .into_iter()
                .map(|reply| (reply, Duration::ZERO))
                .collect(),
            ..Default::default()
        },
        images: ImageMode::Kitty,
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
    let mut bench = Bench::new(ImageMode::Sixel);
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
    let mut bench = Bench::new(ImageMode::Iterm);
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
    for images in [ImageMode::Kitty, ImageMode::Iterm] {
        let mut bench = Bench::new(images);
        bench.show(0, 1);
        bench.show(33, 1);
        bench.painter.invalidate();
        assert!(!bench.show(1000, 1).pictures.is_empty(), "{images:?}");
    }
}

#[test]
fn nothing_is_drawn_into_the_last_row() {
    for images in [ImageMode::Kitty, ImageMode::Iterm, ImageMode::Sixel] {
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
        images: ImageMode::Kitty,
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
    let mut bench = Bench::new(ImageMode::Off);
    bench.frame(0, Some((&picture(1), Rect::new(0, 0, 20, 3))), false);
    let shown = bench.screen.screen().contents();
    assert!(shown.contains("pictures are off (--"), "{shown}");
}
