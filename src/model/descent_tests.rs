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
    let steps = steps.into_iter().map(Step::of).collect();
    Descent { optimiser: Optimiser::sgd(momentum), weight_decay, ..Descent::sgd(0.1, steps) }
}

/// Local training of every kind, with its name.
fn kinds() -> Vec<(&'static str, Descent)> {
    let micro = |batches: &[&[usize]]| batches.iter().map(|batch| batch.to_vec()).collect::<Vec<_>>();
    let accumulated = |of: fn(Vec<Vec<usize>>) -> Step| {
        vec![of(micro(&[&[0, 1], &[2]])), of(micro(&[&[3, 0], &[1, 2]])), of(micro(&[&[2, 3]]))]
    };
    let plain = descent(0.0, 0.0);
    let sgd = |momentum, dampening, nesterov| Optimiser::Sgd { momentum, dampening, nesterov };
    let adam = |decoupled| Descent {
        optimiser: Optimiser::Adam { betas: [0.8, 0.95], epsilon: 1e-3, decoupled },
        learning_rate: 0.02,
        ..plain.clone()
    };
    // Of the norms in this problem some lie below, some above.
    let clip = Some(Clip::pytorch(1.0));
    vec![
        ("plain", plain.clone()),
        ("momentum", descent(0.9, 0.0)),
        ("weight decay", descent(0.0, 0.3)),
        ("both", descent(0.5, 0.1)),
        ("nesterov", Descent { optimiser: sgd(0.9, 0.0, true), ..descent(0.0, 0.1) }),
        ("dampening", Descent { optimiser: sgd(0.9, 0.4, false), ..descent(0.0, 0.1) }),
        ("clip", Descent { clip, ..plain.clone() }),
        ("clip, nesterov", Descent { clip, optimiser: sgd(0.9, 0.0, true), ..descent(0.0, 0.1) }),
        ("proximal", Descent { proximal: 0.5, ..descent(0.9, 0.1) }),
        ("proximal, clip", Descent { proximal: 0.5, clip, ..plain.clone() }),
        ("accumulate", Descent { steps: accumulated(Step::mean), ..descent(0.9, 0.0) }),
        ("accumulate, sum, clip", Descent { steps: accumulated(Step::sum), clip, ..plain.clone() }),
        ("adam", adam(false)),
        ("adam, weight decay", Descent { weight_decay: 0.3, ..adam(false) }),
        ("adamw", Descent { weight_decay: 0.3, ..adam(true) }),
        (
            "adamw, all",
            Descent { weight_decay: 0.3, proximal: 0.5, clip, steps: accumulated(Step::mean), ..adam(true) },
        ),
    ]
}

#[test]
fn the_gradient_through_local_steps_is_that_of_finite_differences() {
    let problem = problem();
    for mode in [BatchNormMode::Eval, BatchNormMode::Train] {
        for (kind, descent) in kinds() {
            let through = problem.through(mode, &descent, 1);
            let to_labels = through.to_labels.unwrap();
            let h = 1e-5;
            let check = |along: &dyn Fn(f64) -> f64, actual: f64, what: &str| {
                let expected = (along(h) - along(-h)) / (2.0 * h);
                let error = (expected - actual).abs();
                assert!(error < 2e-6 * (1.0 + expected.abs()), "{kind} {mode:?} {what}: {expected} {actual}");
            };
            for at in [0, 70, 133, 255] {
                let along =
                    |by: f64| problem.along_v(mode, &moved(&problem.x, at, by), &problem.logits, &descent);
                check(&along, through.to_input[at], "pixel");
            }
            for at in [0, 5, 11] {
                let along =
                    |by: f64| problem.along_v(mode, &problem.x, &moved(&problem.logits, at, by), &descent);
                check(&along, to_labels[at], "label");
            }
        }
    }
}

/// SGD with momentum and weight decay and the way back, written out: m <- beta m + g + wd theta, theta <- theta - eta m.
#[test]
fn sgd_is_the_plain_recursion_to_the_last_bit() {
    let problem = problem();
    let (x, targets) = (problem.input(&problem.x), problem.targets(&problem.logits));
    let mode = BatchNormMode::Train;
    for (beta, decay) in [(0.0, 0.0), (0.9, 0.0), (0.0, 0.3), (0.5, 0.1)] {
        let descent = descent(beta, decay);
        let eta = descent.learning_rate;
        let of = |step: &Step| (rows(&x, &step.micro_batches[0]), targets.rows(&step.micro_batches[0]));
        let (mut thetas, mut m) = (vec![problem.model.parameters.clone()], None::<Parameters>);
        for (k, step) in descent.steps.iter().enumerate() {
            let (x, targets) = of(step);
            let (_, mut g) = problem.model.at(thetas[k].clone()).gradient(mode, &x, &targets);
            if decay > 0.0 {
                g = g.combine(1.0, &thetas[k], decay);
            }
            if let Some(m) = m.filter(|_| beta > 0.0) {
                g = g.combine(1.0, &m, beta);
            }
            thetas.push(thetas[k].clone().combine(1.0, &g, -eta));
            m = Some(g);
        }
        let trace = problem.model.trace(mode, &x, &targets, &descent, 1);
        let all = |of: &Parameters| of.tensors().iter().flat_map(backend::values).collect::<Vec<_>>();
        assert_eq!(all(&trace.end), all(&thetas[descent.len()]));

        let (mut lambda, mut mu) = (problem.v.clone(), None::<Parameters>);
        let mut to_input = vec![0.0; problem.x.len()];
        for (k, step) in descent.steps.iter().enumerate().rev() {
            let direction = match mu {
                Some(mu) => mu.combine(1.0, &lambda, -eta),
                None => lambda.clone().scaled(-eta),
            };
            let ((x, targets), model) = (of(step), problem.model.at(thetas[k].clone()));
            let through = model.directional(mode, &x, &targets, &direction, true);
            add_rows(&mut to_input, &step.micro_batches[0], 64, &backend::values(&through.to_input));
            lambda = lambda.combine(1.0, &through.to_parameters.unwrap(), 1.0);
            if decay > 0.0 {
                lambda = lambda.combine(1.0, &direction, decay);
            }
            mu = (beta > 0.0).then(|| direction.scaled(beta));
        }
        let through = problem.model.descend_through(mode, &x, &targets, &descent, &trace, &problem.v);
        assert_eq!(through.to_input, to_input, "{beta} {decay}");
    }
}

#[test]
fn one_micro_batch_that_is_accumulated_is_a_step_to_the_last_bit() {
    let problem = problem();
    let one = descent(0.9, 0.1);
    let steps = one.steps.iter().map(|step| Step::mean(step.micro_batches.clone())).collect();
    let same = Descent { steps, ..one.clone() };
    // A bound that never acts.
    let unbound = Descent { clip: Some(Clip::pytorch(1e9)), ..one.clone() };
    let expected = problem.through(BatchNormMode::Train, &one, 1).to_input;
    for other in [same, unbound] {
        assert_eq!(problem.through(BatchNormMode::Train, &other, 1).to_input, expected);
    }
}

#[test]
fn a_step_that_never_moves_a_weight_has_adams_derivative_without_the_root() {
    // A gradient of 0 in every step: theta stays, and the derivative is that of m / eps.
    let compute = Compute::select("flex", Precision::F64).unwrap();
    let specs: std::sync::Arc<[_]> = [crate::model::TensorSpec { name: "w".into(), shape: vec![1] }].into();
    let of = |value: f64| Parameters::from_values(&compute, specs.clone(), |_| vec![value]);
    let step = crate::model::adam::Step::new([0.9, 0.999], 1e-8, 0.01, 1.0, 1);
    let [theta, ..] = step.step(&of(2.0), [None, None], &of(0.0));
    assert_eq!(theta.values("w").unwrap(), [2.0]);
    let [to_g, ..] = step.back([None, None], &of(0.0), &of(1.0), [None, None]);
    // -eta / (1 - b1) / eps (1 - b1).
    assert!((to_g.values("w").unwrap()[0] / (-0.01 / 1e-8) - 1.0).abs() < 1e-12);
}

#[test]
fn states_that_were_not_kept_are_computed_again() {
    let problem = problem();
    for (kind, descent) in kinds() {
        let all = problem.through(BatchNormMode::Eval, &descent, 1);
        for keep_every in [2, 3, 5, 9] {
            let few = problem.through(BatchNormMode::Eval, &descent, keep_every);
            assert_eq!(
                (&all.to_input, &all.to_labels),
                (&few.to_input, &few.to_labels),
                "{kind} {keep_every}"
            );
        }
    }
    let descent = descent(0.9, 0.1);
    let many = Descent { steps: vec![Step::of(vec![0]); 100], ..descent };
    assert_eq!((many.keep_every(4_000), many.bytes(4_000)), (1, 800_000));
    // Ten are kept, nine computed again.
    assert_eq!((many.keep_every(40_000_000), many.bytes(40_000_000)), (10, 2 * 19 * 40_000_000));
}

#[test]
fn one_step_is_a_gradient_times_the_rate() {
    let problem = problem();
    let steps = vec![Step::of((0..BATCH).collect())];
    let descent = Descent { optimiser: Optimiser::sgd(0.9), ..Descent::sgd(0.1, steps) };
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
    let descent = Descent::sgd(0.1, vec![Step::of((0..BATCH).collect())]);
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
