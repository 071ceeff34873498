//! The orders of a list of runs.

use std::cmp::Ordering;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::RunRow;
use crate::figure::{Better, FIGURES, Figure};

/// What the list of runs is ordered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sort {
    /// Live ones first, then newest first.
    #[default]
    Newest,
    /// By preset.
    Preset,
    /// By status.
    Status,
    /// Longest first.
    Took,
    /// By a figure, the best first; its key.
    Figure(&'static str),
}

impl Sort {
    /// Those of columns, in the order that a key goes through them.
    pub const COLUMNS: [Sort; 6] =
        [Sort::Newest, Sort::Preset, Sort::Figure("psnr"), Sort::Figure("match"), Sort::Took, Sort::Status];

    /// All there are: those of columns, then every other figure.
    pub fn all() -> impl Iterator<Item = Sort> {
        let figures = FIGURES.iter().map(|figure| Sort::Figure(figure.word.key));
        Sort::COLUMNS.into_iter().chain(figures.filter(|sort| !Sort::COLUMNS.contains(sort)))
    }

    /// The one of this name: a column's, or one of the names of a figure.
    pub fn of(name: &str) -> Option<Sort> {
        let is_named = |sort: &Sort| match sort.figure() {
            Some(figure) => figure.word.is(name),
            None => sort.key() == name,
        };
        Sort::all().find(is_named)
    }

    /// That of the next column.
    pub fn next(self) -> Self {
        let at = Sort::COLUMNS.iter().position(|known| *known == self);
        Sort::COLUMNS[at.map_or(0, |at| (at + 1) % Sort::COLUMNS.len())]
    }

    /// Its name in a file.
    pub fn key(self) -> &'static str {
        match self {
            Sort::Newest => "newest",
            Sort::Preset => "preset",
            Sort::Status => "status",
            Sort::Took => "took",
            Sort::Figure(key) => key,
        }
    }

    /// The figure that it goes by.
    pub fn figure(self) -> Option<&'static Figure> {
        let Sort::Figure(key) = self else { return None };
        FIGURES.iter().find(|figure| figure.word.key == key)
    }

    /// For the title.
    pub fn name(self, reversed: bool) -> String {
        let name = match (self, reversed) {
            (Sort::Newest, false) => "newest first",
            (Sort::Newest, true) => "oldest first",
            (Sort::Preset, false) => "by preset",
            (Sort::Preset, true) => "by preset, Z to A",
            (Sort::Status, false) => "by status",
            (Sort::Status, true) => "by status, done first",
            (Sort::Took, false) => "longest first",
            (Sort::Took, true) => "shortest first",
            (Sort::Figure(key), _) => {
                let name = self.figure().map_or(key, |figure| figure.word.ascii.trim_end_matches(" dB"));
                let side = if self.grows(reversed) { "smallest" } else { "highest" };
                return format!("{side} {name} first");
            }
        };
        name.to_owned()
    }

    /// Whether the values of its column grow downwards, for the arrow in its heading.
    pub fn grows(self, reversed: bool) -> bool {
        let by_itself = match self {
            Sort::Preset | Sort::Status => true,
            Sort::Newest | Sort::Took => false,
            Sort::Figure(_) => self.figure().is_some_and(|figure| figure.better == Better::Lower),
        };
        by_itself != reversed
    }

    /// How two runs stand to each other; what is not known comes last, either way.
    pub fn compare(self, a: &RunRow, b: &RunRow, reversed: bool) -> Ordering {
        let turn = |order: Ordering| if reversed { order.reverse() } else { order };
        let numbers = |a: Option<f64>, b: Option<f64>| match (a, b) {
            (Some(a), Some(b)) if self.grows(reversed) => a.total_cmp(&b),
            (Some(a), Some(b)) => b.total_cmp(&a),
            (a, b) => b.is_some().cmp(&a.is_some()),
        };
        match self {
            Sort::Newest => {
                let created = |row: &RunRow| row.config.as_ref().map(|_| row.created);
                let live = b.health.is_live().cmp(&a.health.is_live());
                live.then_with(|| numbers(created(a), created(b)))
            }
            Sort::Preset => {
                let known = a.preset.is_empty().cmp(&b.preset.is_empty());
                known.then_with(|| turn(a.preset.cmp(&b.preset)))
            }
            Sort::Status => turn(a.health.cmp(&b.health)),
            Sort::Took => numbers(a.summary.seconds, b.summary.seconds),
            Sort::Figure(key) => numbers(a.summary.figure(key), b.summary.figure(key)),
        }
    }
}

impl Serialize for Sort {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.key())
    }
}

impl<'de> Deserialize<'de> for Sort {
    /// What is not known is the order that lists have by themselves.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let key = String::deserialize(deserializer)?;
        Ok(Sort::of(&key).unwrap_or_default())
    }
}
