//! `clip-box` (Dimitrov et al. 2022): what lies outside the range of real values.

use super::Candidate;

/// The sum over a sample's values of the mean over the samples of `(u - clamp(u, 0, 1))^2`, u as shown: between 0 and 1
/// where x is within its range.
pub fn clip_box(candidate: Candidate<'_>, weight: f64, to: &mut [f64]) -> f64 {
    let [batch, channels, ..] = candidate.shape;
    let share = 1.0 / batch.max(1) as f64;
    let (planes, size) = candidate.planes();
    let mut value = 0.0;
    for (plane, begin) in planes.enumerate() {
        let (low, high) = candidate.range[plane % channels];
        let scale = 1.0 / (high - low);
        let plane = begin..begin + size;
        for (x, to) in candidate.x[plane.clone()].iter().zip(&mut to[plane]) {
            let outside = (x - x.clamp(low, high)) * scale;
            value += outside * outside;
            *to += weight * share * 2.0 * outside * scale;
        }
    }
    share * value
}
