//! Fishing: a server that singles out one class, and a search for its samples alone.

use serde_json::Value;

use crate::lab::{Lab, finished};
use crate::recovery::{noise, recover_from};

/// Three seeds, each with a photo of its own out of sixteen.
#[test]
fn fishing_brings_back_one_photo_of_sixteen() {
    for seed in 0..3 {
        let indices: Vec<usize> = (0..16).map(|at| (at + seed) % 17).collect();
        let (seed_, indices) = (format!("run.seed={seed}"), format!("victim.indices={indices:?}"));
        let changes = [&*seed_, &*indices, "attack.iterations=800"];
        let (found, judged) = recover_from("fishing", &changes, |_| {});
        assert_eq!((found.guess.labels.clone(), judged.samples.len()), (vec![seed], 0));
        let psnr = judged.psnr.unwrap().mean;
        // The same search on the honest model meets all sixteen at once.
        let honest =
            [&changes[..], &["attack.kind=inverting-gradients", "knowledge.manipulate=false"]].concat();
        let (_, whole) = recover_from("fishing", &honest, |_| {});
        let all = whole.psnr.unwrap();
        assert!(psnr > all.mean + 3.0, "{seed}: {psnr} of one, {all:?} of all");
        let (_, judged) = recover_from("fishing", &changes, noise);
        let nothing = judged.psnr.unwrap().mean;
        assert!(psnr > nothing + 4.0 && nothing < 13.0, "{seed}: {psnr}, {nothing} of noise");
    }
}

/// Every one of eight photos, each from a gradient of its own, where all at once from the honest model stay mixtures.
#[test]
fn fishing_for_each_brings_back_a_whole_batch() {
    for seed in 0..2 {
        let indices: Vec<usize> = (0..8).map(|at| (at + seed) % 17).collect();
        let (seed, indices) = (format!("run.seed={seed}"), format!("victim.indices={indices:?}"));
        let changes = [&*seed, &*indices, "attack.iterations=600"];
        let (found, judged) = recover_from("fishing-each", &changes, |_| {});
        assert_eq!((judged.samples.len(), found.trials), (8, 1));
        let psnr = judged.psnr.unwrap().mean;
        let honest =
            [&changes[..], &["attack.kind=inverting-gradients", "knowledge.manipulate=false"]].concat();
        let (_, whole) = recover_from("fishing", &honest, |_| {});
        let all = whole.psnr.unwrap().mean;
        let (_, judged) = recover_from("fishing-each", &changes, noise);
        let nothing = judged.psnr.unwrap().mean;
        eprintln!("{seed}: {psnr:.1} dB for each, {all:.1} all at once, {nothing:.1} of noise");
        assert!(
            psnr > all + 2.0 && psnr > nothing + 4.0,
            "{seed}: {psnr}, {all} at once, {nothing} of noise"
        );
    }
}

/// Labels that it cannot tell are not claimed, the truth is compared in the order in which it has the samples, and a worker that dies
/// asks again.
#[test]
fn a_run_of_fishing_for_each_says_how_often_it_asked() {
    let lab = Lab::new();
    let run = [
        "run",
        "fishing-each",
        "--set",
        "victim.indices=[0,1,2,3,4,5]",
        "--set",
        "attack.iterations=60",
        "--json",
    ];
    let round = finished(&lab.succeed(&run))["rounds"][0].clone();
    assert_eq!(round["metrics"]["samples"].as_array().map(Vec::len), Some(6), "{round}");
    assert!(round["labels"].is_null() && round["metrics"]["label_accuracy"].is_null(), "{round}");
    let at_truth = round["at_truth"]["matching"].as_f64().unwrap();
    assert!(at_truth < 1e-4, "the photos explain all that is matched: {at_truth}");
    let shown = lab.succeed(&["show", "last"]);
    for said in [
        "times one after another to a client that takes the same 6 samples each time",
        "all 6 samples stand apart: each is searched from a gradient of its own",
        "a client that looks finds (silent rows): ",
    ] {
        assert!(shown.contains(said), "{said}: {shown}");
    }
    let few = ["run", "fishing-each", "--set", "attack.queries=8", "--set", "attack.iterations=2", "--json"];
    finished(&lab.succeed(&few));
    assert!(lab.succeed(&["show", "last"]).contains("since attack.queries are used up"));
    let post = r#"post=[{ kind = "gaussian-noise", sigma = 0.1 }]"#;
    for (change, said) in [
        ("attack.queries=3", "attack.queries = 3, must be 4 to 100000"),
        (
            post,
            "fishing tells samples apart by differences of updates, which are taken without post-processing",
        ),
    ] {
        let error = lab.fail(&["run", "fishing-each", "--set", change], 2);
        assert!(error.contains(said) && error.lines().count() == 1, "{change}: {error}");
    }
}

#[test]
fn fishing_is_refused_where_it_cannot_work() {
    let lab = Lab::new();
    for (preset, change, said) in [
        (
            "fishing",
            "knowledge.manipulate=false",
            "fishing sends a changed model, which knowledge.manipulate",
        ),
        ("fishing", "knowledge.labels=false", "attack.labels = \"given\" needs labels that knowledge.labels"),
        (
            "fishing",
            "victim.options.bias=false",
            "fishing changes the rows of a fully connected layer with a bias",
        ),
        ("fishing", "victim.loss=mse", "fishing silences samples by the softmax of cross-entropy with hard"),
        (
            "fishing",
            "attack.labels={ rule = \"ilrg\" }",
            "fishing chooses a class by the labels of the batch",
        ),
        (
            "fishing",
            "attack.target=16",
            "attack.target is a class that no sample of the batch has; it has 0, 1,",
        ),
        ("fishing", "attack.target=often", "attack.target is \"rarest\", a class as 3, or \"each\""),
        ("ig-lenet", "attack.target=3", "`target` is no setting of inverting-gradients"),
        (
            "fishing",
            "federation={ algorithm = \"fedavg\", learning_rate = 0.1 }",
            "fishing reads one gradient, but",
        ),
    ] {
        let error = lab.fail(&["run", preset, "--set", change], 2);
        assert!(error.contains(said) && error.lines().count() == 1, "{preset} {change}: {error}");
    }
    let joined = ["run", "fishing", "--set", "victim.model=resnet20", "--set", "victim.mode=train"];
    let error = lab.fail(&joined, 2);
    assert!(error.contains("which BatchNorm in train mode joins") && error.lines().count() == 1, "{error}");
    let folder = lab.path("captured");
    lab.succeed(&["capture", "ig-lenet", "--out", folder.to_str().unwrap()]);
    let preset = folder.join("preset.toml");
    let error = lab.fail(&["run", preset.to_str().unwrap(), "--set", "attack.kind=fishing"], 2);
    assert!(error.contains("a captured update was made on the model in its file"), "{error}");
}

/// What was sent, what a client sees of it, and that one photo alone is judged.
#[test]
fn a_run_of_fishing_is_about_one_sample() {
    let lab = Lab::new();
    let run = ["run", "fishing", "--set", "attack.target=5", "--budget", "60", "--json"];
    let round = finished(&lab.succeed(&run))["rounds"][0].clone();
    assert!(round["metrics"]["samples"].as_array().is_none_or(Vec::is_empty), "{round}");
    assert_eq!((round["labels"].clone(), round["trials"].clone()), (serde_json::json!([5]), Value::from(1)));
    let at_truth = round["at_truth"]["matching"].as_f64().unwrap();
    assert!(at_truth < 1e-4, "the photo explains all that is matched: {at_truth}");
    let shown = lab.succeed(&["show", "last"]);
    for said in [
        "threat model F (active manipulator",
        "sent instead of the honest model: of ",
        "the row of class 5 is half of what it was and all others are zero",
        "a client that looks finds (silent rows): ",
        "a client that looks finds (extremes): ",
        "of 16 samples 1 has class 5, and by the gradient of its bias 1.00 sent one",
    ] {
        assert!(shown.contains(said), "{said}: {shown}");
    }
    // A budget of seconds is timed on one sample.
    lab.succeed(&["run", "fishing", "--budget", "1s", "--json"]);
}
