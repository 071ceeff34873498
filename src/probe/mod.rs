//! What a model's gradient gives away of its input, without attacking: how strongly it depends on the input
//! ([`igsa`]), whether it can determine a batch at all ([`dimension`]) and does so near it ([`rank`]), and what it looks like
//! ([`gradient`]).
//!
//! All of it needs the ground truth and is for judging, never for an attack.

pub mod dimension;
pub mod gradient;
pub mod igsa;
pub mod rank;

pub use dimension::Dimension;
pub use igsa::{Samples, Settings, Smoothness};
pub use rank::Rank;

/// Median and quartiles, linearly interpolated.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Quartiles {
    /// A quarter of the values are below.
    #[serde(with = "crate::figure::number")]
    pub lower: f64,
    /// Half of the values are below.
    #[serde(with = "crate::figure::number")]
    pub median: f64,
    /// Three quarters of the values are below.
    #[serde(with = "crate::figure::number")]
    pub upper: f64,
}

impl Quartiles {
    /// Of some values; NaN if there are none or one is NaN.
    pub fn of(values: impl IntoIterator<Item = f64>) -> Quartiles {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        let at = |share: f64| {
            if values.is_empty() || values.iter().any(|value| value.is_nan()) {
                return f64::NAN;
            }
            let place = share * (values.len() - 1) as f64;
            let (below, above) = (values[place.floor() as usize], values[place.ceil() as usize]);
            // Two infinite neighbours have no difference.
            if below == above { below } else { below + (above - below) * place.fract() }
        };
        Quartiles { lower: at(0.25), median: at(0.5), upper: at(0.75) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quartiles_interpolate_and_bear_infinity() {
        assert_eq!(Quartiles::of([4.0, 1.0, 3.0, 2.0]), Quartiles { lower: 1.75, median: 2.5, upper: 3.25 });
        assert_eq!(Quartiles::of([7.0]), Quartiles { lower: 7.0, median: 7.0, upper: 7.0 });
        let infinite = Quartiles::of([f64::INFINITY; 3]);
        assert_eq!((infinite.lower, infinite.upper), (f64::INFINITY, f64::INFINITY));
        assert!(Quartiles::of([1.0, f64::NAN]).median.is_nan() && Quartiles::of([]).median.is_nan());
    }
}
