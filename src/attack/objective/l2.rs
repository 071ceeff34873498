//! `l2` (Zhu et al. 2019): sum of squared differences, without 1/2 and without mean.

use super::Match;
use crate::model::Parameters;

/// D = sum |g - h|^2, v = 2 (g - h).
pub fn compare(g: Parameters, h: &Parameters) -> Match {
    let cotangent = g.combine(2.0, h, -2.0);
    Match { distance: cotangent.square() / 4.0, cotangent }
}

/// D = |g / |g| - h / |h||^2 = 2 (1 - c) with c the cosine of g and h: of the directions alone.
pub fn compare_directions(g: Parameters, h: &Parameters, h_norm: f64) -> Match {
    let Match { distance, cotangent } = super::cosine::compare(g, h, h_norm);
    Match { distance: distance * 2.0, cotangent: cotangent.scaled(2.0) }
}
