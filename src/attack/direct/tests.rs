//! Reading rows, against PyTorch.
#![allow(clippy::unwrap_used)]

use std::path::Path;

use serde_json::Value;

use super::imprint;
use super::rows::Rows;
use crate::attack::{self, Ended, Flow, Progress, Sink, Task, TrialEnd};
use crate::backend::{Compute, Precision};
use crate::config::{Variant, preset};
use crate::fl::{Server, Setup, Source};
use crate::golden::{Tensors, assert_close, tensors};
use crate::model::Targets;
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
