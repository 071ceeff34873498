//! Clients that do not train by plain SGD, simulated and captured.

use std::path::Path;

use crate::lab::{Lab, finished, today, write};

/// Matching loss and PSNR of a run.
fn figures(lab: &Lab, preset: &str, changes: &[&str]) -> (f64, f64) {
    let changes = changes.iter().flat_map(|change| ["--set", change]);
    let arguments: Vec<&str> = ["run", preset, "--json"].into_iter().chain(changes).collect();
    let round = &finished(&lab.succeed(&arguments))["rounds"][0];
    (round["loss"].as_f64().unwrap(), round["metrics"]["psnr"]["mean"].as_f64().unwrap())
}

#[test]
fn a_client_of_adam_is_attacked_through_its_steps_and_not_as_sgd() {
    let lab = Lab::new();
    let adam = ["federation.optimiser=adam", "federation.learning_rate=0.001"];
    let known = figures(&lab, "local-steps", &adam);
    assert!(known.0 < 0.005 && known.1 > 13.0, "{known:?}");
    let shown = lab.succeed(&["show", "last"]);
    assert!(shown.contains("protocol FedAvg, 2 epochs of 2, Adam, lr 0.001\n"), "{shown}");
    let assumed = "knowledge.local={ assumed = { learning_rate = 0.001, batch = 2, epochs = 2 } }";
    let taken = figures(&lab, "local-steps", &[&adam[..], &[assumed]].concat());
    assert!(taken.0 > 0.1 && taken.1 < 11.0, "{taken:?}");
    let right = assumed.replace("batch", "optimiser = \"adam\", batch");
    let right = figures(&lab, "local-steps", &[&adam[..], &[right.as_str()]].concat());
    assert!((right.1 - known.1).abs() < 0.05, "{right:?} {known:?}");
    let shown = lab.succeed(&["show", "last"]);
    assert!(shown.contains("local training assumed"), "{shown}");
}

#[test]
fn a_captured_client_says_how_it_trained() {
    let lab = Lab::new();
    let settings = [
        "victim.data=digits28",
        "victim.indices=[0,60]",
        "victim.size=28",
        "attack.iterations=20",
        "federation.algorithm=fedavg",
        "federation.local_batch=1",
        "federation.accumulate={ sum = 2 }",
        "federation.optimiser=adamw",
        "federation.learning_rate=0.01",
        "federation.clip=0.5",
    ];
    let own = figures(&lab, "ig-lenet", &settings);
    let folder = lab.path("files");
    let changes = settings.iter().flat_map(|setting| ["--set", setting]);
    let capture = ["capture", "ig-lenet", "--out", folder.to_str().unwrap()];
    lab.succeed(&capture.into_iter().chain(changes).collect::<Vec<_>>());
    let again = figures(&lab, folder.join("preset.toml").to_str().unwrap(), &[]);
    assert!((own.0 - again.0).abs() < 1e-2 * own.0, "{own:?} {again:?}");
    let name = "1 epoch of 1, accumulate 2 (sum), AdamW, lr 0.01, weight decay 0.01, clip 0.5";
    assert!(lab.succeed(&["show", "last"]).contains(name));
    assert!(std::fs::read_to_string(folder.join("README.md")).unwrap().contains(name));
}

#[test]
fn presets_of_other_local_training_are_run_or_refused_in_one_sentence() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/cases/12-other-local-training");
    if !folder.is_dir() {
        eprintln!("skipped: the files of other local training are not there");
        return;
    }
    let lab = Lab::new();
    let preset = |name: &str, from: &str, to: &str| {
        let mut text = today(&std::fs::read_to_string(folder.join(name)).unwrap());
        assert!(text.contains(from), "{name}: {from}");
        text = text.replace(from, to);
        for key in ["weights", "update", "truth"] {
            text = text.replace(&format!("{key} = \""), &format!("{key} = \"{}/", folder.display()));
        }
        write(&lab.path("case.toml"), text.as_bytes())
    };
    let run = |name: &str, from: &str, to: &str| figures(&lab, &preset(name, from, to), &[]).0;
    let (adam, taken) =
        (run("adam_option.toml", "", ""), run("adam_option.toml", ", optimiser = \"adam\"", ""));
    assert!(adam < 0.02 && taken > 10.0 * adam, "{adam} {taken}");
    let (clipped, taken) = (run("clip_option.toml", "", ""), run("clip_option.toml", ", clip = 0.1", ""));
    assert!(clipped < 2e-3 && taken > 2.0 * clipped, "{clipped} {taken}");
    for name in ["nesterov_option.toml", "prox_option.toml", "sgd.toml"] {
        let loss = run(name, "", "");
        assert!(loss < 5e-3, "{name}: {loss}");
    }
    for (from, to, says) in [
        ("", "", "did you mean `batch`?"),
        ("batch_size", "batch", "did you mean `learning_rate`?"),
        (
            "batch_size = 2, lr",
            "batch = 2, learning_rate",
            "did you mean `epochs`, from which, with the batch,",
        ),
    ] {
        let error = lab.fail(&["run", &preset("steps_option.toml", from, to)], 2);
        assert!(error.contains(says) && error.contains(":8: `"), "{to}: {error}");
    }
    let error =
        lab.fail(&["run", &preset("adam_option.toml", "\"adam\" } }", "\"adam\", momentum = 0.9 } }")], 2);
    assert!(
        error.contains("victim.captured.local.momentum belongs to SGD, but the optimiser is Adam"),
        "{error}"
    );
}
