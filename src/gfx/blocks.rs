//! Pictures as ordinary cells: half blocks in colour, or a ramp of characters by luminance.
//!
//! Cells are diffed, cannot scroll the screen, and work in every multiplexer.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Color;

use super::{Depth, Raster};

/// From dark to bright, for a dark background.
const RAMP: &[u8] = b" .:-=+*#%@";

/// Draws an already fitted picture, centred, two pixels a cell; returns the cells used.
pub fn half_blocks(buffer: &mut Buffer, area: Rect, picture: &Raster, depth: Depth) -> Rect {
    let used = centred(area, picture);
    for (x, y) in cells(used) {
        let Some(cell) = buffer.cell_mut((used.x + x as u16, used.y + y as u16)) else { continue };
        let top = picture.pixels[2 * y * picture.width + x];
        cell.set_symbol("▀").set_fg(colour(top, depth));
        match picture.pixels.get((2 * y + 1) * picture.width + x) {
            Some(bottom) => cell.set_bg(colour(*bottom, depth)),
            None => cell.set_bg(Color::Reset),
        };
    }
    used
}

/// Draws an already fitted picture as characters, two pixels a cell; returns the cells used.
pub fn ramp(buffer: &mut Buffer, area: Rect, picture: &Raster) -> Rect {
    let used = centred(area, picture);
    for (x, y) in cells(used) {
        let Some(cell) = buffer.cell_mut((used.x + x as u16, used.y + y as u16)) else { continue };
        let top = luminance(picture.pixels[2 * y * picture.width + x]);
        let bottom = picture.pixels.get((2 * y + 1) * picture.width + x).map_or(top, |p| luminance(*p));
        let step = (top + bottom) * (RAMP.len() as u32 - 1) / (2 * 255);
        cell.set_char(char::from(RAMP[step as usize]));
    }
    used
}

fn centred(area: Rect, picture: &Raster) -> Rect {
    let (width, height) = (picture.width as u16, picture.height.div_ceil(2) as u16);
    Rect {
        x: area.x + area.width.saturating_sub(width) / 2,
        y: area.y + area.height.saturating_sub(height) / 2,
        width,
        height,
    }
    .intersection(area)
}

fn cells(area: Rect) -> impl Iterator<Item = (usize, usize)> {
    (0..usize::from(area.height)).flat_map(move |y| (0..usize::from(area.width)).map(move |x| (x, y)))
}

/// Rec. 601 luma.
fn luminance([r, g, b]: [u8; 3]) -> u32 {
    (299 * u32::from(r) + 587 * u32::from(g) + 114 * u32::from(b)) / 1000
}

fn colour(pixel: [u8; 3], depth: Depth) -> Color {
    match depth {
        Depth::True => Color::Rgb(pixel[0], pixel[1], pixel[2]),
        _ => Color::Indexed(nearest_of_256(pixel)),
    }
}

/// Levels of a channel in the 6x6x6 cube of the xterm palette.
const CUBE: [u8; 6] = [0, 95, 135, 175, 215, 255];

/// The nearest entry of the xterm palette among the cube and the greys; the first 16 differ by terminal.
pub fn nearest_of_256(pixel: [u8; 3]) -> u8 {
    let level = |value: u8| (0..6usize).min_by_key(|i| CUBE[*i].abs_diff(value)).unwrap_or(0);
    let levels = pixel.map(level);
    let cube = (16 + 36 * levels[0] + 6 * levels[1] + levels[2]) as u8;
    let mean = pixel.iter().map(|value| i32::from(*value)).sum::<i32>() / 3;
    let step = ((mean - 8 + 5) / 10).clamp(0, 23);
    let grey = [(8 + 10 * step) as u8; 3];
    if distance(grey, pixel) < distance(levels.map(|level| CUBE[level]), pixel) {
        (232 + step) as u8
    } else {
        cube
    }
}

/// The colour of an entry of the xterm palette; the first 16 as xterm has them.
pub fn rgb_of_256(index: u8) -> [u8; 3] {
    const FIRST: [[u8; 3]; 16] = [
        [0, 0, 0],
        [205, 0, 0],
        [0, 205, 0],
        [205, 205, 0],
        [0, 0, 238],
        [205, 0, 205],
        [0, 205, 205],
        [229, 229, 229],
        [127, 127, 127],
        [255, 0, 0],
        [0, 255, 0],
        [255, 255, 0],
        [92, 92, 255],
        [255, 0, 255],
        [0, 255, 255],
        [255, 255, 255],
    ];
    match index {
        0..16 => FIRST[usize::from(index)],
        16..232 => {
            let at = usize::from(index - 16);
            [CUBE[at / 36], CUBE[at / 6 % 6], CUBE[at % 6]]
        }
        _ => [8 + 10 * (index - 232); 3],
    }
}

fn distance(a: [u8; 3], b: [u8; 3]) -> u32 {
    (0..3).map(|channel| u32::from(a[channel].abs_diff(b[channel])).pow(2)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn two_by_two() -> Raster {
        Raster { width: 2, height: 2, pixels: vec![[255, 0, 0], [0, 0, 0], [0, 0, 255], [255, 255, 255]] }
    }

    #[test]
    fn a_cell_holds_two_pixels() {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 4, 3));
        let used = half_blocks(&mut buffer, Rect::new(0, 0, 4, 3), &two_by_two(), Depth::True);
        assert_eq!(used, Rect::new(1, 1, 2, 1));
        let cell = &buffer[(1, 1)];
        assert_eq!((cell.symbol(), cell.fg, cell.bg), ("▀", Color::Rgb(255, 0, 0), Color::Rgb(0, 0, 255)));
        let cell = &buffer[(2, 1)];
        assert_eq!((cell.fg, cell.bg), (Color::Rgb(0, 0, 0), Color::Rgb(255, 255, 255)));
        assert_eq!(buffer[(0, 0)].symbol(), " ");
    }

    #[test]
    fn an_odd_last_row_leaves_the_background() {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 1, 1));
        let one = Raster { width: 1, height: 1, pixels: vec![[1, 2, 3]] };
        half_blocks(&mut buffer, Rect::new(0, 0, 1, 1), &one, Depth::True);
        assert_eq!((buffer[(0, 0)].fg, buffer[(0, 0)].bg), (Color::Rgb(1, 2, 3), Color::Reset));
    }

    #[test]
    fn nearest_palette_entries() {
        assert_eq!(nearest_of_256([0, 0, 0]), 16);
        assert_eq!(nearest_of_256([255, 255, 255]), 231);
        assert_eq!(nearest_of_256([255, 0, 0]), 196);
        assert_eq!(nearest_of_256([128, 128, 128]), 244);
        assert_eq!(nearest_of_256([95, 135, 175]), 67);
        for index in 16..=255 {
            let back = nearest_of_256(rgb_of_256(index));
            assert_eq!(rgb_of_256(back), rgb_of_256(index));
        }
    }

    #[test]
    fn the_ramp_is_plain_ascii_by_luminance() {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 3, 1));
        let picture = Raster {
            width: 3,
            height: 2,
            pixels: vec![[0; 3], [128; 3], [255; 3], [0; 3], [128; 3], [255; 3]],
        };
        ramp(&mut buffer, Rect::new(0, 0, 3, 1), &picture);
        let row: String = (0..3).map(|x| buffer[(x, 0)].symbol().to_owned()).collect();
        assert_eq!(row, " =@");
    }
}
