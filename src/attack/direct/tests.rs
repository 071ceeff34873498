//! Reading rows, against PyTorch.
#![allow(clippy::unwrap_used)]

use serde_json::Value;

use super::imprint;
use super::rows::Rows;
use crate::config::Variant;
use crate::golden::{Tensors, assert_close, tensors};

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
            let found = imprint::read(&rows, variant);
            let bins: Vec<usize> = found.iter().map(|bin| bin.at).collect();
            assert_eq!(bins, indices(&reference.cases[&name]["found_bins"]), "{name}");
            let values: Vec<f64> = found.into_iter().flat_map(|bin| bin.x).collect();
            assert_close(&name, &values, &reference.values(&format!("{name}.recovered")), 1e-10);
        }
    }
}
