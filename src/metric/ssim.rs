//! Structural similarity, the variant `ssim_gauss`: Wang, Bovik, Sheikh, Simoncelli, "Image quality
//! assessment: from error visibility to structural similarity", IEEE TIP 13(4), 2004, eq. 13, for range 1.

/// Pixels of the window to each side: sigma 1.5 truncated at 3.5 sigma, hence 11 x 11.
const RADIUS: usize = 5;
const WINDOW: usize = 2 * RADIUS + 1;
const SIGMA: f64 = 1.5;
const C1: f64 = 0.01 * 0.01;
const C2: f64 = 0.03 * 0.03;

/// SSIM of two images `[channels, height, width]` of range [0, 1]: Gaussian window of 11 pixels, sigma 1.5,
/// population covariance, mean over the pixels whose window lies inside the image, then over channels.
/// At most 1; absent below 11 pixels. The same as scikit-image's `structural_similarity` with
/// `gaussian_weights=True, sigma=1.5, use_sample_covariance=False`.
pub fn ssim_gauss(a: &[f64], b: &[f64], channels: usize, height: usize, width: usize) -> Option<f64> {
    if height < WINDOW || width < WINDOW || channels == 0 {
        return None;
    }
    let window = window();
    let plane = height * width;
    let sum: f64 = (a.chunks_exact(plane).zip(b.chunks_exact(plane)))
        .map(|(a, b)| {
            let mean = |values: &[f64]| blur(values, height, width, &window);
            let mean_product =
                |a: &[f64], b: &[f64]| mean(&a.iter().zip(b).map(|(a, b)| a * b).collect::<Vec<f64>>());
            let (mean_a, mean_b) = (mean(a), mean(b));
            let (aa, bb, ab) = (mean_product(a, a), mean_product(b, b), mean_product(a, b));
            let similarity = |i: usize| {
                let (ma, mb) = (mean_a[i], mean_b[i]);
                let (va, vb, vab) = (aa[i] - ma * ma, bb[i] - mb * mb, ab[i] - ma * mb);
                (2.0 * ma * mb + C1) * (2.0 * vab + C2) / ((ma * ma + mb * mb + C1) * (va + vb + C2))
            };
            (0..ab.len()).map(similarity).sum::<f64>() / ab.len() as f64
        })
        .sum();
    Some(sum / channels as f64)
}

/// Weights that sum to 1.
fn window() -> [f64; WINDOW] {
    let weight = |i: usize| {
        let distance = i as f64 - RADIUS as f64;
        (-0.5 * distance * distance / (SIGMA * SIGMA)).exp()
    };
    let sum: f64 = (0..WINDOW).map(weight).sum();
    std::array::from_fn(|i| weight(i) / sum)
}

/// Weighted means over all windows that lie inside, `[height - 10, width - 10]`.
fn blur(values: &[f64], height: usize, width: usize, window: &[f64; WINDOW]) -> Vec<f64> {
    let (rows, columns) = (height - WINDOW + 1, width - WINDOW + 1);
    let mut vertical = vec![0.0; rows * width];
    for (i, sum) in vertical.iter_mut().enumerate() {
        *sum = window.iter().enumerate().map(|(k, weight)| weight * values[i + k * width]).sum();
    }
    (0..rows * columns)
        .map(|i| {
            let start = i / columns * width + i % columns;
            window.iter().zip(&vertical[start..]).map(|(weight, value)| weight * value).sum()
        })
        .collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn equal_images_are_1_and_small_ones_have_none() {
        let image: Vec<f64> = (0..3 * 12 * 11).map(|i| f64::from(i % 17) / 16.0).collect();
        assert!((ssim_gauss(&image, &image, 3, 12, 11).unwrap() - 1.0).abs() < 1e-12);
        assert_eq!(ssim_gauss(&image[..120], &image[..120], 1, 12, 10), None);
        assert_eq!(ssim_gauss(&image[..120], &image[..120], 1, 10, 12), None);
    }

    #[test]
    fn constant_images_compare_by_brightness_alone() {
        let (a, b) = (0.2, 0.6);
        let expected = (2.0 * a * b + C1) / (a * a + b * b + C1);
        let ssim = ssim_gauss(&[a; 144], &[b; 144], 1, 12, 12).unwrap();
        assert!((ssim - expected).abs() < 1e-9);
    }

    #[test]
    fn nan_stays_nan() {
        assert!(ssim_gauss(&[0.5; 121], &[f64::NAN; 121], 1, 11, 11).unwrap().is_nan());
    }
}
