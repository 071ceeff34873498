//! Everything the screen shows, as plain data. Only `update` changes it.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::Arc;

use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use tui_input::Input;

use super::msg::PictureKey;
use super::overlay::Overlay;
use super::theme::Theme;
use super::{BackendEntry, DatasetEntry, PresetEntry};
use crate::config::RunConfig;
use crate::gfx::Raster;
use crate::run::state::{Picture, RoundState, RunState, TrialState};
use crate::run::{Health, Manifest, RunDirectory};
pub use crate::run::{RunRow, Summary};

/// The three screens.
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

/// Order of the list of runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sort {
    /// Live ones first, then newest first.
    #[default]
    Newest,
    /// By preset, then newest first.
    Preset,
    /// Highest PSNR first.
    Psnr,
    /// By status.
    Status,
}

impl Sort {
    /// The next order.
    pub fn next(self) -> Self {
        match self {
            Sort::Newest => Sort::Preset,
            Sort::Preset => Sort::Psnr,
            Sort::Psnr => Sort::Status,
            Sort::Status => Sort::Newest,
        }
    }

    /// For the title.
    pub fn name(self) -> &'static str {
        match self {
            Sort::Newest => "newest first",
            Sort::Preset => "by preset",
            Sort::Psnr => "by PSNR",
            Sort::Status => "by status",
        }
    }
}

/// What is changed of a preset before it starts; absent means as the preset says.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// Iterations of one trial.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub iterations: Option<usize>,
    /// Trials.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trials: Option<usize>,
    /// Seed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// First sample of the batch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub picture: Option<usize>,
    /// Built-in set or path.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<String>,
}

impl Settings {
    /// The preset's config with these changes.
    pub fn apply(&self, preset: &RunConfig, samples: Option<usize>) -> RunConfig {
        let mut config = preset.clone();
        config.attack.iterations = self.iterations.unwrap_or(config.attack.iterations);
        config.attack.trials = self.trials.unwrap_or(config.attack.trials);
        config.run.seed = self.seed.unwrap_or(config.run.seed);
        if let Some(data) = &self.data {
            config.victim.data = data.clone();
            // Positions of the preset mean nothing in another set.
            config.victim.indices = (0..preset.batch()).collect();
        }
        if let Some(picture) = self.picture {
            let first = config.victim.indices.first().copied().unwrap_or(0);
            for index in &mut config.victim.indices {
                let moved = (*index + picture).saturating_sub(first);
                *index = samples.filter(|count| *count > 0).map_or(moved, |count| moved % count);
            }
        }
        config
    }
}

/// The screen of presets.
#[derive(Debug, Default)]
pub struct PresetsView {
    /// Name of the chosen preset.
    pub selected: String,
    /// Filter text.
    pub filter: Input,
    /// Keys go to the filter.
    pub filtering: bool,
}

/// The screen of runs.
#[derive(Debug, Default)]
pub struct RunsView {
    /// As listed last; `None` before the first listing.
    pub rows: Option<Vec<RunRow>>,
    /// Why there is no listing.
    pub error: Option<String>,
    /// Name of the chosen run.
    pub selected: String,
    /// Filter text.
    pub filter: Input,
    /// Keys go to the filter.
    pub filtering: bool,
    /// Order.
    pub sort: Sort,
}

/// The opened run.
#[derive(Debug)]
pub struct RunView {
    /// Where it is.
    pub directory: RunDirectory,
    /// Directory name.
    pub id: String,
    /// Its manifest as read last.
    pub manifest: Option<Manifest>,
    /// Why there is no manifest.
    pub error: Option<String>,
    /// Status corrected by the heartbeat.
    pub health: Health,
    /// What its events add up to.
    pub state: RunState,
    /// What its worker said before it died, oldest line first.
    pub last_words: Vec<String>,
    /// The log is still being read from its beginning.
    pub reading: bool,
    /// Trial chosen to look at; `None` follows the run.
    pub trial: Option<(u32, usize)>,
    /// Stored picture to look at, by position; `None` follows the newest.
    pub scrub: Option<usize>,
    /// What the picture pane shows.
    pub pictures: Pictures,
    /// Asked of the worker and not seen to happen yet.
    pub asked: Option<&'static str>,
}

/// Loaded pictures of the opened run.
#[derive(Debug, Default)]
pub struct Pictures {
    /// Ground truth, current, best.
    pub slots: [Slot; 3],
    /// |current or best - truth|, amplified, with the factor.
    pub difference: Option<(Arc<Raster>, u32)>,
    /// Loaded before, for scrubbing.
    pub cache: HashMap<PictureKey, Arc<Raster>>,
    /// Being loaded.
    pub pending: Vec<PictureKey>,
}

/// One place for a picture.
#[derive(Debug, Default, Clone)]
pub struct Slot {
    /// What belongs here.
    pub wanted: Option<PictureKey>,
    /// What is shown here, perhaps still an earlier one.
    pub shown: Option<(PictureKey, Arc<Raster>)>,
    /// Why it cannot be shown.
    pub error: Option<String>,
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
    /// Where a person's own presets belong.
    pub user_presets: PathBuf,
    /// Where messages of this program go.
    pub log_file: PathBuf,
    /// Where runs are kept.
    pub runs_path: PathBuf,
    /// Colours and characters.
    pub theme: Theme,
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
    /// The opened run.
    pub run: Option<RunView>,
    /// Changes by preset name.
    pub settings: BTreeMap<String, Settings>,
    /// Chosen backend.
    pub backend: String,
    /// Logarithmic loss axis.
    pub log_axis: bool,
    /// How pictures are shown.
    pub panes: Panes,
    /// A run is being started.
    pub starting: bool,
    /// Status line.
    pub notice: Option<Notice>,
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
    /// Opened run.
    pub opened: Option<String>,
    /// Changes by preset name.
    pub settings: BTreeMap<String, Settings>,
    /// Chosen backend.
    pub backend: String,
    /// Linear loss axis.
    pub linear_axis: bool,
    /// How pictures are shown.
    pub panes: Panes,
}

impl Model {
    /// Presets that pass the filter, in groups as they first appear.
    pub fn visible_presets(&self) -> Vec<&PresetEntry> {
        let words = words(self.presets_view.filter.value());
        let mut groups: Vec<&str> = Vec::new();
        for entry in &self.presets {
            if !groups.contains(&entry.config.group.as_str()) {
                groups.push(&entry.config.group);
            }
        }
        let fits = |entry: &&PresetEntry| {
            let config = &entry.config;
            let text = [&entry.name, &config.title, &config.group, &config.victim.model, &config.attack.kind];
            let text = text.map(|part| part.to_lowercase()).join(" ");
            words.iter().all(|word| text.contains(word.as_str()))
        };
        let mut visible: Vec<&PresetEntry> = self.presets.iter().filter(fits).collect();
        visible.sort_by_key(|entry| groups.iter().position(|group| *group == entry.config.group));
        visible
    }

    /// The chosen preset, if it passes the filter.
    pub fn chosen_preset(&self) -> Option<&PresetEntry> {
        let visible = self.visible_presets();
        visible.iter().find(|entry| entry.name == self.presets_view.selected).or(visible.first()).copied()
    }

    /// Changes made to this preset.
    pub fn settings_of(&self, preset: &str) -> Settings {
        self.settings.get(preset).cloned().unwrap_or_default()
    }

    /// The config that Enter would start.
    pub fn config_of(&self, entry: &PresetEntry) -> RunConfig {
        let settings = self.settings_of(&entry.name);
        let data = settings.data.as_ref().unwrap_or(&entry.config.victim.data);
        settings.apply(&entry.config, self.dataset(data).map(|set| set.samples))
    }

    /// A built-in set by name.
    pub fn dataset(&self, name: &str) -> Option<&DatasetEntry> {
        self.datasets.iter().find(|set| set.name == name)
    }

    /// The chosen backend's entry.
    pub fn chosen_backend(&self) -> Option<&BackendEntry> {
        self.backends.iter().find(|entry| entry.name == self.backend)
    }

    /// Runs that pass the filter, in the chosen order.
    pub fn visible_runs(&self) -> Vec<&RunRow> {
        let words = words(self.runs_view.filter.value());
        let fits = |row: &&RunRow| {
            let text =
                format!("{} {} {} {}", row.id, row.backend, row.host, row.health.name()).to_lowercase();
            words.iter().all(|word| text.contains(word.as_str()))
        };
        let mut rows: Vec<&RunRow> = self.runs_view.rows.iter().flatten().filter(fits).collect();
        // The listing is live first, then newest first; stable sorts keep that within equals.
        match self.runs_view.sort {
            Sort::Newest => {}
            Sort::Preset => rows.sort_by(|a, b| a.preset.cmp(&b.preset)),
            Sort::Psnr => rows.sort_by(|a, b| {
                let key = |row: &RunRow| row.summary.psnr.unwrap_or(f64::NEG_INFINITY);
                key(b).total_cmp(&key(a))
            }),
            Sort::Status => rows.sort_by_key(|row| row.health),
        }
        rows
    }

    /// The chosen run, if it passes the filter.
    pub fn chosen_run(&self) -> Option<&RunRow> {
        let rows = self.visible_runs();
        rows.iter().find(|row| row.id == self.runs_view.selected).or(rows.first()).copied()
    }

    /// Runs that a worker is on.
    pub fn live_runs(&self) -> Vec<&RunRow> {
        self.runs_view.rows.iter().flatten().filter(|row| row.health.is_live()).collect()
    }

    /// What the next start should find again.
    pub fn session(&self) -> Session {
        Session {
            screen: self.screen,
            preset: self.presets_view.selected.clone(),
            preset_filter: self.presets_view.filter.value().to_owned(),
            run: self.runs_view.selected.clone(),
            run_filter: self.runs_view.filter.value().to_owned(),
            run_order: self.runs_view.sort,
            opened: self.run.as_ref().map(|run| run.id.clone()).or(self.reopen.clone()),
            settings: self.settings.clone(),
            backend: self.backend.clone(),
            linear_axis: !self.log_axis,
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
        self.settings = session.settings;
        if self.backends.iter().any(|entry| entry.name == session.backend && entry.unavailable.is_none()) {
            self.backend = session.backend;
        }
        self.log_axis = !session.linear_axis;
        self.panes = session.panes;
        self.reopen = session.opened;
    }
}

fn words(filter: &str) -> Vec<String> {
    filter.split_whitespace().map(str::to_lowercase).collect()
}

impl RunView {
    /// A run that nothing is known of yet.
    pub fn new(directory: RunDirectory) -> Self {
        RunView {
            id: directory.id(),
            directory,
            manifest: None,
            error: None,
            health: Health::Queued,
            state: RunState::default(),
            last_words: Vec::new(),
            reading: true,
            trial: None,
            scrub: None,
            pictures: Pictures::default(),
            asked: None,
        }
    }

    /// The round looked at.
    pub fn round(&self) -> Option<&RoundState> {
        match self.trial {
            Some((round, _)) => self.state.rounds.iter().find(|known| known.round == round),
            None => self.state.current_round(),
        }
    }

    /// The trial looked at: chosen, in progress, or picked by the matching loss.
    pub fn shown_trial(&self) -> Option<&TrialState> {
        let round = self.round()?;
        match self.trial {
            Some((_, trial)) => round.trials.iter().find(|known| known.trial == trial),
            None => round.shown_trial(),
        }
    }

    /// The stored iterate looked at.
    pub fn current_picture(&self) -> Option<&Picture> {
        let pictures = &self.shown_trial()?.pictures;
        match self.scrub {
            Some(at) => pictures.get(at).or(pictures.last()),
            None => pictures.last(),
        }
    }

    /// The best iterate of the trial looked at, or the round's reconstruction when following.
    pub fn best_picture(&self) -> Option<&Picture> {
        let reconstruction = self.round()?.reconstruction.as_ref().filter(|_| self.trial.is_none());
        reconstruction.or_else(|| self.shown_trial()?.best_pictures.last())
    }

    /// Whether the difference is that of the reconstruction rather than of the current iterate.
    pub fn judges_best(&self) -> bool {
        self.scrub.is_none() && self.round().is_some_and(|round| round.result.is_some())
    }

    /// Rounds the run attacks in all.
    pub fn rounds_planned(&self) -> usize {
        self.manifest.as_ref().map_or(1, |manifest| manifest.config.federation.attack_rounds.len())
    }
}
