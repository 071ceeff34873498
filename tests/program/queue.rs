//! Runs that wait for their turn.

use std::process::{Output, Stdio};

use gialab::run::{Request, RunDirectory};
use serde_json::Value;

use crate::lab::{Lab, QUICK, kill, text, write};

/// Goes on until it is stopped.
const ENDLESS: [&str; 5] =
    ["ig-lenet", "--set", "attack.iterations=1000000", "--set", "run.checkpoint_seconds=0.2"];

fn queue(lab: &Lab) -> Vec<Value> {
    serde_json::from_str(&lab.succeed(&["queue", "--json"])).unwrap()
}

/// Runs in this state, in their order.
fn those(lab: &Lab, state: &str) -> Vec<String> {
    let of_state = queue(lab).into_iter().filter(|row| row["state"] == state);
    of_state.map(|row| row["run"].as_str().unwrap().to_owned()).collect()
}

fn state(lab: &Lab, run: &str) -> String {
    let row = queue(lab).into_iter().find(|row| row["run"] == run);
    row.map_or_else(String::new, |row| row["state"].as_str().unwrap().to_owned())
}

fn wait_for_state(lab: &Lab, run: &str, wanted: &str) {
    lab.wait_for(&format!("{run} to be {wanted}"), || state(lab, run) == wanted);
}

fn pid(lab: &Lab, run: &str) -> u64 {
    lab.manifest(run)["pid"].as_u64().unwrap()
}

fn stop_all(lab: &Lab) {
    lab.succeed(&["stop", "--filter", "ig-lenet"]);
}

#[test]
fn runs_begin_one_after_the_other_in_their_order() {
    let lab = Lab::new();
    let short = ["ig-lenet", "--set", "attack.iterations=1500"];
    let runs = [lab.detach(&short), lab.detach(&short), lab.detach(&short)];
    let mut begun: Vec<String> = Vec::new();
    lab.wait_for("all to be done", || {
        let running = those(&lab, "running");
        assert!(running.len() < 2, "{running:?}");
        begun.extend(running.into_iter().filter(|run| !begun.contains(run)).collect::<Vec<_>>());
        runs.iter().all(|run| lab.manifest(run)["status"] == "done")
    });
    let places: Vec<_> = begun.iter().map(|run| runs.iter().position(|known| known == run)).collect();
    assert!(places.is_sorted(), "{places:?}");
    // The last worker leaves the queue just after it has said that it is done.
    lab.wait_for("the queue to be empty", || lab.succeed(&["queue"]).contains("no run computes or waits"));
}

#[test]
fn a_run_that_is_killed_makes_room_and_can_be_resumed() {
    let lab = Lab::new();
    let runs = [lab.detach(&ENDLESS), lab.detach(&ENDLESS), lab.detach(&ENDLESS)];
    assert_eq!(those(&lab, "waiting"), runs[1..]);
    assert_eq!(lab.status(&runs[1]), "queued");
    lab.wait_for_checkpoint(&runs[0]);
    // One that waits, then the one that computes.
    kill(pid(&lab, &runs[1]), "-9");
    kill(pid(&lab, &runs[0]), "-9");
    wait_for_state(&lab, &runs[2], "running");
    lab.wait_for("the crashes to show", || runs[..2].iter().all(|run| lab.status(run) == "crashed"));
    // They are resumed at the end of the queue, and their old tickets are gone.
    for run in &runs[..2] {
        lab.succeed(&["resume", run, "--detach"]);
    }
    assert_eq!(those(&lab, "waiting"), runs[..2]);
    lab.succeed(&["stop", &runs[2]]);
    wait_for_state(&lab, &runs[0], "running");
    stop_all(&lab);
    lab.wait_for("the queue to be empty", || queue(&lab).is_empty());
    let host = std::fs::read_dir(lab.path("data/queue")).unwrap().flatten().next().unwrap();
    let files = std::fs::read_dir(host.path()).unwrap().flatten();
    assert_eq!(files.map(|file| file.file_name()).collect::<Vec<_>>(), ["door"]);
}

#[test]
fn the_order_is_changed_and_runs_are_held_released_and_cancelled() {
    let lab = Lab::new();
    let runs: Vec<String> = (0..4).map(|_| lab.detach(&ENDLESS)).collect();
    let [running, a, b, c] = &runs[..] else { unreachable!() };
    assert_eq!(those(&lab, "waiting"), [a, b, c].map(String::clone));
    assert!(lab.succeed(&["queue", "first", c]).contains("is the next to begin"));
    lab.succeed(&["queue", "last", a]);
    assert_eq!(those(&lab, "waiting"), [c, b, a].map(String::clone));
    lab.succeed(&["queue", "first", b, a]);
    assert_eq!(those(&lab, "waiting"), [b, a, c].map(String::clone));
    lab.succeed(&["queue", "hold", b]);
    assert_eq!(those(&lab, "held"), [b.as_str()]);
    assert!(lab.succeed(&["list"]).contains("waits for its turn: 1st in the queue"));

    assert!(lab.fail(&["queue", "first", running], 1).contains("computes already"));
    let said = lab.succeed(&["queue", "cancel", a]);
    assert!(said.contains("is stopped; gialab resume"), "{said}");
    assert_eq!(lab.status(a), "stopped");
    assert!(lab.fail(&["queue", "hold", a], 1).contains("is not in the queue"));

    lab.succeed(&["stop", running]);
    wait_for_state(&lab, c, "running");
    assert_eq!(state(&lab, b), "held");
    lab.succeed(&["stop", c]);
    lab.succeed(&["queue", "release", b]);
    wait_for_state(&lab, b, "running");
    // One that never began goes on as if nothing had been.
    lab.succeed(&["resume", a, "--detach"]);
    lab.succeed(&["stop", b]);
    wait_for_state(&lab, a, "running");
    stop_all(&lab);
}

#[test]
fn a_suspended_run_blocks_nobody() {
    let lab = Lab::new();
    let (first, second) = (lab.detach(&ENDLESS), lab.detach(&ENDLESS));
    kill(pid(&lab, &first), "-STOP");
    wait_for_state(&lab, &second, "running");
    assert_eq!(state(&lab, &first), "suspended");
    stop_all(&lab);
}

#[test]
fn a_paused_run_gives_its_place_back_and_is_the_next_to_go_on() {
    let lab = Lab::new();
    let runs = [lab.detach(&ENDLESS), lab.detach(&ENDLESS), lab.detach(&ENDLESS)];
    let directory = RunDirectory::at(lab.run_path(&runs[0]));
    directory.ask(Request::Pause).unwrap();
    wait_for_state(&lab, &runs[1], "running");
    assert_eq!(state(&lab, &runs[0]), "paused");
    directory.ask(Request::Run).unwrap();
    wait_for_state(&lab, &runs[0], "waiting");
    lab.succeed(&["stop", &runs[1]]);
    wait_for_state(&lab, &runs[0], "running");
    assert_eq!(state(&lab, &runs[2]), "waiting");
    lab.wait_for("it to go on", || lab.status(&runs[0]) == "running");
    stop_all(&lab);
}

#[test]
fn as_many_compute_as_the_threads_are_enough_for() {
    let lab = Lab::new();
    let detach = |threads: &str| -> String {
        let arguments: Vec<&str> =
            ["run"].iter().chain(&ENDLESS).chain(&["--detach", "--threads", threads]).copied().collect();
        let output = lab.command(&arguments).env("RAYON_NUM_THREADS", "3").output().unwrap();
        assert!(output.status.success(), "{}", text(&output.stderr));
        text(&output.stdout).trim().to_owned()
    };
    let runs = [detach("1"), detach("1"), detach("2"), detach("1")];
    assert_eq!(those(&lab, "running"), runs[..2]);
    assert_eq!(those(&lab, "waiting"), runs[2..], "nobody overtakes");
    assert_eq!(lab.manifest(&runs[2])["threads"], 2);
    lab.succeed(&["stop", &runs[0]]);
    wait_for_state(&lab, &runs[2], "running");
    assert_eq!(state(&lab, &runs[3]), "waiting");
    stop_all(&lab);
    for wrong in ["0", "-1", "5000"] {
        let error = lab.fail(&["run", "dlg-lenet", "--threads", wrong], 2);
        assert!(error.contains("must be 1 to 1024"), "{error}");
    }
}

#[test]
fn a_followed_run_says_that_it_waits() {
    let lab = Lab::new();
    let before = lab.detach(&ENDLESS);
    let arguments: Vec<&str> = ["run"].iter().chain(&QUICK).copied().collect();
    let mut follower = lab.command(&arguments);
    let follower = follower.stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    lab.wait_for("it to wait", || those(&lab, "waiting").len() == 1);
    std::thread::sleep(std::time::Duration::from_secs(1));
    lab.succeed(&["stop", &before]);
    let Output { status, stderr, .. } = follower.wait_with_output().unwrap();
    assert!(status.success());
    assert!(text(&stderr).contains("waits for its turn: 1st in the queue"), "{}", text(&stderr));
}

#[test]
fn a_queue_that_cannot_be_kept_stops_nobody() {
    let lab = Lab::new();
    std::fs::create_dir_all(lab.path("data")).unwrap();
    write(&lab.path("data/queue"), b"");
    let arguments: Vec<&str> = ["run"].iter().chain(&QUICK).copied().collect();
    lab.succeed(&arguments);
    let run = std::fs::read_dir(lab.path("data/runs")).unwrap().flatten().next().unwrap();
    let log = std::fs::read_to_string(run.path().join("run.log")).unwrap();
    assert!(log.contains("this run does not wait for its turn"), "{log}");
}
