//! Taking out of a mean of updates what varies as noise would (Wang et al. 2022).

use faer::{Mat, Scale, Side};

use crate::backend;
use crate::model::Parameters;

/// Rows for each column of the matrix, at least, as in the published code.
const ROWS_A_COLUMN: f64 = 6.0;

/// All numbers in a row as a matrix, without the principal axes along which its rows vary as much as white noise of this
/// variance would: those between (1 - 1/sqrt(q))^2 and (1 + 1/sqrt(q))^2 times it, q rows a column (Marchenko and Pastur).
///
/// Differing from the published code: the variance is that of a mean over clients, where the code takes that of their sum.
pub(super) fn denoised(mean: Parameters, variance: f64) -> Parameters {
    let values: Vec<f64> = mean.tensors().iter().flat_map(backend::values).collect();
    let (rows, columns) = shape(values.len());
    let matrix = Mat::from_fn(rows, columns, |row, column| values[row * columns + column]);
    let mut centred = matrix.clone();
    for column in 0..columns {
        let mean = centred.col(column).sum() / rows as f64;
        (0..rows).for_each(|row| centred[(row, column)] -= mean);
    }
    let covariance = centred.transpose() * &centred * Scale(1.0 / (rows.max(2) - 1) as f64);
    // Of numbers that are not finite nothing can be told apart.
    let Ok(axes) = covariance.self_adjoint_eigen(Side::Lower) else { return mean };
    let spread = axes.S().column_vector();
    let width = (columns as f64 / rows as f64).sqrt();
    let of_noise = (1.0 - width).powi(2) * variance..(1.0 + width).powi(2) * variance;
    let like_noise = |axis: &usize| spread[*axis] > of_noise.start && spread[*axis] < of_noise.end;
    let like_noise: Vec<usize> = (0..columns).filter(like_noise).collect();
    let axes = Mat::from_fn(columns, like_noise.len(), |row, axis| axes.U()[(row, like_noise[axis])]);
    let kept = &matrix - &matrix * &axes * axes.transpose();
    // Row after row, as they were.
    let mut kept = (0..rows * columns).map(|at| kept[(at / columns, at % columns)]);
    mean.mapped(|_, values| values.iter_mut().zip(&mut kept).for_each(|(value, kept)| *value = kept))
}

/// Rows and columns of a matrix of so many numbers: the fewest rows that are enough for its columns.
fn shape(count: usize) -> (usize, usize) {
    let least = (ROWS_A_COLUMN * count as f64).sqrt();
    let divides = |rows: &usize| count.is_multiple_of(*rows) && *rows as f64 >= least;
    let rows = (1..=count).find(divides).unwrap_or(count.max(1));
    (rows, count / rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matrices_are_as_wide_as_they_may_be() {
        assert_eq!(shape(600), (60, 10));
        assert_eq!(shape(7), (7, 1));
        assert_eq!(shape(54), (18, 3));
        assert_eq!(shape(0), (1, 0));
    }
}
