//! `tv-sq`: squared differences of neighbours.

use super::Candidate;
use super::tv::each_difference;

/// `(sum dx^2 + sum dy^2) / numel(x)`.
pub fn tv_sq(candidate: Candidate<'_>, weight: f64, to: &mut [f64]) -> f64 {
    let count = candidate.x.len() as f64;
    let of = |difference: f64, _| (difference * difference / count, 2.0 * difference / count);
    each_difference(candidate, of, weight, to)
}
