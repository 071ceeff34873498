//! Loops in the widest vectors of this processor, whatever the program was compiled for.

use std::ops::{Add, Mul, Sub};

use pulp::{Arch, Simd, WithSimd};

use super::real::Real;

/// Values that are worked on at a time.
pub const LANES: usize = 16;

/// Some values, one operation on all of which is few instructions.
#[derive(Debug, Clone, Copy)]
#[repr(align(64))]
pub struct Lanes<T>([T; LANES]);

impl<T: Real> Lanes<T> {
    /// Zeros.
    #[inline(always)]
    pub fn zero() -> Self {
        Lanes([T::zero(); LANES])
    }

    /// The first values of a slice.
    #[inline(always)]
    pub fn load(values: &[T]) -> Self {
        let mut lanes = Lanes::zero();
        lanes.0.copy_from_slice(&values[..LANES]);
        lanes
    }

    /// The first `count` values of a slice, then zeros.
    #[inline(always)]
    pub fn load_some(values: &[T], count: usize) -> Self {
        let mut lanes = Lanes::zero();
        lanes.0[..count].copy_from_slice(&values[..count]);
        lanes
    }

    /// `self + factor values`, rounded once.
    #[inline(always)]
    pub fn plus(mut self, factor: T, values: Self) -> Self {
        for i in 0..LANES {
            self.0[i] = factor.mul_add(values.0[i], self.0[i]);
        }
        self
    }

    /// To the start of a slice.
    #[inline(always)]
    pub fn store(self, values: &mut [T]) {
        values[..LANES].copy_from_slice(&self.0);
    }

    /// The first `count` to the start of a slice.
    #[inline(always)]
    pub fn store_some(self, values: &mut [T], count: usize) {
        values[..count].copy_from_slice(&self.0[..count]);
    }
}

impl<T: Real> Add for Lanes<T> {
    type Output = Self;

    #[inline(always)]
    fn add(mut self, other: Self) -> Self {
        for i in 0..LANES {
            self.0[i] += other.0[i];
        }
        self
    }
}

impl<T: Real> Sub for Lanes<T> {
    type Output = Self;

    #[inline(always)]
    fn sub(mut self, other: Self) -> Self {
        for i in 0..LANES {
            self.0[i] = self.0[i] - other.0[i];
        }
        self
    }
}

impl<T: Real> Mul<T> for Lanes<T> {
    type Output = Self;

    #[inline(always)]
    fn mul(mut self, factor: T) -> Self {
        for i in 0..LANES {
            self.0[i] = self.0[i] * factor;
        }
        self
    }
}

/// Runs `f` as compiled for the widest vectors there are. `f` and what it calls must be `#[inline(always)]`, and it
/// must change something it captured: only then does it become part of the function compiled so.
pub fn widest(f: impl FnMut()) {
    Arch::new().dispatch(Widest(f));
}

/// Whether products are added in one instruction there.
pub fn fuses() -> bool {
    !matches!(Arch::new(), Arch::Scalar)
}

struct Widest<F>(F);

impl<F: FnMut()> WithSimd for Widest<F> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, _: S) {
        (self.0)();
    }
}
