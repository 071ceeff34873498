//! The kitty graphics protocol: pictures under ids of our own, shown by cells that name them or placed at the
//! cursor.
//!
//! Unicode placeholders are cells with the character U+10EEEE: the foreground colour is the picture's id, two
//! diacritics are the row and the column of the picture that the cell shows. They are text to everything
//! between us and the terminal, so they survive tmux and move with the screen. Every command carries `q=2`: no
//! answers, which would arrive as keys.

use std::io::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::ZlibEncoder;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Style};

use super::fit::Canvas;

/// Most base64 in one command.
const CHUNK: usize = 4096;

/// Most columns or rows of cells that diacritics can number here.
pub const MOST_CELLS: u16 = DIACRITICS.len() as u16;

/// Whether commands go through tmux, which passes on what is wrapped, and keeps indexed colours only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Route {
    /// Straight to the terminal.
    Direct,
    /// Wrapped for tmux.
    Tmux,
}

/// How a transmitted picture gets onto the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Placement {
    /// By placeholder cells, wherever they are.
    Placeholders,
    /// At the cursor, which does not move.
    Cursor,
}

impl Route {
    /// Ids that can be told from a cell's colour.
    pub fn largest_id(self) -> u32 {
        match self {
            Route::Direct => 0xff_ffff,
            Route::Tmux => 0xff,
        }
    }

    fn colour(self, id: u32) -> Color {
        let [_, r, g, b] = id.to_be_bytes();
        match self {
            Route::Direct => Color::Rgb(r, g, b),
            Route::Tmux => Color::Indexed(b),
        }
    }

    /// Writes one command, wrapped where that is needed.
    fn command(self, out: &mut Vec<u8>, keys: &str, payload: &[u8]) {
        let escape: &[u8] = match self {
            Route::Direct => b"\x1b",
            Route::Tmux => b"\x1b\x1b",
        };
        if self == Route::Tmux {
            out.extend_from_slice(b"\x1bPtmux;");
        }
        for part in [escape, b"_G", keys.as_bytes(), b";", payload, escape, b"\\"] {
            out.extend_from_slice(part);
        }
        if self == Route::Tmux {
            out.extend_from_slice(b"\x1b\\");
        }
    }
}

/// Sends a picture under `id` and makes it showable. Compressed: an enlarged picture repeats itself.
pub fn transmit(out: &mut Vec<u8>, canvas: &Canvas, id: u32, placement: Placement, route: Route) {
    let payload = STANDARD.encode(compress(&canvas.rgba));
    let Canvas { columns, rows, width, height, .. } = canvas;
    let how = match placement {
        Placement::Placeholders => "U=1",
        Placement::Cursor => "p=1,C=1",
    };
    let mut keys = format!("a=T,q=2,{how},i={id},f=32,o=z,s={width},v={height},c={columns},r={rows}");
    let mut chunks = payload.as_bytes().chunks(CHUNK).peekable();
    while let Some(chunk) = chunks.next() {
        let more = u8::from(chunks.peek().is_some());
        route.command(out, &format!("{keys},m={more}"), chunk);
        keys = "q=2".to_owned();
    }
}

/// Takes a picture off the screen and out of the terminal's memory.
pub fn delete(out: &mut Vec<u8>, id: u32, route: Route) {
    route.command(out, &format!("a=d,d=I,i={id},q=2"), b"");
}

/// Fills `area` with the cells that show picture `id` of that size.
pub fn placeholders(buffer: &mut Buffer, area: Rect, id: u32, route: Route) {
    let style = Style::reset().fg(route.colour(id));
    for (row, y) in DIACRITICS.iter().zip(area.top()..area.bottom()) {
        for (column, x) in DIACRITICS.iter().zip(area.left()..area.right()) {
            if let Some(cell) = buffer.cell_mut((x, y)) {
                cell.set_symbol(&String::from_iter(['\u{10EEEE}', *row, *column])).set_style(style);
            }
        }
    }
}

fn compress(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    // Writing to memory does not fail.
    let _ = encoder.write_all(bytes);
    encoder.finish().unwrap_or_default()
}

/// Marks above a letter (combining class 230, no decomposition) in the order of the protocol's table; the
/// first ones of it, more than any terminal has rows of a picture.
#[rustfmt::skip]
const DIACRITICS: [char; 256] = [
    '\u{305}', '\u{30d}', '\u{30e}', '\u{310}', '\u{312}', '\u{33d}', '\u{33e}', '\u{33f}', '\u{346}',
    '\u{34a}', '\u{34b}', '\u{34c}', '\u{350}', '\u{351}', '\u{352}', '\u{357}', '\u{35b}', '\u{363}',
    '\u{364}', '\u{365}', '\u{366}', '\u{367}', '\u{368}', '\u{369}', '\u{36a}', '\u{36b}', '\u{36c}',
    '\u{36d}', '\u{36e}', '\u{36f}', '\u{483}', '\u{484}', '\u{485}', '\u{486}', '\u{487}', '\u{592}',
    '\u{593}', '\u{594}', '\u{595}', '\u{597}', '\u{598}', '\u{599}', '\u{59c}', '\u{59d}', '\u{59e}',
    '\u{59f}', '\u{5a0}', '\u{5a1}', '\u{5a8}', '\u{5a9}', '\u{5ab}', '\u{5ac}', '\u{5af}', '\u{5c4}',
    '\u{610}', '\u{611}', '\u{612}', '\u{613}', '\u{614}', '\u{615}', '\u{616}', '\u{617}', '\u{657}',
    '\u{658}', '\u{659}', '\u{65a}', '\u{65b}', '\u{65d}', '\u{65e}', '\u{6d6}', '\u{6d7}', '\u{6d8}',
    '\u{6d9}', '\u{6da}', '\u{6db}', '\u{6dc}', '\u{6df}', '\u{6e0}', '\u{6e1}', '\u{6e2}', '\u{6e4}',
    '\u{6e7}', '\u{6e8}', '\u{6eb}', '\u{6ec}', '\u{730}', '\u{732}', '\u{733}', '\u{735}', '\u{736}',
    '\u{73a}', '\u{73d}', '\u{73f}', '\u{740}', '\u{741}', '\u{743}', '\u{745}', '\u{747}', '\u{749}',
    '\u{74a}', '\u{7eb}', '\u{7ec}', '\u{7ed}', '\u{7ee}', '\u{7ef}', '\u{7f0}', '\u{7f1}', '\u{7f3}',
    '\u{816}', '\u{817}', '\u{818}', '\u{819}', '\u{81b}', '\u{81c}', '\u{81d}', '\u{81e}', '\u{81f}',
    '\u{820}', '\u{821}', '\u{822}', '\u{823}', '\u{825}', '\u{826}', '\u{827}', '\u{829}', '\u{82a}',
    '\u{82b}', '\u{82c}', '\u{82d}', '\u{951}', '\u{953}', '\u{954}', '\u{f82}', '\u{f83}', '\u{f86}',
    '\u{f87}', '\u{135d}', '\u{135e}', '\u{135f}', '\u{17dd}', '\u{193a}', '\u{1a17}', '\u{1a75}',
    '\u{1a76}', '\u{1a77}', '\u{1a78}', '\u{1a79}', '\u{1a7a}', '\u{1a7b}', '\u{1a7c}', '\u{1b6b}',
    '\u{1b6d}', '\u{1b6e}', '\u{1b6f}', '\u{1b70}', '\u{1b71}', '\u{1b72}', '\u{1b73}', '\u{1cd0}',
    '\u{1cd1}', '\u{1cd2}', '\u{1cda}', '\u{1cdb}', '\u{1ce0}', '\u{1dc0}', '\u{1dc1}', '\u{1dc3}',
    '\u{1dc4}', '\u{1dc5}', '\u{1dc6}', '\u{1dc7}', '\u{1dc8}', '\u{1dc9}', '\u{1dcb}', '\u{1dcc}',
    '\u{1dd1}', '\u{1dd2}', '\u{1dd3}', '\u{1dd4}', '\u{1dd5}', '\u{1dd6}', '\u{1dd7}', '\u{1dd8}',
    '\u{1dd9}', '\u{1dda}', '\u{1ddb}', '\u{1ddc}', '\u{1ddd}', '\u{1dde}', '\u{1ddf}', '\u{1de0}',
    '\u{1de1}', '\u{1de2}', '\u{1de3}', '\u{1de4}', '\u{1de5}', '\u{1de6}', '\u{1dfe}', '\u{20d0}',
    '\u{20d1}', '\u{20d4}', '\u{20d5}', '\u{20d6}', '\u{20d7}', '\u{20db}', '\u{20dc}', '\u{20e1}',
    '\u{20e7}', '\u{20e9}', '\u{20f0}', '\u{2cef}', '\u{2cf0}', '\u{2cf1}', '\u{2de0}', '\u{2de1}',
    '\u{2de2}', '\u{2de3}', '\u{2de4}', '\u{2de5}', '\u{2de6}', '\u{2de7}', '\u{2de8}', '\u{2de9}',
    '\u{2dea}', '\u{2deb}', '\u{2dec}', '\u{2ded}', '\u{2dee}', '\u{2def}', '\u{2df0}', '\u{2df1}',
    '\u{2df2}', '\u{2df3}', '\u{2df4}', '\u{2df5}', '\u{2df6}', '\u{2df7}', '\u{2df8}', '\u{2df9}',
    '\u{2dfa}', '\u{2dfb}', '\u{2dfc}', '\u{2dfd}', '\u{2dfe}', '\u{2dff}', '\u{a66f}', '\u{a67c}',
    '\u{a67d}', '\u{a6f0}', '\u{a6f1}', '\u{a8e0}', '\u{a8e1}', '\u{a8e2}', '\u{a8e3}', '\u{a8e4}',
    '\u{a8e5}',
];

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::io::Read;

    /// Noise, which does not compress.
    fn canvas(columns: u16, rows: u16) -> Canvas {
        let (width, height) = (usize::from(columns) * 10, usize::from(rows) * 20);
        let mut state = 1u32;
        let rgba = (0..width * height * 4).map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        });
        Canvas { columns, rows, width, height, rgba: rgba.collect() }
    }

    /// Keys and payload of every command.
    fn commands(bytes: &[u8]) -> Vec<(String, Vec<u8>)> {
        let text = std::str::from_utf8(bytes).unwrap();
        text.split("\u{1b}_G")
            .skip(1)
            .map(|command| {
                let (keys, payload) = command.strip_suffix("\u{1b}\\").unwrap().split_once(';').unwrap();
                (keys.to_owned(), payload.as_bytes().to_vec())
            })
            .collect()
    }

    #[test]
    fn a_picture_is_sent_in_chunks_and_arrives_whole() {
        let canvas = canvas(4, 3);
        let mut bytes = Vec::new();
        transmit(&mut bytes, &canvas, 77, Placement::Placeholders, Route::Direct);
        let commands = commands(&bytes);
        assert!(commands.len() > 2);
        assert_eq!(commands[0].0, "a=T,q=2,U=1,i=77,f=32,o=z,s=40,v=60,c=4,r=3,m=1");
        let (last, rest) = commands.split_last().unwrap();
        assert_eq!(last.0, "q=2,m=0");
        assert!(rest.iter().all(|(_, payload)| payload.len() == CHUNK));
        assert!(rest[1..].iter().all(|(keys, _)| keys == "q=2,m=1"));
        let payload: Vec<u8> = commands.iter().flat_map(|(_, payload)| payload.clone()).collect();
        let mut rgba = Vec::new();
        let zlib = STANDARD.decode(payload).unwrap();
        flate2::read::ZlibDecoder::new(&zlib[..]).read_to_end(&mut rgba).unwrap();
        assert_eq!(rgba, canvas.rgba);
    }

    #[test]
    fn one_chunk_says_that_nothing_follows() {
        let mut bytes = Vec::new();
        let small = Canvas { columns: 1, rows: 1, width: 1, height: 1, rgba: vec![0; 4] };
        transmit(&mut bytes, &small, 5, Placement::Cursor, Route::Direct);
        let text = String::from_utf8(bytes).unwrap();
        assert!(text.starts_with("\u{1b}_Ga=T,q=2,p=1,C=1,i=5,f=32,o=z,s=1,v=1,c=1,r=1,m=0;"), "{text}");
    }

    #[test]
    fn every_chunk_is_wrapped_for_tmux_with_its_escapes_doubled() {
        let mut bytes = Vec::new();
        transmit(&mut bytes, &canvas(4, 3), 7, Placement::Placeholders, Route::Tmux);
        delete(&mut bytes, 7, Route::Tmux);
        let text = String::from_utf8(bytes).unwrap();
        let wrapped: Vec<&str> = text.split("\u{1b}Ptmux;").skip(1).collect();
        assert!(wrapped.len() > 3);
        for one in &wrapped {
            let inner = one.strip_suffix("\u{1b}\\").unwrap();
            assert!(inner.starts_with("\u{1b}\u{1b}_G") && inner.ends_with("\u{1b}\u{1b}\\"), "{inner}");
            assert_eq!(inner.matches('\u{1b}').count(), 4);
        }
        assert!(wrapped.last().unwrap().contains("_Ga=d,d=I,i=7,q=2;"));
    }

    #[test]
    fn placeholder_cells_carry_id_row_and_column() {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 6, 4));
        placeholders(&mut buffer, Rect::new(2, 1, 3, 2), 0x01_02_03, Route::Direct);
        assert_eq!(buffer[(2, 1)].symbol(), "\u{10EEEE}\u{305}\u{305}");
        assert_eq!(buffer[(4, 2)].symbol(), "\u{10EEEE}\u{30D}\u{30E}");
        assert_eq!(buffer[(4, 2)].fg, Color::Rgb(1, 2, 3));
        assert_eq!(buffer[(1, 1)].symbol(), " ");
        placeholders(&mut buffer, Rect::new(0, 0, 1, 1), 200, Route::Tmux);
        assert_eq!(buffer[(0, 0)].fg, Color::Indexed(200));
    }

    #[test]
    fn no_two_diacritics_are_the_same() {
        let distinct: std::collections::BTreeSet<char> = DIACRITICS.into_iter().collect();
        assert_eq!(distinct.len(), DIACRITICS.len());
    }
}
