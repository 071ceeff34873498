//! The commands, on real attacks.

use gialab::run::event::{Event, Line};
use serde_json::Value;

use crate::lab::{LONG, Lab, QUICK, finished, text};

#[test]
fn json_prints_events_and_ends_with_the_result() {
    let lab = Lab::new();
    let arguments: Vec<&str> = ["run"].iter().chain(&QUICK).chain(&["--json"]).copied().collect();
    let output = lab.succeed(&arguments);
    let lines: Vec<Line> = output.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(matches!(lines[0].event, Event::Started { .. }));
    assert!(lines.iter().all(|line| line.v == 1 && line.event != Event::Unknown));
    assert!(lines.windows(2).all(|pair| pair[0].t <= pair[1].t + 0.5));

    let last = finished(&output);
    assert_eq!((&last["event"], &last["status"]), (&Value::from("finished"), &Value::from("done")));
    let round = &last["rounds"][0];
    for metric in ["mse", "psnr", "ssim"] {
        assert!(round["metrics"][metric]["mean"].is_f64(), "{metric}");
        assert!(round["metrics"][metric]["best"].is_f64(), "{metric}");
    }
    assert!(round["metrics"]["label_accuracy"].is_f64());
    assert!(round["loss"].is_f64() && round["evaluations"].is_u64() && round["seconds"].is_f64());

    let run = last["run"].as_str().unwrap();
    for picture in ["truth.png", "round-0-reconstruction.png"] {
        let picture = image::open(lab.run_path(run).join("pictures").join(picture)).unwrap();
        assert_eq!((picture.width(), picture.height()), (32, 32));
    }
    assert!(!lab.run_path(run).join("checkpoint.safetensors").exists(), "a complete run needs none");

    let list: Value = serde_json::from_str(&lab.succeed(&["list", "--json"])).unwrap();
    assert_eq!((&list[0]["run"], &list[0]["status"]), (&Value::from(run), &Value::from("done")));
    assert!(list[0]["psnr"].is_f64());
    let shown = lab.succeed(&["show", "last"]);
    for part in [
        "labels optimised",
        "Labels optimised, BatchNorm eval (public), batch of 1",
        "threat model A",
        "PSNR",
        "round-0-reconstruction.png",
    ] {
        assert!(shown.contains(part), "{part} in {shown}");
    }
    assert!(!shown.contains('\x1b'), "no escapes in a pipe");
}

#[test]
fn a_budget_decides_what_is_spent() {
    let lab = Lab::new();
    let run = |more: &[&str]| {
        let output = lab.succeed(&[&["run", "ig-lenet", "--threads", "1", "--json"], more].concat());
        let logged = output.lines().find(|line| line.contains("a budget of")).map(str::to_owned);
        (finished(&output), logged)
    };
    let (counted, logged) = run(&["--budget", "200"]);
    assert_eq!(counted["rounds"][0]["evaluations"], 200);
    assert_eq!(logged, None, "nothing was measured");

    let (timed, logged) = run(&["--budget", "1s"]);
    let logged = logged.unwrap();
    let seconds = timed["rounds"][0]["seconds"].as_f64().unwrap();
    assert!(seconds < 3.0, "{seconds} s of one, on a busy machine");
    // What it took the second for repeats it, unless the second was over before.
    let evaluations = logged.split("attack.budget=").nth(1).unwrap().split(' ').next().unwrap();
    let spent = timed["rounds"][0]["evaluations"].as_u64().unwrap();
    assert!(spent <= evaluations.parse().unwrap(), "{spent} of {evaluations}");
    if spent == evaluations.parse::<u64>().unwrap() {
        let (again, _) = run(&["--budget", evaluations]);
        assert_eq!(again["rounds"][0]["metrics"], timed["rounds"][0]["metrics"]);
    }
    let shown = lab.succeed(&["show", "last"]);
    assert!(shown.contains("budget"), "{shown}");

    for (budget, said) in [
        ("0", "--set attack.budget=0: attack.budget is nothing that can be spent"),
        ("-5s", "is nothing that can be spent: give evaluations above 0, as 5000, or seconds, as \"60s\""),
        ("1", "is less than one iteration in every trial takes, about 2 in all of 1"),
    ] {
        let refused = lab.fail(&["run", "ig-lenet", "--budget", budget], 2);
        assert!(refused.contains(said), "{refused}");
    }
}

#[test]
fn the_label_that_came_back_is_told_with_its_class() {
    let lab = Lab::new();
    let said = |preset: &str, more: &[&str]| {
        let output =
            lab.succeed(&[&["run", preset, "--set", "attack.iterations=3", "--trials", "1"], more].concat());
        let lines: Vec<String> =
            output.lines().filter(|line| line.starts_with("Came back")).map(str::to_owned).collect();
        assert!(lines.is_empty() || lab.succeed(&["show", "last"]).contains(&lines[0]));
        lines
    };
    // The rule reads it off the gradient: photos are classes of their own, digits are called by their number.
    assert_eq!(said("idlg-lenet", &[]), ["Came back: label 0 (astronaut_face, right)."]);
    let digit = said(
        "idlg-lenet",
        &["--set", "victim.data=digits8", "--set", "victim.classes=10", "--set", "victim.size="],
    );
    assert!(digit[0].starts_with("Came back: label ") && digit[0].ends_with(" (right)."), "{digit:?}");
    assert_eq!(said("ig-lenet", &[]), [""; 0], "given, not recovered");
}

#[test]
fn expected_times_are_measured_on_this_machine_and_by_its_runs() {
    let lab = Lab::new();
    let row = |list: &str, name: &str| {
        list.lines().find(|line| line.trim_start().starts_with(&format!("{name} "))).unwrap().to_owned()
    };
    let list = lab.succeed(&["presets"]);
    assert!(list.contains("times are those of the reference machine"), "{list}");
    assert!(row(&list, "ig-convnet64").contains(" 74 s "), "{list}");
    assert!(lab.succeed(&["doctor"]).contains("not measured yet"));

    // Nothing is measured on a machine that others keep busy.
    let measured = lab.succeed(&["bench", "--calibrate", "--backend", "flex"]);
    let measured: Value = serde_json::from_str(&measured).unwrap();
    assert!(measured.is_null() || measured["light"].as_f64().unwrap() < measured["heavy"].as_f64().unwrap());
    // A machine that takes twice as long as the reference machine for everything.
    let report: Value = serde_json::from_str(&lab.succeed(&["doctor", "--json"])).unwrap();
    let (processor, threads) = (&report["machine"]["processor"], &report["machine"]["threads"]);
    let calibration = serde_json::json!({
        "gialab": env!("CARGO_PKG_VERSION"), "backend": "flex", "threads": threads, "processor": processor,
        "light": 0.64, "heavy": 147.8,
    });
    let kept = lab.path("cache/gialab/speed-flex.json");
    std::fs::create_dir_all(kept.parent().unwrap()).unwrap();
    std::fs::write(&kept, calibration.to_string()).unwrap();
    let list = lab.succeed(&["presets"]);
    assert!(list.contains("times are estimated for this machine") && !list.contains("s* "), "{list}");
    assert!(row(&list, "ig-convnet64").contains(" 2 min "), "{list}");
    assert!(row(&list, "dlg-digits").contains("~0.4 s "), "{list}");
    assert!(
        lab.succeed(&["doctor"])
            .contains("2.00 of the reference machine's time for small networks, 2.00 for")
    );

    // A run with other settings says nothing of the preset; one of the preset does.
    lab.succeed(&["run", "dlg-digits", "--set", "attack.iterations=2"]);
    assert!(!lab.succeed(&["presets"]).contains("s* "));
    lab.succeed(&["run", "dlg-digits", "--seed", "3"]);
    let list = lab.succeed(&["presets"]);
    assert!(row(&list, "dlg-digits").contains(" s* "), "{list}");
    assert!(list.contains("; * the median of the last runs here"), "{list}");
    assert!(!row(&list, "idlg-lenet").contains('*'), "{list}");
}

#[test]
fn a_pipe_gets_plain_lines() {
    let lab = Lab::new();
    let output = lab.succeed(&["run", "ig-lenet", "--set", "attack.iterations=40"]);
    assert!(!output.contains('\x1b') && !output.contains('\r'), "{output:?}");
    assert!(output.contains("iteration") && output.contains("chosen by its matching loss"), "{output}");
}

#[test]
fn a_requirement_decides_the_exit_code() {
    let lab = Lab::new();
    let with = |condition: &str| {
        let arguments: Vec<&str> =
            ["run"].iter().chain(&QUICK).chain(&["--require", condition]).copied().collect();
        lab.gialab(&arguments)
    };
    assert_eq!(with("psnr>=0.1").status.code(), Some(0));
    let unmet = with("psnr>=90");
    assert_eq!(unmet.status.code(), Some(3));
    assert!(text(&unmet.stderr).contains("psnr>=90 is not met"));
    assert_eq!(with("beauty>=1").status.code(), Some(2));
    // Any figure of the table, either way round.
    assert_eq!(with("brr>=0").status.code(), Some(0));
    let unmet = with("match<1e-30");
    assert_eq!(unmet.status.code(), Some(3));
    assert!(text(&unmet.stderr).contains("match<1e-30 is not met in round 0: "), "{}", text(&unmet.stderr));
    let missing = with("igsa>0");
    assert_eq!(missing.status.code(), Some(3));
    assert!(text(&missing.stderr).contains("igsa>0 is not met in round 0: not measured"));
    let unknown = text(&with("pnsr>=20").stderr);
    assert!(unknown.contains("no figure is called \"pnsr\"; did you mean psnr?"), "{unknown}");
}

#[test]
fn figures_and_words_are_explained() {
    let lab = Lab::new();
    let page = lab.succeed(&["explain", "psnr"]);
    assert!(page.starts_with("PSNR, dB: higher is better\n  -10 log10 "), "{page}");
    assert!(page.contains("is what a grey picture scores"), "{page}");
    assert!(page.contains("psnr_best") && page.lines().all(|line| line.len() <= 90), "{page}");
    // By key, heading or word, whatever the case, as several words too.
    assert!(lab.succeed(&["explain", "At", "truth"]).starts_with("at truth\n"));
    assert!(lab.succeed(&["explain", "BN eval (public)"]).contains("stored statistics"));
    let list = lab.succeed(&["explain"]);
    for key in ["\n  brr ", "\n  r_eff ", "\n  threat_model_b ", "\n  prior "] {
        assert!(list.contains(key), "{key}: {list}");
    }
    let json: serde_json::Value = serde_json::from_str(&lab.succeed(&["explain", "BRR", "--json"])).unwrap();
    assert_eq!((json["key"].as_str(), json["better"].as_str()), (Some("brr"), Some("higher")));
    assert_eq!((json["of"].as_str(), json["needs_truth"].as_bool()), (Some("batch"), Some(true)));
    let all: serde_json::Value = serde_json::from_str(&lab.succeed(&["explain", "--json"])).unwrap();
    let word = all.as_array().unwrap().iter().find(|word| word["key"] == "threat_model_a").unwrap();
    assert!(word["about"].as_str().unwrap().contains("batch size") && word.get("better").is_none());
    let error = lab.fail(&["explain", "pnsr"], 2);
    assert!(error.contains("nothing is called \"pnsr\"; did you mean psnr?"), "{error}");
    assert!(!lab.fail(&["explain", "qwertyuiop"], 2).contains("did you mean"));
}

#[test]
fn a_seed_reproduces_a_run_and_another_does_not() {
    let lab = Lab::new();
    let loss = |seed: &str| {
        let arguments: Vec<&str> =
            ["run"].iter().chain(&QUICK).chain(&["--seed", seed, "--json"]).copied().collect();
        finished(&lab.succeed(&arguments))["rounds"][0]["loss"].as_f64().unwrap()
    };
    let first = loss("5");
    assert_eq!(first, loss("5"));
    assert_ne!(first, loss("6"));
}

#[test]
fn presets_are_listed_and_explained() {
    let lab = Lab::new();
    let list = lab.succeed(&["presets"]);
    for name in ["dlg-lenet", "idlg-lenet", "dlg-digits", "ig-lenet", "ig-mlp", "ig-convnet64", "ig-resnet18"]
    {
        assert!(list.contains(name), "{name}");
    }
    let text = lab.succeed(&["presets", "dlg-lenet"]);
    assert!(text.contains("arXiv 1906.08935") && text.contains("threat model A"));
    // What is printed is itself a preset.
    let path = crate::lab::write(&lab.path("mine.toml"), text.as_bytes());
    lab.succeed(&["run", &path, "--trials", "1", "--set", "attack.iterations=1"]);
}

#[test]
fn attacks_are_listed_with_what_they_need() {
    let lab = Lab::new();
    let list = lab.succeed(&["attacks"]);
    let line = list.lines().find(|line| line.starts_with("imprint ")).unwrap();
    assert!(line.contains("  2022  malicious server  F        100 dB  ○ changes the model"), "{line}");
    let line = list.lines().find(|line| line.starts_with("lamp ")).unwrap();
    assert!(line.contains("not here"), "{line}");
    let page = lab.succeed(&["attacks", "gradinversion"]).split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(page.contains("labels, given or read by a rule, BatchNorm layers"), "{page}");
    assert!(page.contains("bounded by") && page.contains("gialab run gradinversion"), "{page}");
    let runs = |arguments: &[&str]| lab.succeed(&[&["attacks"], arguments].concat());
    assert!(runs(&["--threat-model", "d", "--runs"]).contains("\ngias "));
    assert!(!runs(&["--family", "latent", "--runs"]).contains("dlg"));
    for (arguments, why) in [
        (["--threat-model", "Z"], "there is no threat model Z; there are A to H"),
        (["--family", "magic"], "no entry has the family \"magic\""),
        (["--modality", "imges"], "did you mean \"images\"?"),
    ] {
        let error = lab.fail(&[&["attacks"], &arguments[..]].concat(), 2);
        assert!(error.contains(why), "{error}");
    }
    assert!(lab.fail(&["attacks", "gifdd"], 2).contains("did you mean \"gifd\"?"));
    let json: serde_json::Value = serde_json::from_str(&lab.succeed(&["attacks", "--json"])).unwrap();
    let row = |name: &str| json.as_array().unwrap().iter().find(|row| row["name"] == name).unwrap();
    assert_eq!((row("dlg")["year"].as_u64(), row("dlg")["threat_model"].as_str()), (Some(2019), Some("A")));
    assert_eq!(row("imprint")["settings"], serde_json::json!(["bins", "deviation", "mean", "variant"]));
    assert_eq!(row("fc-inversion")["family"], "analytic");
}

#[test]
fn defences_are_listed_with_their_parameters() {
    let lab = Lab::new();
    let list = lab.succeed(&["defences"]);
    let line = list.lines().find(|line| line.starts_with("sparsify ")).unwrap();
    assert!(line.contains("2017  update    A/BC         38 dB  sends zeros instead of a share"), "{line}");
    let page = lab.succeed(&["defences", "quantise"]).split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        page.contains("levels: steps from 0 to the scale, q: 2q + 1 values with both signs; a whole"),
        "{page}"
    );
    assert!(page.contains("\"max\" or \"l2\", \"max\" if not given"), "{page}");
    assert!(lab.succeed(&["defences", "--threat-model", "E"]).contains("\nsecure-aggregation "));
    assert!(lab.fail(&["defences", "magic"], 2).contains("it has nothing called \"magic\""));
    let json: serde_json::Value = serde_json::from_str(&lab.succeed(&["defences", "--json"])).unwrap();
    let row = |name: &str| json.as_array().unwrap().iter().find(|row| row["name"] == name).unwrap();
    assert_eq!(row("sign")["parameters"][0]["default"], true);
    let norm = &row("clip")["parameters"][0];
    assert_eq!((&norm["required"], &norm["default"]), (&true.into(), &serde_json::Value::Null));
    assert!(row("cast")["adaptive"].is_string() && row("cast")["stage"] == "update");
}

#[test]
fn steps_that_cannot_be_taken_are_refused_in_one_sentence() {
    let lab = Lab::new();
    let refused = |steps: &str, code| {
        let output = lab.gialab(&["run", "ig-lenet", "--set", &format!("post=[{steps}]")]);
        assert_eq!(output.status.code(), Some(code), "{steps}");
        text(&output.stderr)
    };
    let error = refused("{ kind = \"noise\", sigma = 0.1 }", 2);
    assert!(error.contains("post[0].kind = \"noise\" is called \"gaussian-noise\" here"), "{error}");
    let error = refused("{ kind = \"drop-layers\", layers = \"fc.wieght\" }", 2);
    let says = "post[0].layers: the model has no layer or tensor \"fc.wieght\"; did you mean \"fc.weight\"?";
    assert!(error.contains(says), "{error}");
    let error =
        refused("{ kind = \"gaussian-noise\", sigma = 1e6 }, { kind = \"cast\", format = \"fp16\" }", 1);
    assert!(error.contains("not finite after cast: fp16 overflows") && error.contains("bf16"), "{error}");
    let error = refused("{ kind = \"gaussian-noise\", sigma = 1e300 }", 1);
    let says = "not finite after gaussian-noise: that step makes numbers too large to be stored; weaken it";
    assert!(error.contains(says) && !error.contains("fp16"), "{error}");
    let error = refused("{ kind = \"clip\", norm = 1e-30 }", 1);
    assert!(
        error.contains("the update is zero after clip: ") && !error.contains("victim's weights"),
        "{error}"
    );
}

#[test]
fn models_are_listed_with_their_dimension_bound() {
    let lab = Lab::new();
    let list = lab.succeed(&["models"]);
    let line = list.lines().find(|line| line.starts_with("resnet18 ")).unwrap();
    assert!(line.contains("11,173,962") && line.contains("3,637"), "{line}");
    let json: serde_json::Value =
        serde_json::from_str(&lab.succeed(&["models", "--size", "28", "--channels", "1", "--json"])).unwrap();
    let rows = json.as_array().unwrap();
    assert!(rows.len() >= 13, "{}", rows.len());
    let row = |name: &str| rows.iter().find(|row| row["model"] == name).unwrap();
    assert_eq!(row("lenet5")["parameters"], 61_706);
    assert_eq!(row("lenet5")["batch_bound"], 78);
    assert!(row("vgg11")["parameters"].is_null() && row("vgg11")["misfit"].is_string());
    assert_eq!(lab.gialab(&["models", "--size", "0"]).status.code(), Some(2));
}

#[test]
fn options_of_the_model_are_taken_or_refused_by_name() {
    let lab = Lab::new();
    let text = |options: &str| {
        lab.succeed(&["presets", "dlg-lenet"])
            .replace("model = \"lenet\"", &format!("model = \"lenet\"\noptions = {options}"))
    };
    let preset = |name: &str, options: &str| crate::lab::write(&lab.path(name), text(options).as_bytes());
    let quick = ["--trials", "1", "--set", "attack.iterations=1"];
    let arguments = |path: &str| -> Vec<String> {
        ["run", path].iter().chain(&quick).map(|word| (*word).to_owned()).collect()
    };
    let taken = preset("taken.toml", "{ activation = \"tanh\", width = 2 }");
    let words = arguments(&taken);
    lab.succeed(&words.iter().map(String::as_str).collect::<Vec<_>>());
    for (options, complaint) in [
        ("{ skip = false }", "victim.options.skip does not fit the model lenet"),
        ("{ colour = 1 }", "colour"),
        ("{ width = 0 }", "victim.options.width"),
        ("{ activation = \"sinus\" }", "sinus"),
    ] {
        let words = arguments(&preset("refused.toml", options));
        let complaints = lab.fail(&words.iter().map(String::as_str).collect::<Vec<_>>(), 2);
        assert!(complaints.contains(complaint), "{options}: {complaints}");
    }
}

#[test]
fn an_image_of_the_user_is_attacked() {
    let lab = Lab::new();
    let path = lab.path("gradient.png");
    image::RgbImage::from_fn(50, 40, |x, y| image::Rgb([x as u8 * 5, y as u8 * 6, 90])).save(&path).unwrap();
    let arguments: Vec<&str> =
        ["run"].iter().chain(&QUICK).chain(&["--image", path.to_str().unwrap(), "--json"]).copied().collect();
    let run = finished(&lab.succeed(&arguments))["run"].as_str().unwrap().to_owned();
    let truth = image::open(lab.run_path(&run).join("pictures/truth.png")).unwrap().to_rgb8();
    // The centre square of 40 pixels starts at column 5, whose red is 25.
    assert!(truth.get_pixel(0, 16).0[0].abs_diff(25) < 8, "{:?}", truth.get_pixel(0, 16));
}

#[test]
fn both_cpu_backends_run_an_attack_and_agree() {
    let lab = Lab::new();
    let losses: Vec<f64> = ["flex", "ndarray"]
        .iter()
        .map(|backend| {
            let arguments =
                ["run", "ig-lenet", "--set", "attack.iterations=5", "--backend", backend, "--json"];
            finished(&lab.succeed(&arguments))["rounds"][0]["loss"].as_f64().unwrap()
        })
        .collect();
    assert!((losses[0] / losses[1] - 1.0).abs() < 1e-2, "{losses:?}");
}

#[test]
fn bench_measures_a_workload() {
    let lab = Lab::new();
    let output = lab.succeed(&["bench", "--json", "--workload", "dlg-lenet-b1", "--evaluations", "8"]);
    let rows: Value = serde_json::from_str(&output).unwrap();
    assert_eq!(rows[0]["workload"], "dlg-lenet-b1");
    assert!(rows[0]["ms_per_evaluation"].as_f64().unwrap() > 0.0);
    assert!(rows[0]["share_of_peak"].as_f64().unwrap() > 0.0);
    // 32 bit are within rounding of 64, and not the same.
    let error = rows[0]["error"].as_f64().unwrap();
    assert!(error > 1e-9 && error < 1e-4, "{error:e}");
    // 7 units of two operations: 3*25*12*16*16 + 12*25*12*8*8*2 + 768*10 multiply-adds.
    let multiply_adds = 3 * 25 * 12 * 256 + 2 * 12 * 25 * 12 * 64 + 7680;
    let expected = 14.0 * f64::from(multiply_adds) / 1e9;
    assert!((rows[0]["gflop_per_evaluation"].as_f64().unwrap() - expected).abs() < 1e-12);
}

#[test]
fn doctor_names_backends_and_directories() {
    let lab = Lab::new();
    let report = lab.succeed(&["doctor"]);
    let flex = report.lines().find(|line| line.trim_start().starts_with("flex")).unwrap();
    assert!(flex.trim_end().ends_with(" ok") && report.contains("writable"), "{report}");
    if cfg!(not(feature = "cuda")) {
        assert!(report.contains("cargo build --release --features cuda"), "{report}");
    }
}

#[test]
fn version_and_help_say_what_there_is() {
    let lab = Lab::new();
    assert!(lab.succeed(&["--version"]).contains("backends built in: flex, ndarray"));
    let help = lab.succeed(&["--help"]);
    for command in ["run", "resume", "stop", "list", "show", "presets", "bench", "doctor"] {
        assert!(help.contains(&format!("\n  {command} ")), "{command} in {help}");
    }
    assert!(!help.contains("worker"));
}

#[test]
fn without_a_terminal_the_application_says_so() {
    let error = Lab::new().fail(&[], 1);
    assert!(error.contains("terminal") && error.contains("gialab run"), "{error}");
}

#[test]
fn a_run_is_deleted_only_if_somebody_said_so() {
    let lab = Lab::new();
    for _ in 0..2 {
        lab.succeed(&[&["run"], &QUICK[..]].concat());
    }
    let names = || -> Vec<String> {
        let list: serde_json::Value = serde_json::from_str(&lab.succeed(&["list", "--json"])).unwrap();
        list.as_array().unwrap().iter().map(|row| row["run"].as_str().unwrap().to_owned()).collect()
    };
    let before = names();
    let error = lab.fail(&["rm", "last"], 1);
    assert!(error.contains("add --yes to move") && error.contains(&before[0]), "{error}");
    // One that is not there: none is deleted.
    let error = lab.fail(&["rm", &before[0], "no-such-run", "--yes"], 1);
    assert!(error.contains("no-such-run"), "{error}");
    assert_eq!(names(), before);
    let said = lab.succeed(&["rm", "last", &before[0], "--yes"]);
    assert_eq!(said, format!("{} is in the trash; gialab rm --undo brings it back\n", before[0]));
    assert_eq!(names(), before[1..]);
    assert!(lab.succeed(&["trash"]).contains(&before[0]));
    assert_eq!(lab.succeed(&["rm", "--undo"]), format!("{} is back\n", before[0]));
    assert_eq!(names(), before);
    assert!(lab.fail(&["rm", "--undo"], 2).contains("nothing in the trash"));
    lab.succeed(&["rm", "last", "--yes"]);
    assert!(lab.fail(&["trash", "--empty"], 1).contains("add --yes"));
    assert_eq!(lab.succeed(&["trash", "--empty", "--yes"]), "1 deleted for good\n");
    assert!(lab.succeed(&["trash"]).contains("is empty"));
    let live = lab.detach(&LONG);
    let error = lab.fail(&["rm", &live, "--yes"], 1);
    assert!(error.contains(&live), "{error}");
    lab.succeed(&["stop", &live]);
    assert_eq!(lab.succeed(&["rm", &live, "--yes", "--for-good"]), format!("{live} is deleted\n"));
    assert_eq!(names(), before[1..]);
    assert!(lab.fail(&["rm"], 2).contains("RUN"));
}

#[test]
fn runs_are_a_notebook() {
    let lab = Lab::new();
    for _ in 0..2 {
        lab.succeed(&[&["run"], &QUICK[..]].concat());
    }
    lab.succeed(&["note", "last", "the loss jumps"]);
    assert_eq!(lab.succeed(&["note", "last"]), "the loss jumps\n");
    assert!(lab.succeed(&["tag", "last", "+paper", "+draft"]).ends_with("  draft paper\n"));
    assert!(lab.succeed(&["tag", "*", "-draft", "+all"]).contains("  all\n"));
    assert_eq!(lab.succeed(&["tag"]), "all  2\npaper  1\n");
    lab.succeed(&["rename", "last", "table 2"]);
    let shown = lab.succeed(&["show", "last"]);
    assert!(shown.contains("title    table 2\ntags     all paper\nnote     the loss jumps\n"), "{shown}");
    let found = |filter: &str| -> Vec<serde_json::Value> {
        serde_json::from_str(&lab.succeed(&["list", "--json", "--filter", filter])).unwrap()
    };
    assert_eq!((found("tag=all").len(), found("tag:pa note:jumps title:table").len()), (2, 1));
    assert_eq!(found("tag=paper")[0]["tags"], serde_json::json!(["all", "paper"]));
    assert!(lab.succeed(&["list"]).contains("table 2 #all #paper"));
    for (arguments, why) in [
        (&["tag", "last", "+a b"][..], "has a space"),
        (&["tag", "last", "+a\u{1b}[31m"][..], "control character"),
        (&["tag", "last", "+"][..], "at least one character"),
        (&["rename", "last", " "][..], "a title has at least one character"),
        (&["note", "last", "a\u{7}"][..], "control characters"),
    ] {
        let error = lab.fail(arguments, 2);
        assert!(error.contains(why) && error.lines().count() == 1, "{error}");
    }
    assert!(lab.fail(&["note", "no-such-run", "x"], 1).contains("no-such-run"));
    lab.succeed(&["note", "last", ""]);
    assert_eq!(lab.succeed(&["note", "last"]), "no note\n");
}

#[test]
fn a_step_of_the_tour_says_what_it_measured() {
    let lab = Lab::new();
    let list = lab.succeed(&["tour", "--list"]);
    assert_eq!(list.lines().count(), 7, "{list}");
    let said = lab.succeed(&["tour", "1"]);
    assert!(said.contains("1 of 6: one digit, one gradient") && said.contains("threat model A"), "{said}");
    let list: serde_json::Value = serde_json::from_str(&lab.succeed(&["list", "--json"])).unwrap();
    let psnr = list[0]["psnr"].as_f64().unwrap();
    assert!(said.contains(&format!("came back at {psnr:.2} dB")), "{psnr}: {said}");
    for step in ["0", "7", "-1"] {
        assert!(lab.fail(&["tour", step], 2).contains("the tour has steps 1 to 6"));
    }
}

#[test]
fn the_list_says_what_was_changed_when_it_began_and_what_it_took() {
    let lab = Lab::new();
    lab.succeed(&[&["run"], &QUICK[..]].concat());
    let table = lab.succeed(&["list"]);
    let words: Vec<&str> = table.lines().next().unwrap().split_whitespace().collect();
    assert_eq!(words[words.len() - 3..], ["started", "took", "changed"]);
    assert!(
        table.contains("trials 1") && table.contains("iterations 3") && table.contains("  00:0"),
        "{table}"
    );
    let list: serde_json::Value = serde_json::from_str(&lab.succeed(&["list", "--json"])).unwrap();
    assert_eq!(list[0]["changed"]["attack.iterations"], "3");
    assert!(list[0]["seconds"].as_f64().unwrap() > 0.0);
}

#[test]
fn every_group_of_presets_has_one_heading() {
    let lab = Lab::new();
    let text = lab.succeed(&["presets"]);
    let mut headings: Vec<&str> =
        text.lines().take_while(|line| !line.is_empty()).filter(|line| !line.starts_with(' ')).collect();
    let count = headings.len();
    headings.sort_unstable();
    headings.dedup();
    assert!(count > 2 && headings.len() == count, "{text}");
}
