//! Activations with their first and second derivatives.

use std::f64::consts::{FRAC_1_SQRT_2, PI};

use crate::dual::Activation;

use super::map::Map;
use super::real::Real;

/// s(z).
pub fn value<T: Real>(activation: Activation, z: &Map<T>) -> Map<T> {
    match activation {
        Activation::Sigmoid => z.each(sigmoid),
        Activation::Tanh => z.each(|z| z.tanh()),
        Activation::Relu => z.each(|z| if z <= T::zero() { T::zero() } else { z }),
        Activation::Relu6 => z.each(|z| z.max(T::zero()).min(T::of(6.0))),
        Activation::LeakyRelu(slope) => z.each(|z| if z <= T::zero() { z * T::of(slope) } else { z }),
        Activation::Gelu => z.each(|z| z * cumulative(z)),
    }
}

/// Whether the derivatives are functions of s(z), which the next layer keeps anyway, and no exponential is needed
/// again. Below, `r` is that: s(z) or z.
pub fn reads_output(activation: Activation) -> bool {
    matches!(activation, Activation::Sigmoid | Activation::Tanh | Activation::Relu)
}

/// s'(z) q, which carries tangents forward and gradients back.
pub fn times_slope<T: Real>(activation: Activation, r: &Map<T>, q: &Map<T>) -> Map<T> {
    // Named in the loop, so that nothing is chosen inside it.
    match activation {
        Activation::Sigmoid => r.with(q, |r, q| slope(Activation::Sigmoid, r) * q),
        Activation::Tanh => r.with(q, |r, q| slope(Activation::Tanh, r) * q),
        Activation::Relu => r.with(q, |r, q| if r > T::zero() { q } else { T::zero() }),
        _ => r.with(q, |r, q| slope(activation, r) * q),
    }
}

/// s'(z) p' + s''(z) z' p: the derivative of s'(z) p.
pub fn times_slope_moved<T: Real>(
    activation: Activation,
    r: &Map<T>,
    dz: &Map<T>,
    p: &Map<T>,
    dp: &Map<T>,
) -> Map<T> {
    let maps = [dz, p, dp];
    match activation {
        Activation::Sigmoid => r.with3(maps, |r, dz, p, dp| moved(Activation::Sigmoid, r, dz, p, dp)),
        Activation::Tanh => r.with3(maps, |r, dz, p, dp| moved(Activation::Tanh, r, dz, p, dp)),
        _ => r.with3(maps, |r, dz, p, dp| moved(activation, r, dz, p, dp)),
    }
}

/// Whether s'' is zero everywhere (but at kinks).
pub fn is_piecewise_linear(activation: Activation) -> bool {
    matches!(activation, Activation::Relu | Activation::Relu6 | Activation::LeakyRelu(_))
}

#[inline(always)]
fn moved<T: Real>(activation: Activation, r: T, dz: T, p: T, dp: T) -> T {
    slope(activation, r) * dp + curvature(activation, r) * dz * p
}

#[inline(always)]
fn slope<T: Real>(activation: Activation, r: T) -> T {
    let one = T::one();
    match activation {
        Activation::Sigmoid => r - r * r,
        Activation::Tanh => one - r * r,
        Activation::Relu => step(r > T::zero()),
        Activation::Relu6 => step(r > T::zero() && r < T::of(6.0)),
        Activation::LeakyRelu(slope) => {
            if r <= T::zero() {
                T::of(slope)
            } else {
                one
            }
        }
        Activation::Gelu => cumulative(r) + r * density(r),
    }
}

#[inline(always)]
fn curvature<T: Real>(activation: Activation, r: T) -> T {
    let two = T::of(2.0);
    match activation {
        Activation::Sigmoid => (r - r * r) * (T::one() - two * r),
        Activation::Tanh => -two * r * (T::one() - r * r),
        Activation::Relu | Activation::Relu6 | Activation::LeakyRelu(_) => T::zero(),
        Activation::Gelu => density(r) * (two - r * r),
    }
}

fn step<T: Real>(on: bool) -> T {
    if on { T::one() } else { T::zero() }
}

fn sigmoid<T: Real>(z: T) -> T {
    T::one() / (T::one() + (-z).exp())
}

/// The normal distribution's Phi.
fn cumulative<T: Real>(z: T) -> T {
    (Real::erf(z * T::of(FRAC_1_SQRT_2)) + T::one()) * T::of(0.5)
}

/// Its density.
fn density<T: Real>(z: T) -> T {
    (z * z * T::of(-0.5)).exp() * T::of(1.0 / (2.0 * PI).sqrt())
}
