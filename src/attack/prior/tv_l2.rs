//! `tv-l2`: the length of the gradient at each pixel.

use super::Candidate;

/// Keeps the root differentiable where neighbours are equal.
const FLAT: f64 = 1e-8;

/// The mean of `sqrt(dx^2 + dy^2 + 1e-8)` over the pixels with a neighbour to the right and below.
pub fn tv_l2(candidate: Candidate<'_>, weight: f64, to: &mut [f64]) -> f64 {
    let (planes, size) = candidate.planes();
    let [_, _, height, width] = candidate.shape;
    let inner = height.saturating_sub(1) * width.saturating_sub(1);
    let share = 1.0 / (candidate.x.len() / size * inner).max(1) as f64;
    let mut value = 0.0;
    for begin in planes {
        let plane = begin..begin + size;
        value += of_plane(&candidate.x[plane.clone()], width, share * weight, &mut to[plane]);
    }
    share * value
}

/// The sum of the lengths over one plane of this width, whose gradient times the weight is added to `to`.
pub(super) fn of_plane(x: &[f64], width: usize, weight: f64, to: &mut [f64]) -> f64 {
    let mut value = 0.0;
    for row in 1..x.len() / width {
        let at = (row - 1) * width;
        for i in at..at + width - 1 {
            let (dx, dy) = (x[i + 1] - x[i], x[i + width] - x[i]);
            let length = (dx * dx + dy * dy + FLAT).sqrt();
            value += length;
            let (to_dx, to_dy) = (weight * dx / length, weight * dy / length);
            to[i + 1] += to_dx;
            to[i + width] += to_dy;
            to[i] -= to_dx + to_dy;
        }
    }
    value
}
