//! `half-l2`: half of `l2`, as public re-implementations have it; weights of priors are beside it twice as large.

use std::sync::Arc;

use super::{Match, Measure};
use crate::model::Parameters;

/// D / 2, v / 2.
#[derive(Debug)]
pub(super) struct Half {
    pub(super) of: Arc<dyn Measure>,
}

impl Measure for Half {
    fn compare(&self, g: Parameters) -> Match {
        let Match { distance, cotangent } = self.of.compare(g);
        Match { distance: distance / 2.0, cotangent: cotangent.scaled(0.5) }
    }

    fn of_nothing(&self) -> f64 {
        0.5 * self.of.of_nothing()
    }
}
