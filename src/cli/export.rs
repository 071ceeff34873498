//! `gialab export RUN... --to FORMAT`: runs as files for others.

use std::io::{BufWriter, IsTerminal, Write};
use std::path::{Path, PathBuf};

use gialab::config::ConfigError;
use gialab::figure::{self, FIGURES, Figure};
use gialab::run::export::{self, ExportError, Format, Look, Width};

use super::selection::Runs;
use super::{Context, DONE, complete, output, usage};

#[derive(clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    runs: Runs,
    /// What to write: tables, one document, a grid of pictures, a report, or a table or figures for a paper
    #[arg(long, value_name = "FORMAT", value_parser = Format::ALL.map(Format::name))]
    to: String,
    /// The file to write, or - for standard output, of csv the metrics, of figures the first [default: the name of the run, here]
    #[arg(long, value_name = "PATH")]
    out: Option<PathBuf>,
    #[command(flatten)]
    look: Looking,
    /// Replace files that are there already
    #[arg(long)]
    force: bool,
}

/// How figures look.
#[derive(clap::Args)]
pub struct Looking {
    /// How wide figures are, in inches: a column of two, or a page [default: 3.3]
    #[arg(long, value_name = "INCHES", allow_hyphen_values = true, value_parser = Width::ALL.map(Width::name))]
    width: Option<String>,
    /// What is drawn, by its key in gialab explain [default: psnr]
    #[arg(long, value_name = "FIGURE", add = complete::figures())]
    figure: Option<String>,
}

/// A format whose figures look like this.
fn looking(format: Format, how: &Looking) -> anyhow::Result<Format> {
    let figure = how.figure.as_deref().map(figure_named).transpose()?;
    let width = how.width();
    if width.is_none() && figure.is_none() {
        return Ok(format);
    }
    let option = if width.is_some() { "--width" } else { "--figure" };
    let look = Look { width: width.unwrap_or_default(), figure };
    let refused = || ConfigError::new(option, "is for figures; use it with --to svg or pdf, or leave it out");
    Ok(format.with(look).ok_or_else(refused)?)
}

impl Looking {
    /// The width, if one was asked for.
    pub fn width(&self) -> Option<Width> {
        Width::ALL.into_iter().find(|width| self.width.as_deref() == Some(width.name()))
    }

    /// The key, if a figure was asked for.
    pub fn figure(&self) -> Option<&str> {
        self.figure.as_deref()
    }
}

/// A figure by its key.
///
/// # Errors
/// If there is none, with the nearest.
fn figure_named(name: &str) -> Result<&'static Figure, ConfigError> {
    let known = FIGURES.iter().find(|figure| figure.word.key == name);
    known.ok_or_else(|| ConfigError::new(format!("--figure {name}"), figure::unknown(name)))
}

pub fn run(context: &Context, arguments: &Arguments) -> anyhow::Result<u8> {
    let format: Format = arguments.to.parse().map_err(anyhow::Error::msg)?;
    let runs = arguments.runs.find(context)?;
    let format = looking(format, &arguments.look)?;
    if arguments.out.as_deref() == Some(Path::new("-")) {
        let written = match format {
            _ if format.is_binary() && std::io::stdout().is_terminal() => {
                anyhow::bail!(
                    "a picture is no text for a terminal; lead standard output into a file, or use --out FILE"
                )
            }
            _ if format.is_binary() => {
                export::print(&runs, format, &mut BufWriter::new(std::io::stdout().lock()))
            }
            _ => export::print(&runs, format, &mut output::whole(format == Format::Json)),
        };
        return match written {
            Ok(()) => Ok(DONE),
            // By itself, so that a reader who left is known for one.
            Err(ExportError::Output(error)) => Err(error.into()),
            Err(error) => Err(error.into()),
        };
    }
    arguments.out.as_deref().map(usage::writable).transpose()?;
    let paths = export::write(&runs, format, arguments.out.as_deref(), arguments.force)?;
    let mut out = output::lines();
    for path in paths {
        writeln!(out, "{}", path.display())?;
    }
    Ok(DONE)
}
