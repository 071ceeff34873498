//! Runs beside each other: `list` with a filter, `compare`, and what `run` says in a pipe.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::lab::{Lab, QUICK, finished, text, write};

/// A quick run with this seed; its name.
fn quick(lab: &Lab, seed: &str) -> String {
    let arguments = [&["run"], &QUICK[..], &["--seed", seed, "--json"]].concat();
    finished(&lab.succeed(&arguments))["run"].as_str().unwrap().to_owned()
}

fn json(lab: &Lab, arguments: &[&str]) -> Value {
    serde_json::from_str(&lab.succeed(arguments)).unwrap()
}

#[test]
fn a_filter_finds_words_and_numbers_and_its_mistakes_are_said() {
    let lab = Lab::new();
    assert!(lab.succeed(&["list", "--filter", "psnr>1"]).contains("no runs in "));
    let (first, second) = (quick(&lab, "3"), quick(&lab, "97531"));
    let names = |filter: &str| -> Vec<String> {
        let list = json(&lab, &["list", "--json", "--filter", filter]);
        list.as_array().unwrap().iter().map(|row| row["run"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names("changed:seed status:done"), [second.clone(), first.clone()]);
    assert_eq!(names("iterations seed 97531"), [second.as_str()]);
    assert_eq!(names(&format!("run={first}")), [first.as_str()]);
    assert_eq!(names("psnr>-100 psnr<1000 took<10min loss>0").len(), 2);
    assert_eq!(names("started<2020-01-01").len(), 0);
    // What the table says is found.
    let table = lab.succeed(&["list", "--filter", &format!("run={first}")]);
    assert_eq!(table.lines().count(), 2, "{table}");
    for word in table.lines().nth(1).unwrap().split_whitespace() {
        assert!(names(word.trim_matches(',')).contains(&first), "{word} of {table}");
    }
    let none = lab.succeed(&["list", "--filter", "status:failed"]);
    assert_eq!(none, "none of 2 runs is found by this filter\n");
    for (filter, sentence) in [
        ("psnr>abc", "`abc` is no number; psnr> wants one, as in psnr>20"),
        ("psmr>20", "runs have no `psmr`; did you mean psnr?"),
        ("status:fialed", "did you mean failed?"),
    ] {
        assert!(lab.fail(&["list", "--filter", filter], 2).contains(sentence), "{filter}");
    }
}

#[test]
fn compare_says_what_differs_and_which_did_best() {
    let lab = Lab::new();
    let runs = [quick(&lab, "3"), quick(&lab, "97531")];
    let table = lab.succeed(&["compare", &runs[0], &runs[1]]);
    let row = |label: &str| -> Vec<String> {
        let line =
            table.lines().find(|line| line.starts_with(label)).unwrap_or_else(|| panic!("{label}: {table}"));
        line[label.len()..].split_whitespace().map(str::to_owned).collect()
    };
    assert_eq!(row("run.seed "), ["3", "97531"]);
    assert_eq!(row("status "), ["done", "done"]);
    let psnr = row("PSNR dB ");
    assert_eq!(psnr.iter().filter(|cell| cell.ends_with('*')).count(), 1, "{table}");
    assert!(!table.contains("attack.trials"), "what is the same is left out: {table}");
    let document = json(&lab, &["compare", &runs[0], &runs[1], "--json"]);
    let value = |at: usize| document["runs"][at]["figures"]["psnr"].as_f64().unwrap();
    let best = if value(0) > value(1) { 0 } else { 1 };
    assert_eq!(document["best"]["psnr"], runs[best].as_str());
    assert!(psnr[best].ends_with('*') && psnr[best].starts_with(&format!("{:.2}", value(best))), "{table}");
    assert_eq!(
        (&document["runs"][1]["run"], &document["unlike"]),
        (&Value::from(runs[1].as_str()), &Value::Null)
    );
    assert_eq!(document["runs"][1]["settings"], serde_json::json!({ "run.seed": "97531" }));

    // Another picture: the figures stand, but none is the best.
    let other = [&["run"], &QUICK[..], &["--set", "victim.indices=[1]", "--json"]].concat();
    let other = finished(&lab.succeed(&other))["run"].as_str().unwrap().to_owned();
    let table = lab.succeed(&["compare", &other, &runs[0]]);
    assert!(table.contains("attack different pictures") && !table.contains("*  "), "{table}");

    let one = lab.fail(&["compare", &runs[0]], 2);
    assert!(one.contains("there is one run") && one.contains("name two or more"), "{one}");
    let same = lab.fail(&["compare", &runs[0], &runs[0]], 2);
    assert!(same.contains("nothing to compare it with"), "{same}");
    let nowhere = lab.fail(&["compare", &runs[0], "nowhere"], 1);
    assert!(nowhere.contains("no run \"nowhere\"") && nowhere.contains("gialab list"), "{nowhere}");
    write(&lab.run_path(&runs[1]).join("manifest.json"), b"{");
    let damaged = lab.fail(&["compare", &runs[0], &runs[1]], 1);
    assert!(damaged.contains("is damaged"), "{damaged}");
}

#[test]
fn in_a_pipe_nothing_is_said_twice() {
    let lab = Lab::new();
    let output = lab.succeed(&["run", "ig-lenet", "--set", "attack.iterations=150"]);
    let progress: Vec<&str> = output.lines().filter(|line| line.contains(" iteration ")).collect();
    let places: BTreeSet<String> =
        progress.iter().map(|line| line.split("matching loss").next().unwrap().to_owned()).collect();
    assert!(!progress.is_empty(), "{output}");
    assert_eq!(places.len(), progress.len(), "{output}");
}

#[test]
fn a_negative_number_is_a_value_and_is_refused_with_the_range() {
    let lab = Lab::new();
    for (arguments, sentence) in [
        (&["run", "dlg-lenet", "--seed", "-1"] as &[&str], "--seed -1: must be 0 to 9223372036854775807"),
        (&["run", "dlg-lenet", "--trials", "-3"], "-3 is no whole number of 0 or more; use 1 to 100000"),
        (
            &["run", "dlg-lenet", "--set", "attack.iterations=1.5"],
            "1.5 is no whole number of 0 or more; use 1 to 100000000",
        ),
        (
            &["run", "dlg-lenet", "--set", "attack.iterations=-5"],
            "-5 is no whole number of 0 or more; use 1 to 100000000",
        ),
        (
            &["run", "dlg-lenet", "--set", "attack.optimiser.lr=-1"],
            "attack.optimiser.lr = -1, must be above 0",
        ),
        (
            &["run", "dlg-lenet", "--set", "attack.prior.tv=much"],
            "--set attack.prior.tv=much: much is no number; use 0 or more",
        ),
    ] {
        assert!(lab.fail(arguments, 2).contains(sentence), "{arguments:?}: {}", lab.fail(arguments, 2));
    }
    let out = lab.path("weights.safetensors");
    let train = ["train", "ig-lenet", "--out", out.to_str().unwrap(), "--learning-rate", "-1"];
    assert!(lab.fail(&train, 2).contains("--learning-rate -1: must be a finite number above 0"));
    for (arguments, sentence) in [
        (&["models", "--size", "-4"] as &[&str], "--size <N>: -4 is not in 1 to 512"),
        (&["bench", "--evaluations", "-5"], "-5 is not in 2 to 100000"),
        (&["inspect", "--update", "u", "--weights", "w", "--batch", "-1"], "-1 is not in 1 to 100000"),
    ] {
        let output = lab.gialab(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(text(&output.stderr).contains(sentence), "{arguments:?}: {}", text(&output.stderr));
    }
}

/// Any column and any figure is an order, both ways.
#[test]
fn runs_are_listed_in_any_order() {
    let lab = Lab::new();
    for (preset, iterations) in [("ig-lenet", "2"), ("dlg-lenet", "30")] {
        let iterations = format!("attack.iterations={iterations}");
        lab.succeed(&["run", preset, "--trials", "1", "--set", &iterations]);
    }
    let order = |arguments: &[&str]| -> Vec<String> {
        let rows: Value =
            serde_json::from_str(&lab.succeed(&[&["list", "--json"], arguments].concat())).unwrap();
        let presets = rows.as_array().unwrap().iter();
        presets.map(|row| row["preset"].as_str().unwrap().to_owned()).collect()
    };
    let (newest, oldest) = (["dlg-lenet", "ig-lenet"], ["ig-lenet", "dlg-lenet"]);
    assert_eq!(order(&[]), newest);
    assert_eq!(order(&["--reverse"]), oldest);
    assert_eq!(order(&["--sort", "preset"]), newest);
    assert_eq!(order(&["--sort", "preset", "--reverse"]), oldest);
    assert_eq!(order(&["--sort", "took"]), newest);
    let (best, worst) = (order(&["--sort", "psnr"]), order(&["--sort", "psnr", "--reverse"]));
    assert!(best.iter().eq(worst.iter().rev()), "{best:?} {worst:?}");
    let refused = lab.fail(&["list", "--sort", "tok"], 2);
    assert!(refused.contains("there is no figure `tok`") && refused.contains("took"), "{refused}");
}
