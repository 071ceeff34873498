//! Matching distances D(g, h) between the simulated gradient g and the observed update h, with their
//! cotangents v = dD/dg in closed form.

mod cosine;
mod l2;

use crate::config::DistanceKind;
use crate::model::{Parameters, Scalar};

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

/// A matching distance with what it needs to know of h.
#[derive(Debug, Clone)]
pub struct Distance {
    kind: DistanceKind,
    observed: Parameters,
    observed_norm: f64,
    up_to_scale: bool,
}

impl Distance {
    /// The distance of this kind to the update `observed`.
    pub fn new(kind: DistanceKind, observed: Parameters) -> Self {
        let observed_norm = observed.norm();
        Distance { kind, observed, observed_norm, up_to_scale: false }
    }

    /// The same where the observed update is the gradient times an unknown positive factor: both are brought to the
    /// norm 1 first.
    #[must_use]
    pub fn up_to_scale(self) -> Self {
        Distance { up_to_scale: true, ..self }
    }

    /// The distance of a zero gradient to the observed one: what a matching loss is small or large against.
    pub fn scale(&self) -> f64 {
        match self.kind {
            DistanceKind::L2 if self.up_to_scale => 1.0,
            DistanceKind::L2 => self.observed_norm * self.observed_norm,
            DistanceKind::Cosine => 1.0,
        }
    }

    /// Distance and cotangent of a simulated gradient, whose memory the cotangent takes. Does not wait for the device.
    pub fn compare(&self, simulated: Parameters) -> Match {
        match self.kind {
            DistanceKind::L2 if self.up_to_scale => {
                l2::compare_directions(simulated, &self.observed, self.observed_norm)
            }
            DistanceKind::L2 => l2::compare(simulated, &self.observed),
            DistanceKind::Cosine => cosine::compare(simulated, &self.observed, self.observed_norm),
        }
    }
}
