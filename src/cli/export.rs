//! `gialab export RUN... --to FORMAT`: runs as files for others.

use std::io::{BufWriter, IsTerminal, Write};
use std::path::{Path, PathBuf};

use gialab::run::export::{self, ExportError, Format, Width};

use super::selection::Runs;
use super::{Context, DONE, output};

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
    /// How wide figures are, in inches: a column of two, or a page [default: 3.3]
    #[arg(long, value_name = "INCHES", value_parser = Width::ALL.map(Width::name))]
    width: Option<String>,
    /// Replace files that are there already
    #[arg(long)]
    force: bool,
}

pub fn run(context: &Context, arguments: &Arguments) -> anyhow::Result<u8> {
    let format: Format = arguments.to.parse().map_err(anyhow::Error::msg)?;
    let runs = arguments.runs.find(context)?;
    let width = Width::ALL.into_iter().find(|width| arguments.width.as_deref() == Some(width.name()));
    let format = match width {
        Some(width) => format.of_width(width).ok_or_else(|| {
            anyhow::anyhow!("--width is for figures; use it with --to svg, or leave it out")
        })?,
        None => format,
    };
    if arguments.out.as_deref() == Some(Path::new("-")) {
        let written = match format {
            Format::Png if std::io::stdout().is_terminal() => {
                anyhow::bail!(
                    "a picture is no text for a terminal; lead standard output into a file, or use --out FILE"
                )
            }
            Format::Png => export::print(&runs, format, &mut BufWriter::new(std::io::stdout().lock())),
            _ => export::print(&runs, format, &mut output::whole(format == Format::Json)),
        };
        return match written {
            Ok(()) => Ok(DONE),
            // By itself, so that a reader who left is known for one.
            Err(ExportError::Output(error)) => Err(error.into()),
            Err(error) => Err(error.into()),
        };
    }
    let paths = export::write(&runs, format, arguments.out.as_deref(), arguments.force)?;
    let mut out = output::lines();
    for path in paths {
        writeln!(out, "{}", path.display())?;
    }
    Ok(DONE)
}
