//! The recursion against finite differences of whole descents, in 64 bit.

#![allow(clippy::unwrap_used)]
use super::*;
use crate::backend::{Compute, Precision};
use crate::config::ModelOptions;
use crate::seed::{Seed, normal};

struct Problem {
    compute: Compute,
    model: Model,
    x: Vec<f64>,
    logits: Vec<f64>,
    v: Parameters,
}

const BATCH: usize = 4;

/// A small net with BatchNorm and a smooth activation, so that differences converge.
fn problem() -> Problem {
    let compute = Compute::select("flex", Precision::F64).unwrap();
    let options = ModelOptions {
        activation: Some(crate::config::ActivationKind::Tanh),
        depth: Some(1),
        width: Some(0.25),
        ..ModelOptions::default()
    };
    let net = crate::model::architecture("resnet20").unwrap().net(&options, [1, 8, 8], 3).unwrap();
    let parameters = net.initial_parameters(&compute, Seed(3));
    let buffers = net.initial_buffers(&compute);
    let mut generator = Seed(5).stream("test", &[]);
    let v = Parameters::from_values(&compute, net.parameter_specs().clone(), |spec| {
        normal(&mut generator, spec.count())
    });
    let x = normal(&mut generator, BATCH * 64);
    let logits = normal(&mut generator, BATCH * 3);
    Problem { compute, model: Model { net, parameters, buffers }, x, logits, v }
}

impl Problem {
    fn targets(&self, logits: &[f64]) -> Targets {
        Targets::Soft(self.compute.tensor(logits, [BATCH, 3]))
    }

    fn input(&self, x: &[f64]) -> Tensor<Plain, 4> {
        self.compute.tensor(x, [BATCH, 1, 8, 8])
    }

    fn along_v(&self, mode: BatchNormMode, x: &[f64], logits: &[f64], descent: &Descent) -> f64 {
        let end = self.model.descend(mode, &self.input(x), &self.targets(logits), descent);
        end.parameters.combine(1.0, &self.model.parameters, -1.0).dot(&self.v)
    }

    fn through(&self, mode: BatchNormMode, descent: &Descent, keep_every: usize) -> ThroughSteps {
        let (x, targets) = (self.input(&self.x), self.targets(&self.logits));
        let trace = self.model.trace(mode, &x, &targets, descent, keep_every);
        self.model.descend_through(mode, &x, &targets, descent, &trace, &self.v)
    }
}

fn moved(values: &[f64], at: usize, by: f64) -> Vec<f64> {
    let mut values = values.to_vec();
    values[at] += by;
    values
}

/// Two epochs of unequal batches, in another order the second time.
fn descent(momentum: f64, weight_decay: f64) -> Descent {
    let steps = vec![vec![0, 1, 2], vec![3, 1], vec![2, 0], vec![1, 3], vec![0, 2, 3]];
    Descent { learning_rate: 0.1, momentum, weight_decay, steps }
}

#[test]
fn the_gradient_through_local_steps_is_that_of_finite_differences() {
    let problem = problem();
    for mode in [BatchNormMode::Eval, BatchNormMode::Train] {
        for (momentum, weight_decay) in [(0.0, 0.0), (0.9, 0.0), (0.0, 0.3), (0.5, 0.1)] {
            let descent = descent(momentum, weight_decay);
            let through = problem.through(mode, &descent, 1);
            let to_labels = through.to_labels.unwrap();
            let h = 1e-4;
            let central = |f: &dyn Fn(f64) -> f64| (f(h) - f(-h)) / (2.0 * h);
            for at in [0, 70, 133, 255] {
                let along =
                    |by: f64| problem.along_v(mode, &moved(&problem.x, at, by), &problem.logits, &descent);
                let (expected, actual) = (central(&along), through.to_input[at]);
                assert!((expected - actual).abs() < 2e-6 * (1.0 + expected.abs()), "{expected} {actual}");
            }
            for at in [0, 5, 11] {
                let along =
                    |by: f64| problem.along_v(mode, &problem.x, &moved(&problem.logits, at, by), &descent);
                let (expected, actual) = (central(&along), to_labels[at]);
                assert!((expected - actual).abs() < 2e-6 * (1.0 + expected.abs()), "{expected} {actual}");
            }
        }
    }
}

#[test]
fn states_that_were_not_kept_are_computed_again() {
    let problem = problem();
    let descent = descent(0.9, 0.1);
    let all = problem.through(BatchNormMode::Eval, &descent, 1);
    for keep_every in [2, 3, 5, 9] {
        let few = problem.through(BatchNormMode::Eval, &descent, keep_every);
        assert_eq!((&all.to_input, &all.to_labels), (&few.to_input, &few.to_labels), "{keep_every}");
    }
    let many = Descent { steps: vec![vec![0]; 100], ..descent };
    assert_eq!((many.keep_every(4_000), many.bytes(4_000)), (1, 800_000));
    // Ten are kept, nine computed again.
    assert_eq!((many.keep_every(40_000_000), many.bytes(40_000_000)), (10, 2 * 19 * 40_000_000));
}

#[test]
fn one_step_is_a_gradient_times_the_rate() {
    let problem = problem();
    let steps = vec![(0..BATCH).collect()];
    let descent = Descent { learning_rate: 0.1, momentum: 0.9, weight_decay: 0.0, steps };
    let mode = BatchNormMode::Train;
    let (x, targets) = (problem.input(&problem.x), problem.targets(&problem.logits));
    let through = problem.through(mode, &descent, 1);
    let one = problem.model.directional(mode, &x, &targets, &problem.v, false);
    for (a, b) in through.to_input.iter().zip(backend::values(&one.to_input)) {
        assert!((a + 0.1 * b).abs() < 1e-12 * (1.0 + b.abs()));
    }
}

#[test]
fn train_mode_moves_the_running_statistics_as_pytorch_does() {
    let problem = problem();
    let steps = vec![(0..BATCH).collect()];
    let descent = Descent { learning_rate: 0.1, momentum: 0.0, weight_decay: 0.0, steps };
    let (x, targets) = (problem.input(&problem.x), problem.targets(&problem.logits));
    let after = |mode| problem.model.descend(mode, &x, &targets, &descent).buffers;
    let untouched = after(BatchNormMode::Eval);
    let moved = after(BatchNormMode::Train);
    let observed = problem.model.statistics(&x);
    for spec in problem.model.net.buffer_specs().iter() {
        let value = |buffers: &Parameters| buffers.values(&spec.name).unwrap();
        let (before, observed, moved) = (value(&problem.model.buffers), value(&observed), value(&moved));
        assert_eq!(value(&untouched), before);
        for ((before, observed), moved) in before.iter().zip(observed).zip(moved) {
            assert!((0.9 * before + 0.1 * observed - moved).abs() < 1e-12);
        }
    }
    // The input of the first layer is a convolution of x; its mean over the batch by hand.
    let first = problem.model.net.buffer_specs()[0].name.clone();
    assert!(first.ends_with("running_mean"));
    assert!(observed.values(&first).unwrap().iter().any(|mean| mean.abs() > 1e-3));
}
