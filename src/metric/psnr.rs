//! Peak signal-to-noise ratio for values of range 1.

/// What an infinite PSNR counts as where a mean is taken, in dB.
pub const CAP: f64 = 100.0;

/// -10 log10(MSE) in dB: infinite for equal images, NaN for a NaN error.
pub fn psnr(mse: f64) -> f64 {
    // Not -10 log10: the MSE of equal images is 0, which must give plus infinity.
    10.0 * (1.0 / mse).log10()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hundredth_is_20_db_and_nothing_is_infinite() {
        assert!((psnr(0.01) - 20.0).abs() < 1e-12);
        assert_eq!(psnr(1.0), 0.0);
        assert_eq!(psnr(0.0), f64::INFINITY);
        assert!(psnr(f64::NAN).is_nan());
    }
}
