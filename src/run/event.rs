//! The event log of a run: what `events.jsonl` holds and what `--json` prints, one [`Line`] per line.

use serde::{Deserialize, Serialize};

use super::rows::Rows;
pub use crate::attack::TrialOutcome;
use crate::equation::Equation;
use crate::figure::number;
pub use crate::figure::{AtTruth, Baselines, Effect, Measured, Metrics, Probe, Ratio, Sample, Spread};
pub use crate::fl::post::Inferred;

/// Version of the event format, the `v` of every line.
pub const VERSION: u32 = 1;

/// One line of `events.jsonl`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// Format version, [`VERSION`].
    pub v: u32,
    /// Seconds of computing since the run began; continues over a resume.
    pub t: f64,
    /// What happened.
    #[serde(flatten)]
    pub event: Event,
}

/// What happened in a run. Readers skip kinds they do not know ([`Event::Unknown`]).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// A worker took up the run, for the first time or again.
    Started {
        /// Directory name of the run.
        run: String,
        /// Preset name.
        preset: String,
        /// `flex`, `ndarray` or `cuda`.
        backend: String,
        /// Backend with threads or device name.
        device: String,
    },
    /// One federated round is about to be attacked.
    Round {
        /// Federated round, 0 is the initial model.
        round: u32,
        /// l2 norm of the update the server received.
        #[serde(with = "number")]
        update_norm: f64,
        /// Share of held-out samples that the global model classifies rightly before the round; absent without such
        /// samples.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        accuracy: Option<f64>,
        /// Private samples, B.
        batch: usize,
        /// Parameters of the model, P.
        parameters: usize,
        /// Input scalars of one sample, d.
        input: usize,
        /// Trials planned.
        trials: usize,
        /// Iterations planned for each trial.
        iterations: usize,
    },
    /// What post-processing did to the update of a round: the evaluator's, unknown to the attacker.
    Processed {
        /// Federated round.
        round: u32,
        /// The update that was sent beside the clean one.
        #[serde(flatten)]
        effect: Effect,
    },
    /// A federated round was trained, attacked or not.
    Trained {
        /// Federated round.
        round: u32,
        /// Task loss of the global model on the held-out samples before the round.
        #[serde(with = "number")]
        loss: f64,
        /// Share of the held-out samples that it classifies rightly before the round.
        accuracy: f64,
    },
    /// A rule read labels off the update, before the first trial.
    Labels(LabelsRead),
    /// A restart begins.
    Trial {
        /// Federated round.
        round: u32,
        /// 0-based restart.
        trial: usize,
        /// Labels the attacker uses, given or read off the update; empty while they are optimised.
        labels: Vec<usize>,
    },
    /// A worker continues from a checkpoint: later points of this trial that the log already holds are void.
    Resumed {
        /// Federated round.
        round: u32,
        /// 0-based restart.
        trial: usize,
        /// Iterations the checkpoint had completed.
        iteration: usize,
    },
    /// Iterations since the last such line, one point each.
    Progress {
        /// Federated round.
        round: u32,
        /// 0-based restart.
        trial: usize,
        /// Loss by iteration.
        points: Vec<Point>,
        /// Evaluations of this trial so far (one gradient match with its own gradient each).
        evaluations: usize,
        /// Step size in use.
        #[serde(with = "number")]
        learning_rate: f64,
        /// Iteration with the smallest total so far.
        best_iteration: usize,
        /// Its total loss.
        #[serde(with = "number")]
        best: f64,
    },
    /// Quality of the current iterate, judged by the evaluator with the ground truth.
    Metrics {
        /// Federated round.
        round: u32,
        /// 0-based restart.
        trial: usize,
        /// Iteration of the iterate.
        iteration: usize,
        /// Its quality.
        metrics: Metrics,
    },
    /// A picture was stored.
    Picture {
        /// Federated round.
        round: u32,
        /// 0-based restart; absent for the ground truth and the final reconstruction.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        trial: Option<usize>,
        /// Iteration shown.
        iteration: usize,
        /// What it shows.
        what: PictureOf,
        /// Path inside the run directory.
        file: String,
        /// How the batch is tiled: samples, columns, and pixels of one sample.
        tiles: Tiles,
        /// Quality of what it shows, sample by sample for a batch; absent for the ground truth.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        metrics: Option<Box<Metrics>>,
    },
    /// What a picture is for images, for rows of a table: the fields themselves.
    Rows {
        /// Federated round.
        round: u32,
        /// 0-based restart; absent for the ground truth and the final reconstruction.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        trial: Option<usize>,
        /// Iteration shown.
        iteration: usize,
        /// What they are.
        what: PictureOf,
        /// The records, field by field.
        table: Box<Rows>,
        /// Quality of what it shows, sample by sample for a batch; absent for the ground truth.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        metrics: Option<Box<Metrics>>,
    },
    /// A restart ended.
    TrialFinished {
        /// Federated round.
        round: u32,
        /// 0-based restart.
        trial: usize,
        /// Why it ended.
        outcome: TrialOutcome,
        /// Smallest total loss and where.
        #[serde(with = "number")]
        best: f64,
        /// Matching loss of that iterate.
        #[serde(with = "number")]
        matching: f64,
        /// Iteration of that iterate.
        best_iteration: usize,
        /// Evaluations spent.
        evaluations: usize,
        /// Seconds of computing.
        seconds: f64,
        /// Labels of that iterate, in the order of its samples; absent in logs of earlier versions.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        labels: Vec<usize>,
        /// Quality of that iterate, judged by the evaluator; absent without ground truth.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        metrics: Option<Metrics>,
    },
    /// All trials of a round ended; one was chosen by its matching loss.
    RoundFinished(Box<RoundResult>),
    /// A viewer asked for a pause and the worker holds.
    Paused,
    /// The worker goes on after a pause.
    Continued,
    /// Something worth a line in the log pane.
    Log {
        /// How serious.
        level: Level,
        /// One sentence.
        message: String,
    },
    /// The last line of a run that ended in an orderly way.
    Finished(Finished),
    /// A kind this version does not know.
    #[serde(other)]
    Unknown,
}

/// What a rule said of the labels of an update.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LabelsRead {
    /// Federated round.
    pub round: u32,
    /// Name of the rule.
    pub rule: String,
    /// Labels in ascending order, as often as the rule counts them.
    pub labels: Vec<usize>,
    /// Samples of the batch.
    pub batch: usize,
    /// Share of the true labels that are named, as a multiset; absent without ground truth, as the next two.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accuracy: Option<f64>,
    /// Share of all classes known to be there or not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub existence: Option<f64>,
    /// Share of all classes whose count is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<f64>,
    /// Why they may be wrong, where the rule can tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub doubt: Option<String>,
}

/// Loss at one iteration.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// 1-based iteration.
    #[serde(rename = "i")]
    pub iteration: usize,
    /// Matching distance.
    #[serde(rename = "m", with = "number")]
    pub matching: f64,
    /// Weighted sum of the priors; total = matching + prior.
    #[serde(rename = "p", with = "number")]
    pub prior: f64,
}

impl Point {
    /// The objective: matching + prior.
    pub fn total(&self) -> f64 {
        self.matching + self.prior
    }
}

/// What a stored picture shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PictureOf {
    /// The private batch: known to the person, never to the attacker.
    Truth,
    /// The iterate at this iteration.
    Current,
    /// The best iterate by loss so far.
    Best,
    /// The chosen reconstruction of the round.
    Reconstruction,
    /// What the same search makes of noise of the update's norm.
    Control,
    /// What the attacker's enhancer makes of the reconstruction.
    Enhanced,
}

/// How the samples of a batch are tiled in a picture, row by row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Claimed")]
pub struct Tiles {
    /// Samples in the batch.
    pub samples: usize,
    /// Samples in one row of the picture.
    pub columns: usize,
    /// Width of one sample in pixels.
    pub width: usize,
    /// Height of one sample in pixels.
    pub height: usize,
}

/// Tiles as a log claims them to be.
#[derive(Deserialize)]
struct Claimed {
    samples: usize,
    columns: usize,
    width: usize,
    height: usize,
}

/// More samples than any batch has, and a longer side than any picture that is read.
pub(super) const MOST_SAMPLES: usize = 1 << 17;
const LONGEST_SIDE: usize = 1 << 14;

impl TryFrom<Claimed> for Tiles {
    type Error = String;

    fn try_from(Claimed { samples, columns, width, height }: Claimed) -> Result<Self, String> {
        let is_batch = (1..=MOST_SAMPLES).contains(&samples) && (1..=samples).contains(&columns);
        let has_size = (1..=LONGEST_SIDE).contains(&width) && (1..=LONGEST_SIDE).contains(&height);
        if !is_batch || !has_size {
            return Err(format!("{samples} tiles of {width}x{height} in {columns} columns are no batch"));
        }
        Ok(Tiles { samples, columns, width, height })
    }
}

/// Severity of a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// Progress.
    Info,
    /// Something to know when judging the result.
    Warning,
    /// The run could not go on.
    Error,
}

/// Outcome of one attacked round.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RoundResult {
    /// Federated round.
    pub round: u32,
    /// Quality of the chosen reconstruction; absent without ground truth.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metrics: Option<Metrics>,
    /// How much of its input the attacked gradient gives away, attack or not; absent unless asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probe: Option<Probe>,
    /// Share of held-out samples that the attacked model classifies rightly; absent without such samples.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accuracy: Option<f64>,
    /// What of it post-processing has cost: the accuracy of the same federation without it less this one. Absent without
    /// post-processing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accuracy_lost: Option<f64>,
    /// l2 norm of the update; absent in logs of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub update_norm: Option<Ratio>,
    /// What post-processing did to it; absent without any, and in logs of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub processed: Option<Effect>,
    /// What the attacker told of post-processing from the update, in the order in which it simulated it, none where the
    /// update looks clean; absent where it was told, or ignored it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inferred: Option<Vec<Inferred>>,
    /// What an attack that solves said of its steps, and what was sent instead of the honest model.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stages: Vec<String>,
    /// The equation of one unknown that it began with, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub equation: Option<Box<Equation>>,
    /// Its matching loss; of an attack that solves the share of the layer's gradient that it leaves unexplained.
    #[serde(with = "number")]
    pub loss: f64,
    /// The iteration it was taken from; absent in logs of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iteration: Option<usize>,
    /// The chosen trial never came below the objective that it began with.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub undescended: bool,
    /// The attack's objective at the private samples; absent without ground truth.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_truth: Option<AtTruth>,
    /// What pictures score that need no update; absent without ground truth.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baselines: Option<Baselines>,
    /// PSNR in dB if the truth picked among the trials, sample by sample; absent of one trial and without ground truth.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub picked: Option<Ratio>,
    /// PSNR in dB of what the attacker's enhancer makes of the answer, and of noise; absent without one and without ground truth.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enhanced: Option<[Ratio; 2]>,
    /// Its labels, in the order of its samples, whether given, read off the update or optimised; absent in logs of earlier
    /// versions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<usize>,
    /// What the data set calls these classes; empty where it only counts them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub label_names: Vec<String>,
    /// The trial it came from, chosen by matching loss.
    pub trial: usize,
    /// Trials that were run.
    pub trials: usize,
    /// Evaluations over all trials.
    pub evaluations: usize,
    /// Seconds of computing over all trials.
    pub seconds: f64,
}

impl RoundResult {
    /// What was measured of the round.
    pub fn measured(&self) -> Measured<'_> {
        Measured {
            complete: true,
            metrics: self.metrics.as_ref(),
            probe: self.probe,
            at_truth: self.at_truth,
            baselines: self.baselines,
            picked: self.picked.map(|psnr| psnr.0),
            enhanced: self.enhanced.map(|scores| scores.map(|psnr| psnr.0)),
            matching: Some(self.loss),
            iteration: self.iteration,
            trial: Some(self.trial),
            trials: self.trials,
            evaluations: Some(self.evaluations),
            seconds: Some(self.seconds),
            accuracy: self.accuracy,
            accuracy_lost: self.accuracy_lost,
            update_norm: self.update_norm.map(|norm| norm.0),
            processed: self.processed,
        }
    }
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Finished {
    /// `done`, `stopped` or `failed`.
    pub status: super::manifest::Status,
    /// Directory name of the run.
    pub run: String,
    /// Rounds that were completed.
    pub rounds: Vec<RoundResult>,
    /// Why, when it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// It was paused or resumed: its time is not that of a run in one go.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub interrupted: bool,
}
