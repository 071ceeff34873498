//! ST-LPIPS: Ghildyal, Liu, "Shift-tolerant perceptual similarity metric", ECCV 2022, with its AlexNet.
//!
//! Not LPIPS: the network is another one (strided convolutions and pools are taken apart into stride 1 and a
//! blur), trained anew, and the figures are not comparable.

use std::sync::OnceLock;

use super::perceptual::{Backbone, Layer, Perceptual, Unfit};
use crate::weights::WeightFile;

/// Network and heads in 16 bit; see `assets/NOTICE.md`.
static WEIGHTS: &[u8] =
    include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/assets/weights/stlpips_alex_f16.safetensors"));

const POOL: Layer = Layer::MaxPool { kernel: 3, stride: 1, ceil: false };

static SHIFT_TOLERANT_ALEXNET: Backbone = Backbone {
    layers: &[
        Layer::Conv { name: "slice1.0", input: 3, output: 64, kernel: 11, stride: 1, padding: 2 },
        Layer::Blur { name: "slice1.1", channels: 64 },
        Layer::Relu,
        Layer::Tap,
        POOL,
        Layer::Blur { name: "slice2.4", channels: 64 },
        Layer::Conv { name: "slice2.5", input: 64, output: 192, kernel: 5, stride: 1, padding: 2 },
        Layer::Relu,
        Layer::Tap,
        POOL,
        Layer::Blur { name: "slice3.8", channels: 192 },
        Layer::Conv { name: "slice3.9", input: 192, output: 384, kernel: 3, stride: 1, padding: 1 },
        Layer::Relu,
        Layer::Tap,
        Layer::Conv { name: "slice4.11", input: 384, output: 256, kernel: 3, stride: 1, padding: 1 },
        Layer::Relu,
        Layer::Tap,
        Layer::Conv { name: "slice5.13", input: 256, output: 256, kernel: 3, stride: 1, padding: 1 },
        Layer::Relu,
        Layer::Tap,
    ],
    // The reflected border of the last blur needs 3 pixels, the pool before it 5.
    least_side: 21,
};

/// The distance, loaded when it is first asked for. Images have 21 pixels or more to a side.
pub fn st_lpips() -> &'static Perceptual {
    static LOADED: OnceLock<Perceptual> = OnceLock::new();
    LOADED.get_or_init(|| {
        load(WEIGHTS).unwrap_or_else(|error| unreachable!("the shipped weights of ST-LPIPS: {error}"))
    })
}

fn load(file: &[u8]) -> Result<Perceptual, Unfit> {
    let weights = WeightFile::parse(file)?;
    Perceptual::new(&SHIFT_TOLERANT_ALEXNET, &weights, "net.", &weights)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::data::{self, Images};

    /// What an independent numpy run of the 32-bit weights says of pairs of built-in crops.
    const REFERENCE: [(usize, usize, f64); 6] = [
        (0, 0, 0.0),
        (0, 1, 0.371148),
        (1, 2, 0.404127),
        (4, 5, 0.275753),
        (0, 15, 0.050003),
        (0, 1, 0.371148),
    ];

    fn crops(indices: &[usize]) -> Images {
        data::open("crops32").unwrap().batch(indices, None).unwrap().images
    }

    #[test]
    fn numpy_agrees_on_pairs_of_crops() {
        let (first, second): (Vec<usize>, Vec<usize>) = REFERENCE.iter().map(|(a, b, _)| (*a, *b)).unzip();
        let distances = st_lpips().distances(&crops(&first), &crops(&second)).unwrap();
        for ((a, b, expected), found) in REFERENCE.into_iter().zip(distances) {
            assert!((found - expected).abs() < 5e-4, "d({a}, {b}) = {found} instead of {expected}");
        }
    }

    #[test]
    fn a_picture_and_its_negative() {
        let crop = crops(&[4]);
        let negative =
            Images { pixels: crop.pixels.iter().map(|value| 1.0 - value).collect(), ..crop.clone() };
        let distance = st_lpips().distances(&crop, &negative).unwrap()[0];
        assert!((distance - 0.455329).abs() < 5e-4, "{distance}");
    }

    #[test]
    fn grey_counts_as_three_equal_channels() {
        let digits = data::open("digits28").unwrap().batch(&[0, 1], None).unwrap().images;
        let [_, _, height, width] = digits.shape();
        let one =
            |i: usize| Images { samples: 1, channels: 1, height, width, pixels: digits.sample(i).to_vec() };
        let three = |i: usize| Images { channels: 3, pixels: digits.sample(i).repeat(3), ..one(i) };
        let grey = st_lpips().distances(&one(0), &one(1)).unwrap();
        assert!(grey[0] > 0.01);
        assert_eq!(grey, st_lpips().distances(&three(0), &three(1)).unwrap());
    }

    #[test]
    fn the_least_side_passes_and_one_less_does_not() {
        let least = st_lpips().least_side();
        let plain = |side: usize, value: f64| Images {
            samples: 1,
            channels: 3,
            height: side,
            width: side + 3,
            pixels: (0..3 * side * (side + 3)).map(|i| value * (i % 5) as f64 / 4.0).collect(),
        };
        assert!(st_lpips().distances(&plain(least, 1.0), &plain(least, 0.5)).unwrap()[0] > 0.0);
        assert_eq!(st_lpips().distances(&plain(least - 1, 1.0), &plain(least - 1, 0.5)), None);
    }

    #[test]
    fn values_are_clamped_and_nan_shows() {
        let crop = crops(&[0]);
        let wild =
            Images { pixels: crop.pixels.iter().map(|v| if *v == 1.0 { 7.0 } else { *v }).collect(), ..crop };
        assert_eq!(st_lpips().distances(&crops(&[0]), &wild).unwrap(), [0.0]);
        let mut broken = crops(&[0]);
        broken.pixels[9] = f64::NAN;
        assert!(st_lpips().distances(&crops(&[0]), &broken).unwrap()[0].is_nan());
    }

    #[test]
    fn a_file_of_something_else_is_refused_in_words() {
        let digits = include_bytes!(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/assets/weights/lpips_alex_heads.safetensors"
        ));
        assert!(load(digits).unwrap_err().to_string().contains("net.slice1.0.weight"));
    }
}
