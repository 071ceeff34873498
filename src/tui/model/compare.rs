//! Several runs side by side: the selected ones.

use super::{Model, RunView};
use crate::figure::{Figure, figure};
use crate::run::comparison::Side;
use crate::study::Groups;
use crate::study::groups::Row;

/// The screen that compares runs.
#[derive(Debug, Default)]
pub struct CompareView {
    /// Names of the compared runs in the order of their selection, each with the place of its colour and mark.
    pub runs: Vec<(String, usize)>,
    /// Position of the chosen run.
    pub chosen: usize,
    /// Name of the run the others are compared with; the first one if it is not there.
    pub reference: Option<String>,
    /// The stored pictures pass.
    pub playing: bool,
    /// What is shown where there is no room for everything.
    pub lower: Lower,
    /// The chart shows leakage against utility instead of curves.
    pub tradeoff: bool,
    /// By what leakage is told there.
    pub leakage: Leakage,
    /// What has all the room, if anything.
    pub alone: Option<Part>,
    /// Rows of the table that are scrolled past.
    pub skip: usize,
    /// Cells of a study in the place of runs.
    pub groups: Option<GroupsView>,
}

/// Groups of runs that are compared: cells of a study.
#[derive(Debug)]
pub struct GroupsView {
    /// The study's name.
    pub study: String,
    /// Places of its cells; the first is what the others are compared with.
    pub cells: Vec<usize>,
    /// Position of the chosen group.
    pub chosen: usize,
    /// Key of the figure that is drawn; the first one if no run has it.
    pub figure: &'static str,
    /// As read last, or why that could not be.
    pub current: Option<Result<Box<Groups>, String>>,
}

impl GroupsView {
    /// Cells that nothing is known of yet.
    pub fn new(study: String, cells: Vec<usize>) -> Self {
        GroupsView { study, cells, chosen: 0, figure: "psnr", current: None }
    }

    /// The figure that is drawn.
    pub fn row<'a>(&self, groups: &'a Groups) -> Option<&'a Row> {
        groups.rows.iter().find(|row| row.key == self.figure).or(groups.rows.first())
    }

    /// Draws the next figure.
    pub fn next_figure(&mut self) {
        let Some(Ok(groups)) = &self.current else { return };
        let at = groups.rows.iter().position(|row| row.key == self.figure).unwrap_or(0);
        if let Some(next) = groups.rows.get(at + 1).or(groups.rows.first()) {
            self.figure = next.key;
        }
    }
}

/// What tells how much leaked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Leakage {
    /// PSNR.
    #[default]
    Psnr,
    /// The share of samples that are recovered.
    Brr,
}

impl Leakage {
    /// The other one.
    pub fn next(self) -> Self {
        match self {
            Leakage::Psnr => Leakage::Brr,
            Leakage::Brr => Leakage::Psnr,
        }
    }

    /// Its figure.
    pub fn figure(self) -> &'static Figure {
        figure(match self {
            Leakage::Psnr => "psnr",
            Leakage::Brr => "brr",
        })
    }
}

/// A part of the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The curves.
    Curves,
    /// What differs.
    Table,
    /// The pictures.
    Pictures,
}

impl Part {
    /// What has all the room next; after the last one everything is shown again.
    pub fn next(alone: Option<Part>) -> Option<Part> {
        match alone {
            None => Some(Part::Curves),
            Some(Part::Curves) => Some(Part::Table),
            Some(Part::Table) => Some(Part::Pictures),
            Some(Part::Pictures) => None,
        }
    }
}

impl CompareView {
    /// Takes these runs, the reference first: columns, curves and pictures stand in this order.
    pub fn take(&mut self, runs: Vec<(String, usize)>) {
        self.runs = runs;
        if let Some(at) = self.runs.iter().position(|(id, _)| Some(id) == self.reference.as_ref()) {
            self.runs[..=at].rotate_right(1);
        }
        self.chosen = self.chosen.min(self.runs.len().saturating_sub(1));
    }

    /// Whether it has just these runs, in whatever order.
    pub fn holds(&self, runs: &[(String, usize)]) -> bool {
        self.runs.len() == runs.len() && runs.iter().all(|run| self.runs.contains(run))
    }
}

/// What the lower part of a small screen shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Lower {
    /// What differs.
    #[default]
    Table,
    /// The pictures; on the smallest screens the curves.
    Pictures,
}

impl Model {
    /// The compared runs, each with the place of its colour and mark.
    pub fn compared(&self) -> Vec<(&RunView, usize)> {
        let view = |(id, place): &(String, usize)| Some((self.view(id)?, *place));
        self.compare.runs.iter().filter_map(view).collect()
    }

    /// The compared runs, each as it is looked at.
    pub fn sides(&self) -> Vec<Side<'_>> {
        self.compared().into_iter().map(|(run, _)| run.side()).collect()
    }

    /// The compared run that is chosen.
    pub fn chosen_compared(&self) -> Option<&RunView> {
        let (id, _) = self.compare.runs.get(self.compare.chosen).or(self.compare.runs.last())?;
        self.view(id)
    }

    /// Name of the run the others are compared with.
    pub fn reference(&self) -> Option<&str> {
        let pinned = self.compare.reference.as_ref();
        let mut names = self.compare.runs.iter().map(|(id, _)| id);
        let pinned = names.find(|id| Some(*id) == pinned);
        pinned.or(self.compare.runs.first().map(|(id, _)| id)).map(String::as_str)
    }

    /// Iterations at which any of the compared runs stored a picture, in order.
    pub fn stored_together(&self) -> Vec<usize> {
        let mut all: Vec<usize> = self.compared().iter().flat_map(|(run, _)| run.stored()).collect();
        all.sort_unstable();
        all.dedup();
        all
    }
}
