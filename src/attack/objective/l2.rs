//! `l2` (Zhu et al. 2019): sum of squared differences, without 1/2 and without mean.

use super::Match;
use crate::model::Parameters;

/// D = sum |g - h|^2, v = 2 (g - h).
pub fn compare(g: Parameters, h: &Parameters) -> Match {
    let cotangent = g.combine(2.0, h, -2.0);
    Match { distance: cotangent.square() / 4.0, cotangent }
}

/// The norm that both are brought to where only directions are compared: about that of a LeNet's gradient, since the
/// tolerances of optimisers are absolute.
pub(super) const NORM: f64 = 30.0;

/// D = |r|^2 with r = N (g / |g| - h / |h|), of the directions alone; v = 2 (N r - D g / (2 |g|)) / |g|, since
/// <g, r> = |g| D / (2 N). Without the cosine's difference from 1, which rounding eats.
pub fn compare_directions(g: Parameters, h: &Parameters, h_norm: f64) -> Match {
    let g_norm = g.norm();
    let r = g.clone().combine(NORM / g_norm, h, -NORM / h_norm);
    let distance = r.square();
    let cotangent = r.combine(2.0 * NORM / g_norm, &g, distance.clone() * (-1.0 / (g_norm * g_norm)));
    Match { distance, cotangent }
}
