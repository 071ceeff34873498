//! Local training of many kinds: where it ends, and the gradient of the matching loss through all of its steps.

use std::path::Path;
use std::sync::OnceLock;

use serde_json::{Value, json};

use super::models::matching;
use super::{Case, Tensors, settings, tensors};
use crate::attack::objective::Distance;
use crate::backend::{Compute, Precision};
use crate::config::{DistanceKind, Priors, preset};
use crate::fl::{At, AttackerView, Client, Protocol, Server, Setup, Source, UpdateKind};
use crate::model::{Clip, Descent, Optimiser, Parameters, Step, Targets};

/// What must hold of a client, relative to the norm of a tensor unless said. In 32 bit Adam's smallest entries lead,
/// because its step divides by |g|.
struct Tolerances {
    /// Of parameters and buffers after the steps, absolute.
    end: f64,
    delta: f64,
    /// Of matching losses, absolute and relative.
    loss: [f64; 2],
    dx: f64,
}

const WIDE: Tolerances = Tolerances { end: 1e-12, delta: 1e-11, loss: [1e-12, 1e-10], dx: 1e-9 };
const NARROW: Tolerances = Tolerances { end: 1e-6, delta: 1e-5, loss: [3e-7, 2e-6], dx: 5e-6 };
const NARROW_ADAM: Tolerances = Tolerances { end: 1e-5, delta: 5e-4, loss: [3e-7, 2e-6], dx: 5e-4 };

fn manifest() -> Value {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/clients.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn vectors() -> &'static Tensors {
    static VECTORS: OnceLock<Tensors> = OnceLock::new();
    VECTORS.get_or_init(|| tensors("clients.f64"))
}

/// One client: its network and data, and what it does.
struct Given {
    /// As in the manifest, `mlp.sgd`.
    key: String,
    case: Case,
    descent: Descent,
    scalars: Value,
}

impl Given {
    fn new(manifest: &Value, key: &str) -> Given {
        let settings = &manifest["cases"][key];
        let name = if settings["net"] == "mlp" { "mlp" } else { "convnet" };
        let net = &manifest["nets"][name];
        let prefix = format!("{name}.");
        let own = vectors().iter().filter_map(|(key, value)| Some((key.strip_prefix(&prefix)?, value)));
        let case = Case {
            name,
            manifest: json!({
                "train": settings["train"], "spec": net["spec"], "in_shape": net["in_shape"],
                "param_order": net["param_order"],
            }),
            tensors: own.map(|(key, value)| (key.to_owned(), value.clone())).collect(),
        };
        let scalars = manifest["scalars"]["f64"].clone();
        Given { key: key.to_owned(), case, descent: descent(settings), scalars }
    }

    fn vector(&self, name: &str) -> &'static [f64] {
        let key = format!("{}.{name}", self.key);
        &vectors().get(&key).unwrap_or_else(|| panic!("there is no {key}")).1
    }

    fn scalar(&self, name: &str) -> f64 {
        let key = format!("{}.{name}", self.key);
        self.scalars[&key].as_f64().unwrap_or_else(|| panic!("there is no {key}"))
    }

    fn tolerances(&self, precision: Precision) -> Tolerances {
        match (precision, self.descent.optimiser) {
            (Precision::F64, _) => WIDE,
            (Precision::F32, Optimiser::Sgd { .. }) => NARROW,
            (Precision::F32, Optimiser::Adam { .. }) => NARROW_ADAM,
        }
    }

    /// The attacker's world where the client sent the vectors of this name.
    fn view(&self, compute: &Compute, sent: &str) -> AttackerView {
        let model = self.case.model(compute);
        let named = |spec: &crate::model::TensorSpec| self.vector(&format!("{sent}.{}", spec.name)).to_vec();
        let values = Parameters::from_values(compute, model.net.parameter_specs().clone(), named);
        let samples = self.case.labels().len();
        let client = Client::new((0..samples).collect(), Some(self.descent.clone()));
        let (labels, mode) = (self.case.labels(), self.case.mode());
        let mut view = AttackerView::of_gradient(compute, model, values, labels, mode);
        (view.update.kind, view.knowledge.protocol) = (UpdateKind::Delta, Protocol::of(vec![client]));
        view
    }

    /// Holds the matching losses of `x_trial` against what was sent, with their gradients.
    fn check_matching(&self, compute: &Compute, sent: &str, scalars: &str, with_dx: bool) {
        let view = self.view(compute, sent);
        let tolerances = self.tolerances(compute.precision());
        // The vectors compare weight differences, gialab these over the rate: l2 grows by its square.
        let rate = self.descent.learning_rate;
        for (kind, name, scale) in [(DistanceKind::L2, "l2", rate * rate), (DistanceKind::Cosine, "cos", 1.0)]
        {
            let name = format!("{scalars}{name}");
            let what = format!("{}.{name} on {} {:?}", self.key, compute.name(), compute.precision());
            let x = self.case.values("x_trial");
            let evaluation = matching(&self.case, &view, kind, Priors::default(), false).evaluate(x);
            let (actual, expected) = (evaluation.total() * scale, self.scalar(&name));
            let [absolute, relative] = tolerances.loss;
            let error = (actual - expected).abs();
            assert!(error <= absolute + relative * expected, "{what}: {actual} instead of {expected}");
            if with_dx {
                let actual: Vec<f64> = evaluation.gradient.iter().map(|value| value * scale).collect();
                close(&format!("{what}.dx"), &actual, self.vector(&format!("{name}.dx")), tolerances.dx);
            }
        }
    }
}

/// What a client of the manifest does.
fn descent(settings: &Value) -> Descent {
    let number = |key: &str| settings[key].as_f64();
    let list = |value: &Value| value.as_array().unwrap().clone();
    let micro_batches = |step: &Value| -> Vec<Vec<usize>> {
        let batch = |batch: &Value| list(batch).iter().map(|at| at.as_u64().unwrap() as usize).collect();
        list(step).iter().map(batch).collect()
    };
    let step = |step: &Value| match settings["accumulate"] == "sum" {
        true => Step::sum(micro_batches(step)),
        false => Step::mean(micro_batches(step)),
    };
    Descent {
        learning_rate: number("lr").unwrap(),
        optimiser: match settings["opt"].as_str().unwrap() {
            "sgd" => Optimiser::Sgd {
                momentum: number("momentum").unwrap_or(0.0),
                dampening: number("dampening").unwrap_or(0.0),
                nesterov: settings["nesterov"] == true,
            },
            adam => Optimiser::Adam {
                betas: [0, 1].map(|i| settings["betas"][i].as_f64().unwrap()),
                epsilon: number("eps").unwrap(),
                decoupled: adam == "adamw",
            },
        },
        weight_decay: number("weight_decay").unwrap_or(0.0),
        proximal: number("mu").unwrap_or(0.0),
        clip: number("clip").map(|norm| match settings["clip_eps"] == true {
            true => Clip::pytorch(norm),
            false => Clip { norm, epsilon: 0.0 },
        }),
        steps: list(&settings["batches"]).iter().map(step).collect(),
    }
}

/// Fails with a name if the norm of the difference is not small against that of what is expected.
fn close(what: &str, actual: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(actual.len(), expected.len(), "{what}");
    let norm = |values: &mut dyn Iterator<Item = f64>| values.map(|value| value * value).sum::<f64>().sqrt();
    let error = norm(&mut actual.iter().zip(expected).map(|(a, e)| a - e));
    let size = norm(&mut expected.iter().copied()).max(1e-30);
    assert!(error <= tolerance * size, "{what}: relative error {:.1e} > {tolerance:.0e}", error / size);
}

#[test]
fn every_client_ends_where_pytorch_does() {
    let manifest = manifest();
    let clients = manifest["cases"].as_object().unwrap();
    assert_eq!(clients.len(), 33);
    for key in clients.keys() {
        let given = Given::new(&manifest, key);
        for (compute, _) in settings() {
            let what = format!("{key} on {} {:?}", compute.name(), compute.precision());
            let tolerances = given.tolerances(compute.precision());
            let (case, model) = (&given.case, given.case.model(&compute));
            let x = compute.tensor(case.values("x_true"), case.shape("x_true"));
            let targets = Targets::hard(&compute, &case.labels(), model.net.classes());
            let end = model.descend(case.mode(), &x, &targets, &given.descent);
            let delta = end.parameters.clone().combine(1.0, &model.parameters, -1.0);
            let near = |actual: &Parameters, name: &str, prefix: &str| {
                let (actual, expected) =
                    (actual.values(name).unwrap(), given.vector(&format!("{prefix}.{name}")));
                let errors = actual.iter().zip(expected).map(|(a, e)| (a - e).abs());
                let error = errors.fold(0.0, f64::max);
                assert!(error <= tolerances.end, "{what} {name}: off by {error:.1e}");
            };
            for spec in model.net.parameter_specs().iter() {
                near(&end.parameters, &spec.name, "end");
                let expected = given.vector(&format!("delta.{}", spec.name));
                close(
                    &format!("{what} {}", spec.name),
                    &delta.values(&spec.name).unwrap(),
                    expected,
                    tolerances.delta,
                );
            }
            if case.manifest["train"] == true {
                for spec in model.net.buffer_specs().iter() {
                    near(&end.buffers, &spec.name, "end_buffer");
                }
            }
        }
    }
}

#[test]
fn weights_that_were_rounded_on_the_way_back_are_those_of_the_client() {
    let manifest = manifest();
    let rounded = |width: &str, value: f64| match width {
        "bf16" => half::bf16::from_f32(value as f32).to_f64(),
        _ => half::f16::from_f32(value as f32).to_f64(),
    };
    for key in ["mlp.sgd", "mlp.adam_1e3", "convnet_train.sgd"] {
        let given = Given::new(&manifest, key);
        for (compute, _) in
            settings().into_iter().filter(|(compute, _)| compute.precision() == Precision::F64)
        {
            let (case, model) = (&given.case, given.case.model(&compute));
            let x = compute.tensor(case.values("x_true"), case.shape("x_true"));
            let targets = Targets::hard(&compute, &case.labels(), model.net.classes());
            let end = model.descend(case.mode(), &x, &targets, &given.descent).parameters;
            for (width, spec) in
                ["bf16", "f16"].iter().flat_map(|w| model.net.parameter_specs().iter().map(move |s| (w, s)))
            {
                let sent = given.vector(&format!("end_{width}.{}", spec.name));
                let own: Vec<f64> =
                    end.values(&spec.name).unwrap().iter().map(|&value| rounded(width, value)).collect();
                assert_eq!(own, sent, "{key} {} {width}", spec.name);
            }
        }
    }
}

#[test]
fn the_gradient_through_every_client_agrees_with_pytorch() {
    let manifest = manifest();
    for key in manifest["cases"].as_object().unwrap().keys() {
        let given = Given::new(&manifest, key);
        for (compute, _) in settings() {
            given.check_matching(&compute, "sent", "", true);
        }
    }
}

#[test]
fn updates_that_were_rounded_on_the_way_are_matched_as_pytorch_matches_them() {
    let manifest = manifest();
    for key in ["mlp.sgd", "mlp.adam_1e3", "convnet_train.sgd"] {
        let given = Given::new(&manifest, key);
        for (compute, _) in settings() {
            for width in ["bf16", "f16"] {
                let sent = format!("sent_{width}");
                given.check_matching(&compute, &sent, &format!("{sent}."), true);
                // Gradients that were rounded in every step.
                let mixed = format!("amp_{width}");
                given.check_matching(&compute, &format!("{mixed}.delta"), &format!("{mixed}."), false);
            }
        }
    }
}

/// The cosine distance that an attacker measures at the truth, where a LeNet in PyTorch sent this update and is taken to
/// have trained so. Nothing without the files.
fn distance_at_the_truth(update: &str, local: &str) -> Option<f64> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/cases/12-other-local-training");
    if !folder.is_dir() {
        return None;
    }
    let file = |name: &str| folder.join(name).display().to_string();
    let captured = format!(
        "victim.captured={{ weights = \"{}\", update = \"{}\", kind = \"weights\", batch = 4, truth = \"{}\", \
         local = {{ {local} }} }}",
        file("global.pth"),
        file(update),
        file("truth4.pth")
    );
    let changes = [captured, "victim.data=".into(), "victim.size=".into(), "victim.classes=10".into()];
    let config = preset::load("ig-lenet", &changes, Path::new("/nonexistent")).unwrap().config;
    let compute = Compute::select("flex", Precision::F64).unwrap();
    let setup = Setup::new(&config).unwrap();
    let batch = setup.batch.clone().unwrap();
    let x = compute.tensor(&setup.normalisation.apply(&batch.images), batch.images.shape());
    let server = Server::new(&setup, &config, compute.clone());
    let view = Source::new(setup, &config, compute.clone()).view(&server.model, 0).0;
    let targets = Targets::hard(&compute, &batch.labels, 10);
    let (model, mode) = (&view.model, view.knowledge.batch_norm);
    let simulated = view.knowledge.protocol.simulate(At { model, mode, x: &x, targets: &targets });
    Some(Distance::new(DistanceKind::Cosine, view.observed()).compare(simulated.gradient).distance())
}

#[test]
#[allow(clippy::print_stderr)]
fn clients_of_pytorch_are_matched_at_the_truth_by_what_they_did_alone() {
    let adam = "epochs = 1, batch = 2, learning_rate = 0.001";
    let sgd = "epochs = 1, batch = 2, learning_rate = 0.01";
    for (update, plain, did) in [
        ("adam.pth", adam, ", optimiser = \"adam\""),
        ("clipped.pth", sgd, ", clip = 0.1"),
        ("nesterov.pth", sgd, ", momentum = 0.9, nesterov = true"),
    ] {
        let Some(right) = distance_at_the_truth(update, &format!("{plain}{did}")) else {
            eprintln!("skipped: the files of other local training are not there");
            return;
        };
        let wrong = distance_at_the_truth(update, plain).unwrap();
        // Weights in 32 bit, of which the update is a small difference.
        assert!(right < 1e-6, "{update}: {right:e}");
        assert!(wrong > 100.0 * right.abs(), "{update}: {wrong:e} taken for SGD, {right:e} as it was");
    }
}
