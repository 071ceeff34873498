//! What the screen asks of the world, and the code that does it.
//!
//! `update` returns effects and never performs one. What takes time runs on a thread of its own and reports
//! with a message.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Sender, SyncSender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use super::model::Session;
use super::msg::{Msg, Outcome, PictureKey};
use super::{PresetEntry, watch};
use crate::config::{RunConfig, preset};
use crate::run::export::{self, ExportError, Format};
use crate::run::{Request, RunDirectory, Store, directory, launch};

/// Something to do outside the model.
#[derive(Debug, PartialEq)]
pub enum Effect {
    /// Make a run and start its worker.
    Start {
        /// Preset's name.
        preset: String,
        /// Config as changed on the screen.
        config: Box<RunConfig>,
        /// Backend's name.
        backend: String,
    },
    /// Start a worker on a run that stands.
    Resume(RunDirectory),
    /// Ask the worker of a run for something.
    Ask(RunDirectory, Request),
    /// Delete a run.
    Delete(RunDirectory),
    /// Follow the logs of these runs and of no others.
    Follow(Vec<RunDirectory>),
    /// Load these pictures of followed runs.
    Decode(Vec<PictureKey>),
    /// Write a config as a preset of the user and load the presets anew.
    SavePreset {
        /// Its name.
        name: String,
        /// What it says.
        config: Box<RunConfig>,
    },
    /// Open a preset's file in an editor; a shipped one is copied first.
    EditPreset {
        /// Its name.
        name: String,
    },
    /// Copy a text.
    Copy(String),
    /// Write a report.
    Export {
        /// On these runs.
        runs: Vec<RunDirectory>,
        /// As what.
        format: Format,
        /// The file; a relative one from where the program was started.
        out: PathBuf,
        /// Whether a file that is there is replaced.
        replace: bool,
    },
    /// Find the rest of a path.
    CompletePath(String),
    /// Keep the session for the next start.
    SaveSession(Box<Session>),
    /// Announce the end of a run to a person who looks elsewhere.
    Notify(String),
    /// Draw everything anew.
    Redraw,
    /// Ask the terminal once more what it is.
    AskTerminal,
    /// Hand the terminal back and stop until continued.
    Suspend,
}

/// Performs effects.
#[derive(Debug, Clone)]
pub struct Performer {
    /// Where runs are kept.
    pub store: Store,
    /// Where the session is kept.
    pub session_file: Option<PathBuf>,
    /// Where presets of the user are kept.
    pub user_presets: PathBuf,
    /// Where messages go.
    pub inbox: SyncSender<Msg>,
    /// The thread that watches the store.
    pub watcher: Sender<watch::Command>,
    /// One write of the session at a time.
    pub saving: Arc<Mutex<()>>,
}

impl Performer {
    /// Performs one effect. Those that concern the terminal are the loop's.
    pub fn perform(&self, effect: Effect) {
        match effect {
            Effect::Start { preset, config, backend } => self.aside(move |this| {
                let begun = found(*config)
                    .and_then(|config| launch::begin(&this.store, &preset, &config, &backend).map_err(say));
                let outcome = begun.map(|directory| {
                    let _ = this.inbox.send(Msg::Created(directory));
                });
                this.report(Outcome::Launch(outcome));
            }),
            Effect::Resume(directory) => self.aside(move |this| {
                // The request that stopped the run must not stop its next worker.
                let asked = directory.ask(Request::Run);
                this.report(Outcome::Launch(asked.and_then(|()| launch::launch(&directory)).map_err(say)));
            }),
            Effect::Ask(directory, request) => {
                self.aside(move |this| this.report(Outcome::Ask(directory.ask(request).map_err(say))));
            }
            Effect::Delete(directory) => self.aside(move |this| {
                let deleted = this.store.delete(&directory).map_err(say);
                this.report(Outcome::Delete(directory.id(), deleted));
            }),
            Effect::Follow(directories) => self.watch(watch::Command::Follow(directories)),
            Effect::Decode(keys) => self.watch(watch::Command::Decode(keys)),
            Effect::SaveSession(session) => self.aside(move |this| {
                this.report(Outcome::Session(this.save(&session)));
            }),
            Effect::SavePreset { name, config } => self.aside(move |this| {
                let saved = preset::save(&config, &name, &this.user_presets).map_err(say);
                this.load_presets();
                this.report(Outcome::Saved(saved));
            }),
            Effect::Export { runs, format, out, replace } => self.aside(move |this| {
                let path = from_home(&out);
                let outcome = match export::write(&runs, format, Some(&path), replace) {
                    Err(ExportError::Exists { there, free }) => Outcome::InTheWay { out, there, free },
                    written => Outcome::Exported(written.map_err(say)),
                };
                this.report(outcome);
            }),
            Effect::CompletePath(typed) => self.aside(move |this| {
                let path = completed(&typed);
                this.report(Outcome::Completed { typed, path });
            }),
            Effect::Redraw
            | Effect::AskTerminal
            | Effect::Notify(_)
            | Effect::Suspend
            | Effect::EditPreset { .. }
            | Effect::Copy(_) => {}
        }
    }

    /// Reads all presets again.
    pub fn load_presets(&self) {
        let (presets, errors) = preset::all(&self.user_presets);
        let entries = presets.into_iter().map(PresetEntry::from).collect();
        let errors = errors.iter().map(ToString::to_string).collect();
        let _ = self.inbox.send(Msg::PresetsLoaded(entries, errors));
    }

    /// Writes the session now; for the way out.
    ///
    /// # Errors
    /// A sentence that says why it could not be written.
    pub fn save(&self, session: &Session) -> Result<(), String> {
        let Some(file) = &self.session_file else { return Ok(()) };
        let _one_at_a_time = self.saving.lock().unwrap_or_else(PoisonError::into_inner);
        let json = serde_json::to_vec_pretty(session).map_err(say)?;
        if let Some(parent) = file.parent() {
            crate::files::create_directories(parent)
                .map_err(|e| format!("cannot create {}: {e}", parent.display()))?;
        }
        directory::write_atomically(file, &json).map_err(say)
    }

    fn aside(&self, work: impl FnOnce(&Performer) + Send + 'static) {
        let this = self.clone();
        thread::spawn(move || work(&this));
    }

    fn watch(&self, command: watch::Command) {
        // A watcher that is gone has reported a panic already.
        let _ = self.watcher.send(command);
    }

    fn report(&self, outcome: Outcome) {
        let _ = self.inbox.send(Msg::Finished(outcome));
        self.watch(watch::Command::ListNow);
    }
}

/// The config with a typed path made absolute, since the worker may run elsewhere. A path that leads nowhere
/// is said before a run is made of it.
fn found(mut config: RunConfig) -> Result<RunConfig, String> {
    let data = &config.victim.data;
    if !data.contains([std::path::MAIN_SEPARATOR, '.']) {
        return Ok(config);
    }
    let path = std::path::absolute(from_home(Path::new(data))).map_err(say)?;
    if !path.exists() {
        let path = path.display();
        return Err(format!(
            "there is no {path}; press c and give the path of a photo, a folder or a data set"
        ));
    }
    config.victim.data = path.to_str().ok_or("the path is not valid UTF-8; rename the file")?.to_owned();
    Ok(config)
}

/// A typed path whose `~/` is the home directory.
fn from_home(typed: &Path) -> PathBuf {
    match (typed.strip_prefix("~"), std::env::var_os("HOME")) {
        (Ok(rest), Some(home)) => PathBuf::from(home).join(rest),
        _ => typed.to_path_buf(),
    }
}

/// A typed path with its rest, as far as the files there leave no choice.
fn completed(typed: &str) -> String {
    let at = typed.rfind('/').map_or(0, |slash| slash + 1);
    let (folder, begun) = typed.split_at(at);
    let place = if folder.is_empty() { PathBuf::from(".") } else { from_home(Path::new(folder)) };
    let items = std::fs::read_dir(place).into_iter().flatten().flatten();
    let fitting = items.filter_map(|item| {
        let name = item.file_name().into_string().ok()?;
        let is_hidden = name.starts_with('.') && !begun.starts_with('.');
        let slash = if item.path().is_dir() { "/" } else { "" };
        (name.starts_with(begun) && !is_hidden).then(|| format!("{name}{slash}"))
    });
    let shared = fitting.reduce(|shared, name| {
        let alike = shared.chars().zip(name.chars()).take_while(|(a, b)| a == b);
        alike.map(|(c, _)| c).collect()
    });
    format!("{folder}{}", shared.as_deref().unwrap_or(begun))
}

fn say(error: impl std::fmt::Display) -> String {
    error.to_string()
}
