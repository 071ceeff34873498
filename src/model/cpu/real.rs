//! The two widths of floats.

use std::sync::Mutex;

use burn::tensor::Element;

/// `f32` or `f64`.
pub trait Real: Element + num_traits::Float + std::iter::Sum + std::ops::AddAssign + Send + Sync {
    /// The nearest number of this width.
    fn of(value: f64) -> Self;
    /// Widened.
    fn wide(self) -> f64;
    /// The error function.
    fn erf(self) -> Self;
    /// Buffers that are not in use.
    fn buffers() -> &'static Mutex<Vec<Vec<Self>>>;
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

    fn buffers() -> &'static Mutex<Vec<Vec<Self>>> {
        static BUFFERS: Mutex<Vec<Vec<f32>>> = Mutex::new(Vec::new());
        &BUFFERS
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

    fn buffers() -> &'static Mutex<Vec<Vec<Self>>> {
        static BUFFERS: Mutex<Vec<Vec<f64>>> = Mutex::new(Vec::new());
        &BUFFERS
    }
}
