//! Which sample of one member is which of another: the gradient of a batch does not hold the order. Uses no truth.

use pathfinding::kuhn_munkres::kuhn_munkres;
use pathfinding::matrix::Matrix;

/// Steps of a squared distance; the solver wants integers.
const RESOLUTION: f64 = 1e6;

/// Brings the samples of `other` into the order in which they are nearest to those of `first`. Samples with labels of their
/// own, in the order of `labels`, stay among those of the same label; with none every order is possible.
pub fn to(first: &[f64], other: &mut [f64], samples: usize, labels: &[usize]) {
    let width = first.len() / samples.max(1);
    if samples < 2 || width == 0 || first.iter().chain(&*other).any(|value| !value.is_finite()) {
        return;
    }
    let row = |values: &[f64], at: usize| values[at * width..(at + 1) * width].to_vec();
    let nearness = |at: usize, of: usize| {
        if labels.get(at) != labels.get(of) {
            return i64::MIN / (4 * samples as i64);
        }
        let apart: f64 =
            row(first, at).iter().zip(row(other, of)).map(|(a, b)| (a - b) * (a - b)).sum::<f64>();
        -((apart / width as f64).min(1e6) * RESOLUTION) as i64
    };
    let weights = (0..samples).map(|at| (0..samples).map(|of| nearness(at, of)).collect::<Vec<i64>>());
    let Ok(weights) = Matrix::from_rows(weights) else { return };
    let order = kuhn_munkres(&weights).1;
    let rows: Vec<Vec<f64>> = order.into_iter().map(|of| row(other, of)).collect();
    other.copy_from_slice(&rows.concat());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_find_their_places_among_those_of_their_label() {
        let first = [0.0, 0.0, 5.0, 5.0, 9.0, 9.0];
        let mut other = [5.1, 5.0, 9.0, 9.2, 0.1, 0.0];
        to(&first, &mut other, 3, &[]);
        assert_eq!(other, [0.1, 0.0, 5.1, 5.0, 9.0, 9.2]);
        // The first sample has a label of its own.
        let mut other = [5.1, 5.0, 9.0, 9.2, 4.0, 4.0];
        to(&first, &mut other, 3, &[7, 3, 3]);
        assert_eq!(other, [5.1, 5.0, 4.0, 4.0, 9.0, 9.2]);
        let mut other = [f64::NAN, 5.0, 9.0, 9.2, 0.1, 0.0];
        to(&first, &mut other, 3, &[]);
        assert!(other[0].is_nan());
    }
}
