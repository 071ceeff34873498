//! Sixels: six rows of pixels at a time, one colour after the other.
//!
//! A terminal has at most 256 colours here, in hundredths, so a sixel picture is a preview and no evidence of
//! quality. No dithering: it would invent a texture.

use std::collections::BTreeMap;
use std::fmt::Write;

use color_quant::NeuQuant;

use super::fit::Canvas;

/// More pixels in a row or column than this are not drawn by xterm.
pub const LONGEST_SIDE: usize = 1000;

/// Red, green and blue in hundredths.
type Colour = [u8; 3];

/// Draws a picture at the cursor with at most `registers` colours (2 to 256).
pub fn draw(out: &mut Vec<u8>, canvas: &Canvas, registers: usize) {
    let mut text = format!("\x1bP0;1;0q\"1;1;{};{}", canvas.width, canvas.height);
    let (palette, pixels) = indexed(canvas, registers.clamp(2, 256));
    for (at, [r, g, b]) in palette.iter().enumerate() {
        let _ = write!(text, "#{at};2;{r};{g};{b}");
    }
    for band in pixels.chunks(canvas.width.max(1) * 6) {
        draw_band(&mut text, band, canvas.width);
        text.push('-');
    }
    text.push_str("\x1b\\");
    out.extend_from_slice(text.as_bytes());
}

/// Up to six rows: for every colour in them one line of sixels, each over the last.
fn draw_band(text: &mut String, band: &[Option<u8>], width: usize) {
    let mut lines: Vec<Option<Vec<u8>>> = vec![None; 256];
    for (at, pixel) in band.iter().enumerate() {
        if let Some(colour) = pixel {
            lines[usize::from(*colour)].get_or_insert_with(|| vec![0; width])[at % width] |=
                1 << (at / width);
        }
    }
    let lines = lines.iter().enumerate().filter_map(|(colour, line)| Some((colour, line.as_ref()?)));
    for (at, (colour, line)) in lines.enumerate() {
        if at > 0 {
            text.push('$');
        }
        let _ = write!(text, "#{colour}");
        // What is empty at the end need not be said.
        let end = line.iter().rposition(|sixel| *sixel != 0).map_or(0, |last| last + 1);
        for run in line[..end].chunk_by(|a, b| a == b) {
            let sixel = char::from(b'?' + run[0]);
            match run.len() {
                count @ 1..=3 => text.extend(std::iter::repeat_n(sixel, count)),
                count => {
                    let _ = write!(text, "!{count}{sixel}");
                }
            }
        }
    }
}

/// A palette, and the entry of every pixel; none where it is transparent. Exact if the colours suffice.
fn indexed(canvas: &Canvas, registers: usize) -> (Vec<Colour>, Vec<Option<u8>>) {
    // Rows of an enlarged picture repeat: each is looked at once, and said how often.
    let rows: Vec<(&[u8], usize)> = canvas
        .rgba
        .chunks_exact((canvas.width * 4).max(1))
        .collect::<Vec<_>>()
        .chunk_by(|a, b| a == b)
        .map(|same| (same[0], same.len()))
        .collect();
    let pixels = |row: &[u8]| -> Vec<Option<Colour>> {
        let colour = |rgba: &[u8]| {
            (rgba[3] != 0).then(|| [hundredths(rgba[0]), hundredths(rgba[1]), hundredths(rgba[2])])
        };
        row.chunks_exact(4).map(colour).collect()
    };
    let mut entries: BTreeMap<Colour, u8> = BTreeMap::new();
    for (row, _) in &rows {
        let mut colours = pixels(row);
        colours.dedup();
        entries.extend(colours.into_iter().flatten().map(|colour| (colour, 0)));
    }
    let palette: Vec<Colour> = if entries.len() <= registers {
        entries.keys().copied().collect()
    } else {
        reduced(&entries, registers)
    };
    for (colour, entry) in &mut entries {
        let nearest = (0..palette.len()).min_by_key(|at| distance(palette[*at], *colour)).unwrap_or(0);
        *entry = nearest as u8;
    }
    let mut indices = Vec::with_capacity(canvas.width * canvas.height);
    for (row, times) in rows {
        let row: Vec<Option<u8>> =
            pixels(row).iter().map(|pixel| entries.get(pixel.as_ref()?).copied()).collect();
        (0..times).for_each(|_| indices.extend_from_slice(&row));
    }
    (palette, indices)
}

fn reduced(colours: &BTreeMap<Colour, u8>, registers: usize) -> Vec<Colour> {
    let rgba: Vec<u8> = colours.keys().flat_map(|[r, g, b]| [*r, *g, *b, 255]).collect();
    // Of tens of thousands of colours a part tells as much.
    let every = (colours.len() / 4000).clamp(1, 30) as i32;
    let palette = NeuQuant::new(every, registers, &rgba).color_map_rgb();
    palette.chunks_exact(3).map(|entry| [entry[0].min(100), entry[1].min(100), entry[2].min(100)]).collect()
}

fn hundredths(value: u8) -> u8 {
    ((u32::from(value) * 100 + 127) / 255) as u8
}

fn distance(a: Colour, b: Colour) -> u32 {
    (0..3).map(|channel| u32::from(a[channel].abs_diff(b[channel])).pow(2)).sum()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn canvas(width: usize, height: usize, pixel: impl Fn(usize, usize) -> [u8; 4]) -> Canvas {
        let rgba = (0..height).flat_map(|y| (0..width).map(move |x| (x, y))).flat_map(|(x, y)| pixel(x, y));
        Canvas { columns: 1, rows: 1, width, height, rgba: rgba.collect() }
    }

    fn drawn(canvas: &Canvas, registers: usize) -> String {
        let mut bytes = Vec::new();
        draw(&mut bytes, canvas, registers);
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn two_colours_byte_for_byte() {
        // Black above white, five pixels wide, seven rows: the seventh begins a second band.
        let picture = canvas(5, 7, |_, y| if y < 3 { [0, 0, 0, 255] } else { [255, 255, 255, 255] });
        let expected = "\u{1b}P0;1;0q\"1;1;5;7#0;2;0;0;0#1;2;100;100;100#0!5F$#1!5w-#1!5@-\u{1b}\\";
        assert_eq!(drawn(&picture, 256), expected);
    }

    #[test]
    fn transparent_pixels_are_not_drawn() {
        let picture = canvas(3, 1, |x, _| if x == 1 { [255, 0, 0, 255] } else { [0; 4] });
        assert_eq!(drawn(&picture, 256), "\u{1b}P0;1;0q\"1;1;3;1#0;2;100;0;0#0?@-\u{1b}\\");
    }

    #[test]
    fn more_colours_than_registers_are_reduced_to_near_ones() {
        let picture = canvas(64, 64, |x, y| [(x * 4) as u8, (y * 4) as u8, 128, 255]);
        let (palette, pixels) = indexed(&picture, 256);
        assert_eq!(palette.len(), 256);
        let worst = picture.rgba.chunks_exact(4).zip(&pixels).map(|(rgba, entry)| {
            let wanted = [hundredths(rgba[0]), hundredths(rgba[1]), hundredths(rgba[2])];
            distance(palette[usize::from(entry.unwrap())], wanted)
        });
        assert!(worst.max().unwrap() < 3 * 10 * 10);
        assert_eq!(indexed(&picture, 16).0.len(), 16);
    }
}
