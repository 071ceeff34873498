//! The door of the queue: a lock that is held for the moment in which tickets are read and changed.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::super::RunError;
use super::super::lock::names;
use crate::files;

/// A change takes milliseconds. Who keeps the door for longer is suspended, and is passed by.
const PATIENCE: Duration = Duration::from_secs(3);

/// The door, held. Open to all on a file system without locks.
#[derive(Debug)]
pub struct Door {
    path: PathBuf,
    file: File,
}

impl Door {
    /// Waits for the door of the queue in `directory`, which is made if it is not there.
    ///
    /// # Errors
    /// If it cannot be made or opened.
    pub fn open(directory: &Path) -> Result<Door, RunError> {
        let path = directory.join("door");
        let failed = |error| RunError::io("lock", &path, error);
        files::create_directories(directory).map_err(|e| RunError::io("create", directory, e))?;
        let mut give_up = Instant::now() + PATIENCE;
        loop {
            let file = files::append(&path).map_err(failed)?;
            match file.try_lock() {
                Ok(()) if names(&path, &file) => return Ok(Door { path, file }),
                // Another one was put in its place.
                Ok(()) => continue,
                Err(TryLockError::WouldBlock) if Instant::now() < give_up => {}
                Err(TryLockError::WouldBlock) => {
                    // They keep a door that nobody goes through any more; `is_ours` tells them.
                    if names(&path, &file) {
                        fs::remove_file(&path).map_err(failed)?;
                    }
                    give_up = Instant::now() + PATIENCE;
                    continue;
                }
                Err(TryLockError::Error(_)) => return Ok(Door { path, file }),
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Not so for one that was suspended for so long that others took a new door: it must not write what it has read before.
    pub fn is_ours(&self) -> bool {
        names(&self.path, &self.file)
    }
}
