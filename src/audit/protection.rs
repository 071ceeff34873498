//! Post-processing that is tried against the best attack, from what changes the update least.

use std::sync::atomic::Ordering;

use super::AuditError;
use super::conduct::{Asked, How, Seen, Step, stage};
use super::report::{Attempt, Protection, Report};
use crate::backend::Compute;
use crate::config::{RunConfig, VariableKind, preset};
use crate::fl::Setup;
use crate::fl::utility::{UtilityError, federation, pair};
use crate::run::cost::{Cost, Costs};
use crate::run::plan;

/// Times the accuracy of guessing that a model must have to have learned. Ours.
const LEARNED: f64 = 2.0;

/// Pairs of trainings of which a cost is told.
const PAIRS: u32 = 3;

/// Shares of zeros, and noise as a share of the update's norm.
const SPARSE: [f64; 2] = [0.9, 0.99];
const NOISE: [f64; 3] = [0.3, 1.0, 3.0];

/// What is tried where nothing is asked for, as `post=...`: quantisation, sparsification, noise. `norm` is that of the clean
/// update, of so many numbers.
pub(super) fn usual(norm: f64, numbers: usize) -> Vec<String> {
    let quantise = ["[{ kind = \"quantise\", levels = 7 }]".to_owned()];
    let sparse = SPARSE.map(|share| format!("[{{ kind = \"sparsify\", share = {share} }}]"));
    let noise = NOISE.map(|share| {
        let sigma = share * norm / (numbers.max(1) as f64).sqrt();
        format!("[{{ kind = \"gaussian-noise\", sigma = {sigma:.1e} }}]")
    });
    quantise.into_iter().chain(sparse).chain(noise).collect()
}

/// An attack's config against clients that put this on, which it knows of and adapts to.
pub(super) fn against(best: &RunConfig, post: &str) -> Result<RunConfig, preset::Refused> {
    preset::change(best, [("post", post), ("knowledge.post", "known")])
}

/// Tries post-processing against the best attack, and that attack on noise. False if it was asked to end.
pub(super) fn protect(
    asked: &Asked,
    seen: &Seen,
    how: &How<'_>,
    report: &mut dyn FnMut(Step<'_>),
    made: &mut Report,
) -> Result<bool, AuditError> {
    let unprotected = |why: &str| Some(why.to_owned());
    let Some(best) = made.best().cloned() else {
        made.unprotected = unprotected("no attack came to an end");
        return Ok(true);
    };
    let config: RunConfig = toml::from_str(&best.config)
        .map_err(|e| AuditError::Setting(format!("{}: {}", best.run, e.message())))?;
    if config.victim.captured.is_some() {
        made.unprotected = unprotected(
            "what a client's post-processing protects from, and what it costs, needs a federation to train: describe yours as \
             a preset (victim.weights takes your model) and audit that",
        );
        return Ok(true);
    }
    let mut configs = Vec::new();
    if let Ok(control) = against(&config, "[{ kind = \"noise-only\" }]") {
        configs.push((format!("control_{}", best.name()), control));
    }
    let comes_back = best.score().0 > asked.limit;
    let mut posts = Vec::new();
    if comes_back {
        let norm = seen.view.update.values.norm();
        let usual = || usual(norm, seen.view.update.values.count());
        let tried = if asked.protections.is_empty() { usual() } else { asked.protections.clone() };
        for (at, setting) in tried.into_iter().enumerate() {
            let with = against(&config, &setting);
            // What does not go with this client is no protection of it; what was asked for by name must be said.
            match with {
                Ok(with) if plan::plan(&with).is_ok() => {
                    let others = opponents(made).into_iter().filter_map(|(name, opponent)| {
                        let with = against(&opponent, &setting).ok()?;
                        plan::plan(&with).is_ok().then(|| (format!("protected-{at}_{name}"), with))
                    });
                    let before = configs.len();
                    configs.extend(others);
                    posts.push((setting, with, configs.len() - before));
                }
                Ok(with) if !asked.protections.is_empty() => {
                    let why = plan::plan(&with).err().map_or_else(String::new, |e| e.to_string());
                    return Err(AuditError::Setting(format!("--protect {setting}: {why}")));
                }
                Err(refused) if !asked.protections.is_empty() => return Err(refused.into()),
                _ => {}
            }
        }
    } else {
        let why = "no more came back than may, so that nothing was tried against it";
        made.unprotected = unprotected(why);
    }
    let tried = stage(asked, &config, configs, how, "controls and post-processing", report)?;
    let Some(mut tried) = tried else { return Ok(false) };
    if tried.first().is_some_and(|first| first.run.starts_with("control_")) {
        made.control = Some(tried.remove(0));
    }
    let costs = Costs::in_data_dir(&asked.data);
    for (setting, config, opponents) in posts {
        // The one that has most of it.
        let against = tried.drain(..opponents).max_by(|a, b| a.by_score(b));
        let Some(attempt) = against else { continue };
        let holds = !attempt.rounds.is_empty() && attempt.score().0 <= asked.limit;
        let cost = match costs.of(&config) {
            Some(known) => Ok(known),
            None if !holds => Err("it does not hold".to_owned()),
            None if asked.rounds == 0 => Err("--rounds 0".to_owned()),
            None => cost(&config, asked.rounds, how, report)?,
        };
        if how.stop.load(Ordering::Relaxed) {
            return Ok(false);
        }
        made.protections.push(Protection {
            steps: config.post_steps(),
            setting: format!("post={setting}"),
            attempt,
            holds,
            lost: cost.as_ref().ok().map(|cost| 100.0 * cost.drop.median),
            bytes: cost.as_ref().ok().map(|cost| (cost.bytes, cost.bytes_without)),
            unmeasured: cost.as_ref().err().cloned(),
            cost: cost.ok().map(|cost| told(&cost, seen.setup.net.labels())),
        });
    }
    Ok(true)
}

/// Who is set against post-processing: the best attack, and the best that searches, for it adapts to everything.
fn opponents(made: &Report) -> Vec<(String, RunConfig)> {
    let config = |attempt: &Attempt| toml::from_str::<RunConfig>(&attempt.config).ok();
    let searching =
        made.attempts.iter().filter(|attempt| config(attempt).is_some_and(|config| adapts(&config)));
    let best = searching.filter(|attempt| !attempt.rounds.is_empty()).max_by(|a, b| a.by_score(b));
    let mut opponents: Vec<&Attempt> = made.best().into_iter().chain(best).collect();
    opponents.dedup_by(|a, b| a.run == b.run);
    opponents.into_iter().filter_map(|attempt| Some((attempt.name(), config(attempt)?))).collect()
}

/// Whether an attack searches from the update alone: equations that have to hold exactly have no solution under noise.
fn adapts(config: &RunConfig) -> bool {
    let search = config.attack.search();
    search.is_some_and(|search| search.variables().all(|variable| variable != VariableKind::NullSpace))
}

/// What post-processing costs in accuracy, or why that cannot be measured.
fn cost(
    config: &RunConfig,
    rounds: u32,
    how: &How<'_>,
    report: &mut dyn FnMut(Step<'_>),
) -> Result<Result<Cost, String>, AuditError> {
    let compute = Compute::select(how.backend, config.run.precision)?;
    let steps = config.post_steps().join(", ");
    let mut measure = || -> Result<Option<Cost>, UtilityError> {
        let trained = federation(config, rounds)?;
        let setup = Setup::new(&trained)?;
        let mut pairs = Vec::new();
        for number in 0..PAIRS {
            if how.stop.load(Ordering::Relaxed) {
                return Ok(None);
            }
            let seed = trained.run.seed.saturating_add(u64::from(number));
            let mut told = |round| report(Step::Cost(&steps, 2 * rounds * number + round));
            pairs.push(pair(&trained, seed, &compute, &mut told)?);
        }
        let parameters = (setup.net.parameter_count(), setup.without_posts().net.parameter_count());
        Ok(Cost::of(config, &trained, parameters, &pairs))
    };
    Ok(match measure() {
        Ok(Some(cost)) => Ok(cost),
        Ok(None) => Err("it was stopped".to_owned()),
        Err(error) => Err(error.to_string()),
    })
}

/// A cost in words. What a model loses that has not learned in these rounds says nothing.
fn told(cost: &Cost, labels: usize) -> String {
    match cost.without.median < LEARNED / labels as f64 {
        true => format!("{cost}, of a model that has hardly learned: raise --rounds"),
        false => cost.to_string(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::path::Path;

    use super::*;

    #[test]
    fn every_usual_step_can_be_put_on() {
        let config = preset::load("ig-lenet", &[], Path::new("/nonexistent")).unwrap().config;
        for post in usual(2.0, 16_000) {
            let with = against(&config, &post).unwrap();
            assert_eq!(with.post.len(), 1, "{post}");
        }
    }
}
