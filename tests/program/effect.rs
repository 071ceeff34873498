//! `gialab effect`: what post-processing does to an update, step by step.

use std::process::Stdio;
use std::time::Duration;

use gialab::run::Event;
use serde_json::Value;

use crate::lab::{Lab, text, write};
use crate::screen::Screen;

/// Two steps, the first of which halves a norm of about 2.
const TWO: &str = "post=[{ kind = \"clip\", norm = NORM }, { kind = \"sparsify\", share = 0.9 }]";

fn effects(lab: &Lab, arguments: &[&str]) -> Value {
    serde_json::from_str(&lab.succeed(&[&["effect", "--json"], arguments].concat())).unwrap()
}

#[test]
fn each_step_is_told_with_those_before_it_as_a_run_reports_all_of_them() {
    let lab = Lab::new();
    let clean = effects(&lab, &["dlg-lenet"]);
    let norm = clean["norm"].as_f64().unwrap();
    assert!(norm > 0.0 && clean["steps"].as_array().unwrap().is_empty(), "{clean}");
    assert_eq!(clean["bytes"].as_u64().unwrap(), 4 * clean["parameters"].as_u64().unwrap());
    let post = TWO.replace("NORM", &(norm / 2.0).to_string());
    let told = effects(&lab, &["dlg-lenet", "--set", &post]);
    assert_eq!(told["norm"], clean["norm"], "the clean update is the same");
    let step = |step: usize, key: &str| told["steps"][step][key].as_f64().unwrap();
    let number = |step: usize, key: &str| told["steps"][step]["effect"][key].as_f64().unwrap();
    assert_eq!(told["steps"].as_array().unwrap().len(), 2);
    assert!((step(0, "norm") - norm / 2.0).abs() < 1e-4 * norm, "{told}");
    assert!((number(0, "cosine") - 1.0).abs() < 1e-5 && (number(0, "change") - 0.5).abs() < 1e-4, "{told}");
    assert!(number(1, "zeros") > 0.89 && step(1, "bytes") < step(0, "bytes"), "{told}");
    // What a run measures is what all steps come to.
    let run = lab.detach(&["dlg-lenet", "--set", &post, "--set", "attack.iterations=2", "--trials", "1"]);
    lab.wait_for("the end", || lab.status(&run) == "done");
    let processed = lab.events(&run).into_iter().find_map(|line| match line.event {
        Event::Processed { effect, .. } => Some(effect),
        _ => None,
    });
    let processed = processed.unwrap();
    for (key, value) in [
        ("norm", processed.norm),
        ("cosine", processed.cosine),
        ("change", processed.change),
        ("zeros", processed.zeros),
        ("bits", processed.bits),
    ] {
        assert!((number(1, key) - value).abs() < 1e-6, "{key}: {told} against {processed:?}");
    }
}

#[test]
fn the_table_has_a_row_a_step_and_fits_eighty_columns() {
    let lab = Lab::new();
    let long = "{ kind = \"quantise\", levels = 16, scale = \"l2\", rounding = \"stochastic\" }";
    let post = TWO.replace("NORM", "0.5").replace(']', &format!(", {long}]"));
    let table = lab.succeed(&["effect", "dlg-lenet", "--set", &post]);
    assert!(table.lines().all(|line| line.chars().count() <= 80), "{table}");
    assert_eq!(table.lines().count(), 7, "{table}");
    for part in [
        "the clean gradient of round 0",
        "kept%",
        "clip 0.5",
        "sparsify 0.9",
        "  quantise 16 stochastic l2\n",
    ] {
        assert!(table.contains(part), "{part}: {table}");
    }
    assert!(lab.succeed(&["effect", "dlg-lenet"]).contains("no post-processing"));
}

#[test]
fn an_unusual_order_is_told_by_the_pair_that_is_the_other_way_round() {
    let lab = Lab::new();
    let two = |first: &str, second: &str| {
        lab.succeed(&["effect", "dlg-lenet", "--set", &format!("post=[{first}, {second}]")])
    };
    let (clip, sparsify) = ("{ kind = \"clip\", norm = 1.0 }", "{ kind = \"sparsify\", share = 0.5 }");
    let said = two(sparsify, clip);
    assert!(said.contains("clip is best before sparsify"), "{said}");
    assert!(!two(clip, sparsify).contains("order"));
    let refused = lab.fail(&["effect", "dlg-lenet", "--set", "post=[{}]"], 2);
    assert!(refused.contains("post[0].kind is missing"), "{refused}");
}

#[test]
fn a_preset_comes_from_standard_input_too() {
    let lab = Lab::new();
    let preset = lab.succeed(&["presets", "sparsify"]);
    let file = write(&lab.path("piped"), preset.as_bytes());
    let mut command = lab.command(&["effect", "-", "--json"]);
    let output = command.stdin(std::fs::File::open(file).unwrap()).output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    let piped: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(piped["steps"], effects(&lab, &["sparsify"])["steps"]);
    let nothing = lab.command(&["effect", "-"]).stdin(Stdio::null()).output().unwrap();
    assert_eq!(nothing.status.code(), Some(2));
    assert!(text(&nothing.stderr).contains("standard input"), "{}", text(&nothing.stderr));
}

#[test]
fn what_has_no_effect_to_tell_is_refused_in_a_sentence() {
    let lab = Lab::new();
    let files = lab.path("captured");
    lab.succeed(&["capture", "dlg-lenet", "--out", files.to_str().unwrap()]);
    let captured = files.join("preset.toml");
    for (preset, set, code, says) in [
        (
            captured.to_str().unwrap(),
            "post=[{ kind = \"clip\", norm = 1 }]",
            2,
            "has no client whose post-processing",
        ),
        ("dlg-lenet", "post=[{ kind = \"clip\", norm = 0 }]", 2, "post[0].norm = 0, must be above 0"),
        ("dlg-lenet", "post=[{ kind = \"drop-layers\", layers = [\"attic\"] }]", 2, "post[0].layers"),
    ] {
        let refused = lab.fail(&["effect", preset, "--set", set], code);
        assert!(refused.contains(says), "{refused}");
    }
}

/// Opens the form of a preset on its steps and adds one.
fn add_a_step(screen: &mut Screen, preset: &str) {
    screen.wait_for("presets");
    screen.press(&format!(":preset {preset}"));
    screen.wait_for(&format!("> preset {preset}"));
    screen.press("\rc");
    screen.wait_for(&format!("settings of {preset}"));
    screen.press("/gialab defences\r\x0e");
    screen.wait_for("add a step of post-processing");
    screen.press("clip\r1.0");
}

#[test]
fn the_form_tells_what_a_step_does_and_the_run_has_it() {
    let lab = Lab::new();
    let mut screen = Screen::open(&lab, 80, 24);
    add_a_step(&mut screen, "dlg-lenet");
    screen.wait_for("sent: norm kept 4 %, cosine 1.000, zeros 0 %, 32.0 bits a number");
    screen.press("\r");
    screen.wait_for("changed");
    screen.press("\r");
    screen.wait_for("clip");
    screen.press("\r");
    screen.wait_for("clip 1.0 (known)");
    screen.press("q");
    screen.wait_for_exit(Duration::from_secs(10));
}

#[test]
fn an_effect_that_nobody_waits_for_is_not_computed_to_its_end() {
    let lab = Lab::new();
    let presets = lab.path("config/gialab/presets");
    std::fs::create_dir_all(&presets).unwrap();
    let late = lab.succeed(&["presets", "leakage-by-round"]);
    let late = late.replace("[0, 2, 5, 10, 20, 40]", "[100000]");
    assert!(late.contains("[100000]"), "{late}");
    std::fs::write(presets.join("late.toml"), late).unwrap();
    let mut screen = Screen::open(&lab, 80, 24);
    add_a_step(&mut screen, "late");
    lab.wait_for("a process that computes", || lab.processes().len() == 2);
    assert!(screen.text().contains("…computing"), "{}", screen.text());
    screen.press("\x1b");
    lab.wait_for("its end with the form", || lab.processes().len() == 1);
    screen.press("c");
    screen.press("/gialab defences\r\x0eclip\r1.0");
    lab.wait_for("another one", || lab.processes().len() == 2);
    screen.press("\x03");
    screen.wait_for_exit(Duration::from_secs(10));
    lab.wait_for("its end with the screen", || lab.processes().is_empty());
}
