//! Honest updates: how often the check cries wolf, and that no post-processing is seen where there is none.

#![allow(clippy::unwrap_used)]
use std::collections::BTreeMap;
use std::path::Path;

use rand::Rng;
use rand::seq::IndexedRandom;

use super::super::captured::{canonical, diagnosed};
use super::super::post::{self, Posts, Residues};
use super::super::{Client, Protocol, UpdateKind, client, victim};
use super::*;
use crate::backend::{self, Compute, Precision};
use crate::config::{BatchNormMode, ModelOptions, preset};
use crate::data;
use crate::model::{ARCHITECTURES, Descent, Model, Parameters, Step, Targets};
use crate::seed::Seed;
use crate::weights::Trained;

/// Multiply-adds of all samples of an update; larger batches are cut.
const WORK: u64 = 400_000_000;

/// An update as somebody could have captured it, what the check says of it, and what post-processing is told from it as it
/// left the client; nothing if the client diverged.
fn honest(i: usize) -> Option<(String, Vec<Finding>, String)> {
    let mut rng = Seed(2026).stream("honest", &[i as u64]);
    let rng = &mut rng;
    let architecture = &ARCHITECTURES[i % ARCHITECTURES.len()];
    let ([channels, side, _], width) = crate::model::small_input(architecture.name);
    let side = side.max(data::MIN_SIDE);
    let depth = architecture.name.starts_with("vit").then_some(2);
    let options = ModelOptions { width: Some(width.max(0.125)), depth, ..ModelOptions::default() };
    let loss = *[Loss::Ce, Loss::Ce, Loss::Ce, Loss::CeSum, Loss::LabelSmoothing(0.1), Loss::Bce, Loss::Mse]
        .choose(rng)
        .unwrap();
    let net = architecture.net(&options, [channels, side, side], 10).unwrap().with_loss(loss);
    let mode = *[BatchNormMode::Eval, BatchNormMode::EvalClient, BatchNormMode::Train].choose(rng).unwrap();
    let most = (WORK / net.multiply_adds()).clamp(2, 64) as usize;
    let mut batch = (*[1, 1, 2, 3, 4, 8, 16, 32, 64].choose(rng).unwrap()).min(most);
    if mode == BatchNormMode::Train {
        batch = batch.max(2);
    }

    let compute = Compute::select("flex", Precision::F32).unwrap();
    let set = data::open(if channels == 1 { "fashion28" } else { "crops32" }).unwrap();
    let mut draw = |count: usize| {
        let indices: Vec<usize> = (0..count).map(|_| rng.random_range(0..set.len())).collect();
        let batch = set.batch(&indices, Some(side)).unwrap();
        let normalised = set.normalised_by(&crate::config::Normalise::Own(true), &[]).unwrap();
        let x = compute.tensor(&normalised.apply(&batch.images), batch.images.shape());
        let labels: Vec<usize> = batch.labels.iter().map(|label| label % 10).collect();
        (x, Targets::hard(&compute, &labels, 10))
    };
    let parameters = net.initial_parameters(&compute, Seed(i as u64));
    let mut model = Model { parameters, buffers: net.initial_buffers(&compute), net };
    let is_trained = i.is_multiple_of(3);
    if is_trained {
        for _ in 0..8 {
            let (x, targets) = draw(most.min(16));
            let all = Step::of((0..x.dims()[0]).collect());
            let descent = Descent::sgd(if loss == Loss::CeSum { 0.003 } else { 0.05 }, vec![all]);
            model = model.descend(BatchNormMode::Train, &x, &targets, &descent);
        }
    }
    let (x, targets) = draw(batch);

    let kind = *[
        CapturedKind::Gradient,
        CapturedKind::Gradient,
        CapturedKind::Delta,
        CapturedKind::NegativeDelta,
        CapturedKind::Weights,
    ]
    .choose(rng)
    .unwrap();
    let local = kind.takes_steps().then(|| {
        let rate = *[0.001, 0.01, 0.1].choose(rng).unwrap();
        let mut local: LocalTraining =
            serde_json::from_value(serde_json::json!({ "learning_rate": rate })).unwrap();
        local.epochs = *[1, 1, 2, 3].choose(rng).unwrap();
        let least = if mode == BatchNormMode::Train { 2 } else { 1 };
        local.batch =
            Some(*[batch, batch.div_ceil(2), 1].choose(rng).unwrap()).map(|own| own.max(least) as u32);
        if mode == BatchNormMode::Train && !batch.is_multiple_of(2) {
            local.batch = None;
        }
        match rng.random_range(0..5) {
            0 => local.momentum = 0.9,
            1 => (local.momentum, local.nesterov) = (0.9, true),
            2 => local.optimiser = LocalOptimiser::Adam,
            3 => local.weight_decay = Some(5e-4),
            _ => {}
        }
        local
    });
    let samples: Vec<usize> = (0..batch).collect();
    let descent = local.map(|local| client::descent(local, &samples, |_| None::<rand::rngs::ThreadRng>));
    let protocol = Protocol::of(vec![Client::new(samples, descent)]);
    let work = victim::Work { mode, x: &x, targets: &targets, protocol: &protocol, round: 0, own: &[] };
    let no_draws = |client| (client, victim::post_stream(Seed(0), 0, client));
    let update = victim::send(&model, work, &Posts::default(), &mut Residues::default(), no_draws).update;
    let told = post::in_words(&post::estimate(&update, &model, &protocol.clients));

    let theta = host(&model.parameters);
    let transport = *["f32", "f32", "f16", "bf16"].choose(rng).unwrap();
    let round = |value: f64| match transport {
        "f16" => half::f16::from_f64(value).to_f64(),
        "bf16" => half::bf16::from_f64(value).to_f64(),
        _ => f64::from(value as f32),
    };
    let sent: Vec<Vec<f64>> = host(&update.values)
        .into_iter()
        .zip(&theta)
        .map(|(values, theta)| {
            let as_sent = |(value, theta): (f64, &f64)| match kind {
                CapturedKind::Gradient | CapturedKind::Delta => value,
                CapturedKind::NegativeDelta => -value,
                CapturedKind::Weights => value + theta,
            };
            values.into_iter().zip(theta).map(as_sent).map(round).collect()
        })
        .collect();
    let what = format!(
        "{i}: {} {kind:?} of {batch}, {mode:?}, {loss:?}, {transport}, trained {is_trained}, {}",
        architecture.name,
        local.map(|local| local.name()).unwrap_or_default()
    );
    if !sent.iter().flatten().all(|value| value.is_finite()) {
        return None;
    }

    let mut config =
        preset::load("ig-lenet", &["attack.distance=l2".into()], Path::new("/nonexistent")).unwrap().config;
    (config.victim.mode, config.victim.loss) = (mode, loss);
    let captured: Captured = serde_json::from_value(serde_json::json!({
        "weights": "w", "update": "u", "kind": kind, "batch": batch, "local": local,
    }))
    .unwrap();
    let weights =
        Trained { sha256: String::new(), key: None, parameters: theta, buffers: host(&model.buffers) };
    let (update_kind, values) = canonical(kind, sent.clone(), &weights.parameters);
    assert_eq!(update_kind == UpdateKind::Gradient, !kind.takes_steps());
    let findings =
        diagnosed(&config, &captured, &model.net, &weights, (&sent, update_kind, &values)).findings;
    Some((what, findings, told))
}

/// None is refused; what is warned of is counted by its first words.
fn judge(updates: impl Iterator<Item = usize>) -> (usize, BTreeMap<String, Vec<String>>) {
    let mut count = 0;
    let mut warned: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut seen = Vec::new();
    for (what, findings, told) in updates.filter_map(honest) {
        count += 1;
        // A branch without any active unit looks as if it were kept back.
        if !told.starts_with("nothing") && !told.starts_with("drop-layers") || told.contains(", sure: ") {
            seen.push(format!("{what}: {told}"));
        }
        for finding in findings {
            assert!(!finding.sure, "{what}: {finding}");
            let words: Vec<&str> = finding.what.split(' ').take(3).collect();
            warned.entry(words.join(" ")).or_default().push(what.clone());
        }
    }
    assert!(seen.is_empty(), "{seen:#?}");
    (count, warned)
}

#[test]
fn honest_updates_are_not_refused() {
    let (count, warned) = judge((0..500).step_by(11));
    let warnings: usize = warned.values().map(Vec::len).sum();
    assert!(warnings * 20 <= count, "{warned:#?}");
}

/// A network that is sure of itself sends numbers that 32 bit hardly tells from nothing.
#[test]
fn an_honest_update_of_a_confident_network_is_not_refused() {
    let compute = Compute::select("flex", Precision::F32).unwrap();
    let set = data::open("digits28").unwrap();
    let architecture = ARCHITECTURES.iter().find(|architecture| architecture.name == "lenet5").unwrap();
    let net = architecture.net(&ModelOptions::default(), [1, 28, 28], 10).unwrap();
    let file = crate::weights::WeightFile::parse(crate::weights::shipped("digits-lenet5").unwrap()).unwrap();
    let weights = file.trained(&net).unwrap();
    let tensors = |specs, values: &[Vec<f64>]| {
        let mut values = values.iter().cloned();
        Parameters::from_values(&compute, specs, |_| values.next().unwrap())
    };
    let model = Model {
        parameters: tensors(net.parameter_specs().clone(), &weights.parameters),
        buffers: tensors(net.buffer_specs().clone(), &weights.buffers),
        net,
    };
    let config =
        preset::load("ig-lenet", &["attack.distance=l2".into()], Path::new("/nonexistent")).unwrap().config;
    let captured: Captured = serde_json::from_value(serde_json::json!({
        "weights": "w", "update": "u", "kind": "gradient", "batch": 1,
    }))
    .unwrap();
    let mut heard = Vec::new();
    for digit in (0..60).step_by(3) {
        let batch = set.batch(&[digit], None).unwrap();
        let normalised = set.normalised_by(&crate::config::Normalise::Own(true), &[digit]).unwrap();
        let x = compute.tensor(&normalised.apply(&batch.images), batch.images.shape());
        let targets = Targets::hard(&compute, &batch.labels, 10);
        let gradient = model.first_pass(BatchNormMode::Eval, &x, &targets).gradient;
        let sent = host(&gradient);
        let found = diagnosed(&config, &captured, &model.net, &weights, (&sent, UpdateKind::Gradient, &sent))
            .findings;
        heard.extend(found.into_iter().map(|finding| format!("{digit}: {finding}")));
    }
    assert!(heard.is_empty(), "{heard:#?}");
}

/// A fresh LeNet for this many classes, with its weights as they were sent out.
fn lenet(compute: &Compute, classes: usize) -> (Model, Trained) {
    let architecture = ARCHITECTURES.iter().find(|architecture| architecture.name == "lenet").unwrap();
    let net = architecture.net(&ModelOptions::default(), [3, 32, 32], classes).unwrap();
    let parameters = net.initial_parameters(compute, Seed(0));
    let model = Model { parameters, buffers: net.initial_buffers(compute), net };
    let (parameters, buffers) = (host(&model.parameters), host(&model.buffers));
    (model, Trained { sha256: String::new(), key: None, parameters, buffers })
}

fn host(of: &Parameters) -> Vec<Vec<f64>> {
    of.tensors().iter().map(backend::values).collect()
}

/// Under softmax cross-entropy no more classes than samples are pulled up.
#[test]
fn a_wrong_sign_shows_in_the_number_of_negative_entries() {
    let compute = Compute::select("flex", Precision::F32).unwrap();
    let (model, weights) = lenet(&compute, 100);
    let config =
        preset::load("ig-lenet", &["attack.distance=l2".into()], Path::new("/nonexistent")).unwrap().config;
    for batch in [8, 16, 32] {
        let samples: Vec<usize> = (0..batch).collect();
        let pictures = data::open("crops32").unwrap().batch(&samples, Some(32)).unwrap();
        let x = compute.tensor(&pictures.images.pixels, pictures.images.shape());
        let labels: Vec<usize> = samples.iter().map(|at| at * 3).collect();
        let gradient =
            model.first_pass(BatchNormMode::Eval, &x, &Targets::hard(&compute, &labels, 100)).gradient;
        let captured: Captured = serde_json::from_value(serde_json::json!({
            "weights": "w", "update": "u", "kind": "gradient", "batch": batch,
        }))
        .unwrap();
        for (scale, is_opposite) in [(1.0, false), (-1.0, true), (-0.01, true)] {
            let sent = host(&gradient.clone().scaled(scale));
            let found =
                diagnosed(&config, &captured, &model.net, &weights, (&sent, UpdateKind::Gradient, &sent))
                    .findings;
            let says =
                found.first().is_some_and(|finding| finding.sure && finding.what.contains("opposite sign"));
            assert_eq!(says, is_opposite, "{batch} times {scale}: {found:?}");
        }
    }
}

#[test]
fn a_clipped_update_is_refused_only_where_nobody_said_so() {
    let compute = Compute::select("flex", Precision::F32).unwrap();
    let (model, weights) = lenet(&compute, 10);
    let batch = data::open("crops32").unwrap().batch(&[0], Some(32)).unwrap();
    let x = compute.tensor(&batch.images.pixels, batch.images.shape());
    let targets = Targets::hard(&compute, &[3], 10);
    let clipped = model.first_pass(BatchNormMode::Eval, &x, &targets).gradient.scaled(0.2);
    let captured: Captured = serde_json::from_value(serde_json::json!({
        "weights": "w", "update": "u", "kind": "gradient", "batch": 1,
    }))
    .unwrap();
    let sent = host(&clipped);
    let found = |settings: &[String]| {
        let config = preset::load("ig-lenet", settings, Path::new("/nonexistent")).unwrap().config;
        diagnosed(&config, &captured, &model.net, &weights, (&sent, UpdateKind::Gradient, &sent)).findings
    };
    let l2 = "attack.distance=l2".to_owned();
    let refused = found(std::slice::from_ref(&l2));
    assert!(refused[0].sure && refused[0].what.contains("0.2 times the gradient"), "{}", refused[0]);
    assert!(found(&[l2, "post=[{ kind = \"clip\", norm = 0.1 }]".to_owned()]).is_empty());
}

/// `cargo test --release --lib five_hundred -- --ignored --nocapture` prints the counts that
/// docs/captured.md states.
#[test]
#[ignore = "takes half a minute alone; the test beside it checks every eleventh"]
fn five_hundred_honest_updates_are_not_refused() {
    let (count, warned) = judge(0..520);
    use std::io::Write;
    writeln!(std::io::stderr(), "{count} honest updates, none refused; warned of: {warned:#?}").unwrap();
}
