#![allow(clippy::unwrap_used)]

use serde_json::{Value, json};

use super::*;
use crate::backend::{Compute, Precision};
use crate::config::{BatchNormMode, Loss, ModelOptions};
use crate::fl::{Client, Protocol, UpdateKind};
use crate::golden::{self, assert_close};
use crate::model::{Descent, Model, Net, Optimiser, Parameters, Step, architecture};
use crate::seed;

/// The reference batches and their vectors.
struct Golden {
    manifest: Value,
    tensors: std::collections::BTreeMap<String, (Vec<usize>, Vec<f64>)>,
}

impl Golden {
    fn load() -> Golden {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/labels.json");
        let manifest = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        Golden { manifest, tensors: golden::tensors("labels.f64") }
    }

    fn cases(&self) -> &[Value] {
        self.manifest["cases"].as_array().unwrap()
    }

    fn case(&self, name: &str) -> &Value {
        self.cases().iter().find(|case| case["case"] == name).unwrap()
    }

    fn values(&self, key: &str) -> &[f64] {
        &self.tensors.get(key).unwrap_or_else(|| panic!("there is no {key}")).1
    }

    /// The network of a case, with another non-linearity if one is given.
    fn net(&self, case: &Value, activation: Option<&str>) -> Net {
        let mut layers =
            self.manifest["nets"][case["net"].as_str().unwrap()]["spec"].as_array().unwrap().clone();
        if let Some(activation) = activation {
            layers
                .iter_mut()
                .filter(|layer| layer[0] == "relu")
                .for_each(|layer| layer[0] = activation.into());
        }
        layers.insert(0, json!(["flatten", "", {}]));
        golden::net(&json!({ "spec": layers, "in_shape": [24, 1, 1] }))
    }

    /// What the attacker sees of a case: the classifier's gradient is the stored one, all else is zero.
    fn view(&self, case: &Value, net: Net, precision: Precision) -> AttackerView {
        let compute = Compute::select("flex", precision).unwrap();
        let (name, net_name) = (case["case"].as_str().unwrap(), case["net"].as_str().unwrap());
        let specs = net.parameter_specs().clone();
        let own = |spec: &crate::model::TensorSpec| {
            self.values(&format!("{net_name}.param.{}", spec.name)).to_vec()
        };
        let parameters = Parameters::from_values(&compute, specs.clone(), own);
        let values = Parameters::from_values(&compute, specs, |spec| match spec.name.as_str() {
            "fc3.weight" => self.values(&format!("{name}.gw")).to_vec(),
            "fc3.bias" => self.values(&format!("{name}.gb")).to_vec(),
            _ => vec![0.0; spec.count()],
        });
        let samples = case["batch"].as_u64().unwrap() as usize;
        let model = Model { buffers: net.initial_buffers(&compute), net, parameters };
        let mut view =
            AttackerView::of_gradient(&compute, model, values, vec![0; samples], BatchNormMode::Eval);
        view.knowledge.labels = None;
        view
    }

    fn whole(&self, name: &str) -> AttackerView {
        let case = self.case(name);
        self.view(case, self.net(case, None), Precision::F64)
    }

    /// The random inputs that the references used.
    fn dummies(&self, case: &Value) -> Vec<f64> {
        let set = case["net"].as_str().unwrap().split('.').next().unwrap();
        self.values(&format!("{set}.dummy")).to_vec()
    }
}

/// Labels of `{"3": 1, "5": 3}`.
fn labels(counts: &Value) -> Vec<usize> {
    let mut labels: Vec<usize> = counts
        .as_object()
        .unwrap()
        .iter()
        .flat_map(|(class, count)| {
            std::iter::repeat_n(class.parse::<usize>().unwrap(), count.as_u64().unwrap() as usize)
        })
        .collect();
    labels.sort_unstable();
    labels
}

fn refused(name: &str, view: &AttackerView) -> String {
    rule(name).unwrap().infer(view, Seed(1)).unwrap_err().to_string()
}

#[test]
fn every_rule_answers_as_the_references_do() {
    let golden = Golden::load();
    assert_eq!(golden.cases().len(), 38);
    for case in golden.cases() {
        for precision in [Precision::F64, Precision::F32] {
            let view = golden.view(case, golden.net(case, None), precision);
            let mut evidence = Evidence::of(&view, Seed(1)).unwrap();
            evidence.dummies = golden.dummies(case);
            for rule in &RULES {
                let expected = labels(&case["rules"][rule.name.replace('-', "_")]["counts"]);
                let answer = (rule.read)(&evidence).unwrap();
                assert_eq!(answer.labels, expected, "{} {} {precision:?}", case["case"], rule.name);
                assert_eq!(answer.doubt, None, "{} {}", case["case"], rule.name);
            }
        }
    }
}

#[test]
fn real_counts_are_those_of_the_references() {
    let golden = Golden::load();
    for case in golden.cases() {
        let name = case["case"].as_str().unwrap();
        let view = golden.view(case, golden.net(case, None), Precision::F64);
        let mut evidence = Evidence::of(&view, Seed(1)).unwrap();
        evidence.dummies = golden.dummies(case);
        let ilrg::Solution { raw, condition } = ilrg::solve(&evidence).unwrap();
        let stated = case["ilrg_condition"].as_f64().unwrap();
        assert_close(&format!("{name} condition"), &[condition], &[stated], 1e-8);
        assert_close(
            &format!("{name} ilrg"),
            &raw,
            golden.values(&format!("{name}.raw.ilrg")),
            1e-11 * stated,
        );
        let raw = zlg::raw(&evidence).unwrap();
        assert_close(&format!("{name} zlg"), &raw, golden.values(&format!("{name}.raw.zlg")), 1e-11);
    }
}

#[test]
fn a_rule_is_asked_where_its_needs_hold() {
    let golden = Golden::load();
    let mut refusals = 0;
    for case in golden.cases() {
        let view = golden.view(case, golden.net(case, None), Precision::F64);
        // The random inputs of zlg are its own here.
        for rule in RULES.iter().filter(|rule| rule.name != "zlg") {
            let stated = &case["rules"][rule.name.replace('-', "_")];
            match rule.infer(&view, Seed(1)) {
                Ok(answer) => {
                    assert_eq!(answer.labels, labels(&stated["counts"]), "{} {}", case["case"], rule.name)
                }
                Err(error) => {
                    refusals += 1;
                    let says = if rule.name == "idlg" { "a single sample" } else { "more than 10 classes" };
                    assert!(error.to_string().contains(says), "{} {}: {error}", case["case"], rule.name);
                }
            }
        }
    }
    // idlg on all but the 4 batches of one, yin on those of 16, 32 and 64 with ten classes.
    assert_eq!(refusals, 34 + 6);
}

#[test]
fn counts_do_not_depend_on_the_random_inputs_drawn() {
    let golden = Golden::load();
    let view = golden.whole("c10.untrained.b8.repeated");
    let zlg = rule("zlg").unwrap();
    let answer = zlg.infer(&view, Seed(1)).unwrap();
    assert_eq!(answer, zlg.infer(&view, Seed(1)).unwrap());
    assert_eq!(answer, zlg.infer(&view, Seed(2)).unwrap());
}

#[test]
fn what_a_rule_needs_and_does_not_have_is_said_in_one_sentence() {
    let golden = Golden::load();
    let view = golden.whole("c10.untrained.b4.unique");
    let with_net = |change: &dyn Fn(Net) -> Net| {
        let mut view = view.clone();
        view.model.net = change(view.model.net.clone());
        view
    };
    let without_bias = with_net(&|net| net.with_frozen(vec![5]));
    let without_weight = with_net(&|net| net.with_frozen(vec![4]));
    let squared = with_net(&|net| net.with_loss(Loss::Mse));
    let smoothed = with_net(&|net| net.with_loss(Loss::LabelSmoothing(0.1)));
    let mut estimated = view.clone();
    estimated.knowledge.scale = false;
    let case = golden.case("c10.untrained.b4.unique");
    let tanh = golden.view(case, golden.net(case, Some("tanh")), Precision::F64);
    let crowded = golden.whole("c10.untrained.b16.repeated");
    for (rules, view, says) in [
        (
            &["negative-bias", "bias-corrected", "ilrg"][..],
            &without_bias,
            "it needs the gradient to the bias",
        ),
        (
            &["idlg", "negative-bias", "yin", "bias-corrected", "llg", "zlg", "ilrg"],
            &without_weight,
            "not sent",
        ),
        (&["idlg"], &view, "it reads the label of a single sample, but the batch has 4"),
        (&["yin"], &crowded, "16 samples are more than 10 classes"),
        (&["negative-bias"], &squared, "which the squared error does not do"),
        (&["yin", "bias-corrected", "llg", "zlg", "ilrg"], &squared, "but the loss is the squared error"),
        (
            &["yin", "bias-corrected", "llg", "zlg", "ilrg"],
            &smoothed,
            "label smoothing 0.1; grant the labels",
        ),
        (&["yin"], &tanh, "it needs features that are never negative"),
        (&["llg", "zlg"], &tanh, "it needs features with a positive sum"),
        (&["zlg", "ilrg"], &estimated, "the scale is estimated"),
    ] {
        for name in rules {
            let error = refused(name, view);
            assert!(error.starts_with(&format!("the labels cannot be read by {name}: ")), "{error}");
            assert!(error.contains(says), "{name}: {error}");
        }
    }
    // What is advised instead is not stopped by the same.
    let mut both = tanh.clone();
    both.knowledge.scale = false;
    for (name, view, advice) in [
        ("ilrg", &estimated, "use llg"),
        ("llg", &tanh, "use ilrg"),
        ("llg", &both, "use bias-corrected"),
        ("ilrg", &both, "use bias-corrected"),
        ("ilrg", &without_bias, "use llg"),
    ] {
        assert!(refused(name, view).ends_with(&format!("; {advice}")), "{name}: {}", refused(name, view));
    }
    // What does not matter to a rule does not stop it.
    for (name, view) in
        [("ilrg", &tanh), ("llg", &without_bias), ("llg", &estimated), ("negative-bias", &smoothed)]
    {
        assert!(rule(name).unwrap().infer(view, Seed(1)).is_ok(), "{name}");
    }
}

#[test]
fn a_model_that_ends_in_a_convolution_has_no_classifier() {
    let compute = Compute::select("flex", Precision::F32).unwrap();
    let net = architecture("mini-xception").unwrap().net(&ModelOptions::default(), [3, 32, 32], 10).unwrap();
    assert_eq!(net.classifier(), None);
    let parameters = net.initial_parameters(&compute, Seed(1));
    let mut view = Golden::load().whole("c10.untrained.b1.unique");
    view.update.values = parameters.clone();
    view.model = Model { buffers: net.initial_buffers(&compute), net, parameters };
    assert!(refused("ilrg", &view).contains("the model has no fully connected last layer"));
    let lenet = architecture("lenet").unwrap().net(&ModelOptions::default(), [3, 32, 32], 10).unwrap();
    let classifier = lenet.classifier().unwrap();
    let names =
        [classifier.weight, classifier.bias.unwrap()].map(|at| lenet.parameter_specs()[at].name.clone());
    assert!(names[0].ends_with(".weight") && names[1].ends_with(".bias"), "{names:?}");
    assert_eq!(
        (classifier.classes, lenet.parameter_specs()[classifier.weight].shape[1]),
        (10, classifier.features)
    );
}

#[test]
fn local_steps_are_taken_apart_where_they_add_up_gradients() {
    let golden = Golden::load();
    let gradient = golden.whole("c10.trained.b8.repeated");
    let steps = |optimiser: Optimiser| {
        let mut view = gradient.clone();
        let step = Step::of((0..8).collect());
        let descent = Descent { optimiser, ..Descent::sgd(0.1, vec![step; 3]) };
        view.knowledge.protocol = Protocol::of(vec![Client::new((0..8).collect(), Some(descent))]);
        view.update.kind = UpdateKind::Delta;
        view.update.values = view.update.values.clone().scaled(-0.1 * 3.0);
        view
    };
    let sgd = steps(Optimiser::sgd(0.0));
    for name in ["ilrg", "llg", "bias-corrected"] {
        let rule = rule(name).unwrap();
        assert_eq!(rule.infer(&sgd, Seed(1)).unwrap(), rule.infer(&gradient, Seed(1)).unwrap(), "{name}");
    }
    let evidence = Evidence::of(&sgd, Seed(1)).unwrap();
    assert_eq!(evidence.steps, Some(3.0));
    // Random inputs see models on the way, a third of it on the average.
    let (way, begin) = (evidence.along_the_way().unwrap(), Evidence::of(&gradient, Seed(1)).unwrap());
    assert_ne!(way.probabilities, begin.along_the_way().unwrap().probabilities);
    let heavy = steps(Optimiser::sgd(0.9));
    assert!(refused("ilrg", &heavy).contains("no plain SGD"), "{}", refused("ilrg", &heavy));
    assert!(rule("llg").unwrap().infer(&heavy, Seed(1)).is_ok());
}

#[test]
fn weight_decay_and_the_pull_to_the_model_sent_are_no_gradient() {
    let golden = Golden::load();
    let gradient = golden.whole(golden.cases()[0]["case"].as_str().unwrap());
    let samples = gradient.update.samples;
    let expected = Evidence::of(&gradient, Seed(1)).unwrap();
    let (decay, proximal, rate, steps) = (0.3, 0.5, 0.1, 3);
    let mut view = gradient.clone();
    let step = Step::of((0..samples).collect());
    let descent = Descent { weight_decay: decay, proximal, ..Descent::sgd(rate, vec![step; steps]) };
    view.knowledge.protocol = Protocol::of(vec![Client::new((0..samples).collect(), Some(descent))]);
    view.update.kind = UpdateKind::Delta;
    let origin = &view.model.parameters;
    let mut theta = origin.clone();
    for _ in 0..steps {
        let moved = theta.clone().combine(1.0, origin, -1.0);
        let pulled =
            gradient.update.values.clone().combine(1.0, &theta, decay).combine(1.0, &moved, proximal);
        theta = theta.combine(1.0, &pulled, -rate);
    }
    view.update.values = theta.combine(1.0, origin, -1.0);
    let error = |view: &AttackerView| {
        let found = Evidence::of(view, Seed(1)).unwrap();
        let size: f64 = expected.to_weight.iter().map(|g| g * g).sum();
        let apart = found.to_weight.iter().zip(&expected.to_weight).map(|(a, b)| (a - b).powi(2));
        (apart.sum::<f64>() / size).sqrt()
    };
    let known = error(&view);
    // Who does not know of it takes it for gradient.
    for client in &mut view.knowledge.protocol.clients {
        let plain = client.descent.take().map(|descent| Descent::sgd(rate, descent.steps));
        client.descent = plain;
    }
    let ignored = error(&view);
    assert!(known < 0.05 * ignored && ignored > 0.1, "{known:e} known, {ignored:e} ignored");
}

#[test]
fn a_summed_loss_is_divided_by_its_samples() {
    let mut view = Golden::load().whole("c10.untrained.b8.repeated");
    let ilrg = rule("ilrg").unwrap();
    let mean = ilrg.infer(&view, Seed(1)).unwrap();
    view.model.net = view.model.net.with_loss(Loss::CeSum);
    view.update.values = view.update.values.scaled(8.0);
    assert_eq!(ilrg.infer(&view, Seed(1)).unwrap(), mean);
}

/// Negative control: what rules say of noise is what chance would say.
#[test]
fn noise_has_no_labels() {
    let golden = Golden::load();
    let case = golden.case("c100.untrained.b8.unique");
    let truth = labels(&case["true"]);
    let named =
        |answer: &Answer| truth.iter().filter(|label| answer.labels.contains(label)).count() as f64 / 8.0;
    let view = golden.whole("c100.untrained.b8.unique");
    for name in ["yin", "bias-corrected", "llg", "zlg", "ilrg"] {
        let rule = rule(name).unwrap();
        // zlg measures with random inputs and may miss one.
        let of_update = named(&rule.infer(&view, Seed(1)).unwrap());
        assert!(of_update >= 0.875, "{name}: {of_update}");
        let draws = 40;
        let mean: f64 = (0..draws)
            .map(|draw| {
                let mut noise = view.clone();
                let mut generator = Seed(draw).stream("noise", &[]);
                let specs = view.model.net.parameter_specs().clone();
                noise.update.values = Parameters::from_values(&view.compute, specs, |spec| {
                    seed::normal(&mut generator, spec.count())
                });
                rule.infer(&noise, Seed(1)).map_or(0.0, |answer| named(&answer)) / draws as f64
            })
            .sum();
        // Eight of a hundred classes by chance.
        assert!(mean < 0.2, "{name}: {mean}");
    }
}
