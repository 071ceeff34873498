//! Makes an audit, step by step. What was computed stays: the same audit goes on where it was left.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use super::budget::Budget;
use super::ladder::{self, Left};
use super::report::{Attempt, Bounds, Input, Report, SCHEMA, Subject, Untried};
use super::{AuditError, Threshold, clients, protection, seal};
use crate::backend::Compute;
use crate::catalogue::literature;
use crate::config::{Method, RunConfig, preset};
use crate::expectation::Experience;
use crate::files;
use crate::fl::self_test::{SelfTest, self_test};
use crate::fl::{AttackerView, Server, Setup, Source, post};
use crate::probe::{self, Dimension, Quartiles, Samples, Settings, dimension};
use crate::run::RunError;
use crate::seed::Seed;
use crate::study::{self, Axis, Conduct, Definition, Pace, Place, Progress, Scale, Study};

/// What is audited, and how.
pub struct Asked {
    /// Of a preset, or of the update's file.
    pub name: String,
    /// The command line.
    pub command: String,
    /// The client, and what attacks begin with.
    pub base: RunConfig,
    /// What the searches may spend in all.
    pub budget: Budget,
    /// Share of the samples that may come back.
    pub limit: f64,
    /// Post-processing to try, as `[{ kind = "sign" }]`; the usual one if there is none.
    pub protections: Vec<String>,
    /// Rounds of the trainings that tell what post-processing costs; none to leave that out.
    pub rounds: u32,
    /// What it is to fail on.
    pub thresholds: Vec<Threshold>,
    /// Where it is kept.
    pub place: PathBuf,
    /// The data directory, which knows what was measured before.
    pub data: PathBuf,
}

/// How it is computed.
pub struct How<'a> {
    /// Where to compute.
    pub backend: &'a str,
    /// Runs at once, each with one thread.
    pub at_once: usize,
    /// Set by whoever wants it to end.
    pub stop: &'a AtomicBool,
}

/// What is being done.
pub enum Step<'a> {
    /// The self-test.
    SelfTest,
    /// Runs of attacks, or of post-processing.
    Runs(&'static str, &'a Progress),
    /// Trainings that tell a cost.
    Cost(&'a str, u32),
}

/// Files by what they are.
pub type Files = Vec<(&'static str, String)>;

/// Makes the audit. Nothing if it was asked to end before it was through.
///
/// # Errors
/// [`AuditError`] with what cannot be done.
pub fn conduct(
    asked: &Asked,
    how: &How<'_>,
    report: &mut dyn FnMut(Step<'_>),
) -> Result<Option<Report>, AuditError> {
    let alone = alone(&asked.place)?;
    let made = make(asked, how, report);
    if made.is_err() {
        forget(&asked.place);
    }
    drop(alone);
    made
}

fn make(
    asked: &Asked,
    how: &How<'_>,
    report: &mut dyn FnMut(Step<'_>),
) -> Result<Option<Report>, AuditError> {
    let has_truth = asked.base.has_truth();
    for threshold in &asked.thresholds {
        threshold.check(has_truth)?;
    }
    let compute = Compute::select(how.backend, asked.base.run.precision)?;
    report(Step::SelfTest);
    let tested = self_test(&asked.base, &compute)?;
    let (base, taken) = taken(&asked.base, tested.as_ref())?;
    let seen = Seen::of(&base, &compute)?;
    protection::check(asked, &base, &seen.setup)?;
    let (attempts, mut left) = ladder::attempts(&base, &seen.setup);
    if attempts.is_empty() {
        let why = left.first().map_or_else(String::new, |left| left.why.clone());
        return Err(AuditError::Nothing(why));
    }
    let searches = attempts.iter().filter(|attempt| searches(&attempt.config)).count();
    let others = clients::others(&base, &seen);
    // Two are set against each post-processing, and one looks at noise.
    let posts = if asked.protections.is_empty() { protection::USUAL } else { asked.protections.len() };
    let later = if has_truth { 1 + 2 * posts } else { 0 };
    let each = asked.budget.each(searches + others.len() + later, how.at_once)?;
    let mut configs = Vec::new();
    for attempt in attempts {
        match within(&attempt.config, &each) {
            Ok(config) => configs.push((attempt.name, config)),
            Err(_) => {
                let why = format!("its share of the budget, {each}, is less than one iteration of it takes");
                left.push(Left { facts: attempt.config.attack.kind.facts(), why });
            }
        }
    }
    if configs.is_empty() {
        let least = "twice as much".to_owned();
        return Err(AuditError::Budget { given: asked.budget.text.clone(), attempts: searches, each, least });
    }
    let attempts = stage(asked, &base, configs, how, "attacks", report)?;
    let Some(attempts) = attempts else { return Ok(None) };
    let mut made = Report {
        schema: SCHEMA,
        gialab: env!("CARGO_PKG_VERSION").to_owned(),
        burn: crate::BURN_VERSION.to_owned(),
        made: crate::run::now(),
        command: asked.command.clone(),
        budget: format!("{} for all searches, {each} for each attack", asked.budget.text),
        subject: subject(asked, &base, &seen),
        self_test: tested,
        taken,
        bounds: seen.bounds(&base, &compute),
        attempts,
        control: None,
        clients: Vec::new(),
        not_tried: left.into_iter().map(Untried::from).collect(),
        elsewhere: literature::attacks().iter().filter(|entry| !entry.runs).count(),
        limit: asked.limit,
        protections: Vec::new(),
        unfit: Vec::new(),
        unprotected: None,
        thresholds: Vec::new(),
        seal: String::new(),
    };
    made.bounds.received = received(&made.attempts, &asked.place);
    if !clients::by_client(asked, others, how, report, &mut made)? {
        return Ok(None);
    }
    if !protection::protect(asked, &seen, how, report, &mut made)? {
        return Ok(None);
    }
    let thresholds: Result<Vec<Threshold>, AuditError> =
        asked.thresholds.iter().cloned().map(|threshold| threshold.judge(&made)).collect();
    made.thresholds = thresholds?;
    Ok(Some(made))
}

/// Takes the directory of an audit away that was refused before it had anything to keep.
fn forget(place: &Path) {
    let held = std::fs::read_dir(place).map_or(0, |items| items.count());
    if held <= 1 {
        // What stays is shown as stopped, which harms nobody.
        let _ = std::fs::remove_file(super::shelf::lock(place));
        let _ = std::fs::remove_dir(place);
    }
}

/// Held as long as one process makes the audit.
fn alone(place: &Path) -> Result<File, AuditError> {
    files::create_directories(place).map_err(|e| RunError::io("create", place, e))?;
    let path = super::shelf::lock(place);
    let file = files::append(&path).map_err(|e| RunError::io("lock", &path, e))?;
    match file.try_lock() {
        // A file system without locks: runs have their own.
        Ok(()) | Err(TryLockError::Error(_)) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(AuditError::Busy),
    }
}

/// The config that everything below is about, and the settings that the self-test found.
fn taken(base: &RunConfig, tested: Option<&SelfTest>) -> Result<(RunConfig, Vec<String>), AuditError> {
    let remedy = tested.and_then(SelfTest::remedy).filter(|remedy| !remedy.changes.is_empty());
    let Some(remedy) = remedy else { return Ok((base.clone(), Vec::new())) };
    let changes = remedy.changes.iter().filter_map(|change| change.split_once('='));
    // What the test itself grants is no finding.
    let changes: Vec<(&str, &str)> = changes.filter(|(key, _)| !key.starts_with("knowledge.")).collect();
    let config = preset::change(base, changes.iter().copied())?;
    Ok((config, changes.iter().map(|(key, value)| format!("{key}={value}")).collect()))
}

/// What there is to see of the client.
pub(super) struct Seen {
    pub setup: Setup,
    pub view: AttackerView,
}

impl Seen {
    fn of(base: &RunConfig, compute: &Compute) -> Result<Seen, AuditError> {
        let setup = Setup::new(base)?;
        let mut estimating = base.clone();
        if base.victim.captured.is_some() && base.post.is_empty() {
            estimating.knowledge.post = crate::config::PostKnowledge::Estimated;
        }
        let model = Server::new(&setup, &estimating, compute.clone()).model;
        let (view, _) = Source::new(setup.clone(), &estimating, compute.clone()).view(&model, 0);
        Ok(Seen { setup, view })
    }

    fn bounds(&self, base: &RunConfig, compute: &Compute) -> Bounds {
        let bound = Dimension::of(&self.view.model.net, base.victim.mode, base.batch());
        let r_eff = self.setup.batch.as_ref().map(|batch| {
            let input = self.setup.normalisation.apply(&batch.images);
            let deviation = vec![1.0; self.view.model.net.input()[0]];
            let samples = Samples { input: &input, labels: &batch.labels, deviation: &deviation };
            let seed = Seed(base.run.seed);
            let found =
                probe::igsa::probe(compute, &self.view.model, samples, Settings::default(), seed, |_, _| {});
            Quartiles::of(found.iter().map(|found| found.r_eff)).median
        });
        Bounds {
            dimension: format!("{} ({})", bound.verdict(), dimension::CAVEATS),
            informative: bound.informative,
            unknowns: bound.unknowns(),
            r_eff,
            input: bound.input,
            received: Vec::new(),
        }
    }
}

/// What a client that looks would say, as the runs of malicious servers have it.
fn received(attempts: &[Attempt], place: &Path) -> Vec<(String, Vec<String>)> {
    let place = Place::at(place.to_path_buf());
    let malicious = attempts.iter().filter(|attempt| "FGH".contains(&attempt.threat_model));
    malicious
        .map(|attempt| {
            let result = place.run(&attempt.run).result();
            let stages =
                result.into_iter().flat_map(|finished| finished.rounds).flat_map(|round| round.stages);
            let mut found: Vec<String> =
                stages.filter(|stage| stage.starts_with("a client that looks")).collect();
            // Once of several rounds.
            found.sort_unstable();
            found.dedup();
            (attempt.title.clone(), found)
        })
        .collect()
}

/// Runs these configs and reads what came of them; nothing if it was asked to end.
pub(super) fn stage(
    asked: &Asked,
    base: &RunConfig,
    configs: Vec<(String, RunConfig)>,
    how: &How<'_>,
    what: &'static str,
    report: &mut dyn FnMut(Step<'_>),
) -> Result<Option<Vec<Attempt>>, AuditError> {
    let names = configs.iter().map(|(name, _)| toml::Value::String(name.clone())).collect();
    let axis = Axis {
        name: what.to_owned(),
        key: Some("attack".into()),
        values: names,
        points: Vec::new(),
        ends: Vec::new(),
    };
    let definition = Definition::of_one_pair(asked.name.clone(), axis);
    let study = Study::made(asked.name.clone(), definition, base.clone(), configs);
    let place = Place::at(asked.place.clone());
    let members = study.members(Scale::default());
    let compute = Compute::select(how.backend, base.run.precision)?;
    let experience = Experience::default();
    let mut pace = Pace::new(&study, &experience, compute.name(), 1)?;
    study::missing(&study, &place, &members, &mut pace)?;
    let conducted =
        Conduct { backend: how.backend, at_once: how.at_once, threads: 1, until: None, stop: how.stop };
    let mut told = |progress: &Progress| report(Step::Runs(what, progress));
    study::conduct(&study, &place, &members, &conducted, &mut pace, &mut told)?;
    if how.stop.load(Ordering::Relaxed) {
        return Ok(None);
    }
    let read = members.iter().map(|member| {
        let run = place.run(&study.id(*member));
        Attempt::of(&run, &study.config(*member))
    });
    Ok(Some(read.collect::<Result<_, _>>()?))
}

pub(super) fn searches(config: &RunConfig) -> bool {
    matches!(config.attack.method, Method::Search(_))
}

/// A config whose search spends no more than this; one that solves as it is.
fn within(config: &RunConfig, each: &str) -> Result<RunConfig, preset::Refused> {
    match searches(config) {
        true => preset::change(config, [("attack.budget", each)]),
        false => Ok(config.clone()),
    }
}

/// What is audited, in words and hashes.
fn subject(asked: &Asked, base: &RunConfig, seen: &Seen) -> Subject {
    let mut files: Files = Vec::new();
    match &base.victim.captured {
        Some(captured) => {
            files.push(("weights", captured.weights.clone()));
            files.push(("update", captured.update.clone()));
            files.extend(captured.truth.clone().map(|truth| ("private samples", truth)));
        }
        None => files.extend(base.victim.weights.clone().map(|weights| ("weights", weights))),
    }
    files.extend(base.knowledge.generator.clone().map(|generator| ("generator", generator)));
    files.extend(base.knowledge.enhancer.clone().map(|enhancer| ("enhancing network", enhancer.file)));
    let input = |(what, path): (&str, String)| {
        // Names of what ships with gialab are no files.
        let bytes = files::read(path.as_ref(), files::STATE).ok()?;
        Some(Input { what: what.to_owned(), path, sha256: seal::sha256(&bytes) })
    };
    let told = seen.view.knowledge.protocol.post.inferred.as_ref().filter(|told| !told.is_empty());
    let told = told.map(|told| format!("{} (told from the update)", post::in_words(told)));
    let has_batch_norm = !seen.setup.net.buffer_specs().is_empty();
    Subject {
        name: asked.name.clone(),
        captured: base.victim.captured.is_some(),
        conditions: [
            format!("model {}, {}", base.victim.model, base.training()),
            format!("loss: {}", base.victim.loss.name()),
            base.protocol(),
        ]
        .into_iter()
        .chain(has_batch_norm.then(|| format!("BatchNorm {}", base.victim.batch_norm())))
        .collect(),
        samples: base.batch(),
        rows: seen.setup.fields.is_some(),
        has_truth: base.has_truth(),
        post: base.post_processing().filter(|_| !base.post.is_empty()).or(told),
        privacy: base.privacy().map(|privacy| privacy.to_string()),
        reading: seen.setup.reading.notes().to_vec(),
        files: files.into_iter().filter_map(input).collect(),
        config: toml::to_string(base).unwrap_or_default(),
    }
}

impl From<Left> for Untried {
    fn from(Left { facts, why }: Left) -> Untried {
        Untried { title: facts.title.to_owned(), threat_model: facts.threat_model.to_string(), why }
    }
}
