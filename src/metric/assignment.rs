//! Which reconstruction belongs to which true sample: the gradient of a batch does not hold the order, so a
//! batch is scored after an optimal assignment. It uses the truth and is for scoring only.

use pathfinding::kuhn_munkres::kuhn_munkres;
use pathfinding::matrix::Matrix;

use super::psnr;

/// Steps per dB; the solver wants integers.
const RESOLUTION: f64 = 1e6;

/// For each true sample the index of the reconstruction it is scored against: the permutation with the
/// largest sum of min(PSNR, 100 dB), where `psnr[i][j]` compares true sample `i` with reconstruction `j`.
///
/// A NaN is worse than any number. If nothing can be compared, the order stays as it is.
pub fn assign(psnr: &[Vec<f64>]) -> Vec<usize> {
    let samples = psnr.len();
    let identity = || (0..samples).collect();
    if samples < 2 || psnr.iter().flatten().all(|value| value.is_nan()) {
        return identity();
    }
    let weight = |&value: &f64| match value {
        value if value.is_nan() => -1,
        value => (value.clamp(0.0, psnr::CAP) * RESOLUTION).round() as i64,
    };
    match Matrix::from_rows(psnr.iter().map(|row| row.iter().map(weight))) {
        Ok(weights) if weights.is_square() => kuhn_munkres(&weights).1,
        _ => identity(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_sum_wins_not_the_first_best_pair() {
        // Greedy would take 30 and then 0; the optimum is 29 + 28.
        assert_eq!(assign(&[vec![30.0, 29.0], vec![28.0, 0.0]]), [1, 0]);
        assert_eq!(assign(&[vec![f64::INFINITY, 5.0], vec![5.0, f64::INFINITY]]), [0, 1]);
    }

    #[test]
    fn nan_is_worst_and_all_nan_keeps_the_order() {
        let nan = f64::NAN;
        assert_eq!(assign(&[vec![nan, 20.0], vec![nan, 3.0]]), [1, 0]);
        assert_eq!(assign(&[vec![nan; 3], vec![nan; 3], vec![nan; 3]]), [0, 1, 2]);
    }

    #[test]
    fn one_or_no_sample_needs_no_solver() {
        assert_eq!(assign(&[vec![12.0]]), [0]);
        assert_eq!(assign(&[]), [0; 0]);
    }
}
