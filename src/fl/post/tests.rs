//! Post-processing against reference vectors, finite differences, and in a federation.
#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::sync::Arc;

use serde_json::Value;

use super::*;
use crate::attack::objective::Distance;
use crate::backend::{self, Compute, Precision};
use crate::config::{DistanceKind, preset};
use crate::fl::{AttackerView, Candidate, Server, Setup, Source};
use crate::golden;
use crate::model::{Targets, TensorSpec};
use crate::seed::Seed;

fn step(kind: &str, value: f64) -> Arc<dyn Post> {
    (KINDS.iter().find(|known| known.name == kind).unwrap().build)(value)
}

fn generator() -> ChaCha8Rng {
    Seed(3).stream("test", &[])
}

fn flat(parameters: &Parameters) -> Vec<f64> {
    parameters.tensors().iter().flat_map(backend::values).collect()
}

/// Tensors of these sizes from one list of values.
fn parameters(sizes: &[usize], values: &[f64]) -> Parameters {
    let compute = Compute::select("flex", Precision::F64).unwrap();
    let specs: Vec<TensorSpec> = sizes
        .iter()
        .enumerate()
        .map(|(i, &size)| TensorSpec { name: format!("t{i}"), shape: vec![size] })
        .collect();
    let mut at = 0;
    Parameters::from_values(&compute, specs.into(), |spec| {
        let begin = at;
        at += spec.count();
        values[begin..at].to_vec()
    })
}

fn close(what: &str, actual: &Parameters, expected: &[f64]) {
    let actual = flat(actual);
    assert_eq!(actual.len(), expected.len(), "{what}");
    for (i, (a, e)) in actual.iter().zip(expected).enumerate() {
        assert!((a - e).abs() <= 1e-14 * e.abs().max(1e-3), "{what}, entry {i}: {a:e} against {e:e}");
    }
}

#[test]
fn reference_vectors_are_met() {
    let tensors = golden::tensors("defences.f64");
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/defences.json");
    let manifest: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let mut pulls = 0;
    for (case, defences) in manifest["cases"].as_object().unwrap() {
        let shapes = &manifest["nets"][case.split('.').next().unwrap()]["shapes"];
        let sizes: Vec<usize> = (shapes.as_array().unwrap().iter())
            .map(|shape| shape.as_array().unwrap().iter().map(|n| n.as_u64().unwrap() as usize).product())
            .collect();
        let of = |name: &str| tensors.get(&format!("{case}.{name}")).map(|(_, values)| values.as_slice());
        let g = parameters(&sizes, of("g").unwrap());
        let w = parameters(&sizes, of("w").unwrap());
        for (name, facts) in defences.as_object().unwrap() {
            let Some(expected) = of(name) else { continue };
            let step = match facts["S"].as_f64() {
                Some(norm) => step("clip", norm),
                None => step("sparsify", facts["s"].as_f64().unwrap()),
            };
            let sent = step.apply(g.clone(), &mut generator());
            close(&format!("{case}.{name}"), &sent, expected);
            let effect = Effect::of(&g, &sent, FULL_WIDTH);
            for (what, found) in
                [("cosine", effect.cosine), ("rel_error", effect.change), ("norm", sent.norm())]
            {
                let expected = facts[what].as_f64().unwrap();
                assert!((found - expected).abs() < 1e-9, "{case}.{name}: {what} {found} {expected}");
            }
            assert_eq!((effect.zeros * g.count() as f64).round(), facts["zeros"].as_f64().unwrap(), "{name}");
            let transform = step.transform(Known::Parameters(None)).unwrap();
            close(&format!("{case}.{name} simulated"), &transform.forward(&g), expected);
            if let Some(pull) = of(&format!("{name}.pull")) {
                close(&format!("{case}.{name}.pull"), &transform.pull(&g, w.clone()), pull);
                pulls += 1;
            }
        }
    }
    assert!(pulls >= 8, "{pulls}");
}

#[test]
fn the_number_of_kept_entries_is_exact() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/defences.json");
    let manifest: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let counts = manifest["special"]["kept_counts"].as_array().unwrap();
    for case in counts {
        let (s, n) = (case["s"].as_f64().unwrap(), case["n"].as_u64().unwrap() as usize);
        assert_eq!(sparsify::kept(n, s) as u64, case["kept"].as_u64().unwrap(), "{s} of {n}");
    }
    // Of equal magnitudes the first ones stay.
    let tensors = golden::tensors("defences.f64");
    let ties = &tensors["special.topk.ties"].1;
    for share in [0.25, 0.4, 0.5, 0.7, 0.8, 0.9] {
        let sent = step("sparsify", share).apply(parameters(&[ties.len()], ties), &mut generator());
        close(&format!("ties {share}"), &sent, &tensors[&format!("special.topk.ties.{share}")].1);
    }
}

#[test]
fn every_pull_is_the_derivative() {
    let sizes = [5, 1, 7];
    let draw = |stream: &str| seed_normal(stream, 13);
    let (g, w) = (draw("g"), draw("w"));
    for (kind, value) in [("clip", 1.0), ("clip", 100.0), ("sparsify", 0.4)] {
        let transform = step(kind, value).transform(Known::Parameters(None)).unwrap();
        let inner = |g: &[f64]| transform.forward(&parameters(&sizes, g)).dot(&parameters(&sizes, &w));
        let pulled = flat(&transform.pull(&parameters(&sizes, &g), parameters(&sizes, &w)));
        for i in 0..g.len() {
            let shifted = |h: f64| {
                let mut g = g.clone();
                g[i] += h;
                inner(&g)
            };
            let numeric = (shifted(1e-6) - shifted(-1e-6)) / 2e-6;
            assert!((numeric - pulled[i]).abs() < 1e-8, "{kind} {value}, entry {i}: {numeric} {}", pulled[i]);
        }
    }
}

fn seed_normal(stream: &str, count: usize) -> Vec<f64> {
    crate::seed::normal(&mut Seed(3).stream(stream, &[]), count)
}

#[test]
fn noise_has_its_deviation_and_is_drawn_anew_by_client_and_round() {
    let zeros = parameters(&[20_000], &vec![0.0; 20_000]);
    let noise = |client, round| {
        let mut generator = crate::fl::victim::post_stream(Seed(1), round, client);
        flat(&step("noise", 0.1).apply(zeros.clone(), &mut generator))
    };
    let values = noise(0, 0);
    let deviation = (values.iter().map(|value| value * value).sum::<f64>() / 20_000.0).sqrt();
    assert!((deviation - 0.1).abs() < 0.002, "{deviation}");
    assert!(values != noise(1, 0) && values != noise(0, 1) && values == noise(0, 0));
    assert!(step("noise", 0.1).transform(Known::Parameters(None)).is_none());
}

/// The distance that the attacker measures at the private samples, as a share of that of a zero gradient; and the effect.
fn at_the_truth(changes: &[&str]) -> (f64, Effect) {
    let changes: Vec<String> = changes.iter().map(|change| (*change).to_owned()).collect();
    let config = preset::load("ig-lenet", &changes, Path::new("/nonexistent")).unwrap().config;
    let compute = Compute::select("flex", Precision::F64).unwrap();
    let setup = Setup::new(&config).unwrap();
    let server = Server::new(&setup, &config, compute.clone());
    let batch = setup.batch.clone().unwrap();
    let x = compute.tensor(&setup.normalisation.apply(&batch.images), batch.images.shape());
    let source = Source::new(setup, &config, compute.clone());
    let (view, effect): (AttackerView, _) = source.view(&server.model, 0);
    let targets = Targets::hard(&compute, &batch.labels, view.model.net.classes());
    let candidate =
        Candidate { model: &view.model, mode: view.knowledge.batch_norm, x: &x, targets: &targets };
    let simulated = view.knowledge.protocol.simulate(candidate);
    let distance = Distance::new(DistanceKind::L2, view.observed());
    let scale = distance.scale();
    (distance.compare(simulated.gradient).distance() / scale, effect.unwrap())
}

#[test]
fn an_attacker_who_knows_a_step_simulates_what_was_sent() {
    let fedavg = [
        "victim.indices=[0,1,2,3]",
        "federation.algorithm=fedavg",
        "federation.learning_rate=0.1",
        "federation.local_batch=2",
    ];
    let summed = ["victim.indices=[0,1,2,3]", "federation.clients=2", "federation.secure_aggregation=2"];
    for protocol in [&[][..], &fedavg, &summed] {
        for (post, ignored) in [
            ("post=[{ kind = \"clip\", norm = 0.01 }]", 0.5),
            ("post=[{ kind = \"sparsify\", share = 0.9 }]", 1e-3),
            ("post=[{ kind = \"clip\", norm = 0.01 }, { kind = \"sparsify\", share = 0.9 }]", 0.5),
        ] {
            let share = |known: &str| {
                at_the_truth(&[protocol, &[post, &format!("knowledge.post={known}")]].concat()).0
            };
            let (known, estimated, none) = (share("known"), share("estimated"), share("none"));
            assert!(known < 1e-20, "{protocol:?} {post}: {known:e}");
            // The clients of a sum are not seen one by one, nor is what is done between two steps.
            if protocol.len() != summed.len() && !post.contains("}, {") {
                assert!(estimated < 1e-20, "{protocol:?} {post}: {estimated:e}");
            }
            assert!(none > ignored, "{protocol:?} {post}: {none:e}");
        }
    }
}

#[test]
fn noise_stays_unexplained_and_the_effect_is_told() {
    let (share, effect) = at_the_truth(&["post=[{ kind = \"noise\", sigma = 0.05 }]"]);
    assert!(share > 0.01, "{share}");
    assert!(effect.cosine < 0.999 && effect.change > 0.01 && effect.zeros < 0.01, "{effect:?}");
    assert_eq!(effect.bits, 32.0);
    let (_, sparse) = at_the_truth(&["post=[{ kind = \"sparsify\", share = 0.9 }]"]);
    assert!((sparse.zeros - 0.9).abs() < 0.01 && (sparse.bits - 6.4).abs() < 0.7, "{sparse:?}");
}

#[test]
fn what_cannot_be_a_step_is_refused_by_its_key() {
    let refused = |steps: &str| {
        let changes = [format!("post={steps}")];
        let config = preset::load("ig-lenet", &changes, Path::new("/nonexistent")).unwrap().config;
        Posts::new(&config.post).unwrap_err()
    };
    assert_eq!(refused("[{ kind = \"noise\", sigma = 0 }]"), "post[0].sigma = 0, must be above 0");
    assert_eq!(refused("[{ kind = \"noise\", sigma = inf }]"), "post[0].sigma = inf, must be above 0");
    assert_eq!(
        refused("[{ kind = \"clip\", norm = 1 }, { kind = \"nois\", sigma = 1 }]"),
        "post[1].kind = \"nois\" is not known; did you mean \"noise\"?"
    );
    assert_eq!(
        refused("[{ kind = \"clip\", sigma = 1 }]"),
        "post[0].sigma is no setting of clip, which has norm"
    );
    assert_eq!(
        refused("[{ kind = \"sparsify\" }]"),
        "post[0].share is missing: how strong sparsify is; it is above 0 and below 1"
    );
    assert_eq!(
        refused("[{ kind = \"sparsify\", share = 1 }]"),
        "post[0].share = 1, must be above 0 and below 1"
    );
}
