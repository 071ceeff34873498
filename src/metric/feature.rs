//! Feature MSE: how far apart two batches are in a network's features.

use burn::tensor::Tensor;

use crate::backend::{self, Plain};

/// Mean squared difference of each row of `[batch, features]`.
pub fn rows_mse(a: Tensor<Plain, 2>, b: Tensor<Plain, 2>) -> Vec<f64> {
    let difference = a - b;
    let squares = difference.clone() * difference;
    backend::values(&squares.mean_dim(1))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::backend::{Compute, Precision};
    use crate::config::{BatchNormMode, ModelOptions};
    use crate::model::{Model, Parameters, architecture};
    use crate::seed::Seed;

    #[test]
    fn rows_are_compared_by_themselves() {
        let compute = Compute::select("flex", Precision::F64).unwrap();
        let (a, b) =
            (compute.tensor(&[1.0, 2.0, 3.0, 4.0], [2, 2]), compute.tensor(&[1.0, 0.0, 0.0, 4.0], [2, 2]));
        assert_eq!(rows_mse(a, b), [2.0, 4.5]);
    }

    /// Last features times the last layer's weights are the scores, for every model that has them.
    #[test]
    fn the_last_features_are_what_the_last_layer_reads() {
        let compute = Compute::select("flex", Precision::F64).unwrap();
        let mut with = 0;
        for name in ["mlp", "lenet", "convnet64", "resnet20", "vit", "mini-xception", "densenet-small"] {
            let net = architecture(name).unwrap().net(&ModelOptions::default(), [3, 32, 32], 10).unwrap();
            let (parameters, buffers) =
                (net.initial_parameters(&compute, Seed(1)), net.initial_buffers(&compute));
            let model = Model { net, parameters, buffers };
            let x = compute.tensor(&[0.3; 3 * 32 * 32], [1, 3, 32, 32]);
            let Some(features) = model.last_features(BatchNormMode::Eval, &x) else { continue };
            with += 1;
            let last = |parameters: &Parameters, back: usize| parameters.specs().len() - back;
            let weight = model.parameters.shaped::<2>(last(&model.parameters, 2));
            let bias = model.parameters.shaped::<1>(last(&model.parameters, 1));
            let scores = features.matmul(weight.transpose()) + bias.unsqueeze();
            let expected = backend::values(&model.scores(BatchNormMode::Eval, &x));
            for (a, b) in backend::values(&scores).iter().zip(&expected) {
                assert!((a - b).abs() < 1e-9, "{name}: {a} {b}");
            }
        }
        assert_eq!(with, 6, "all but mini-xception, which ends in a convolution");
    }
}
