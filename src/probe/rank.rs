//! The local rank test: whether the gradient tells the batch from everything near it. J = dg/dX has a column for each input
//! value; directions outside of its row space change nothing of the gradient, to the first order.

use burn::tensor::Tensor;
use faer::Mat;
use serde::Serialize;

use crate::backend::{self, Compute, Plain, Precision};
use crate::config::BatchNormMode;
use crate::model::{Model, Parameters, Targets};
use crate::seed::{self, Seed};

/// More unknowns take minutes.
pub const MOST: usize = 1_100;

/// Cotangents beyond the number of unknowns: with them the random sketch J^T V has the rank of J and about its condition.
const MORE: usize = 32;

/// Singular values below this share of the largest are rounding. Ours: the passes are exact to 1e-14 or so.
const ROUNDING: f64 = 1e-11;

/// What became of the test.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Rank {
    /// Of J.
    pub rank: usize,
    /// Its columns, B d.
    pub unknowns: usize,
    /// The smallest singular value that counts over the largest, of the sketch; 0 of rank 0.
    pub smallest: f64,
}

impl Rank {
    /// `all 768 directions of the input change the gradient`.
    pub fn verdict(&self) -> String {
        let Rank { rank, unknowns, smallest } = self;
        match unknowns - rank {
            0 => format!(
                "rank {rank} of {unknowns}: no other batch nearby has this gradient (smallest singular value {smallest:.0e} of the \
                 largest)"
            ),
            open => format!(
                "rank {rank} of {unknowns}: {open} directions of the input change nothing of the gradient, to the first order"
            ),
        }
    }
}

/// The rank of J at a batch `[batch, channels, height, width]` with these labels, one gradient of the whole batch, in 64 bit.
///
/// # Errors
/// One sentence if there are too many unknowns, or the singular values could not be had.
pub fn rank(
    model: &Model,
    mode: BatchNormMode,
    x: &[f64],
    labels: &[usize],
    seed: Seed,
) -> Result<Rank, String> {
    let unknowns = x.len();
    if unknowns > MOST {
        return Err(format!("the batch has {unknowns} unknowns, and the test is for {MOST} at most"));
    }
    let compute = Compute::select("flex", Precision::F64).map_err(|error| error.to_string())?;
    let wide = |parameters: &Parameters| {
        let mut values = parameters.tensors().iter().map(backend::values);
        Parameters::from_values(&compute, parameters.specs().clone(), |_| values.next().unwrap_or_default())
    };
    let model =
        Model { net: model.net.clone(), parameters: wide(&model.parameters), buffers: wide(&model.buffers) };
    let [channels, height, width] = model.net.input();
    let x: Tensor<Plain, 4> = compute.tensor(x, [labels.len(), channels, height, width]);
    let targets = Targets::hard(&compute, labels, model.net.classes());
    let first = model.first_pass(mode, &x, &targets);
    let columns: Vec<Vec<f64>> = (0..unknowns + MORE)
        .map(|at| {
            let mut generator = seed.stream("rank", &[at as u64]);
            let draw = |spec: &crate::model::TensorSpec| seed::normal(&mut generator, spec.count());
            let v = Parameters::from_values(&compute, model.parameters.specs().clone(), draw);
            backend::values(&model.second_pass(&first.kept, mode, &x, &targets, &v).to_input)
        })
        .collect();
    let sketch = Mat::from_fn(unknowns, columns.len(), |i, j| columns[j][i]);
    if columns.iter().flatten().any(|value| !value.is_finite()) {
        return Err("the gradient is not finite near the batch".to_owned());
    }
    let values = sketch.singular_values().map_err(|_| "the singular values did not converge".to_owned())?;
    let largest = values.first().copied().unwrap_or_default();
    let counted: Vec<f64> = values.into_iter().filter(|value| *value > ROUNDING * largest).collect();
    let smallest = counted.last().map_or(0.0, |least| least / largest);
    Ok(Rank { rank: counted.len(), unknowns, smallest })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::config::{ActivationKind, ModelOptions};
    use crate::model::architecture;

    fn model(activation: ActivationKind) -> Model {
        let compute = Compute::select("flex", Precision::F64).unwrap();
        let options = ModelOptions {
            activation: Some(activation),
            width: Some(0.02),
            depth: Some(1),
            ..ModelOptions::default()
        };
        let net = architecture("mlp").unwrap().net(&options, [1, 3, 3], 4).unwrap();
        let (parameters, buffers) =
            (net.initial_parameters(&compute, Seed(3)), net.initial_buffers(&compute));
        Model { net, parameters, buffers }
    }

    fn of(model: &Model, x: &[f64], labels: &[usize]) -> Rank {
        rank(model, BatchNormMode::Eval, x, labels, Seed(1)).unwrap()
    }

    #[test]
    fn the_rank_is_that_of_the_jacobian() {
        let smooth = model(ActivationKind::Tanh);
        let x: Vec<f64> = (0..18).map(|i| (i * 7 % 11) as f64 / 5.0 - 1.0).collect();
        assert_eq!((of(&smooth, &x[..9], &[0]).rank, of(&smooth, &x, &[0, 2]).rank), (9, 18));
        // Of two equal samples it tells their sum alone.
        let twins = of(&smooth, &[&x[..9], &x[..9]].concat(), &[1, 1]);
        assert_eq!((twins.rank, twins.unknowns), (9, 18));
        assert!(twins.verdict().contains("9 directions of the input change nothing"), "{}", twins.verdict());
        // Where no unit is active nothing of the input shows.
        let mut dead = model(ActivationKind::Relu);
        let first = dead.net.parameter_specs()[1].name.clone();
        dead.parameters = dead.parameters.clone().mapped(|spec, values| {
            if spec.name == first {
                values.fill(-100.0);
            }
        });
        assert_eq!(of(&dead, &x[..9], &[0]).rank, 0);
        let many = vec![0.0; 9 * 200];
        assert!(
            rank(&smooth, BatchNormMode::Eval, &many, &[0; 200], Seed(1))
                .unwrap_err()
                .contains("1800 unknowns")
        );
    }
}
