//! `l2norm`: mean square of the reconstruction.

use super::Candidate;

/// `sum x^2 / numel(x)`.
pub fn l2norm(candidate: Candidate<'_>, weight: f64, to: &mut [f64]) -> f64 {
    let share = 1.0 / candidate.x.len().max(1) as f64;
    candidate.x.iter().zip(to).for_each(|(x, to)| *to += weight * share * 2.0 * x);
    share * candidate.x.iter().map(|x| x * x).sum::<f64>()
}
