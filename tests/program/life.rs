//! The life of a run: killed, stopped, resumed, left alone.

use gialab::run::event::Event;
use gialab::run::{Request, RunDirectory};

use crate::lab::{LONG, Lab, finished, kill};

fn pid(lab: &Lab, run: &str) -> u64 {
    lab.manifest(run)["pid"].as_u64().unwrap()
}

/// A `gialab run` in the foreground that would go on for very long, once its run has a checkpoint.
fn followed(lab: &Lab) -> (std::process::Child, String) {
    let arguments: Vec<&str> =
        ["run"].iter().chain(&LONG).chain(&["--set", "attack.iterations=100000"]).copied().collect();
    let viewer = lab.command(&arguments).stdout(std::process::Stdio::null()).spawn().unwrap();
    let runs = lab.path("data").join("runs");
    let name = || std::fs::read_dir(&runs).ok()?.flatten().next()?.file_name().into_string().ok();
    lab.wait_for("the run", || name().is_some());
    let run = name().unwrap();
    lab.wait_for_checkpoint(&run);
    (viewer, run)
}

fn uninterrupted(lab: &Lab, preset: &[&str]) -> serde_json::Value {
    let arguments: Vec<&str> = ["run"].iter().chain(preset).chain(&["--json"]).copied().collect();
    finished(&lab.succeed(&arguments))["rounds"][0].clone()
}

fn assert_same(resumed: &serde_json::Value, straight: &serde_json::Value) {
    for key in ["metrics", "loss", "evaluations", "trial", "trials"] {
        assert_eq!(resumed[key], straight[key], "{key}");
    }
}

#[test]
fn a_killed_run_is_resumed_to_the_same_result() {
    // L-BFGS with several trials and signed Adam keep different state.
    let lbfgs = [
        "dlg-lenet",
        "--trials",
        "2",
        "--set",
        "attack.iterations=60",
        "--set",
        "run.checkpoint_seconds=0.2",
    ];
    for preset in [LONG.as_slice(), &lbfgs] {
        let lab = Lab::new();
        let straight = uninterrupted(&lab, preset);
        let run = lab.detach(preset);
        lab.wait_for_checkpoint(&run);
        kill(pid(&lab, &run), "-9");
        lab.wait_for("the crash to show", || lab.status(&run) != "running");
        assert_eq!(lab.status(&run), "crashed");
        let resumed = finished(&lab.succeed(&["resume", &run, "--json"]));
        assert_same(&resumed["rounds"][0], &straight);
        assert_eq!(resumed["interrupted"], true, "its time is no guide");
        assert!(lab.events(&run).iter().any(|line| matches!(line.event, Event::Resumed { .. })));
        assert_eq!(lab.status(&run), "done");
    }
}

/// An attack that solves has no iterations between which it could stop: SPEAR looks up between its draws.
#[test]
fn an_attack_that_draws_for_minutes_pauses_and_stops_on_request() {
    let lab = Lab::new();
    let indices = format!("victim.indices={:?}", (0..24).collect::<Vec<_>>());
    let garments = ["victim.data=fashion28", "victim.size=", "victim.classes=", indices.as_str()];
    let sets = garments.iter().chain(&["attack.draws=1000000000"]).flat_map(|set| ["--set", set]);
    let run = lab.detach(&["spear"].into_iter().chain(sets).collect::<Vec<_>>());
    let draws =
        |event: &Event| matches!(event, Event::Log { message, .. } if message.contains("rank 24 of a batch"));
    lab.wait_for("its first step", || lab.events(&run).iter().any(|line| draws(&line.event)));
    RunDirectory::at(lab.run_path(&run)).ask(Request::Pause).unwrap();
    lab.wait_for("the pause", || lab.status(&run) == "paused");
    lab.succeed(&["stop", &run]);
    lab.wait_for("the stop", || lab.status(&run) == "stopped");
    assert!(!lab.run_path(&run).join("result.json").exists());
}

#[test]
fn a_torn_last_line_is_repaired_on_resume() {
    let lab = Lab::new();
    let run = lab.detach(&LONG);
    lab.wait_for_checkpoint(&run);
    kill(pid(&lab, &run), "-9");
    lab.wait_for("the crash to show", || lab.status(&run) == "crashed");
    let log = lab.run_path(&run).join("events.jsonl");
    let mut bytes = std::fs::read(&log).unwrap();
    bytes.extend(b"{\"v\":1,\"t\":3.0,\"event\":\"prog");
    std::fs::write(&log, bytes).unwrap();
    lab.succeed(&["resume", &run]);
    let text = std::fs::read_to_string(&log).unwrap();
    assert!(text.lines().all(|line| serde_json::from_str::<serde_json::Value>(line).is_ok()));
}

#[test]
fn a_stopped_run_is_resumed_to_the_same_result() {
    let lab = Lab::new();
    let straight = uninterrupted(&lab, &LONG);
    let run = lab.detach(&LONG);
    lab.wait_for_checkpoint(&run);
    let said = lab.succeed(&["stop", &run]);
    assert!(said.contains("is stopped"), "{said}");
    assert_eq!(lab.status(&run), "stopped");
    let resumed = finished(&lab.succeed(&["resume", &run, "--json"]));
    assert_same(&resumed["rounds"][0], &straight);
}

#[test]
fn a_paused_run_holds_and_goes_on_to_the_same_result() {
    let lab = Lab::new();
    let straight = uninterrupted(&lab, &LONG);
    let run = lab.detach(&LONG);
    let directory = RunDirectory::at(lab.run_path(&run));
    directory.ask(Request::Pause).unwrap();
    lab.wait_for("the pause", || lab.status(&run) == "paused");
    let held = lab.events(&run).len();
    std::thread::sleep(std::time::Duration::from_millis(1500));
    assert_eq!(lab.events(&run).len(), held, "nothing is computed while it holds");
    directory.ask(Request::Run).unwrap();
    lab.wait_for("the end", || lab.status(&run) == "done");
    let result = std::fs::read_to_string(lab.run_path(&run).join("result.json")).unwrap();
    let result: serde_json::Value = serde_json::from_str(&result).unwrap();
    assert_same(&result["rounds"][0], &straight);
    assert_eq!(result["interrupted"], true, "its time is no guide");
}

#[test]
fn a_run_outlives_its_viewer_and_sigterm_stops_it_with_a_checkpoint() {
    let lab = Lab::new();
    let (mut viewer, run) = followed(&lab);
    viewer.kill().unwrap();
    viewer.wait().unwrap();
    let before = lab.events(&run).len();
    lab.wait_for("more events", || lab.events(&run).len() > before + 2);
    assert_eq!(lab.status(&run), "running");

    kill(pid(&lab, &run), "-TERM");
    lab.wait_for("the end", || lab.status(&run) != "running");
    assert_eq!(lab.status(&run), "stopped");
    assert!(lab.run_path(&run).join("checkpoint.safetensors").exists());
}

#[test]
fn ctrl_c_stops_a_followed_run_with_exit_code_130() {
    let lab = Lab::new();
    let (mut viewer, run) = followed(&lab);
    kill(u64::from(viewer.id()), "-INT");
    assert_eq!(viewer.wait().unwrap().code(), Some(130));
    assert_eq!(lab.status(&run), "stopped");
}

#[test]
fn a_run_has_one_worker_and_a_complete_one_needs_none() {
    let lab = Lab::new();
    let arguments: Vec<&str> = LONG.iter().chain(&["--set", "attack.iterations=100000"]).copied().collect();
    let run = lab.detach(&arguments);
    let error = lab.fail(&["resume", &run], 1);
    assert!(error.contains("is being computed by process"), "{error}");
    lab.succeed(&["stop", &run]);
    let error = lab.fail(&["stop", &run], 1);
    assert!(error.contains("is not running: it is stopped"), "{error}");

    let run = lab.detach(&crate::lab::QUICK);
    lab.wait_for("the end", || lab.status(&run) == "done");
    let error = lab.fail(&["resume", &run], 1);
    assert!(error.contains("is complete"), "{error}");
}

#[test]
fn several_runs_are_stopped_go_on_and_are_deleted_together() {
    let lab = Lab::new();
    let long = ["ig-lenet", "--set", "attack.iterations=1000000", "--set", "run.checkpoint_seconds=0.2"];
    let long = [&long[..], &["--threads", "1"]].concat();
    let runs = [lab.detach(&long), lab.detach(&long)];
    let all = |status: &str| runs.iter().all(|run| lab.status(run) == status);
    lab.wait_for("both to run", || all("running"));
    let said = lab.succeed(&["stop", "--filter", "status:running"]);
    assert_eq!(said.matches("is stopped; gialab resume").count(), 2, "{said}");
    assert!(all("stopped"));
    assert!(lab.fail(&["stop", "*ig-lenet*"], 1).contains("none of these 2 runs is running"));
    assert!(
        lab.fail(&["resume", "*ig-lenet*"], 1).contains("2 runs cannot be followed at once; add --detach")
    );
    lab.succeed(&["resume", "*ig-lenet*", "--detach"]);
    lab.wait_for("both to go on", || all("running"));
    // One that stands is passed over.
    lab.succeed(&["stop", &runs[0]]);
    let said = lab.succeed(&["stop", "*"]);
    assert!(said.contains(&runs[1]) && !said.contains(&format!("{} is stopped", runs[0])), "{said}");
    assert!(lab.fail(&["stop", "*dlg*"], 1).contains("*dlg*"));
    let deleted = lab.succeed(&["rm", "--yes", "*ig-lenet*", "--filter", "status:stopped"]);
    assert_eq!(deleted.matches("is in the trash").count(), 2, "{deleted}");
    assert!(lab.fail(&["rm", "--yes", "--filter", "status:stopped"], 1).contains("none of 0 runs is found"));
}
