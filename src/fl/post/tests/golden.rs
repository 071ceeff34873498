//! Against reference vectors.

use serde_json::Value;

use super::*;
use crate::fl::post::{quantise, sparsify};
use crate::golden::{Tensors, tensors};

fn manifest() -> Value {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/defences.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// The step that a case stands for; nothing of one that draws.
fn written(name: &str, facts: &Value) -> Option<String> {
    let number = |key: &str| facts[key].as_f64();
    Some(match (name, number("S"), number("s"), number("q")) {
        ("clip_layer", Some(most), ..) => format!("kind = \"clip\", norm = {most}, of = \"layer\""),
        ("clip_linf", Some(most), ..) => format!("kind = \"clip\", norm = {most}, of = \"entry\""),
        (_, Some(most), ..) => format!("kind = \"clip\", norm = {most}"),
        (_, _, Some(share), _) => format!("kind = \"sparsify\", share = {share}"),
        (name, _, _, Some(levels)) if name.starts_with("quant") => {
            format!("kind = \"quantise\", levels = {levels}")
        }
        ("int8" | "fp16" | "bf16", ..) => format!("kind = \"cast\", format = \"{name}\""),
        ("sign_scaled", ..) => "kind = \"sign\"".to_owned(),
        ("sign_raw", ..) => "kind = \"sign\", scaled = false".to_owned(),
        _ => return None,
    })
}

/// What stochastic rounding makes of g with these draws.
fn rounded(facts: &Value, g: &Parameters, draws: &[f64]) -> Parameters {
    let scale = if facts["scale"] == "l2" { quantise::l2 } else { quantise::largest };
    let step = quantise::Quantise { levels: facts["q"].as_f64().unwrap(), scale, stochastic: true };
    let mut at = 0;
    step.rounded(g, |count| {
        at += count;
        draws[at - count..at].to_vec()
    })
}

#[test]
fn reference_vectors_are_met() {
    let (tensors, manifest) = (tensors("defences.f64"), manifest());
    let (mut compared, mut pulls) = (0, 0);
    for (case, defences) in manifest["cases"].as_object().unwrap() {
        let shapes = &manifest["nets"][case.split('.').next().unwrap()]["shapes"];
        let sizes: Vec<usize> = (shapes.as_array().unwrap().iter())
            .map(|shape| shape.as_array().unwrap().iter().map(|n| n.as_u64().unwrap() as usize).product())
            .collect();
        let of = |name: &str| tensors.get(&format!("{case}.{name}")).map(|(_, values)| values.as_slice());
        let g = parameters(&sizes, of("g").unwrap());
        let w = parameters(&sizes, of("w").unwrap());
        for (name, facts) in defences.as_object().unwrap() {
            let what = format!("{case}.{name}");
            let step = written(name, facts).map(|written| step(&written, &sizes));
            let sent = match &step {
                Some(step) => applied(step, g.clone(), &mut generator()),
                None => rounded(facts, &g, of("u").unwrap()),
            };
            if let Some(expected) = of(name) {
                close(&what, &sent, expected);
                compared += 1;
            }
            let effect = Effect::of(&g, &sent, 32.0);
            for (key, found) in
                [("cosine", effect.cosine), ("rel_error", effect.change), ("norm", sent.norm())]
            {
                let expected = facts[key].as_f64().unwrap();
                assert!((found - expected).abs() < 1e-9, "{what}: {key} {found} {expected}");
            }
            assert_eq!((effect.zeros * g.count() as f64).round(), facts["zeros"].as_f64().unwrap(), "{what}");
            let Some(step) = step else { continue };
            let transform = step.transform(&of_sum(&net())).unwrap();
            close(&format!("{what} simulated"), &transform.forward(&g), &flat(&sent));
            if let Some(pull) = of(&format!("{name}.pull")) {
                close(&format!("{what}.pull"), &transform.pull(&g, w.clone()), pull);
                pulls += 1;
            }
        }
    }
    assert!(compared >= 60 && pulls >= 16, "{compared} {pulls}");
}

#[test]
fn the_number_of_kept_entries_is_exact() {
    for case in manifest()["special"]["kept_counts"].as_array().unwrap() {
        let (s, n) = (case["s"].as_f64().unwrap(), case["n"].as_u64().unwrap() as usize);
        assert_eq!(sparsify::kept(n, s) as u64, case["kept"].as_u64().unwrap(), "{s} of {n}");
    }
}

/// What a step makes of one tensor.
fn of_one(written: &str, values: &[f64]) -> Parameters {
    applied(&step(written, &[values.len()]), parameters(&[values.len()], values), &mut generator())
}

#[test]
fn ties_zeros_and_overflow_are_as_decided() {
    let tensors: Tensors = tensors("defences.f64");
    let of = |name: &str| tensors[&format!("special.{name}")].1.as_slice();
    let mut cut = 0;
    for key in tensors.keys().filter_map(|key| key.strip_prefix("special.topk.")) {
        let Some((input, share)) = key.split_once('.') else { continue };
        // No share at all is no step.
        if share == "0" || share == "1" {
            continue;
        }
        let sent = of_one(&format!("kind = \"sparsify\", share = {share}"), of(&format!("topk.{input}")));
        close(key, &sent, of(&format!("topk.{key}")));
        cut += 1;
    }
    assert!(cut >= 12, "{cut}");
    close("quant", &of_one("kind = \"quantise\", levels = 4", of("quant.in")), of("quant.q4"));
    close("half", &of_one("kind = \"cast\", format = \"fp16\"", of("half.in")), of("half.fp16"));
    close("bf16", &of_one("kind = \"cast\", format = \"bf16\"", of("bf16.in")), of("bf16.out"));
    close("sign", &of_one("kind = \"sign\"", of("sign.in")), of("sign.scaled"));
    let input = of("int8.in");
    let step = quantise::largest(input) / 127.0;
    let expected: Vec<f64> = of("int8.codes").iter().map(|code| code * step).collect();
    close("int8", &of_one("kind = \"cast\", format = \"int8\"", input), &expected);
}

#[test]
fn a_zero_gradient_stays_zero() {
    for written in [
        "kind = \"clip\", norm = 1",
        "kind = \"clip\", norm = 1, of = \"layer\"",
        "kind = \"clip\", norm = 1, of = \"entry\"",
        "kind = \"sparsify\", share = 0.5",
        "kind = \"sparsify\", share = 0.5, choice = \"random\"",
        "kind = \"quantise\", levels = 4",
        "kind = \"quantise\", levels = 4, scale = \"l2\", rounding = \"stochastic\"",
        "kind = \"cast\", format = \"fp16\"",
        "kind = \"cast\", format = \"bf16\"",
        "kind = \"cast\", format = \"int8\"",
        "kind = \"sign\"",
        "kind = \"sign\", scaled = false",
    ] {
        let (step, zeros) = (step(written, &[5, 1]), parameters(&[5, 1], &[0.0; 6]));
        assert_eq!(flat(&applied(&step, zeros.clone(), &mut generator())), [0.0; 6], "{written}");
        if let Some(transform) = step.transform(&Received { alone: Some(&zeros), ..of_sum(&net()) }) {
            let pulled = flat(&transform.pull(&zeros, parameters(&[5, 1], &[1.0; 6])));
            assert!(flat(&transform.forward(&zeros)) == [0.0; 6] && pulled.iter().all(|x| x.is_finite()));
        }
    }
}
