//! Runs as files for others: tables, one JSON document, a grid of pictures, a report to read and print, a table and figures for a paper.
//!
//! Reads run directories alone and changes nothing in them; a run may still be computed meanwhile. Files are written
//! under a temporary name and renamed once they are complete.

mod csv;
mod draft;
mod entry;
mod figures;
mod html;
mod json;
mod latex;
mod picture;
mod png;
mod record;
mod records;
mod reproduce;
mod strips;

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::str::FromStr;

pub use html::{SHEET, recovered};
pub use reproduce::{command, quoted};

use super::{RunDirectory, RunError};
use crate::figure::Figure;
pub use crate::paper::Width;
use crate::paper::{Drawing, pdf, svg};
use draft::Draft;
use record::Record;

/// What runs are written as.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Format {
    /// Tables: metrics, a row a run and round; curves, a row an iteration; records of tables, a row a field.
    Csv,
    /// One document with everything but the pixels.
    Json,
    /// One picture: truth, reconstruction and difference of every run, enlarged and labelled.
    Png,
    /// One self-contained page to read, print and pass on.
    Html,
    /// A table for a paper, with the conditions in its caption.
    Latex,
    /// Vector figures for a paper, to be edited or shown in a browser.
    Svg(Look),
    /// The same to be printed, a page each.
    Pdf(Look),
}

/// What figures show, and how.
#[derive(Debug, Clone, Copy, Default)]
pub struct Look {
    /// How wide they are.
    pub width: Width,
    /// What is shown by round and against utility: PSNR where nothing is said. Whoever says it gets no other figures.
    pub figure: Option<&'static Figure>,
}

impl PartialEq for Look {
    fn eq(&self, other: &Look) -> bool {
        let key = |look: &Look| look.figure.map(|figure| figure.word.key);
        (self.width, key(self)) == (other.width, key(other))
    }
}

impl Format {
    /// All formats, in the order of lists.
    pub const ALL: [Format; 7] = [
        Format::Csv,
        Format::Json,
        Format::Png,
        Format::Html,
        Format::Latex,
        Format::Svg(Look { width: Width::Column, figure: None }),
        Format::Pdf(Look { width: Width::Column, figure: None }),
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Format::Csv => "csv",
            Format::Json => "json",
            Format::Png => "png",
            Format::Html => "html",
            Format::Latex => "latex",
            Format::Svg(_) => "svg",
            Format::Pdf(_) => "pdf",
        }
    }

    /// The same with figures that look like this; nothing for what has no figures.
    #[must_use]
    pub fn with(self, look: Look) -> Option<Format> {
        match self {
            Format::Svg(_) => Some(Format::Svg(look)),
            Format::Pdf(_) => Some(Format::Pdf(look)),
            _ => None,
        }
    }

    /// Whether its files are no text.
    pub fn is_binary(self) -> bool {
        matches!(self, Format::Png | Format::Pdf(_))
    }

    /// The extension of its files.
    fn extension(self) -> &'static str {
        match self {
            Format::Latex => "tex",
            other => other.name(),
        }
    }
}

impl FromStr for Format {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let known = Format::ALL.into_iter().find(|format| format.name() == name);
        known.ok_or_else(|| {
            format!("there is no format \"{name}\"; use csv, json, png, html, latex, svg or pdf")
        })
    }
}

/// Why runs cannot be exported.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// No run was named.
    #[error("there is no run to export")]
    NoRuns,
    /// A run cannot be read.
    #[error(transparent)]
    Run(#[from] RunError),
    /// Its worker wrote nothing yet, or its log is lost.
    #[error(
        "run {run} has no events yet, so there is nothing to export; its events.jsonl is missing or empty"
    )]
    NoEvents {
        /// Directory name.
        run: String,
    },
    /// Nothing to see yet.
    #[error(
        "run {run} has no picture of both truth and reconstruction yet; its figures can be exported with csv or json"
    )]
    NoPictures {
        /// Directory name.
        run: String,
    },
    /// Its samples are no pictures.
    #[error(
        "run {run} attacks rows of a table, which are no pictures; csv, json and html hold them field by field"
    )]
    Rows {
        /// Directory name.
        run: String,
    },
    /// Nothing to draw yet.
    #[error(
        "there is nothing to draw of these runs: no picture is there, and no matching loss above zero was recorded; use csv, json or html"
    )]
    NoFigures,
    /// None of the runs has it.
    #[error("none of these runs has the figure {figure}; gialab explain {figure} says where it is from")]
    NoSuchFigure {
        /// Its key.
        figure: &'static str,
    },
    /// It is there, but once a run.
    #[error(
        "{figure} of one round is a number and no figure: it is drawn by round, or where the cost of post-processing was measured; csv and latex have the number"
    )]
    OneValue {
        /// Its key.
        figure: &'static str,
    },
    /// A picture of the run is missing or damaged.
    #[error("picture {} cannot be used: {reason}; the figures can be exported with csv or json", path.display())]
    Picture {
        /// Which file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// A file is there already.
    #[error("{} already; choose another place with --out, as {}, or replace it with --force", exists(there), free.display())]
    Exists {
        /// What is there.
        there: Vec<PathBuf>,
        /// A path like it where nothing is.
        free: PathBuf,
    },
    /// A file cannot stand where it should.
    #[error("cannot write {}: {reason}", path.display())]
    Target {
        /// Where to.
        path: PathBuf,
        /// Why, and what to do.
        reason: String,
    },
    /// A file cannot be written to its end.
    #[error("cannot write {}: {reason}; nothing was exported, choose another place with --out", path.display())]
    Write {
        /// Where to.
        path: PathBuf,
        /// The system's reason.
        reason: io::Error,
    },
    /// What is written to, a pipe or a file in the making, takes no more.
    #[error("cannot write: {0}")]
    Output(#[from] io::Error),
}

/// Writes `runs` into files and returns their paths. A run that is named twice is written once.
///
/// `out` is the file; without it that of [`default_path`]. CSV makes a second file beside it, with `-curves` in its
/// name, and where rows of a table were attacked a third one with `-records`; of figures the first that there is has the
/// plain name, further ones have `-rounds`, `-tradeoff` or `-pictures` in it. An older file is left alone unless it is
/// to be replaced.
///
/// # Errors
/// [`ExportError`]; then no file was written and older ones stand as they were.
pub fn write(
    runs: &[RunDirectory],
    format: Format,
    out: Option<&Path>,
    replace: bool,
) -> Result<Vec<PathBuf>, ExportError> {
    let path = out.map_or_else(|| default_path(runs, format), Path::to_path_buf);
    let certain = certain(format);
    let mut drafts =
        files(&path, certain).iter().map(|path| Draft::create(path)).collect::<Result<Vec<_>, _>>()?;
    let spare = |suffixes: &[&str]| if replace { Ok(()) } else { nothing_at(&path, suffixes) };
    // At once, since a long report takes its time.
    spare(certain)?;
    let records = record::read(runs)?;
    let parts = parts(&records, format)?;
    let suffixes: Vec<&str> = parts.iter().map(|part| part.suffix).collect();
    for path in files(&path, &suffixes).iter().skip(certain.len()) {
        drafts.push(Draft::create(path)?);
    }
    complete(&mut drafts, &parts)?;
    spare(&suffixes)?;
    drafts.into_iter().map(Draft::publish).collect()
}

/// Writes each part into its draft.
fn complete(drafts: &mut [Draft], parts: &[Part<'_>]) -> Result<(), ExportError> {
    for (draft, part) in drafts.iter_mut().zip(parts) {
        let written = (part.write)(draft);
        written.and_then(|()| Ok(draft.complete()?)).map_err(|error| match error {
            ExportError::Output(reason) => ExportError::Write { path: draft.path().to_path_buf(), reason },
            other => other,
        })?;
    }
    Ok(())
}

/// One file of an export.
pub(crate) struct Part<'a> {
    /// What is added to its name.
    pub suffix: &'static str,
    /// Writes what goes into it.
    pub write: Box<Writes<'a>>,
}

/// Writes into a file.
type Writes<'a> = dyn Fn(&mut dyn Write) -> Result<(), ExportError> + 'a;

impl<'a> Part<'a> {
    /// A file with this added to its name.
    pub fn new(
        suffix: &'static str,
        write: impl Fn(&mut dyn Write) -> Result<(), ExportError> + 'a,
    ) -> Part<'a> {
        Part { suffix, write: Box::new(write) }
    }
}

/// Writes parts into files, all or none, and returns their paths. The first has this path.
pub(crate) fn publish(path: &Path, parts: &[Part<'_>], replace: bool) -> Result<Vec<PathBuf>, ExportError> {
    let suffixes: Vec<&str> = parts.iter().map(|part| part.suffix).collect();
    let paths = files(path, &suffixes);
    let mut drafts = paths.iter().map(|path| Draft::create(path)).collect::<Result<Vec<_>, _>>()?;
    if !replace {
        nothing_at(path, &suffixes)?;
    }
    complete(&mut drafts, parts)?;
    if !replace {
        nothing_at(path, &suffixes)?;
    }
    drafts.into_iter().map(Draft::publish).collect()
}

/// What is added to the names of those files that every export of a format has.
fn certain(format: Format) -> &'static [&'static str] {
    match format {
        Format::Csv => &["", "-curves"],
        _ => &[""],
    }
}

/// The files of an export of these runs.
fn parts(records: &[Record], format: Format) -> Result<Vec<Part<'_>>, ExportError> {
    let one = |write: fn(&[Record], &mut dyn Write) -> io::Result<()>| {
        Part::new("", move |out| Ok(write(records, out)?))
    };
    let has_records = || records.iter().any(|record| !records::of(record).is_empty());
    Ok(match format {
        Format::Csv => {
            let mut parts =
                vec![one(csv::metrics), Part::new("-curves", move |out| csv::curves(records, out))];
            if has_records() {
                parts.push(Part::new("-records", move |out| Ok(csv::records(records, out)?)));
            }
            parts
        }
        Format::Json => vec![one(json::document)],
        Format::Png => vec![Part::new("", move |out| png::grid(records, out))],
        Format::Html => vec![Part::new("", move |out| html::page(records, out))],
        Format::Latex => vec![one(latex::table)],
        Format::Svg(look) => drawn(figures::figures(records, look)?, |of| svg(of).into_bytes()),
        Format::Pdf(look) => drawn(figures::figures(records, look)?, pdf),
    })
}

fn drawn<'a>(figures: Vec<(&'static str, Drawing)>, write: fn(&Drawing) -> Vec<u8>) -> Vec<Part<'a>> {
    let part = |(suffix, drawing)| {
        Part::new(suffix, move |out: &mut dyn Write| Ok(out.write_all(&write(&drawing))?))
    };
    figures.into_iter().map(part).collect()
}

fn files(path: &Path, suffixes: &[&str]) -> Vec<PathBuf> {
    suffixes.iter().map(|suffix| with_suffix(path, suffix)).collect()
}

/// Whether none of the files of an export is there.
fn nothing_at(path: &Path, suffixes: &[&str]) -> Result<(), ExportError> {
    let there = |path: &Path| {
        let files = files(path, suffixes);
        files.into_iter().filter(|file| std::fs::symlink_metadata(file).is_ok()).collect::<Vec<_>>()
    };
    match there(path) {
        none if none.is_empty() => Ok(()),
        some => {
            let numbered = (2..10_000).map(|number| numbered(path, number));
            let free = numbered.into_iter().find(|path| there(path).is_empty());
            Err(ExportError::Exists { there: some, free: free.unwrap_or_else(|| path.to_path_buf()) })
        }
    }
}

/// `x.csv exists`, `x.csv and x-curves.csv exist`.
fn exists(there: &[PathBuf]) -> String {
    let names: Vec<String> = there.iter().map(|path| path.display().to_string()).collect();
    format!("{} {}", names.join(" and "), if names.len() == 1 { "exists" } else { "exist" })
}

/// PSNR of runs by attacked round as a drawing to be put into a page, under these names; nothing where no run has several.
///
/// # Errors
/// If a run cannot be read.
pub fn by_round(runs: &[RunDirectory], names: &[String]) -> Result<Option<String>, ExportError> {
    let records = record::read(runs)?;
    Ok(figures::by_round(&records, names, Width::Page).as_ref().map(svg))
}

/// Writes `runs` into one stream; of CSV the metrics alone, of figures the first.
///
/// # Errors
/// [`ExportError`], after which the stream may hold a part.
pub fn print(runs: &[RunDirectory], format: Format, out: &mut dyn Write) -> Result<(), ExportError> {
    let records = record::read(runs)?;
    if let Some(part) = parts(&records, format)?.first() {
        (part.write)(out)?;
    }
    Ok(out.flush()?)
}

/// `RUN.html`, or `RUN-and-2-more.html`, in the working directory.
pub fn default_path(runs: &[RunDirectory], format: Format) -> PathBuf {
    let first = runs.first().map(RunDirectory::id).unwrap_or_default();
    let more = match runs.iter().map(RunDirectory::id).collect::<BTreeSet<_>>().len() {
        0 | 1 => String::new(),
        count => format!("-and-{}-more", count - 1),
    };
    PathBuf::from(format!("{first}{more}.{}", format.extension()))
}

/// `x.csv` to `x-2.csv`.
fn numbered(path: &Path, number: usize) -> PathBuf {
    with_suffix(path, &format!("-{number}"))
}

/// `x.csv` to `x-curves.csv`.
fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.file_stem().unwrap_or_default().to_owned();
    name.push(suffix);
    if let Some(extension) = path.extension() {
        name.push(".");
        name.push(extension);
    }
    path.with_file_name(name)
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_of_paper;
#[cfg(test)]
mod tests_of_records;
