//! Numbers in a format of fewer bits.

use std::sync::Arc;

use half::{bf16, f16};
use rand_chacha::ChaCha8Rng;

use super::quantise::{Quantise, largest};
use super::{Code, Post, Received, Sending, Transform};
use crate::config::Settings;
use crate::model::{Parameters, TensorSpec};

/// The nearest number of a format, of two the even one.
#[derive(Debug, Clone, Copy)]
enum Cast {
    /// IEEE half; infinite from 65520 on.
    Fp16,
    /// The upper half of a float of 32 bits.
    Bf16,
    /// -127 to 127 times max|g|/127, of every tensor.
    Int8,
}

/// The step with these settings.
pub fn build(settings: &Settings, _: &[TensorSpec]) -> Result<Arc<dyn Post>, String> {
    Ok(Arc::new(match settings.word("format") {
        "fp16" => Cast::Fp16,
        "bf16" => Cast::Bf16,
        _ => Cast::Int8,
    }))
}

impl Post for Cast {
    fn apply(&self, update: Parameters, _: &Sending<'_>, _: &mut ChaCha8Rng) -> Parameters {
        self.forward(&update)
    }

    /// Numbers show their format.
    fn transform(&self, _: &Received<'_>) -> Option<Arc<dyn Transform>> {
        Some(Arc::new(*self))
    }

    /// What is narrower stays so.
    fn code(&self, before: Code) -> Code {
        let width = if matches!(self, Cast::Int8) { 8.0 } else { 16.0 };
        Code { width: before.width.min(width), or_zero: before.or_zero.min(width), ..before }
    }
}

/// The derivative is taken to be that of the identity.
impl Transform for Cast {
    fn forward(&self, g: &Parameters) -> Parameters {
        let each = |of: fn(f32) -> f64| {
            g.mapped(|_, values| values.iter_mut().for_each(|value| *value = of(*value as f32)))
        };
        match self {
            Cast::Fp16 => each(|value| f16::from_f32(value).to_f64()),
            Cast::Bf16 => each(|value| bf16::from_f32(value).to_f64()),
            Cast::Int8 => Quantise { levels: 127.0, scale: largest, stochastic: false }.forward(g),
        }
    }

    fn pull(&self, _: &Parameters, w: Parameters) -> Parameters {
        w
    }
}
