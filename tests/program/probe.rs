//! `gialab probe`, and what a run measures besides the quality of its pictures.

use serde_json::Value;

use crate::lab::{Lab, QUICK, write};

#[test]
fn a_preset_is_probed_without_an_attack() {
    let lab = Lab::new();
    let json = lab.succeed(&["probe", "dlg-digits", "--samples", "2", "--json"]);
    let report: Value = serde_json::from_str(&json).unwrap();
    let number = |pointer: &str| report.pointer(pointer).and_then(Value::as_f64).unwrap();
    assert_eq!((number("/igsa/samples"), number("/igsa/points"), number("/igsa/probes")), (2.0, 8.0, 16.0));
    for figure in ["igsa", "igsa_rel", "r_eff"] {
        let [lower, median, upper] =
            ["lower", "median", "upper"].map(|at| number(&format!("/igsa/{figure}/{at}")));
        assert!(0.0 < lower && lower <= median && median <= upper && upper.is_finite(), "{figure}: {json}");
    }
    // Every pixel shows in the gradient, to the first order, and counting says so of the equations.
    assert_eq!((number("/rank/rank"), number("/rank/unknowns")), (784.0, 784.0));
    assert!(report["r_gap"].as_str().unwrap().contains("equations"), "{json}");
    // No more directions can show than there are pixels.
    assert!(number("/igsa/r_eff/median") < 784.0);
    assert_eq!(number("/dimension/unknowns"), 784.0);
    assert!(number("/dimension/informative") < number("/dimension/parameters"));
    let parts = report["update"]["tensors"].as_array().unwrap();
    let squares: f64 = parts.iter().map(|part| part["norm"].as_f64().unwrap().powi(2)).sum();
    assert!((squares.sqrt() / number("/update/norm") - 1.0).abs() < 1e-9);
    let text = lab.succeed(&["probe", "dlg-digits", "--samples", "2", "--set", "victim.indices=[0, 1, 2]"]);
    for part in [
        "IGSA_rel",
        "r_eff",
        "gialab's definitions",
        "B*d = 2352: no verdict",
        "fc.weight",
        "the test is for 1100 at most",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(!lab.path("data").join("runs").exists(), "nothing was run");
    lab.fail(&["probe", "no-such-preset"], 2);
    lab.fail(&["probe", "dlg-digits", "--set", "victim.model=lenett"], 2);
}

#[test]
fn only_samples_of_the_models_classes_are_probed() {
    let lab = Lab::new();
    let arguments =
        ["probe", "ig-lenet", "--set", "victim.classes=2", "--set", "victim.indices=[0]", "--json"];
    let report: Value = serde_json::from_str(&lab.succeed(&arguments)).unwrap();
    assert_eq!(report["igsa"]["samples"], 2, "photos are their own classes");
}

#[test]
fn a_round_is_examined_when_its_attack_ended() {
    let lab = Lab::new();
    let run =
        ["run", "dlg-digits", "--trials", "1", "--set", "attack.iterations=3", "--set", "run.probe=true"];
    let bound = ["--json", "--set", "run.recovered_psnr=0"];
    let lines = lab.succeed(&[&run[..], &bound[..]].concat());
    let last: Value = serde_json::from_str(lines.lines().last().unwrap()).unwrap();
    let round = &last["rounds"][0];
    assert!(round["probe"]["igsa"].as_f64().unwrap() > 0.0);
    let metrics = &round["metrics"];
    assert_eq!(metrics["iip_pool"], 50);
    assert_eq!((&metrics["recovered"], &metrics["worst_recovered"]), (&Value::from(1.0), &Value::from(true)));
    for figure in ["st_lpips", "feature_mse"] {
        assert!(metrics[figure]["mean"].as_f64().unwrap() >= 0.0, "{figure}");
    }
    // What takes long is not measured on the way.
    let live = lines.lines().filter(|line| line.contains("\"event\":\"metrics\""));
    assert!(live.into_iter().all(|line| !line.contains("st_lpips")));
    let shown = lab.succeed(&["show", "last"]);
    let below = |heading: &str| {
        let (head, rest) = shown.split_once(heading).unwrap_or_else(|| panic!("no {heading}: {shown}"));
        let end = head.rsplit('\n').next().unwrap().len() + heading.len();
        rest.lines().nth(1).unwrap()[..end].split_whitespace().next_back().unwrap().to_owned()
    };
    assert_eq!((below("IIP candidates"), below("BRR")), ("50".to_owned(), "%".to_owned()));
    assert!(below("  IGSA").parse::<f64>().unwrap() > 0.0, "{shown}");
}

#[test]
fn a_file_that_is_no_backbone_of_lpips_is_refused_before_anything_is_made() {
    let lab = Lab::new();
    let file = write(&lab.path("net.pth"), b"no weights");
    for (path, sentence) in [(file.as_str(), "run.lpips"), ("missing.pth", "missing.pth")] {
        let lpips = format!("run.lpips={path}");
        let error = lab.fail(&[&["run"], &QUICK[..], &["--set", &lpips]].concat(), 2);
        assert!(error.contains(sentence), "{error}");
    }
    assert!(!lab.path("data").join("runs").exists());
    for psnr in ["-1", "nan", "101"] {
        let wrong = format!("run.recovered_psnr={psnr}");
        let error = lab.fail(&[&["run"], &QUICK[..], &["--set", &wrong]].concat(), 2);
        assert!(error.contains("0 to 100"), "{error}");
    }
}
