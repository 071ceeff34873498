//! Each test on what it is for, and on honest models.
#![allow(clippy::unwrap_used)]

use std::io::Write;
use std::path::Path;

use rand::Rng;

use super::*;
use crate::attack;
use crate::backend::{Compute, Precision};
use crate::config::{BatchNormMode, ModelOptions, preset};
use crate::data;
use crate::fl::{Server, Setup, Source};
use crate::model::{ARCHITECTURES, Descent, Model, Step, Targets};
use crate::seed::Seed;

/// What is found of the model that a preset's server sends, by the client that it attacks.
fn findings(preset: &str, changes: &[&str]) -> Vec<Finding> {
    let changes: Vec<String> = changes.iter().map(|change| (*change).to_owned()).collect();
    let config = preset::load(preset, &changes, Path::new("/nonexistent")).unwrap().config;
    let compute = Compute::select("flex", Precision::F32).unwrap();
    let setup = Setup::new(&config).unwrap();
    let server = Server::new(&setup, &config, compute.clone());
    let labels = setup.batch.as_ref().map(|batch| batch.labels.as_slice());
    let aim = attack::aim(&config, labels).unwrap();
    let (range, generator) = (setup.normalisation.range(), setup.generator.clone());
    let means = attack::Means { aim, range, generator };
    let craft = attack::craft(&config, &means, &server.model, &compute).unwrap();
    let (sent, own) =
        craft.map_or_else(|| (server.model.clone(), Vec::new()), |craft| (craft.model, craft.own));
    let Source::Simulated(victim) = Source::new(setup, &config, compute) else { panic!("{preset}") };
    victim.with_models(own).findings(&sent, &server.model)
}

#[test]
fn malicious_models_are_seen() {
    let tests = |preset: &str, changes: &[&str]| -> Vec<&'static str> {
        let found = findings(preset, changes);
        let mut tests: Vec<&str> = found.iter().map(|finding| finding.test).collect();
        tests.dedup();
        tests
    };
    let imprint = tests("imprint", &[]);
    assert!(imprint.contains(&"architecture") && imprint.contains(&"alike rows"), "{imprint:?}");
    let loki = tests("loki", &[]);
    assert!(loki.contains(&"architecture") && loki.contains(&"other clients"), "{loki:?}");
    let trap = tests("trap-weights", &[]);
    assert!(trap.contains(&"change"), "{trap:?}");
    let fishing = tests("fishing", &[]);
    assert!(["silent rows", "extremes", "D-SNR"].iter().all(|test| fishing.contains(test)), "{fishing:?}");
    let scale = tests("scale-mia", &[]);
    assert!(["alike rows", "rank"].iter().all(|test| scale.contains(test)), "{scale:?}");
    // The fewer fire, the more of them for one sample alone.
    let trap = tests("trap-weights", &["attack.factor=0.6"]);
    assert!(trap.contains(&"single neurons"), "{trap:?}");
}

#[test]
fn honest_presets_are_not_accused() {
    for preset in ["fc-inversion", "batch-size", "secure-sum", "trained-victim", "tableak", "batch-norm"] {
        assert_eq!(findings(preset, &[]), [], "{preset}");
    }
}

#[test]
fn fresh_models_of_every_architecture_are_not_accused() {
    let compute = Compute::select("flex", Precision::F32).unwrap();
    for architecture in ARCHITECTURES {
        let Ok(net) = architecture.net(&ModelOptions::default(), [3, 32, 32], 10) else { continue };
        // What is large is looked at by the measurement of false alarms.
        if net.parameter_count() > 3_000_000 {
            continue;
        }
        let model = |seed| Model {
            parameters: net.initial_parameters(&compute, Seed(seed)),
            buffers: net.initial_buffers(&compute),
            net: net.clone(),
        };
        let (received, agreed) = (Named::of(&model(1)), Named::of(&model(2)));
        assert_eq!(of_tensors(&received, &agreed), [], "{}", architecture.name);
    }
}

fn matrix(rows: usize, columns: usize, value: impl Fn(usize, usize) -> f64) -> Named {
    let values =
        (0..rows).flat_map(|i| (0..columns).map(move |j| (i, j))).map(|(i, j)| value(i, j)).collect();
    Named { name: "fc.weight".to_owned(), shape: vec![rows, columns], values }
}

#[test]
fn what_was_done_to_a_weight_is_named() {
    let drawn = crate::seed::normal(&mut Seed(3).stream("weight", &[]), 40 * 30);
    let plain = matrix(40, 30, |i, j| drawn[i * 30 + j]);
    let tests = |changed: &Named| -> Vec<&'static str> {
        of_tensors(std::slice::from_ref(changed), std::slice::from_ref(&plain))
            .iter()
            .map(|f| f.test)
            .collect()
    };
    assert_eq!(tests(&plain), [""; 0]);
    // A round of training.
    assert_eq!(tests(&matrix(40, 30, |i, j| drawn[i * 30 + j] * 1.1 + 0.05 * drawn[j])), [""; 0]);
    assert!(tests(&matrix(40, 30, |i, j| drawn[j] * (1.0 + i as f64))).contains(&"alike rows"));
    assert!(tests(&matrix(40, 30, |i, j| drawn[i] * (1.0 + j as f64))).contains(&"alike rows"));
    assert!(tests(&matrix(40, 30, |i, j| if i == 7 { drawn[j] } else { 0.0 })).contains(&"silent rows"));
    assert!(
        tests(&matrix(40, 30, |i, j| drawn[i * 30 + j] + if i == j { 1e3 } else { 0.0 }))
            .contains(&"extremes")
    );
    assert!(tests(&matrix(40, 30, |i, j| 5.0 * drawn[(i * 30 + j + 600) % 1200])).contains(&"change"));
    // Another model is told by its first tensor, the same by nothing.
    assert_eq!(between(std::slice::from_ref(&plain), std::slice::from_ref(&plain)), None);
    let other = matrix(40, 30, |i, j| drawn[i * 30 + j] + f64::from(u8::from(i + j == 0)));
    assert!(between(std::slice::from_ref(&plain), &[other]).unwrap().words.contains("fc.weight"));
}

#[test]
fn one_sample_over_the_others_is_its_ratio() {
    assert!((samples::signal_to_noise(&[9.0, 4.0, 5.0]) - 1.0).abs() < 1e-12);
    assert!(samples::signal_to_noise(&[9.0, 0.0]).is_infinite());
    assert_eq!(samples::signal_to_noise(&[0.0, 0.0]), 0.0);
}

/// A model of one of all architectures as an honest server sends it: fresh, or trained for some steps since the client saw it last.
fn honest(i: usize) -> (String, Vec<Finding>) {
    let architecture = &ARCHITECTURES[i % ARCHITECTURES.len()];
    let ([channels, side, _], width) = crate::model::small_input(architecture.name);
    let side = side.max(data::MIN_SIDE);
    let depth = architecture.name.starts_with("vit").then_some(2);
    let options = ModelOptions { width: Some(width.max(0.125)), depth, ..ModelOptions::default() };
    let net = architecture.net(&options, [channels, side, side], 10).unwrap();
    let compute = Compute::select("flex", Precision::F32).unwrap();
    let set = data::open(if channels == 1 { "fashion28" } else { "crops32" }).unwrap();
    let mut generator = Seed(11).stream("honest", &[i as u64]);
    let mut draw = |count: usize| {
        let indices: Vec<usize> = (0..count).map(|_| generator.random_range(0..set.len())).collect();
        let batch = set.batch(&indices, Some(side)).unwrap();
        let labels: Vec<usize> = batch.labels.iter().map(|label| label % 10).collect();
        (compute.tensor(&batch.images.pixels, batch.images.shape()), labels)
    };
    let fresh = Model {
        parameters: net.initial_parameters(&compute, Seed(i as u64)),
        buffers: net.initial_buffers(&compute),
        net,
    };
    let steps = [0, 0, 4, 16][i / ARCHITECTURES.len() % 4];
    let mut model = fresh.clone();
    for _ in 0..steps {
        let (x, labels) = draw(16);
        let targets = Targets::hard(&compute, &labels, 10);
        let descent = Descent::sgd(0.05, vec![Step::of((0..16).collect())]);
        model = model.descend(BatchNormMode::Train, &x, &targets, &descent);
    }
    let (x, labels) = draw([8, 8, 16, 32][i / ARCHITECTURES.len() / 4 % 4]);
    let mut findings = of_tensors(&Named::of(&model), &Named::of(&fresh));
    findings.extend(of_samples(&model, &x, &labels, &compute));
    (format!("{} after {steps} steps, {} samples", architecture.name, labels.len()), findings)
}

/// Prints a line of a measurement.
macro_rules! said {
    ($($words:tt)*) => { writeln!(std::io::stderr(), $($words)*).unwrap() };
}

#[test]
#[ignore = "a few minutes: the figures of docs/received.md"]
fn honest_servers_are_seldom_accused() {
    let count = 16 * ARCHITECTURES.len();
    let mut by_test = std::collections::BTreeMap::<&str, usize>::new();
    let mut accused = 0;
    for i in 0..count {
        let (what, findings) = honest(i);
        accused += usize::from(!findings.is_empty());
        for Finding { test, words } in findings {
            *by_test.entry(test).or_default() += 1;
            said!("{what}: {test}: {words}");
        }
    }
    said!("{accused} of {count} honest models are accused: {by_test:?}");
    for preset in ["imprint", "loki", "scale-mia", "trap-weights", "fishing"] {
        for Finding { test, words } in findings(preset, &[]) {
            said!("{preset}: {test}: {words}");
        }
    }
    assert!(accused * 10 <= count, "{accused} of {count}");
}
