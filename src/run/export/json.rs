//! One JSON document: everything a run recorded but the pixels, with thinned curves.
//!
//! Field names are stable within a [`VERSION`]. Numbers that are not finite are the strings `"nan"`, `"inf"`,
//! `"-inf"`. Rounds and trials are counted from 0, iterations from 1, as in the event log. Times are in seconds.

use std::io::{self, Write};

use serde::Serialize;

use super::record::Record;
use super::reproduce;
use crate::config::{Privacy, RunConfig};
use crate::figure::number;
use crate::reading::Reading;
use crate::run::cost::Cost;
use crate::run::event::{Effect, LabelsRead, Metrics, Ratio, RoundResult, Tiles, TrialOutcome};
use crate::run::notebook::Notebook;
use crate::run::rows::Rows;
use crate::run::state::{Content, Picture, RoundState, TrialState};
use crate::run::verdict::Verdict;

/// Version of the document, its `version`.
const VERSION: u32 = 1;

#[derive(Serialize)]
struct Document<'a> {
    version: u32,
    /// gialab that wrote the document.
    exported_by: &'static str,
    runs: Vec<Run<'a>>,
}

#[derive(Serialize)]
struct Run<'a> {
    /// Directory name.
    run: String,
    /// Where it lies; `file`s of pictures are relative to it.
    directory: String,
    preset: &'a str,
    /// `done`, `stopped`, `failed`, `crashed`, `running`, `paused`, `queued`.
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
    /// `title`, `note` and `tags`, where a person wrote some.
    #[serde(flatten)]
    notebook: &'a Notebook,
    /// Seconds since the epoch at creation.
    created: f64,
    /// Seconds of computing.
    #[serde(with = "number")]
    seconds: f64,
    /// gialab and burn that computed it.
    gialab: &'a str,
    burn: &'a str,
    backend: &'a str,
    /// Backend with threads or device.
    device: &'a str,
    host: &'a str,
    /// A command that makes the same run; absent if its preset is not shipped: then `config` is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    reproduce: Option<String>,
    threat_model: ThreatModel<'a>,
    /// The preset as resolved.
    config: &'a RunConfig,
    /// How files were read where they left it open, a sentence each.
    reading: &'a Reading,
    /// Lines of the event log that could not be read.
    lines_skipped: u64,
    rounds: Vec<Round<'a>>,
}

/// The conditions of every figure of the run.
#[derive(Serialize)]
struct ThreatModel<'a> {
    /// Letter and name.
    name: &'static str,
    /// What the attack does about the labels: `given`, `optimised`, `read by ilrg`.
    labels: String,
    /// The BatchNorm situation: `eval (public)`, `train (shared)`, ...
    batchnorm: &'static str,
    /// How the attacked model was trained: `untrained`, `weights FILE`, `trained N rounds`.
    state: String,
    /// Private samples in the update.
    batch: usize,
    /// FedSGD, or local steps with what the attacker knows of them.
    protocol: String,
    /// What DP-SGD promises; absent where nothing is promised. Epsilon is null if none is finite.
    privacy: Option<Privacy>,
    /// What post-processing costs in accuracy, where that was measured.
    cost: Option<&'a Cost>,
    /// What chooses among trials; never the ground truth.
    trial_chosen_by: &'static str,
}

#[derive(Serialize)]
struct Round<'a> {
    round: u32,
    /// l2 norm of the update.
    #[serde(with = "number")]
    update_norm: f64,
    /// Share of held-out samples that the model classifies rightly.
    #[serde(skip_serializing_if = "Option::is_none")]
    accuracy: Option<f64>,
    /// What post-processing did to the update; absent without any.
    #[serde(skip_serializing_if = "Option::is_none")]
    processed: Option<Effect>,
    batch: usize,
    /// Parameters of the model.
    parameters: usize,
    /// Input scalars of one sample.
    input: usize,
    trials_planned: usize,
    /// Iterations planned for each trial.
    iterations: usize,
    /// What a rule said of the labels before the search.
    #[serde(skip_serializing_if = "Option::is_none")]
    labels_read: Option<&'a LabelsRead>,
    /// Absent until all trials ended.
    result: Option<&'a RoundResult>,
    /// `recovered`, `search-failed`, `ambiguous` or `other-client`; absent without ground truth.
    #[serde(skip_serializing_if = "Option::is_none")]
    verdict: Option<&'static str>,
    truth: Option<Stored<'a>>,
    reconstruction: Option<Stored<'a>>,
    trials: Vec<Trial<'a>>,
}

#[derive(Serialize)]
struct Trial<'a> {
    trial: usize,
    /// Labels: given, read off the update, or once it ended as optimised; empty before.
    labels: &'a [usize],
    /// Why it ended; absent until it did.
    outcome: Option<TrialOutcome>,
    /// Iterations done.
    iteration: usize,
    evaluations: usize,
    /// Seconds of computing; absent until it ended.
    seconds: Option<f64>,
    /// Smallest total loss and where.
    #[serde(with = "number")]
    best: f64,
    best_iteration: usize,
    /// Matching loss of that iterate, or of the newest while the trial goes on.
    matching: Option<Ratio>,
    /// Its quality, judged with the ground truth.
    metrics: Option<&'a Metrics>,
    curves: Curves,
    /// Stored iterates.
    pictures: Vec<Stored<'a>>,
    /// Stored best iterates; each replaced the file of the one before it.
    best_pictures: Vec<Stored<'a>>,
}

/// Columns of equal length, at most 1,024 rows: a row stands for the iterations since the row before it.
#[derive(Serialize, Default)]
struct Curves {
    /// Last iteration of the row.
    iteration: Vec<f64>,
    matching: Column,
    /// Weighted sum of the priors.
    prior: Column,
    /// Matching and prior.
    total: Column,
    /// Iterations of the row whose total was not finite.
    not_finite: Vec<u32>,
}

#[derive(Serialize, Default)]
struct Column {
    /// At the last iteration that was finite.
    value: Vec<Ratio>,
    min: Vec<Ratio>,
    max: Vec<Ratio>,
}

#[derive(Serialize)]
struct Stored<'a> {
    iteration: usize,
    /// Path inside the run's directory; absent where there are rows of a table instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<&'a str>,
    /// Rows of a table; of iterates those of the best one alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    table: Option<&'a Rows>,
    /// How the batch is tiled.
    tiles: Tiles,
    #[serde(skip_serializing_if = "Option::is_none")]
    metrics: Option<&'a Metrics>,
}

/// Writes the document.
pub fn document(records: &[Record], out: &mut dyn Write) -> io::Result<()> {
    let document = Document {
        version: VERSION,
        exported_by: env!("CARGO_PKG_VERSION"),
        runs: records.iter().map(run).collect(),
    };
    serde_json::to_writer(&mut *out, &document)?;
    out.write_all(b"\n")
}

fn run(record: &Record) -> Run<'_> {
    let (manifest, config) = (&record.manifest, record.config());
    Run {
        run: record.id(),
        directory: record.directory.path().display().to_string(),
        preset: &manifest.preset,
        status: record.health.name(),
        error: manifest.error.as_deref(),
        notebook: &record.notebook,
        created: manifest.created,
        seconds: record.state.seconds,
        gialab: &manifest.gialab,
        burn: &manifest.burn,
        backend: &manifest.backend,
        device: record.device(),
        host: &manifest.host,
        reproduce: reproduce::command(manifest),
        threat_model: ThreatModel {
            name: config.threat_model(),
            labels: config.attack.labels.name(),
            batchnorm: config.victim.batch_norm(),
            state: config.training(),
            batch: config.batch(),
            protocol: config.protocol_and_knowledge(),
            privacy: config.privacy(),
            cost: record.cost.as_ref(),
            trial_chosen_by: if config.attack.search().is_some() { "matching loss" } else { "none" },
        },
        config,
        reading: &manifest.reading,
        lines_skipped: record.skipped,
        rounds: record.state.rounds.iter().map(round).collect(),
    }
}

fn round(round: &RoundState) -> Round<'_> {
    Round {
        round: round.round,
        update_norm: round.update_norm,
        accuracy: round.accuracy,
        processed: round.processed,
        batch: round.batch,
        parameters: round.parameters,
        input: round.input,
        trials_planned: round.trials_planned,
        iterations: round.iterations,
        labels_read: round.labels_read.as_ref(),
        result: round.result.as_ref(),
        verdict: round.result.as_ref().and_then(Verdict::of).map(Verdict::name),
        truth: round.truth.as_ref().map(stored),
        reconstruction: round.reconstruction.as_ref().map(stored),
        trials: round.trials.iter().map(trial).collect(),
    }
}

fn trial(trial: &TrialState) -> Trial<'_> {
    Trial {
        trial: trial.trial,
        labels: trial.labels(),
        outcome: trial.end.as_ref().map(|end| end.outcome),
        iteration: trial.iteration,
        evaluations: trial.evaluations,
        seconds: trial.end.as_ref().map(|end| end.seconds),
        best: trial.best,
        best_iteration: trial.best_iteration,
        matching: trial.matching_loss().map(Ratio),
        metrics: trial.latest_metrics(),
        curves: curves(trial),
        pictures: iterates(&trial.pictures, false),
        best_pictures: iterates(&trial.best_pictures, true),
    }
}

fn curves(trial: &TrialState) -> Curves {
    // The three series get their points together, so their buckets stand for the same iterations.
    let mut curves = Curves::default();
    for bucket in trial.total.buckets() {
        curves.iteration.push(bucket.last);
        curves.not_finite.push(bucket.marks);
    }
    for (series, column) in [
        (&trial.matching, &mut curves.matching),
        (&trial.prior, &mut curves.prior),
        (&trial.total, &mut curves.total),
    ] {
        for bucket in series.buckets() {
            column.value.push(Ratio(bucket.value));
            column.min.push(Ratio(bucket.min));
            column.max.push(Ratio(bucket.max));
        }
    }
    curves
}

fn stored(picture: &Picture) -> Stored<'_> {
    let Picture { iteration, content, tiles, metrics } = picture;
    let (file, table) = match content {
        Content::File(file) => (Some(file.as_str()), None),
        Content::Rows(rows) => (None, Some(&**rows)),
    };
    Stored { iteration: *iteration, file, table, tiles: *tiles, metrics: metrics.as_deref() }
}

/// Stored iterates, of rows of a table the last one alone with its fields.
fn iterates(pictures: &[Picture], with_last: bool) -> Vec<Stored<'_>> {
    let last = pictures.len().checked_sub(1).filter(|_| with_last);
    let iterate = |(at, picture)| {
        let stored = stored(picture);
        Stored { table: stored.table.filter(|_| Some(at) == last), ..stored }
    };
    pictures.iter().enumerate().map(iterate).collect()
}
