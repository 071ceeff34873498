//! `l1`: sum of absolute differences.

use super::{Match, Measure};
use crate::model::Parameters;

/// D = sum |g - h|, v = sign(g - h) with sign(0) = 0.
#[derive(Debug)]
pub(super) struct L1 {
    pub(super) observed: Parameters,
}

impl Measure for L1 {
    fn compare(&self, g: Parameters) -> Match {
        let difference = g.combine(1.0, &self.observed, -1.0);
        let cotangent = difference.signs();
        let (_, distance) = difference.products(&cotangent);
        Match { distance, cotangent }
    }

    fn of_nothing(&self) -> f64 {
        self.observed.dot(&self.observed.signs())
    }
}
