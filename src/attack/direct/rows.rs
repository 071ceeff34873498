//! The rows of a fully connected layer's gradient, and what samples explain of them.

use nalgebra::DMatrix;

/// Gradient of a fully connected layer: row i is k_i a, summed over the samples, beside k_i.
#[derive(Debug, Clone)]
pub struct Rows {
    /// Values of a row: the features that the layer sees.
    pub width: usize,
    /// Of the weight, row by row.
    pub weight: Vec<f64>,
    /// Of the bias.
    pub bias: Vec<f64>,
}

impl Rows {
    /// Row i.
    pub fn row(&self, i: usize) -> &[f64] {
        &self.weight[i * self.width..(i + 1) * self.width]
    }

    /// What the row says if one sample alone has a say in it: (dL/dW)_i / (dL/db)_i.
    pub fn quotient(&self, i: usize) -> Vec<f64> {
        self.row(i).iter().map(|value| value / self.bias[i]).collect()
    }

    /// The share of the rows, squared, that no combination of these samples gives.
    pub fn unexplained(&self, samples: &[Vec<f64>]) -> f64 {
        let all: f64 = self.weight.iter().map(|value| value * value).sum();
        if samples.is_empty() || all == 0.0 {
            return 1.0;
        }
        // An orthonormal basis of what they span; rows less their projection.
        let span = DMatrix::from_fn(self.width, samples.len(), |entry, sample| samples[sample][entry]);
        let q = span.qr().q();
        let rows = DMatrix::from_row_slice(self.bias.len(), self.width, &self.weight);
        let rest = &rows - (&rows * &q) * q.transpose();
        (rest.norm_squared() / all).min(1.0)
    }
}
