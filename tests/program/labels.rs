//! Labels on the real binary: read by a rule, granted, and asked for in the words of older presets.

use serde_json::Value;

use crate::lab::{Lab, finished, write};

/// Settings of a batch of eight garments that are drawn, one or two of a kind.
const BATCH: [&str; 8] = [
    "run",
    "batch-size",
    "--set",
    "victim.sample={ count = 8, classes = \"any\" }",
    "--set",
    "attack.iterations=2",
    "--set",
    "knowledge.labels=false",
];

fn with<'a>(settings: &[&'a str]) -> Vec<&'a str> {
    let settings = settings.iter().flat_map(|setting| ["--set", *setting]);
    BATCH.into_iter().chain(settings).collect()
}

/// The event of the labels that were read.
fn read(log: &str) -> Value {
    let line =
        log.lines().find(|line| line.contains("\"event\":\"labels\"")).expect("the event of the labels");
    serde_json::from_str(line).unwrap()
}

#[test]
fn wrong_labels_are_those_granted_but_for_so_many() {
    let lab = Lab::new();
    let grant = "knowledge.labels=true";
    let out = lab.succeed(&[&with(&[grant, "attack.labels={ wrong = 2 }"])[..], &["--json"]].concat());
    let metrics = &finished(&out)["rounds"][0]["metrics"];
    // A label moved on may be that of another sample.
    assert!((0.75..1.0).contains(&metrics["label_accuracy"].as_f64().unwrap()), "{metrics}");
    let refused = |settings: &[&str]| lab.fail(&with(settings), 2);
    let none = refused(&["attack.labels={ wrong = 2 }"]);
    assert!(
        none.contains("{ wrong = 2 } needs labels that knowledge.labels = false does not grant"),
        "{none}"
    );
    for wrong in ["0", "9"] {
        let said = refused(&[grant, &format!("attack.labels={{ wrong = {wrong} }}")]);
        assert!(said.contains("must be 1 to 8, the samples of the batch"), "{said}");
    }
}

#[test]
fn a_rule_reads_the_labels_of_a_batch_and_says_how_right_they_are() {
    let lab = Lab::new();
    let mut existence = 0.0;
    for seed in ["run.seed=0", "run.seed=1", "run.seed=2"] {
        let mut arguments = with(&["attack.labels={ rule = \"ilrg\" }", seed]);
        arguments.push("--json");
        let out = lab.succeed(&arguments);
        let said = read(&out);
        assert_eq!(said["rule"], "ilrg");
        let labels = said["labels"].as_array().unwrap();
        assert_eq!(labels.len(), 8);
        // The search goes with them.
        let mut used = finished(&out)["rounds"][0]["labels"].as_array().unwrap().clone();
        used.sort_by_key(|label| label.as_u64());
        assert_eq!(&used, labels);
        existence += said["existence"].as_f64().unwrap() / 3.0;
    }
    // Eight guesses at random are right of half of the ten classes.
    assert!(existence > 0.8, "{existence}");
    let shown = lab.succeed(&["show", "last"]);
    assert!(shown.contains("labels read by ilrg") && shown.contains("existence"), "{shown}");
    assert!(shown.contains("threat model A"), "{shown}");
    let json = lab.path("run.json");
    lab.succeed(&["export", "last", "--to", "json", "--out", json.to_str().unwrap()]);
    let document: Value = serde_json::from_str(&std::fs::read_to_string(json).unwrap()).unwrap();
    assert_eq!(document["runs"][0]["rounds"][0]["labels_read"]["rule"], "ilrg");
    assert_eq!(document["runs"][0]["threat_model"]["labels"], "read by ilrg");
    let report = lab.path("run.html");
    lab.succeed(&["export", "last", "--to", "html", "--out", report.to_str().unwrap()]);
    assert!(std::fs::read_to_string(report).unwrap().contains("ilrg reads labels"));
}

#[test]
fn a_rule_whose_assumption_does_not_hold_is_refused() {
    let lab = Lab::new();
    for (rule, code, says) in [
        ("idlg", 2, "it reads the label of a single sample, but the batch has 8"),
        ("ilrgg", 2, "did you mean `ilrg`?"),
        // The network of the preset has tanh in front of its last layer.
        ("yin", 1, "it needs features that are never negative"),
        ("llg", 1, "it needs features with a positive sum"),
    ] {
        let setting = format!("attack.labels={{ rule = \"{rule}\" }}");
        let error = lab.fail(&with(&[&setting]), code);
        assert!(error.contains(says), "{rule}: {error}");
    }
    let error = lab.fail(&with(&["attack.labels=given"]), 2);
    assert!(error.contains("knowledge.labels = false does not grant"), "{error}");
}

#[test]
fn old_words_are_told_the_new_keys() {
    let lab = Lab::new();
    let error = lab.fail(&["run", "ig-lenet", "--set", "knowledge.labels=infer"], 2);
    assert!(error.contains("knowledge.labels = false and attack.labels = { rule = \"idlg\" }"), "{error}");
    let text = include_str!("../../presets/ig-lenet.toml");
    let old = text.replace("schema = 2", "schema = 1").replace("labels = true", "labels = \"known\"");
    let path = write(&lab.path("old.toml"), old.replace("labels = \"given\"\n", "").as_bytes());
    let error = lab.fail(&["run", &path], 2);
    assert!(error.contains("old.toml:1: schema = 1 is of an older gialab; write schema = 2"), "{error}");
    assert!(error.contains("knowledge.labels = true and attack.labels = \"given\""), "{error}");
}

#[test]
fn labels_of_a_captured_update_are_told_without_a_truth() {
    let lab = Lab::new();
    let folder = lab.path("files");
    lab.succeed(&[
        "capture",
        "idlg-lenet",
        "--out",
        folder.to_str().unwrap(),
        "--set",
        "attack.iterations=2",
    ]);
    let preset = folder.join("preset.toml");
    let settings = ["victim.captured.truth=", "victim.captured.input=[3,32,32]", "victim.normalise=true"];
    let settings = settings.iter().flat_map(|setting| ["--set", *setting]);
    let arguments: Vec<&str> =
        ["run", preset.to_str().unwrap(), "--json"].into_iter().chain(settings).collect();
    let said = read(&lab.succeed(&arguments));
    assert_eq!((said["labels"].as_array().unwrap().len(), &said["existence"]), (1, &Value::Null));
    let shown = lab.succeed(&["show", "last"]);
    assert!(shown.contains(&format!("Came back: label {}", said["labels"][0])), "{shown}");
}

/// Where neither the local steps are known nor the features have one sign, one rule does not send to another that cannot.
#[test]
fn what_is_advised_instead_of_a_rule_works() {
    let lab = Lab::new();
    let with = |rule: &str| {
        let labels = format!("attack.labels={{ rule = \"{rule}\" }}");
        let unknown = ["run", "local-steps", "--set", "knowledge.local=none", "--set", "attack.iterations=2"];
        [&unknown[..], &["--set", &labels]].concat().into_iter().map(str::to_owned).collect::<Vec<String>>()
    };
    let run = |rule: &str| lab.gialab(&with(rule).iter().map(String::as_str).collect::<Vec<_>>());
    let mut rule = "ilrg".to_owned();
    for _ in 0..3 {
        let output = run(&rule);
        if output.status.success() {
            return;
        }
        let error = crate::lab::text(&output.stderr);
        let advice = error.trim_end().rsplit("; use ").next().unwrap().to_owned();
        assert!(error.contains("; use ") && advice != rule, "{error}");
        rule = advice;
    }
    panic!("no advice works");
}
