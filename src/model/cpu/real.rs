//! The two widths of floats.

use std::sync::Mutex;

use burn::tensor::Element;

use super::buffer::Pool;

/// `f32` or `f64`.
pub trait Real: Element + num_traits::Float + std::iter::Sum + std::ops::AddAssign + Send + Sync {
    /// The nearest number of this width.
    fn of(value: f64) -> Self;
    /// Widened.
    fn wide(self) -> f64;
    /// The error function.
    fn erf(self) -> Self;
    /// Numbers of this width, if it is `f32`.
    fn singles(values: &[Self]) -> Option<&[f32]>;
    /// The same, to write.
    fn singles_mut(values: &mut [Self]) -> Option<&mut [f32]>;
    /// Memory of this width that is not in use.
    fn pool() -> &'static Mutex<Pool<Self>>;
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

    fn singles(values: &[Self]) -> Option<&[f32]> {
        Some(values)
    }

    fn singles_mut(values: &mut [Self]) -> Option<&mut [f32]> {
        Some(values)
    }

    fn pool() -> &'static Mutex<Pool<Self>> {
        static POOL: Mutex<Pool<f32>> = Mutex::new(Pool::empty());
        &POOL
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

    fn singles(_: &[Self]) -> Option<&[f32]> {
        None
    }

    fn singles_mut(_: &mut [Self]) -> Option<&mut [f32]> {
        None
    }

    fn pool() -> &'static Mutex<Pool<Self>> {
        static POOL: Mutex<Pool<f64>> = Mutex::new(Pool::empty());
        &POOL
    }
}
