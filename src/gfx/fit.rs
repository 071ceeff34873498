//! How large a picture is drawn: whole factors up by nearest neighbour, down by box average.
//!
//! A smoothing filter would invent detail in a picture whose quality is being judged.

use super::Raster;

/// Rows of pixels in one cell: cells are about twice as high as wide, so half a cell is a square pixel.
pub const PIXELS_PER_CELL: usize = 2;

/// Pixels that a `width` x `height` picture takes in `columns` x `rows` cells, aspect kept.
pub fn size(width: usize, height: usize, columns: usize, rows: usize) -> (usize, usize) {
    let room = (columns, rows * PIXELS_PER_CELL);
    if width == 0 || height == 0 || room.0 == 0 || room.1 == 0 {
        return (0, 0);
    }
    let factor = (room.0 / width).min(room.1 / height);
    if factor >= 1 {
        return (width * factor, height * factor);
    }
    // Down: the tighter side fills its room.
    if room.0 * height <= room.1 * width {
        (room.0, (height * room.0 / width).max(1))
    } else {
        ((width * room.1 / height).max(1), room.1)
    }
}

/// The picture at the size at which it is drawn in `columns` x `rows` cells.
pub fn fit(picture: &Raster, columns: usize, rows: usize) -> Raster {
    let (width, height) = size(picture.width, picture.height, columns, rows);
    let mut pixels = Vec::with_capacity(width * height);
    for y in 0..height {
        for x in 0..width {
            pixels.push(if width >= picture.width {
                picture.pixels[(y * picture.height / height) * picture.width + x * picture.width / width]
            } else {
                average(picture, span(x, width, picture.width), span(y, height, picture.height))
            });
        }
    }
    Raster { width, height, pixels }
}

/// Source pixels under target pixel `at` of `count`; at least one.
fn span(at: usize, count: usize, source: usize) -> std::ops::Range<usize> {
    let begin = at * source / count;
    begin..((at + 1) * source / count).max(begin + 1)
}

fn average(picture: &Raster, columns: std::ops::Range<usize>, rows: std::ops::Range<usize>) -> [u8; 3] {
    let count = (columns.len() * rows.len()) as u32;
    let mut sum = [0u32; 3];
    for y in rows {
        for pixel in &picture.pixels[y * picture.width..][columns.clone()] {
            for (sum, value) in sum.iter_mut().zip(pixel) {
                *sum += u32::from(*value);
            }
        }
    }
    sum.map(|sum| ((sum + count / 2) / count) as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raster(width: usize, height: usize, values: &[u8]) -> Raster {
        Raster { width, height, pixels: values.iter().map(|value| [*value; 3]).collect() }
    }

    #[test]
    fn enlarges_by_whole_factors_only() {
        assert_eq!(size(32, 32, 70, 40), (64, 64));
        assert_eq!(size(32, 32, 32, 16), (32, 32));
        assert_eq!(size(8, 8, 31, 100), (24, 24));
    }

    #[test]
    fn shrinks_to_the_tighter_side_and_keeps_the_aspect() {
        assert_eq!(size(32, 32, 20, 16), (20, 20));
        assert_eq!(size(64, 32, 32, 40), (32, 16));
        assert_eq!(size(100, 1, 10, 1), (10, 1));
        assert_eq!(size(32, 32, 0, 4), (0, 0));
    }

    #[test]
    fn nearest_neighbour_repeats_pixels() {
        let big = fit(&raster(2, 1, &[10, 20]), 4, 1);
        assert_eq!(big, raster(4, 2, &[10, 10, 20, 20, 10, 10, 20, 20]));
    }

    #[test]
    fn box_average_is_exact() {
        let small = fit(&raster(4, 4, &[0, 2, 10, 10, 4, 6, 10, 10, 1, 1, 0, 0, 1, 1, 0, 255]), 2, 1);
        assert_eq!(small, raster(2, 2, &[3, 10, 1, 64]));
    }
}
