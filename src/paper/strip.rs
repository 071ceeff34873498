//! A strip of pictures in its size: a row each for the truth and what was made of it, with words beside it.

use image::{RgbImage, imageops};

use super::drawing::{Anchor, Drawing, GREY, INK, Item, Picture};
use super::{LINE, SIZE, Width, font};
use crate::text;

const MARGIN: f64 = 9.0;
const GAP: f64 = 3.0;
/// From one row to the next, and from pictures to words.
const APART: f64 = 6.0;
/// Largest and smallest side of a picture.
const SIDES: (f64, f64) = (60.0, 14.0);
/// A picture is stored with about so many pixels a side, so that viewers that blur leave squares.
const PIXELS: u32 = 256;

/// Pictures of samples in rows.
#[derive(Debug, Clone)]
pub struct Strip {
    /// What it shows, in a few words.
    pub title: String,
    /// The conditions of all that is shown.
    pub about: String,
    /// From above.
    pub rows: Vec<Row>,
    /// Sentences below.
    pub notes: Vec<String>,
}

/// One row.
#[derive(Debug, Clone)]
pub struct Row {
    /// What it is.
    pub name: String,
    /// More words, dimmed.
    pub lines: Vec<String>,
    /// A picture a sample, all of one size.
    pub pictures: Vec<RgbImage>,
    /// Whether it stands apart from what is above, as the truth of other samples does.
    pub is_first: bool,
}

/// How many pictures of a row this width has room for.
pub fn most(width: Width) -> usize {
    match width {
        Width::Column => 8,
        Width::Page => 16,
    }
}

/// Draws a strip of this width.
pub fn drawing(strip: &Strip, width: Width) -> Drawing {
    let whole = width.points();
    let least_words = match width {
        Width::Column => 76.0,
        Width::Page => 130.0,
    };
    let columns = strip.rows.iter().map(|row| row.pictures.len()).max().unwrap_or(0).max(1);
    let room = whole - 2.0 * MARGIN - least_words - APART;
    let side = (room / columns as f64 - GAP).clamp(SIDES.1, SIDES.0);
    let words = MARGIN + columns as f64 * (side + GAP) + APART - GAP;
    let mut drawing = Drawing::new(whole, &text::one_line(&strip.title), &text::one_line(&strip.about));
    let mut top = MARGIN;
    for (at, row) in strip.rows.iter().enumerate() {
        if row.is_first && at > 0 {
            top += APART;
        }
        let mut tallest: f64 = 0.0;
        for (i, pixels) in row.pictures.iter().enumerate() {
            let (width, height) = pixels.dimensions();
            let longer = f64::from(width.max(height).max(1));
            let size = (side * f64::from(width) / longer, side * f64::from(height) / longer);
            tallest = tallest.max(size.1);
            drawing.items.push(Item::Picture(Picture {
                at: (MARGIN + i as f64 * (side + GAP), top),
                size,
                name: format!("{}, sample {}", text::one_line(&row.name), i + 1),
                pixels: enlarged(pixels),
            }));
        }
        let room = whole - MARGIN - words;
        let wrapped = |line: &String| font::wrapped(&text::one_line(line), SIZE, room);
        let named = wrapped(&row.name).into_iter().map(|line| (line, INK));
        let lines = named.chain(row.lines.iter().flat_map(wrapped).map(|line| (line, GREY)));
        let mut base = top + SIZE - 1.0;
        for (line, colour) in lines {
            drawing.words("row", line, (words, base), Anchor::Start, colour);
            base += LINE;
        }
        top += tallest.max(base - SIZE + 1.0 - top) + GAP;
    }
    let room = whole - 2.0 * MARGIN;
    let mut base = top + SIZE;
    for note in strip.notes.iter().flat_map(|note| font::wrapped(&text::one_line(note), SIZE, room)) {
        drawing.words("note", note, (MARGIN, base), Anchor::Start, GREY);
        base += LINE;
    }
    drawing.height = base - LINE + 3.0;
    drawing
}

/// By a whole factor.
fn enlarged(pixels: &RgbImage) -> RgbImage {
    let (width, height) = pixels.dimensions();
    let factor = (PIXELS / width.max(height).max(1)).max(1);
    imageops::resize(pixels, width * factor, height * factor, imageops::FilterType::Nearest)
}

#[cfg(test)]
mod tests {
    use image::Rgb;

    use super::*;

    fn strip(samples: usize) -> Strip {
        let row = |name: &str, is_first| Row {
            name: name.to_owned(),
            lines: vec!["PSNR 30.00 dB, a line that is long enough to be broken in a column".to_owned()],
            pictures: vec![RgbImage::from_pixel(28, 14, Rgb([7, 8, 9])); samples],
            is_first,
        };
        let rows = vec![row("truth", true), row("one", false), row("truth", true), row("two", false)];
        Strip { title: "t".into(), about: "a".into(), rows, notes: vec!["A note.".into()] }
    }

    #[test]
    fn nothing_leaves_the_page_or_stands_on_something_else() {
        for width in Width::ALL {
            for samples in [1, 4, most(width)] {
                let drawing = drawing(&strip(samples), width);
                let mut boxes: Vec<[f64; 4]> = Vec::new();
                for item in &drawing.items {
                    boxes.push(match item {
                        Item::Picture(picture) => {
                            let ((x, y), (w, h)) = (picture.at, picture.size);
                            assert!((w / h - 2.0).abs() < 1e-9);
                            assert_eq!(picture.pixels.dimensions(), (252, 126));
                            [x, y, x + w, y + h]
                        }
                        Item::Text(words) => {
                            let (x, y) = words.at;
                            [x, y - 5.0, x + words.width(), y + 1.5]
                        }
                        Item::Path(_) => continue,
                    });
                }
                for (i, a) in boxes.iter().enumerate() {
                    assert!(a[0] >= 0.0 && a[2] <= drawing.width && a[1] >= 0.0 && a[3] <= drawing.height);
                    let meets = |b: &&[f64; 4]| a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3];
                    assert_eq!(boxes[i + 1..].iter().find(meets), None, "{a:?} {samples}");
                }
            }
        }
    }
}
