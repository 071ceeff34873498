//! The audits of a data directory: what there is, who makes one now, how to begin and to stop one.

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::{AuditError, Report};
use crate::files;
use crate::run::lock::{self, Held};
use crate::run::{RunError, log};
use crate::sys;

/// How long one waits for a new audit to refuse what cannot be audited.
const DEADLINE: Duration = Duration::from_secs(10);

/// A report larger than this is none.
const LARGEST: u64 = 64 << 20;

/// An audit of a data directory.
#[derive(Debug, Clone, PartialEq)]
pub struct Kept {
    /// Name of its directory.
    pub name: String,
    /// Where it is.
    pub path: PathBuf,
    /// A process of this machine makes it now.
    pub live: bool,
    /// Seconds since the epoch of what was written to it last.
    pub at: f64,
    /// Runs with a result, of those begun.
    pub runs: (usize, usize),
    /// What came of it; nothing before it is through, or a sentence on why it cannot be read.
    pub report: Option<Result<Box<Report>, String>>,
}

/// The directory of all audits.
pub fn all(data: &Path) -> PathBuf {
    data.join("audits")
}

/// Held by whoever makes the audit in this directory.
pub(super) fn lock(place: &Path) -> PathBuf {
    place.join("lock")
}

/// All audits, the newest first.
pub fn kept(data: &Path) -> Vec<Kept> {
    let entries = fs::read_dir(all(data)).into_iter().flatten().flatten();
    let mut kept: Vec<Kept> = entries.filter_map(|entry| Kept::read(entry.path())).collect();
    kept.sort_by(|a, b| b.live.cmp(&a.live).then(b.at.total_cmp(&a.at)));
    kept
}

impl Kept {
    fn read(path: PathBuf) -> Option<Kept> {
        let name = path.file_name()?.to_str()?.to_owned();
        let lock = fs::symlink_metadata(lock(&path)).ok()?;
        let age = |metadata: &fs::Metadata| metadata.modified().ok()?.elapsed().ok();
        let report = path.join("report.json");
        let at = fs::metadata(&report).ok().as_ref().and_then(age).or_else(|| age(&lock))?;
        let text = report.exists().then(|| files::read_text(&report, LARGEST).map_err(|e| e.to_string()));
        let runs: Vec<PathBuf> =
            fs::read_dir(path.join("runs")).into_iter().flatten().flatten().map(|run| run.path()).collect();
        let done = runs.iter().filter(|run| run.join("result.json").exists()).count();
        let read = |text: String| serde_json::from_str(&text).map(Box::new).map_err(|e| e.to_string());
        Some(Kept {
            live: lock::look(&self::lock(&path)) == Held::Yes,
            at: crate::run::now() - at.as_secs_f64(),
            runs: (done, runs.len()),
            report: text.map(|text| text.and_then(read)),
            name,
            path,
        })
    }
}

/// Starts `gialab audit PRESET` with changes in a process of its own, which outlives whoever started it.
///
/// # Errors
/// If the process cannot be started, or why it ended at once.
pub fn start(data: &Path, preset: &str, changes: &[String]) -> Result<(), AuditError> {
    let all = all(data);
    files::create_directories(&all).map_err(|e| RunError::io("create", &all, e))?;
    let path = all.join("audit.log");
    let words = files::append(&path).map_err(|e| RunError::io("write", &path, e))?;
    let program = std::env::current_exe().map_err(|e| RunError::io("find", "gialab".as_ref(), e))?;
    let data = std::path::absolute(data).map_err(|e| RunError::io("find", data, e))?;
    let mut command = Command::new(&program);
    command.arg("--data-dir").arg(&data).args(["audit", preset]);
    command.args(changes.iter().flat_map(|change| ["--set", change]));
    let mut child = command
        // Ctrl-C and a hang-up of this terminal do not reach it.
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(words)
        .spawn()
        .map_err(|e| RunError::io("start", &program, e))?;
    let give_up = Instant::now() + DEADLINE;
    while Instant::now() < give_up {
        match child.try_wait() {
            Ok(Some(status)) if status.success() => return Ok(()),
            Ok(Some(status)) => {
                let said = log::last_lines(&path, 1).pop();
                let reason = said.map_or_else(
                    || status.to_string(),
                    |line| line.trim_start_matches("gialab: ").to_owned(),
                );
                return Err(AuditError::Ended(reason));
            }
            _ if kept(&data).iter().any(|kept| makers(&kept.path).contains(&child.id())) => break,
            _ => std::thread::sleep(Duration::from_millis(100)),
        }
    }
    // Collected, for a zombie would look alive.
    std::thread::spawn(move || child.wait());
    Ok(())
}

/// Asks whoever makes the audit in this directory to end.
pub fn stop(place: &Path) {
    makers(place).into_iter().for_each(sys::terminate);
}

/// The processes of this machine that make it.
fn makers(place: &Path) -> Vec<u32> {
    let holders = fs::metadata(lock(place)).map(|lock| sys::lock_holders(&lock)).unwrap_or_default();
    // Whoever looks at a lock holds it for a moment.
    holders.into_iter().filter(|pid| sys::runs(*pid, &[b"audit"])).collect()
}
