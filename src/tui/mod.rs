//! The terminal application: a model, messages that change it, and a view that draws it.
//!
//! Knows no engine: it starts worker processes and reads run directories. One thread draws; others read keys,
//! signals and the disk and send messages over one bounded channel.

mod asking;
mod clipboard;
mod editor;
mod effect;
mod event_loop;
mod input;
mod keymap;
mod keys;
mod layout;
mod model;
mod msg;
pub mod notify;
mod overlay;
pub mod own_files;
pub mod preferences;
mod preview;
mod screen;
mod signals;
mod studies;
mod terminal;
mod theme;
mod update;
mod view;
mod watch;
mod widget;
pub mod wire;

/// A model on recorded runs, for tests and benches.
#[doc(hidden)]
pub mod fixture;
#[cfg(test)]
mod fixture_records;
#[cfg(test)]
pub(crate) mod fixture_studies;

use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc;
use std::thread;
use std::time::Instant;

use anyhow::Context;
use jiff::tz::TimeZone;

use crate::config::RunConfig;
use crate::config::preset::Preset;
use crate::expectation::Experience;
use crate::files;
use crate::format;
use crate::gfx::mux::Multiplexer;
use crate::gfx::probe::RawMode;
use crate::gfx::{self, ImageMode, Painter, Wishes};
use crate::run::{self, Store};
use crate::study::Means;

use asking::Asking;
use effect::Performer;
use event_loop::{Pace, Surroundings};
use model::{
    AuditsView, Calibrating, CatalogueView, ChartOptions, CompareView, Model, Panes, PresetsView, Preview,
    RunsView, Screen, Session, StudiesView,
};
use msg::Msg;

/// What the application is started with.
#[derive(Debug)]
pub struct Setup {
    /// Where runs are kept.
    pub store: Store,
    /// The directory with runs and studies.
    pub data: PathBuf,
    /// What can be run.
    pub presets: Vec<PresetEntry>,
    /// Where it can be computed.
    pub backends: Vec<BackendEntry>,
    /// Built-in data.
    pub datasets: Vec<DatasetEntry>,
    /// Where the screen of the last time is kept.
    pub session_file: Option<PathBuf>,
    /// Where stderr goes while the screen is shown.
    pub log_file: PathBuf,
    /// Show nothing beyond ASCII, whatever the locale says.
    pub ascii: bool,
    /// How pictures are shown; chosen by the terminal if this says nothing.
    pub images: Option<ImageMode>,
    /// Set tmux's `allow-passthrough` for this pane.
    pub tmux_passthrough: bool,
    /// Where a person's own presets belong.
    pub user_presets: PathBuf,
    /// Where the program was started.
    pub here: PathBuf,
    /// Names of the models there are.
    pub models: Vec<String>,
    /// Names of the attacks there are.
    pub attacks: Vec<String>,
    /// Where keymap and themes of the person are.
    pub config: PathBuf,
    /// The theme, as in the preferences.
    pub theme: String,
    /// Clicks and the wheel reach the program.
    pub mouse: bool,
    /// How the end of a run is announced.
    pub notify: notify::Wish,
    /// Mistakes in files of the person, said at the start.
    pub mistakes: Vec<String>,
    /// This machine.
    pub machine: MachineEntry,
    /// Where it is kept how fast this machine is.
    pub cache: PathBuf,
}

/// The machine that runs are started on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MachineEntry {
    /// Its name.
    pub host: String,
    /// Threads that computations use.
    pub threads: usize,
}

/// A preset that can be run.
#[derive(Debug, Clone)]
pub struct PresetEntry {
    /// Its name.
    pub name: String,
    /// Fully resolved.
    pub config: RunConfig,
}

impl From<Preset> for PresetEntry {
    fn from(preset: Preset) -> Self {
        PresetEntry { name: preset.name, config: preset.config }
    }
}

/// A backend, there or not.
#[derive(Debug, Clone)]
pub struct BackendEntry {
    /// `auto`, `flex`, `ndarray`, `cuda`.
    pub name: String,
    /// Why it cannot be used; `None` if it can.
    pub unavailable: Option<String>,
}

/// A built-in data set.
#[derive(Debug, Clone)]
pub struct DatasetEntry {
    /// Its name, as in `victim.data`.
    pub name: String,
    /// How many samples it has.
    pub samples: usize,
    /// What they show, by position; may be shorter or empty.
    pub sample_names: Vec<String>,
}

/// Messages that may wait: readers of the disk hold still beyond that.
const INBOX: usize = 32;

/// Columns and rows that a terminal has at most; -1 in 16 bits is more.
const MOST_CELLS: u16 = 8192;

/// Runs the application until the person leaves.
///
/// # Errors
/// If stdin or stdout is no terminal, if the terminal cannot be used, or if a part of the program panicked.
pub fn start(setup: Setup) -> anyhow::Result<()> {
    anyhow::ensure!(
        gfx::is_terminal(),
        "the terminal application needs a terminal; `gialab run PRESET` works in a pipe"
    );
    if let Ok((columns, rows)) = crossterm::terminal::size() {
        anyhow::ensure!(
            (1..=MOST_CELLS).contains(&columns) && (1..=MOST_CELLS).contains(&rows),
            "the terminal says that it is {columns}x{rows}; tell it its size with `stty cols 80 rows 24`"
        );
    }
    let (inbox, messages) = mpsc::sync_channel(INBOX);
    let (watcher, commands) = mpsc::channel();
    let (previewer, questions) = mpsc::channel();
    let (librarian, attention) = mpsc::channel();
    let performer = Performer {
        store: setup.store.clone(),
        session_file: setup.session_file.clone(),
        user_presets: setup.user_presets.clone(),
        cache: setup.cache.clone(),
        inbox: inbox.clone(),
        watcher,
        previewer: previewer.clone(),
        librarian,
        data: setup.data.clone(),
        saving: Arc::default(),
    };
    signals::spawn(inbox.clone()).context("cannot take signals")?;
    let library = library(&setup);
    let raw_mode = RawMode::enter().context("the terminal refuses raw mode")?;
    let wishes = Wishes {
        images: setup.images.unwrap_or_default(),
        tmux_passthrough: setup.tmux_passthrough,
        ascii: setup.ascii,
    };
    let (capabilities, listener) = gfx::look(wishes);
    let listener = listener.filter(|listener| !listener.is_answered());
    let mut setup = setup;
    let wish = theme::Wish { name: setup.theme.clone(), folder: setup.config.join("themes") };
    let (theme, mistake) = wish.on(&capabilities);
    setup.mistakes.extend(mistake);
    let mouse = setup.mouse;
    let notify = notify::choose(setup.notify, capabilities.brand, &capabilities.multiplexer);
    let mut model = new_model(setup, theme, TimeZone::system(), run::now());
    let asking = Asking::new(wishes, wish, capabilities.clone(), listener.is_none());
    for effect in update::update(&mut model, Msg::Shows(Box::new(asking.shows()))) {
        performer.perform(effect);
    }
    if let Some(remedy) = &capabilities.remedy {
        let text = format!("{}; {remedy}", capabilities.why);
        model.notice.get_or_insert(model::Notice { text, is_bad: false, until: model.now + 10.0 });
    }
    let painter = Painter::new(&capabilities, std::process::id());
    let mut screen = terminal::Screen::take(&model.log_file, painter, mouse)?;
    raw_mode.keep();
    let shown = Instant::now();
    model.size = screen.size()?;
    let store = performer.store.clone();
    let news = inbox.clone();
    let Means { experience, .. } = library.means.clone();
    let starts = watch::Starts::new(library.presets.clone(), experience, library.host.clone());
    thread::spawn(move || watch::watch(&store, starts, &commands, &news));
    let news = inbox.clone();
    thread::spawn(move || studies::read(library, &attention, &news));
    let news = inbox.clone();
    let previews = thread::spawn(move || preview::answer(&questions, &news));
    let reader = input::spawn(inbox, listener);
    let pace = Pace::new(capabilities.over_ssh);
    let in_tmux = matches!(capabilities.multiplexer, Multiplexer::Tmux(_));
    let surroundings = Surroundings { performer: &performer, reader: &reader, pace, in_tmux, notify };
    let end = event_loop::run(&mut model, &mut screen, &messages, &surroundings, asking);
    // Its process ends with the screen; an answer finds nobody any more.
    drop(messages);
    let _ = previewer.send(preview::Question::End);
    let _ = previews.join();
    let (frames, pictures) = screen.bytes_written();
    drop(screen);
    if let Some(state) = model.log_file.parent() {
        let protocol = capabilities.protocol.name().to_owned();
        let seconds = shown.elapsed().as_secs_f64();
        // Only for curiosity's sake: no reason to complain on the way out.
        let _ = wire::Figures { frames, pictures, seconds, protocol }.write(state);
    }
    let saved = performer.save(&model.session());
    end?;
    let mut out = std::io::stdout();
    for line in [farewell(&model), farewell_to_study(&model)].into_iter().flatten() {
        let _ = writeln!(out, "{line}");
    }
    if let Err(message) = saved {
        let _ = writeln!(out, "{message}");
    }
    Ok(())
}

/// Which runs go on without this viewer.
fn farewell(model: &Model) -> Option<String> {
    // A run that was just started may be followed and not yet listed.
    let followed = model.views.iter().filter(|view| view.health.is_live()).map(|view| view.id.as_str());
    let listed = model.live_runs().into_iter().map(|row| row.id.as_str());
    let names: Vec<&str> = listed.chain(followed).collect::<BTreeSet<_>>().into_iter().collect();
    match names.as_slice() {
        [] => None,
        [one] => Some(format!("1 run goes on: {one}; gialab shows it again")),
        many => Some(format!("{} runs go on: {}; gialab shows them again", many.len(), many.join(", "))),
    }
}

/// The study that goes on without this viewer, as far as was seen.
fn farewell_to_study(model: &Model) -> Option<String> {
    let study = match model.study() {
        Some(_) => model.chosen_study().filter(|brief| brief.is_live()),
        None => model.studies_view.rows.iter().flatten().find(|brief| brief.is_live()),
    };
    study.map(|brief| format!("study {} goes on; gialab shows it again", brief.name))
}

fn new_model(setup: Setup, theme: theme::Theme, zone: TimeZone, now: f64) -> Model {
    let mut mistakes = setup.mistakes;
    let keymap = keymap::Keymap::load(&setup.config.join("keymap.toml")).unwrap_or_else(|error| {
        mistakes.push(format!("{error}; the keys are as shipped"));
        keymap::Keymap::default()
    });
    let usable = setup.backends.iter().find(|entry| entry.unavailable.is_none());
    let experience = Experience::kept(&setup.cache, setup.backends.iter().map(|entry| entry.name.as_str()));
    let mut model = Model {
        backend: usable.map(|entry| entry.name.clone()).unwrap_or_default(),
        presets: setup.presets,
        backends: setup.backends,
        datasets: setup.datasets,
        machine: setup.machine,
        experience,
        calibrating: Calibrating::default(),
        preview: Preview::default(),
        user_presets: setup.user_presets,
        log_file: setup.log_file,
        runs_path: setup.store.path().to_path_buf(),
        here: setup.here,
        models: setup.models,
        attacks: setup.attacks,
        theme,
        keymap,
        zone,
        now,
        size: (80, 24),
        screen: Screen::Presets,
        overlays: Vec::new(),
        presets_view: PresetsView::default(),
        runs_view: RunsView::default(),
        views: Vec::new(),
        opened: None,
        compare: CompareView::default(),
        studies_view: StudiesView::default(),
        catalogue_view: CatalogueView::default(),
        audits_view: AuditsView::default(),
        changes: std::collections::BTreeMap::new(),
        chart: ChartOptions::default(),
        has_pixels: false,
        protocol: "",
        shortfall: None,
        answered: true,
        blocks: false,
        panes: Panes::default(),
        starting: false,
        notice: None,
        focused: None,
        is_dirty: true,
        is_leaving: false,
        reopen: None,
    };
    match setup.session_file.as_deref().map(read_session) {
        Some(Ok(Some(session))) => model.restore(session),
        Some(Err(message)) => {
            model.notice = Some(model::Notice { text: message, is_bad: true, until: now + 10.0 });
        }
        Some(Ok(None)) | None => {}
    }
    if !mistakes.is_empty() {
        model.overlays.push(overlay::Overlay::Error { message: mistakes.join("\n") });
    }
    if let Some(name) = model.chosen_preset().map(|entry| entry.name.clone()) {
        model.presets_view.selected = name;
    }
    model
}

/// What is needed to read the studies.
fn library(setup: &Setup) -> studies::Library {
    let is_there =
        |name: &str| setup.backends.iter().any(|entry| entry.name == name && entry.unavailable.is_none());
    // What `gialab study run` computes on, unless it is told otherwise.
    let backend = if is_there("cuda") { "cuda" } else { "flex" };
    let experience = Experience::kept(&setup.cache, [backend]);
    studies::Library {
        data: setup.data.clone(),
        presets: setup.user_presets.clone(),
        means: Means { experience, backend: backend.to_owned(), threads: setup.machine.threads },
        host: setup.machine.host.clone(),
    }
}

/// The last session; none if there was none.
fn read_session(file: &Path) -> Result<Option<Session>, String> {
    let text = match files::read_text(file, files::DOCUMENT) {
        Ok(text) => text,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(format!("the last session cannot be read: {e}")),
    };
    serde_json::from_str(&text)
        .map(Some)
        .map_err(|_| format!("the last session is damaged and was ignored: {}", file.display()))
}

#[cfg(test)]
mod snapshot_audits_tests;
#[cfg(test)]
mod snapshot_catalogue_tests;
#[cfg(test)]
mod snapshot_records_tests;
#[cfg(test)]
mod snapshot_studies_tests;
#[cfg(test)]
mod snapshot_tests;
