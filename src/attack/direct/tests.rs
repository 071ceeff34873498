//! Reading rows, against PyTorch.
#![allow(clippy::unwrap_used)]

use std::path::Path;

use serde_json::Value;

use faer::Mat;

use super::logit::{self, Head, Told};
use super::rows::Rows;
use super::{april, fc_inversion, imprint, least_squares};
use crate::attack::{self, Ended, Flow, Progress, Sink, Task, TrialEnd};
use crate::backend::{Compute, Precision};
use crate::config::{AttackConfig, BatchNormMode, Loss, Variant, preset};
use crate::fl::{AttackerView, Server, Setup, Source};
use crate::golden::{Tensors, assert_close, net, tensors};
use crate::model::{Model, Parameters, Targets};
use crate::seed::Seed;

struct Reference {
    cases: Value,
    tensors: Tensors,
}

impl Reference {
    fn read() -> Reference {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/analytic.json");
        let manifest: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        Reference { cases: manifest["cases"].clone(), tensors: tensors("analytic.f64") }
    }

    fn values(&self, key: &str) -> Vec<f64> {
        self.tensors.get(key).unwrap_or_else(|| panic!("there is no {key}")).1.clone()
    }

    fn rows(&self, case: &str) -> Rows {
        let width = *self.tensors[&format!("{case}.gw")].0.last().unwrap();
        Rows { width, weight: self.values(&format!("{case}.gw")), bias: self.values(&format!("{case}.gb")) }
    }
}

fn indices(value: &Value) -> Vec<usize> {
    value.as_array().unwrap().iter().map(|index| index.as_u64().unwrap() as usize).collect()
}

#[test]
fn quotients_of_rows_are_samples_or_mixtures() {
    let reference = Reference::read();
    for batch in ["b1", "b4"] {
        let case = &reference.cases["fc"][batch];
        let rows = reference.rows(&format!("fc.{batch}"));
        let expected = reference.values(&format!("fc.{batch}.candidates"));
        for row in indices(&case["active_rows"]) {
            let expected = &expected[row * rows.width..(row + 1) * rows.width];
            assert_close(&format!("fc.{batch} row {row}"), &rows.quotient(row), expected, 1e-10);
        }
        let x = reference.values(&format!("fc.{batch}.x"));
        let samples: Vec<Vec<f64>> = x.chunks(rows.width).map(<[f64]>::to_vec).collect();
        // The samples explain every row, and so do as many mixtures; fewer of them, or others, do not.
        let mixed = |x: &[f64]| x.iter().zip(&samples[0]).map(|(x, first)| x + 0.5 * first).collect();
        let mixtures: Vec<Vec<f64>> = samples.iter().map(|x| mixed(x)).collect();
        assert!(rows.unexplained(&mixtures) < 1e-20);
        assert!(rows.unexplained(&samples) < 1e-20);
        assert!(batch == "b1" || rows.unexplained(&samples[1..]) > 1e-4);
        let others: Vec<Vec<f64>> = samples.iter().map(|x| x.iter().map(|x| x * x - 0.3).collect()).collect();
        assert!(rows.unexplained(&others) > 1e-2);
        assert_eq!(rows.unexplained(&[]).to_bits(), 1f64.to_bits());
    }
}

#[test]
fn bins_of_an_imprint_are_those_of_the_reference() {
    let reference = Reference::read();
    for (variant, word) in [(Variant::Linear, "linear"), (Variant::Sparse, "sparse")] {
        for batch in ["b4", "b8"] {
            let name = format!("imprint_{word}.{batch}");
            let rows = reference.rows(&name);
            let batch = reference.tensors[&format!("{name}.x")].0[0];
            let found = imprint::read(&rows, variant, batch).bins;
            let bins: Vec<usize> = found.iter().map(|bin| bin.at).collect();
            assert_eq!(bins, indices(&reference.cases[&name]["found_bins"]), "{name}");
            let values: Vec<f64> = found.into_iter().flat_map(|bin| bin.x).collect();
            assert_close(&name, &values, &reference.values(&format!("{name}.recovered")), 1e-10);
        }
    }
}

/// Keeps what is said.
#[derive(Default)]
struct Said(Vec<String>);

impl Sink for Said {
    fn trial_started(&mut self, _: usize, _: &[usize]) {}
    fn trial_resumed(&mut self, _: usize, _: usize) {}
    fn stage(&mut self, words: String) {
        self.0.push(words);
    }
    fn iterated(&mut self, _: &dyn Progress) -> Flow {
        Flow::Continue
    }
    fn trial_finished(&mut self, _: &TrialEnd) {}
}

/// What FC inversion says of photos, with the rows in which one sample alone has a say (copies of one count as it), and how
/// many different samples these are: from the gradients of single samples, which no attack has.
fn said_and_true(changes: &[String], precision: Precision) -> (Vec<String>, usize, usize) {
    let config = preset::load("fc-inversion", changes, Path::new("/nonexistent")).unwrap().config;
    let compute = Compute::select("flex", precision).unwrap();
    let setup = Setup::new(&config).unwrap();
    let batch = setup.batch.clone().unwrap();
    let [count, channels, height, width] = batch.images.shape();
    let values = setup.normalisation.apply(&batch.images);
    let server = Server::new(&setup, &config, compute.clone());
    let view = Source::new(setup, &config, compute.clone()).view(&server.model, 0).0;
    let samples: Vec<&[f64]> = values.chunks(values.len() / count).collect();
    let mut who = vec![Vec::new(); 2048];
    for (sample, x) in samples.iter().enumerate() {
        let x = compute.tensor(x, [1, channels, height, width]);
        let targets = Targets::hard(&compute, &batch.labels[sample..=sample], server.model.net.classes());
        let (_, gradient) = server.model.gradient(config.victim.mode, &x, &targets);
        let first = samples.iter().position(|other| *other == samples[sample]).unwrap();
        for (row, slope) in gradient.values("fc1.bias").unwrap().iter().enumerate() {
            if *slope != 0.0 && !who[row].contains(&first) {
                who[row].push(first);
            }
        }
    }
    let alone: Vec<usize> = who.iter().filter(|who| who.len() == 1).map(|who| who[0]).collect();
    let different =
        (0..count).filter(|sample| alone.iter().filter(|one| *one == sample).count() >= 3).count();
    let mut said = Said::default();
    let task = Task { view: &view, config: &config.attack, seed: Seed(0), round: 0, resume: None };
    assert!(matches!(attack::run(task, &mut said).unwrap(), Ended::Reconstructed(_)));
    (said.0, alone.len(), different)
}

#[test]
fn rows_that_are_said_to_hold_one_sample_alone_do() {
    for precision in [Precision::F32, Precision::F64] {
        for indices in [
            "[0]",
            "[0,1]",
            "[0,1,2]",
            "[0,1,2,3]",
            "[0,1,2,3,4]",
            "[2,3,4,5,6,7]",
            "[1,2,3,4,5,6,7]",
            "[0,1,2,3,4,5,6,7]",
            "[0,1,1,3]",
        ] {
            let (said, alone, different) = said_and_true(&[format!("victim.indices={indices}")], precision);
            let what = format!("{precision:?} {indices}: {alone} rows of {different} samples, {said:?}");
            let numbers: Vec<usize> =
                said[0].split(|c: char| !c.is_ascii_digit()).filter_map(|word| word.parse().ok()).collect();
            // Of "layer fc1: A of 2048 rows are active, B of them (P %) hold one sample alone: C of a batch of N".
            let (rows, samples, batch) = (numbers[3], numbers[5], numbers[6]);
            assert!(samples <= batch && samples == different, "{what}");
            assert!(rows <= alone && rows as f64 >= 0.98 * alone as f64, "{what}");
            assert_eq!(
                said.iter().any(|words| words.contains("likeliest mixture")),
                samples < batch,
                "{what}"
            );
        }
    }
}

#[test]
fn roots_of_one_logit_are_all_there_are() {
    let reference = Reference::read();
    for case in reference.cases["logistic_head"].as_array().unwrap() {
        let expected: Vec<f64> =
            case["roots"].as_array().unwrap().iter().map(|root| root.as_f64().unwrap()).collect();
        let value = case["value"].as_f64().unwrap();
        assert_close(&format!("{value}"), &logit::roots(value), &expected, 1e-10);
    }
    // Below its minimum the equation has none, but for rounding; every root solves it.
    assert!(logit::roots(-0.3).is_empty());
    assert_eq!(logit::roots(-0.278_464_6).len(), 1);
    for value in [1e-9, 40.0, -1e-9, -0.278] {
        for root in logit::roots(value) {
            assert!((logit::equation(root) - value).abs() < 1e-12 * (1.0 + value.abs()), "{value} {root}");
        }
    }
}

#[test]
fn a_softmax_head_without_biases_gives_its_features_and_label() {
    let reference = Reference::read();
    for case in ["softmax_head", "softmax_head_negative"] {
        let (weight, to_weight) =
            (reference.values(&format!("{case}.W")), reference.values(&format!("{case}.dW")));
        let head = Head { classes: 5, weight: &weight, to_weight: &to_weight, to_bias: None };
        let Told { roots, equation, .. } = head.roots(Loss::Ce).unwrap();
        let equation = equation.unwrap();
        assert!(equation.roots.contains(&roots[0].at), "{case}");
        assert!(
            equation.at(roots[0].at).is_some_and(|off| off.abs() < 1e-2),
            "{case} {:?}",
            equation.in_words()
        );
        assert_eq!(roots[0].label as u64, reference.cases[case]["label"].as_u64().unwrap(), "{case}");
        assert_close(case, &[roots[0].at], &[reference.cases[case]["c"].as_f64().unwrap()], 1e-10);
        assert_close(case, &roots[0].features, &reference.values(&format!("{case}.a")), 1e-10);
        assert!(roots[0].residual < 1e-10, "{case}");
    }
}

/// What R-GAP makes of a case of the reference, its label granted, and what it says.
fn r_gap(case: &str) -> (Vec<f64>, f64, Vec<String>) {
    let reference = Reference::read();
    let compute = Compute::select("flex", Precision::F64).unwrap();
    let about = &reference.cases[case];
    let net = net(&about["net"]).with_loss(Loss::Bce);
    let named = |what: &str| {
        Parameters::from_values(&compute, net.parameter_specs().clone(), |spec| {
            reference.values(&format!("{case}.{what}.{}", spec.name))
        })
    };
    let (parameters, values) = (named("param"), named("grad"));
    let label = usize::from(about["y"].as_i64().unwrap() == 1);
    let model = Model { buffers: net.initial_buffers(&compute), parameters, net };
    let range = vec![(0.0, 1.0); model.net.input()[0]];
    let view = AttackerView::of_gradient(&compute, model, values, vec![label], BatchNormMode::Eval);
    let view = AttackerView { range, ..view };
    let config: AttackConfig = toml::from_str("kind = \"r-gap\"").unwrap();
    let mut said = Said::default();
    let task = Task { view: &view, config: &config, seed: Seed(0), round: 0, resume: None };
    let Ended::Reconstructed(found) = attack::run(task, &mut said).unwrap() else { panic!("{case}") };
    assert_eq!(found.guess.labels, [label], "{case}");
    (found.guess.samples.values().to_vec(), found.unexplained, said.0)
}

#[test]
fn r_gap_goes_down_to_the_input_of_the_reference() {
    let reference = Reference::read();
    for case in ["rgap2", "rgap3"] {
        let (x, unexplained, said) = r_gap(case);
        assert_close(case, &x, &reference.values(&format!("{case}.x")), 1e-9);
        assert!(unexplained < 1e-20 && said.iter().any(|words| words.starts_with("certificate")), "{said:?}");
    }
    // Two logits fit, whose answers have one gradient: only one of them is a picture.
    let (_, _, said) = r_gap("rgap3");
    assert!(
        said[0].contains("can suffice") && said[1].contains("two roots, mu = 0.0183 and 6.5852"),
        "{said:?}"
    );
    assert_eq!(said.iter().filter(|words| words.starts_with("certificate")).count(), 2, "{said:?}");
    // Where the rank is too small, it says so.
    let (x, _, said) = r_gap("rgap_deficient");
    assert!(said[0].contains("equations are too few in front of"), "{said:?}");
    assert!(said.iter().any(|words| words.contains("directions are told by nothing")), "{said:?}");
    let truth = reference.values("rgap_deficient.x");
    let off: f64 =
        x.iter().zip(&truth).map(|(x, truth)| (x - truth).powi(2)).sum::<f64>() / truth.len() as f64;
    let expected = reference.cases["rgap_deficient"]["error"]["mse"].as_f64().unwrap();
    assert!((off - expected).abs() < 0.2 * expected, "{off} {expected}");
}

#[test]
fn tokens_in_front_of_attention_are_those_of_the_reference() {
    let reference = Reference::read();
    for (case, solvable) in [("april", true), ("april_cls", false)] {
        let matrix = |key: &str| {
            let key = format!("{case}.{key}");
            let (shape, values) = &reference.tensors[&key];
            Mat::from_fn(shape[0], shape[1], |i, j| values[i * shape[1] + j])
        };
        let stacked = |kind: &str| {
            let all = ["wq", "wk", "wv"].map(|name| matrix(&format!("{kind}.{name}")));
            Mat::from_fn(48, 16, |i, j| all[i / 16][(i % 16, j)])
        };
        let z = april::tokens(&stacked("param"), &stacked("grad"), &matrix("grad.pos"), 1e-12).unwrap();
        assert_eq!(z.rank as u64, reference.cases[case]["rank"].as_u64().unwrap(), "{case}");
        if solvable {
            let found: Vec<f64> =
                (0..6).flat_map(|i| (0..16).map(move |j| (i, j))).map(|at| z.x[at]).collect();
            assert_close(case, &found, &reference.values("april.z"), 1e-10);
            assert!(z.residual < 1e-12);
        }
    }
}

#[test]
fn trapped_rows_hold_the_samples_of_the_reference() {
    let reference = Reference::read();
    let rows = reference.rows("trap.f0.7");
    let active: Vec<usize> = (0..rows.bias.len()).filter(|&row| rows.bias[row] != 0.0).collect();
    let truth = reference.values("trap.x");
    let clusters = fc_inversion::clusters(&rows, &active, 8, 1e-12, |_| 1.0);
    let found = |x: &[f64]| {
        clusters.iter().any(|cluster| cluster.x.iter().zip(x).all(|(a, b)| (a - b).abs() < 1e-10))
    };
    assert_eq!(truth.chunks(rows.width).filter(|x| found(x)).count(), 8);
    let single = indices(&reference.cases["trap.f0.7"]["single_rows"]);
    for row in single {
        let at = row * rows.width;
        let expected = &reference.values("trap.f0.7.candidates")[at..at + rows.width];
        assert_close("trap", &rows.quotient(row), expected, 1e-12);
    }
}

#[test]
fn the_least_squares_are_the_shortest_that_fit() {
    // Rank 2 of 3 unknowns: x + y = 2, y + z = 2 has (2/3, 4/3, 2/3) for its shortest solution.
    let a = Mat::from_fn(3, 3, |i, j| [[1.0, 1.0, 0.0], [0.0, 1.0, 1.0], [1.0, 2.0, 1.0]][i][j]);
    let b = Mat::from_fn(3, 1, |i, _| [2.0, 2.0, 4.0][i]);
    let solved = least_squares::solve(a.as_ref(), b.as_ref(), 1e-12).unwrap();
    let found: Vec<f64> = (0..3).map(|i| solved.x[(i, 0)]).collect();
    assert_close("x", &found, &[2.0 / 3.0, 4.0 / 3.0, 2.0 / 3.0], 1e-12);
    assert!(solved.rank == 2 && solved.residual < 1e-12);
    // What does not fit is told by the residual.
    let b = Mat::from_fn(3, 1, |i, _| [2.0, 2.0, 1.0][i]);
    assert!(least_squares::solve(a.as_ref(), b.as_ref(), 1e-12).unwrap().residual > 0.1);
    assert!(least_squares::solve(Mat::zeros(3, 3).as_ref(), b.as_ref(), 1e-12).is_err());
}
