//! The directory of one run: names of its files, atomic writes, the manifest, requests from viewers.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::listing;
use super::lock::{self, Held, Lock};
use super::manifest::{self, Health, Manifest, Worker};
use super::{Pulse, RunError, RunState, Tail};
use crate::files::{self, Access};
use crate::{sys, text};

/// The names of what a worker or a person writes, but for pictures.
const FILES: [&str; 9] = [
    "manifest.json",
    "events.jsonl",
    "checkpoint.safetensors",
    "model.safetensors",
    "result.json",
    "run.log",
    "lock",
    "control",
    "notebook.json",
];

/// A heartbeat comes every second; a live worker is seen to be one within this time, whatever its clock says.
const BEATS: Duration = Duration::from_millis(2500);

/// Bytes of a request.
const REQUEST: u64 = 1 << 10;

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

    /// Directory name, as it can be shown: the run's id.
    pub fn id(&self) -> String {
        let name = self.path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
        text::one_line(&name).into_owned()
    }

    /// What a person wrote to it.
    pub fn notebook_path(&self) -> PathBuf {
        self.path.join("notebook.json")
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

    /// `undefended.safetensors`: the same model, trained without post-processing.
    pub fn undefended_path(&self) -> PathBuf {
        self.path.join("undefended.safetensors")
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
        let text = files::read_text(&path, files::DOCUMENT).map_err(|source| match source.kind() {
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
        serde_json::from_str(&text).map(Manifest::in_lines).map_err(broken)
    }

    /// Seconds since the epoch at which it was created: of the manifest only that, for a search among many.
    pub fn created(&self) -> Option<f64> {
        #[derive(Deserialize)]
        struct Created {
            created: f64,
        }
        let manifest = files::read(&self.manifest_path(), files::DOCUMENT).ok()?;
        serde_json::from_slice::<Created>(&manifest).ok().map(|manifest| manifest.created)
    }

    /// Writes the manifest as a whole.
    pub fn write_manifest(&self, manifest: &Manifest) -> Result<(), RunError> {
        let path = self.manifest_path();
        let json = serde_json::to_vec_pretty(manifest)
            .map_err(|source| RunError::Manifest { path: path.clone(), source })?;
        write_atomically(&path, &json)
    }

    /// The status as this machine sees it now. Looks for two heartbeats where a clock alone would speak against the
    /// worker of another host.
    pub fn health(&self) -> Result<Health, RunError> {
        let manifest = self.manifest()?;
        let mut pulse = Pulse::default();
        let health = pulse.health(self, &manifest);
        if health != Health::Crashed || self.worker(&manifest) != Worker::Unknown {
            return Ok(health);
        }
        std::thread::sleep(BEATS);
        Ok(pulse.health(self, &self.manifest()?))
    }

    /// What this machine knows of the worker of this run.
    pub fn worker(&self, manifest: &Manifest) -> Worker {
        let is_here = manifest.pid != 0 && manifest.host == sys::host_name();
        match lock::look(&self.lock_path()) {
            Held::Yes => Worker::Alive,
            // Locks of another host may not be seen here.
            Held::No if is_here || manifest.pid == 0 => Worker::Gone,
            Held::Unknown if is_here && sys::is_worker(manifest.pid, &self.path) => Worker::Alive,
            Held::Unknown if is_here => Worker::Gone,
            _ => Worker::Unknown,
        }
    }

    /// Keeps workers off while the run goes away.
    ///
    /// # Errors
    /// A worker is on it, or may be, as on what a newer gialab wrote.
    pub fn leave(&self) -> Result<Option<Lock>, RunError> {
        match self.health() {
            Ok(health) if health.is_live() => return Err(RunError::busy(self)),
            // It may be live, and is not ours to judge.
            Err(error @ (RunError::Newer { .. } | RunError::Gone { .. })) => return Err(error),
            Ok(_) | Err(_) => {}
        }
        // Whatever its manifest says, no worker is on it, and none begins meanwhile.
        match Lock::take(self) {
            Err(busy @ RunError::Busy { .. }) => Err(busy),
            lock => Ok(lock.ok()),
        }
    }

    /// The process that computes this run, if it is one of this machine that is known to.
    pub fn worker_process(&self) -> Option<u32> {
        let manifest = self.manifest().ok()?;
        let is_known = manifest.host == sys::host_name() && sys::is_worker(manifest.pid, &self.path);
        is_known.then_some(manifest.pid)
    }

    /// Makes the directory ready for a worker: what an earlier gialab left open to others is closed, the directory of
    /// pictures is there, and what killed workers left half written is gone.
    ///
    /// # Errors
    /// If the directory of pictures is a symbolic link or cannot be made.
    pub fn prepare(&self) -> Result<(), RunError> {
        let pictures = self.pictures_path();
        match fs::symlink_metadata(&pictures) {
            Ok(found) if found.is_symlink() => return Err(RunError::Link { path: pictures }),
            Ok(_) => {}
            Err(_) => {
                files::create_directory(&pictures).map_err(|e| RunError::io("create", &pictures, e))?;
            }
        }
        for path in self.open_to_others() {
            // Somebody else's files are theirs to close.
            let _ = files::close(&path);
        }
        files::sweep(&self.path);
        files::sweep(&pictures);
        Ok(())
    }

    /// What group or others may look into: the directory itself, the directory of pictures, files.
    pub fn open_to_others(&self) -> Vec<PathBuf> {
        let pictures = self.pictures_path();
        let inside = fs::read_dir(&pictures).into_iter().flatten().flatten().map(|item| item.path());
        let own = [self.path.clone(), pictures].into_iter().chain(FILES.map(|name| self.path.join(name)));
        let is_open = |path: &PathBuf| fs::symlink_metadata(path).is_ok_and(|file| files::is_open(&file));
        own.chain(inside).filter(is_open).collect()
    }

    /// The outcome, once the run is complete.
    pub fn result(&self) -> Option<super::event::Finished> {
        serde_json::from_slice(&files::read(&self.result_path(), files::DOCUMENT).ok()?).ok()
    }

    /// Seconds of computing that a complete run took, training and all, if it did so without a pause and with one worker.
    pub fn took_in_one_go(&self) -> Option<f64> {
        let summary = listing::summary(&self.events_path()).ok()?;
        summary.seconds.filter(|_| summary.in_one_go)
    }

    /// What its log adds up to, and what there is to say of how that was read. Of a long log the middle is thinned.
    pub fn state(&self) -> Result<(RunState, Option<String>), RunError> {
        let mut state = RunState::default();
        let mut tail = Tail::thinning(self.events_path());
        loop {
            let batch = tail.read().map_err(|e| RunError::io("read", tail.path(), e))?;
            batch.lines.into_iter().for_each(|line| state.apply(line));
            if !batch.more {
                return Ok((state, tail.notice()));
            }
        }
    }

    /// The last lines of `run.log` that say something, oldest first, safe to show on a terminal.
    pub fn last_words(&self, count: usize) -> Vec<String> {
        super::log::last_lines(&self.log_path(), count)
    }

    /// What viewers ask for now; [`Request::Run`] if nobody asked or the file is unreadable.
    pub fn request(&self) -> Request {
        files::read_text(&self.control_path(), REQUEST)
            .ok()
            .and_then(|text| serde_json::from_str(&text).ok())
            .unwrap_or(Request::Run)
    }

    /// Asks the worker for something. Takes effect within a fraction of a second.
    pub fn ask(&self, request: Request) -> Result<(), RunError> {
        if !self.path.exists() {
            return Err(RunError::Gone { path: self.path.clone() });
        }
        let json = serde_json::to_vec(&request)
            .map_err(|source| RunError::Manifest { path: self.control_path(), source })?;
        write_atomically(&self.control_path(), &json)
    }
}

/// Writes a private file under a temporary name in the same directory, then renames it: readers see the old
/// content or the new one, never a part.
pub fn write_atomically(path: &Path, content: &[u8]) -> Result<(), RunError> {
    files::write(path, content, Access::Private).map_err(|source| RunError::io("write", path, source))
}
