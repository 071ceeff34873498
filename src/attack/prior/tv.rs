//! `tv` (Geiping et al. 2020): anisotropic total variation.

use super::Candidate;

/// `mean |dx| + mean |dy|`, each mean over its own differences; nothing along a side of one pixel.
pub fn tv(candidate: Candidate<'_>, weight: f64, to: &mut [f64]) -> f64 {
    each_difference(
        candidate,
        |difference, count| {
            let slope = if difference == 0.0 { 0.0 } else { difference.signum() };
            (difference.abs() / count, slope / count)
        },
        weight,
        to,
    )
}

/// A sum over the differences of neighbours, along both sides: `of` says the term and its slope for a difference, given
/// how many there are along this side.
pub(super) fn each_difference(
    candidate: Candidate<'_>,
    of: impl Fn(f64, f64) -> (f64, f64),
    weight: f64,
    to: &mut [f64],
) -> f64 {
    let [batch, channels, height, width] = candidate.shape;
    let planes = batch * channels;
    let (across, down) =
        (planes * height * width.saturating_sub(1), planes * height.saturating_sub(1) * width);
    let mut value = 0.0;
    let mut pair = |from: usize, next: usize, count: usize| {
        let (term, slope) = of(candidate.x[next] - candidate.x[from], count as f64);
        value += term;
        to[next] += weight * slope;
        to[from] -= weight * slope;
    };
    for begin in candidate.planes().0 {
        for row in 0..height {
            let at = begin + row * width;
            (at..at + width.saturating_sub(1)).for_each(|i| pair(i, i + 1, across));
            if row + 1 < height {
                (at..at + width).for_each(|i| pair(i, i + width, down));
            }
        }
    }
    value
}
