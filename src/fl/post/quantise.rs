//! A few levels instead of numbers.

use std::sync::Arc;

use rand_chacha::ChaCha8Rng;

use super::{Code, Post, Received, Sending, Transform};
use crate::config::Settings;
use crate::model::{Parameters, TensorSpec};
use crate::seed;

/// sign(g) m c/q, where c is q |g|/m rounded and m a tensor's own scale; a tensor of zeros stays as it is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Quantise {
    /// q, the steps from 0 to the scale.
    pub levels: f64,
    /// m: the largest magnitude of a tensor, or its l2 norm (Alistarh et al. 2017).
    pub scale: fn(&[f64]) -> f64,
    /// Up with the probability of the fraction, else down; else to the nearest level, of two the even one.
    pub stochastic: bool,
}

/// The step with these settings.
pub fn build(settings: &Settings, _: &[TensorSpec]) -> Result<Arc<dyn Post>, String> {
    Ok(Arc::new(Quantise {
        levels: settings.number("levels"),
        scale: if settings.word("scale") == "l2" { l2 } else { largest },
        stochastic: settings.word("rounding") == "stochastic",
    }))
}

/// The largest magnitude.
pub(super) fn largest(values: &[f64]) -> f64 {
    values.iter().fold(0.0, |most, value| most.max(value.abs()))
}

/// The l2 norm.
pub(super) fn l2(values: &[f64]) -> f64 {
    values.iter().map(|value| value * value).sum::<f64>().sqrt()
}

impl Quantise {
    /// Every tensor rounded to its levels, with a draw from U(0, 1) for each number where rounding is stochastic.
    pub fn rounded(&self, g: &Parameters, mut draws: impl FnMut(usize) -> Vec<f64>) -> Parameters {
        g.mapped(|_, values| {
            let scale = (self.scale)(values);
            if scale == 0.0 {
                return;
            }
            let draws = if self.stochastic { draws(values.len()) } else { Vec::new() };
            for (at, value) in values.iter_mut().enumerate() {
                let code = value.abs() / scale * self.levels;
                let code = match draws.get(at) {
                    Some(draw) => code.floor() + f64::from(u8::from(*draw < code.fract())),
                    None => code.round_ties_even(),
                };
                *value = value.signum() * (scale * code / self.levels);
            }
        })
    }
}

impl Post for Quantise {
    fn apply(&self, update: Parameters, _: &Sending<'_>, generator: &mut ChaCha8Rng) -> Parameters {
        self.rounded(&update, |count| seed::unit(generator, count))
    }

    /// The mean of stochastic rounding is the update.
    fn transform(&self, _: &Received<'_>) -> Option<Arc<dyn Transform>> {
        if self.stochastic { None } else { Some(Arc::new(*self)) }
    }

    /// log2(2q + 1) bits, of which zero is one; what is narrower stays so.
    fn code(&self, before: Code) -> Code {
        let levels = 2.0 * self.levels;
        let (width, or_zero) = (levels.log2(), (levels + 1.0).log2());
        Code { width: before.width.min(width), or_zero: before.or_zero.min(or_zero), ..before }
    }
}

/// The rounding is no smooth function: its derivative is taken to be that of the identity.
impl Transform for Quantise {
    fn forward(&self, g: &Parameters) -> Parameters {
        self.rounded(g, |_| Vec::new())
    }

    fn pull(&self, _: &Parameters, w: Parameters) -> Parameters {
        w
    }
}
