//! `lock`: whoever holds it is the one process that writes a run. It ends with its holder, however that ends, so that it
//! tells more of a worker than a heartbeat or a process id: a worker that is suspended, or whose clock is wrong, holds it.

use std::fs::{self, File, TryLockError};
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use super::{RunDirectory, RunError};
use crate::files;
use crate::sys;

/// A worker that was just killed holds the lock until the system has taken it apart.
const PATIENCE: Duration = Duration::from_secs(2);

/// The lock of a run, held.
#[derive(Debug)]
pub struct Lock {
    /// Held as long as it is open, here or in a process that inherited it. Absent on a file system without locks.
    file: File,
}

/// Who holds the lock of a run, as far as can be seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Held {
    /// A process, of whatever host.
    Yes,
    /// Nobody on this host.
    No,
    /// A file system without locks, or a lock that this user may not look at.
    Unknown,
}

impl Lock {
    /// Takes the lock.
    ///
    /// # Errors
    /// [`RunError::Busy`] if another process holds it; else as the system says.
    pub fn take(directory: &RunDirectory) -> Result<Lock, RunError> {
        if fs::symlink_metadata(directory.path()).is_ok_and(|directory| directory.is_symlink()) {
            return Err(RunError::Link { path: directory.path().to_path_buf() });
        }
        let path = directory.lock_path();
        let failed = |error| RunError::io("lock", &path, error);
        let give_up = Instant::now() + PATIENCE;
        loop {
            let was_open = fs::symlink_metadata(&path).is_ok_and(|file| files::is_open(&file));
            let file = files::append(&path).map_err(failed)?;
            match file.try_lock() {
                Ok(()) if names(&path, &file) => return Ok(Lock { file }),
                // Somebody put another file in its place meanwhile.
                Ok(()) => continue,
                Err(TryLockError::WouldBlock) if was_open && is_held_by_strangers(&file) => {
                    // They keep a file that nobody asks for any more. The new one they cannot open.
                    fs::remove_file(&path).map_err(failed)?;
                    continue;
                }
                Err(TryLockError::WouldBlock) if Instant::now() < give_up => {}
                Err(TryLockError::WouldBlock) => return Err(RunError::busy(directory)),
                // A file system without locks: the heartbeat alone must do.
                Err(TryLockError::Error(_)) => return Ok(Lock { file }),
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// The lock that whoever started this process took for it and gave it as standard input; taken here if it was
    /// started by hand.
    ///
    /// # Errors
    /// As [`Lock::take`].
    pub fn inherited(directory: &RunDirectory) -> Result<Lock, RunError> {
        match sys::stdin_file() {
            Some(file) if names(&directory.lock_path(), &file) && file.try_lock().is_ok() => {
                Ok(Lock { file })
            }
            _ => Lock::take(directory),
        }
    }

    /// The lock for a child process, which holds it by its standard input.
    ///
    /// # Errors
    /// As the system says.
    pub fn for_child(&self) -> std::io::Result<Stdio> {
        self.file.try_clone().map(Stdio::from)
    }
}

/// Whether a lock is held. Looks without keeping anybody from taking it for longer than a moment.
pub fn look(path: &Path) -> Held {
    let metadata = match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_file() => metadata,
        Ok(_) => return Held::No,
        Err(error) if error.kind() == ErrorKind::NotFound => return Held::No,
        Err(_) => return Held::Unknown,
    };
    let Ok(file) = files::open(path) else { return Held::Unknown };
    match file.try_lock_shared() {
        Ok(()) => Held::No,
        Err(TryLockError::WouldBlock) if files::is_open(&metadata) && is_held_by_strangers(&file) => Held::No,
        Err(TryLockError::WouldBlock) => Held::Yes,
        Err(TryLockError::Error(_)) => Held::Unknown,
    }
}

/// Whether a path still names the file that was opened there.
pub(super) fn names(path: &Path, file: &File) -> bool {
    match (fs::symlink_metadata(path), file.metadata()) {
        (Ok(there), Ok(here)) => (there.dev(), there.ino()) == (here.dev(), here.ino()),
        _ => false,
    }
}

/// Whether all who hold a lock on this file are other users than its owner. One that they could open, as an earlier gialab made
/// it, they could lock; where the system does not tell, a holder is no stranger.
fn is_held_by_strangers(file: &File) -> bool {
    let Ok(metadata) = file.metadata() else { return false };
    let user = |pid: u32| fs::metadata(format!("/proc/{pid}")).ok().map(|process| process.uid());
    let holders: Vec<u32> = sys::lock_holders(&metadata).into_iter().filter_map(user).collect();
    !holders.is_empty() && holders.iter().all(|user| *user != metadata.uid() && *user != 0)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn run() -> (tempfile::TempDir, RunDirectory) {
        let folder = tempfile::tempdir().unwrap();
        let run = RunDirectory::at(folder.path());
        (folder, run)
    }

    #[test]
    fn a_lock_is_held_by_one_and_seen_by_all() {
        let (_folder, run) = run();
        assert_eq!(look(&run.lock_path()), Held::No);
        let lock = Lock::take(&run).unwrap();
        assert_eq!(look(&run.lock_path()), Held::Yes);
        assert_eq!(fs::metadata(run.lock_path()).unwrap().permissions().mode() & 0o777, 0o600);
        drop(lock);
        assert_eq!(look(&run.lock_path()), Held::No);
        Lock::take(&run).unwrap();
    }

    #[test]
    fn a_child_holds_it_by_its_standard_input() {
        let (_folder, run) = run();
        let lock = Lock::take(&run).unwrap();
        let mut sleep = std::process::Command::new("sleep");
        let mut child = sleep.arg("1000").stdin(lock.for_child().unwrap()).spawn().unwrap();
        drop((lock, sleep));
        assert_eq!(look(&run.lock_path()), Held::Yes);
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(look(&run.lock_path()), Held::No);
    }

    #[test]
    fn a_link_is_no_lock_and_none_is_made_through_it() {
        let (folder, run) = run();
        std::os::unix::fs::symlink(folder.path().join("elsewhere"), run.lock_path()).unwrap();
        assert_eq!(look(&run.lock_path()), Held::No);
        assert!(Lock::take(&run).unwrap_err().to_string().contains("symbolic link"));
        assert!(!folder.path().join("elsewhere").exists());
    }
}
