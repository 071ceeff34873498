//! Everything the screen shows, as plain data. Only `update` changes it.

mod audits;
mod catalogue;
mod compare;
mod presets;
mod preview;
mod run;
mod runs;
mod studies;

pub use audits::AuditsView;
pub use catalogue::CatalogueView;
pub use compare::{CompareView, GroupsView, Lower, Part};
pub use presets::{Calibrating, Changes, PresetsView};
pub use preview::Preview;
pub use run::{Rows, RunView};
pub use runs::{RunRow, RunsView, Sort, Summary};
pub use studies::{StudiesView, StudyView};

use std::collections::BTreeMap;
use std::path::PathBuf;

use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use tui_input::Input;

use super::keymap::Keymap;
use super::overlay::Overlay;
use super::theme::Theme;
use super::{BackendEntry, DatasetEntry, MachineEntry, PresetEntry};
use crate::expectation::Experience;
use crate::gfx::caps::Shortfall;

/// The screens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Screen {
    /// What can be run.
    #[default]
    Presets,
    /// What was run.
    Runs,
    /// One run.
    Run,
    /// Several runs.
    Compare,
    /// Studies, or one of them.
    Studies,
    /// Attacks and defences as published.
    Catalogue,
    /// Audits.
    Audits,
}

impl Screen {
    /// All, in the order of the tabs.
    pub const ALL: [Screen; 7] = [
        Screen::Presets,
        Screen::Runs,
        Screen::Run,
        Screen::Compare,
        Screen::Studies,
        Screen::Catalogue,
        Screen::Audits,
    ];

    /// For tab and help.
    pub fn name(self) -> &'static str {
        match self {
            Screen::Presets => "Presets",
            Screen::Runs => "Runs",
            Screen::Run => "Run",
            Screen::Compare => "Compare",
            Screen::Studies => "Studies",
            Screen::Catalogue => "Catalogue",
            Screen::Audits => "Audits",
        }
    }
}

/// How curves are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ChartOptions {
    /// Logarithmic y axis.
    pub log: bool,
    /// A moving average in front of the single points.
    pub smooth: bool,
    /// Seconds along the x axis instead of iterations.
    pub clock: bool,
    /// Where the curves are read off, as a share of the x axis.
    #[serde(skip)]
    pub cursor: Option<f64>,
}

impl Default for ChartOptions {
    fn default() -> Self {
        ChartOptions { log: true, smooth: true, clock: false, cursor: None }
    }
}

/// How the pictures of a run are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Panes {
    /// Beside the chart.
    #[default]
    Beside,
    /// Instead of the chart, as large as they can be.
    Only,
    /// Not at all.
    Hidden,
}

impl Panes {
    /// The next way.
    pub fn next(self) -> Self {
        match self {
            Panes::Beside => Panes::Only,
            Panes::Only => Panes::Hidden,
            Panes::Hidden => Panes::Beside,
        }
    }
}

/// A sentence in the status line.
#[derive(Debug, Clone, PartialEq)]
pub struct Notice {
    /// The sentence.
    pub text: String,
    /// It is about something wrong.
    pub is_bad: bool,
    /// When it goes, in seconds since the epoch.
    pub until: f64,
}

/// The whole state of the application.
#[derive(Debug)]
pub struct Model {
    /// What can be run.
    pub presets: Vec<PresetEntry>,
    /// Where it can be computed.
    pub backends: Vec<BackendEntry>,
    /// Built-in data.
    pub datasets: Vec<DatasetEntry>,
    /// This machine.
    pub machine: MachineEntry,
    /// What is known of its speed.
    pub experience: Experience,
    /// How it stands with measuring that.
    pub calibrating: Calibrating,
    /// What the post-processing in an open form does.
    pub preview: Preview,
    /// Where a person's own presets belong.
    pub user_presets: PathBuf,
    /// Where messages of this program go.
    pub log_file: PathBuf,
    /// Where runs are kept.
    pub runs_path: PathBuf,
    /// Where the program was started.
    pub here: PathBuf,
    /// Names of the models there are.
    pub models: Vec<String>,
    /// Names of the attacks there are.
    pub attacks: Vec<String>,
    /// Colours and characters.
    pub theme: Theme,
    /// Which keys do what.
    pub keymap: Keymap,
    /// Time zone of shown times.
    pub zone: TimeZone,
    /// Seconds since the epoch.
    pub now: f64,
    /// Columns and rows of the terminal.
    pub size: (u16, u16),
    /// Shown screen.
    pub screen: Screen,
    /// Shown over it; the last gets the keys.
    pub overlays: Vec<Overlay>,
    /// Presets screen.
    pub presets_view: PresetsView,
    /// Runs screen.
    pub runs_view: RunsView,
    /// The runs that are followed: the opened one and the compared ones.
    pub views: Vec<RunView>,
    /// Name of the opened run.
    pub opened: Option<String>,
    /// The compared runs.
    pub compare: CompareView,
    /// Studies screen.
    pub studies_view: StudiesView,
    /// Catalogue screen.
    pub catalogue_view: CatalogueView,
    /// Audits screen.
    pub audits_view: AuditsView,
    /// Changes by preset name.
    pub changes: BTreeMap<String, Changes>,
    /// Chosen backend.
    pub backend: String,
    /// How curves are drawn.
    pub chart: ChartOptions,
    /// The terminal shows pictures with pixels of their own.
    pub has_pixels: bool,
    /// How it shows pictures.
    pub protocol: &'static str,
    /// Why they are not as good as they may be.
    pub shortfall: Option<Shortfall>,
    /// The terminal has said what it is.
    pub answered: bool,
    /// Pictures in half blocks even where the terminal can do more.
    pub blocks: bool,
    /// How pictures are shown.
    pub panes: Panes,
    /// A run is being started.
    pub starting: bool,
    /// Status line.
    pub notice: Option<Notice>,
    /// The terminal has the focus; `None` if it never told.
    pub focused: Option<bool>,
    /// Something visible changed.
    pub is_dirty: bool,
    /// The program is to end.
    pub is_leaving: bool,
    /// Run to open once it is listed, from the last session.
    pub reopen: Option<String>,
}

/// What is kept for the next start.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Session {
    /// Shown screen.
    pub screen: Screen,
    /// Chosen preset.
    pub preset: String,
    /// Filter of the presets.
    pub preset_filter: String,
    /// Chosen run.
    pub run: String,
    /// Filter of the runs.
    pub run_filter: String,
    /// Order of the runs.
    pub run_order: Sort,
    /// The other way round.
    pub run_order_reversed: bool,
    /// Opened run.
    pub opened: Option<String>,
    /// Chosen study.
    pub study: String,
    /// It is looked into.
    pub study_is_open: bool,
    /// Chosen backend.
    pub backend: String,
    /// How curves are drawn.
    pub chart: ChartOptions,
    /// Runs selected for comparing, with the places of their colours.
    pub marked: Vec<(String, usize)>,
    /// Pictures in half blocks.
    pub blocks: bool,
    /// How pictures are shown.
    pub panes: Panes,
}

impl Model {
    /// The opened run.
    pub fn run(&self) -> Option<&RunView> {
        self.view(self.opened.as_deref()?)
    }

    /// The opened run, to be changed.
    pub fn run_mut(&mut self) -> Option<&mut RunView> {
        let opened = self.opened.clone()?;
        self.view_mut(&opened)
    }

    /// A run that is followed, by name.
    pub fn view(&self, id: &str) -> Option<&RunView> {
        self.views.iter().find(|view| view.id == id)
    }

    /// A run that is followed, to be changed.
    pub fn view_mut(&mut self, id: &str) -> Option<&mut RunView> {
        self.views.iter_mut().find(|view| view.id == id)
    }

    /// Whether stored pictures pass on the shown screen.
    pub fn is_playing(&self) -> bool {
        match self.screen {
            Screen::Run => self.run().is_some_and(|run| run.playing),
            Screen::Compare => self.compare.playing,
            Screen::Presets | Screen::Runs | Screen::Studies | Screen::Catalogue | Screen::Audits => false,
        }
    }

    /// What the next start should find again.
    pub fn session(&self) -> Session {
        // It is opened again from its study.
        let is_of_study = self.is_run_of_study();
        Session {
            screen: if is_of_study && self.screen == Screen::Run { Screen::Studies } else { self.screen },
            preset: self.presets_view.selected.clone(),
            preset_filter: self.presets_view.filter.value().to_owned(),
            run: self.runs_view.selected.clone(),
            run_filter: self.runs_view.filter.value().to_owned(),
            run_order: self.runs_view.sort,
            run_order_reversed: self.runs_view.reversed,
            opened: self.opened.clone().filter(|_| !is_of_study).or(self.reopen.clone()),
            study: self.studies_view.selected.clone(),
            study_is_open: self.studies_view.opened.is_some(),
            backend: self.backend.clone(),
            chart: self.chart,
            marked: self.runs_view.marked.clone(),
            blocks: self.blocks,
            panes: self.panes,
        }
    }

    /// Takes up the last session as far as it still fits.
    pub fn restore(&mut self, session: Session) {
        self.screen = session.screen;
        self.presets_view.selected = session.preset;
        self.presets_view.filter = Input::new(session.preset_filter);
        self.runs_view.selected = session.run;
        self.runs_view.filter = Input::new(session.run_filter);
        self.runs_view.sort = session.run_order;
        self.runs_view.reversed = session.run_order_reversed;
        self.runs_view.marked = session.marked;
        let is_open = session.study_is_open && !session.study.is_empty();
        self.studies_view.opened = is_open.then(|| StudyView::new(session.study.clone()));
        self.studies_view.selected = session.study;
        if self.backends.iter().any(|entry| entry.name == session.backend && entry.unavailable.is_none()) {
            self.backend = session.backend;
        }
        self.chart = session.chart;
        self.blocks = session.blocks;
        self.panes = session.panes;
        self.reopen = session.opened;
    }
}

fn words(filter: &str) -> Vec<String> {
    filter.split_whitespace().map(str::to_lowercase).collect()
}
