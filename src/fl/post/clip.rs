//! Clipping the norm of the whole update.

use std::sync::Arc;

use rand_chacha::ChaCha8Rng;

use super::{Kind, Known, Parameter, Post, Transform};
use crate::model::Parameters;

/// g min(1, S/|g|), the norm taken over all numbers.
pub const CLIP: Kind = Kind {
    name: "clip",
    about: "scales an update that is longer than this norm down to it",
    source: "Abadi et al., CCS 2016, arXiv 1607.00133 (there of every example)",
    parameter: Parameter { name: "norm", range: "above 0", allows: |norm| norm > 0.0 },
    build: |norm| Arc::new(Clip { norm }),
};

#[derive(Debug, Clone, Copy)]
struct Clip {
    /// S.
    norm: f64,
}

impl Clip {
    /// What an update is scaled by.
    fn factor(self, norm: f64) -> f64 {
        if norm > self.norm { self.norm / norm } else { 1.0 }
    }
}

impl Post for Clip {
    fn apply(&self, update: Parameters, _: &mut ChaCha8Rng) -> Parameters {
        self.forward(&update)
    }

    /// Of a clipped update the bound is its own norm.
    fn transform(&self, known: Known<'_>) -> Option<Arc<dyn Transform>> {
        Some(Arc::new(match known {
            Known::Parameters(_) => *self,
            Known::Update(seen) => Clip { norm: seen.norm() },
        }))
    }
}

impl Transform for Clip {
    fn forward(&self, g: &Parameters) -> Parameters {
        match self.factor(g.norm()) {
            1.0 => g.clone(),
            factor => g.clone().scaled(factor),
        }
    }

    /// (S/|g|) (w - g <g, w>/|g|^2) of a clipped update.
    fn pull(&self, g: &Parameters, w: Parameters) -> Parameters {
        let norm = g.norm();
        match self.factor(norm) {
            1.0 => w,
            factor => {
                let along = g.dot(&w) / (norm * norm);
                w.combine(factor, g, -factor * along)
            }
        }
    }
}
