//! Enlarging maps by a whole factor.

use burn::tensor::{Tensor, TensorData};

use super::Dual;
use crate::backend::Tape;

/// How values between those of a map are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Filter {
    /// Each value is repeated.
    Nearest,
    /// Straight lines between the middles of neighbours (PyTorch's `align_corners = False`).
    Bilinear,
}

impl Filter {
    /// Weights `[side * factor, side]` of the old values in each new one.
    pub fn weights(self, side: usize, factor: usize) -> Vec<f64> {
        let mut weights = vec![0.0; side * factor * side];
        for (to, row) in weights.chunks_mut(side).enumerate() {
            match self {
                Filter::Nearest => row[to / factor] = 1.0,
                Filter::Bilinear => {
                    let at = ((to as f64 + 0.5) / factor as f64 - 0.5).max(0.0);
                    let (first, share) = ((at as usize).min(side - 1), at.fract());
                    row[first] += 1.0 - share;
                    row[(first + 1).min(side - 1)] += share;
                }
            }
        }
        weights
    }
}

/// Enlarges `[batch, channels, height, width]`.
pub fn upsample(a: Dual<4>, factor: usize, filter: Filter) -> Dual<4> {
    resampled(a, |side| filter.weights(side, factor))
}

/// New rows and columns as sums of the old ones: `weights` of a side are `[new side, side]`, row-major.
pub(super) fn resampled(a: Dual<4>, weights: impl Fn(usize) -> Vec<f64>) -> Dual<4> {
    let [batch, channels, height, width] = a.value.dims();
    let (of_rows, of_columns) = (weights(height), weights(width));
    let (tall, wide) = (of_rows.len() / height, of_columns.len() / width);
    a.map_linear(|x| {
        let matrix = |weights: &[f64], shape: [usize; 2]| -> Tensor<Tape, 2> {
            let data = TensorData::new(weights.to_vec(), shape).convert_dtype(x.dtype());
            Tensor::from_data(data, (&x.device(), x.dtype()))
        };
        let columns = matrix(&of_columns, [wide, width]).transpose();
        let rows = matrix(&of_rows, [tall, height]).transpose();
        let stretched = x.clone().reshape([batch * channels * height, width]).matmul(columns);
        let turned = stretched.reshape([batch * channels, height, wide]).swap_dims(1, 2);
        let both = turned.reshape([batch * channels * wide, height]).matmul(rows);
        both.reshape([batch * channels, wide, tall]).swap_dims(1, 2).reshape([batch, channels, tall, wide])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn new_values_are_means_of_old_ones() {
        assert_eq!(Filter::Nearest.weights(2, 2), [1.0, 0.0, 1.0, 0.0, 0.0, 1.0, 0.0, 1.0]);
        // As torch.nn.functional.interpolate([0, 1], scale_factor=2, mode="linear"): 0, 0.25, 0.75, 1.
        let weights = Filter::Bilinear.weights(2, 2);
        let line: Vec<f64> = weights.chunks(2).map(|row| row[1]).collect();
        assert_eq!(line, [0.0, 0.25, 0.75, 1.0]);
        for filter in [Filter::Nearest, Filter::Bilinear] {
            assert!(filter.weights(3, 4).chunks(3).all(|row| (row.iter().sum::<f64>() - 1.0).abs() < 1e-15));
        }
    }
}
