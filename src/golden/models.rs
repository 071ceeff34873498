//! Losses, gradients and the gradient through the gradient, for whole networks.

use super::{Case, assert_close, settings};
use crate::attack::objective::Distance;
use crate::attack::{GradientMatching, LabelVariable};
use crate::backend::{self, Compute};
use crate::config::{DistanceKind, PriorKind, Priors};
use crate::fl::AttackerView;
use crate::model::{Model, Parameters, Targets};

const CASES: [&str; 6] =
    ["lenet_sigmoid", "mlp", "convnet_bn_eval", "convnet_bn_train", "resnet_tiny_eval", "resnet_tiny_train"];

/// The view of an attacker on a case.
pub fn view(case: &Case, compute: &Compute) -> AttackerView {
    let model = case.model(compute);
    let named = |spec: &crate::model::TensorSpec| case.values(&format!("grad_true.{}", spec.name)).to_vec();
    let update = Parameters::from_values(compute, model.net.parameter_specs().clone(), named);
    AttackerView::of_gradient(compute, model, update, case.labels(), case.mode())
}

pub fn matching<'a>(
    case: &Case,
    view: &'a AttackerView,
    kind: DistanceKind,
    priors: Priors,
    soft: bool,
) -> GradientMatching<'a> {
    let labels = if soft { LabelVariable::Logits } else { LabelVariable::Fixed(case.labels()) };
    GradientMatching::new(view, Distance::new(kind, view.observed()), priors, labels)
}

#[test]
fn scores_losses_and_gradients_agree_with_pytorch() {
    for name in CASES {
        let case = Case::load(name);
        for (compute, tolerance) in settings() {
            let what =
                |quantity: &str| format!("{name} {quantity} on {} {:?}", compute.name(), compute.precision());
            let model = case.model(&compute);
            for point in ["true", "trial"] {
                let x = compute.tensor(case.values(&format!("x_{point}")), case.shape(&format!("x_{point}")));
                let scores = backend::values(&model.scores(case.mode(), &x));
                assert_close(&what("scores"), &scores, case.values(&format!("logits_{point}")), tolerance);
                let targets = Targets::hard(&compute, &case.labels(), model.net.classes());
                let (loss, gradient) = model.gradient(case.mode(), &x, &targets);
                let expected = case.scalar(&format!("loss_{point}"));
                assert_close(&what("loss"), &[backend::scalar(loss)], &[expected], tolerance);
                check_gradient(&what("gradient"), &case, point, &gradient, tolerance);
            }
        }
    }
}

fn check_gradient(what: &str, case: &Case, point: &str, gradient: &Parameters, tolerance: f64) {
    // One scale for all tensors: a bias before train-mode BatchNorm has rounding noise around zero.
    let join = |values: &dyn Fn(&str) -> Vec<f64>| -> Vec<f64> {
        gradient.specs().iter().flat_map(|spec| values(&spec.name)).collect()
    };
    let actual = join(&|name| gradient.values(name).unwrap());
    let expected = join(&|name| case.values(&format!("grad_{point}.{name}")).to_vec());
    assert_close(what, &actual, &expected, tolerance);
}

#[test]
fn distances_and_their_gradients_to_the_input_agree_with_pytorch() {
    for name in CASES {
        let case = Case::load(name);
        for (compute, tolerance) in settings() {
            let view = view(&case, &compute);
            let check = |kind, priors, distance: &str, gradient: &str| {
                let what = format!("{name} {gradient} on {} {:?}", compute.name(), compute.precision());
                let evaluation = matching(&case, &view, kind, priors, false).evaluate(case.values("x_trial"));
                assert_close(&what, &[evaluation.total()], &[case.scalar(distance)], tolerance);
                // A gradient of a difference of gradients: a few digits less in 32 bit.
                assert_close(&what, &evaluation.gradient, case.values(gradient), tolerance * 20.0);
            };
            check(DistanceKind::L2, Priors::default(), "match.l2", "dx.l2");
            check(DistanceKind::Cosine, Priors::default(), "match.cos", "dx.cos");
            let tv = Priors::one(PriorKind::Tv, 1e-2);
            check(DistanceKind::Cosine, tv, "total.cos_tv1e-2", "dx.total_cos_tv1e-2");
        }
    }
}

#[test]
fn the_joint_gradient_to_image_and_soft_label_agrees_with_pytorch() {
    for name in CASES {
        let case = Case::load(name);
        for (compute, tolerance) in settings() {
            let what = format!("{name} dlg on {} {:?}", compute.name(), compute.precision());
            let view = view(&case, &compute);
            let z = [case.values("x_trial"), case.values("label_logits")].concat();
            let evaluation = matching(&case, &view, DistanceKind::L2, Priors::default(), true).evaluate(&z);
            assert_close(&what, &[evaluation.total()], &[case.scalar("dlg.l2")], tolerance);
            let (dx, dy) = evaluation.gradient.split_at(case.values("x_trial").len());
            assert_close(&what, dx, case.values("dlg.dx"), tolerance * 20.0);
            assert_close(&what, dy, case.values("dlg.dy"), tolerance * 20.0);
        }
    }
}

#[test]
fn the_derivative_along_v_is_the_product_with_the_gradient() {
    for name in CASES {
        let case = Case::load(name);
        for (compute, tolerance) in settings() {
            let view = view(&case, &compute);
            let model: &Model = &view.model;
            let x = compute.tensor(case.values("x_trial"), case.shape("x_trial"));
            let targets = Targets::hard(&compute, &case.labels(), model.net.classes());
            let first = model.first_pass(case.mode(), &x, &targets);
            let (g, v) = (&first.gradient, &view.update.values);
            let through = model.second_pass(&first.kept, case.mode(), &x, &targets, v);
            let scale = g.norm() * v.norm();
            let error = (backend::scalar(through.directional) - g.dot(v)).abs() / scale;
            assert!(error <= tolerance, "{name} on {}: {error:.2e}", compute.name());
        }
    }
}

#[test]
fn the_distance_and_its_gradient_vanish_at_the_truth() {
    let case = Case::load("resnet_tiny_train");
    let (compute, _) = settings().remove(0);
    let view = view(&case, &compute);
    let at_truth =
        matching(&case, &view, DistanceKind::L2, Priors::default(), false).evaluate(case.values("x_true"));
    assert!(at_truth.matching < 1e-20, "{}", at_truth.matching);
    assert!(at_truth.gradient.iter().all(|g| g.abs() < 1e-9));
}

#[test]
fn the_cotangent_of_the_cosine_is_orthogonal_to_the_gradient() {
    let case = Case::load("mlp");
    let (compute, _) = settings().remove(0);
    let view = view(&case, &compute);
    let named = |spec: &crate::model::TensorSpec| case.values(&format!("grad_trial.{}", spec.name)).to_vec();
    let g = Parameters::from_values(&compute, view.model.net.parameter_specs().clone(), named);
    let v = Distance::new(DistanceKind::Cosine, view.update.values.clone()).compare(g.clone()).cotangent;
    assert!(g.dot(&v).abs() < 1e-12 * g.norm() * v.norm());
}
