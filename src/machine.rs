//! What this machine has, and what of it this process may use: processor, memory, disk.

use std::path::Path;

use rustix::process::{Resource, getrlimit};
use serde::Serialize;

use crate::cgroup;
use crate::files::{self, Access, Draft};
use crate::threads::{self, Threads};

/// Processor and memory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Machine {
    /// The processor's name.
    pub processor: String,
    /// Threads that computations use, and what says so.
    #[serde(flatten)]
    pub threads: Threads,
    /// Widest vector instructions that flex uses here.
    pub vectors: &'static str,
    /// Memory in bytes, if the system tells.
    pub memory: Option<u64>,
    /// Memory that could be had now, in bytes: the least of what bounds it.
    pub available: Option<u64>,
    /// What bounds memory, the least first.
    pub memory_bounds: Vec<Bound>,
}

/// Something that bounds the memory of this process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Bound {
    /// What it is, for a sentence: `free on this machine`.
    pub what: String,
    /// Bytes that can be had within it now.
    pub available: u64,
}

impl Machine {
    /// Looks.
    pub fn look() -> Machine {
        let memory = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
        let memory_bounds = memory_bounds();
        Machine {
            processor: processor(),
            threads: threads::allowed(),
            vectors: vectors(),
            memory: kilobytes(&memory, "MemTotal"),
            available: memory_bounds.first().map(|bound| bound.available),
            memory_bounds,
        }
    }
}

/// The processor's name.
pub fn processor() -> String {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    field(&text, "model name").unwrap_or(std::env::consts::ARCH).to_owned()
}

/// Share of the time in which the threads of this process could have computed and waited for a processor. Nothing where the
/// system does not tell.
pub fn share_waited() -> Option<f64> {
    let threads = std::fs::read_dir("/proc/self/task").ok()?.flatten();
    let figures = threads.filter_map(|thread| std::fs::read_to_string(thread.path().join("schedstat")).ok());
    waited_of(figures)
}

/// The same of the kernel's lines, one a thread: nanoseconds on a processor, nanoseconds of waiting, and turns.
fn waited_of(lines: impl IntoIterator<Item = String>) -> Option<f64> {
    let (mut ran, mut waited) = (0.0, 0.0);
    for line in lines {
        let mut figures = line.split_whitespace().map_while(|figure| figure.parse::<f64>().ok());
        (ran, waited) = (ran + figures.next()?, waited + figures.next()?);
    }
    (ran > 0.0).then(|| waited / (ran + waited))
}

/// What bounds the memory of this process, the least first: the machine, control groups, the address space.
pub fn memory_bounds() -> Vec<Bound> {
    let memory = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let machine = kilobytes(&memory, "MemAvailable")
        .map(|available| Bound { what: "free on this machine".to_owned(), available });
    let groups = cgroup::memory_limits().into_iter().map(|limit| Bound {
        what: format!("left of the control group's limit {}", limit.file.display()),
        available: limit.limit.saturating_sub(limit.used),
    });
    let space = getrlimit(Resource::As).current.map(|limit| Bound {
        what: "left of the limit of address space (ulimit -v)".to_owned(),
        available: limit.saturating_sub(address_space()),
    });
    let mut bounds: Vec<Bound> = machine.into_iter().chain(groups).chain(space).collect();
    bounds.sort_by_key(|bound| bound.available);
    bounds
}

/// Bytes of address space that this process has, 0 where the system does not tell.
fn address_space() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    kilobytes(&status, "VmSize").unwrap_or(0)
}

#[cfg(target_arch = "x86_64")]
fn vectors() -> &'static str {
    if is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512bw") {
        "AVX-512"
    } else if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
        "AVX2"
    } else {
        "SSE"
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn vectors() -> &'static str {
    if cfg!(target_arch = "aarch64") { "NEON" } else { "none" }
}

/// The value of the first `name : value` line.
fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.trim_start().strip_prefix(':'));
    line.map(str::trim)
}

fn kilobytes(text: &str, name: &str) -> Option<u64> {
    field(text, name)?.strip_suffix("kB")?.trim().parse::<u64>().ok().map(|value| value * 1024)
}

/// Free bytes of a directory that can be written to; it is made if it does not exist.
///
/// # Errors
/// A sentence that says why it cannot be written to.
pub fn writable(path: &Path) -> Result<u64, String> {
    let describe = |error: std::io::Error| format!("cannot be written: {error}");
    files::create_directories(path).map_err(describe)?;
    let mut probe = Draft::create(&path.join("probe"), Access::Private).map_err(describe)?;
    std::io::Write::write_all(&mut probe, b"probe").and_then(|()| probe.complete()).map_err(describe)?;
    let space = rustix::fs::statvfs(path).map_err(|error| describe(error.into()))?;
    Ok(space.f_bavail * space.f_frsize)
}

/// Whether the system kills what a user started when the user logs out, by systemd's files.
pub fn kills_at_logout() -> bool {
    let mut files = vec![Path::new("/etc/systemd/logind.conf").to_path_buf()];
    for directory in ["/usr/lib/systemd/logind.conf.d", "/etc/systemd/logind.conf.d"] {
        let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
        files.extend(entries.map(|entry| entry.path()));
    }
    let text: String = files.iter().filter_map(|file| std::fs::read_to_string(file).ok()).collect();
    is_set(&text)
}

/// Whether the last setting in the text says yes.
fn is_set(text: &str) -> bool {
    let value = text.lines().rev().find_map(|line| line.trim().strip_prefix("KillUserProcesses="));
    value.is_some_and(|value| matches!(value.trim(), "yes" | "true" | "1" | "on"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_of_the_kernels_files_are_found() {
        assert_eq!(
            field("vendor_id\t: A\nmodel name\t: AMD EPYC 7763\n", "model name"),
            Some("AMD EPYC 7763")
        );
        assert_eq!(kilobytes("MemTotal:       24576 kB\n", "MemTotal"), Some(24576 * 1024));
        assert_eq!(kilobytes("", "MemTotal"), None);
    }

    #[test]
    fn waiting_for_a_processor_is_told_over_all_threads() {
        let lines = |lines: &[&str]| waited_of(lines.iter().map(|line| (*line).to_owned()));
        assert_eq!(lines(&["300 0 5\n", "300 200 9\n"]), Some(0.25));
        assert_eq!((lines(&["0 0 0"]), lines(&["no figures"]), lines(&[])), (None, None, None));
    }

    #[test]
    fn the_last_setting_of_logind_counts_and_comments_do_not() {
        assert!(!is_set("#KillUserProcesses=yes\n"));
        assert!(is_set("KillUserProcesses=no\n[Login]\nKillUserProcesses=yes\n"));
        assert!(!is_set("KillUserProcesses=yes\nKillUserProcesses=no\n"));
    }

    #[test]
    fn a_file_in_the_way_is_said() {
        let file = tempfile::NamedTempFile::new();
        let path = file.as_ref().map(|file| file.path().join("runs")).unwrap_or_default();
        assert!(writable(&path).is_err_and(|sentence| sentence.starts_with("cannot be written")));
    }
}
