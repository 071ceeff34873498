//! The audit: which setting makes an update, what comes back, what would protect, and a report whose changes show.

use std::process::Stdio;

use serde_json::Value;

use crate::lab::{Lab, cases, text};

/// What a client does, told to `gialab capture`.
fn captured(lab: &Lab, name: &str, settings: &[&str]) -> [String; 3] {
    let folder = lab.path(name);
    let mut arguments = vec!["capture", "ig-lenet", "--out", folder.to_str().unwrap()];
    arguments.extend(settings.iter().flat_map(|setting| ["--set", setting]));
    lab.succeed(&arguments);
    ["update", "weights", "batch"]
        .map(|file| folder.join(format!("{file}.safetensors")).display().to_string())
}

/// What the self-test says of files that are taken for this.
fn tested(lab: &Lab, files: &[String; 3], said: &[&str]) -> (Value, bool) {
    let [update, weights, truth] = files;
    let mut arguments = vec!["inspect", "--update", update, "--weights", weights, "--truth", truth, "--json"];
    arguments.extend(said);
    let output = lab.gialab(&arguments);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    (report["self_test"].clone(), output.status.success())
}

fn words(test: &Value) -> String {
    test["nearest"]["words"]
        .as_array()
        .unwrap()
        .iter()
        .map(|word| word.as_str().unwrap())
        .collect::<Vec<_>>()
        .join("; ")
}

fn left(test: &Value) -> f64 {
    test["nearest"]["left"].as_f64().unwrap()
}

const NORMALISED: [&str; 2] =
    ["--set", "victim.normalise={ mean = [0.4914, 0.4822, 0.4465], std = [0.2470, 0.2435, 0.2616] }"];

fn with<'a>(said: &[&'a str]) -> Vec<&'a str> {
    said.iter().copied().chain(NORMALISED).collect()
}

#[test]
fn the_self_test_holds_for_what_a_client_did_and_says_what_else_makes_an_update() {
    let lab = Lab::new();
    let four = "victim.indices=[0,3,5,7]";
    let gradient = captured(&lab, "gradient", &[four]);
    let (test, accepted) = tested(&lab, &gradient, &with(&["--batch", "4"]));
    assert!(accepted && words(&test).is_empty() && left(&test) < 1e-5, "{test}");
    // Ten times too small, and the other way round.
    for (scale, said) in [("10", "times 0.1"), ("-1", "the other sign"), ("-0.5", "times -2")] {
        let setting = format!("victim.captured.scale={scale}");
        let (test, _) = tested(&lab, &gradient, &with(&["--batch", "4", "--set", &setting]));
        assert!(words(&test) == said && left(&test) < 1e-5, "{scale}: {test}");
    }
    let smooth = captured(&lab, "smooth", &[four, "victim.loss={ label-smoothing = 0.1 }"]);
    let (test, _) = tested(&lab, &smooth, &with(&["--batch", "4"]));
    assert!(words(&test) == "cross-entropy, label smoothing 0.1" && left(&test) < 1e-5, "{test}");
    // Another normalisation than the client's.
    let (test, _) = tested(&lab, &gradient, &["--batch", "4", "--set", "victim.normalise=false"]);
    assert!(words(&test).contains("CIFAR-10") && left(&test) < 1e-5, "{test}");
}

#[test]
fn the_self_test_finds_the_local_training() {
    let lab = Lab::new();
    let steps = [
        "victim.indices=[0,3,5,7]",
        "federation.algorithm=fedavg",
        "federation.learning_rate=0.1",
        "federation.local_batch=2",
        "federation.local_epochs=1",
    ];
    let told = "victim.captured.local={ learning_rate = 0.1, batch = 2 }";
    let taken = with(&["--batch", "4", "--kind", "delta", "--set", told]);
    let (test, accepted) = tested(&lab, &captured(&lab, "steps", &steps), &taken);
    assert!(accepted && words(&test).is_empty() && left(&test) < 1e-4, "{test}");
    let otherwise = [
        ("shuffle", &["federation.shuffle=true"][..], "shuffled"),
        ("momentum", &["federation.momentum=0.9"], "momentum of 0.9"),
        ("epochs", &["federation.local_epochs=2"], "2 epochs"),
        ("both", &["federation.momentum=0.9", "federation.weight_decay=0.01"], "weight decay of 0.01"),
        ("twice", &["federation.momentum=0.9", "federation.local_epochs=2"], "2 epochs"),
    ];
    for (name, settings, said) in otherwise {
        let files = captured(&lab, name, &[&steps[..], settings].concat());
        let (test, _) = tested(&lab, &files, &taken);
        assert!(words(&test).contains(said) && left(&test) < 1e-3, "{name}: {test}");
    }
    let files = captured(&lab, "sign", &steps);
    let taken = with(&["--batch", "4", "--kind", "negative-delta", "--set", told]);
    let (test, _) = tested(&lab, &files, &taken);
    assert!(words(&test) == "the other sign" && left(&test) < 1e-4, "{test}");
    let changes = test["nearest"]["changes"].to_string();
    assert!(changes.contains("kind=delta"), "{changes}");
}

#[test]
fn the_self_test_tells_the_mode_of_batch_norm() {
    let lab = Lab::new();
    let settings = ["victim.indices=[0,3,5,7]", "victim.model=resnet20", "victim.mode=train"];
    let files = captured(&lab, "train", &settings);
    let (test, _) = tested(&lab, &files, &with(&["--batch", "4"]));
    assert!(words(&test) == "BatchNorm in train mode" && left(&test) < 3e-3, "{test}");
    assert!(test["left"].as_f64().unwrap() > 0.1, "{test}");
}

/// Clients of PyTorch and of Flower, which lie beside the repository.
#[test]
fn the_self_test_holds_for_clients_of_pytorch_and_flower() {
    let (Some(pytorch), Some(flower)) = (cases("12-other-local-training"), cases("02-flower-object-array"))
    else {
        return;
    };
    let lab = Lab::new();
    let files = |folder: &std::path::Path, update: &str, truth: &str| {
        [update, "global.pth", truth].map(|file| folder.join(file).display().to_string())
    };
    let plain = ["--set", "victim.normalise=false"];
    for update in ["ok.npz", "okc.npz", "ndarrays.pkl", "tuple.pth", "with_none.pth"] {
        let (test, accepted) = tested(&lab, &files(&flower, update, "truth.pth"), &plain);
        assert!(accepted && words(&test).is_empty() && left(&test) < 1e-5, "{update}: {test}");
    }
    let told = "victim.captured.local={ learning_rate = 0.01, batch = 2 }";
    let taken = [&["--batch", "4", "--kind", "weights", "--set", told], &plain[..]].concat();
    for (update, said) in [
        ("sgd.pth", ""),
        ("nesterov.pth", "Nesterov's momentum of 0.9"),
        ("adam.pth", "Adam"),
        ("clipped.pth", "gradients clipped to 0.1"),
    ] {
        let (test, _) = tested(&lab, &files(&pytorch, update, "truth4.pth"), &taken);
        assert!(words(&test).contains(said) && left(&test) < 1e-2, "{update}: {test}");
        assert_eq!(words(&test).is_empty(), said.is_empty(), "{update}: {test}");
    }
}

/// An update that nothing makes is not explained.
#[test]
fn the_self_test_explains_no_noise() {
    let lab = Lab::new();
    let files = captured(&lab, "noise", &["victim.indices=[0,3]", "post=[{ kind = \"noise-only\" }]"]);
    let (test, _) = tested(&lab, &files, &with(&["--batch", "2"]));
    assert!(left(&test) > 0.5, "{test}");
}

/// Audits with few evaluations: what is computed is enough to tell that it is told.
const QUICK: [&str; 4] = ["--budget", "2000", "--rounds", "0"];

#[test]
fn an_audit_of_a_federation_tells_what_came_back_and_what_protects() {
    let lab = Lab::new();
    let page = lab.path("audit.html");
    let said = lab.gialab(
        &[&["audit", "r-gap", "--fail-if", "brr>0", "--out", page.to_str().unwrap()], &QUICK[..]].concat(),
    );
    let report = text(&said.stdout);
    assert_eq!(said.status.code(), Some(3), "{report}{}", text(&said.stderr));
    assert!(
        report.contains("RECOVERED") && report.contains("threshold") && report.contains("control on noise"),
        "{report}"
    );
    assert!(
        report.contains("of those tried that lets nothing through") || report.contains("none of"),
        "{report}"
    );
    assert!(!report.to_lowercase().contains("is safe"), "{report}");
    // The same audit goes on: nothing is computed anew.
    let runs = || {
        let audits = std::fs::read_dir(lab.path("data").join("audits")).unwrap().flatten();
        let of = audits.flat_map(|audit| std::fs::read_dir(audit.path().join("runs")).unwrap().flatten());
        let mut all: Vec<_> = of
            .map(|run| {
                (run.file_name(), run.path().join("result.json").metadata().unwrap().modified().unwrap())
            })
            .collect();
        all.sort();
        all
    };
    let before = runs();
    assert!(before.len() > 5, "{before:?}");
    lab.succeed(&[&["audit", "r-gap"], &QUICK[..]].concat());
    assert_eq!(before, runs());
    // The page is sealed, and says where its runs are not.
    let verified = lab.succeed(&["audit", "verify", page.to_str().unwrap()]);
    assert!(verified.contains("seal") && verified.contains("not here to be checked"), "{verified}");
    let html = std::fs::read_to_string(&page).unwrap();
    for part in ["What came back", "What would protect", "Appendix", "28/2024", "800-226", "data:image/png"] {
        assert!(html.contains(part), "{part}");
    }
    // Who has it on paper can make each attempt again.
    assert!(html.contains("--set attack.kind=idlg") && html.contains("SHA-256 of its result"));
    std::fs::write(&page, html.replacen("RECOVERED", "RECOVERAD", 1)).unwrap();
    let refused = lab.fail(&["audit", "verify", page.to_str().unwrap()], 1);
    assert!(refused.contains("changed after it was written"), "{refused}");
    // What is there is not replaced.
    let refused = lab.fail(&["audit", "r-gap", "--out", page.to_str().unwrap()], 2);
    assert!(refused.contains("--force"), "{refused}");
}

#[test]
fn runs_behind_a_report_are_checked_with_it() {
    let lab = Lab::new();
    let said = lab.succeed(&[&["audit", "logit", "--json"], &QUICK[..]].concat());
    let report: Value = serde_json::from_str(&said).unwrap();
    let audits = lab.path("data").join("audits");
    let audit = std::fs::read_dir(&audits).unwrap().flatten().next().unwrap().path();
    let file = audit.join("report.json");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), said);
    let verify = || lab.gialab(&["audit", "verify", file.to_str().unwrap()]);
    let held = verify();
    assert!(held.status.success() && !text(&held.stdout).contains("not here"), "{}", text(&held.stdout));
    let attempts = report["attempts"].as_array().unwrap();
    let run = attempts.iter().find(|attempt| attempt["attack"] == "r-gap").unwrap();
    assert_eq!(run["rounds"][0]["recovered"], 1, "{run}");
    let result = audit.join("runs").join(run["run"].as_str().unwrap()).join("result.json");
    let changed = std::fs::read_to_string(&result).unwrap().replacen("\"psnr\"", "\"psnr\" ", 1);
    std::fs::write(&result, changed).unwrap();
    let broken = verify();
    assert_eq!(broken.status.code(), Some(1));
    assert!(text(&broken.stdout).contains("IS ANOTHER ONE"), "{}", text(&broken.stdout));
}

#[test]
fn an_update_without_its_samples_is_attacked_and_not_judged() {
    let lab = Lab::new();
    let [update, weights, _] = captured(&lab, "one", &["victim.indices=[3]"]);
    let files = ["audit", "--update", &update, "--weights", &weights];
    let said = lab.succeed(&[&files[..], &QUICK].concat());
    assert!(said.contains("not made: without the private samples"), "{said}");
    assert!(said.contains("nothing to compare with") && !said.contains("RECOVERED"), "{said}");
    assert!(said.contains("label 3"), "{said}");
    let refused = lab.fail(&[&files[..], &QUICK, &["--fail-if", "brr>0"]].concat(), 2);
    assert!(refused.contains("--truth"), "{refused}");
}

/// Post-processing is put on the captured update itself: what it would have kept back, without a federation to tell its cost.
#[test]
fn what_would_protect_a_captured_update_is_tried_on_it() {
    let lab = Lab::new();
    let settings = ["victim.indices=[3]", "victim.model=mlp", "victim.options.width=0.05"];
    let of = ["--set", settings[1], "--set", settings[2]];
    let [update, weights, truth] = captured(&lab, "mlp", &settings);
    let files = ["audit", "--update", &update, "--weights", &weights, "--truth", &truth];
    let said = lab.succeed(&with(&[&files[..], &of, &QUICK, &["--json"]].concat()));
    let report: Value = serde_json::from_str(&said).unwrap();
    let protections = report["protections"].as_array().unwrap();
    assert_eq!(protections.len(), 6, "{protections:?}");
    let put_on = |kind: &str| {
        let mut of = protections.iter().filter(|it| it["setting"].as_str().unwrap().contains(kind));
        of.next_back().unwrap_or_else(|| panic!("{kind}: {protections:?}"))
    };
    // Noise of three times the norm of the update hides what its rows are exactly.
    let psnr = |it: &Value| it["attempt"]["rounds"][0]["psnr"][0].as_f64().unwrap();
    let clean = report["attempts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["rounds"][0]["psnr"][0].as_f64().unwrap_or(0.0));
    let clean = clean.fold(0.0, f64::max);
    let noised = put_on("gaussian-noise");
    assert!(clean > 40.0 && psnr(noised) < clean - 20.0, "{clean} {noised}");
    let sparse = put_on("sparsify");
    assert!(psnr(sparse) < clean - 20.0, "{clean} {sparse}");
    assert!(sparse["unmeasured"].as_str().unwrap().contains("needs a federation"), "{sparse}");
    let [sent, clean] = [0, 1].map(|at| sparse["bytes"][at].as_u64().unwrap());
    assert!(sent < clean / 10, "{sent} {clean}");
    // The control is on noise of this update's norm.
    let control = report["control"]["rounds"][0]["psnr"][0].as_f64().unwrap();
    assert!(control < 16.0, "{control}");
    let refused = lab.fail(
        &with(
            &[
                &files[..],
                &of,
                &QUICK,
                &["--protect", "[{ kind = \"dp-sgd\", norm = 1.0, noise_multiplier = 1.0 }]"],
            ]
            .concat(),
        ),
        2,
    );
    assert!(refused.contains("--protect") && refused.lines().count() == 1, "{refused}");
    // What is processed already is not processed once more.
    let sparse = [&settings[..], &["post=[{ kind = \"sparsify\", share = 0.9 }]"]].concat();
    let [update, weights, truth] = captured(&lab, "sparse", &sparse);
    let files = ["audit", "--update", &update, "--weights", &weights, "--truth", &truth];
    let said = lab.succeed(&with(&[&files[..], &of, &QUICK].concat()));
    assert!(said.contains("post-processing on this update already"), "{said}");
}

#[test]
fn an_audit_of_a_federation_looks_at_other_clients() {
    let lab = Lab::new();
    let small =
        ["victim.data=digits8", "federation.clients=3", "federation.attack_rounds=[0, 1]", "run.probe=false"];
    let mut arguments = vec!["audit", "leakage-by-round", "--json", "--fail-if", "psnr>200"];
    arguments.extend(small.iter().flat_map(|setting| ["--set", setting]));
    let said = lab.succeed(&[&arguments[..], &QUICK].concat());
    let report: Value = serde_json::from_str(&said).unwrap();
    let clients = report["clients"].as_array().unwrap();
    assert_eq!(clients.len(), 2, "{clients:?}");
    let best =
        report["attempts"].as_array().unwrap().iter().map(|attempt| attempt["rounds"][0]["psnr"][0].as_f64());
    let best = best.flatten().fold(0.0, f64::max);
    let config = |attempt: &Value| -> toml::Table { attempt["config"].as_str().unwrap().parse().unwrap() };
    let mut attacked: Vec<String> =
        clients.iter().map(|it| config(it)["victim"]["indices"].to_string()).collect();
    attacked.push("[0]".to_owned());
    attacked.sort_unstable();
    attacked.dedup();
    assert_eq!(attacked.len(), 3, "{attacked:?}");
    for client in clients {
        assert_eq!(client["rounds"].as_array().unwrap().len(), 2, "{client}");
        // R-GAP solves this network, whosever garment it is.
        assert!(best > 60.0 && client["rounds"][0]["psnr"][0].as_f64().unwrap() > 60.0, "{best} {client}");
    }
    let audits = std::fs::read_dir(lab.path("data").join("audits")).unwrap();
    let audit = audits.flatten().find(|entry| entry.path().is_dir()).unwrap().path();
    let page = std::fs::read_to_string(audit.join("report.html")).unwrap();
    assert!(page.contains("Client by client") && page.contains("client 3"));
    assert!(lab.gialab(&["audit", "verify", audit.join("report.json").to_str().unwrap()]).status.success());
}

/// Files of NVFlare, which lie beside the repository.
#[test]
fn updates_of_nvflare_are_audited_as_they_are() {
    let Some(folder) = cases("03-nvflare-global") else { return };
    let lab = Lab::new();
    let file = |name: &str| folder.join(name).display().to_string();
    let told = "victim.captured.local={ epochs = 1, learning_rate = 0.01 }";
    for (weights, update) in [("FL_global_model.pt", "diff.npz"), ("FL_global_model_numpy.pt", "fl_model.pt")]
    {
        let (weights, update, truth) = (file(weights), file(update), file("truth.pth"));
        let files =
            ["audit", "--weights", &weights, "--update", &update, "--truth", &truth, "--kind", "delta"];
        let said =
            lab.succeed(&[&files[..], &["--set", told, "--set", "victim.classes=10"], &QUICK].concat());
        assert!(said.contains("the simulated client makes this update"), "{said}");
    }
}

#[test]
fn an_audit_goes_on_with_the_settings_that_make_the_update() {
    let lab = Lab::new();
    let [update, weights, truth] = captured(&lab, "sign", &["victim.indices=[3]"]);
    let files = ["audit", "--update", &update, "--weights", &weights, "--truth", &truth];
    let wrong = with(&[&files[..], &QUICK, &["--set", "victim.captured.scale=-1"]].concat());
    let said = lab.succeed(&wrong);
    assert!(said.contains("the other sign") && said.contains("everything below is with"), "{said}");
}

#[test]
fn what_cannot_be_audited_is_refused_in_a_sentence() {
    let lab = Lab::new();
    for (arguments, sentence) in [
        (&["audit"][..], "is needed"),
        (&["audit", "dlg-lenet", "--budget", "soon"], "neither a time nor a number"),
        (&["audit", "dlg-lenet", "--budget", "0"], "neither a time nor a number"),
        (&["audit", "dlg-lenet", "--budget", "1s"], "too small"),
        (&["audit", "dlg-lenet", "--budget", "20"], "too small"),
        (&["audit", "dlg-lenet", "--limit", "2"], "is no share"),
        (&["audit", "dlg-lenet", "--limit", "-1"], "is no share"),
        (&["audit", "dlg-lenet", "--fail-if", "brr"], "looks like"),
        (&["audit", "dlg-lenet", "--fail-if", "bbr>0"], "did you mean"),
        (&["audit", "dlg-lenett"], "dlg-lenet"),
        (&["audit", "--update", "nothing.pt"], "--weights"),
    ] {
        let said = lab.fail(arguments, 2);
        assert!(said.contains(sentence), "{arguments:?}: {said}");
    }
    let said = lab.fail(&["audit", "stop", "dlg-lenet-0000"], 2);
    assert!(said.contains("there are no audits yet") && said.lines().count() == 1, "{said}");
    assert!(lab.succeed(&["audit", "list"]).starts_with("no audits yet"));
    let other = lab.path("other.html");
    std::fs::write(&other, "<html></html>").unwrap();
    assert!(lab.fail(&["audit", "verify", other.to_str().unwrap()], 1).contains("no report"));
    // Weights of another model.
    let [update, _, _] = captured(&lab, "lenet", &["victim.indices=[3]"]);
    let [_, weights, _] = captured(&lab, "mlp", &["victim.indices=[3]", "victim.model=mlp"]);
    let said = lab.fail(&["audit", "--update", &update, "--weights", &weights], 2);
    assert!(said.contains("does not fit mlp"), "{said}");
    // What was refused leaves nothing to be shown.
    let audits = std::fs::read_dir(lab.path("data/audits"));
    assert_eq!(audits.map_or(0, |audits| audits.count()), 0);
}

#[test]
fn an_audit_that_is_being_made_is_listed_and_stopped_from_another_shell() {
    let lab = Lab::new();
    let mut made = lab.command(&["audit", "ig-lenet", "--budget", "30min", "--rounds", "0"]);
    let mut made = made.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let listed = || -> Vec<serde_json::Value> {
        serde_json::from_str(&lab.succeed(&["audit", "list", "--json"])).unwrap()
    };
    lab.wait_for("a run of the audit", || {
        listed().iter().any(|audit| audit["runs_begun"].as_u64() > Some(0))
    });
    let audit = &listed()[0];
    assert_eq!(audit["state"], "running");
    let name = audit["audit"].as_str().unwrap();
    let said = lab.succeed(&["audit", "stop", name]);
    assert!(said.contains("is stopped; the command that began it goes on"), "{said}");
    assert_eq!(made.wait().unwrap().code(), Some(130));
    assert_eq!(listed()[0]["state"], "stopped");
    assert!(lab.fail(&["audit", "stop", name], 1).contains("is stopped already"));
    let said = lab.fail(&["audit", "stop", "ig-lenett"], 2);
    assert!(said.contains("the audit `ig-lenett` is not known") && said.contains(name), "{said}");
}
