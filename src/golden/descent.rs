//! FedAvg: three SGD steps of rate 0.05 on the whole batch, and the gradient through them.

use super::models::{NO_PRIOR, matching, view};
use super::{Case, assert_close, settings};
use crate::config::DistanceKind;
use crate::fl::{Client, Protocol, UpdateKind};
use crate::model::{Descent, Step, Targets};

const CASES: [&str; 6] =
    ["lenet_sigmoid", "mlp", "convnet_bn_eval", "convnet_bn_train", "resnet_tiny_eval", "resnet_tiny_train"];
const RATE: f64 = 0.05;

#[test]
fn three_local_steps_and_the_gradient_through_them_agree_with_pytorch() {
    for name in CASES {
        let case = Case::load(name);
        for (compute, tolerance) in settings() {
            let what =
                |quantity: &str| format!("{name} {quantity} on {} {:?}", compute.name(), compute.precision());
            let mut view = view(&case, &compute);
            let all: Vec<usize> = (0..case.labels().len()).collect();
            let descent = Descent::sgd(RATE, vec![Step::of(all.clone()); 3]);

            let x = compute.tensor(case.values("x_true"), case.shape("x_true"));
            let targets = Targets::hard(&compute, &case.labels(), view.model.net.classes());
            let end = view.model.descend(case.mode(), &x, &targets, &descent);
            let delta = end.parameters.combine(1.0, &view.model.parameters, -1.0);
            let first = &view.model.net.parameter_specs()[0].name;
            let expected = case.values(&format!("fedavg3.update.{first}"));
            // A difference of weights that are far larger.
            assert_close(&what("update"), &delta.values(first).unwrap(), expected, tolerance * 50.0);

            (view.update.kind, view.update.values) = (UpdateKind::Delta, delta);
            view.knowledge.protocol = Protocol::of(vec![Client::new(all, Some(descent))]);
            // The vectors compare weight differences, gialab these over the rate: l2 grows by its square.
            for (kind, name, scale) in
                [(DistanceKind::L2, "l2", RATE * RATE), (DistanceKind::Cosine, "cos", 1.0)]
            {
                let evaluation =
                    matching(&case, &view, kind, NO_PRIOR, false).evaluate(case.values("x_trial"));
                let expected = case.scalar(&format!("fedavg3.{name}"));
                assert_close(&what(name), &[evaluation.total() * scale], &[expected], tolerance * 20.0);
                let gradient: Vec<f64> = evaluation.gradient.iter().map(|value| value * scale).collect();
                let expected = case.values(&format!("fedavg3.dx.{name}"));
                assert_close(&what(name), &gradient, expected, tolerance * 100.0);
            }
        }
    }
}
