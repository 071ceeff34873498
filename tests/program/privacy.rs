//! `gialab privacy`: epsilon of a mechanism, and the noise for an epsilon.

use serde_json::Value;

use crate::lab::Lab;

#[test]
fn epsilon_is_told_with_its_unit_and_what_it_holds_for() {
    let lab = Lab::new();
    let text = lab.succeed(&["privacy", "--noise-multiplier", "1", "--delta", "1e-6"]);
    for part in ["4.8866  exact", "5.2215  by Renyi", "unit ", "trust ", "Clipping or noise alone is no"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(text.contains("\ndelta ") && text.contains("1000000"), "{text}");
    let answer = |arguments: &[&str]| -> Value {
        serde_json::from_str(&lab.succeed(&[&["privacy", "--json"], arguments].concat())).unwrap()
    };
    let there = ["--sampling", "0.01", "--steps", "1000"];
    let found = answer(&[&["--epsilon", "3"][..], &there].concat());
    let noise = found["noise_multiplier"].as_f64().unwrap().to_string();
    let back = answer(&[&["--noise-multiplier", &noise][..], &there].concat());
    assert!((back["epsilon"].as_f64().unwrap() - 3.0).abs() < 1e-4, "{back}");
    assert_eq!(answer(&["--noise-multiplier", "0"])["epsilon"], Value::Null, "no noise, no privacy");
}

#[test]
fn what_is_no_mechanism_is_refused() {
    let lab = Lab::new();
    for (arguments, said) in [
        (["--noise-multiplier", "nan"], "the noise multiplier is NaN"),
        (["--noise-multiplier", "-1"], "the noise multiplier is -1"),
        (["--sampling", "2"], "the sampling rate is 2"),
        (["--delta", "0"], "delta is 0"),
        (["--epsilon", "inf"], "epsilon is inf"),
    ] {
        let noise: &[&str] = match arguments[0] {
            "--noise-multiplier" | "--epsilon" => &[],
            _ => &["--noise-multiplier", "1"],
        };
        let refused = lab.fail(&[&["privacy"][..], &arguments, noise].concat(), 2);
        assert!(refused.contains(said), "{refused}");
        assert_eq!(refused.lines().count(), 1, "{refused}");
    }
}
