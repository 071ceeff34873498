//! The fifty operations that policies of ATS are made of, by their published numbers.

use std::f64::consts::PI;

use rand::Rng;
use rand_chacha::ChaCha8Rng;

use super::picture::Picture;

/// What is done to a picture, with a magnitude from 0 to 9 where it has one. The probability that the published list stores
/// beside each is not used by the published code, and is not here.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Operation {
    ShearY(u8),
    TranslateX(u8),
    TranslateY(u8),
    Rotate(u8),
    Colour(u8),
    Contrast(u8),
    Sharpness(u8),
    Brightness(u8),
    Posterise(u8),
    Solarise(u8),
    AutoContrast,
    Equalise,
    Invert,
}

use Operation::{
    AutoContrast, Brightness, Colour, Contrast, Equalise, Invert, Posterise, Rotate, Sharpness, ShearY,
    Solarise, TranslateX, TranslateY,
};

/// By number.
pub(super) static LIBRARY: [Operation; 50] = [
    Invert,
    Contrast(6),
    Rotate(2),
    TranslateX(9),
    Sharpness(1),
    Sharpness(3),
    ShearY(2),
    TranslateY(2),
    AutoContrast,
    Equalise,
    ShearY(5),
    Posterise(5),
    Colour(3),
    Brightness(5),
    Sharpness(9),
    Brightness(9),
    Equalise,
    Equalise,
    Contrast(7),
    Sharpness(5),
    Colour(5),
    TranslateX(5),
    Equalise,
    AutoContrast,
    TranslateY(3),
    Sharpness(6),
    Brightness(6),
    Colour(8),
    Solarise(0),
    Invert,
    Equalise,
    AutoContrast,
    Equalise,
    Equalise,
    Colour(5),
    Equalise,
    AutoContrast,
    Solarise(4),
    Brightness(3),
    Colour(0),
    Solarise(1),
    AutoContrast,
    TranslateY(3),
    TranslateY(3),
    AutoContrast,
    Solarise(1),
    Equalise,
    Invert,
    TranslateY(3),
    AutoContrast,
];

/// The largest translation, as a share of the side.
const SHIFT: f64 = 150.0 / 331.0;

impl Operation {
    /// What it makes of a picture. Of those with two directions one is drawn.
    pub fn of(self, picture: &Picture, generator: &mut ChaCha8Rng) -> Picture {
        let signed = matches!(
            self,
            ShearY(_)
                | TranslateX(_)
                | TranslateY(_)
                | Colour(_)
                | Contrast(_)
                | Sharpness(_)
                | Brightness(_)
        );
        let sign = if signed && generator.random::<bool>() { -1.0 } else { 1.0 };
        self.towards(sign, picture)
    }

    /// What it makes of a picture in the direction `sign`, 1 or -1.
    pub fn towards(self, sign: f64, picture: &Picture) -> Picture {
        let part = |m: u8| f64::from(m) / 9.0;
        let factor = |m: u8| 1.0 + sign * 0.5 * part(m);
        match self {
            ShearY(m) => picture.sheared_down(sign * 0.3 * part(m)),
            TranslateX(m) => picture.shifted(sign * SHIFT * part(m) * picture.width as f64, 0.0),
            TranslateY(m) => picture.shifted(0.0, sign * SHIFT * part(m) * picture.height as f64),
            Rotate(m) => picture.rotated(PI / 180.0 * 30.0 * part(m)),
            Colour(m) => picture.blended(&picture.grey(), factor(m)),
            Contrast(m) => picture.blended(&picture.flat(), factor(m)),
            Sharpness(m) => picture.blended(&picture.smooth(), factor(m)),
            Brightness(m) => picture.blended(&picture.mapped(|_| 0), factor(m)),
            Posterise(m) => {
                let bits = (8.0 - 4.0 * part(m)).round_ties_even() as u32;
                let mask = !((1_u32 << (8 - bits)) - 1) as u8;
                picture.mapped(|value| value & mask)
            }
            Solarise(m) => {
                let threshold = 256.0 * (1.0 - part(m));
                picture.mapped(|value| if f64::from(value) < threshold { value } else { 255 - value })
            }
            AutoContrast => picture.stretched(),
            Equalise => picture.equalised(),
            Invert => picture.mapped(|value| 255 - value),
        }
    }
}
