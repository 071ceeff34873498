//! Figures of a tensor's values.

use serde::Serialize;

/// Over the finite values; NaN where there are none.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Statistics {
    /// All values, finite or not.
    pub count: usize,
    /// Mean.
    pub mean: f64,
    /// Standard deviation, with the count as divisor.
    pub std: f64,
    /// Smallest.
    pub min: f64,
    /// Largest.
    pub max: f64,
    /// Values that are not a number.
    pub nan: usize,
    /// Infinite values.
    pub infinite: usize,
}

impl Statistics {
    /// Of these values.
    pub fn of(values: &[f64]) -> Statistics {
        let finite = || values.iter().copied().filter(|value| value.is_finite());
        let nan = values.iter().filter(|value| value.is_nan()).count();
        let counted = finite().count();
        let mean = finite().sum::<f64>() / counted as f64;
        let variance = finite().map(|value| (value - mean).powi(2)).sum::<f64>() / counted as f64;
        Statistics {
            count: values.len(),
            mean,
            std: variance.sqrt(),
            min: finite().fold(f64::NAN, f64::min),
            max: finite().fold(f64::NAN, f64::max),
            nan,
            infinite: values.len() - counted - nan,
        }
    }

    /// `2 NaN and 1 infinite value`, if there are any.
    pub fn not_finite(&self) -> Option<String> {
        let infinite = if self.infinite == 1 {
            "1 infinite value".to_owned()
        } else {
            format!("{} infinite values", self.infinite)
        };
        match (self.nan, self.infinite) {
            (0, 0) => None,
            (nan, 0) => Some(format!("{nan} NaN")),
            (0, _) => Some(infinite),
            (nan, _) => Some(format!("{nan} NaN and {infinite}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_those_of_the_finite_values() {
        let s = Statistics::of(&[1.0, f64::NAN, 3.0, f64::INFINITY, f64::NAN]);
        assert_eq!((s.count, s.mean, s.std, s.min, s.max), (5, 2.0, 1.0, 1.0, 3.0));
        assert_eq!(s.not_finite().as_deref(), Some("2 NaN and 1 infinite value"));
        assert_eq!(Statistics::of(&[1.0]).not_finite(), None);
        let none = Statistics::of(&[]);
        assert!(none.count == 0 && none.mean.is_nan() && none.max.is_nan());
    }
}
