//! A study as files for others: tables for programs, a table and a plot for a paper. As [`crate::run::export`], it replaces
//! nothing silently and leaves out what a defence protects from where what it costs is not known.

mod csv;
mod json;
mod latex;
mod plot;

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::str::FromStr;

pub use json::json;

use super::definition::Asked;
use super::grid::{Place, Scale, Study};
use super::results::{Results, Shown};
use super::{Pace, StudyError};
use crate::config::ConfigError;
use crate::expectation::Experience;
use crate::figure;
use crate::paper::{Width, pdf, plot as paper, svg};
use crate::probe::Dimension;
use crate::run::cost::{self, Cost};
use crate::run::export::{ExportError, Part, publish};
use crate::threads;

/// Figures that a table for a paper has besides those of the study.
const ALSO: [&str; 2] = ["brr", "wsrr"];

/// What a study is written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// A table with a row a cell.
    Csv,
    /// One document.
    Json,
    /// A table for a paper, with expectations, verdicts and conditions in its caption.
    Latex,
    /// A plot for a paper.
    Svg,
    /// The same to be printed.
    Pdf,
}

impl Format {
    /// All formats, in the order of lists.
    pub const ALL: [Format; 5] = [Format::Csv, Format::Json, Format::Latex, Format::Svg, Format::Pdf];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Format::Csv => "csv",
            Format::Json => "json",
            Format::Latex => "latex",
            Format::Svg => "svg",
            Format::Pdf => "pdf",
        }
    }

    /// Whether it is drawn.
    pub fn is_drawn(self) -> bool {
        matches!(self, Format::Svg | Format::Pdf)
    }

    fn extension(self) -> &'static str {
        if self == Format::Latex { "tex" } else { self.name() }
    }
}

impl FromStr for Format {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let known = Format::ALL.into_iter().find(|format| format.name() == name);
        known.ok_or_else(|| format!("there is no format \"{name}\"; use csv, json, latex, svg or pdf"))
    }
}

/// Why a study cannot be exported.
#[derive(Debug, thiserror::Error)]
pub enum StudyExportError {
    /// It cannot be read.
    #[error(transparent)]
    Study(#[from] StudyError),
    /// A file cannot be written.
    #[error(transparent)]
    Files(#[from] ExportError),
    /// Nothing came of it yet.
    #[error("study {study} has no run with a result yet; gialab study run {study} computes them")]
    NoResults {
        /// Which study.
        study: String,
    },
    /// None of its runs has it.
    #[error("no run of study {study} has the figure {figure}; gialab explain {figure} says where it is from")]
    NoSuchFigure {
        /// Which study.
        study: String,
        /// Its key.
        figure: String,
    },
    /// It is there, but may not be told.
    #[error(
        "every run of study {study} with the figure {figure} has post-processing whose cost is not measured; gialab utility measures it"
    )]
    NoCost {
        /// Which study.
        study: String,
        /// Its key.
        figure: String,
    },
}

/// How a study is exported.
#[derive(Debug, Clone, Copy)]
pub struct Wish<'a> {
    /// As what.
    pub format: Format,
    /// How wide a plot is.
    pub width: Width,
    /// The axis that goes across a plot; without one that of the first expectation along an axis, else the longest.
    pub along: Option<&'a str>,
}

/// A study with what came of it.
#[derive(Debug)]
pub struct Export {
    study: Study,
    place: Place,
    results: Results,
    dimensions: Vec<Dimension>,
    /// What the post-processing of every cell costs, where it was measured.
    costs: Vec<Option<Cost>>,
}

impl Export {
    /// Reads what there is of a study. `figure` is its yardstick, the first of its own unless said otherwise.
    ///
    /// # Errors
    /// If there is no such figure, if the study cannot be read, or if no run of it has a result.
    pub fn read(
        mut study: Study,
        place: Place,
        scale: Scale,
        figure: Option<&str>,
    ) -> Result<Export, StudyExportError> {
        if let Some(name) = figure {
            if Asked::named(name).is_none() {
                let unknown = ConfigError::new(format!("--figure {name}"), figure::unknown(name));
                return Err(StudyError::Config(unknown).into());
            }
            study.definition.figures.retain(|known| known != name);
            study.definition.figures.insert(0, name.to_owned());
        }
        for name in ALSO {
            if !study.definition.figures.iter().any(|known| known == name) {
                study.definition.figures.push(name.to_owned());
            }
        }
        if !place.path().exists() {
            return Err(StudyError::NotBegun { study: study.name }.into());
        }
        let results = Results::read(&study, &place, scale)?;
        if results.count().0 == 0 {
            return Err(StudyExportError::NoResults { study: study.name });
        }
        let pace = Pace::new(&study, &Experience::default(), "flex", threads::allowed().count)?;
        let known = place.costs();
        let costs = study.cells.iter().map(|cell| known.of(&cell.config)).collect();
        Ok(Export { study, place, results, dimensions: pace.dimensions, costs })
    }

    /// Writes the file, by default that of [`default_path`], and returns its path. An older one is left alone unless
    /// it is to be replaced.
    ///
    /// # Errors
    /// [`StudyExportError`]; then nothing was written.
    pub fn write(
        &self,
        wish: Wish<'_>,
        out: Option<&Path>,
        replace: bool,
    ) -> Result<Vec<PathBuf>, StudyExportError> {
        let path = out.map_or_else(|| default_path(&self.study.name, wish.format), Path::to_path_buf);
        let content = self.content(wish)?;
        let part = Part::new("", |out| Ok(out.write_all(&content)?));
        Ok(publish(&path, &[part], replace)?)
    }

    /// Writes it into a stream.
    ///
    /// # Errors
    /// [`StudyExportError`], after which the stream may hold a part.
    pub fn print(&self, wish: Wish<'_>, out: &mut dyn Write) -> Result<(), StudyExportError> {
        let content = self.content(wish)?;
        let written = out.write_all(&content).and_then(|()| out.flush());
        Ok(written.map_err(ExportError::Output)?)
    }

    fn content(&self, wish: Wish<'_>) -> Result<Vec<u8>, StudyExportError> {
        let mut text = Vec::new();
        let told = |written: io::Result<()>| written.map_err(ExportError::Output);
        match wish.format {
            Format::Csv => told(csv::table(self, &mut text))?,
            Format::Json => {
                told(json(&mut text, &self.study, &self.place, &self.results, &self.dimensions))?;
            }
            Format::Latex => told(latex::table(self, &mut text))?,
            Format::Svg => {
                text = svg(&paper::drawing(&plot::plot(self, wish.along)?, wish.width)).into_bytes();
            }
            Format::Pdf => text = pdf(&paper::drawing(&plot::plot(self, wish.along)?, wish.width)),
        }
        Ok(text)
    }

    /// Cells with runs at this scale.
    fn cells(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.study.cells.len()).filter(|cell| !self.results.cells[*cell].runs.is_empty())
    }

    /// Whether a cell tells what a defence protects from while what that costs is not known.
    fn lacks_cost(&self, cell: usize) -> bool {
        self.costs[cell].is_none() && cost::applies(&self.study.cells[cell].config)
    }

    /// A figure of a cell as a report tells it.
    fn told(&self, cell: usize, figure: usize) -> Option<Shown> {
        let shown = self.results.cells[cell].figures[figure]?;
        let is_withheld = self.study.figures()[figure].figure.needs_truth() && self.lacks_cost(cell);
        (!is_withheld).then_some(shown)
    }

    /// What is left out, in a sentence.
    fn withheld(&self) -> Option<String> {
        let cells = self.cells().filter(|cell| self.lacks_cost(*cell)).count();
        let cells = match cells {
            0 => return None,
            1 => "one cell".to_owned(),
            several => format!("{several} cells"),
        };
        Some(format!(
            "Figures of protection of {cells} with post-processing are left out: what it costs is not measured; gialab utility measures it."
        ))
    }

    /// `80 of 100 runs so far`.
    fn so_far(&self) -> Option<String> {
        let (done, all) = self.results.count();
        (done < all).then(|| format!("{done} of {all} runs so far."))
    }

    /// The conditions that all cells share, in a sentence.
    fn conditions(&self) -> String {
        format!("Conditions of all cells: {}.", self.study.conditions().join(", "))
    }
}

/// `STUDY.svg`, in the working directory.
pub fn default_path(study: &str, format: Format) -> PathBuf {
    PathBuf::from(format!("{study}.{}", format.extension()))
}
