//! Post-processing against reference vectors, finite differences and many draws, and in a federation.
#![allow(clippy::unwrap_used)]

mod draws;
mod golden;
mod passes;
mod pulls;
mod samples;
mod torch;

use std::path::Path;
use std::sync::Arc;

use super::*;
use crate::attack::objective::Distance;
use crate::backend::{self, Compute, Precision};
use crate::config::{DistanceKind, preset};
use crate::fl::{At, AttackerView, Server, Setup, Source};
use crate::model::{Initialisation, Layer, Model, Targets, TensorSpec};
use crate::seed::Seed;

/// A step as a preset writes it, for tensors of these sizes.
fn step(written: &str, sizes: &[usize]) -> Arc<dyn Post> {
    Posts::of(&[read(written)], &specs(sizes)).unwrap().steps.remove(0)
}

fn read(written: &str) -> config::Post {
    let mut table: toml::Table = toml::from_str(&format!("step = {{ {written} }}")).unwrap();
    table.remove("step").unwrap().try_into().unwrap()
}

fn specs(sizes: &[usize]) -> Vec<TensorSpec> {
    let spec = |(i, &size): (usize, &usize)| TensorSpec { name: format!("t{i}"), shape: vec![size] };
    sizes.iter().enumerate().map(spec).collect()
}

/// What a client sends that has one sample of zeros, by a step that looks at nothing but the update.
pub(in crate::fl::post) fn applied(
    step: &Arc<dyn Post>,
    update: Parameters,
    generator: &mut ChaCha8Rng,
) -> Parameters {
    let compute = Compute::select("flex", Precision::F64).unwrap();
    let net = net();
    let model = Model {
        parameters: net.initial_parameters(&compute, Seed(0)),
        buffers: net.initial_buffers(&compute),
        net,
    };
    let (x, targets) = (compute.zeros([1, 1, 2, 2]), Targets::hard(&compute, &[0], 2));
    let own = At { model: &model, mode: BatchNormMode::Eval, x: &x, targets: &targets };
    step.apply(update, &Sending { own, round: 0 }, generator)
}

/// Of classes and inputs that no step asks for.
fn net() -> Net {
    let layers = vec![Layer::Flatten, Layer::linear("fc", 4, 2)];
    Net::new(layers, [1, 2, 2], Initialisation::PyTorch).unwrap()
}

/// What is received of several clients.
fn of_sum(net: &Net) -> Received<'_> {
    Received { net, alone: None, samples: 1 }
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
    let mut at = 0;
    Parameters::from_values(&compute, specs(sizes).into(), |spec| {
        let begin = at;
        at += spec.count();
        values[begin..at].to_vec()
    })
}

fn close(what: &str, actual: &Parameters, expected: &[f64]) {
    let actual = flat(actual);
    assert_eq!(actual.len(), expected.len(), "{what}");
    for (i, (a, e)) in actual.iter().zip(expected).enumerate() {
        assert!(
            a == e || (a - e).abs() <= 1e-14 * e.abs().max(1e-3),
            "{what}, entry {i}: {a:e} against {e:e}"
        );
    }
}

fn seed_normal(stream: &str, count: usize) -> Vec<f64> {
    crate::seed::normal(&mut Seed(3).stream(stream, &[]), count)
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
    let candidate = At { model: &view.model, mode: view.knowledge.batch_norm, x: &x, targets: &targets };
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
            ("post=[{ kind = \"clip\", norm = 0.003, of = \"layer\" }]", 0.5),
            ("post=[{ kind = \"clip\", norm = 1e-4, of = \"entry\" }]", 0.5),
            ("post=[{ kind = \"drop-layers\", layers = \"last\" }]", 0.01),
            ("post=[{ kind = \"quantise\", levels = 4 }]", 1e-3),
            ("post=[{ kind = \"cast\", format = \"bf16\" }]", 1e-8),
            ("post=[{ kind = \"cast\", format = \"int8\" }]", 1e-7),
            ("post=[{ kind = \"sign\" }]", 0.1),
            (
                "post=[{ kind = \"drop-layers\", layers = [\"first\"] }, { kind = \"sign\", scaled = false }]",
                0.5,
            ),
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
    let (share, effect) = at_the_truth(&["post=[{ kind = \"gaussian-noise\", sigma = 0.05 }]"]);
    assert!(share > 0.01, "{share}");
    assert!(effect.cosine < 0.999 && effect.change > 0.01 && effect.zeros < 0.01, "{effect:?}");
    assert_eq!(effect.bits, 32.0);
    let (_, sparse) = at_the_truth(&["post=[{ kind = \"sparsify\", share = 0.9 }]"]);
    assert!(
        (sparse.zeros - 0.9).abs() < 0.01 && (sparse.bits - (1.0 + 32.0 * (1.0 - sparse.zeros))).abs() < 1e-9,
        "{sparse:?}"
    );
}

#[test]
fn bits_are_those_of_the_format_and_of_the_places() {
    let bits = |steps: &str| at_the_truth(&[&format!("post=[{steps}]")]).1.bits;
    let near = |steps: &str, expected: f64| {
        let bits = bits(steps);
        assert!((bits - expected).abs() < 1e-9, "{steps}: {bits} {expected}");
    };
    near("{ kind = \"cast\", format = \"fp16\" }", 16.0);
    near("{ kind = \"cast\", format = \"int8\" }", 8.0);
    near("{ kind = \"sign\" }", 1.0);
    near("{ kind = \"quantise\", levels = 4, scale = \"l2\", rounding = \"stochastic\" }", 9_f64.log2());
    near("{ kind = \"quantise\", levels = 4 }, { kind = \"cast\", format = \"fp16\" }", 9_f64.log2());
    near("{ kind = \"laplace-noise\", scale = 0.1 }", 32.0);
    // Noise fills the zeros, and every number is sent again.
    near("{ kind = \"sparsify\", share = 0.9 }, { kind = \"gaussian-noise\", sigma = 0.1 }", 32.0);
    let (_, random) = at_the_truth(&["post=[{ kind = \"sparsify\", share = 0.9, choice = \"random\" }]"]);
    assert!((random.bits - (1.0 + (1.0 - random.zeros) * 32.0)).abs() < 1e-9, "{random:?}");
    let dropped = bits("{ kind = \"drop-layers\", layers = [\"last\"] }");
    assert!(dropped > 0.0 && dropped < 32.0, "{dropped}");
}

#[test]
fn an_update_is_written_in_the_shortest_form() {
    let sparse = Code { places: true, ..Code::default() };
    let sign = Code { width: 1.0, or_zero: 3_f64.log2(), ..Code::default() };
    let signs = Code { places: true, ..sign };
    for (what, code, zeros, bits) in [
        ("a tenth left out", sparse, 0.1, 1.0 + 0.9 * 32.0),
        ("half of them", sparse, 0.5, 17.0),
        ("all but a hundredth", sparse, 0.99, 0.01 * 64.0),
        ("none of them", sparse, 0.0, 32.0),
        ("signs", sign, 0.0, 1.0),
        ("signs with a few zeros", sign, 0.24, 3_f64.log2()),
        ("signs of half", signs, 0.5, 1.5),
        ("signs of three quarters", signs, 0.24, 3_f64.log2()),
        ("signs of some layers", Code { left_out: 0.4, ..sign }, 0.4, 0.6),
        ("some layers, and zeros in them", Code { left_out: 0.4, ..sparse }, 0.7, 0.6 + 0.3 * 32.0),
    ] {
        assert!((code.bits(zeros) - bits).abs() < 1e-12, "{what}: {} {bits}", code.bits(zeros));
    }
}

#[test]
fn layers_that_the_model_lacks_are_refused_with_the_nearest() {
    let tensors: Vec<TensorSpec> =
        ["conv1.weight", "conv1.bias", "block.0.conv.weight", "fc.weight", "fc.bias"]
            .map(|name| TensorSpec { name: name.to_owned(), shape: vec![2] })
            .to_vec();
    let made =
        |layers: &str| Posts::of(&[read(&format!("kind = \"drop-layers\", layers = {layers}"))], &tensors);
    let refused = |layers: &str| made(layers).unwrap_err();
    assert_eq!(
        refused("[\"fc\", \"fc.wieght\"]"),
        "post[0].layers: the model has no layer or tensor \"fc.wieght\"; did you mean \"fc.weight\"?"
    );
    assert_eq!(
        refused("\"attention\""),
        "post[0].layers: the model has no layer or tensor \"attention\"; it has conv1, block.0.conv, fc"
    );
    assert_eq!(
        refused("[\"conv1\", \"block\", \"fc\"]"),
        "post[0].layers holds every layer of the model; nothing would be sent"
    );
    let compute = Compute::select("flex", Precision::F64).unwrap();
    for (layers, zeros) in
        [("\"first\"", [0, 1].as_slice()), ("\"last\"", &[3, 4]), ("[\"block.0\", \"fc.bias\"]", &[2, 4])]
    {
        let g = Parameters::from_values(&compute, tensors.clone().into(), |_| vec![1.0, 2.0]);
        let sent = applied(&made(layers).unwrap().steps[0], g, &mut generator());
        let empty = |at: &usize| backend::values(&sent.tensors()[*at]) == [0.0, 0.0];
        assert_eq!((0..5).filter(empty).collect::<Vec<_>>(), zeros, "{layers}");
    }
}

#[test]
fn every_defence_of_the_catalogue_is_built() {
    for defence in crate::catalogue::defence::DEFENCES {
        assert!(builder(defence.name).is_some(), "{}", defence.name);
    }
}
