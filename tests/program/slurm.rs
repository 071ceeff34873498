//! `gialab study run --slurm` on a whole Slurm of one node, which `slurm.sh` starts for the test.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::lab::{Lab, kill, text};

/// Two cells of two pairs: one is over at once, the other takes seconds.
const STUDY: &str = r#"
schema = 1
title = "Small"
about = "For tests."
preset = "ig-lenet"
set = ["attack.trials=1", "run.checkpoint_seconds=0.1"]
pairs = 2
figures = ["psnr"]

[[axis]]
name = "iterations"
key = "attack.iterations"
values = [2, 8000]
"#;

/// The runs of the long cell.
const LONG: [&str; 2] = ["iterations-8000_pair-00", "iterations-8000_pair-01"];

struct Cluster {
    path: PathBuf,
}

impl Cluster {
    /// A Slurm in the laboratory; without one a test says why and ends.
    fn start(lab: &Lab) -> Option<Cluster> {
        let path = lab.path("slurm");
        let started = Cluster::script("start", &path).output().unwrap();
        if started.status.success() {
            return Some(Cluster { path });
        }
        let said = text(&started.stdout) + &text(&started.stderr);
        assert_eq!(started.status.code(), Some(77), "{said}");
        eprintln!("skipped: {}", said.trim());
        None
    }

    fn script(what: &str, path: &Path) -> Command {
        let mut script = Command::new("bash");
        let own = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/program/slurm.sh");
        script.arg(own).arg(what).arg(path);
        script
    }

    fn conf(&self) -> PathBuf {
        self.path.join("slurm.conf")
    }

    fn gialab(&self, lab: &Lab, arguments: &[&str]) -> Output {
        lab.command(arguments).env("SLURM_CONF", self.conf()).output().unwrap()
    }

    /// What a program of Slurm says.
    fn ask(&self, words: &[&str]) -> String {
        let output =
            Command::new(words[0]).args(&words[1..]).env("SLURM_CONF", self.conf()).output().unwrap();
        assert!(output.status.success(), "{words:?}: {}", text(&output.stderr));
        text(&output.stdout)
    }

    fn is_empty(&self) -> bool {
        self.ask(&["squeue", "--noheader"]).trim().is_empty()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let _ = Cluster::script("stop", &self.path).status();
    }
}

fn result(lab: &Lab, run: &str) -> Option<Vec<u8>> {
    fs::read(lab.path("data/studies/array/runs").join(run).join("result.json")).ok()
}

fn submit(cluster: &Cluster, lab: &Lab, file: &str) -> (String, String) {
    let output = cluster.gialab(lab, &["study", "run", file, "--slurm"]);
    let notes = text(&output.stderr);
    assert!(output.status.success(), "{notes}");
    (text(&output.stdout), notes)
}

#[test]
fn a_study_on_slurm_submits_again_what_was_cancelled_or_killed_and_nothing_else() {
    let lab = Lab::new();
    let Some(cluster) = Cluster::start(&lab) else { return };
    let file = lab.path("array.toml").display().to_string();
    fs::write(&file, STUDY).unwrap();

    // The script is shown, and nothing is submitted.
    let shown = cluster.gialab(&lab, &["study", "run", &file, "--slurm", "--dry-run", "--", "--time=1:00"]);
    let script = text(&shown.stdout);
    for line in ["#SBATCH --array=0-3\n", "#SBATCH --time=1:00\n", "runs=(0 1 2 3)\n"] {
        assert!(shown.status.success() && script.contains(line), "{script}");
    }
    assert!(cluster.is_empty());

    // What Slurm refuses is said in its words, in one sentence.
    let refused = cluster.gialab(&lab, &["study", "run", &file, "--slurm", "--", "--partition=none"]);
    let error = text(&refused.stderr);
    assert_eq!(refused.status.code(), Some(1), "{error}");
    assert!(error.contains("sbatch refuses: ") && error.contains("Invalid partition name"), "{error}");
    assert_eq!(error.trim().lines().count(), 2, "the estimate and the sentence: {error}");

    let (_, notes) = submit(&cluster, &lab, &file);
    assert!(notes.contains("submitted 4 of its runs as job "), "{notes}");
    let job = notes.split("as job ").nth(1).unwrap().split(';').next().unwrap().to_owned();
    let checkpoint = |run: &str| lab.path("data/studies/array/runs").join(run).join("checkpoint.safetensors");
    lab.wait_for("both long runs", || LONG.iter().all(|run| checkpoint(run).exists()));
    let (_, notes) = submit(&cluster, &lab, &file);
    assert!(notes.contains("2 of its runs are running and 0 waiting in the queue of Slurm"), "{notes}");
    assert!(!notes.contains("submitted"), "{notes}");
    let short = result(&lab, "iterations-2_pair-00").unwrap();

    // One is cancelled, of the other everything is killed.
    cluster.ask(&["scancel", &format!("{job}_1")]);
    lab.wait_for("the cancelled task", || lab.processes().len() == 2);
    lab.processes().iter().for_each(|process| kill(u64::from(*process), "-9"));
    lab.wait_for("an empty queue", || cluster.is_empty());
    assert!(LONG.iter().all(|run| result(&lab, run).is_none()));

    let (_, notes) = submit(&cluster, &lab, &file);
    assert!(notes.contains(&format!("2 tasks of job {job} ended without a result")), "{notes}");
    assert!(notes.contains("submitted 2 of its runs as job "), "{notes}");
    lab.wait_for("an empty queue", || cluster.is_empty());
    let (table, notes) = submit(&cluster, &lab, &file);
    assert!(table.contains("4 of 4 runs") && notes.contains("all done"), "{table}{notes}");
    // They went on from their checkpoints, and what had a result was let alone.
    for run in LONG {
        let events = fs::read_to_string(lab.path("data/studies/array/runs").join(run).join("events.jsonl"));
        assert!(events.unwrap().contains("\"resumed\""), "{run}");
    }
    assert_eq!(result(&lab, "iterations-2_pair-00").unwrap(), short);
}

#[test]
fn without_slurm_a_sentence_says_so() {
    let lab = Lab::new();
    let output =
        lab.command(&["study", "run", "t1", "--slurm", "--yes"]).env("PATH", "/nonexistent").output();
    let output = output.unwrap();
    let error = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{error}");
    assert!(error.contains("sbatch cannot be started: "), "{error}");
    assert_eq!(error.trim().lines().count(), 2, "the estimate and the sentence: {error}");
}
