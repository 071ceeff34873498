//! Weights from outside: `gialab inspect`, and victims that have them.

use std::path::Path;

use gialab::config::preset;
use gialab::model::TensorSpec;
use gialab::run::plan;
use safetensors::tensor::{Dtype, TensorView};
use serde_json::Value;

use crate::lab::{LONG, Lab, QUICK, write};

/// Tensors of the model that `QUICK` attacks, as a file; `change` has the last word on every value.
fn lenet(lab: &Lab, name: &str, change: impl Fn(&TensorSpec, usize) -> f32) -> String {
    let config = preset::load("dlg-lenet", &[], Path::new("/nonexistent")).unwrap().config;
    let net = plan::plan(&config).unwrap().setup.net;
    let tensors: Vec<(String, Vec<usize>, Vec<u8>)> = net
        .parameter_specs()
        .iter()
        .map(|spec| {
            let values = (0..spec.count()).flat_map(|i| change(spec, i).to_le_bytes());
            (spec.name.clone(), spec.shape.clone(), values.collect())
        })
        .collect();
    save(lab, name, &tensors)
}

fn save(lab: &Lab, name: &str, tensors: &[(String, Vec<usize>, Vec<u8>)]) -> String {
    let views = tensors.iter().map(|(name, shape, data)| {
        (name.as_str(), TensorView::new(Dtype::F32, shape.clone(), data).unwrap())
    });
    write(&lab.path(name), &safetensors::serialize(views, None).unwrap())
}

/// Small and different from value to value.
fn wave(_: &TensorSpec, i: usize) -> f32 {
    (i as f32 * 0.7).sin() * 0.3
}

fn with(weights: &str) -> Vec<String> {
    let mut arguments: Vec<String> = QUICK.iter().map(|word| (*word).to_owned()).collect();
    arguments.extend(["--set".to_owned(), format!("victim.weights={weights}")]);
    arguments
}

fn run(lab: &Lab, weights: &str) -> String {
    let arguments = with(weights);
    lab.succeed(&["run"].into_iter().chain(arguments.iter().map(String::as_str)).collect::<Vec<_>>())
}

/// The one sentence of a start that is refused, before anything is made.
fn refused(lab: &Lab, weights: &str) -> String {
    let arguments = with(weights);
    let error =
        lab.fail(&["run"].into_iter().chain(arguments.iter().map(String::as_str)).collect::<Vec<_>>(), 2);
    let runs = lab.path("data").join("runs");
    assert!(std::fs::read_dir(runs).map_or(true, |mut runs| runs.next().is_none()), "{weights}");
    error
}

#[test]
fn inspect_tells_what_is_in_a_file_and_which_model_it_is() {
    let lab = Lab::new();
    let file = lenet(&lab, "lenet.bin", wave);
    let text = lab.succeed(&["inspect", &file]);
    assert!(text.contains("format   safetensors") && text.contains("85036 values, all parameters"), "{text}");
    assert!(text.contains("conv1.weight  f32   12x3x5x5"), "{text}");
    assert!(text.contains("fits lenet for 100 classes exactly"), "{text}");
    let report: Value = serde_json::from_str(&lab.succeed(&["inspect", &file, "--json"])).unwrap();
    assert_eq!(report["parameters"], 85036);
    assert_eq!(report["model"]["name"], "lenet");
    assert_eq!(report["model"]["exact"], true);
    let tensor = report["tensors"].as_array().unwrap().iter().find(|t| t["name"] == "conv1.bias").unwrap();
    assert_eq!(tensor["shape"], serde_json::json!([12]));
    assert!((tensor["max"].as_f64().unwrap() - 0.2956).abs() < 1e-3, "{tensor}");
}

#[test]
fn inspect_says_what_differs_and_what_is_not_finite() {
    let lab = Lab::new();
    let name = |spec: &TensorSpec, i: usize| {
        if spec.name == "conv2.bias" && i < 2 { f32::NAN } else { wave(spec, i) }
    };
    let file = lenet(&lab, "nan.safetensors", name);
    let text = lab.succeed(&["inspect", &file]);
    assert!(text.contains("2 NaN") && text.contains("first in conv2.bias: no victim"), "{text}");
    let error = refused(&lab, &file);
    assert!(error.contains("nan.safetensors cannot be attacked, conv2.bias has 2 NaN"), "{error}");
}

#[test]
fn inspect_refuses_code_by_its_name() {
    let lab = Lab::new();
    let file = write(&lab.path("evil.pth"), b"\x80\x02cposix\nsystem\nX\x04\x00\x00\x00true\x85R.");
    for error in [lab.fail(&["inspect", &file], 1), refused(&lab, &file)] {
        assert!(error.contains("evil.pth asks to run `posix.system`; nothing was run"), "{error}");
    }
}

#[test]
fn a_victim_has_the_weights_of_the_file() {
    let lab = Lab::new();
    let file = lenet(&lab, "trained.safetensors", wave);
    let shown = run(&lab, &file);
    assert!(shown.contains("lenet weights trained.safetensors, BatchNorm"), "{shown}");
    assert!(!shown.contains("untrained"), "{shown}");
    lab.succeed(&[&["run"], &QUICK[..]].concat());
    let runs: Vec<String> = std::fs::read_dir(lab.path("data").join("runs"))
        .unwrap()
        .map(|run| run.unwrap().file_name().into_string().unwrap())
        .collect();
    let norm = |run: &str| {
        let events = std::fs::read_to_string(lab.run_path(run).join("events.jsonl")).unwrap();
        let round = events.lines().find(|line| line.contains("update_norm")).unwrap().to_owned();
        serde_json::from_str::<Value>(&round).unwrap().to_string()
    };
    let of = |trained: bool| {
        let mut runs = runs.iter();
        runs.find(|run| lab.manifest(run)["config"]["victim"]["weights"].is_string() == trained).unwrap()
    };
    let update = |text: &str| {
        text.split("\"update_norm\":").nth(1).unwrap().split([',', '}']).next().unwrap().to_owned()
    };
    assert_ne!(update(&norm(of(true))), update(&norm(of(false))));
    let manifest = lab.manifest(of(true));
    assert_eq!(manifest["config"]["victim"]["weights"], file.as_str());
    assert_eq!(manifest["weights_sha256"].as_str().unwrap().len(), 64);
    for format in ["csv", "json", "html"] {
        let written = lab.succeed(&["export", of(true), "--to", format, "--out", "-"]);
        assert!(written.contains("weights trained.safetensors"), "{format}");
    }
}

#[test]
fn weights_of_another_model_are_refused_with_the_likely_one() {
    let lab = Lab::new();
    let grey = {
        let changes = ["victim.data=digits28".to_owned()];
        let config = preset::load("dlg-lenet", &changes, Path::new("/nonexistent")).unwrap().config;
        plan::plan(&config).unwrap().setup.net
    };
    let tensors: Vec<_> = grey
        .parameter_specs()
        .iter()
        .map(|spec| (spec.name.clone(), spec.shape.clone(), vec![0; 4 * spec.count()]))
        .collect();
    let file = save(&lab, "grey.safetensors", &tensors);
    let error = refused(&lab, &file);
    assert!(error.contains("grey.safetensors does not fit lenet for 100 classes"), "{error}");
    assert!(error.contains("of another shape (conv1.weight is 12x1x5x5, not 12x3x5x5"), "{error}");
    assert!(error.contains("gialab inspect"), "{error}");
    let missing = refused(&lab, "nowhere.pth");
    assert!(missing.contains("nowhere.pth does not exist"), "{missing}");
    let file = write(&lab.path("cut.pth"), b"\x80\x02}q");
    assert!(refused(&lab, &file).contains("cut.pth is damaged or cut off"));
}

#[test]
fn a_run_goes_on_with_its_own_weights_only() {
    let lab = Lab::new();
    let file = lenet(&lab, "w.safetensors", wave);
    let before = std::fs::read(&file).unwrap();
    let change = format!("victim.weights={file}");
    let settings = [&change, "victim.classes=100"];
    let settings: Vec<&str> = settings.iter().flat_map(|setting| ["--set", setting]).collect();
    let run = lab.detach(&[&LONG, &settings[..]].concat());
    lab.wait_for_checkpoint(&run);
    lab.succeed(&["stop", &run]);
    lenet(&lab, "w.safetensors", |spec, i| wave(spec, i + 1));
    let error = lab.fail(&["resume", &run], 1);
    assert!(error.contains("w.safetensors has changed since this run began"), "{error}");
    std::fs::write(&file, before).unwrap();
    lab.succeed(&["resume", &run, "--detach"]);
    lab.succeed(&["stop", &run]);
}

/// The files of an index can be of another checkpoint with the same names: their bytes tell.
#[test]
fn an_index_of_another_size_is_refused() {
    let lab = Lab::new();
    lenet(&lab, "model-00001-of-00001.safetensors", wave);
    let config = preset::load("dlg-lenet", &[], Path::new("/nonexistent")).unwrap().config;
    let net = plan::plan(&config).unwrap().setup.net;
    let bytes = 4 * net.parameter_specs().iter().map(TensorSpec::count).sum::<usize>();
    let map: serde_json::Map<String, Value> = net
        .parameter_specs()
        .iter()
        .map(|spec| (spec.name.clone(), "model-00001-of-00001.safetensors".into()))
        .collect();
    let index = |size: Value| {
        let index = serde_json::json!({ "metadata": { "total_size": size }, "weight_map": map });
        write(&lab.path("model.safetensors.index.json"), index.to_string().as_bytes())
    };
    let without = serde_json::json!({ "metadata": null, "weight_map": map }).to_string();
    let without = write(&lab.path("without.safetensors.index.json"), without.as_bytes());
    assert!(lab.succeed(&["inspect", &without]).contains("fits lenet"));
    for right in [bytes.into(), Value::Null, bytes.to_string().into(), "unknown".into()] {
        assert!(lab.succeed(&["inspect", &index(right)]).contains("fits lenet"));
    }
    for wrong in [(2 * bytes).into(), (bytes / 2).into(), (bytes + 4).to_string().into()] {
        let path = index(wrong);
        for (call, code) in
            [(vec!["inspect".to_owned(), path.clone()], 1), ([vec!["run".into()], with(&path)].concat(), 2)]
        {
            let error = lab.fail(&call.iter().map(String::as_str).collect::<Vec<_>>(), code);
            let says = format!("but those of its files have {bytes}: index and files are of two checkpoints");
            assert!(error.contains(&says) && error.trim_end().lines().count() == 1, "{error}");
        }
    }
}
