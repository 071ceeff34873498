//! Each test on what it is for, and on honest models.
#![allow(clippy::unwrap_used)]

use std::path::Path;

use super::*;
use crate::attack;
use crate::backend::{self, Compute, Precision};
use crate::config::{ModelOptions, preset};
use crate::fl::{Server, Setup};
use crate::model::{ARCHITECTURES, Model};
use crate::seed::Seed;

fn named(model: &Model) -> Vec<Named> {
    let (specs, tensors) = (model.parameters.specs(), model.parameters.tensors());
    let of = |(spec, tensor): (&crate::model::TensorSpec, &crate::backend::Vector)| Named {
        name: spec.name.clone(),
        shape: spec.shape.clone(),
        values: backend::values(tensor),
    };
    specs.iter().zip(tensors).map(of).collect()
}

/// What is found of the model that a preset's server sends, by the client that it attacks.
fn findings(preset: &str, changes: &[&str]) -> Vec<Finding> {
    let changes: Vec<String> = changes.iter().map(|change| (*change).to_owned()).collect();
    let config = preset::load(preset, &changes, Path::new("/nonexistent")).unwrap().config;
    let compute = Compute::select("flex", Precision::F32).unwrap();
    let setup = Setup::new(&config).unwrap();
    let server = Server::new(&setup, &config, compute.clone());
    let craft = attack::craft(&config, &server.model, &setup.normalisation.range(), &compute).unwrap();
    let sent = craft.map_or_else(|| server.model.clone(), |craft| craft.model);
    let batch = setup.batch.unwrap();
    let x = compute.tensor(&setup.normalisation.apply(&batch.images), batch.images.shape());
    let mut all = of_tensors(&named(&sent), &named(&server.model));
    all.extend(of_samples(&sent, &x, &batch.labels, &compute));
    all
}

#[test]
fn malicious_models_are_seen() {
    let tests = |preset: &str| -> Vec<&'static str> {
        let found = findings(preset, &[]);
        let mut tests: Vec<&str> = found.iter().map(|finding| finding.test).collect();
        tests.dedup();
        tests
    };
    let imprint = tests("imprint");
    assert!(imprint.contains(&"architecture") && imprint.contains(&"alike rows"), "{imprint:?}");
    let trap = tests("trap-weights");
    assert!(trap.contains(&"change") && trap.contains(&"single neurons"), "{trap:?}");
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
        let (received, agreed) = (named(&model(1)), named(&model(2)));
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
    assert!(between(&[plain.clone()], &[other]).unwrap().words.contains("fc.weight"));
}

#[test]
fn one_sample_over_the_others_is_its_ratio() {
    assert!((samples::signal_to_noise(&[9.0, 4.0, 5.0]) - 1.0).abs() < 1e-12);
    assert!(samples::signal_to_noise(&[9.0, 0.0]).is_infinite());
    assert_eq!(samples::signal_to_noise(&[0.0, 0.0]), 0.0);
}
