//! Matching distances D(g, h) between the simulated gradient g and the observed update h, with their
//! cotangents v = dD/dg in closed form.
//!
//! A new distance is a file with a [`Measure`], a line in [`measure`], and what is known of it in `config::DISTANCES`.

mod angular;
mod cosine;
mod directions;
mod gauss;
mod half;
mod l1;
mod l2;
mod l2_positions;
mod layer_cosine;
mod layer_l2;
mod masked_cosine;
mod silent;
mod tag;
#[cfg(test)]
mod tests;

use std::fmt::Debug;
use std::sync::Arc;

use crate::config::{self, DistanceKind};
use crate::model::{Net, Parameters, Scalar};

/// Distance and cotangent at the current g.
#[derive(Debug, Clone)]
pub struct Match {
    /// D(g, h) but for rounding, perhaps still on the device.
    distance: Scalar,
    /// v = dD/dg, a constant for every later pass.
    pub cotangent: Parameters,
}

impl Match {
    /// D(g, h). Waits for the device.
    pub fn distance(self) -> f64 {
        let distance = self.distance.read();
        // Rounding may carry a perfect match below 0; NaN stays NaN.
        if distance < 0.0 { 0.0 } else { distance }
    }
}

/// A distance to one observed update.
trait Measure: Debug + Send + Sync {
    /// Distance and cotangent of a simulated gradient, whose memory the cotangent takes.
    fn compare(&self, simulated: Parameters) -> Match;

    /// The distance of a zero gradient.
    fn of_nothing(&self) -> f64;
}

/// The distance that a config asks for, to this update.
fn measure(config: config::Distance, observed: Parameters) -> Arc<dyn Measure> {
    match config.kind {
        DistanceKind::L2 => l2::measure(config, observed),
        DistanceKind::Cosine => cosine::measure(config, observed),
        DistanceKind::L1 => Arc::new(l1::L1::new(config, observed)),
        DistanceKind::Angular => Arc::new(angular::Angular::new(observed)),
        DistanceKind::LayerCosine => Arc::new(layer_cosine::LayerCosine::new(config, observed)),
        DistanceKind::MaskedCosine => Arc::new(masked_cosine::MaskedCosine::new(config, &observed)),
        DistanceKind::Tag => Arc::new(tag::Tag::new(config, observed)),
        DistanceKind::Gauss => Arc::new(gauss::Gauss::new(config, observed)),
        DistanceKind::HalfL2 => Arc::new(half::Half { of: l2::measure(config, observed) }),
        DistanceKind::L2Positions => Arc::new(l2_positions::L2Positions::new(config, observed)),
        DistanceKind::LayerL2 => Arc::new(layer_l2::LayerL2 { observed }),
    }
}

/// Whether a distance can be taken between updates of this network.
///
/// # Errors
/// One sentence that says why not.
pub(super) fn check(config: &config::Distance, net: &Net) -> Result<(), String> {
    if config.kind == DistanceKind::L2Positions && !l2_positions::fits(net) {
        return Err("attack.distance = \"l2-positions\" compares the gradient to the positions of a vision transformer, which this \
                    model has none of; choose vit-april, or \"l2\""
            .to_owned());
    }
    Ok(())
}

/// A matching distance with what it needs to know of h.
#[derive(Debug, Clone)]
pub struct Distance {
    measure: Arc<dyn Measure>,
}

impl Distance {
    /// The distance of this kind to the update `observed`.
    pub fn new(config: impl Into<config::Distance>, observed: Parameters) -> Self {
        Distance { measure: measure(config.into(), observed) }
    }

    /// The same where the observed update is the gradient times an unknown positive factor: both are brought to one
    /// norm first, unless the distance does not see it.
    pub fn up_to_scale(config: impl Into<config::Distance>, observed: Parameters) -> Self {
        let config = config.into();
        if config.ignores_scale() {
            return Distance::new(config, observed);
        }
        if config == DistanceKind::L2.into() {
            return Distance { measure: Arc::new(l2::Directions::new(observed)) };
        }
        let of = |observed| measure(config, observed);
        Distance { measure: Arc::new(directions::Directions::new(observed, of)) }
    }

    /// The distance of a zero gradient to the observed one: what a matching loss is small or large against.
    pub fn scale(&self) -> f64 {
        self.measure.of_nothing()
    }

    /// Distance and cotangent of a simulated gradient, whose memory the cotangent takes. `l2` and `cosine` with equal
    /// weights do not wait for the device; the others do, once or twice.
    pub fn compare(&self, simulated: Parameters) -> Match {
        self.measure.compare(simulated)
    }
}
