//! Clipping of the whole update, of every tensor, of every number, or of every sample's gradient.

use std::sync::Arc;

use rand_chacha::ChaCha8Rng;

use super::{Post, Received, Sending, Transform, single_samples};
use crate::config::{RunConfig, Settings};
use crate::model::{Net, Parameters, TensorSpec};

/// The step with these settings.
pub fn build(settings: &Settings, tensors: &[TensorSpec]) -> Result<Arc<dyn Post>, String> {
    let norm = settings.number("norm");
    Ok(match settings.word("of") {
        "layer" => Arc::new(Layers { norms: vec![norm; tensors.len()] }),
        "entry" => Arc::new(Entries { most: norm }),
        "sample" => Arc::new(Samples { norm }),
        _ => Arc::new(Whole { norm }),
    })
}

/// What something of this norm is scaled by: min(1, S/|g|).
fn factor(most: f64, norm: f64) -> f64 {
    if norm > most { most / norm } else { 1.0 }
}

/// g min(1, S/|g|), the norm taken over all numbers.
#[derive(Debug, Clone, Copy)]
struct Whole {
    /// S.
    norm: f64,
}

impl Post for Whole {
    fn apply(&self, update: Parameters, _: &Sending<'_>, _: &mut ChaCha8Rng) -> Parameters {
        self.forward(&update)
    }

    fn transform(&self, _: &Received<'_>) -> Option<Arc<dyn Transform>> {
        Some(Arc::new(*self))
    }
}

impl Transform for Whole {
    fn forward(&self, g: &Parameters) -> Parameters {
        match factor(self.norm, g.norm()) {
            1.0 => g.clone(),
            factor => g.clone().scaled(factor),
        }
    }

    /// (S/|g|) (w - g <g, w>/|g|^2) of a clipped update.
    fn pull(&self, g: &Parameters, w: Parameters) -> Parameters {
        let norm = g.norm();
        match factor(self.norm, norm) {
            1.0 => w,
            factor => {
                let along = g.dot(&w) / (norm * norm);
                w.combine(factor, g, -factor * along)
            }
        }
    }
}

/// g min(1, S/|g|) as a function alone.
pub(super) fn whole(norm: f64) -> Arc<dyn Transform> {
    Arc::new(Whole { norm })
}

/// The same of every sample's gradient, before their mean is taken.
#[derive(Debug)]
struct Samples {
    /// S.
    norm: f64,
}

impl Post for Samples {
    fn fits(&self, net: &Net, config: &RunConfig) -> Result<(), String> {
        single_samples(net, config)
    }

    fn each(&self) -> Option<Arc<dyn Transform>> {
        Some(whole(self.norm))
    }

    fn apply(&self, update: Parameters, _: &Sending<'_>, _: &mut ChaCha8Rng) -> Parameters {
        update
    }

    /// A mean does not tell the norms behind it.
    fn transform(&self, _: &Received<'_>) -> Option<Arc<dyn Transform>> {
        None
    }
}

/// The same of every tensor by itself.
#[derive(Debug, Clone)]
struct Layers {
    /// S of each tensor.
    norms: Vec<f64>,
}

impl Post for Layers {
    fn apply(&self, update: Parameters, _: &Sending<'_>, _: &mut ChaCha8Rng) -> Parameters {
        self.forward(&update)
    }

    fn transform(&self, _: &Received<'_>) -> Option<Arc<dyn Transform>> {
        Some(Arc::new(self.clone()))
    }
}

impl Transform for Layers {
    fn forward(&self, g: &Parameters) -> Parameters {
        let squares = g.products_by_tensor(g);
        let factors = squares.iter().zip(&self.norms).map(|((square, _), most)| factor(*most, square.sqrt()));
        let factors: Vec<f64> = factors.collect();
        if factors.iter().all(|factor| *factor == 1.0) {
            g.clone()
        } else {
            g.clone().scaled_by_tensor(&factors)
        }
    }

    fn pull(&self, g: &Parameters, w: Parameters) -> Parameters {
        let products = g.products_by_tensor(&w);
        let pair = |((square, along), most): (&(f64, f64), &f64)| match factor(*most, square.sqrt()) {
            1.0 => (1.0, 0.0),
            factor => (factor, -factor * along / square),
        };
        let (of_w, of_g): (Vec<f64>, Vec<f64>) = products.iter().zip(&self.norms).map(pair).unzip();
        w.combine_by_tensor(&of_w, g, &of_g)
    }
}

/// Every number clamped to [-S, S].
#[derive(Debug, Clone, Copy)]
struct Entries {
    /// S.
    most: f64,
}

impl Post for Entries {
    fn apply(&self, update: Parameters, _: &Sending<'_>, _: &mut ChaCha8Rng) -> Parameters {
        self.forward(&update)
    }

    fn transform(&self, _: &Received<'_>) -> Option<Arc<dyn Transform>> {
        Some(Arc::new(*self))
    }
}

impl Transform for Entries {
    fn forward(&self, g: &Parameters) -> Parameters {
        g.mapped(|_, values| {
            values.iter_mut().for_each(|value| *value = value.max(-self.most).min(self.most));
        })
    }

    /// w where |g| <= S, else 0.
    fn pull(&self, g: &Parameters, w: Parameters) -> Parameters {
        let inside = g.mapped(|_, values| {
            values.iter_mut().for_each(|value| *value = f64::from(u8::from(value.abs() <= self.most)));
        });
        w.times(&inside)
    }
}
