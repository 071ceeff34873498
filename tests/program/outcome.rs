//! What a run says became of it: from the objective at the private samples beside the one that was reached.

use serde_json::Value;

use crate::lab::{Lab, finished};

/// The finished round and what `show` says of it.
fn round(lab: &Lab, preset: &str, settings: &[&str]) -> (Value, String) {
    let mut arguments = vec!["run", preset, "--json"];
    arguments.extend(settings.iter().flat_map(|setting| ["--set", setting]));
    let round = finished(&lab.succeed(&arguments))["rounds"][0].clone();
    let shown = lab.succeed(&["show", "last"]);
    let line =
        |start: &str| shown.lines().find(|line| line.starts_with(start)).unwrap_or_default().to_owned();
    (round, [line("outcome"), line("answer"), line("baseline")].join("\n"))
}

/// Matching loss at the truth, as a share of that of a zero gradient.
fn unexplained_at_truth(round: &Value) -> f64 {
    let at_truth = &round["at_truth"];
    at_truth["matching"].as_f64().unwrap() / at_truth["of_nothing"].as_f64().unwrap()
}

#[test]
fn a_recovered_batch_is_said_to_be_one() {
    let lab = Lab::new();
    let (round, said) = round(&lab, "dlg-digits", &["run.precision=f64"]);
    assert!(said.contains("outcome  recovered; the truth matches with "), "{said}");
    assert!(unexplained_at_truth(&round) < 1e-25, "{round}");
}

#[test]
fn a_search_that_was_too_short_is_a_failed_search() {
    let lab = Lab::new();
    let (round, said) = round(&lab, "ig-lenet", &["attack.iterations=20", "run.precision=f64"]);
    assert!(said.contains("the search failed: the truth matches with "), "{said}");
    assert!(said.contains("more iterations, more trials or another optimiser may find it"), "{said}");
    assert!(said.contains("of trial 1, the smallest objective of the last quarter"), "{said}");
    let iteration = round["iteration"].as_u64().unwrap();
    assert!((15..=20).contains(&iteration), "{iteration}");
    assert!(unexplained_at_truth(&round) < 1e-14, "{round}");
}

#[test]
fn a_network_too_small_to_tell_pictures_apart_is_ambiguous() {
    let lab = Lab::new();
    let (_, said) = round(
        &lab,
        "idlg-lenet",
        &[
            "victim.options.width=0.1",
            "attack.trials=1",
            "attack.stop_below=0",
            "run.precision=f64",
            "run.seed=1",
        ],
    );
    assert!(said.contains("ambiguous: the answer matches with "), "{said}");
}

#[test]
fn another_client_than_the_simulated_one_is_noticed_at_the_truth() {
    let lab = Lab::new();
    let fedavg = [
        "attack.iterations=20",
        "victim.indices=[0,1,2,3]",
        "federation.algorithm=fedavg",
        "federation.learning_rate=0.1",
        "federation.local_batch=1",
        "run.precision=f64",
    ];
    let (known, said) = round(&lab, "ig-lenet", &fedavg);
    assert!(unexplained_at_truth(&known) < 1e-14, "{known}");
    assert!(!said.contains("another client"), "{said}");
    let blind = [&fedavg[..], &["knowledge.local=none", "federation.learning_rate=1"]].concat();
    let (blind, said) = round(&lab, "ig-lenet", &blind);
    assert!(unexplained_at_truth(&blind) > 0.01, "{blind}");
    assert!(
        said.contains("another client is simulated, or the update was changed: even the truth leaves "),
        "{said}"
    );
}

#[test]
fn what_needs_no_update_stands_beside_the_score() {
    let lab = Lab::new();
    let (photo, said) = round(&lab, "ig-lenet", &["attack.iterations=5"]);
    let score = |of: &Value, what: &str| of["baselines"][what].as_f64();
    assert!(
        said.contains("without any update score: a grey picture ") && said.contains("the mean of"),
        "{said}"
    );
    assert!((5.0..25.0).contains(&score(&photo, "grey").unwrap()), "{photo}");
    let (row, said) = round(&lab, "table-row", &["attack.iterations=5"]);
    assert_eq!((score(&row, "grey"), score(&row, "mean").is_some()), (None, true), "{row}");
    assert!(!said.contains("grey"), "{said}");
}

/// Of a net whose loss starts near zero the smallest objective of all is that of noise.
#[test]
fn the_answer_is_not_from_before_the_search_has_descended() {
    let lab = Lab::new();
    let psnr = |rule: &str| {
        let settings = ["victim.options.activation=sigmoid", "run.seed=12", &format!("attack.answer={rule}")];
        let (round, _) = round(&lab, "activation", &settings);
        (round["metrics"]["psnr"]["mean"].as_f64().unwrap(), round["iteration"].as_u64().unwrap())
    };
    let (best, late) = (psnr("best"), psnr("last-quarter"));
    assert!(best.1 < 100 && late.1 >= 375, "{best:?} {late:?}");
    assert!(late.0 > best.0 + 3.0, "{best:?} {late:?}");
}

#[test]
fn a_trial_that_never_came_below_its_start_is_said_to_be_none() {
    let lab = Lab::new();
    let said = |rate: &str| {
        let settings = ["attack.iterations=8", "attack.trials=1", "attack.box=false", rate];
        let mut arguments = vec!["run", "ig-lenet", "--json"];
        arguments.extend(settings.iter().flat_map(|setting| ["--set", setting]));
        let told = lab.succeed(&arguments).contains("never came below the objective that it began with");
        let shown = lab.succeed(&["show", "last"]).contains("none of it came below the objective");
        assert_eq!(told, shown);
        told
    };
    assert!(said("attack.optimiser.lr=1e4"));
    assert!(!said("attack.optimiser.lr=0.1"));
}

/// What the truth would pick among trials is at least what the attacker chose, and no control on noise is among them.
#[test]
fn what_the_truth_would_pick_is_of_the_attacks_own_trials() {
    let lab = Lab::new();
    let (two, _) = round(&lab, "ig-lenet", &["attack.trials=2", "attack.iterations=30"]);
    let chosen = two["metrics"]["psnr"]["mean"].as_f64().unwrap();
    assert!(two["picked"].as_f64().unwrap() >= chosen, "{two}");
    let (one, _) = round(&lab, "ig-lenet", &["attack.iterations=3"]);
    assert!(one["picked"].is_null(), "{one}");
    // One trial, and one on noise as its control.
    let (generated, _) = round(&lab, "fedleak", &["attack.iterations=3"]);
    assert!(generated["baselines"]["noise"].is_number() && generated["picked"].is_null(), "{generated}");
}
