//! `gialab inspect --received FILE --reference FILE`: what a model that a client was sent shows of a server that made it to leak.

use std::io::Write;
use std::path::{Path, PathBuf};

use gialab::fl::received::{self, Finding, Named};
use gialab::text::one_line;
use gialab::weights::WeightFile;
use serde::Serialize;

use crate::cli::{DONE, NOT_MET, output};

#[derive(clap::Args)]
pub struct Arguments {
    /// A model that a client was sent: was it made to leak? Exit code 3 if something speaks for it
    #[arg(long, value_name = "FILE", requires = "reference", conflicts_with = "file")]
    received: Option<PathBuf>,
    /// The model that was agreed on, as the client last saw it
    #[arg(long, value_name = "FILE", requires = "received")]
    reference: Option<PathBuf>,
    /// What another client was sent in the same round; can be given several times
    #[arg(long, value_name = "FILE", requires = "received")]
    other: Vec<PathBuf>,
}

/// All that is reported.
#[derive(Serialize)]
struct Report {
    received: String,
    reference: String,
    tensors: usize,
    values: usize,
    /// Tests that were made.
    tests: Vec<&'static str>,
    findings: Vec<Finding>,
}

impl Arguments {
    /// Whether a received model is to be looked at.
    pub fn are_given(&self) -> bool {
        self.received.is_some()
    }
}

pub fn run(arguments: &Arguments, json: bool) -> anyhow::Result<u8> {
    let (Some(received), Some(reference)) = (&arguments.received, &arguments.reference) else {
        anyhow::bail!("name both files: gialab inspect --received FILE --reference FILE");
    };
    let (sent, agreed) = (named(received)?, named(reference)?);
    let mut findings = received::of_tensors(&sent, &agreed);
    for other in &arguments.other {
        findings.extend(received::between(&sent, &named(other)?));
    }
    let needs_samples = ["single neurons", "D-SNR"];
    let made = received::TESTS.iter().map(|test| test.name);
    let made = made.filter(|name| !needs_samples.contains(name));
    let report = Report {
        received: received.display().to_string(),
        reference: reference.display().to_string(),
        tensors: sent.len(),
        values: sent.iter().map(|tensor| tensor.values.len()).sum(),
        tests: made.filter(|name| *name != "other clients" || !arguments.other.is_empty()).collect(),
        findings,
    };
    let code = if report.findings.is_empty() { DONE } else { NOT_MET };
    let mut out = output::whole(json);
    if json {
        serde_json::to_writer_pretty(&mut out, &report)?;
        writeln!(out)?;
    } else {
        report.print(&mut out)?;
    }
    out.flush()?;
    Ok(code)
}

fn named(path: &Path) -> anyhow::Result<Vec<Named>> {
    let file = WeightFile::open(&path.to_string_lossy())?;
    let tensors = file.tensors.into_iter().filter(|tensor| tensor.dtype.is_float());
    Ok(tensors
        .map(|tensor| Named { name: tensor.name, shape: tensor.shape, values: tensor.values })
        .collect())
}

impl Report {
    fn print(&self, out: &mut dyn Write) -> std::io::Result<()> {
        writeln!(out, "received   {}", one_line(&self.received))?;
        writeln!(out, "reference  {}", one_line(&self.reference))?;
        writeln!(out, "tests      {}", self.tests.join(", "))?;
        writeln!(out)?;
        for finding in &self.findings {
            writeln!(out, "{:<13}  {}", finding.test, one_line(&finding.words))?;
        }
        match self.findings.len() {
            0 => writeln!(
                out,
                "nothing found by these tests; a model can leak that none of them sees, and a client's own samples say more \
                 (every run of a preset looks with them)"
            ),
            count => writeln!(
                out,
                "\n{count} findings speak for a model that was made to leak; what each test is: docs/received.md"
            ),
        }
    }
}
