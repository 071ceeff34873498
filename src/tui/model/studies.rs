//! The screen of studies: their list, and the matrix of the one that is looked into.

use super::Model;
use crate::study::{Asked, Brief, Filled, Matrix, Shown, Snapshot};
use crate::tui::studies::Attention;

/// The screen of studies.
#[derive(Debug, Default)]
pub struct StudiesView {
    /// As listed last; `None` before the first look.
    pub rows: Option<Vec<Brief>>,
    /// Name of the chosen study.
    pub selected: String,
    /// The study that is looked into.
    pub opened: Option<StudyView>,
    /// What is read of the disk for this screen.
    pub attention: Attention,
    /// A study is being started.
    pub starting: bool,
}

/// A study that is looked into.
#[derive(Debug)]
pub struct StudyView {
    /// Its name.
    pub name: String,
    /// As it was read last, or why it cannot be.
    pub current: Option<Result<Box<Snapshot>, String>>,
    /// Place of the chosen cell.
    pub cell: usize,
    /// Places of the selected cells.
    pub marked: Vec<usize>,
    /// Place of the figure that is shown.
    pub figure: usize,
}

impl StudyView {
    /// A study that nothing is known of yet.
    pub fn new(name: String) -> StudyView {
        StudyView { name, current: None, cell: 0, marked: Vec::new(), figure: 0 }
    }

    /// As it was read last.
    pub fn snapshot(&self) -> Option<&Snapshot> {
        self.current.as_ref()?.as_ref().ok().map(|snapshot| &**snapshot)
    }

    /// Its cells as rows and columns.
    pub fn matrix(&self) -> Option<Matrix> {
        self.snapshot().map(|snapshot| Matrix::of(&snapshot.study))
    }

    /// The figure that is shown.
    pub fn asked(&self) -> Option<Asked> {
        let figures = self.snapshot()?.study.figures();
        figures.get(self.figure % figures.len().max(1)).copied()
    }

    /// What the chosen figure says of a cell.
    pub fn shown(&self, cell: usize) -> Option<Shown> {
        let figures = &self.filled(cell)?.figures;
        figures.get(self.figure % figures.len().max(1)).copied().flatten()
    }

    /// A cell with what there is of it.
    pub fn filled(&self, cell: usize) -> Option<&Filled> {
        self.snapshot()?.results.cells.get(cell)
    }
}

impl Model {
    /// The study that is looked into.
    pub fn study(&self) -> Option<&StudyView> {
        self.studies_view.opened.as_ref()
    }

    /// Whether the opened run is one of a study, which the list of runs has not.
    pub fn is_run_of_study(&self) -> bool {
        self.run().is_some_and(|run| run.directory.path().parent() != Some(&*self.runs_path))
    }

    /// The chosen study: the one that is looked into, or the line of the list.
    pub fn chosen_study(&self) -> Option<&Brief> {
        if let Some(study) = self.study() {
            return study.snapshot().map(|snapshot| &snapshot.brief);
        }
        let rows = self.studies_view.rows.as_deref().unwrap_or_default();
        rows.iter().find(|row| row.name == self.studies_view.selected).or(rows.first())
    }
}
