//! Distances with their cotangents and their gradients to the input, and priors on the candidate.

use std::sync::Arc;

use serde_json::Value;

use super::{Tensors, assert_close, net, settings, tensors};
use crate::attack::objective::Distance;
use crate::attack::{GradientMatching, LabelVariable, prior};
use crate::backend::{self, Compute, Precision};
use crate::config::{self, BatchNormMode, DistanceKind, LayerWeights, Mask, Over, PriorKind, Priors};
use crate::fl::AttackerView;
use crate::model::{Model, Moments, Parameters, Pull, Shown, Targets, TensorSpec};

/// The distances of the reference by their names there.
fn distances() -> Vec<(&'static str, config::Distance)> {
    use DistanceKind::{Angular, Cosine, Gauss, L1, L2, LayerCosine, MaskedCosine, Tag};
    let plain = |kind: DistanceKind| config::Distance::from(kind);
    let layers = |kind, layers| config::Distance { layers: Some(layers), ..plain(kind) };
    let masked = |mask, keep| config::Distance { mask: Some(mask), keep, ..plain(MaskedCosine) };
    let tag = |alpha, layers| config::Distance { alpha: Some(alpha), layers, ..plain(Tag) };
    vec![
        ("l1", plain(L1)),
        ("angular", plain(Angular)),
        ("cos_layer", plain(LayerCosine)),
        ("cos_layer_mean", config::Distance { over: Some(Over::Mean), ..plain(LayerCosine) }),
        ("cos_masked_nonzero", masked(Mask::NonZero, None)),
        ("cos_masked_topk", masked(Mask::TopK, Some(0.25))),
        ("cos_masked_topk_whole", masked(Mask::TopKWhole, None)),
        ("tag_0.01", tag(0.01, None)),
        ("tag_0.1", tag(0.1, None)),
        ("tag_0.1_linear", tag(0.1, Some(LayerWeights::Linear))),
        ("gauss", plain(Gauss)),
        ("l2_equal", plain(L2)),
        ("l2_linear", layers(L2, LayerWeights::Linear)),
        ("l2_exp", layers(L2, LayerWeights::Exp)),
        ("cos_equal", plain(Cosine)),
        ("cos_linear", layers(Cosine, LayerWeights::Linear)),
        ("cos_exp", layers(Cosine, LayerWeights::Exp)),
    ]
}

struct Reference {
    manifest: Value,
    tensors: Tensors,
}

impl Reference {
    fn read() -> Reference {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/objectives.json");
        let manifest = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        Reference { manifest, tensors: tensors("objectives.f64") }
    }

    fn values(&self, key: &str) -> &[f64] {
        &self.tensors.get(key).unwrap_or_else(|| panic!("there is no {key}")).1
    }

    fn shape(&self, key: &str) -> [usize; 4] {
        self.tensors[key].0.as_slice().try_into().unwrap()
    }

    fn scalar(&self, key: &str) -> f64 {
        self.manifest["scalars"]["f64"][key].as_f64().unwrap_or_else(|| panic!("there is no {key}"))
    }

    fn named(&self, compute: &Compute, specs: &Arc<[TensorSpec]>, prefix: &str) -> Parameters {
        let values = |spec: &TensorSpec| self.values(&format!("{prefix}.{}", spec.name)).to_vec();
        Parameters::from_values(compute, specs.clone(), values)
    }

    /// Value and cotangent at stored gradients.
    fn check(
        &self,
        key: &str,
        config: config::Distance,
        of: (&Parameters, &Parameters),
        tolerance: (f64, f64),
    ) {
        let (g, h) = of;
        let found = Distance::new(config, h.clone()).compare(g.clone());
        let join = |value: &dyn Fn(&str) -> Vec<f64>| -> Vec<f64> {
            g.specs().iter().flat_map(|spec| value(&spec.name)).collect()
        };
        let v = join(&|name| found.cotangent.values(name).unwrap());
        let expected = self.scalar(key);
        let distance = found.distance();
        let error = (distance - expected).abs();
        // A cosine near 1 cancels: small distances are compared absolutely.
        assert!(error <= tolerance.0 * expected.max(1.0), "{key}: {distance} {expected}");
        if self.tensors.keys().any(|stored| stored.starts_with(&format!("{key}.v."))) {
            let expected = join(&|name| self.values(&format!("{key}.v.{name}")).to_vec());
            assert_close(&format!("{key}.v"), &v, &expected, tolerance.1);
        }
    }
}

/// Tolerances of values, cotangents and gradients to the input.
fn tolerances(compute: &Compute) -> (f64, f64, f64) {
    match compute.precision() {
        Precision::F64 => (1e-11, 1e-9, 1e-8),
        Precision::F32 => (5e-6, 1e-4, 5e-4),
    }
}

#[test]
fn distances_and_their_gradients_through_networks_agree_with_pytorch() {
    let reference = Reference::read();
    for (case, about) in reference.manifest["cases"].as_object().unwrap() {
        let network = about["net"].as_str().unwrap();
        let mode = if about["train"] == true { BatchNormMode::Train } else { BatchNormMode::Eval };
        for (compute, _) in settings() {
            let (values, cotangents, gradients) = tolerances(&compute);
            let net = net(&reference.manifest["nets"][network]);
            let specs = net.parameter_specs().clone();
            let labels: Vec<usize> =
                reference.values(&format!("{network}.labels")).iter().map(|&label| label as usize).collect();
            let model = Model {
                parameters: reference.named(&compute, &specs, &format!("{network}.param")),
                buffers: reference.named(&compute, net.buffer_specs(), &format!("{network}.buffer")),
                net,
            };
            let g = reference.named(&compute, &specs, &format!("{case}.g"));
            for (name, config) in distances() {
                let prefix = if name == "cos_masked_nonzero" { "h_sparse" } else { "h" };
                let h = reference.named(&compute, &specs, &format!("{case}.{prefix}"));
                let key = format!("{case}.{name}");
                reference.check(&key, config, (&g, &h), (values, cotangents));
                let view = AttackerView::of_gradient(&compute, model.clone(), h, labels.clone(), mode);
                let distance = Distance::new(config, view.observed());
                let variable = LabelVariable::Fixed(labels.clone());
                let objective = GradientMatching::new(&view, distance, Priors::default(), variable);
                let found = objective.evaluate(reference.values(&format!("{network}.x_trial")));
                let what = format!("{key} on {} {:?}", compute.name(), compute.precision());
                let live = reference.scalar(&format!("{key}.live"));
                let error = (found.matching - live).abs();
                assert!(error <= 10.0 * values * live.max(1.0), "{what}: {} {live}", found.matching);
                assert_close(&what, &found.gradient, reference.values(&format!("{key}.dx")), gradients);
            }
        }
    }
}

#[test]
fn distances_at_their_edges_agree_with_pytorch() {
    let reference = Reference::read();
    for (compute, _) in settings() {
        let (values, cotangents, _) = tolerances(&compute);
        let specs: Vec<TensorSpec> = ["0", "1", "2"]
            .map(|name| {
                let shape = reference.tensors[&format!("unit.h.{name}")].0.clone();
                TensorSpec { name: name.into(), shape }
            })
            .into();
        let named = |prefix: &str| reference.named(&compute, &specs.clone().into(), prefix);
        let (g, h) = (named("unit.g"), named("unit.h"));
        for (name, config) in distances() {
            reference.check(&format!("unit.{name}"), config, (&g, &h), (values, cotangents));
        }
        let (parallel, opposite) = (h.clone().scaled(2.0), h.clone().scaled(-1.0));
        let angular = DistanceKind::Angular.into();
        reference.check("unit.angular_parallel", angular, (&parallel, &h), (values, cotangents));
        reference.check("unit.angular_opposite", angular, (&opposite, &h), (values, cotangents));
    }
}

#[test]
fn priors_on_the_candidate_agree_with_pytorch() {
    let reference = Reference::read();
    let (mean, std) = (reference.values("prior.mean"), reference.values("prior.std"));
    let range: Vec<(f64, f64)> =
        mean.iter().zip(std).map(|(mean, std)| (-mean / std, (1.0 - mean) / std)).collect();
    let candidate = prior::Candidate {
        x: reference.values("prior.x"),
        shape: reference.shape("prior.x"),
        range: &range,
        epochs: 1,
    };
    for (name, kind) in [
        ("tv_aniso", PriorKind::Tv),
        ("tv_l2", PriorKind::TvL2),
        ("tv_sq", PriorKind::TvSq),
        ("tv_color", PriorKind::TvColor),
        ("l2norm", PriorKind::L2norm),
        ("clip_box", PriorKind::ClipBox),
    ] {
        let mut gradient = vec![0.0; candidate.x.len()];
        let value = prior::add(&Priors::one(kind, 1.0), candidate, &mut gradient);
        let key = format!("prior.{name}");
        assert_close(&key, &[value], &[reference.scalar(&key)], 1e-12);
        assert_close(&key, &gradient, reference.values(&format!("{key}.dx")), 1e-12);
    }
}

#[test]
fn priors_on_codes_and_epochs_agree_with_pytorch() {
    let reference = Reference::read();
    let z = reference.values("prior.z");
    for (name, kind) in [("kl_z", PriorKind::KlZ), ("norm_z", PriorKind::NormZ)] {
        let key = format!("prior.{name}");
        let latent = 16;
        let mut gradient = vec![0.0; z.len()];
        let value = prior::add_of_codes(&Priors::one(kind, 1.0), z, latent, &mut gradient);
        assert_close(&key, &[value], &[reference.scalar(&key)], 1e-12);
        assert_close(&key, &gradient, reference.values(&format!("{key}.dz")), 1e-12);
    }
    let all = reference.values("prior.epochs");
    for epochs in [2, 3] {
        let x = &all[..all.len() / 3 * epochs];
        let candidate = prior::Candidate { x, shape: [2 * epochs, 3, 8, 8], range: &[], epochs };
        for (kind, psi) in [(PriorKind::OrderInv, "mean"), (PriorKind::OrderInvMax, "max")] {
            let mut gradient = vec![0.0; x.len()];
            let value = prior::add(&Priors::one(kind, 1.0), candidate, &mut gradient);
            let key = format!("prior.order_inv_{psi}_e{epochs}");
            assert_close(&key, &[value], &[reference.scalar(&key)], 1e-12);
            assert_close(&key, &gradient, reference.values(&format!("{key}.dx")), 1e-12);
        }
        for (psi, word) in [(prior::Psi::Mean, "mean"), (prior::Psi::Max, "max")] {
            if epochs == 2 {
                let mut gradient = vec![0.0; x.len()];
                let filters = reference.values("prior.filters");
                let value = prior::of_features(candidate, filters, psi, 1.0, &mut gradient);
                let key = format!("prior.order_inv_conv_{word}_e2");
                assert_close(&key, &[value], &[reference.scalar(&key)], 1e-12);
                assert_close(&key, &gradient, reference.values(&format!("{key}.dx")), 1e-12);
            }
        }
    }
}

#[test]
fn agreement_of_members_is_that_of_pytorch() {
    let reference = Reference::read();
    let seeds = reference.values("prior.seeds");
    let members: Vec<Vec<f64>> = seeds.chunks(seeds.len() / 3).map(<[f64]>::to_vec).collect();
    let mut gradient: Vec<Vec<f64>> = members.iter().map(|member| vec![0.0; member.len()]).collect();
    let value = prior::add_of_members(&Priors::one(PriorKind::Group, 1.0), &members, &mut gradient);
    assert_close("prior.group", &[value], &[reference.scalar("prior.group")], 1e-12);
    assert_close("prior.group.dx", &gradient.concat(), reference.values("prior.group.dx"), 1e-12);
}

#[test]
fn last_features_and_the_way_back_from_them_agree_with_pytorch() {
    let reference = Reference::read();
    for (compute, _) in settings() {
        let wide = compute.precision() == Precision::F64;
        let (close, slope) = if wide { (1e-11, 1e-9) } else { (1e-5, 5e-6) };
        let net = net(&reference.manifest["nets"]["lenet"]);
        let model = Model {
            parameters: reference.named(&compute, net.parameter_specs(), "lenet.param"),
            buffers: reference.named(&compute, net.buffer_specs(), "lenet.buffer"),
            net,
        };
        let labels: Vec<usize> =
            reference.values("prior.feat.labels").iter().map(|&label| label as usize).collect();
        let targets = Targets::hard(&compute, &labels, model.net.classes());
        let mode = BatchNormMode::Eval;
        let update = {
            let x =
                compute.tensor(reference.values("prior.feat.x_true"), reference.shape("prior.feat.x_true"));
            model.gradient(mode, &x, &targets).1
        };
        let view = AttackerView::of_gradient(&compute, model.clone(), update, labels.clone(), mode);
        let what = format!("prior.feat on {} {:?}", compute.name(), compute.precision());
        // Stored in 32 bit.
        let features = reference.values("prior.feat.f_obs").to_vec();
        assert_close(&what, &view.known_features(&labels), &features, 5e-6);
        let known = prior::Known { features, ..prior::Known::default() };
        let x = compute.tensor(reference.values("prior.feat.x"), reference.shape("prior.feat.x"));
        let first = model.first_pass(mode, &x, &targets);
        let shown = Shown { features: model.features(&first.kept, mode, &x), ..Shown::default() };
        let (value, pulled) = prior::of_shown(&Priors::one(PriorKind::Feat, 1.0), &shown, &known);
        assert_close(&what, &[value], &[reference.scalar("prior.feat")], close);
        let zero = model.parameters.clone().scaled(0.0);
        let through = model.pull(&first.kept, mode, &x, &targets, &Pull { gradient: &zero, shown: &pulled });
        let found = backend::values(&through.to_input);
        assert_close(&what, &found, reference.values("prior.feat.dx"), slope);
    }
}

#[test]
fn moments_of_batch_norm_and_the_way_back_from_them_agree_with_pytorch() {
    let reference = Reference::read();
    for (compute, _) in settings() {
        let wide = compute.precision() == Precision::F64;
        let (close, slope) = if wide { (1e-11, 1e-9) } else { (1e-5, 1e-4) };
        let net = net(&reference.manifest["nets"]["convnet"]);
        let model = Model {
            parameters: reference.named(&compute, net.parameter_specs(), "convnet.param"),
            buffers: reference.named(&compute, net.buffer_specs(), "convnet.buffer"),
            net,
        };
        let key = "convnet.x_trial";
        let x = compute.tensor(reference.values(key), reference.shape(key));
        let labels: Vec<usize> =
            reference.values("convnet.labels").iter().map(|&label| label as usize).collect();
        let targets = Targets::hard(&compute, &labels, model.net.classes());
        for (mode, word) in [(BatchNormMode::Eval, "eval"), (BatchNormMode::Train, "train")] {
            let first = model.first_pass(mode, &x, &targets);
            let seen = model.moments(&first.kept, mode, &x);
            let exact = ["bn0", "bn1"].map(|layer| {
                let of =
                    |what: &str| reference.values(&format!("prior.bn_exact_{word}.{layer}.{what}")).to_vec();
                Moments { mean: of("mean"), variance: of("var") }
            });
            let running: Vec<Vec<f64>> = model.buffers.tensors().iter().map(backend::values).collect();
            let running =
                running.chunks(2).map(|of| Moments { mean: of[0].clone(), variance: of[1].clone() });
            let running: Vec<Moments> = running.collect();
            let known = [(&exact[..], "exact"), (&running[..], "running")];
            let kinds = [(PriorKind::Bn, "first10"), (PriorKind::BnEqual, "first1")];
            for ((known, name), (kind, weights)) in
                known.into_iter().flat_map(|known| kinds.map(|kind| (known, kind)))
            {
                let shown = Shown { moments: seen.clone(), ..Shown::default() };
                let known = prior::Known { moments: known.to_vec(), ..prior::Known::default() };
                let (value, pulled) = prior::of_shown(&Priors::one(kind, 1.0), &shown, &known);
                let key = format!("prior.bn_reg_{word}_{name}_{weights}");
                let what = format!("{key} on {} {:?}", compute.name(), compute.precision());
                assert_close(&what, &[value], &[reference.scalar(&key)], close);
                let zero = model.parameters.clone().scaled(0.0);
                let pull = Pull { gradient: &zero, shown: &pulled };
                let through = model.pull(&first.kept, mode, &x, &targets, &pull);
                let found = backend::values(&through.to_input);
                assert_close(&what, &found, reference.values(&format!("{key}.dx")), slope);
            }
        }
    }
}
