//! `gialab utility`: what post-processing costs.

use serde_json::Value;

use crate::lab::Lab;

const SHORT: [&str; 6] = ["--set", "federation.local_batch=8", "--rounds", "5", "--seeds", "2"];

#[test]
fn a_post_processing_is_measured_with_and_without_from_the_same_seeds() {
    let lab = Lab::new();
    let arguments = [&["utility", "sparsify"][..], &SHORT].concat();
    let json = lab.succeed(&[&arguments[..], &["--json"]].concat());
    let document: Value = serde_json::from_str(&json).unwrap();
    let pairs = document["pairs"].as_array().unwrap();
    assert_eq!(pairs.iter().map(|pair| pair["seed"].as_u64().unwrap()).collect::<Vec<_>>(), [0, 1]);
    for pair in pairs {
        let number = |key: &str| pair[key].as_f64().unwrap();
        assert!((number("accuracy_without") - number("accuracy") - number("drop")).abs() < 1e-12, "{json}");
        assert!(pair["effect"]["zeros"].as_f64().unwrap() > 0.89, "{json}");
    }
    assert!(document["bytes"].as_u64() < document["bytes_without"].as_u64(), "{json}");
    assert_eq!(document["clients"], 10, "a preset with one client gets ten");
    let text = lab.succeed(&arguments);
    for part in ["5 rounds of 10 clients", "accuracy %", "drop", "points, seed by seed", "bytes", "cosine 0."]
    {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(!lab.path("data").join("runs").exists(), "nothing was run");

    // A smaller measurement does not take its place.
    let less = lab.succeed(&["utility", "sparsify", SHORT[0], SHORT[1], "--rounds", "2", "--seeds", "1"]);
    assert!(less.contains("Not kept: one of 2 seeds over 5 rounds stands"), "{less}");

    // Kept, and told with every run of the same post-processing.
    let quick = ["--set", "attack.iterations=3"];
    let local = &SHORT[..2];
    lab.succeed(&[&["run", "sparsify"], &quick[..], local].concat());
    let shown = lab.succeed(&["show", "last"]);
    assert!(shown.contains("cost     ") && shown.contains("accuracy, 2 seeds, 5 rounds"), "{shown}");
    lab.succeed(&[&["run", "sparsify", "--set", "knowledge.post=none"], &quick[..]].concat());
    let shown = lab.succeed(&["show", "last"]);
    assert!(shown.contains("cost     not measured: gialab utility sparsify measures it"), "{shown}");
}

#[test]
fn a_part_of_the_network_is_compared_with_the_network_without_it() {
    let lab = Lab::new();
    let json = lab.succeed(&["utility", "precode", "--rounds", "1", "--seeds", "1", "--json"]);
    let document: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(document["bytes_without"], 53_704, "{json}");
    assert!(document["bytes"].as_u64().unwrap() > 1_000_000, "{json}");
    let effect: Value = serde_json::from_str(&lab.succeed(&["effect", "precode", "--json"])).unwrap();
    assert_eq!(effect["bytes"], 53_704, "{effect}");
    assert!(effect["added"].as_u64().unwrap() > 100_000, "{effect}");
}

#[test]
fn what_costs_nothing_or_cannot_be_trained_is_refused() {
    let lab = Lab::new();
    for (arguments, said) in [
        (&["utility", "ig-lenet"][..], "there is no post-processing whose cost could be measured; add one"),
        (&["utility", "noise", "--set", "federation.held_out=0"], "no sample is held out"),
        (&["utility", "noise", "--set", "federation.clients=5000"], "use fewer clients or more data"),
    ] {
        let refused = lab.fail(&[arguments, &SHORT[2..]].concat(), 2);
        assert!(refused.contains(said), "{refused}");
        assert_eq!(refused.lines().count(), 1, "{refused}");
    }
}
