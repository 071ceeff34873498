//! Pictures in the plain shell: written where the cursor is, with the prompt below.

use std::io::{self, Write};

use super::caps::{Capabilities, Protocol};
use super::kitty::{self, Placement, Route};
use super::{Raster, fit, iterm, sixel};

/// Size in cells at which a picture of that many pixels is shown in a terminal so wide: at most 20 rows.
pub fn cells(picture: &Raster, columns: u16, cell: (usize, usize)) -> (u16, u16) {
    let columns = usize::from(columns.saturating_sub(1)).min(usize::from(kitty::MOST_CELLS));
    let (width, height) = fit::size(picture.width, picture.height, columns, MOST_ROWS, cell);
    (width.div_ceil(cell.0) as u16, height.div_ceil(cell.1) as u16)
}

const MOST_ROWS: usize = 20;

/// Writes a picture with the terminal's own pixels in a terminal so wide. False if the protocol has none.
///
/// # Errors
/// If it cannot be written.
pub fn print(
    out: &mut impl Write,
    capabilities: &Capabilities,
    picture: &Raster,
    columns: u16,
) -> io::Result<bool> {
    let cell = capabilities.drawing_cell();
    let (columns, rows) = cells(picture, columns, cell);
    let canvas = fit::canvas(picture, columns, rows, cell);
    let mut bytes = Vec::new();
    match capabilities.protocol {
        Protocol::KittyPlaceholders | Protocol::KittyClassic => {
            kitty::transmit(&mut bytes, &canvas, std::process::id(), Placement::Cursor, Route::Direct);
        }
        Protocol::Iterm => iterm::draw(&mut bytes, &canvas),
        Protocol::Sixel => sixel::draw(&mut bytes, &canvas, capabilities.sixel_registers),
        Protocol::Blocks | Protocol::Ascii | Protocol::Off => return Ok(false),
    }
    // Room is made first, so that the picture does not scroll the screen that it is drawn on.
    write!(out, "{}\x1b[{rows}A\x1b7", "\n".repeat(rows.into()))?;
    out.write_all(&bytes)?;
    write!(out, "\x1b8\x1b[{rows}B\r")?;
    Ok(true)
}

/// The picture as lines of ASCII in a terminal so wide.
pub fn ascii(picture: &Raster, columns: u16) -> String {
    let (columns, rows) = cells(picture, columns, fit::HALF_BLOCKS);
    let area = ratatui::layout::Rect::new(0, 0, columns, rows);
    let mut buffer = ratatui::buffer::Buffer::empty(area);
    let fitted = fit::fit(picture, columns.into(), rows.into(), fit::HALF_BLOCKS);
    super::blocks::ramp(&mut buffer, area, &fitted);
    let row = |y: u16| (0..columns).map(|x| buffer[(x, y)].symbol()).collect::<String>() + "\n";
    (0..rows).map(row).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::caps::{ImageMode, Known};
    use super::*;

    fn printed(images: ImageMode) -> (bool, String) {
        let picture = Raster { width: 4, height: 4, pixels: vec![[200, 100, 0]; 16] };
        let known = Known { images, cell: Some((10, 20)), ..Known::default() };
        let capabilities = Capabilities::of(&known, |_| None);
        let mut out = Vec::new();
        let done = print(&mut out, &capabilities, &picture, 80).unwrap();
        (done, String::from_utf8(out).unwrap())
    }

    #[test]
    fn room_is_made_before_a_picture_and_the_cursor_ends_below_it() {
        // 4 pixels, 100 times as large, are 40x20 cells of 10x20.
        for (images, sign) in [
            (ImageMode::Kitty, "\x1b_Ga=T,"),
            (ImageMode::Iterm, "\x1b]1337;"),
            (ImageMode::Sixel, "\x1bP0;1;0q"),
        ] {
            let (done, text) = printed(images);
            assert!(done && text.starts_with(&format!("{}\x1b[20A\x1b7{sign}", "\n".repeat(20))), "{text:?}");
            assert!(text.ends_with("\x1b8\x1b[20B\r"));
        }
        assert_eq!(printed(ImageMode::Blocks), (false, String::new()));
    }

    #[test]
    fn ascii_is_plain_lines() {
        let picture = Raster { width: 2, height: 2, pixels: vec![[0; 3], [255; 3], [0; 3], [255; 3]] };
        assert_eq!(ascii(&picture, 5).lines().next(), Some("  @@"));
    }
}
