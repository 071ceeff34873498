//! Gaussian noise. Nothing about privacy follows from it alone.

use std::sync::Arc;

use rand_chacha::ChaCha8Rng;

use super::{Kind, Known, Parameter, Post, Transform};
use crate::model::Parameters;
use crate::seed;

/// g + N(0, sigma^2) per entry (Zhu, Liu, Han 2019, section 5.1).
pub const NOISE: Kind = Kind {
    name: "noise",
    about: "adds Gaussian noise of this deviation to every number",
    source: "Zhu, Liu, Han, NeurIPS 2019, arXiv 1906.08935",
    parameter: Parameter { name: "sigma", range: "above 0", allows: |sigma| sigma > 0.0 },
    build: |sigma| Arc::new(Noise { sigma }),
};

#[derive(Debug)]
struct Noise {
    sigma: f64,
}

impl Post for Noise {
    fn apply(&self, update: Parameters, generator: &mut ChaCha8Rng) -> Parameters {
        update.mapped(|_, values| {
            let noise = seed::normal(generator, values.len());
            values.iter_mut().zip(noise).for_each(|(value, noise)| *value += self.sigma * noise);
        })
    }

    /// Its mean is the update.
    fn transform(&self, _: Known<'_>) -> Option<Arc<dyn Transform>> {
        None
    }
}
