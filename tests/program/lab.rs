//! A laboratory of its own for each test: directories that no other test and no user sees.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use gialab::run::event::Line;
use serde_json::Value;
use tempfile::TempDir;

/// How long any single condition may take to come true.
const PATIENCE: Duration = Duration::from_secs(120);

/// Long enough to be interrupted, with checkpoints often.
pub const LONG: [&str; 5] =
    ["ig-lenet", "--set", "attack.iterations=8000", "--set", "run.checkpoint_seconds=0.2"];

/// The fewest settings that still are a whole attack: a second at most.
pub const QUICK: [&str; 5] = ["dlg-lenet", "--trials", "1", "--set", "attack.iterations=3"];

pub struct Lab {
    home: TempDir,
}

impl Lab {
    pub fn new() -> Lab {
        Lab { home: tempfile::tempdir().unwrap() }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    pub fn run_path(&self, run: &str) -> PathBuf {
        self.path("data").join("runs").join(run)
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gialab"));
        command
            .args(arguments)
            .env("GIALAB_DATA_DIR", self.path("data"))
            .env("HOME", self.home.path())
            .env("XDG_CONFIG_HOME", self.path("config"))
            .env("XDG_STATE_HOME", self.path("state"))
            .env("XDG_CACHE_HOME", self.path("cache"))
            .env_remove("XDG_DATA_HOME")
            .stdin(Stdio::null());
        command
    }

    /// Runs a command in a shell that said something before it, as a limit or a umask.
    pub fn under(&self, before: &str, arguments: &[&str]) -> Output {
        let gialab = self.command(arguments);
        let mut shell = Command::new("sh");
        for (name, value) in gialab.get_envs() {
            match value {
                Some(value) => shell.env(name, value),
                None => shell.env_remove(name),
            };
        }
        shell.arg("-c").arg(format!("{before}; exec \"$@\"")).arg("sh").arg(gialab.get_program());
        shell.args(gialab.get_args()).stdin(Stdio::null()).output().unwrap()
    }

    pub fn gialab(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Runs a command that must succeed and returns its standard output.
    pub fn succeed(&self, arguments: &[&str]) -> String {
        let output = self.gialab(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", text(&output.stderr));
        text(&output.stdout)
    }

    /// Runs a command that must end with `code` and one sentence on standard error, which is returned.
    pub fn fail(&self, arguments: &[&str], code: i32) -> String {
        let output = self.gialab(arguments);
        let error = text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {error}");
        assert_eq!(error.trim().lines().count(), 1, "{arguments:?}: {error}");
        assert!(!error.contains("panicked"), "{error}");
        error
    }

    /// Starts a run in the background; returns its name.
    pub fn detach(&self, arguments: &[&str]) -> String {
        let arguments: Vec<&str> = ["run"].iter().chain(arguments).chain(&["--detach"]).copied().collect();
        self.succeed(&arguments).trim().to_owned()
    }

    pub fn manifest(&self, run: &str) -> Value {
        let text = std::fs::read_to_string(self.run_path(run).join("manifest.json")).unwrap();
        serde_json::from_str(&text).unwrap()
    }

    pub fn events(&self, run: &str) -> Vec<Line> {
        let text = std::fs::read_to_string(self.run_path(run).join("events.jsonl")).unwrap_or_default();
        text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    pub fn status(&self, run: &str) -> String {
        let list: Value = serde_json::from_str(&self.succeed(&["list", "--json"])).unwrap();
        let row = list.as_array().unwrap().iter().find(|row| row["run"] == run).unwrap();
        row["status"].as_str().unwrap().to_owned()
    }

    pub fn wait_for(&self, what: &str, mut condition: impl FnMut() -> bool) {
        let begin = Instant::now();
        while !condition() {
            assert!(begin.elapsed() < PATIENCE, "still waiting for {what}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Everything that was started in this laboratory and still runs.
    pub fn processes(&self) -> Vec<u32> {
        let mark = format!("GIALAB_DATA_DIR={}", self.path("data").display());
        let all = std::fs::read_dir("/proc").unwrap().flatten();
        all.filter_map(|item| item.file_name().to_str()?.parse().ok())
            .filter(|pid: &u32| {
                let environment = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
                environment.split(|byte| *byte == 0).any(|pair| pair == mark.as_bytes())
            })
            .collect()
    }

    /// Waits until the run has a checkpoint to go on from.
    pub fn wait_for_checkpoint(&self, run: &str) {
        let checkpoint = self.run_path(run).join("checkpoint.safetensors");
        self.wait_for("a checkpoint", || checkpoint.exists());
    }
}

/// A test that failed leaves nothing running.
impl Drop for Lab {
    fn drop(&mut self) {
        if std::thread::panicking() {
            for pid in self.processes() {
                // It may end by itself meanwhile.
                let _ = Command::new("kill").args(["-9", &pid.to_string()]).status();
            }
        }
    }
}

/// A folder of files as people have them, which lie beside the repository; without them a test says so and ends.
pub fn cases(folder: &str) -> Option<PathBuf> {
    let found = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/cases").join(folder);
    if found.exists() {
        return Some(found);
    }
    eprintln!("skipped: {} is not there", found.display());
    None
}

/// A preset of a case, all of which are of schema 1, as it is written today.
pub fn today(preset: &str) -> String {
    let line = |line: &str| match line {
        "schema = 1" => "schema = 2".to_owned(),
        "labels = \"known\"" => "labels = true".to_owned(),
        "labels = \"infer\"" | "labels = \"optimise\"" => "labels = false".to_owned(),
        "[attack]" if preset.contains("labels = \"known\"") => "[attack]\nlabels = \"given\"".to_owned(),
        "[attack]" if preset.contains("labels = \"infer\"") => {
            "[attack]\nlabels = { rule = \"idlg\" }".to_owned()
        }
        "[attack]" => "[attack]\nlabels = \"optimise\"".to_owned(),
        other if other.starts_with("tv = ") => format!("prior = {{ {other} }}"),
        other => other.to_owned(),
    };
    preset.lines().map(|text| line(text) + "\n").collect()
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The last line that `--json` printed.
pub fn finished(output: &str) -> Value {
    serde_json::from_str(output.lines().last().unwrap()).unwrap()
}

pub fn kill(pid: u64, signal: &str) {
    let status = Command::new("kill").args([signal, &pid.to_string()]).status().unwrap();
    assert!(status.success());
}

pub fn write(path: &Path, content: &[u8]) -> String {
    std::fs::write(path, content).unwrap();
    path.to_str().unwrap().to_owned()
}
