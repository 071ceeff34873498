//! Signs alone.

use std::sync::Arc;

use rand_chacha::ChaCha8Rng;

use super::{Code, Post, Received, Sending, Transform};
use crate::config::Settings;
use crate::model::{Parameters, TensorSpec};

/// sign(g), raw (Bernstein et al. 2018) or times the mean magnitude of its tensor (Karimireddy et al. 2019); sign(0) = 0.
#[derive(Debug, Clone, Copy)]
struct Sign {
    scaled: bool,
}

/// The step with these settings.
pub fn build(settings: &Settings, _: &[TensorSpec]) -> Result<Arc<dyn Post>, String> {
    Ok(Arc::new(Sign { scaled: settings.flag("scaled") }))
}

impl Post for Sign {
    fn apply(&self, update: Parameters, _: &Sending<'_>, _: &mut ChaCha8Rng) -> Parameters {
        self.forward(&update)
    }

    fn transform(&self, _: &Received<'_>) -> Option<Arc<dyn Transform>> {
        Some(Arc::new(*self))
    }

    /// One bit; with zeros there are three values.
    fn code(&self, before: Code) -> Code {
        Code { width: 1.0, or_zero: 3_f64.log2(), ..before }
    }
}

/// The derivative is taken to be that of the identity.
impl Transform for Sign {
    fn forward(&self, g: &Parameters) -> Parameters {
        g.mapped(|_, values| {
            let mean = values.iter().map(|value| value.abs()).sum::<f64>() / values.len().max(1) as f64;
            let scale = if self.scaled { mean } else { 1.0 };
            for value in values.iter_mut().filter(|value| **value != 0.0) {
                *value = scale * value.signum();
            }
        })
    }

    fn pull(&self, _: &Parameters, w: Parameters) -> Parameters {
        w
    }
}
