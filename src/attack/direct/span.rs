//! What the samples of a batch span: the low rank of a fully connected layer's gradient, `dL/dW = (dL/dZ) X^T`.

use faer::{Mat, Scale};

use super::rows::Rows;
use crate::seed::{self, Seed};

/// Directions beside those that are asked for, so that none of them is missed (Halko, Martinsson, Tropp 2011).
const BESIDE: usize = 8;

/// A factorisation `dL/dW = L R`, and the bias' gradient in it.
pub(super) struct Span {
    /// L, `[rows, rank]`.
    pub left: Mat<f64>,
    /// R, `[rank, width]`, with orthonormal rows.
    pub right: Mat<f64>,
    /// The singular value behind the last that is kept, as a share of the first: noise, where the rank is right.
    pub rest: f64,
}

impl Span {
    /// Of this rank at most: what is below `tolerance` of the first singular value is left out.
    ///
    /// # Errors
    /// If there is nothing.
    pub fn of(rows: &Rows, rank: usize, tolerance: f64, seed: Seed) -> Result<Span, String> {
        let gradient = rows.matrix();
        let (height, width) = (gradient.nrows(), gradient.ncols());
        let columns = (rank + BESIDE).min(height).min(width);
        let drawn = seed::normal(&mut seed.stream("range", &[]), width * columns);
        let drawn = Mat::from_fn(width, columns, |i, j| drawn[i * columns + j]);
        // Once through and back, so that a slow fall of singular values does no harm.
        let first = (&gradient * drawn).qr().compute_thin_Q();
        let back = (gradient.transpose() * first).qr().compute_thin_Q();
        let range = (&gradient * back).qr().compute_thin_Q();
        let small = range.transpose() * &gradient;
        let svd = small.thin_svd().map_err(|_| "the gradient has no singular values".to_owned())?;
        let values = svd.S().column_vector();
        if !(values[0] > 0.0 && values[0].is_finite()) {
            return Err("the gradient says nothing".to_owned());
        }
        let kept = (0..rank.min(values.nrows())).take_while(|&i| values[i] > tolerance * values[0]).count();
        let rest = if kept < values.nrows() { values[kept] / values[0] } else { 0.0 };
        let mut left = &range * svd.U().subcols(0, kept);
        for column in 0..kept {
            let mut column_of = left.col_mut(column);
            column_of *= Scale(values[column]);
        }
        Ok(Span { left, right: svd.V().subcols(0, kept).transpose().to_owned(), rest })
    }

    /// Samples found as this.
    pub fn rank(&self) -> usize {
        self.left.ncols()
    }
}
