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
    let [batch, channels, height, width] = a.value.dims();
    a.map_linear(|x| {
        let matrix = |side: usize| -> Tensor<Tape, 2> {
            let data = TensorData::new(filter.weights(side, factor), [side * factor, side]);
            Tensor::from_data(data.convert_dtype(x.dtype()), (&x.device(), x.dtype()))
        };
        let (rows, columns) = (matrix(height), matrix(width).transpose());
        let wide = x.clone().reshape([batch * channels * height, width]).matmul(columns);
        let turned = wide.reshape([batch * channels, height, width * factor]).swap_dims(1, 2);
        let tall = turned.reshape([batch * channels * width * factor, height]).matmul(rows.transpose());
        tall.reshape([batch * channels, width * factor, height * factor]).swap_dims(1, 2).reshape([
            batch,
            channels,
            height * factor,
            width * factor,
        ])
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
