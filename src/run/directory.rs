//! The directory of one run: names of its files, atomic writes, the manifest, requests from viewers.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};

use super::RunError;
use super::manifest::{self, Manifest};

/// A run on disk. Cheap to clone; opens files on each call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunDirectory {
    path: PathBuf,
}

/// What a viewer may ask of a worker, through the file `control`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Request {
    /// Go on.
    Run,
    /// Hold after the current iteration.
    Pause,
    /// Write a checkpoint and end.
    Stop,
}

impl RunDirectory {
    /// The run in `path`, which need not exist yet.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        RunDirectory { path: path.into() }
    }

    /// The directory itself.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Directory name: the run's id.
    pub fn id(&self) -> String {
        self.path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
    }

    /// `manifest.json`.
    pub fn manifest_path(&self) -> PathBuf {
        self.path.join("manifest.json")
    }

    /// `events.jsonl`.
    pub fn events_path(&self) -> PathBuf {
        self.path.join("events.jsonl")
    }

    /// `pictures/`.
    pub fn pictures_path(&self) -> PathBuf {
        self.path.join("pictures")
    }

    /// `checkpoint.safetensors`.
    pub fn checkpoint_path(&self) -> PathBuf {
        self.path.join("checkpoint.safetensors")
    }

    /// `model.safetensors`: the global model of a run that trains it.
    pub fn model_path(&self) -> PathBuf {
        self.path.join("model.safetensors")
    }

    /// `result.json`.
    pub fn result_path(&self) -> PathBuf {
        self.path.join("result.json")
    }

    /// `run.log`: the worker's stdout, stderr and tracing.
    pub fn log_path(&self) -> PathBuf {
        self.path.join("run.log")
    }

    /// `lock`: held by the worker that computes.
    pub fn lock_path(&self) -> PathBuf {
        self.path.join("lock")
    }

    fn control_path(&self) -> PathBuf {
        self.path.join("control")
    }

    /// Reads the manifest. Refuses a directory written by a newer gialab.
    pub fn manifest(&self) -> Result<Manifest, RunError> {
        #[derive(Deserialize)]
        struct Version {
            schema: u32,
        }
        let path = self.manifest_path();
        let text = fs::read_to_string(&path).map_err(|source| match source.kind() {
            std::io::ErrorKind::NotFound if !self.path.exists() => RunError::Gone { path: self.path.clone() },
            std::io::ErrorKind::NotFound => RunError::NotARun { path: self.path.clone() },
            _ => RunError::io("read", &path, source),
        })?;
        let broken = |source| RunError::Manifest { path: path.clone(), source };
        let version: Version = serde_json::from_str(&text).map_err(broken)?;
        if version.schema > manifest::SCHEMA {
            return Err(RunError::Newer {
                path: self.path.clone(),
                found: version.schema,
                known: manifest::SCHEMA,
            });
        }
        serde_json::from_str(&text).map_err(broken)
    }

    /// Seconds since the epoch at which it was created: of the manifest only that, for a search among many.
    pub fn created(&self) -> Option<f64> {
        #[derive(Deserialize)]
        struct Created {
            created: f64,
        }
        let manifest = fs::read(self.manifest_path()).ok()?;
        serde_json::from_slice::<Created>(&manifest).ok().map(|manifest| manifest.created)
    }

    /// Writes the manifest as a whole.
    pub fn write_manifest(&self, manifest: &Manifest) -> Result<(), RunError> {
        let path = self.manifest_path();
        let json = serde_json::to_vec_pretty(manifest)
            .map_err(|source| RunError::Manifest { path: path.clone(), source })?;
        write_atomically(&path, &json)
    }

    /// The status as this machine sees it now.
    pub fn health(&self) -> Result<manifest::Health, RunError> {
        let here = crate::sys::host_name();
        Ok(self.manifest()?.health(super::now(), &here, crate::sys::process_exists))
    }

    /// The outcome, once the run is complete.
    pub fn result(&self) -> Option<super::event::Finished> {
        serde_json::from_slice(&fs::read(self.result_path()).ok()?).ok()
    }

    /// The last lines of `run.log` that say something, oldest first, safe to show on a terminal.
    pub fn last_words(&self, count: usize) -> Vec<String> {
        super::log::last_lines(&self.log_path(), count)
    }

    /// What viewers ask for now; [`Request::Run`] if nobody asked or the file is unreadable.
    pub fn request(&self) -> Request {
        fs::read_to_string(self.control_path())
            .ok()
            .and_then(|text| serde_json::from_str(&text).ok())
            .unwrap_or(Request::Run)
    }

    /// Asks the worker for something. Takes effect within a fraction of a second.
    pub fn ask(&self, request: Request) -> Result<(), RunError> {
        let json = serde_json::to_vec(&request)
            .map_err(|source| RunError::Manifest { path: self.control_path(), source })?;
        write_atomically(&self.control_path(), &json)
    }
}

/// Writes a file under a temporary name in the same directory, then renames it: readers see the old
/// content or the new one, never a part.
pub fn write_atomically(path: &Path, content: &[u8]) -> Result<(), RunError> {
    let mut temporary = path.as_os_str().to_owned();
    // Two threads of one process may write the same file.
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    temporary.push(format!(".{}-{count}.tmp", std::process::id()));
    let temporary = PathBuf::from(temporary);
    let write = || -> std::io::Result<()> {
        let mut file = fs::File::create(&temporary)?;
        file.write_all(content)?;
        file.sync_data()?;
        fs::rename(&temporary, path)
    };
    write().map_err(|source| {
        // Leave no half-written file behind when the disk is full.
        let _ = fs::remove_file(&temporary);
        RunError::io("write", path, source)
    })
}
