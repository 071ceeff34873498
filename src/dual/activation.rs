//! Elementwise activations: `a = s(z)`, `a' = s'(z) z'`.

use burn::tensor::backend::Backend;
use burn::tensor::{DType, Tensor, activation};

use super::Dual;
use crate::backend::Tape;

/// An elementwise non-linearity.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Activation {
    /// 1 / (1 + exp(-z)).
    Sigmoid,
    /// Hyperbolic tangent.
    Tanh,
    /// max(z, 0), with derivative 0 at 0.
    Relu,
    /// min(max(z, 0), 6), with derivative 0 at 0 and at 6.
    Relu6,
    /// max(z, slope z), with derivative `slope` at 0.
    LeakyRelu(f64),
    /// z Phi(z), exact (not the tanh approximation).
    Gelu,
}

impl Activation {
    /// Applies it to value and tangent.
    pub fn apply<const D: usize>(self, z: Dual<D>) -> Dual<D> {
        match self {
            Activation::Sigmoid => {
                let a = sigmoid(z.value);
                let tangent = z.tangent.map(|dz| (a.clone() - a.clone().square()) * dz);
                Dual { value: a, tangent }
            }
            Activation::Tanh => {
                let a = z.value.tanh();
                let tangent = z.tangent.map(|dz| a.clone().square().neg().add_scalar(1.0) * dz);
                Dual { value: a, tangent }
            }
            Activation::Relu => {
                let tangent = z.tangent.map(|dz| dz.mask_fill(z.value.clone().lower_equal_elem(0.0), 0.0));
                Dual { value: activation::relu(z.value), tangent }
            }
            Activation::Relu6 => {
                let outside =
                    z.value.clone().lower_equal_elem(0.0).bool_or(z.value.clone().greater_equal_elem(6.0));
                let tangent = z.tangent.map(|dz| dz.mask_fill(outside, 0.0));
                Dual { value: z.value.clamp(0.0, 6.0), tangent }
            }
            Activation::LeakyRelu(slope) => {
                let leak = |on: Tensor<Tape, D>| {
                    let off = z.value.clone().lower_equal_elem(0.0);
                    on.clone().mask_where(off, on.mul_scalar(slope))
                };
                Dual { tangent: z.tangent.clone().map(leak), value: leak(z.value.clone()) }
            }
            Activation::Gelu => {
                // Phi(z) = (1 + erf(z / sqrt 2)) / 2; s' = Phi + z phi.
                let phi_cumulative = z
                    .value
                    .clone()
                    .mul_scalar(std::f64::consts::FRAC_1_SQRT_2)
                    .erf()
                    .add_scalar(1.0)
                    .mul_scalar(0.5);
                let tangent = z.tangent.map(|dz| {
                    let density = (z.value.clone().square().mul_scalar(-0.5))
                        .exp()
                        .mul_scalar(1.0 / (2.0 * std::f64::consts::PI).sqrt());
                    (phi_cumulative.clone() + z.value.clone() * density) * dz
                });
                Dual { value: z.value * phi_cumulative, tangent }
            }
        }
    }
}

/// burn's sigmoid goes through 32 bit on some backends; in 64 bit it is spelled out.
pub fn sigmoid<B: Backend, const D: usize>(z: Tensor<B, D>) -> Tensor<B, D> {
    match z.dtype() {
        DType::F64 => z.neg().exp().add_scalar(1.0).recip(),
        _ => activation::sigmoid(z),
    }
}
