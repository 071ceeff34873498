//! What an audit found, as data: what is printed, shown, written and checked again is read off this.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::judge::Threshold;
use super::seal;
use crate::config::RunConfig;
use crate::figure::FIGURES;
use crate::fl::self_test::SelfTest;
use crate::run::event::{Finished, RoundResult, Spread};
use crate::run::export::command;
use crate::run::{Manifest, RunDirectory, RunError, labels, verdict};

/// Version of the format.
pub const SCHEMA: u32 = 1;

/// An audit's report. Names and meanings of the fields stay; more may come.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Format version, [`SCHEMA`].
    pub schema: u32,
    /// Version of gialab.
    pub gialab: String,
    /// Version of burn.
    pub burn: String,
    /// When it was made, in seconds since the epoch.
    pub made: f64,
    /// The command that makes it once more.
    pub command: String,
    /// What each attack might spend.
    pub budget: String,
    /// What was audited.
    pub subject: Subject,
    /// Absent without the private samples.
    pub self_test: Option<SelfTest>,
    /// Settings that the self-test found and that hold for everything below.
    pub taken: Vec<String>,
    /// What can be said without an attack.
    pub bounds: Bounds,
    /// From little knowledge to much.
    pub attempts: Vec<Attempt>,
    /// The best attack on noise in the update's place; absent without the private samples.
    pub control: Option<Attempt>,
    /// The best attack on other clients of the federation.
    #[serde(default)]
    pub clients: Vec<Attempt>,
    /// What does not fit, or is not granted.
    pub not_tried: Vec<Untried>,
    /// Published attacks that this gialab does not have.
    pub elsewhere: usize,
    /// Share of the samples that may come back.
    pub limit: f64,
    /// Post-processing against the best attack, from what changes the update least.
    pub protections: Vec<Protection>,
    /// Post-processing that was to be tried and cannot be put on, with why.
    #[serde(default)]
    pub unfit: Vec<String>,
    /// Why none was tried.
    pub unprotected: Option<String>,
    /// What the audit is to fail on.
    pub thresholds: Vec<Threshold>,
    /// Of the text that it is written as.
    pub seal: String,
}

/// What is audited.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Subject {
    /// Of a preset, or the update's file.
    pub name: String,
    /// An update from outside, and no federation that is described.
    pub captured: bool,
    /// Model, its training, the client's protocol: in words.
    pub conditions: Vec<String>,
    /// Samples behind the update.
    pub samples: usize,
    /// Rows of a table, and no pictures.
    pub rows: bool,
    /// The private samples are there to compare with.
    pub has_truth: bool,
    /// What was told of post-processing, or is said of it.
    pub post: Option<String>,
    /// What the client's post-processing promises of differential privacy.
    pub privacy: Option<String>,
    /// How its files were read, and what speaks against them.
    pub reading: Vec<String>,
    /// Files by what they are, with their SHA-256.
    pub files: Vec<Input>,
    /// All settings, as TOML.
    pub config: String,
}

/// A file that went in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Input {
    /// `weights`, `update`, `truth`.
    pub what: String,
    /// Where it was.
    pub path: String,
    /// SHA-256, in hexadecimal.
    pub sha256: String,
}

/// What can be said without an attack.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Bounds {
    /// Numbers of the update against unknowns, with the verdict.
    pub dimension: String,
    /// Numbers of the update that can tell something.
    pub informative: usize,
    /// Numbers of the private samples.
    pub unknowns: usize,
    /// Input directions that show in the gradient, the median over the private samples; absent without them.
    pub r_eff: Option<f64>,
    /// Numbers of one sample.
    pub input: usize,
    /// What a client that looks would say of a model that was made to leak, by attack.
    pub received: Vec<(String, Vec<String>)>,
}

/// An attack that was run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Attempt {
    /// Directory of its run.
    pub run: String,
    /// Name of the attack.
    pub attack: String,
    /// For headings.
    pub title: String,
    /// Authors, venue, number.
    pub source: String,
    /// Letter of its threat model.
    pub threat_model: String,
    /// What it knows, in words.
    pub knows: Vec<String>,
    /// Seed.
    pub seed: u64,
    /// Backend.
    pub backend: String,
    /// Threads that computed.
    pub threads: Option<usize>,
    /// The command that runs it alone, if one can say it; else its settings do.
    pub command: Option<String>,
    /// Its settings, as TOML.
    pub config: String,
    /// SHA-256 of the file with its result; empty if it has none.
    pub result_sha256: String,
    /// Round by round.
    pub rounds: Vec<Round>,
    /// Why it has no result.
    pub failed: Option<String>,
}

/// What an attack has of one round.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Round {
    /// Federated round.
    pub round: u32,
    /// Samples that came back, of all; absent without a truth.
    pub recovered: Option<usize>,
    /// Mean, best and worst over the samples, in dB.
    pub psnr: Option<[f64; 3]>,
    /// What needs no update, in dB: the best of a grey picture, the mean of other samples, the same search on noise.
    pub without_update: Option<f64>,
    /// Labels that came back, in words.
    pub labels: Option<String>,
    /// What became of it, in words.
    pub verdict: Option<String>,
    /// All figures, by key.
    pub figures: BTreeMap<String, f64>,
    /// Evaluations.
    pub evaluations: usize,
    /// Seconds of computing.
    pub seconds: f64,
}

/// An attack that was not tried.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Untried {
    /// For headings.
    pub title: String,
    /// Its threat model.
    pub threat_model: String,
    /// Why.
    pub why: String,
}

/// Post-processing that was tried against the best attack.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Protection {
    /// Its steps, in words.
    pub steps: Vec<String>,
    /// The same as `post=...`.
    pub setting: String,
    /// Of the best attack and the best that searches, which know of it and adapt, the one that had most.
    pub attempt: Attempt,
    /// No more came back than may.
    pub holds: bool,
    /// Accuracy lost, in words; absent if it was not measured.
    pub cost: Option<String>,
    /// Why it was not.
    pub unmeasured: Option<String>,
    /// Points of accuracy lost, the median.
    pub lost: Option<f64>,
    /// Bytes of an update with and without it.
    pub bytes: Option<(u64, u64)>,
}

impl Report {
    /// As JSON, sealed.
    ///
    /// # Errors
    /// If it cannot be written as JSON.
    pub fn json(&self) -> serde_json::Result<String> {
        let open = Report { seal: seal::open(), ..self.clone() };
        Ok(seal::closed(&format!("{}\n", serde_json::to_string_pretty(&open)?)))
    }

    /// The attempt that had most; of several the one that knew least.
    pub fn best(&self) -> Option<&Attempt> {
        self.attempts.iter().rev().filter(|attempt| !attempt.rounds.is_empty()).max_by(|a, b| a.by_score(b))
    }

    /// The cheapest post-processing that holds: of those whose cost was measured the one that costs least, and of several the one
    /// that lets least through; else the first.
    pub fn cheapest(&self) -> Option<&Protection> {
        let holding = || self.protections.iter().filter(|protection| protection.holds);
        let measured = holding().filter_map(|protection| Some((protection, protection.lost?)));
        let least = measured
            .min_by(|(a, lost), (b, more)| lost.total_cmp(more).then_with(|| a.attempt.by_score(&b.attempt)));
        let least = least.map(|(protection, _)| protection);
        least.or_else(|| holding().next())
    }
}

/// The config of an attempt's run with the evaluations that it was given: of a budget in seconds as they were measured then,
/// however fast the machine is by now.
pub(super) fn as_it_ran(run: &RunDirectory) -> Result<RunConfig, RunError> {
    let mut config = run.manifest()?.config;
    if let Some(budget) = config.attack.search_mut().and_then(|search| search.budget.as_mut()) {
        *budget = budget.as_measured();
    }
    Ok(config)
}

impl Attempt {
    /// Of a run, whether or not it has a result.
    pub(super) fn of(run: &RunDirectory, config: &RunConfig) -> Result<Attempt, RunError> {
        let manifest = match run.manifest() {
            Ok(manifest) => Some(manifest),
            Err(RunError::Gone { .. } | RunError::NotARun { .. }) => None,
            Err(error) => return Err(error),
        };
        let finished: Option<Finished> = run.result();
        let rounds = finished.iter().flat_map(|finished| &finished.rounds);
        let rounds: Vec<Round> = rounds.map(|result| Round::of(config, result)).collect();
        let said = finished.as_ref().and_then(|finished| finished.error.clone());
        let said = said.or_else(|| manifest.as_ref().and_then(|manifest| manifest.error.clone()));
        let failed =
            rounds.is_empty().then(|| said.unwrap_or_else(|| "it was not run to its end".to_owned()));
        let result = crate::files::read(&run.result_path(), crate::files::DOCUMENT).ok();
        let facts = config.attack.kind.facts();
        let of_manifest = |part: fn(&Manifest) -> String| manifest.as_ref().map(part).unwrap_or_default();
        Ok(Attempt {
            run: run.id(),
            attack: facts.name.to_owned(),
            title: facts.title.to_owned(),
            source: facts.source.to_owned(),
            threat_model: config.threat_model().chars().take(1).collect(),
            knows: super::in_words::knows(config),
            seed: config.run.seed,
            backend: of_manifest(|manifest| manifest.backend.clone()),
            threads: manifest.as_ref().and_then(|manifest| manifest.threads),
            command: manifest.as_ref().and_then(command),
            config: toml::to_string(config).unwrap_or_default(),
            result_sha256: result.map(|bytes| seal::sha256(&bytes)).unwrap_or_default(),
            rounds,
            failed,
        })
    }

    /// A word for it: `B-inverting-gradients`.
    pub fn name(&self) -> String {
        format!("{}-{}", self.threat_model, self.attack)
    }

    /// By how much came back.
    pub(super) fn by_score(&self, other: &Attempt) -> Ordering {
        self.score().partial_cmp(&other.score()).unwrap_or(Ordering::Equal)
    }

    /// How much came back: the largest share of the samples of a round, then the best PSNR.
    pub(super) fn score(&self) -> (f64, f64) {
        let share = |round: &Round| round.figures.get("brr").copied().unwrap_or(0.0);
        let psnr = |round: &Round| round.psnr.map_or(f64::NEG_INFINITY, |[mean, ..]| mean);
        let most = |of: &dyn Fn(&Round) -> f64| self.rounds.iter().map(of).fold(f64::NEG_INFINITY, f64::max);
        (most(&share), most(&psnr))
    }

    /// Samples that came back in the round with most, of all.
    pub fn recovered(&self) -> Option<usize> {
        self.rounds.iter().filter_map(|round| round.recovered).max()
    }

    /// The round in which most came back.
    pub fn worst_round(&self) -> Option<&Round> {
        let share = |round: &Round| round.figures.get("brr").copied().unwrap_or(0.0);
        let psnr = |round: &Round| round.psnr.map_or(f64::NEG_INFINITY, |[mean, ..]| mean);
        self.rounds
            .iter()
            .max_by(|a, b| (share(a), psnr(a)).partial_cmp(&(share(b), psnr(b))).unwrap_or(Ordering::Equal))
    }
}

impl Round {
    fn of(config: &RunConfig, result: &RoundResult) -> Round {
        let measured = result.measured();
        let metrics = result.metrics.as_ref();
        let share = metrics.and_then(|metrics| metrics.recovered);
        let baselines = result.baselines.into_iter();
        let scores = baselines.flat_map(|it| [it.grey, it.mean, it.noise]).flatten().map(|score| score.0);
        let psnr = metrics.and_then(|metrics| metrics.psnr);
        let figures = FIGURES.iter().filter_map(|figure| {
            let value = figure.value(&measured).filter(|value| value.is_finite())?;
            Some((figure.word.key.to_owned(), value))
        });
        Round {
            round: result.round,
            recovered: share.map(|share| (share * config.batch() as f64).round() as usize),
            psnr: psnr.map(|Spread { mean, best, worst }| [mean, best, worst].map(|value| value.min(100.0))),
            without_update: scores.reduce(f64::max).filter(|score| score.is_finite()),
            labels: labels::of_round(config, result),
            verdict: verdict::sentence(result),
            figures: figures.collect(),
            evaluations: result.evaluations,
            seconds: result.seconds,
        }
    }
}
