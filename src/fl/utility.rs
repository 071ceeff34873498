//! What post-processing costs: the same federation trained with it and without it, from the same seeds.

use super::{Server, Setup, Standing, Victim, VictimError};
use crate::backend::Compute;
use crate::config::RunConfig;
use crate::data::DataError;
use crate::figure::Effect;

/// Clients of a preset that has one alone.
const CLIENTS: u32 = 10;

/// Step size of the server where a preset gives none.
const LEARNING_RATE: f64 = 0.1;

/// Why the cost cannot be measured.
#[derive(Debug, thiserror::Error)]
pub enum UtilityError {
    /// There is nothing to measure.
    #[error(
        "there is no post-processing whose cost could be measured; add one: --set 'post=[{{ kind = \"clip\", norm = 1.0 }}]'"
    )]
    Without,
    /// Nothing can be trained.
    #[error("a captured update has no clients to train; use a preset with victim.data")]
    Captured,
    /// No sample is held out.
    #[error(
        "no sample is held out to measure accuracy by; raise federation.held_out, or take a larger data set"
    )]
    NothingHeldOut,
    /// The federation cannot be set up.
    #[error(transparent)]
    Setup(#[from] VictimError),
    /// A picture cannot be read.
    #[error(transparent)]
    Data(#[from] DataError),
}

/// One training with post-processing and one without, from the same seed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pair {
    /// Their seed.
    pub seed: u64,
    /// What came of the federation without post-processing.
    pub without: Trained,
    /// What came of it with post-processing.
    pub with: Trained,
    /// What post-processing did to an update, the median over clients and rounds.
    pub effect: Effect,
}

impl Pair {
    /// Accuracy lost, 0 to 1; negative if the model became better.
    pub fn drop(&self) -> f64 {
        self.without.standing.accuracy - self.with.standing.accuracy
    }
}

/// What came of a training.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Trained {
    /// On the samples that no client has.
    pub standing: Standing,
    /// Rounds after which the weights were not finite any more, and it ended.
    pub diverged: Option<u32>,
}

/// A preset as a federation that trains for so many rounds: with clients and a step size where it has none.
///
/// # Errors
/// [`UtilityError`] if it has no post-processing, or no clients of its own.
pub fn federation(config: &RunConfig, rounds: u32) -> Result<RunConfig, UtilityError> {
    if config.victim.captured.is_some() {
        return Err(UtilityError::Captured);
    }
    if config.post.is_empty() {
        return Err(UtilityError::Without);
    }
    let mut config = config.clone();
    let federation = &mut config.federation;
    federation.rounds = Some(rounds);
    federation.attack_rounds = vec![0];
    if federation.clients <= federation.secure_aggregation {
        federation.clients = CLIENTS * federation.secure_aggregation;
    }
    federation.learning_rate.get_or_insert(LEARNING_RATE);
    Ok(config)
}

/// Trains a [`federation`] from one seed, with and without its post-processing. `report` is called with the rounds that
/// are done of both.
///
/// # Errors
/// [`UtilityError`] with what went wrong.
pub fn pair(
    config: &RunConfig,
    seed: u64,
    compute: &Compute,
    report: &mut dyn FnMut(u32),
) -> Result<Pair, UtilityError> {
    let mut config = config.clone();
    config.run.seed = seed;
    let rounds = config.rounds();
    let setup = Setup::new(&config)?;
    let (with, effect) = train(&setup, &config, compute, report)?;
    let (without, _) = train(&setup.without_posts(), &config, compute, &mut |round| report(rounds + round))?;
    Ok(Pair { seed, without, with, effect: effect.ok_or(UtilityError::Without)? })
}

fn train(
    setup: &Setup,
    config: &RunConfig,
    compute: &Compute,
    report: &mut dyn FnMut(u32),
) -> Result<(Trained, Option<Effect>), UtilityError> {
    let mut server = Server::new(setup, config, compute.clone());
    let batch = setup.batch.clone().ok_or(UtilityError::Captured)?;
    let (normalisation, posts) = (setup.normalisation.clone(), setup.posts.clone());
    let victim = Victim::new(batch, normalisation, posts, config, compute.clone());
    let (mut effects, mut diverged) = (Vec::new(), None);
    for round in 0..config.rounds() {
        effects.extend(server.train(round, &victim)?);
        if !server.model.parameters.norm().is_finite() {
            diverged = Some(round);
            break;
        }
        report(round + 1);
    }
    let standing = server.standing()?.ok_or(UtilityError::NothingHeldOut)?;
    Ok((Trained { standing, diverged }, Effect::median(&effects)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::path::Path;

    use super::*;
    use crate::backend::Precision;
    use crate::config::preset;

    fn cost(post: &str, rounds: u32) -> Pair {
        let changes =
            [format!("post={post}"), "victim.model=mlp".into(), "victim.options.activation=".into()];
        let config = preset::load("noise", &changes, Path::new("/nonexistent")).unwrap().config;
        let config = federation(&config, rounds).unwrap();
        pair(&config, 0, &Compute::select("flex", Precision::F32).unwrap(), &mut |_| {}).unwrap()
    }

    #[test]
    fn a_post_processing_that_does_nothing_costs_nothing() {
        let pair = cost("[{ kind = \"clip\", norm = 1e9 }]", 10);
        assert_eq!(pair.with, pair.without);
        assert_eq!((pair.drop(), pair.effect.change), (0.0, 0.0));
    }

    #[test]
    fn updates_that_are_almost_noise_alone_spoil_the_model() {
        let pair = cost("[{ kind = \"gaussian-noise\", sigma = 10.0 }]", 30);
        assert!(pair.without.standing.accuracy > 0.4, "{pair:?}");
        // Ten clients average their noise, and few classes are told apart by wild scores as well.
        assert!(pair.drop() > 0.02, "{pair:?}");
        assert!(pair.with.standing.loss > 10.0 * pair.without.standing.loss, "{pair:?}");
        assert!(pair.effect.cosine < 0.2 && pair.effect.change > 5.0, "{pair:?}");
    }

    #[test]
    fn what_cannot_be_measured_is_said() {
        let config = preset::load("ig-lenet", &[], Path::new("/nonexistent")).unwrap().config;
        let refused = federation(&config, 10).unwrap_err().to_string();
        assert!(refused.starts_with("there is no post-processing whose cost"), "{refused}");
    }
}
