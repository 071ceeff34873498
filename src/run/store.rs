//! All runs of a data directory: create, list, find, delete.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::automatic::Chosen;
use super::directory::RunDirectory;
use super::launch::As;
use super::lock::Lock;
use super::manifest::{self, Manifest, Status};
use super::{Listing, RunError, RunRow};
use crate::config::RunConfig;
use crate::files;
use crate::reading::Reading;
use crate::text;

/// Whoever took longer than this to begin a run was killed over it.
const KILLED: Duration = Duration::from_secs(3600);

/// The directory that holds the runs.
#[derive(Debug, Clone)]
pub struct Store {
    runs: PathBuf,
}

impl Store {
    /// The runs under `data_dir/runs`.
    pub fn in_data_dir(data_dir: &Path) -> Self {
        Store { runs: data_dir.join("runs") }
    }

    /// Where the runs are.
    pub fn path(&self) -> &Path {
        &self.runs
    }

    /// Makes a new run directory with a queued manifest, and locks it for its worker. `reading` says how its files were
    /// read, `created` is in seconds since the epoch, `how` its name and threads.
    ///
    /// # Errors
    /// [`RunError::Busy`] if somebody else, here or on another host, begins a run of the name that is asked for; else as
    /// the system says, and nothing half made stays behind.
    pub fn create(
        &self,
        preset: &str,
        config: &RunConfig,
        chosen: impl Into<Chosen>,
        reading: &Reading,
        created: f64,
        how: As<'_>,
    ) -> Result<(RunDirectory, Lock), RunError> {
        files::create_directories(&self.runs).map_err(|e| RunError::io("create", &self.runs, e))?;
        let (directory, run) = match how.name {
            Some(name) => (self.draft(name)?, name.to_owned()),
            None => self.reserve(preset, created)?,
        };
        let Chosen { backend, device, why } = chosen.into();
        let manifest = Manifest {
            schema: manifest::SCHEMA,
            run,
            preset: preset.to_owned(),
            config: config.clone(),
            weights_sha256: None,
            update_sha256: None,
            granted_sha256: Vec::new(),
            reading: reading.clone(),
            created,
            gialab: env!("CARGO_PKG_VERSION").to_owned(),
            burn: crate::BURN_VERSION.to_owned(),
            backend,
            device,
            chosen: why,
            standing: None,
            host: crate::sys::host_name(),
            pid: 0,
            status: Status::Queued,
            heartbeat: created,
            threads: how.threads,
            memory_kills: None,
            error: None,
        };
        let fill = || {
            let lock = Lock::take(&directory)?;
            directory.prepare()?;
            directory.write_manifest(&manifest)?;
            match how.name {
                Some(name) => Ok((self.publish(&directory, name)?, lock)),
                None => Ok((directory.clone(), lock)),
            }
        };
        fill().inspect_err(|_| drop(fs::remove_dir_all(directory.path())))
    }

    /// Several may begin a run of one name at once: it is made elsewhere, and is there as a whole, once.
    fn draft(&self, name: &str) -> Result<RunDirectory, RunError> {
        let drafts = self.runs.with_file_name(".beginning");
        files::create_directories(&drafts).map_err(|e| RunError::io("create", &drafts, e))?;
        for draft in fs::read_dir(&drafts).into_iter().flatten().flatten() {
            let age =
                draft.metadata().and_then(|draft| draft.modified()).ok().and_then(|at| at.elapsed().ok());
            if age.is_some_and(|age| age > KILLED) {
                let _ = fs::remove_dir_all(draft.path());
            }
        }
        let path = drafts.join(format!("{name}.{}.{}", crate::sys::host_name(), std::process::id()));
        // Of a process that had our number before.
        let _ = fs::remove_dir_all(&path);
        files::create_directory(&path).map_err(|e| RunError::io("create", &path, e))?;
        Ok(RunDirectory::at(path))
    }

    /// Gives a draft its name; its lock stays held.
    fn publish(&self, draft: &RunDirectory, name: &str) -> Result<RunDirectory, RunError> {
        let directory = RunDirectory::at(self.runs.join(name));
        match fs::rename(draft.path(), directory.path()) {
            Ok(()) => Ok(directory),
            Err(e) if matches!(e.kind(), ErrorKind::AlreadyExists | ErrorKind::DirectoryNotEmpty) => {
                Err(RunError::busy(&directory))
            }
            Err(e) => Err(RunError::io("create", directory.path(), e)),
        }
    }

    /// `20261122-125501-dlg-lenet`, with `-2`, `-3`, ... if two start in the same second.
    fn reserve(&self, preset: &str, created: f64) -> Result<(RunDirectory, String), RunError> {
        let second = jiff::Timestamp::from_second(created as i64).unwrap_or_default();
        let stamp = second.to_zoned(jiff::tz::TimeZone::system()).strftime("%Y%m%d-%H%M%S");
        let base = format!("{stamp}-{preset}");
        let mut name = base.clone();
        let mut count = 1;
        loop {
            let path = self.runs.join(&name);
            match files::create_directory(&path) {
                Ok(()) => return Ok((RunDirectory::at(path), name)),
                Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => {
                    count += 1;
                    name = format!("{base}-{count}");
                }
                Err(e) => return Err(RunError::io("create", &path, e)),
            }
        }
    }

    /// All runs: live ones first, then newest first.
    ///
    /// # Errors
    /// If the directory of runs cannot be read.
    pub fn list(&self) -> Result<Vec<RunRow>, RunError> {
        let mut listing = Listing::default();
        listing.scan(self)?;
        Ok(listing.rows())
    }

    /// Finds a run by its name, a path to it, a unique part of its name, or `last`.
    pub fn find(&self, name: &str) -> Result<RunDirectory, RunError> {
        if name.contains(std::path::MAIN_SEPARATOR) || Path::new(name).join("manifest.json").exists() {
            // With a name of its own, also for `.`.
            let path = fs::canonicalize(name).map_err(|e| RunError::io("open", Path::new(name), e))?;
            return Ok(RunDirectory::at(path));
        }
        let exact = self.runs.join(name);
        if !name.is_empty() && exact.is_dir() {
            return Ok(RunDirectory::at(exact));
        }
        let names = fs::read_dir(&self.runs).into_iter().flatten().flatten();
        let mut names: Vec<String> =
            names.map(|item| item.file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        let run = |name: &String| RunDirectory::at(self.runs.join(name));
        let fitting: Vec<&String> = match name {
            "last" => {
                let created = names.iter().filter_map(|name| Some((run(name).created()?, name)));
                created.max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, name)| name).into_iter().collect()
            }
            _ => {
                let named = names.iter().filter(|candidate| candidate.contains(name));
                named.filter(|name| run(name).manifest_path().exists()).collect()
            }
        };
        match fitting.as_slice() {
            [one] => Ok(RunDirectory::at(self.runs.join(one))),
            [] => Err(RunError::NoSuchRun { name: name.to_owned(), runs: self.runs.clone() }),
            several => Err(RunError::Ambiguous { name: name.to_owned(), count: several.len() }),
        }
    }

    /// The runs whose names are like this pattern, in which `*` stands for any characters and `?` for one; by name.
    ///
    /// # Errors
    /// If there is none.
    pub fn matching(&self, pattern: &str) -> Result<Vec<RunDirectory>, RunError> {
        let names = fs::read_dir(&self.runs).into_iter().flatten().flatten();
        let mut names: Vec<String> =
            names.map(|item| item.file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        let runs = names.iter().filter(|name| text::is_like(name, pattern)).map(|name| self.runs.join(name));
        let runs: Vec<RunDirectory> =
            runs.map(RunDirectory::at).filter(|run| run.manifest_path().exists()).collect();
        match runs.is_empty() {
            true => Err(RunError::NoSuchRun { name: pattern.to_owned(), runs: self.runs.clone() }),
            false => Ok(runs),
        }
    }

    /// Deletes a run that no worker is on.
    pub fn delete(&self, directory: &RunDirectory) -> Result<(), RunError> {
        let _lock = directory.leave()?;
        fs::remove_dir_all(directory.path()).map_err(|e| RunError::io("delete", directory.path(), e))
    }
}
