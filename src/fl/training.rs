//! Training a victim's model on a whole data set, not federated: for attacks on trained weights.

use rand::seq::SliceRandom;

use super::{Population, Server, Setup, Standing};
use crate::backend::Compute;
use crate::config::{BatchNormMode, RunConfig};
use crate::data::DataError;
use crate::model::generator::{self, Autoencoder, Generator, Schedule, TrainingFailure};
use crate::model::{Descent, Memory, Model, Optimiser, Step, Targets};
use crate::seed::Seed;

/// How to train: SGD with momentum on shuffled batches, the step size falling as half a cosine over all steps.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Training {
    /// Passes over the data.
    pub epochs: u32,
    /// Samples of a step.
    pub batch: usize,
    /// Step size at the beginning.
    pub learning_rate: f64,
    /// Momentum.
    pub momentum: f64,
    /// Weight decay.
    pub weight_decay: f64,
}

/// Why training ended without a model.
#[derive(Debug, thiserror::Error)]
pub enum TrainingError {
    /// A picture cannot be read.
    #[error(transparent)]
    Data(#[from] DataError),
    /// Nothing to learn from.
    #[error("{set} has no samples left to train on besides the attacked ones and those held out")]
    NoData {
        /// Data set.
        set: String,
    },
    /// The weights are not finite any more.
    #[error(
        "training diverged in epoch {epoch}: the weights are not finite any more; lower the learning rate"
    )]
    Diverged {
        /// 1-based.
        epoch: u32,
    },
    /// No generator makes such pictures.
    #[error("a generator cannot be trained: {0}; choose another victim.size")]
    Generator(String),
    /// The victim's network has no front that could be an encoder.
    #[error("an autoencoder cannot be trained: the model {0}; choose another victim.model (lenet5)")]
    Autoencoder(String),
}

impl From<TrainingFailure<DataError>> for TrainingError {
    fn from(failure: TrainingFailure<DataError>) -> TrainingError {
        match failure {
            TrainingFailure::Data(error) => TrainingError::Data(error),
            TrainingFailure::Diverged { epoch } => TrainingError::Diverged { epoch },
        }
    }
}

/// Trains a generator of `width` channels and codes of `latent` numbers on the same samples, and on their labels: the
/// attacked ones and those held out are never seen. `report` is told the means of every epoch.
///
/// # Errors
/// [`TrainingError`] with what went wrong.
pub fn train_generator(
    setup: &Setup,
    config: &RunConfig,
    (latent, width): (usize, usize),
    schedule: Schedule,
    compute: &Compute,
    report: &mut dyn FnMut(u32, generator::Standing),
) -> Result<Generator, TrainingError> {
    let (population, samples) = learnt(setup, config)?;
    let net = generator::upsampling(latent, setup.net.labels(), setup.net.input(), width);
    let net = net.map_err(TrainingError::Generator)?;
    let mut pictures = |chosen: &[usize]| {
        let chosen: Vec<usize> = chosen.iter().map(|&at| samples[at]).collect();
        population.batch(&chosen).map(|batch| (batch.images.pixels, batch.labels))
    };
    let seed = Seed(config.run.seed);
    let made = generator::train(net, samples.len(), &mut pictures, schedule, compute, seed, report);
    made.map_err(TrainingError::from)
}

/// Trains the front of the victim's network with a decoder of `width` channels on the same samples. `report` is told the mean
/// squared error of a pixel in every epoch.
///
/// # Errors
/// [`TrainingError`] with what went wrong.
pub fn train_autoencoder(
    setup: &Setup,
    config: &RunConfig,
    width: usize,
    schedule: Schedule,
    compute: &Compute,
    report: &mut dyn FnMut(u32, f64),
) -> Result<Autoencoder, TrainingError> {
    let (population, samples) = learnt(setup, config)?;
    let (front, features) = generator::front(&setup.net).map_err(TrainingError::Autoencoder)?;
    let decoder = generator::upsampling(features, 0, setup.net.input(), width);
    let decoder = decoder.map_err(TrainingError::Generator)?;
    let mut pictures = |chosen: &[usize]| {
        let chosen: Vec<usize> = chosen.iter().map(|&at| samples[at]).collect();
        let images = population.batch(&chosen)?.images;
        Ok((setup.normalisation.apply(&images), images.pixels))
    };
    let seed = Seed(config.run.seed);
    let count = samples.len();
    let made = generator::train_autoencoder(
        (setup.net.input(), front),
        decoder,
        count,
        &mut pictures,
        schedule,
        compute,
        seed,
        report,
    );
    made.map_err(TrainingError::from)
}

/// The samples that are neither attacked nor held out.
fn learnt<'a>(setup: &'a Setup, config: &RunConfig) -> Result<(&'a Population, Vec<usize>), TrainingError> {
    let no_data = || TrainingError::NoData { set: config.victim.data.clone() };
    let population = setup.population.as_ref().ok_or_else(no_data)?;
    let samples: Vec<usize> = population.clients().iter().flatten().copied().collect();
    if samples.is_empty() { Err(no_data()) } else { Ok((population, samples)) }
}

/// Trains the model of a config on the population of its set-up: the data set without the attacked samples and those held out, BatchNorm in train
/// mode. `report` is called with the epochs done and the standing on what is held out, first before any.
///
/// # Errors
/// [`TrainingError`] with what went wrong.
pub fn train(
    setup: &Setup,
    config: &RunConfig,
    training: Training,
    compute: &Compute,
    report: &mut dyn FnMut(u32, Option<Standing>),
) -> Result<Model, TrainingError> {
    let seed = Seed(config.run.seed);
    let mut server = Server::new(setup, config, compute.clone());
    let (population, mut samples) = learnt(setup, config)?;
    report(0, server.standing()?);
    let steps = training.epochs as usize * samples.len().div_ceil(training.batch);
    let mut step = 0;
    let mut memory = Memory::default();
    for epoch in 1..=training.epochs {
        samples.sort_unstable();
        samples.shuffle(&mut seed.stream("training", &[u64::from(epoch)]));
        for chosen in samples.chunks(training.batch) {
            let batch = population.batch(chosen)?;
            let x = compute.tensor(&setup.normalisation.apply(&batch.images), batch.images.shape());
            let targets = Targets::hard(compute, &batch.labels, server.model.net.classes());
            let fallen = 0.5 * (1.0 + (std::f64::consts::PI * step as f64 / steps as f64).cos());
            let descent = Descent {
                optimiser: Optimiser::sgd(training.momentum),
                weight_decay: training.weight_decay,
                ..Descent::sgd(training.learning_rate * fallen, vec![Step::of((0..chosen.len()).collect())])
            };
            (server.model, memory) =
                server.model.descend_from(memory, BatchNormMode::Train, &x, &targets, &descent);
            step += 1;
        }
        if !server.model.parameters.norm().is_finite() {
            return Err(TrainingError::Diverged { epoch });
        }
        report(epoch, server.standing()?);
    }
    Ok(server.model)
}
