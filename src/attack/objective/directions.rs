//! Any distance where h is known up to a positive factor: both gradients are brought to one norm first.

use std::sync::Arc;

use super::{Match, Measure};
use crate::model::Parameters;

/// The norm that both are brought to where only directions are compared: about that of a LeNet's gradient, since the
/// tolerances of optimisers are absolute.
pub(super) const NORM: f64 = 30.0;

/// D(u, N h / |h|) at u = N g / |g|; with w = dD/du, v = (N / |g|) (w - u <u, w> / N^2).
#[derive(Debug)]
pub(super) struct Directions {
    of: Arc<dyn Measure>,
}

impl Directions {
    pub(super) fn new(observed: Parameters, of: impl Fn(Parameters) -> Arc<dyn Measure>) -> Self {
        let norm = observed.norm();
        Directions { of: of(observed.scaled(NORM / norm)) }
    }
}

impl Measure for Directions {
    fn compare(&self, g: Parameters) -> Match {
        let factor = NORM / g.norm();
        let u = g.scaled(factor);
        let Match { distance, cotangent: w } = self.of.compare(u.clone());
        let along = u.dot(&w) / (NORM * NORM);
        Match { distance, cotangent: w.combine(factor, &u, -factor * along) }
    }

    fn of_nothing(&self) -> f64 {
        self.of.of_nothing()
    }
}
