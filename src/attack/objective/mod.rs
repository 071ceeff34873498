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

    /// The same where the observed update is the gradient times an unknown positive factor: both are brought to one
    /// norm first.
    #[must_use]
    pub fn up_to_scale(self) -> Self {
        Distance { up_to_scale: true, ..self }
    }

    /// The distance of a zero gradient to the observed one: what a matching loss is small or large against.
    pub fn scale(&self) -> f64 {
        match self.kind {
            DistanceKind::L2 if self.up_to_scale => l2::NORM * l2::NORM,
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::backend::{self, Compute, Precision};
    use crate::model::TensorSpec;

    fn of(compute: &Compute, values: &[f64]) -> Parameters {
        let specs = [TensorSpec { name: "a".into(), shape: vec![values.len()] }];
        Parameters::from_values(compute, specs.to_vec().into(), |_| values.to_vec())
    }

    #[test]
    fn up_to_scale_only_directions_count_and_the_cotangent_is_the_derivative() {
        let compute = Compute::select("flex", Precision::F64).unwrap();
        let h = [0.3, -1.2, 0.7, 2.0];
        let distance =
            |factor: f64| Distance::new(DistanceKind::L2, of(&compute, &h.map(|h| h * factor))).up_to_scale();
        let at = |g: &[f64], factor: f64| distance(factor).compare(of(&compute, g));
        let g = [1.0, 0.5, -0.2, 0.4];
        let (one, other) = (at(&g, 1.0).distance(), at(&g, 65_536.0).distance());
        assert!((one - other).abs() < 1e-9 * one, "{one} {other}");
        assert!(at(&h.map(|h| 7.0 * h), 1.0).distance() < 1e-24);
        let opposite = at(&h.map(|h| -h), 1.0).distance();
        assert!((opposite - 4.0 * distance(1.0).scale()).abs() < 1e-9);
        let v = backend::values(&at(&g, 3.0).cotangent.tensors()[0]);
        for i in 0..g.len() {
            let moved = |step: f64| {
                let mut g = g;
                g[i] += step;
                at(&g, 3.0).distance()
            };
            let slope = (moved(1e-5) - moved(-1e-5)) / 2e-5;
            assert!((v[i] - slope).abs() < 1e-6 * slope.abs().max(1.0), "{i}: {} {slope}", v[i]);
        }
    }
}
