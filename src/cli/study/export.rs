//! `gialab study export NAME --to FORMAT`: a study as files for others.

use std::io::{BufWriter, IsTerminal, Write};
use std::path::{Path, PathBuf};

use gialab::config::ConfigError;
use gialab::run::export::ExportError;
use gialab::study::export::{Export, Format, StudyExportError, Wish};

use super::super::export::Looking;
use super::super::{Context, DONE, complete, output, usage};
use super::{Size, find};

#[derive(clap::Args)]
pub struct Arguments {
    /// Name of a study, or its file
    #[arg(value_name = "STUDY", add = complete::studies())]
    study: String,
    /// What to write: tables for programs, a table or a plot for a paper
    #[arg(long, value_name = "FORMAT", value_parser = Format::ALL.map(Format::name))]
    to: String,
    #[command(flatten)]
    size: Size,
    /// Its name here, if it was begun with --as
    #[arg(long = "as", value_name = "NAME", add = complete::begun())]
    called: Option<String>,
    /// The file to write, or - for standard output [default: the name of the study, here]
    #[arg(long, value_name = "PATH")]
    out: Option<PathBuf>,
    #[command(flatten)]
    look: Looking,
    /// The axis that goes across a plot [default: that of the first expectation along one, else the longest]
    #[arg(long, value_name = "AXIS", add = complete::axes())]
    along: Option<String>,
    /// Replace a file that is there already
    #[arg(long)]
    force: bool,
}

pub fn run(context: &Context, arguments: &Arguments) -> anyhow::Result<u8> {
    let format: Format = arguments.to.parse().map_err(anyhow::Error::msg)?;
    for (option, is_given) in
        [("--width", arguments.look.width().is_some()), ("--along", arguments.along.is_some())]
    {
        if is_given && !format.is_drawn() {
            let message = "is for plots; use it with --to svg or pdf, or leave it out";
            return Err(ConfigError::new(option, message).into());
        }
    }
    let (study, place) = find(context, &arguments.study, arguments.called.as_deref())?;
    let export = Export::read(study, place, arguments.size.scale(), arguments.look.figure())?;
    let width = arguments.look.width().unwrap_or_default();
    let wish = Wish { format, width, along: arguments.along.as_deref() };
    if arguments.out.as_deref() == Some(Path::new("-")) {
        let written = match format {
            Format::Pdf if std::io::stdout().is_terminal() => {
                anyhow::bail!(
                    "a PDF is no text for a terminal; lead standard output into a file, or use --out FILE"
                )
            }
            Format::Pdf => export.print(wish, &mut BufWriter::new(std::io::stdout().lock())),
            _ => export.print(wish, &mut output::whole(format == Format::Json)),
        };
        return match written {
            Ok(()) => Ok(DONE),
            // By itself, so that a reader who left is known for one.
            Err(StudyExportError::Files(ExportError::Output(error))) => Err(error.into()),
            Err(error) => Err(error.into()),
        };
    }
    arguments.out.as_deref().map(usage::writable).transpose()?;
    let paths = export.write(wish, arguments.out.as_deref(), arguments.force)?;
    let mut out = output::lines();
    for path in paths {
        writeln!(out, "{}", path.display())?;
    }
    Ok(DONE)
}
