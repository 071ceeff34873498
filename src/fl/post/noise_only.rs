//! The control of every figure on a defence: noise where an update would be.

use std::sync::Arc;

use rand_chacha::ChaCha8Rng;

use super::gaussian_noise::noised;
use super::{Code, Post, Received, Sending, Transform};
use crate::config::Settings;
use crate::model::{Parameters, TensorSpec};

/// N(0, I) |g| / |N(0, I)| in the place of g.
#[derive(Debug)]
struct NoiseOnly;

/// The step, which has no settings.
pub fn build(_: &Settings, _: &[TensorSpec]) -> Result<Arc<dyn Post>, String> {
    Ok(Arc::new(NoiseOnly))
}

/// Noise of the norm of an update.
pub fn noise_like(update: Parameters, generator: &mut ChaCha8Rng) -> Parameters {
    let norm = update.norm();
    let noise = noised(&update.scaled(0.0), 1.0, generator);
    let length = noise.norm();
    noise.scaled(if length > 0.0 { norm / length } else { 0.0 })
}

impl Post for NoiseOnly {
    fn apply(&self, update: Parameters, _: &Sending<'_>, generator: &mut ChaCha8Rng) -> Parameters {
        noise_like(update, generator)
    }

    fn transform(&self, _: &Received<'_>) -> Option<Arc<dyn Transform>> {
        None
    }

    fn code(&self, _: Code) -> Code {
        Code::default()
    }
}
