//! `gialab inspect --update U --weights W`: whether an update is what it is taken for, without an attack.

use std::io::Write;
use std::path::PathBuf;

use gialab::audit;
use gialab::backend::Compute;
use gialab::config::RunConfig;
use gialab::fl::post::{self, Inferred};
use gialab::fl::self_test::{SelfTest, self_test};
use gialab::fl::{Server, Setup, Source};
use gialab::weights::{Statistics, WeightFile};
use serde::Serialize;

use crate::cli::captured::Captured;
use crate::cli::{DONE, output};

#[derive(clap::Args)]
pub struct Arguments {
    /// What a client sent back: is it what it is taken for?
    #[arg(long, value_name = "FILE", requires = "weights")]
    update: Option<PathBuf>,
    /// The weights that it was sent
    #[arg(long, value_name = "FILE", requires = "update")]
    weights: Option<PathBuf>,
    /// Its samples (`images` or `inputs`, and `labels`): try whether a simulated client makes the update of them, and which
    /// settings do if it does not
    #[arg(long, value_name = "FILE", requires = "update")]
    truth: Option<PathBuf>,
    /// What the update is taken for
    #[arg(long, value_name = "KIND", requires = "update", default_value = "gradient",
        value_parser = ["gradient", "delta", "negative-delta", "weights"])]
    kind: String,
    /// Samples behind the update
    #[arg(long, value_name = "B", requires = "update", default_value_t = 1, allow_hyphen_values = true,
        value_parser = clap::value_parser!(u32).range(1..=100_000))]
    batch: u32,
    /// Change a setting, as victim.loss=bce or 'victim.captured.local={ learning_rate = 0.1 }'; can be given several times
    #[arg(long = "set", value_name = "KEY=VALUE", requires = "update")]
    changes: Vec<String>,
}

/// All that is reported.
#[derive(Serialize)]
struct Report {
    update: String,
    weights: String,
    /// Of the model that the weights fit.
    model: String,
    classes: usize,
    /// What the update was taken for.
    kind: String,
    batch: usize,
    loss: String,
    tensors: usize,
    values: usize,
    norm: f64,
    zeros: usize,
    /// How the files were read, and what speaks against the update.
    notes: Vec<String>,
    /// Whether the simulated client makes it of the samples; absent without them.
    self_test: Option<SelfTest>,
    /// What would not have been noticed of the update, and why; absent where the check covers all of it.
    unchecked: Option<String>,
    /// Post-processing as told from the update; absent where it is refused.
    told: Option<Vec<Inferred>>,
    /// Why it cannot be attacked as it was taken.
    refused: Option<String>,
}

pub fn run(arguments: &Arguments, by_order: bool, json: bool) -> anyhow::Result<u8> {
    let (Some(update), Some(weights)) = (&arguments.update, &arguments.weights) else {
        anyhow::bail!("name the files: gialab inspect --update UPDATE --weights WEIGHTS");
    };
    let files = Captured {
        update,
        weights,
        truth: arguments.truth.as_deref(),
        kind: &arguments.kind,
        batch: arguments.batch,
        changes: &arguments.changes,
        by_order,
    };
    let config = files.config()?;
    let file = WeightFile::read(update)?;
    let values: Vec<f64> = file.tensors.iter().flat_map(|tensor| tensor.values.iter().copied()).collect();
    let (notes, unchecked, told, refused) = match Setup::new(&config) {
        Ok(setup) => {
            let unchecked = setup.captured.as_ref().and_then(|captured| captured.unchecked.clone());
            (setup.reading.notes().to_vec(), unchecked, told(setup, &config)?, None)
        }
        Err(error) => (Vec::new(), None, None, Some(error.to_string())),
    };
    let self_test = self_test(&config, &Compute::select("flex", config.run.precision)?)?;
    let report = Report {
        self_test,
        update: update.display().to_string(),
        weights: weights.display().to_string(),
        model: config.victim.model.clone(),
        classes: config.victim.classes.unwrap_or_default(),
        kind: arguments.kind.clone(),
        batch: arguments.batch as usize,
        loss: config.victim.loss.name(),
        tensors: file.tensors.len(),
        zeros: values.iter().filter(|value| **value == 0.0).count(),
        norm: values.iter().map(|value| value * value).sum::<f64>().sqrt(),
        values: values.len(),
        notes,
        unchecked,
        told,
        refused,
    };
    let mut out = output::whole(json);
    if json {
        serde_json::to_writer_pretty(&mut out, &report)?;
        writeln!(out)?;
    } else {
        print(&mut out, &report, &Statistics::of(&values))?;
    }
    out.flush()?;
    match report.refused {
        Some(refused) => anyhow::bail!(refused),
        None => Ok(DONE),
    }
}

/// What post-processing an attacker tells from the update, which does not depend on where it computes.
fn told(setup: Setup, config: &RunConfig) -> anyhow::Result<Option<Vec<Inferred>>> {
    let compute = Compute::select("flex", config.run.precision)?;
    let server = Server::new(&setup, config, compute.clone());
    let (view, _) = Source::new(setup, config, compute).view(&server.model, 0);
    Ok(view.knowledge.protocol.post.inferred)
}

fn print(out: &mut impl Write, report: &Report, statistics: &Statistics) -> std::io::Result<()> {
    let Report { tensors, values, zeros, norm, .. } = report;
    let share = 100.0 * *zeros as f64 / (*values).max(1) as f64;
    writeln!(out, "update    {}", report.update)?;
    writeln!(out, "          {tensors} tensors, {values} numbers, {share:.0} % zeros, norm {norm:.4}")?;
    writeln!(out, "          {:.3e} to {:.3e}", statistics.min, statistics.max)?;
    writeln!(out, "weights   {}, {} for {} classes", report.weights, report.model, report.classes)?;
    writeln!(out, "taken as  {} of {} sample(s), {}", report.kind, report.batch, report.loss)?;
    for note in &report.notes {
        writeln!(out, "read      {note}")?;
    }
    if report.self_test.is_some() {
        writeln!(out, "self-test {}", audit::self_test(report.self_test.as_ref(), true).0)?;
    }
    if let Some(unchecked) = &report.unchecked {
        writeln!(out, "not seen  {unchecked}")?;
    }
    if let Some(told) = &report.told {
        writeln!(out, "told      {}", post::in_words(told))?;
    }
    match &report.refused {
        Some(_) => writeln!(out, "verdict   cannot be attacked like this"),
        None if report.notes.is_empty() && report.unchecked.is_some() => {
            writeln!(out, "verdict   nothing speaks against it; mind what is not seen")
        }
        None if report.notes.is_empty() => writeln!(out, "verdict   nothing speaks against it"),
        None => writeln!(out, "verdict   can be attacked; mind what was read above"),
    }
}
