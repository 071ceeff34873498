//! Clipped gradients of single samples, and noise on their sum.

use std::sync::Arc;

use rand_chacha::ChaCha8Rng;

use super::gaussian_noise::noised;
use super::{Code, Post, Received, Sending, Transform, clip, single_samples};
use crate::config::{RunConfig, Settings};
use crate::model::{Net, Parameters, TensorSpec};

/// (1/B) (sum_i clip_C(g_i) + N(0, (z C)^2)) (Abadi et al. 2016, algorithm 1).
#[derive(Debug)]
struct DpSgd {
    /// C.
    norm: f64,
    /// z.
    noise_multiplier: f64,
    /// What epsilon is told for.
    delta: f64,
}

/// The step with these settings.
pub fn build(settings: &Settings, _: &[TensorSpec]) -> Result<Arc<dyn Post>, String> {
    let (norm, noise_multiplier) = (settings.number("norm"), settings.number("noise_multiplier"));
    Ok(Arc::new(DpSgd { norm, noise_multiplier, delta: settings.number("delta") }))
}

impl Post for DpSgd {
    fn fits(&self, net: &Net, config: &RunConfig) -> Result<(), String> {
        if config.local().is_some() {
            let what = "protects one release of a batch's clipped gradients, and local steps would be a release each, with \
                        noise inside the training; use";
            return Err(format!("{what} federation.algorithm = \"fedsgd\""));
        }
        // With probability delta a sample may be laid open: among n of them that must not be expected.
        let samples = config.batch() as f64 / f64::from(config.federation.secure_aggregation.max(1));
        let most = 0.1 / samples;
        if self.delta > most {
            let delta = self.delta;
            return Err(format!(
                "with delta = {delta} says nothing of {samples} sample(s): delta is well below 1 / samples, at most {most} here; \
                 1e-5 is usual"
            ));
        }
        single_samples(net, config)
    }

    fn each(&self) -> Option<Arc<dyn Transform>> {
        Some(clip::whole(self.norm))
    }

    /// The noise of the sum as it stands in what is sent: over B under a mean loss.
    fn apply(&self, update: Parameters, at: &Sending<'_>, generator: &mut ChaCha8Rng) -> Parameters {
        let sigma = self.noise_multiplier * self.norm * at.own.model.net.loss().share(at.own.x.dims()[0], 1);
        noised(&update, sigma, generator)
    }

    fn transform(&self, _: &Received<'_>) -> Option<Arc<dyn Transform>> {
        None
    }

    fn code(&self, _: Code) -> Code {
        Code::default()
    }
}
