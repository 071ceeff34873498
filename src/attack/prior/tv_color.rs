//! `tv-color`: total variation of the three colours and of their differences.

use super::Candidate;
use super::tv_l2::of_plane;

/// The pairs of colours whose differences count.
const PAIRS: [(usize, usize); 3] = [(0, 1), (0, 2), (1, 2)];

/// `tv-l2` of the six planes R, G, B, R-G, R-B and G-B, one mean over all of them. Nothing without three channels.
pub fn tv_color(candidate: Candidate<'_>, weight: f64, to: &mut [f64]) -> f64 {
    let [batch, 3, height, width] = candidate.shape else { return 0.0 };
    let size = height * width;
    let inner = height.saturating_sub(1) * width.saturating_sub(1);
    let share = 1.0 / (6 * batch * inner).max(1) as f64;
    let mut value = 0.0;
    for (x, to) in candidate.x.chunks(3 * size).zip(to.chunks_mut(3 * size)) {
        for (x, to) in x.chunks(size).zip(to.chunks_mut(size)) {
            value += of_plane(x, width, share * weight, to);
        }
        for (one, other) in PAIRS {
            let (one, other) = (one * size, other * size);
            let difference: Vec<f64> = (0..size).map(|i| x[one + i] - x[other + i]).collect();
            let mut slope = vec![0.0; size];
            value += of_plane(&difference, width, share * weight, &mut slope);
            for (i, slope) in slope.into_iter().enumerate() {
                to[one + i] += slope;
                to[other + i] -= slope;
            }
        }
    }
    share * value
}
