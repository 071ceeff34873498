//! Every architecture, small: scores, loss, gradient, and the gradient through the gradient.
//!
//! Weights, inputs and directions are made from a formula that both sides compute, so that the vectors hold
//! results alone. All values are exact in 32 bit.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{assert_close, settings, tensors};
use crate::backend::{self, Compute, Precision};
use crate::config::{BatchNormMode, ModelOptions};
use crate::model::{ARCHITECTURES, Model, Net, Parameters, Targets, TensorSpec, architecture};

/// One case of `models/manifest.json`.
#[derive(Deserialize)]
pub(super) struct Case {
    pub model: String,
    pub options: ModelOptions,
    pub input: [usize; 3],
    pub classes: usize,
    pub batch: usize,
    pub train: bool,
    loss: f64,
    parameters: Vec<(String, Vec<usize>)>,
    buffers: Vec<String>,
}

/// Streams of the formula.
pub(super) const WEIGHTS: u64 = 1;
pub(super) const INPUT: u64 = 2;
const DIRECTION: u64 = 3;

/// `count` multiples of 2^-19 in [-1, 1).
pub(super) fn scatter(tensor: usize, stream: u64, count: usize) -> Vec<f64> {
    let offset = (tensor as u64 + 1)
        .wrapping_mul(1_442_695_040_888_963_407)
        .wrapping_add(stream.wrapping_mul(0x9E37_79B9_7F4A_7C15));
    let value = |i: u64| {
        let mut x = i.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(offset);
        x = (x ^ (x >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
        x ^= x >> 33;
        (x >> 44) as f64 / f64::from(1 << 19) - 1.0
    };
    (1..=count as u64).map(value).collect()
}

pub(super) fn filled(compute: &Compute, specs: &std::sync::Arc<[TensorSpec]>, first: usize) -> Parameters {
    let mut tensor = first;
    Parameters::from_values(compute, specs.clone(), |spec| {
        let draws = scatter(tensor, WEIGHTS, spec.count());
        tensor += 1;
        let (offset, scale) = match spec.shape.len() {
            1 if spec.name.ends_with(".weight") || spec.name.ends_with("running_var") => (1.0, 0.25),
            1 => (0.0, 0.25),
            _ if ["cls_token", "pos_embed"].contains(&spec.name.as_str()) => (0.0, 0.5),
            _ => {
                let fan_in: usize = spec.shape[1..].iter().product();
                let mut scale = 1.0;
                while scale * scale * fan_in as f64 > 6.0 {
                    scale /= 2.0;
                }
                (0.0, scale)
            }
        };
        draws.into_iter().map(|draw| offset + scale * draw).collect()
    })
}

/// All cases by name. A test binary that was carried elsewhere is told where they are.
pub(super) fn cases() -> BTreeMap<String, Case> {
    let root = std::env::var("CARGO_MANIFEST_DIR").unwrap_or(env!("CARGO_MANIFEST_DIR").to_owned());
    let manifest = std::fs::read_to_string(format!("{root}/tests/golden/models/manifest.json")).unwrap();
    serde_json::from_str(&manifest).unwrap()
}

/// The whole case on one backend.
fn check(name: &str, case: &Case, net: &Net, compute: &Compute, tolerance: f64) {
    let results = tensors(&format!("models/{name}"));
    let what = |quantity: &str| format!("{name}: {quantity} on {} {:?}", compute.name(), compute.precision());
    let model = Model {
        parameters: filled(compute, net.parameter_specs(), 0),
        buffers: filled(compute, net.buffer_specs(), 1000),
        net: net.clone(),
    };
    let mode = if case.train { BatchNormMode::Train } else { BatchNormMode::Eval };
    let [channels, height, width] = case.input;
    let shape = [case.batch, channels, height, width];
    let pixels: Vec<f64> =
        scatter(5000, INPUT, shape.iter().product()).into_iter().map(|draw| 2.0 * draw).collect();
    let x = compute.tensor(&pixels, shape);
    let scores = backend::values(&model.scores(mode, &x));
    assert_close(&what("scores"), &scores, &results["logits"].1, tolerance);

    let labels: Vec<usize> = (0..case.batch).map(|i| i % case.classes).collect();
    let targets = Targets::hard(compute, &labels, case.classes);
    let first = model.first_pass(mode, &x, &targets);
    let gradient = &first.gradient;
    assert_close(&what("loss"), &[backend::scalar(first.loss.clone())], &[case.loss], tolerance);

    let mut tensor = 0;
    let v = Parameters::from_values(compute, net.parameter_specs().clone(), |spec| {
        tensor += 1;
        scatter(tensor - 1, DIRECTION, spec.count())
    });
    let product = |i: usize| -> f64 {
        let [g, v] = [gradient, &v].map(|parameters| backend::values(&parameters.tensors()[i]));
        g.iter().zip(&v).map(|(g, v)| g * v).sum()
    };
    let products: Vec<f64> = (0..v.tensors().len()).map(product).collect();
    assert_close(&what("gradient"), &products, &results["products"].1, tolerance * 5.0);

    let through = model.second_pass(&first.kept, mode, &x, &targets, &v);
    let total: f64 = results["products"].1.iter().sum();
    let size = results["products"].1.iter().fold(0.0, |max: f64, value| max.max(value.abs()));
    let error = (backend::scalar(through.directional) - total).abs() / size;
    assert!(error <= tolerance * 5.0, "{}: {error:.1e}", what("directional derivative"));
    let to_input = backend::values(&through.to_input);
    assert_close(&what("gradient through the gradient"), &to_input, &results["dx"].1, tolerance * 50.0);
}

#[test]
fn architectures_agree_with_pytorch_to_second_order() {
    let cases = cases();
    for architecture in ARCHITECTURES {
        assert!(
            cases.values().any(|case| case.model == architecture.name),
            "{} has no case",
            architecture.name
        );
    }
    for (name, case) in &cases {
        let net = architecture(&case.model).unwrap().net(&case.options, case.input, case.classes).unwrap();
        let specs: Vec<_> = net.parameter_specs().iter().map(|s| (s.name.clone(), s.shape.clone())).collect();
        assert_eq!(specs, case.parameters, "{name}");
        let buffers: Vec<_> = net.buffer_specs().iter().map(|spec| &spec.name).collect();
        assert_eq!(buffers, case.buffers.iter().collect::<Vec<_>>(), "{name}");
        for (compute, tolerance) in settings() {
            // 32 bit once: that it rounds is no matter of the backend.
            if compute.precision() == Precision::F64 || compute.name() == "flex" {
                check(name, case, &net, &compute, tolerance);
            }
        }
    }
}
