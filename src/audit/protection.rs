//! Post-processing that is tried against the best attack, from what changes the update least.

use std::sync::atomic::Ordering;

use super::conduct::{Asked, How, Seen, Step, stage};
use super::processed::{Processed, processed};
use super::report::{Attempt, Protection, Report, as_it_ran};
use super::{AuditError, seal};
use crate::backend::Compute;
use crate::config::{RunConfig, VariableKind, preset};
use crate::fl::Setup;
use crate::fl::post::Posts;
use crate::fl::utility::{UtilityError, federation, pair};
use crate::run::cost::{Cost, Costs};
use crate::run::plan;
use crate::study::Place;

/// Times the accuracy of guessing that a model must have to have learned. Ours.
const LEARNED: f64 = 2.0;

/// Pairs of trainings of which a cost is told.
const PAIRS: u32 = 3;

/// Why a captured update's post-processing has no cost.
const NO_FEDERATION: &str = "what it costs needs a federation to train: describe yours as a preset (victim.weights takes your \
                             model) and audit that";

/// Post-processing that is tried.
struct Tried {
    setting: String,
    /// The best attack against it.
    config: RunConfig,
    /// How many attacks are set against it.
    opponents: usize,
    /// Of an update with and without it, where that is known before any training.
    bytes: Option<(u64, u64)>,
}

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

/// Numbers of an update that are not frozen.
fn sent(seen: &Seen) -> usize {
    let (specs, frozen) = (seen.view.update.values.specs(), seen.view.model.net.frozen());
    (0..specs.len()).filter(|at| !frozen.contains(at)).map(|at| specs[at].count()).sum()
}

/// Post-processing that is tried where nothing is asked for.
pub(super) const USUAL: usize = 1 + SPARSE.len() + NOISE.len();

/// An attack's config against clients that put this on, which it knows of and adapts to.
pub(super) fn against(best: &RunConfig, post: &str) -> Result<RunConfig, preset::Refused> {
    preset::change(best, [("post", post), ("knowledge.post", "known")])
}

/// Why a captured update cannot go through post-processing.
const COMPUTED: &str = "acts on what an update is computed from, and this one is computed";

/// Whether what was asked for can be put on, before anything is computed.
pub(super) fn check(asked: &Asked, base: &RunConfig, setup: &Setup) -> Result<(), AuditError> {
    let fits = |setting: &str| -> Result<(), String> {
        let with = against(base, setting).map_err(|refused| refused.message)?;
        match base.victim.captured {
            None => plan::plan(&with).map(|_| ()).map_err(|e| e.to_string()),
            Some(_) => match Posts::new(&with, &setup.net, &setup.normalisation)?.acts_on_updates() {
                true => Ok(()),
                false => Err(COMPUTED.to_owned()),
            },
        }
    };
    let refused = |setting: &String, why: String| AuditError::Setting(format!("--protect {setting}: {why}"));
    asked.protections.iter().try_for_each(|setting| fits(setting).map_err(|why| refused(setting, why)))
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
    if !made.subject.has_truth {
        made.unprotected = unprotected("without the private samples nothing tells whether it helps");
        return Ok(true);
    }
    let place = Place::at(asked.place.clone());
    let config = as_it_ran(&place.run(&best.run))?;
    let captured = config.victim.captured.is_some();
    if captured && made.subject.post.is_some() {
        made.unprotected = unprotected(
            "there is post-processing on this update already, and more on top of it would tell of both",
        );
        return Ok(true);
    }
    let compute = Compute::select(how.backend, config.run.precision)?;
    // What a client would have sent who puts this on; of a captured update what becomes of it.
    let put_on = |setting: &str| -> Result<Option<Processed>, String> {
        let with = against(&config, setting).map_err(|refused| refused.message)?;
        if !captured {
            return Ok(None);
        }
        let made = processed(&with, seen, &compute, &asked.place).map_err(|e| e.to_string())?;
        made.map(Some).ok_or_else(|| COMPUTED.to_owned())
    };
    let opposed = |opponent: &RunConfig, setting: &str, processed: Option<&Processed>| {
        let with = against(opponent, setting).map_err(|refused| refused.message)?;
        let with = processed.map_or(with.clone(), |processed| processed.on(with));
        plan::plan(&with).map(|_| with).map_err(|e| e.to_string())
    };
    let mut configs = Vec::new();
    const NOISE_ONLY: &str = "[{ kind = \"noise-only\" }]";
    if let Ok(noise) = put_on(NOISE_ONLY)
        && let Ok(control) = opposed(&config, NOISE_ONLY, noise.as_ref())
    {
        configs.push((format!("control_{}", best.name()), control));
    }
    let comes_back = best.score().0 > asked.limit;
    let mut posts = Vec::new();
    if comes_back {
        let norm = seen.view.update.values.norm();
        let usual = || usual(norm, sent(seen));
        let tried = if asked.protections.is_empty() { usual() } else { asked.protections.clone() };
        for setting in tried {
            let with =
                put_on(&setting).and_then(|made| Ok((opposed(&config, &setting, made.as_ref())?, made)));
            match with {
                Ok((with, made_of)) => {
                    let others = opponents(made, &place).into_iter().filter_map(|(name, opponent)| {
                        let with = opposed(&opponent, &setting, made_of.as_ref()).ok()?;
                        // The same audit with other post-processing goes on with what it has of this one.
                        let told = &seal::sha256(setting.as_bytes())[..6];
                        Some((format!("protected-{told}_{name}"), with))
                    });
                    let before = configs.len();
                    configs.extend(others);
                    let bytes = made_of.map(|made_of| made_of.bytes);
                    posts.push(Tried { setting, config: with, opponents: configs.len() - before, bytes });
                }
                // What does not go with this client is no protection of it; what was asked for by name must be said.
                Err(why) if !asked.protections.is_empty() => {
                    return Err(AuditError::Setting(format!("--protect {setting}: {why}")));
                }
                Err(why) => made.unfit.push(format!("{setting}: {why}")),
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
    for Tried { setting, config, opponents, bytes } in posts {
        // The one that has most of it.
        let against = tried.drain(..opponents).max_by(|a, b| a.by_score(b));
        let Some(attempt) = against else { continue };
        let holds = !attempt.rounds.is_empty() && attempt.score().0 <= asked.limit;
        let cost = match costs.of(&config) {
            Some(known) => Ok(known),
            None if !holds => Err("it does not hold".to_owned()),
            None if captured => Err(NO_FEDERATION.to_owned()),
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
            bytes: cost.as_ref().ok().map(|cost| (cost.bytes, cost.bytes_without)).or(bytes),
            unmeasured: cost.as_ref().err().cloned(),
            cost: cost.ok().map(|cost| told(&cost, &seen.setup)),
        });
    }
    Ok(true)
}

/// Who is set against post-processing: the best attack, and the best that searches, for it adapts to everything. Each with the
/// evaluations that its run was given, however fast the machine is by then.
fn opponents(made: &Report, place: &Place) -> Vec<(String, RunConfig)> {
    let config = |attempt: &Attempt| toml::from_str::<RunConfig>(&attempt.config).ok();
    let as_it_ran = |attempt: &Attempt| as_it_ran(&place.run(&attempt.run)).ok().or_else(|| config(attempt));
    let searching =
        made.attempts.iter().filter(|attempt| config(attempt).is_some_and(|config| adapts(&config)));
    let best = searching.filter(|attempt| !attempt.rounds.is_empty()).max_by(|a, b| a.by_score(b));
    let mut opponents: Vec<&Attempt> = made.best().into_iter().chain(best).collect();
    opponents.dedup_by(|a, b| a.run == b.run);
    opponents.into_iter().filter_map(|attempt| Some((attempt.name(), as_it_ran(attempt)?))).collect()
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

/// A cost in words. What a model loses that has not learned in these rounds says nothing, nor what one keeps that had learned
/// before them.
fn told(cost: &Cost, setup: &Setup) -> String {
    let hardly_learned = cost.without.median < LEARNED / setup.net.labels() as f64;
    match (hardly_learned, setup.weights.is_some()) {
        (true, _) => format!("{cost}, of a model that has hardly learned: raise --rounds"),
        (false, true) => format!(
            "{cost}, of weights that were trained before: a model that has to learn under it may lose more (audit it with --set \
             victim.weights=)"
        ),
        (false, false) => cost.to_string(),
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
