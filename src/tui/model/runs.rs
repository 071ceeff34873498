//! The screen of runs: the list, its order and filter, and what is selected for comparing.

use serde::{Deserialize, Serialize};
use tui_input::Input;

use super::{Model, words};
pub use crate::run::{RunRow, Summary};

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
    /// Names of the runs selected for comparing, each with the place of its colour and mark.
    pub marked: Vec<(String, usize)>,
}

impl RunsView {
    /// Place of colour and mark of a selected run.
    pub fn mark_of(&self, id: &str) -> Option<usize> {
        self.marked.iter().find(|(marked, _)| marked == id).map(|(_, place)| *place)
    }

    /// Selects a run, or takes it out. The others keep their colours.
    pub fn toggle(&mut self, id: &str) {
        if self.mark_of(id).is_some() {
            self.marked.retain(|(marked, _)| marked != id);
            return;
        }
        let free = (0..).find(|place| self.marked.iter().all(|(_, taken)| taken != place));
        self.marked.push((id.to_owned(), free.unwrap_or(0)));
    }
}

impl Model {
    /// Runs that pass the filter, in the chosen order.
    pub fn visible_runs(&self) -> Vec<&RunRow> {
        let words = words(self.runs_view.filter.value());
        let fits = |row: &&RunRow| {
            words.is_empty() || {
                let about = row.config.as_ref().map_or(String::new(), |config| {
                    format!("{} {} {}", config.victim.model, config.victim.source(), config.attack.kind)
                });
                let text = format!("{} {} {} {} {about}", row.id, row.backend, row.host, row.health.name());
                let text = text.to_lowercase();
                words.iter().all(|word| text.contains(word.as_str()))
            }
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

    /// A run by its name.
    pub fn row(&self, id: &str) -> Option<&RunRow> {
        self.runs_view.rows.iter().flatten().find(|row| row.id == id)
    }

    /// Runs that a worker is on.
    pub fn live_runs(&self) -> Vec<&RunRow> {
        self.runs_view.rows.iter().flatten().filter(|row| row.health.is_live()).collect()
    }
}
