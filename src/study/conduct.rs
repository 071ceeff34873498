//! Runs a study: so many runs at once, each a worker of its own, until all have a result. Whoever does it may be killed:
//! its workers end by themselves what they are at, and the next one goes on with the runs that have no result.

use std::collections::{HashMap, VecDeque};
use std::fs::{File, TryLockError};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::StudyError;
use super::grid::{Member, Place, Study};
use super::pace::Pace;
use crate::config::{RunConfig, preset};
use crate::files::{self, Access};
use crate::run::launch::{self, As, BeginError};
use crate::run::{Health, Pulse, Request, RunDirectory, RunError};

/// How often the runs are looked at.
const LOOK: Duration = Duration::from_millis(50);

/// How often a run whose worker vanished is taken up again before it counts as failed.
const ATTEMPTS: u32 = 2;

/// How a run of a study stands.
#[derive(Debug, Clone, PartialEq)]
pub enum Standing {
    /// Not begun.
    Open,
    /// A worker is on it.
    Live,
    /// It was begun and no worker is on it.
    Left,
    /// It ended with an error.
    Failed(String),
    /// It has a result; the seconds it took in one go, if it did.
    Done(Option<f64>),
}

/// How a study gets on.
#[derive(Debug, Clone, Copy, Default)]
pub struct Progress {
    /// Runs with a result.
    pub done: usize,
    /// Runs that ended with an error.
    pub failed: usize,
    /// Runs that are computed.
    pub live: usize,
    /// All runs.
    pub all: usize,
    /// Seconds to go, about.
    pub left: f64,
}

/// What became of it.
#[derive(Debug, Clone, Default)]
pub struct Ended {
    /// Runs with a result, of all.
    pub done: usize,
    /// All runs.
    pub all: usize,
    /// Runs that failed, with the reason.
    pub failed: Vec<(String, String)>,
    /// It ended before all runs had, by request or because its time was over.
    pub early: bool,
}

/// How a study is run.
pub struct Conduct<'a> {
    /// Where to compute, one of [`crate::backend::NAMES`].
    pub backend: &'a str,
    /// Runs at once.
    pub at_once: usize,
    /// Threads of each run.
    pub threads: usize,
    /// Nothing is begun after this moment.
    pub until: Option<Instant>,
    /// Set by whoever wants it to end: runs stop with a checkpoint.
    pub stop: &'a AtomicBool,
}

/// How a run stands, looked at once.
///
/// # Errors
/// If its manifest cannot be read.
pub fn standing(run: &RunDirectory, pulse: &mut Pulse) -> Result<Standing, RunError> {
    let mut look = || run.manifest().map(|manifest| (pulse.health(run, &manifest), manifest));
    let seen = match look() {
        // It may have ended between a look at its manifest and one at its lock.
        Ok((Health::Crashed, _)) => look(),
        seen => seen,
    };
    let (health, manifest) = match seen {
        Ok(seen) => seen,
        // A run that died while its directory was made.
        Err(RunError::Gone { .. } | RunError::NotARun { .. }) => return Ok(Standing::Open),
        Err(error) => return Err(error),
    };
    Ok(match health {
        Health::Done => Standing::Done(run.took_in_one_go()),
        Health::Running | Health::Paused | Health::Queued => Standing::Live,
        Health::Crashed | Health::Stopped => Standing::Left,
        Health::Failed => {
            Standing::Failed(manifest.error.unwrap_or_else(|| "no reason was given".to_owned()))
        }
    })
}

/// The members without a result; what the others took is taken up.
///
/// # Errors
/// If one that is there does not do what the study says now, or cannot be read.
pub fn missing(
    study: &Study,
    place: &Place,
    members: &[Member],
    pace: &mut Pace,
) -> Result<Vec<Member>, StudyError> {
    let mut missing = Vec::new();
    for &member in members {
        let standing = standing(&place.run(&study.id(member)), &mut Pulse::default())?;
        if standing != Standing::Open {
            same_work(study, place, member)?;
        }
        match standing {
            Standing::Done(seconds) => {
                seconds.into_iter().for_each(|seconds| pace.learn(member.cell, seconds))
            }
            _ => missing.push(member),
        }
    }
    Ok(missing)
}

/// Runs these members of a study, after a look at what is [`missing`]. `report` is told how it gets on, a few times a second.
///
/// # Errors
/// If a run cannot be read, or if none can be begun (a full disk).
/// What was begun goes on by itself.
pub fn conduct(
    study: &Study,
    place: &Place,
    members: &[Member],
    how: &Conduct<'_>,
    pace: &mut Pace,
    report: &mut dyn FnMut(&Progress),
) -> Result<Ended, StudyError> {
    keep(study, place)?;
    let mut ended = Ended { all: members.len(), ..Ended::default() };
    let mut open: VecDeque<Member> = VecDeque::new();
    let mut live: HashMap<Member, Pulse> = HashMap::new();
    for &member in members {
        let run = place.run(&study.id(member));
        let mut pulse = Pulse::default();
        match standing(&run, &mut pulse)? {
            Standing::Done(_) => ended.done += 1,
            Standing::Live => drop(live.insert(member, pulse)),
            // One that failed is tried again: what was in its way may be gone.
            Standing::Open | Standing::Left | Standing::Failed(_) => open.push_back(member),
        }
    }
    let mut attempts: HashMap<Member, u32> = HashMap::new();
    let mut stopping = false;
    loop {
        let mut over = Vec::new();
        for (&member, pulse) in &mut live {
            match standing(&place.run(&study.id(member)), pulse)? {
                Standing::Live => continue,
                Standing::Done(seconds) => {
                    ended.done += 1;
                    seconds.into_iter().for_each(|seconds| pace.learn(member.cell, seconds));
                }
                Standing::Failed(reason) => ended.failed.push((study.id(member), reason)),
                Standing::Open | Standing::Left if stopping => open.push_front(member),
                Standing::Open | Standing::Left => match attempts.get(&member) {
                    Some(&tried) if tried > ATTEMPTS => {
                        let reason = format!("its worker vanished {tried} times");
                        ended.failed.push((study.id(member), reason));
                    }
                    _ => open.push_front(member),
                },
            }
            over.push(member);
        }
        live.retain(|member, _| !over.contains(member));
        if how.stop.load(Ordering::Relaxed) && !stopping {
            stopping = true;
            for member in live.keys() {
                place.run(&study.id(*member)).ask(Request::Stop)?;
            }
        }
        let no_more = stopping || how.until.is_some_and(|until| Instant::now() >= until);
        while live.len() < how.at_once && !no_more {
            let Some(member) = open.pop_front() else { break };
            *attempts.entry(member).or_default() += 1;
            match begin(study, place, member, how) {
                Ok(()) => drop(live.insert(member, Pulse::default())),
                // Somebody else took it up.
                Err(BeginError::Run(RunError::Busy { .. })) => drop(live.insert(member, Pulse::default())),
                Err(BeginError::Run(RunError::WorkerDied { reason, .. })) => {
                    ended.failed.push((study.id(member), reason))
                }
                Err(BeginError::Plan(reason)) => ended.failed.push((study.id(member), reason.to_string())),
                Err(error) => return Err(error.into()),
            }
        }
        let left = pace.left(open.iter().chain(live.keys()).copied(), how.at_once);
        report(&Progress {
            done: ended.done,
            failed: ended.failed.len(),
            live: live.len(),
            all: ended.all,
            left,
        });
        if live.is_empty() && (open.is_empty() || no_more) {
            ended.early = !open.is_empty();
            return Ok(ended);
        }
        std::thread::sleep(LOOK);
    }
}

/// Begins a run, or goes on with it.
fn begin(study: &Study, place: &Place, member: Member, how: &Conduct<'_>) -> Result<(), BeginError> {
    let id = study.id(member);
    let run = place.run(&id);
    match run.manifest() {
        Ok(_) => return Ok(launch::launch(&run)?),
        // Left by one that was killed while it made the directory; whoever is at that still holds its lock.
        Err(RunError::NotARun { .. }) => place.store().delete(&run)?,
        Err(RunError::Gone { .. }) => {}
        Err(error) => return Err(error.into()),
    }
    let named = As { name: Some(&id), threads: Some(how.threads) };
    launch::begin(&place.store(), &study.definition.preset, &study.config(member), how.backend, named)?;
    Ok(())
}

/// Held as long as one process runs the study. Job arrays do without: each of their runs has its own lock.
///
/// # Errors
/// If another process is at it, or its directory cannot be made.
pub fn alone(study: &Study, place: &Place) -> Result<File, StudyError> {
    let path = place.path().join("lock");
    files::create_directories(place.path())
        .map_err(|e| StudyError::Run(RunError::io("create", place.path(), e)))?;
    let failed = |error| StudyError::Run(RunError::io("lock", &path, error));
    let file = files::append(&path).map_err(failed)?;
    match file.try_lock() {
        // A file system without locks: runs have their own.
        Ok(()) | Err(TryLockError::Error(_)) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StudyError::Busy { study: study.name.clone() }),
    }
}

/// Keeps what the study says beside its runs, for readers that have not its file.
///
/// # Errors
/// If it cannot be written.
pub fn keep(study: &Study, place: &Place) -> Result<(), StudyError> {
    let path = place.definition();
    files::create_directories(place.path())
        .map_err(|e| StudyError::Run(RunError::io("create", place.path(), e)))?;
    let text = toml::to_string(&study.definition)
        .map_err(|e| StudyError::Run(RunError::io("write", &path, std::io::Error::other(e))))?;
    files::write(&path, text.as_bytes(), Access::Private)
        .map_err(|e| StudyError::Run(RunError::io("write", &path, e)))
}

/// A run that is there already does what the study says now.
fn same_work(study: &Study, place: &Place, member: Member) -> Result<(), StudyError> {
    let run = place.run(&study.id(member));
    let found = run.manifest()?.config;
    let differs = difference(&launch::anchored(&study.config(member)), &found);
    match differs {
        None => Ok(()),
        Some(key) => Err(StudyError::Other { path: place.path().to_path_buf(), run: run.id(), key }),
    }
}

/// The first setting in which two configs differ, but for words, what to expect, and the choice among a file's state dicts.
fn difference(asked: &RunConfig, found: &RunConfig) -> Option<String> {
    let settings = |config: &RunConfig| {
        let mut config = config.clone();
        (config.title, config.about, config.group, config.expect) = Default::default();
        config.victim.weights_key = None;
        preset::flat(&config)
    };
    let (asked, found) = (settings(&as_measured(asked, found)), settings(found));
    let keys = asked.keys().chain(found.keys());
    keys.into_iter().find(|key| asked.get(*key) != found.get(*key)).cloned()
}

/// What is asked, with the evaluations that a run was measured to have in the seconds that are asked.
fn as_measured(asked: &RunConfig, found: &RunConfig) -> RunConfig {
    let budget = |config: &RunConfig| config.attack.search().and_then(|search| search.budget);
    let measured = budget(found).filter(|found| found.evaluations.is_some());
    let same = measured.filter(|found| {
        budget(asked).is_some_and(|asked| asked.seconds.is_some() && asked.seconds == found.seconds)
    });
    let attack = same.and_then(|measured| asked.attack.within(measured).ok());
    RunConfig { attack: attack.unwrap_or_else(|| asked.attack.clone()), ..asked.clone() }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::path::Path;

    use super::*;

    fn config(budget: &str) -> RunConfig {
        let budget = format!("attack.budget={budget}");
        preset::load("ig-lenet", &[budget], Path::new("/nonexistent")).unwrap().config
    }

    #[test]
    fn a_run_that_was_measured_does_what_was_asked_in_seconds() {
        let measured = config("{ seconds = 60, evaluations = 4312 }");
        assert_eq!(difference(&config("60s"), &measured), None);
        assert!(difference(&config("30s"), &measured).is_some());
        assert!(difference(&config("4312"), &measured).is_some());
        assert!(difference(&config("60s"), &config("4312")).is_some());
    }
}
