//! `cos` (Geiping et al. 2020): one cosine over all parameters as one vector.

use super::Match;
use crate::model::Parameters;

/// D = 1 - c with c = <g, h> / (|g| |h|); v = (c g / |g| - h / |h|) / |g|.
pub fn compare(g: &Parameters, h: &Parameters, h_norm: f64) -> Match {
    let g_norm = g.norm();
    let cosine = g.dot(h) / (g_norm * h_norm);
    let cotangent = g.combine(cosine / (g_norm * g_norm), h, -1.0 / (h_norm * g_norm));
    // Rounding may carry a perfect match past 1; NaN stays NaN.
    Match { distance: 1.0 - cosine.clamp(-1.0, 1.0), cotangent }
}
