//! Optimiser trajectories and label inference.

use super::models::{matching, view};
use super::{Case, assert_close, relative_error, settings};
use crate::attack::label;
use crate::attack::optimiser::{self, Evaluation, Turn, learning_rate};
use crate::backend::{Compute, Precision};
use crate::config::{Decay, DistanceKind, OptimiserConfig, OptimiserKind, PriorKind, Priors, Sign};
use crate::seed::Seed;

const CASES: [&str; 6] =
    ["lenet_sigmoid", "mlp", "convnet_bn_eval", "convnet_bn_train", "resnet_tiny_eval", "resnet_tiny_train"];

fn config(kind: OptimiserKind, signed: bool, lr: f64, decay: Decay) -> OptimiserConfig {
    let signed = if signed { Sign::Hard } else { Sign::None };
    OptimiserConfig { signed, decay, ..OptimiserConfig::new(kind, lr) }
}

/// Losses of every evaluation over `steps` outer steps, and the candidate reached.
fn trajectory(
    config: &OptimiserConfig,
    start: Vec<f64>,
    steps: usize,
    bound: f64,
    evaluate: impl Fn(&[f64]) -> Evaluation,
) -> (Vec<f64>, Vec<f64>) {
    let mut losses = Vec::new();
    let mut z = start;
    let mut optimiser = optimiser::optimiser(config, 1.0);
    for step in 0..steps {
        let mut record = |z: &[f64]| {
            let evaluation = evaluate(z);
            losses.push(evaluation.total());
            evaluation
        };
        let draw = Seed(0).stream("nothing", &[]);
        let mut turn = Turn { lr: learning_rate(config, step, steps), left: 1.0, draw };
        optimiser.step(&mut z, &mut turn, &mut record);
        z.iter_mut().for_each(|value| *value = value.clamp(-bound, bound));
    }
    (losses, z)
}

#[test]
fn adam_follows_pytorch() {
    for name in CASES {
        let case = Case::load(name);
        for (compute, tolerance) in settings() {
            // Steps of fixed size turn the last digit of a 32-bit gradient into more of the candidate.
            let tolerance = if compute.precision() == Precision::F64 { tolerance } else { 1e-3 };
            let view = view(&case, &compute);
            let objective = matching(&case, &view, DistanceKind::L2, Priors::default(), false);
            let adam = config(OptimiserKind::Adam, false, 0.05, Decay::None);
            let expected = case.series("adam_l2.losses");
            let start = case.values("x_trial").to_vec();
            let (losses, z) =
                trajectory(&adam, start, expected.len(), f64::INFINITY, |z| objective.evaluate(z));
            let what = format!("{name} adam on {} {:?}", compute.name(), compute.precision());
            assert_close(&what, &losses, &expected, tolerance);
            assert_close(&what, &z, case.values("traj.adam_l2.x"), tolerance);
        }
    }
}

#[test]
fn signed_adam_with_step_decay_follows_pytorch() {
    for name in CASES {
        let case = Case::load(name);
        let compute = Compute::select("flex", Precision::F64).unwrap();
        let view = view(&case, &compute);
        let priors = Priors::one(PriorKind::Tv, 1e-2);
        let objective = matching(&case, &view, DistanceKind::Cosine, priors, false);
        let adam = config(OptimiserKind::Adam, true, 0.1, Decay::Step);
        let expected = case.series("signed_adam.losses");
        let start = case.values("x_trial").to_vec();
        let (losses, z) = trajectory(&adam, start, expected.len(), 2.0, |z| objective.evaluate(z));
        assert_close(&format!("{name} losses"), &losses, &expected, 1e-9);
        assert_close(&format!("{name} candidate"), &z, case.values("traj.signed_adam.x"), 1e-9);
    }
}

#[test]
fn lbfgs_follows_pytorch() {
    for name in CASES {
        let case = Case::load(name);
        for (compute, _) in settings() {
            let view = view(&case, &compute);
            let objective = matching(&case, &view, DistanceKind::L2, Priors::default(), true);
            let lbfgs = config(OptimiserKind::Lbfgs, false, 1.0, Decay::None);
            let expected = case.series("lbfgs.eval_losses");
            let start = [case.values("x_trial"), case.values("label_logits")].concat();
            let (losses, z) = trajectory(&lbfgs, start, 2, f64::INFINITY, |z| objective.evaluate(z));
            let what = format!("{name} lbfgs on {} {:?}", compute.name(), compute.precision());
            assert_eq!(losses.len(), expected.len(), "{what}");
            match compute.precision() {
                Precision::F64 => {
                    // Rounding grows along the trajectory; PyTorch's own double run is no more exact.
                    assert_close(&what, &losses, &expected, 1e-7);
                    let reached = [case.values("traj.lbfgs.x"), case.values("traj.lbfgs.y")].concat();
                    assert!(relative_error(&z, &reached) < 1e-4, "{what}: {}", relative_error(&z, &reached));
                }
                Precision::F32 => assert_close(&what, &losses[..10], &expected[..10], 1e-2),
            }
        }
    }
}

#[test]
fn the_label_of_one_sample_is_read_off_the_gradient() {
    let case = Case::load("labels_analytic_defence");
    let rows = case.manifest["scalars"]["f64"]["rows"].as_array().unwrap();
    let compute = Compute::select("flex", Precision::F64).unwrap();
    let template = Case::load("mlp");
    for (i, row) in rows.iter().enumerate() {
        let mut view = view(&template, &compute);
        let specs = view.model.net.parameter_specs().clone();
        view.update.values = crate::model::Parameters::from_values(&compute, specs, |spec| {
            if spec.name == "fc3.weight" {
                case.values(&format!("lab{i}.gw")).to_vec()
            } else {
                vec![0.0; spec.count()]
            }
        });
        view.update.samples = 1;
        let answer = label::rule("idlg").unwrap().infer(&view, Seed(1)).unwrap();
        assert_eq!(answer.labels, [row["idlg"].as_u64().unwrap() as usize], "row {i}");
    }
}
