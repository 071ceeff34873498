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

/// s'(z) q, which carries tangents forward and gradients back.
pub fn times_slope<T: Real>(activation: Activation, z: &Map<T>, q: &Map<T>) -> Map<T> {
    match activation {
        // Spelled out, so that the loop is one comparison and one choice.
        Activation::Relu => z.with(q, |z, q| if z > T::zero() { q } else { T::zero() }),
        _ => z.with(q, |z, q| slope(activation, z) * q),
    }
}

/// s'(z) p' + s''(z) z' p: the derivative of s'(z) p.
pub fn times_slope_moved<T: Real>(
    activation: Activation,
    z: &Map<T>,
    dz: &Map<T>,
    p: &Map<T>,
    dp: &Map<T>,
) -> Map<T> {
    z.with3([dz, p, dp], |z, dz, p, dp| slope(activation, z) * dp + curvature(activation, z) * dz * p)
}

/// Whether s'' is zero everywhere (but at kinks).
pub fn is_piecewise_linear(activation: Activation) -> bool {
    matches!(activation, Activation::Relu | Activation::Relu6 | Activation::LeakyRelu(_))
}

fn slope<T: Real>(activation: Activation, z: T) -> T {
    let one = T::one();
    match activation {
        Activation::Sigmoid => {
            let s = sigmoid(z);
            s - s * s
        }
        Activation::Tanh => {
            let a = z.tanh();
            one - a * a
        }
        Activation::Relu => step(z > T::zero()),
        Activation::Relu6 => step(z > T::zero() && z < T::of(6.0)),
        Activation::LeakyRelu(slope) => {
            if z <= T::zero() {
                T::of(slope)
            } else {
                one
            }
        }
        Activation::Gelu => cumulative(z) + z * density(z),
    }
}

fn curvature<T: Real>(activation: Activation, z: T) -> T {
    let two = T::of(2.0);
    match activation {
        Activation::Sigmoid => {
            let s = sigmoid(z);
            (s - s * s) * (T::one() - two * s)
        }
        Activation::Tanh => {
            let a = z.tanh();
            -two * a * (T::one() - a * a)
        }
        Activation::Relu | Activation::Relu6 | Activation::LeakyRelu(_) => T::zero(),
        Activation::Gelu => density(z) * (two - z * z),
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
