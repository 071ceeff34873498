//! The two widths of floats.

use burn::tensor::Element;

/// `f32` or `f64`.
pub trait Real: Element + num_traits::Float + std::iter::Sum + std::ops::AddAssign + Send + Sync {
    /// The nearest number of this width.
    fn of(value: f64) -> Self;
    /// Widened.
    fn wide(self) -> f64;
    /// The error function.
    fn erf(self) -> Self;
}

impl Real for f32 {
    fn of(value: f64) -> Self {
        value as f32
    }

    fn wide(self) -> f64 {
        f64::from(self)
    }

    fn erf(self) -> Self {
        libm::erff(self)
    }
}

impl Real for f64 {
    fn of(value: f64) -> Self {
        value
    }

    fn wide(self) -> f64 {
        self
    }

    fn erf(self) -> Self {
        libm::erf(self)
    }
}
