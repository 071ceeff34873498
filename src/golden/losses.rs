//! Training losses: their value and gradient, and matching with gradients to input and label logits.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Tensors, assert_close, net, settings, tensors};
use crate::attack::objective::Distance;
use crate::attack::{GradientMatching, LabelVariable};
use crate::backend::{self, Compute, Precision};
use crate::config::{BatchNormMode, DistanceKind, Loss, Priors};
use crate::fl::AttackerView;
use crate::model::{Model, Parameters, Targets, TensorSpec};

const LOSSES: [(&str, Loss); 7] = [
    ("ce_mean", Loss::Ce),
    ("ce_sum", Loss::CeSum),
    ("ce_smooth", Loss::LabelSmoothing(0.1)),
    ("bce_onehot", Loss::Bce),
    ("bce_one", Loss::Bce),
    ("mse_onehot", Loss::Mse),
    ("mse_softmax", Loss::MseSoftmax),
];

/// The cases of one network under one loss.
struct Case<'a> {
    manifest: &'a Value,
    tensors: &'a Tensors,
    network: &'a str,
    /// `mlp.ce_mean`.
    key: String,
    loss: Loss,
    mode: BatchNormMode,
}

impl Case<'_> {
    fn values(&self, key: &str) -> &[f64] {
        &self.tensors.get(key).unwrap_or_else(|| panic!("there is no {key}")).1
    }

    fn result(&self, key: &str) -> &[f64] {
        self.values(&format!("{}.{key}", self.key))
    }

    fn scalar(&self, key: &str) -> f64 {
        let key = format!("{}.{key}", self.key);
        self.manifest["scalars"]["f64"][&key].as_f64().unwrap_or_else(|| panic!("there is no {key}"))
    }

    fn named(&self, compute: &Compute, specs: &std::sync::Arc<[TensorSpec]>, prefix: &str) -> Parameters {
        let values = |spec: &TensorSpec| self.values(&format!("{prefix}.{}", spec.name)).to_vec();
        Parameters::from_values(compute, specs.clone(), values)
    }

    fn view(&self, compute: &Compute) -> AttackerView {
        let net = net(&self.manifest["nets"][self.network]).with_loss(self.loss);
        let labels: Vec<usize> =
            self.values(&format!("{}.labels", self.network)).iter().map(|&label| label as usize).collect();
        let values = self.named(compute, net.parameter_specs(), &format!("{}.h", self.key));
        let model = Model {
            parameters: self.named(compute, net.parameter_specs(), &format!("{}.param", self.network)),
            buffers: self.named(compute, net.buffer_specs(), &format!("{}.buffer", self.network)),
            net,
        };
        AttackerView::of_gradient(compute, model, values, labels, self.mode)
    }

    fn check(&self, compute: &Compute, within: Tolerance) {
        let what = |quantity: &str| {
            format!("{} {quantity} on {} {:?}", self.key, compute.name(), compute.precision())
        };
        let value = |key: &str, actual: f64| {
            let expected = self.scalar(key);
            let off = (actual - expected).abs();
            let bound = within.absolute + within.value * expected.abs();
            assert!(off <= bound, "{}: {actual:?} is {off:.2e} from {expected:?}", what(key));
        };
        let view = self.view(compute);
        let Some(labels) = view.knowledge.labels.clone() else { unreachable!() };
        let at = |point: &str| self.values(&format!("{}.{point}", self.network));
        let targets = Targets::hard(compute, &labels, view.model.net.classes());
        for (point, key) in [("x_true", "loss_true"), ("x_trial", "loss")] {
            let x = compute.tensor(at(point), view.shape());
            let (loss, g) = view.model.gradient(self.mode, &x, &targets);
            value(key, backend::scalar(loss));
            if point == "x_true" {
                continue;
            }
            for spec in g.specs().iter() {
                let name = format!("grad.{}", spec.name);
                let actual = g.values(&spec.name).unwrap();
                assert_close(&what(&name), &actual, self.result(&name), within.parameters);
            }
        }
        for (kind, name) in [(DistanceKind::L2, "l2"), (DistanceKind::Cosine, "cos")] {
            for soft in [false, true] {
                let prefix = if soft { "soft." } else { "" };
                let variable =
                    if soft { LabelVariable::Logits } else { LabelVariable::Fixed(labels.clone()) };
                let distance = Distance::new(kind, view.observed());
                let objective = GradientMatching::new(&view, distance, Priors::default(), variable);
                let logits = if soft { at("label_logits") } else { &[] };
                let evaluation = objective.evaluate(&[at("x_trial"), logits].concat());
                let name = format!("{prefix}{name}");
                value(&name, evaluation.matching);
                let (dx, du) = evaluation.gradient.split_at(at("x_trial").len());
                let key = format!("{name}.dx");
                assert_close(&what(&key), dx, self.result(&key), within.inputs);
                if soft {
                    let key = format!("{name}.du");
                    assert_close(&what(&key), du, self.result(&key), within.inputs);
                }
            }
        }
    }
}

/// How far from the vectors: values, relative beside absolute, and gradients, each relative to its tensor.
#[derive(Clone, Copy)]
struct Tolerance {
    absolute: f64,
    value: f64,
    parameters: f64,
    inputs: f64,
}

const WIDE: Tolerance = Tolerance { absolute: 1e-13, value: 1e-11, parameters: 1e-11, inputs: 1e-9 };
/// As the README of the vectors has it for 32 bit.
const NARROW: Tolerance = Tolerance { absolute: 3e-7, value: 2e-6, parameters: 2e-6, inputs: 5e-6 };

#[test]
fn training_losses_agree_with_pytorch_to_second_order() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/losses.json");
    let manifest: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let tensors = tensors("losses.f64");
    let scalars: BTreeMap<String, f64> = serde_json::from_value(manifest["scalars"]["f64"].clone()).unwrap();
    let mut checked = 0;
    for (name, case) in manifest["cases"].as_object().unwrap() {
        for (word, loss) in LOSSES {
            let key = format!("{name}.{word}");
            if !scalars.contains_key(&format!("{key}.loss")) {
                continue;
            }
            let mode = if case["train"] == true { BatchNormMode::Train } else { BatchNormMode::Eval };
            let network = case["net"].as_str().unwrap();
            let case = Case { manifest: &manifest, tensors: &tensors, network, key, loss, mode };
            for (compute, _) in settings() {
                let wide = compute.precision() == Precision::F64;
                case.check(&compute, if wide { WIDE } else { NARROW });
            }
            checked += 1;
        }
    }
    assert_eq!(checked, 3 * 6 + 1);
}
