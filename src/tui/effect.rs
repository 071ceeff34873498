//! What the screen asks of the world, and the code that does it.
//!
//! `update` returns effects and never performs one. What takes time runs on a thread of its own and reports
//! with a message.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Sender, SyncSender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use super::model::Session;
use super::msg::{Deed, Msg, Outcome, PictureKey, Undone};
use super::preview::Question;
use super::studies::Attention;
use super::{PresetEntry, watch};
use crate::audit::shelf;
use crate::calibration::Calibration;
use crate::config::{RunConfig, preset};
use crate::run::details::Details;
use crate::run::export::{self, ExportError, Format};
use crate::run::notebook::Entry;
use crate::run::queue::Change;
use crate::run::{Notebook, Queue, Request, RunDirectory, RunError, Store, Trash, directory, launch};
use crate::study::detached;

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
    /// Start a worker on each of these runs, which stand.
    Resume(Vec<RunDirectory>),
    /// Ask the workers of these runs for something.
    Ask(Vec<RunDirectory>, Request),
    /// Move these runs to the trash.
    Delete(Vec<RunDirectory>),
    /// Bring back the runs that were deleted last.
    Undelete,
    /// Write to a run.
    Write(RunDirectory, Entry),
    /// Give these runs, which wait, another place in the queue, in this order.
    Queue(Vec<RunDirectory>, Change),
    /// Read why a run failed, its settings and its log, in full.
    ReadDetails(RunDirectory),
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
    /// Measure how fast this machine is on a backend.
    Calibrate(String),
    /// Find out what the post-processing of this config does to its update, instead of what was asked before; or nothing.
    Preview(Option<Box<RunConfig>>),
    /// Run a study, or go on with it, in a process of its own.
    RunStudy {
        /// Its name.
        study: String,
        /// The part that takes minutes alone.
        quick: bool,
    },
    /// Ask whoever runs this study to end.
    StopStudy(String),
    /// Audit a preset with changes, in a process of its own.
    Audit {
        /// Its name.
        preset: String,
        /// `key=value`.
        changes: Vec<String>,
    },
    /// Ask whoever makes the audit in this directory to end.
    StopAudit(PathBuf),
    /// Read this of the studies from now on.
    Attend(Attention),
    /// Keep what was measured.
    KeepCalibration(Calibration),
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
    /// Where it is kept how fast this machine is.
    pub cache: PathBuf,
    /// Where messages go.
    pub inbox: SyncSender<Msg>,
    /// The thread that watches the store.
    pub watcher: Sender<watch::Command>,
    /// The thread that finds out what post-processing does.
    pub previewer: Sender<Question>,
    /// The thread that reads the studies.
    pub librarian: Sender<Attention>,
    /// The directory with runs and studies.
    pub data: PathBuf,
    /// One write of the session at a time.
    pub saving: Arc<Mutex<()>>,
}

impl Performer {
    /// Performs one effect. Those that concern the terminal are the loop's.
    pub fn perform(&self, effect: Effect) {
        match effect {
            Effect::Start { preset, config, backend } => self.aside(move |this| {
                let begun = found(*config).and_then(|config| {
                    launch::begin(&this.store, &preset, &config, &backend, launch::As::default()).map_err(say)
                });
                let outcome = begun.map(|directory| {
                    let _ = this.inbox.send(Msg::Created(directory));
                });
                this.report(Outcome::Launch(outcome));
            }),
            Effect::Resume(runs) => self.each(runs, Deed::Resume, |_, run| {
                // The request that stopped the run must not stop its next worker.
                run.ask(Request::Run).and_then(|()| launch::launch(run))
            }),
            Effect::Ask(runs, request) => {
                self.each(runs, Deed::Ask(request), move |_, run| run.ask(request));
            }
            Effect::Delete(runs) => self.aside(move |this| {
                let results = match Trash::in_data_dir(&this.data).take(&runs) {
                    Ok(taken) => taken.into_iter().map(|taken| taken.map_err(undone)).collect(),
                    Err(error) => vec![Err(Undone::Because(error.to_string())); runs.len()],
                };
                let results = runs.iter().map(RunDirectory::id).zip(results).collect();
                this.report(Outcome::Done(Deed::Delete, results));
            }),
            Effect::Undelete => self.aside(move |this| {
                this.report(Outcome::Undeleted(Trash::in_data_dir(&this.data).undo().map_err(say)));
            }),
            Effect::Write(run, entry) => self.aside(move |this| {
                this.report(Outcome::Written(Notebook::enter(&run, entry).map(|_| ()).map_err(say)));
            }),
            Effect::Queue(runs, change) => self.aside(move |this| {
                let results = match Queue::in_data_dir(&this.data).change(&runs, change) {
                    Ok(outcomes) => outcomes
                        .into_iter()
                        .map(|outcome| outcome.map_err(|refused| refused.to_string()))
                        .collect(),
                    Err(error) => vec![Err(error.to_string()); runs.len()],
                };
                let results = runs.iter().map(RunDirectory::id).zip(results);
                let results = results.map(|(id, result)| (id, result.map_err(Undone::Because)));
                this.report(Outcome::Done(Deed::Queue(change), results.collect()));
            }),
            Effect::ReadDetails(run) => self.aside(move |this| {
                let details = Box::new(Details::read(&run));
                let _ = this.inbox.send(Msg::DetailsRead { run: run.id(), details });
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
            Effect::Calibrate(backend) => self.aside(move |this| {
                let _ = this.inbox.send(Msg::Calibrated(launch::calibrate(&backend).map_err(say)));
            }),
            Effect::Preview(config) => {
                // One that is gone has reported a panic already.
                let _ = self.previewer.send(config.map_or(Question::Nothing, Question::Of));
            }
            Effect::RunStudy { study, quick } => self.aside(move |this| {
                let begun = detached::start(&this.data, &study, quick).map_err(say);
                this.report(Outcome::StudyRun(study, begun));
            }),
            Effect::StopStudy(study) => self.aside(move |this| {
                let stopped = detached::stop(&this.data, &study).map_err(say);
                this.report(Outcome::StudyStopped(study, stopped));
            }),
            Effect::Audit { preset, changes } => self.aside(move |this| {
                let begun = shelf::start(&this.data, &preset, &changes).map_err(say);
                this.report(Outcome::Audited(preset, begun));
            }),
            Effect::StopAudit(place) => shelf::stop(&place),
            Effect::Attend(attention) => {
                // One that is gone has reported a panic already.
                let _ = self.librarian.send(attention);
            }
            Effect::KeepCalibration(calibration) => self.aside(move |this| {
                // Without it the machine is measured again at the next start.
                if let Err(message) = calibration.write(&this.cache) {
                    tracing::warn!("{message}");
                }
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

    /// Does something to each of these runs, and reports how it went with all of them.
    fn each(
        &self,
        runs: Vec<RunDirectory>,
        deed: Deed,
        does: impl Fn(&Performer, &RunDirectory) -> Result<(), RunError> + Send + 'static,
    ) {
        self.aside(move |this| {
            let results = runs.iter().map(|run| (run.id(), does(this, run).map_err(undone))).collect();
            this.report(Outcome::Done(deed, results));
        });
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

fn undone(error: RunError) -> Undone {
    match error {
        RunError::Gone { .. } => Undone::Gone,
        error => Undone::Because(error.to_string()),
    }
}

/// The config with a typed path made absolute, since the worker may run elsewhere. A path that leads nowhere
/// is said before a run is made of it.
pub(super) fn found(mut config: RunConfig) -> Result<RunConfig, String> {
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::run::Health;
    use crate::tui::fixture::{self, NOW};

    #[test]
    fn what_is_done_to_several_runs_is_told_of_each_and_one_that_is_gone_is_no_error() {
        let data = tempfile::tempdir().unwrap();
        let store = Store::in_data_dir(data.path());
        let (inbox, news) = std::sync::mpsc::sync_channel(8);
        let (watcher, _commands) = std::sync::mpsc::channel();
        let (previewer, _questions) = std::sync::mpsc::channel();
        let (librarian, _attention) = std::sync::mpsc::channel();
        let (session_file, user_presets) = (None, data.path().join("presets"));
        let saving = Arc::default();
        let performer = Performer {
            store: store.clone(),
            session_file,
            user_presets,
            cache: data.path().into(),
            inbox,
            watcher,
            previewer,
            librarian,
            data: data.path().into(),
            saving,
        };
        let told = |effect| {
            performer.perform(effect);
            match news.recv().unwrap() {
                Msg::Finished(Outcome::Done(deed, results)) => (deed, results),
                other => panic!("{other:?}"),
            }
        };
        let run = |preset| fixture::write_run(&store, preset, Health::Done, NOW);
        let (done, gone, live) = (run("dlg-lenet"), run("idlg-lenet"), {
            fixture::write_run(&store, "dlg-digits", Health::Running, NOW)
        });
        std::fs::remove_dir_all(gone.path()).unwrap();
        let both = vec![done.clone(), gone.clone()];
        let (deed, results) = told(Effect::Ask(both, Request::Pause));
        assert_eq!(deed, Deed::Ask(Request::Pause));
        assert_eq!(results, [(done.id(), Ok(())), (gone.id(), Err(Undone::Gone))]);
        let (_, results) = told(Effect::Delete(vec![gone.clone(), live.clone(), done.clone()]));
        assert_eq!((&results[0].1, &results[2].1), (&Err(Undone::Gone), &Ok(())));
        assert!(matches!(&results[1].1, Err(Undone::Because(reason)) if reason.contains("stop it first")));
        assert!(!done.path().exists() && live.path().exists());
    }
}
