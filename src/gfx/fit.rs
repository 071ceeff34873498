//! How large a picture is drawn: whole factors up by nearest neighbour, down by box average.
//!
//! A smoothing filter would invent detail in a picture whose quality is being judged.

use super::Raster;

/// Pixels in a cell drawn with half blocks, (width, height): cells are about twice as high as wide.
pub const HALF_BLOCKS: (usize, usize) = (1, 2);

/// Pixels that a `width` x `height` picture takes in `columns` x `rows` cells of `cell` pixels, aspect kept.
pub fn size(
    width: usize,
    height: usize,
    columns: usize,
    rows: usize,
    cell: (usize, usize),
) -> (usize, usize) {
    let room = (columns * cell.0, rows * cell.1);
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

/// The picture at the size at which it is drawn in `columns` x `rows` cells of `cell` pixels.
pub fn fit(picture: &Raster, columns: usize, rows: usize, cell: (usize, usize)) -> Raster {
    let (width, height) = size(picture.width, picture.height, columns, rows, cell);
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

/// A fitted picture on whole cells, so that no terminal has to scale it. What is beside it is transparent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Canvas {
    /// Cells in a row.
    pub columns: u16,
    /// Rows of cells.
    pub rows: u16,
    /// Pixels in a row.
    pub width: usize,
    /// Rows of pixels.
    pub height: usize,
    /// Red, green, blue, alpha; row by row. Alpha is 0 or 255.
    pub rgba: Vec<u8>,
}

/// The picture as large as it goes into `columns` x `rows` cells of `cell` pixels.
pub fn canvas(picture: &Raster, columns: u16, rows: u16, cell: (usize, usize)) -> Canvas {
    let fitted = fit(picture, columns.into(), rows.into(), cell);
    let (across, down) = (fitted.width.div_ceil(cell.0), fitted.height.div_ceil(cell.1));
    let (width, height) = (across * cell.0, down * cell.1);
    let (left, top) = ((width - fitted.width) / 2, (height - fitted.height) / 2);
    let mut rgba = vec![0; width * height * 4];
    for (y, row) in fitted.pixels.chunks_exact(fitted.width.max(1)).enumerate() {
        let begin = ((top + y) * width + left) * 4;
        for (target, [r, g, b]) in rgba[begin..].chunks_exact_mut(4).zip(row) {
            target.copy_from_slice(&[*r, *g, *b, 255]);
        }
    }
    Canvas { columns: across as u16, rows: down as u16, width, height, rgba }
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
        assert_eq!(size(32, 32, 70, 40, HALF_BLOCKS), (64, 64));
        assert_eq!(size(32, 32, 32, 16, HALF_BLOCKS), (32, 32));
        assert_eq!(size(8, 8, 31, 100, HALF_BLOCKS), (24, 24));
        assert_eq!(size(32, 32, 35, 18, (9, 19)), (288, 288));
    }

    #[test]
    fn shrinks_to_the_tighter_side_and_keeps_the_aspect() {
        assert_eq!(size(32, 32, 20, 16, HALF_BLOCKS), (20, 20));
        assert_eq!(size(64, 32, 32, 40, HALF_BLOCKS), (32, 16));
        assert_eq!(size(100, 1, 10, 1, HALF_BLOCKS), (10, 1));
        assert_eq!(size(32, 32, 0, 4, HALF_BLOCKS), (0, 0));
    }

    #[test]
    fn nearest_neighbour_repeats_pixels() {
        let big = fit(&raster(2, 1, &[10, 20]), 4, 1, HALF_BLOCKS);
        assert_eq!(big, raster(4, 2, &[10, 10, 20, 20, 10, 10, 20, 20]));
    }

    #[test]
    fn box_average_is_exact() {
        let four = raster(4, 4, &[0, 2, 10, 10, 4, 6, 10, 10, 1, 1, 0, 0, 1, 1, 0, 255]);
        assert_eq!(fit(&four, 2, 1, HALF_BLOCKS), raster(2, 2, &[3, 10, 1, 64]));
    }

    #[test]
    fn a_canvas_covers_whole_cells_and_is_transparent_beside_the_picture() {
        // Three pixels of 3x3 each in cells of 4x8: 9x9 pixels on 12x16.
        let canvas = canvas(&raster(3, 3, &[7; 9]), 3, 2, (4, 8));
        assert_eq!((canvas.columns, canvas.rows, canvas.width, canvas.height), (3, 2, 12, 16));
        let alpha: Vec<u8> = canvas.rgba.chunks_exact(4).map(|pixel| pixel[3]).collect();
        assert_eq!(alpha.iter().filter(|alpha| **alpha == 255).count(), 12 * 12);
        assert_eq!(canvas.rgba.len(), 12 * 16 * 4);
        assert_eq!(&canvas.rgba[..4], [0; 4]);
    }
}
