//! Numbers that come out of sums over all parameters.

use std::ops::{Div, Mul, Sub};

use crate::backend::{self, Vector};

/// A number that may still be on its way from the device. Arithmetic with it waits for nothing, so that both passes of
/// an iteration are under way before anything is read.
#[derive(Debug, Clone)]
pub enum Scalar {
    /// In the computer's memory.
    Here(f64),
    /// On the device, one element.
    There(Vector),
}

impl Scalar {
    /// Its value. Waits for the device.
    pub fn read(self) -> f64 {
        match self {
            Scalar::Here(value) => value,
            Scalar::There(value) => backend::scalar(value),
        }
    }

    /// Its square root.
    pub fn sqrt(self) -> Scalar {
        match self {
            Scalar::Here(value) => Scalar::Here(value.sqrt()),
            Scalar::There(value) => Scalar::There(value.sqrt()),
        }
    }

    /// Of it and another, here or there.
    fn with(
        self,
        other: Scalar,
        here: impl Fn(f64, f64) -> f64,
        there: impl Fn(Vector, Vector) -> Vector,
    ) -> Scalar {
        match (self, other) {
            (Scalar::Here(a), Scalar::Here(b)) => Scalar::Here(here(a, b)),
            (Scalar::There(a), Scalar::There(b)) => Scalar::There(there(a, b)),
            (Scalar::There(a), Scalar::Here(b)) => {
                let b = a.full_like(b);
                Scalar::There(there(a, b))
            }
            (Scalar::Here(a), Scalar::There(b)) => {
                let a = b.full_like(a);
                Scalar::There(there(a, b))
            }
        }
    }
}

impl From<f64> for Scalar {
    fn from(value: f64) -> Self {
        Scalar::Here(value)
    }
}

impl<S: Into<Scalar>> Mul<S> for Scalar {
    type Output = Scalar;

    fn mul(self, other: S) -> Scalar {
        self.with(other.into(), |a, b| a * b, |a, b| a * b)
    }
}

impl<S: Into<Scalar>> Div<S> for Scalar {
    type Output = Scalar;

    fn div(self, other: S) -> Scalar {
        self.with(other.into(), |a, b| a / b, |a, b| a / b)
    }
}

impl<S: Into<Scalar>> Sub<S> for Scalar {
    type Output = Scalar;

    fn sub(self, other: S) -> Scalar {
        self.with(other.into(), |a, b| a - b, |a, b| a - b)
    }
}
