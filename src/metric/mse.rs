//! Mean squared error.

/// Mean over all values of the squared difference; NaN if a value is NaN or there are none.
///
/// Images are clamped to [0, 1] before, so that it is at most 1.
pub fn mse(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum::<f64>() / a.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_mean_of_the_squares() {
        assert_eq!(mse(&[0.0, 1.0], &[0.5, 0.0]), 0.625);
        assert_eq!(mse(&[0.3, 0.7], &[0.3, 0.7]), 0.0);
        assert!(mse(&[0.3], &[f64::NAN]).is_nan());
    }
}
