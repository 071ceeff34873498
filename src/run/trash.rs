//! Runs that were deleted and can be had back. What was deleted at once lies in one bundle, each run beside a file that says
//! where it came from; a run is moved and never copied, so that a full disk loses nothing.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use super::{RunDirectory, RunError};
use crate::files::{self, Access};

/// What the file beside a run is called behind the run's name.
const FROM: &str = ".from";

/// Where they are.
#[derive(Debug, Clone)]
pub struct Trash {
    folder: PathBuf,
}

/// Why nothing was brought back.
#[derive(Debug, thiserror::Error)]
pub enum TrashError {
    /// There is nothing to bring back.
    #[error("there is nothing in the trash; gialab rm puts runs there")]
    Empty,
    /// Its place is taken.
    #[error("{} is there again and is left alone; move it away, then undo again", path.display())]
    Taken {
        /// Where the run came from.
        path: PathBuf,
    },
    /// As the disk says.
    #[error(transparent)]
    Run(#[from] RunError),
}

/// Runs that were deleted at once.
#[derive(Debug, Clone, PartialEq)]
pub struct Bundle {
    path: PathBuf,
    /// When, in seconds since the epoch.
    pub discarded: f64,
    /// Names of the runs, with where each came from.
    pub runs: Vec<(String, PathBuf)>,
}

impl Trash {
    /// That of a data directory.
    pub fn in_data_dir(data: &Path) -> Trash {
        Trash { folder: data.join("trash") }
    }

    /// Moves runs there as one bundle, and says of each how it went; no worker may be on one.
    ///
    /// # Errors
    /// No bundle can be made: then all runs are where they were.
    pub fn take(&self, runs: &[RunDirectory]) -> Result<Vec<Result<(), RunError>>, RunError> {
        files::create_directories(&self.folder).map_err(|e| RunError::io("create", &self.folder, e))?;
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
        // Names in the order of time.
        let bundle =
            (since..).map(|name| self.folder.join(format!("{name:020}"))).find(|path| !path.exists());
        let bundle = bundle.unwrap_or_else(|| self.folder.clone());
        files::create_directory(&bundle).map_err(|e| RunError::io("create", &bundle, e))?;
        let taken = runs.iter().map(|run| put(run, &bundle)).collect();
        // Only goes if nothing came in.
        let _ = fs::remove_dir(&bundle);
        Ok(taken)
    }

    /// Brings the runs that were deleted last back to where they were, and says their names.
    ///
    /// # Errors
    /// There is none, or one of them cannot go back; those that could are back.
    pub fn undo(&self) -> Result<Vec<String>, TrashError> {
        let bundle = self.bundles()?.pop().ok_or(TrashError::Empty)?;
        let mut back = Vec::new();
        for (name, from) in bundle.runs {
            if fs::symlink_metadata(&from).is_ok() {
                return Err(TrashError::Taken { path: from });
            }
            let parent = from.parent().unwrap_or(Path::new("."));
            files::create_directories(parent).map_err(|e| RunError::io("create", parent, e))?;
            fs::rename(bundle.path.join(&name), &from).map_err(|e| RunError::io("bring back", &from, e))?;
            let _ = fs::remove_file(bundle.path.join(format!("{name}{FROM}")));
            back.push(name);
        }
        let _ = fs::remove_dir(&bundle.path);
        Ok(back)
    }

    /// What is in it, the newest last.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn bundles(&self) -> Result<Vec<Bundle>, RunError> {
        let items = match fs::read_dir(&self.folder) {
            Ok(items) => items,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(RunError::io("read", &self.folder, error)),
        };
        let mut bundles: Vec<Bundle> = items.flatten().filter_map(|item| bundle(&item.path())).collect();
        bundles.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(bundles)
    }

    /// Deletes all of it for good, and says how many runs that were.
    ///
    /// # Errors
    /// One cannot be deleted; the others before it are.
    pub fn empty(&self) -> Result<usize, RunError> {
        let mut count = 0;
        for bundle in self.bundles()? {
            fs::remove_dir_all(&bundle.path).map_err(|e| RunError::io("delete", &bundle.path, e))?;
            count += bundle.runs.len();
        }
        Ok(count)
    }
}

/// Moves a run into a bundle; if that fails it is where it was.
fn put(run: &RunDirectory, bundle: &Path) -> Result<(), RunError> {
    let _lock = run.leave()?;
    let name = run.path().file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let label = bundle.join(format!("{name}{FROM}"));
    let from = std::path::absolute(run.path()).map_err(|e| RunError::io("delete", run.path(), e))?;
    files::write(&label, from.as_os_str().as_encoded_bytes(), Access::Private)
        .and_then(|()| fs::rename(run.path(), bundle.join(&name)))
        .map_err(|error| {
            let _ = fs::remove_file(&label);
            RunError::Undeletable { run: run.id(), source: error }
        })
}

fn bundle(path: &Path) -> Option<Bundle> {
    let nanoseconds: u128 = path.file_name()?.to_str()?.parse().ok()?;
    let mut runs = Vec::new();
    for item in fs::read_dir(path).ok()?.flatten() {
        let label = item.file_name().into_string().ok();
        let Some(name) = label.as_deref().and_then(|label| label.strip_suffix(FROM)) else { continue };
        // Moved last: a label alone is of a deletion that came to nothing.
        if let (true, Ok(from)) = (path.join(name).is_dir(), files::read_text(&item.path(), files::TEXT)) {
            runs.push((name.to_owned(), PathBuf::from(from)));
        }
    }
    runs.sort();
    let is_any = !runs.is_empty();
    is_any.then(|| Bundle { path: path.to_path_buf(), discarded: nanoseconds as f64 / 1e9, runs })
}

#[cfg(all(test, feature = "tui"))]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::run::{Health, Store};
    use crate::tui::fixture::{self, NOW};

    #[test]
    fn what_was_deleted_last_comes_back_as_it_was_and_where_it_was() {
        let data = tempfile::tempdir().unwrap();
        let (store, trash) = (Store::in_data_dir(data.path()), Trash::in_data_dir(data.path()));
        assert!(matches!(trash.undo(), Err(TrashError::Empty)));
        let written = |preset: &str, at| fixture::write_run(&store, preset, Health::Done, NOW + at);
        let runs = [written("dlg-lenet", 0.0), written("idlg-lenet", 1.0), written("dlg-digits", 2.0)];
        let manifest = fs::read(runs[0].manifest_path()).unwrap();
        assert!(trash.take(&runs[..1]).unwrap().remove(0).is_ok());
        assert!(trash.take(&runs[1..]).unwrap().into_iter().all(|taken| taken.is_ok()));
        assert!(store.list().unwrap().is_empty());
        assert_eq!(
            trash.bundles().unwrap().iter().map(|bundle| bundle.runs.len()).collect::<Vec<_>>(),
            [1, 2]
        );
        assert_eq!(trash.undo().unwrap(), [runs[1].id(), runs[2].id()]);
        // Somebody took the place of the other one.
        fs::create_dir(runs[0].path()).unwrap();
        assert!(matches!(trash.undo(), Err(TrashError::Taken { path }) if path == runs[0].path()));
        fs::remove_dir(runs[0].path()).unwrap();
        assert_eq!(trash.undo().unwrap(), [runs[0].id()]);
        assert_eq!(fs::read(runs[0].manifest_path()).unwrap(), manifest);
        assert!(matches!(trash.undo(), Err(TrashError::Empty)));
        trash.take(&runs).unwrap();
        assert_eq!((trash.empty().unwrap(), trash.empty().unwrap()), (3, 0));
        assert!(matches!(trash.undo(), Err(TrashError::Empty)));
    }

    #[test]
    fn where_nothing_can_be_kept_nothing_is_lost() {
        let data = tempfile::tempdir().unwrap();
        let (store, trash) = (Store::in_data_dir(data.path()), Trash::in_data_dir(data.path()));
        let run = fixture::write_run(&store, "dlg-lenet", Health::Done, NOW);
        let live = fixture::write_run(&store, "dlg-digits", Health::Running, NOW);
        fs::write(data.path().join("trash"), "in the way").unwrap();
        assert!(trash.take(std::slice::from_ref(&run)).is_err());
        assert!(run.manifest().is_ok());
        fs::remove_file(data.path().join("trash")).unwrap();
        let taken = trash.take(&[live.clone(), run.clone()]).unwrap();
        assert!(matches!(taken.as_slice(), [Err(RunError::Busy { .. }), Ok(())]), "{taken:?}");
        assert!(live.manifest().is_ok() && !run.path().exists());
    }
}
