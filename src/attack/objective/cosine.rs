//! `cos` (Geiping et al. 2020): one cosine over all parameters as one vector.

use super::Match;
use crate::model::{Parameters, Scalar};

/// D = 1 - c with c = <g, h> / (|g| |h|); v = (c g / |g| - h / |h|) / |g|.
pub fn compare(g: Parameters, h: &Parameters, h_norm: f64) -> Match {
    let (gg, gh) = g.products(h);
    let norms = gg.clone().sqrt() * h_norm;
    let cosine = gh / norms.clone();
    let cotangent = g.combine(cosine.clone() / gg, h, Scalar::from(-1.0) / norms);
    Match { distance: Scalar::from(1.0) - cosine, cotangent }
}
