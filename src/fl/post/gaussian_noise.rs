//! Gaussian noise.

use std::sync::Arc;

use rand_chacha::ChaCha8Rng;

use super::{Code, Post, Received, Sending, Transform};
use crate::config::Settings;
use crate::model::{Parameters, TensorSpec};
use crate::seed;

/// g + N(0, sigma^2) per entry (Zhu, Liu, Han 2019, section 5.1).
#[derive(Debug)]
struct Noise {
    sigma: f64,
}

/// The step with these settings.
pub fn build(settings: &Settings, _: &[TensorSpec]) -> Result<Arc<dyn Post>, String> {
    Ok(Arc::new(Noise { sigma: settings.number("sigma") }))
}

/// g + N(0, sigma^2).
pub(super) fn noised(update: &Parameters, sigma: f64, generator: &mut ChaCha8Rng) -> Parameters {
    update.mapped(|_, values| {
        let noise = seed::normal(generator, values.len());
        values.iter_mut().zip(noise).for_each(|(value, noise)| *value += sigma * noise);
    })
}

impl Post for Noise {
    fn apply(&self, update: Parameters, _: &Sending<'_>, generator: &mut ChaCha8Rng) -> Parameters {
        noised(&update, self.sigma, generator)
    }

    /// Its mean is the update.
    fn transform(&self, _: &Received<'_>) -> Option<Arc<dyn Transform>> {
        None
    }

    /// Every number is another one.
    fn code(&self, _: Code) -> Code {
        Code::default()
    }
}
