//! The screen of runs: the list, its order and filter, and what is selected.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use tui_input::Input;

use super::Model;
use crate::config::RunConfig;
use crate::run::{Filter, InWords, in_words};
pub use crate::run::{RunRow, Sort, Summary};
use crate::tui::theme::SERIES;

/// The screen of runs.
#[derive(Debug, Default)]
pub struct RunsView {
    /// As listed last; `None` before the first listing.
    pub rows: Option<Vec<RunRow>>,
    /// Positions in `rows` of those that the filter finds, in the chosen order: made by [`Model::list_runs`].
    pub shown: Vec<usize>,
    /// What of each run is not as its preset says, with the config that this was made of.
    changed: HashMap<String, (Arc<RunConfig>, String)>,
    /// When runs that wait are likely to begin, in seconds since the epoch, by name.
    pub starts: BTreeMap<String, f64>,
    /// Why there is no listing.
    pub error: Option<String>,
    /// Name of the chosen run.
    pub selected: String,
    /// Filter text.
    pub filter: Input,
    /// What of the filter cannot be read.
    pub mistake: Option<String>,
    /// Keys go to the filter.
    pub filtering: bool,
    /// Order.
    pub sort: Sort,
    /// The other way round.
    pub reversed: bool,
    /// Names of the selected runs, each with the place of its colour and mark.
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
            self.keep_marked(|marked| marked != id);
            return;
        }
        let place = self.free_place();
        self.marked.push((id.to_owned(), place));
    }

    /// Leaves only these runs selected. One that had no colour of its own gets one that became free.
    pub fn keep_marked(&mut self, keep: impl Fn(&str) -> bool) {
        self.marked.retain(|(id, _)| keep(id));
        while let Some(at) = self.marked.iter().position(|(_, place)| *place >= SERIES) {
            let free = self.free_place();
            if free >= SERIES {
                break;
            }
            self.marked[at].1 = free;
        }
    }

    fn free_place(&self) -> usize {
        let is_free = |place: &usize| self.marked.iter().all(|(_, taken)| taken != place);
        (0..).find(is_free).unwrap_or(0)
    }

    /// Presets are others now: what differs from them has to be found anew.
    pub fn forget_changes(&mut self) {
        self.changed.clear();
    }
}

impl Model {
    /// Filters and orders the list anew: after a change of runs, presets, filter or order.
    pub fn list_runs(&mut self) {
        let (filter, mistake) = Filter::read(self.runs_view.filter.value(), &self.zone);
        self.runs_view.mistake = mistake.map(|mistake| mistake.to_string());
        let Some(rows) = self.runs_view.rows.take() else { return };
        let mut before = std::mem::take(&mut self.runs_view.changed);
        for row in &rows {
            let Some(config) = &row.config else { continue };
            let known = before.remove(&row.id).filter(|(of, _)| Arc::ptr_eq(of, config));
            let known = known.unwrap_or_else(|| {
                let preset = self.preset(&row.preset).map(|entry| &entry.config);
                (config.clone(), in_words::changed(row, preset))
            });
            self.runs_view.changed.insert(row.id.clone(), known);
        }
        let fits = |row: &RunRow| filter.is_empty() || filter.fits(row, &self.in_words(row));
        let mut shown: Vec<usize> = (0..rows.len()).filter(|at| fits(&rows[*at])).collect();
        let (sort, reversed) = (self.runs_view.sort, self.runs_view.reversed);
        // The listing is newest first; a stable sort keeps that within equals.
        shown.sort_by(|a, b| sort.compare(&rows[*a], &rows[*b], reversed));
        self.runs_view.shown = shown;
        self.runs_view.rows = Some(rows);
    }

    /// What a run's row says.
    pub fn in_words(&self, row: &RunRow) -> InWords {
        let changed = self.runs_view.changed.get(&row.id).map_or("-", |(_, changed)| changed);
        InWords::of(row, changed, self.now, &self.zone)
    }

    /// Runs that pass the filter, in the chosen order.
    pub fn visible_runs(&self) -> Vec<&RunRow> {
        let rows = self.runs_view.rows.as_deref().unwrap_or_default();
        self.runs_view.shown.iter().filter_map(|at| rows.get(*at)).collect()
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

    /// The selected runs; without any the chosen one.
    pub fn selected_runs(&self) -> Vec<&RunRow> {
        if self.runs_view.marked.is_empty() {
            return self.chosen_run().into_iter().collect();
        }
        self.runs_view.marked.iter().filter_map(|(id, _)| self.row(id)).collect()
    }

    /// Selects all that are shown; if they are already, takes them out.
    pub fn select_all(&mut self) {
        let shown: Vec<String> = self.visible_runs().iter().map(|row| row.id.clone()).collect();
        let view = &mut self.runs_view;
        let new: Vec<&String> = shown.iter().filter(|id| view.mark_of(id).is_none()).collect();
        if new.is_empty() {
            view.keep_marked(|id| !shown.iter().any(|known| known == id));
        } else {
            new.into_iter().for_each(|id| view.toggle(id));
        }
    }

    /// Runs that a worker is on.
    pub fn live_runs(&self) -> Vec<&RunRow> {
        self.runs_view.rows.iter().flatten().filter(|row| row.health.is_live()).collect()
    }
}
