//! A batch of images as numbers, and as one picture for the eye.

use image::{DynamicImage, GrayImage, Luma, Rgb, RgbImage};

/// A batch of images, `[samples, channels, height, width]` row-major.
#[derive(Debug, Clone, PartialEq)]
pub struct Images {
    /// Number of images.
    pub samples: usize,
    /// 1 (grey) or 3 (red, green, blue).
    pub channels: usize,
    /// Pixels.
    pub height: usize,
    /// Pixels.
    pub width: usize,
    /// Values, range [0, 1] for real images; a reconstruction may leave it.
    pub pixels: Vec<f64>,
}

impl Images {
    /// `[samples, channels, height, width]`.
    pub fn shape(&self) -> [usize; 4] {
        [self.samples, self.channels, self.height, self.width]
    }

    /// Values of one image: channels x height x width.
    pub fn sample_len(&self) -> usize {
        self.channels * self.height * self.width
    }

    /// Values of image `i`, `[channels, height, width]`.
    ///
    /// # Panics
    /// If there is no image `i`.
    pub fn sample(&self, i: usize) -> &[f64] {
        &self.pixels[i * self.sample_len()..(i + 1) * self.sample_len()]
    }

    /// The same images with every value in [0, 1]; NaN stays NaN.
    pub fn clamped(&self) -> Images {
        Images { pixels: self.pixels.iter().map(|value| value.clamp(0.0, 1.0)).collect(), ..*self }
    }

    /// One picture with the batch tiled row by row in a near-square grid without gaps, and its number of
    /// columns. Values are clamped and rounded to 8 bit, NaN becomes black, tiles without a sample are black.
    pub fn to_picture(&self) -> (DynamicImage, usize) {
        let columns = (1..).find(|c| c * c >= self.samples).unwrap_or(1);
        let rows = self.samples.div_ceil(columns);
        let (width, height) = ((columns * self.width) as u32, (rows * self.height) as u32);
        let byte = |channel: usize, x: u32, y: u32| {
            let (x, y) = (x as usize, y as usize);
            let sample = y / self.height * columns + x / self.width;
            if sample >= self.samples {
                return 0;
            }
            let row = (sample * self.channels + channel) * self.height + y % self.height;
            let value = self.pixels[row * self.width + x % self.width];
            (value.clamp(0.0, 1.0) * 255.0).round() as u8
        };
        let picture = if self.channels >= 3 {
            RgbImage::from_fn(width, height, |x, y| Rgb([byte(0, x, y), byte(1, x, y), byte(2, x, y)])).into()
        } else {
            GrayImage::from_fn(width, height, |x, y| Luma([byte(0, x, y)])).into()
        };
        (picture, columns)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn counting(samples: usize, channels: usize, height: usize, width: usize) -> Images {
        let pixels = (0..samples * channels * height * width).map(|i| (i % 256) as f64 / 255.0).collect();
        Images { samples, channels, height, width, pixels }
    }

    #[test]
    fn a_batch_is_tiled_row_by_row_in_a_near_square_grid() {
        let images = counting(5, 1, 2, 3);
        let (picture, columns) = images.to_picture();
        assert_eq!((columns, picture.width(), picture.height()), (3, 9, 4));
        let grey = picture.as_luma8().unwrap();
        assert_eq!(grey.get_pixel(3, 0).0, [6]);
        assert_eq!(grey.get_pixel(1, 3).0, [18 + 4]);
        assert_eq!(grey.get_pixel(8, 3).0, [0]);
        for (samples, columns) in [(1, 1), (2, 2), (4, 2), (7, 3), (9, 3), (128, 12)] {
            assert_eq!(counting(samples, 1, 1, 1).to_picture().1, columns);
        }
    }

    #[test]
    fn three_channels_become_colours() {
        let (picture, _) = counting(2, 3, 2, 2).to_picture();
        let colour = picture.as_rgb8().unwrap();
        assert_eq!(colour.get_pixel(1, 0).0, [1, 5, 9]);
        assert_eq!(colour.get_pixel(2, 1).0, [14, 18, 22]);
    }

    #[test]
    fn values_outside_the_range_are_clamped_and_nan_is_black() {
        let images =
            Images { samples: 1, channels: 1, height: 1, width: 4, pixels: vec![-1.0, 0.5, 7.0, f64::NAN] };
        let (picture, _) = images.to_picture();
        assert_eq!(picture.as_bytes(), [0, 128, 255, 0]);
        assert_eq!(images.clamped().pixels[..3], [0.0, 0.5, 1.0]);
        assert!(images.clamped().pixels[3].is_nan());
    }
}
