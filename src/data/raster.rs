//! One decoded image as bytes, and how it is cropped and resized.

use image::GrayImage;
use image::imageops::{self, FilterType};

/// One 8-bit image, `[channels, height, width]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Raster {
    pub channels: usize,
    pub height: usize,
    pub width: usize,
    pub bytes: Vec<u8>,
}

impl Raster {
    /// The largest centred square, resized to `side` x `side` pixels with a Lanczos filter (a = 3) and
    /// rounded to 8 bit: the client's photo is an 8-bit picture whatever its size. An image that already
    /// has this size stays as it is.
    pub fn square(self, side: usize) -> Raster {
        if (self.height, self.width) == (side, side) {
            return self;
        }
        let crop = self.height.min(self.width);
        let (top, left) = ((self.height - crop) / 2, (self.width - crop) / 2);
        let mut bytes = Vec::with_capacity(self.channels * side * side);
        for plane in self.bytes.chunks_exact(self.height * self.width) {
            // The channels are independent under this filter, so each is a grey image of its own.
            let square = GrayImage::from_fn(crop as u32, crop as u32, |x, y| {
                image::Luma([plane[(top + y as usize) * self.width + left + x as usize]])
            });
            let resized = imageops::resize(&square, side as u32, side as u32, FilterType::Lanczos3);
            bytes.extend_from_slice(resized.as_raw());
        }
        Raster { channels: self.channels, height: side, width: side, bytes }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_centre_square_is_kept() {
        // Columns 0 1 2 3 4 5 of two rows: the centre square is columns 2 and 3.
        let bytes = (0..2).flat_map(|_| 0..6).collect();
        let raster = Raster { channels: 1, height: 2, width: 6, bytes };
        assert_eq!(raster.square(2).bytes, [2, 3, 2, 3]);
    }

    #[test]
    fn an_image_of_the_right_size_is_untouched() {
        let raster = Raster { channels: 3, height: 2, width: 2, bytes: (0..12).collect() };
        assert_eq!(raster.clone().square(2), raster);
    }

    #[test]
    fn channels_are_resized_as_a_colour_image_would_be() {
        let bytes: Vec<u8> = (0..3 * 40 * 40).map(|i: usize| (i * i % 251) as u8).collect();
        let raster = Raster { channels: 3, height: 40, width: 40, bytes };
        let colour = image::RgbImage::from_fn(40, 40, |x, y| {
            image::Rgb([0, 1, 2].map(|c| raster.bytes[(c * 40 + y as usize) * 40 + x as usize]))
        });
        let expected = imageops::resize(&colour, 16, 16, FilterType::Lanczos3);
        let resized = raster.square(16);
        for (x, y, pixel) in expected.enumerate_pixels() {
            for c in 0..3 {
                assert_eq!(resized.bytes[(c * 16 + y as usize) * 16 + x as usize], pixel.0[c]);
            }
        }
    }
}
