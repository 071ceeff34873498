//! Why a worker is gone that could not say so itself.

use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use super::{Manifest, RunDirectory, launch};
use crate::cgroup::{self, MemoryKills};
use crate::sys;

/// How the system ends a process that needs more memory than there is.
const KILL: i32 = 9;

/// Said by whoever started the worker and saw it end.
pub fn of_exit(directory: &RunDirectory, status: ExitStatus) -> String {
    let last_word =
        || launch::last_word(directory).map(|word| format!("; it said: {word}")).unwrap_or_default();
    match status.signal() {
        Some(KILL) => {
            let kills = directory.manifest().ok().and_then(|manifest| manifest.memory_kills);
            let by = match kills.as_ref().and_then(rose) {
                Some(true) => ", out of memory",
                Some(false) => ": by hand or by a limit, for the system has not killed for want of memory",
                None => ", probably out of memory",
            };
            format!("the worker was killed by signal 9{by}")
        }
        Some(signal) => format!("the worker was killed by signal {signal}{}", last_word()),
        None => format!("the worker ended with {status}{}", last_word()),
    }
}

/// Inferred from what a worker left behind that nobody saw end.
pub fn of_silence(manifest: &Manifest) -> String {
    let is_here = manifest.host == sys::host_name();
    if manifest.pid == 0 {
        return "its worker never began".to_owned();
    }
    if is_here && sys::boot_time().is_some_and(|boot| manifest.heartbeat + 1.0 < boot) {
        return "its worker is gone: this machine was started anew since its last heartbeat".to_owned();
    }
    silent(manifest.memory_kills.as_ref().filter(|_| is_here).and_then(rose)).to_owned()
}

/// Of a worker of which nothing else is known but whether the system has killed for want of memory since it began.
fn silent(memory: Option<bool>) -> &'static str {
    match memory {
        Some(true) => {
            "its worker is gone without a word, killed by signal 9, probably out of memory: the system has killed for \
             want of memory since it began"
        }
        Some(false) => {
            "its worker is gone without a word: it was killed, by hand or by a limit, for the system has not killed for \
             want of memory since it began"
        }
        None => "its worker is gone without a word: it was killed, or its machine lost power",
    }
}

/// Whether the system has killed for want of memory since; `None` if that cannot be known.
fn rose(kills: &MemoryKills) -> Option<bool> {
    cgroup::memory_kills_in(&kills.file).map(|count| count > kills.count)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_signal_is_named_and_memory_is_blamed_for_the_ninth() {
        let folder = tempfile::tempdir().unwrap();
        let run = RunDirectory::at(folder.path());
        std::fs::write(run.log_path(), "memory allocation of 80000 bytes failed\n").unwrap();
        let said = |status| of_exit(&run, ExitStatus::from_raw(status));
        assert_eq!(said(9), "the worker was killed by signal 9, probably out of memory");
        assert_eq!(
            said(6),
            "the worker was killed by signal 6; it said: memory allocation of 80000 bytes failed"
        );
        assert!(
            said(256).starts_with("the worker ended with exit status: 1; it said: memory"),
            "{}",
            said(256)
        );
    }

    #[test]
    fn a_counter_that_rose_tells() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("memory.events");
        std::fs::write(&file, "low 0\noom 3\noom_kill 2\n").unwrap();
        let kills = |count| MemoryKills { file: file.clone(), count };
        assert_eq!((rose(&kills(1)), rose(&kills(2))), (Some(true), Some(false)));
        let kill = |count| silent(rose(&kills(count)));
        assert!(kill(1).contains("killed by signal 9, probably out of memory"));
        assert!(kill(2).contains("by hand or by a limit, for the system has not killed"));
        std::fs::remove_file(&file).unwrap();
        assert_eq!(rose(&kills(1)), None);
        assert!(kill(1).ends_with("it was killed, or its machine lost power"));
    }
}
