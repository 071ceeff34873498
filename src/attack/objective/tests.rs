//! Distances against finite differences: of their cotangents, and of a candidate through a network.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::attack::{GradientMatching, LabelVariable};
use crate::backend::{self, Compute, Precision};
use crate::config::{BatchNormMode, DISTANCES, LayerWeights, Mask, ModelOptions, Over, Priors};
use crate::fl::AttackerView;
use crate::model::{self, Model, TensorSpec};
use crate::seed::{Seed, normal};

/// Every kind with every option that changes what is computed.
fn every_distance() -> Vec<config::Distance> {
    let plain = |kind: DistanceKind| config::Distance::from(kind);
    let mut all: Vec<config::Distance> = DISTANCES.iter().map(|facts| plain(facts.kind)).collect();
    for layers in [LayerWeights::Linear, LayerWeights::Exp] {
        let takes = DISTANCES.iter().filter(|facts| facts.takes.contains(&"layers"));
        for kind in takes.map(|facts| facts.kind) {
            all.push(config::Distance { layers: Some(layers), alpha: None, ..plain(kind) });
        }
    }
    all.push(config::Distance { over: Some(Over::Mean), ..plain(DistanceKind::LayerCosine) });
    for mask in [Mask::TopK, Mask::TopKWhole] {
        let keep = Some(0.3);
        all.push(config::Distance { mask: Some(mask), keep, ..plain(DistanceKind::MaskedCosine) });
    }
    let (mask, keep) = (Some(Mask::TopKWhole), Some(0.5));
    all.push(config::Distance { mask, keep, alpha: Some(0.5), ..plain(DistanceKind::MaskedCosine) });
    all
}

fn compute() -> Compute {
    Compute::select("flex", Precision::F64).unwrap()
}

/// Tensors of 5, 3 and 2 entries, the second one the positions of a transformer.
fn of(compute: &Compute, values: &[f64]) -> Parameters {
    let spec = |(name, count): (&str, usize)| TensorSpec { name: name.into(), shape: vec![count] };
    let specs: Vec<TensorSpec> = [("a", 5), ("pos_embed", 3), ("c", 2)].map(spec).into();
    let mut rest = values;
    Parameters::from_values(compute, specs.into(), |spec| {
        let (own, behind) = rest.split_at(spec.count());
        rest = behind;
        own.to_vec()
    })
}

fn flat(parameters: &Parameters) -> Vec<f64> {
    parameters.tensors().iter().flat_map(backend::values).collect()
}

fn slope(at: &[f64], i: usize, value: impl Fn(&[f64]) -> f64) -> f64 {
    let moved = |step: f64| {
        let mut at = at.to_vec();
        at[i] += step;
        value(&at)
    };
    (moved(1e-6) - moved(-1e-6)) / 2e-6
}

#[test]
fn every_cotangent_is_the_derivative_with_the_scale_known_or_not() {
    let compute = compute();
    let draw = |stream: &str| normal(&mut Seed(11).stream(stream, &[]), 10);
    let (g, h) = (draw("g"), draw("h"));
    for config in every_distance() {
        for distance in [Distance::new, Distance::up_to_scale] {
            let distance = distance(config, of(&compute, &h));
            let at = |g: &[f64]| distance.compare(of(&compute, g));
            let v = flat(&at(&g).cotangent);
            let size = v.iter().fold(1e-3, |max: f64, v| max.max(v.abs()));
            for (i, v) in v.iter().enumerate() {
                let slope = slope(&g, i, |g| at(g).distance());
                assert!((v - slope).abs() < 1e-6 * size, "{config:?}, {i}: {v} {slope}");
            }
        }
    }
}

#[test]
fn up_to_scale_a_factor_on_the_observed_gradient_changes_nothing() {
    let compute = compute();
    let draw = |stream: &str| normal(&mut Seed(12).stream(stream, &[]), 10);
    let (g, h) = (draw("g"), draw("h"));
    for config in every_distance() {
        let of_times = |factor: f64| {
            let times: Vec<f64> = h.iter().map(|h| h * factor).collect();
            Distance::up_to_scale(config, of(&compute, &times))
        };
        let (one, other) = (of_times(1.0), of_times(65_536.0));
        let at = |distance: &Distance, g: &[f64]| distance.compare(of(&compute, g)).distance();
        let (a, b) = (at(&one, &g), at(&other, &g));
        assert!(a > 0.0 && (a - b).abs() < 1e-9 * a, "{config:?}: {a} {b}");
        assert!((one.scale() - other.scale()).abs() < 1e-9 * one.scale(), "{config:?}");
        let seven: Vec<f64> = h.iter().map(|h| 7.0 * h).collect();
        // The angle ends where its derivative does.
        let least = if config.kind == DistanceKind::Angular { 2e-4 } else { 1e-12 };
        assert!(at(&one, &seven) < least, "{config:?}: {}", at(&one, &seven));
        // Seen as it is, only distances that ignore it do not mind.
        let known = Distance::new(config, of(&compute, &h));
        let off = at(&known, &seven);
        assert_eq!(off < 1e-3, config.ignores_scale(), "{config:?}: {off}");
    }
    let directions = Distance::up_to_scale(DistanceKind::L2, of(&compute, &h));
    let opposite: Vec<f64> = h.iter().map(|h| -h).collect();
    let farthest = directions.compare(of(&compute, &opposite)).distance();
    assert!((farthest - 4.0 * directions.scale()).abs() < 1e-9);
}

#[test]
fn the_scale_is_the_distance_of_nothing() {
    let compute = compute();
    let h = normal(&mut Seed(13).stream("h", &[]), 10);
    for config in every_distance() {
        let distance = Distance::new(config, of(&compute, &h));
        let expected = match config.kind {
            DistanceKind::Cosine => 1.0,
            DistanceKind::MaskedCosine => 1.0 + config.alpha(),
            DistanceKind::Angular => 0.5,
            DistanceKind::LayerCosine if config.over.is_some() => 1.0,
            DistanceKind::LayerCosine => config.layers.unwrap_or_default().of(3).iter().sum(),
            _ => distance.compare(of(&compute, &[0.0; 10])).distance(),
        };
        assert!((distance.scale() - expected).abs() < 1e-12, "{config:?}: {}", distance.scale());
    }
}

#[test]
fn what_a_device_computes_is_what_memory_does() {
    let draw = |stream: &str| normal(&mut Seed(14).stream(stream, &[]), 10);
    let (g, mut h) = (draw("g"), draw("h"));
    h[3] = 0.0;
    let on = |backend: &str, config: config::Distance| {
        let compute = Compute::select(backend, Precision::F64).unwrap();
        let found = Distance::new(config, of(&compute, &h)).compare(of(&compute, &g));
        let v = flat(&found.cotangent);
        (found.distance(), v)
    };
    for config in every_distance() {
        let ((memory, of_memory), (device, of_device)) = (on("flex", config), on("ndarray", config));
        assert!((memory - device).abs() < 1e-12 * memory, "{config:?}: {memory} {device}");
        assert!(of_memory.iter().zip(&of_device).all(|(a, b)| (a - b).abs() < 1e-12), "{config:?}");
    }
}

#[test]
fn what_a_layer_does_not_say_does_not_pull() {
    let compute = compute();
    let h = normal(&mut Seed(15).stream("h", &[]), 10);
    let silent = [&h[..5], &[0.0; 3], &h[8..]].concat();
    for kind in [DistanceKind::LayerCosine, DistanceKind::Gauss] {
        // A tensor of h that is all zero is left out; one of g that is has no direction.
        let distance = Distance::new(kind, of(&compute, &silent));
        let found = distance.compare(of(&compute, &h));
        assert!(found.cotangent.values("pos_embed").unwrap().iter().all(|v| *v == 0.0), "{kind:?}");
        assert!(found.distance() < 1e-12, "{kind:?}");
    }
    let found = Distance::new(DistanceKind::LayerCosine, of(&compute, &h)).compare(of(&compute, &silent));
    assert!(flat(&found.cotangent).iter().all(|v| v.is_finite() && v.abs() < 1e-12));
    assert!((found.distance() - 1.0).abs() < 1e-12);
}

fn model(name: &str, compute: &Compute, input: [usize; 3]) -> Model {
    let options = ModelOptions { width: Some(0.25), ..ModelOptions::default() };
    let net = model::architecture(name).unwrap().net(&options, input, 3).unwrap();
    Model { parameters: net.initial_parameters(compute, Seed(1)), buffers: net.initial_buffers(compute), net }
}

/// A view of a smooth network and its update, and a candidate.
fn view(compute: &Compute) -> (AttackerView, Vec<f64>) {
    let model = model("lenet", compute, [1, 8, 8]);
    let draw = |stream: &str| normal(&mut Seed(2).stream(stream, &[]), 128);
    let x = compute.tensor(&draw("x"), [2, 1, 8, 8]);
    let targets = crate::model::Targets::hard(compute, &[0, 2], 3);
    let (_, values) = model.gradient(BatchNormMode::Eval, &x, &targets);
    let view = AttackerView::of_gradient(compute, model, values, vec![0, 2], BatchNormMode::Eval);
    (view, draw("candidate"))
}

#[test]
fn through_a_network_every_gradient_to_the_candidate_is_the_slope() {
    let compute = compute();
    let (view, z) = view(&compute);
    for config in every_distance() {
        let distance = Distance::new(config, view.observed());
        let objective =
            GradientMatching::new(&view, distance, Priors::default(), LabelVariable::Fixed(vec![0, 2]));
        let gradient = objective.evaluate(&z).gradient;
        let size = gradient.iter().fold(0.0, |max: f64, g| max.max(g.abs()));
        assert!(size > 0.0, "{config:?}");
        for i in (0..z.len()).step_by(17) {
            let slope = slope(&z, i, |z| objective.evaluate(z).matching);
            assert!((gradient[i] - slope).abs() < 1e-5 * size, "{config:?}, {i}: {} {slope}", gradient[i]);
        }
    }
}

#[test]
fn a_bias_in_front_of_a_batch_norm_in_train_mode_is_left_out_as_noise() {
    for precision in [Precision::F32, Precision::F64] {
        let compute = Compute::select("flex", precision).unwrap();
        let draw = |stream: &str| normal(&mut Seed(4).stream(stream, &[]), 4 * 3 * 16 * 16);
        let layers = vec![
            crate::model::Layer::conv("conv", 3, 8, 3, 1, 1),
            crate::model::Layer::batch_norm("bn", 8),
            crate::model::Layer::Flatten,
            crate::model::Layer::linear("fc", 8 * 16 * 16, 3),
        ];
        let net = crate::model::Net::new(layers, [3, 16, 16], crate::model::Initialisation::PyTorch).unwrap();
        let model = Model {
            parameters: net.initial_parameters(&compute, Seed(1)),
            buffers: net.initial_buffers(&compute),
            net,
        };
        let x = compute.tensor(&draw("x"), [4, 3, 16, 16]);
        let targets = crate::model::Targets::hard(&compute, &[0, 1, 2, 0], 3);
        let (_, h) = model.gradient(BatchNormMode::Train, &x, &targets);
        let speaking = silent::speaking(h.specs(), &h.products_by_tensor(&h));
        let silent: Vec<&str> = h
            .specs()
            .iter()
            .zip(speaking)
            .filter(|(_, speaks)| !speaks)
            .map(|(spec, _)| spec.name.as_str())
            .collect();
        assert_eq!(silent, ["conv.bias"], "{precision:?}");
    }
}
