//! Laplace noise.

use std::sync::Arc;

use rand_chacha::ChaCha8Rng;

use super::{Code, Post, Received, Sending, Transform};
use crate::config::Settings;
use crate::model::{Parameters, TensorSpec};
use crate::seed;

/// g + Lap(0, b) per entry, of density exp(-|x|/b) / 2b.
#[derive(Debug)]
struct Noise {
    /// b.
    scale: f64,
}

/// The step with these settings.
pub fn build(settings: &Settings, _: &[TensorSpec]) -> Result<Arc<dyn Post>, String> {
    Ok(Arc::new(Noise { scale: settings.number("scale") }))
}

impl Post for Noise {
    fn apply(&self, update: Parameters, _: &Sending<'_>, generator: &mut ChaCha8Rng) -> Parameters {
        update.mapped(|_, values| {
            let noise = seed::laplace(generator, values.len());
            values.iter_mut().zip(noise).for_each(|(value, noise)| *value += self.scale * noise);
        })
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
