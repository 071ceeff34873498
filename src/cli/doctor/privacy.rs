//! What others can look into. What gialab writes is its user's alone; an earlier gialab, or another program, may have
//! left it open.

use std::fs;
use std::path::{Path, PathBuf};

use gialab::files;
use gialab::run::{RunDirectory, Store};

use super::Problem;

/// Said of everything that [`close`] can mend.
pub const REMEDY: &str = "gialab doctor --fix closes them";

/// The directories of runs and sessions, files of sessions, and runs with anything in them that group or others may use.
pub fn open_to_others(store: &Store, state: &Path) -> Vec<PathBuf> {
    let is_open = |path: &PathBuf| fs::symlink_metadata(path).is_ok_and(|file| files::is_open(&file));
    let inside = |path: &Path| {
        let items = fs::read_dir(path).into_iter().flatten().flatten();
        let mut paths: Vec<PathBuf> = items.map(|item| item.path()).collect();
        paths.sort();
        paths
    };
    let roots = [store.path(), state].map(Path::to_path_buf).into_iter();
    let sessions = inside(state).into_iter().filter(|path| path.is_file());
    let runs = inside(store.path()).into_iter().filter(|path| !inside_run(path).is_empty());
    roots.chain(sessions).filter(is_open).chain(runs).collect()
}

/// What is open of a run; nothing if it is none.
fn inside_run(path: &Path) -> Vec<PathBuf> {
    if !path.join("manifest.json").exists() {
        return Vec::new();
    }
    RunDirectory::at(path).open_to_others()
}

/// Closes one of [`open_to_others`], a run with all its files.
pub fn close(path: &Path) -> std::io::Result<()> {
    files::close(path)?;
    inside_run(path).iter().try_for_each(|path| files::close(path))
}

/// The problem of what is open, if anything is.
pub fn problem(open: &[PathBuf]) -> Option<Problem> {
    let first = open.first()?.display();
    let what = match open.len() {
        1 => format!("others can look into {first}"),
        count => format!("others can look into {first} and {} more of yours", count - 1),
    };
    Some(super::problem(what, REMEDY))
}
