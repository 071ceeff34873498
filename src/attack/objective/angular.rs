//! `angular`: the angle between both gradients as a share of half a turn.

use std::f64::consts::PI;

use super::{Match, Measure};
use crate::model::Parameters;

/// How close to -1 and 1 the cosine is taken: at both the angle has no derivative.
const MOST: f64 = 1.0 - 1e-7;

/// D = arccos(c) / pi with c = <g, h> / (|g| |h|); v = (c g / |g| - h / |h|) / (pi |g| sqrt(1 - c^2)), 0 where c is
/// beyond [`MOST`].
#[derive(Debug)]
pub(super) struct Angular {
    observed: Parameters,
    norm: f64,
}

impl Angular {
    pub(super) fn new(observed: Parameters) -> Self {
        Angular { norm: observed.norm(), observed }
    }
}

impl Measure for Angular {
    fn compare(&self, g: Parameters) -> Match {
        let (gg, gh) = g.products(&self.observed);
        let (gg, gh) = (gg.read(), gh.read());
        let norms = gg.sqrt() * self.norm;
        let cosine = gh / norms;
        let distance = cosine.clamp(-MOST, MOST).acos() / PI;
        let slope = if cosine.abs() > MOST { 0.0 } else { 1.0 / (PI * (1.0 - cosine * cosine).sqrt()) };
        let cotangent = g.combine(slope * cosine / gg, &self.observed, -slope / norms);
        Match { distance: distance.into(), cotangent }
    }

    fn of_nothing(&self) -> f64 {
        0.5
    }
}
