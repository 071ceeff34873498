//! How the input of a fully connected layer depends on the pixels.

use burn::tensor::Tensor;

use super::gradient::Model;
use crate::backend::{self, Plain};
use crate::config::BatchNormMode;

/// Samples that go through the network at once.
const AT_ONCE: usize = 64;

/// What a fully connected layer reads, `[batch, features]` row-major.
#[derive(Debug, Clone, PartialEq)]
pub struct Sensitivity {
    /// r.
    pub features: Vec<f64>,
    /// |dr_f/dx| of every feature f and sample x, the l2 norm over its pixels.
    pub norms: Vec<f64>,
}

impl Model {
    /// The features that layer `at` of the net reads of normalised inputs, and how much each depends on its sample: exact, by
    /// one reverse pass for each feature. In train mode a sample has a say in the features of the others, which is counted
    /// as its own. `None` if that layer reads no features.
    pub fn sensitivity(&self, mode: BatchNormMode, x: &Tensor<Plain, 4>, at: usize) -> Option<Sensitivity> {
        let batch = x.dims()[0];
        let values = self.on_tape(false);
        let weights = self.weights(&values, None, mode);
        let plain = self.net.features_into(at, &weights, Tensor::from_inner(x.clone()))?.value.inner();
        let count = plain.dims()[1];
        // Copies of a batch in one pass would share their statistics.
        let copies = if mode == BatchNormMode::Train { 1 } else { (AT_ONCE / batch.max(1)).max(1) };
        let mut norms = vec![0.0; batch * count];
        for first in (0..count).step_by(copies) {
            let some: Vec<usize> = (first..count.min(first + copies)).collect();
            let x = Tensor::from_inner(x.clone().repeat_dim(0, some.len())).require_grad();
            let features = self.net.features_into(at, &weights, x.clone())?.value;
            let asked = some.iter().enumerate().map(|(copy, &feature)| {
                let (from, to) = (copy * batch, (copy + 1) * batch);
                features.clone().slice([from..to, feature..feature + 1]).sum()
            });
            let gradients = asked.reduce(|sum, feature| sum + feature)?.backward();
            let Some(gradient) = x.grad(&gradients) else { continue };
            let squares = backend::values(&gradient.square().flatten::<2>(1, 3).sum_dim(1));
            for (row, square) in squares.iter().enumerate() {
                norms[row % batch * count + some[row / batch]] = square.sqrt();
            }
        }
        Some(Sensitivity { features: backend::values(&plain), norms })
    }

    /// The gradient of `<scores, c>` to normalised inputs, row-major, for a cotangent c `[batch, classes]`.
    pub fn pull_scores(&self, mode: BatchNormMode, x: &Tensor<Plain, 4>, c: Tensor<Plain, 2>) -> Vec<f64> {
        let values = self.on_tape(false);
        let weights = self.weights(&values, None, mode);
        let x = Tensor::from_inner(x.clone()).require_grad();
        let scores = self.net.forward(&weights, x.clone()).value;
        let gradients = (scores * Tensor::from_inner(c)).sum().backward();
        x.grad(&gradients).map_or_else(|| vec![0.0; x.shape().num_elements()], |to_x| backend::values(&to_x))
    }
}
