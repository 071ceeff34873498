//! Rounds on the real binary: trained, attacked, killed and gone on with.

use gialab::run::RunDirectory;
use gialab::run::event::Event;
use serde_json::Value;

use crate::lab::{Lab, finished, kill};

/// Four clients, three attacked rounds of a second or so each.
const ROUNDS: [&str; 9] = [
    "leakage-by-round",
    "--set",
    "federation.clients=4",
    "--set",
    "federation.attack_rounds=[0, 3, 6]",
    "--set",
    "run.probe=false",
    "--set",
    "run.checkpoint_seconds=0.1",
];

/// All but the times.
fn timeless(rounds: &Value) -> Value {
    let mut rounds = rounds.clone();
    for round in rounds.as_array_mut().unwrap() {
        round.as_object_mut().unwrap().remove("seconds");
    }
    rounds
}

#[test]
fn rounds_are_trained_and_attacked_and_survive_a_kill() {
    survive_a_kill("f32");
}

#[test]
fn rounds_in_64_bit_survive_a_kill() {
    survive_a_kill("f64");
}

fn survive_a_kill(precision: &str) {
    let lab = Lab::new();
    let setting = format!("run.precision={precision}");
    let command = [&ROUNDS[..], &["--set", &setting]].concat();
    let straight = finished(&lab.succeed(&[&["run"], &command[..], &["--json"]].concat()));
    let rounds = straight["rounds"].as_array().unwrap();
    assert_eq!(rounds.iter().map(|round| round["round"].as_u64().unwrap()).collect::<Vec<_>>(), [0, 3, 6]);
    for round in rounds {
        assert!(round["accuracy"].is_number() && round["metrics"]["st_lpips"]["mean"].is_number(), "{round}");
    }
    // What it took has the training in it, which a study goes by.
    let took = |run: &str| RunDirectory::at(lab.run_path(run)).took_in_one_go();
    let attacks: f64 = rounds.iter().map(|round| round["seconds"].as_f64().unwrap()).sum();
    let whole = took(straight["run"].as_str().unwrap()).unwrap();
    assert!(whole > attacks, "{whole} {attacks}");
    let psnr = |round: usize| rounds[round]["metrics"]["psnr"]["mean"].as_f64().unwrap();
    assert!(psnr(0) > 38.0, "{}", psnr(0));

    // Killed while the second attacked round is under way.
    let run = lab.detach(&command);
    lab.wait_for("the second attack", || {
        lab.events(&run).iter().any(|line| matches!(line.event, Event::Progress { round: 3, .. }))
    });
    kill(lab.manifest(&run)["pid"].as_u64().unwrap(), "-9");
    lab.wait_for("the crash to show", || lab.status(&run) == "crashed");
    let resumed = finished(&lab.succeed(&["resume", &run, "--json"]));
    assert_eq!(timeless(&resumed["rounds"]), timeless(&straight["rounds"]));
    assert_eq!(took(&run), None, "it was not in one go");
    // Round 0 was attacked once, and the global model was not trained from the beginning again.
    let events = lab.events(&run);
    let attacked = |of: u32| {
        events.iter().filter(|line| matches!(&line.event, Event::Round { round, .. } if *round == of)).count()
    };
    assert_eq!(attacked(0), 1);
    let trained = |of: u32| {
        events
            .iter()
            .filter(|line| matches!(&line.event, Event::Trained { round, .. } if *round == of))
            .count()
    };
    assert_eq!((trained(1), trained(6)), (1, 1));
    // Its last line is written before that.
    lab.wait_for("what is not needed any more to be gone", || {
        !lab.run_path(&run).join("model.safetensors").exists()
    });

    let shown = lab.succeed(&["show", &run]);
    assert_eq!(shown.contains("flex, 64 bit, seed"), precision == "f64", "{shown}");
    assert!(shown.contains("trained 0 to 6 rounds, BatchNorm eval (public)"), "{shown}");
    let table = lab.succeed(&["export", &run, "--to", "csv", "--out", "-"]);
    assert!(table.contains(",trained 3 rounds,") && table.contains(",untrained,"), "{table}");
}

#[test]
fn what_a_defence_costs_by_a_round_is_measured_beside_it_and_survives_a_kill() {
    let lab = Lab::new();
    let lost = |finished: &Value| -> Vec<f64> {
        let rounds = finished["rounds"].as_array().unwrap();
        rounds.iter().map(|round| round["accuracy_lost"].as_f64().unwrap()).collect()
    };
    let with = |post: &str| {
        let post = format!("post={post}");
        [&ROUNDS[..], &["--set", &post, "--set", "attack.iterations=60"]]
            .concat()
            .iter()
            .map(|part| part.to_string())
            .collect::<Vec<_>>()
    };
    let run = |post: &str| {
        let command = with(post);
        let command: Vec<&str> = command.iter().map(String::as_str).collect();
        finished(&lab.succeed(&[&["run"], &command[..], &["--json"]].concat()))
    };
    // What changes nothing costs nothing, and what is so noisy that nothing is learned costs what was learned.
    assert_eq!(lost(&run("[{ kind = \"clip\", norm = 1e9 }]")), [0.0, 0.0, 0.0]);
    let noise = "[{ kind = \"gaussian-noise\", sigma = 3.0 }]";
    let straight = run(noise);
    assert!(lost(&straight)[0] == 0.0 && lost(&straight)[2] > 0.05, "{:?}", lost(&straight));
    let command = with(noise);
    let id = lab.detach(&command.iter().map(String::as_str).collect::<Vec<_>>());
    lab.wait_for("the second attack", || {
        lab.events(&id).iter().any(|line| matches!(line.event, Event::Progress { round: 3, .. }))
    });
    kill(lab.manifest(&id)["pid"].as_u64().unwrap(), "-9");
    lab.wait_for("the crash to show", || lab.status(&id) == "crashed");
    // Without its file it is trained once more.
    std::fs::remove_file(lab.run_path(&id).join("undefended.safetensors")).unwrap();
    let resumed = finished(&lab.succeed(&["resume", &id, "--json"]));
    assert_eq!(timeless(&resumed["rounds"]), timeless(&straight["rounds"]));
    assert!(!lab.run_path(&id).join("undefended.safetensors").exists());
    assert!(lab.succeed(&["show", &id]).contains("lost"));
}

#[test]
fn what_clients_keep_back_survives_a_kill() {
    let lab = Lab::new();
    let with = |feedback: bool| {
        let post = format!("post=[{{ kind = \"sparsify\", share = 0.9, feedback = {feedback} }}]");
        let more = ["--set", &post, "--set", "attack.iterations=60"].map(str::to_owned);
        ROUNDS.iter().map(|part| (*part).to_owned()).chain(more).collect::<Vec<_>>()
    };
    let run = |command: &[String]| {
        let command: Vec<&str> = command.iter().map(String::as_str).collect();
        finished(&lab.succeed(&[&["run"], &command[..], &["--json"]].concat()))
    };
    let straight = run(&with(true));
    let norm = |finished: &Value, round: usize| finished["rounds"][round]["update_norm"].as_f64().unwrap();
    let without = run(&with(false));
    assert_eq!(norm(&straight, 0), norm(&without, 0), "nothing is kept back before the first round");
    assert!(norm(&straight, 1) > 1.05 * norm(&without, 1), "{} {}", norm(&straight, 1), norm(&without, 1));
    let command = with(true);
    let id = lab.detach(&command.iter().map(String::as_str).collect::<Vec<_>>());
    lab.wait_for("the second attack", || {
        lab.events(&id).iter().any(|line| matches!(line.event, Event::Progress { round: 3, .. }))
    });
    kill(lab.manifest(&id)["pid"].as_u64().unwrap(), "-9");
    lab.wait_for("the crash to show", || lab.status(&id) == "crashed");
    let resumed = finished(&lab.succeed(&["resume", &id, "--json"]));
    assert_eq!(timeless(&resumed["rounds"]), timeless(&straight["rounds"]));
}

#[test]
fn training_that_diverges_is_said() {
    let lab = Lab::new();
    let error = lab.fail(
        &[
            "run",
            "leakage-by-round",
            "--set",
            "federation.learning_rate=1e30",
            "--set",
            "federation.attack_rounds=[4]",
        ],
        1,
    );
    assert!(
        error.contains("training diverged in round ") && error.contains("lower federation.learning_rate"),
        "{error}"
    );
}

#[test]
fn a_victim_is_trained_and_then_attacked() {
    let lab = Lab::new();
    let weights = lab.path("weights.safetensors").display().to_string();
    let victim = ["--set", "victim.data=digits28", "--set", "victim.size=", "--set", "victim.model=lenet5"];
    let said = lab.succeed(
        &[&["train", "ig-lenet"], &victim[..], &["--epochs", "3", "--batch", "16", "--out", &weights]]
            .concat(),
    );
    assert!(said.contains("epoch    3/3  loss ") && said.contains("weights  "), "{said}");
    let weighted = format!("victim.weights={weights}");
    let attack = ["--set", &weighted, "--set", "attack.iterations=2"];
    let shown = lab.succeed(&[&["run", "ig-lenet"], &victim[..], &attack].concat());
    assert!(shown.contains("lenet5 weights weights.safetensors"), "{shown}");
    let error = lab.fail(&["train", "ig-lenet", "--learning-rate", "0", "--out", &weights], 2);
    assert!(error.contains("--learning-rate 0: must be a finite number above 0"), "{error}");
    let error = lab.fail(&["train", "ig-lenet", "--out", "/nonexistent/weights.safetensors"], 2);
    assert!(error.contains("there is no such folder; make it first"), "{error}");
}
