//! The victim: a client's private batch and the model it was sent. Knows the ground truth; the attacker gets
//! an [`AttackerView`] made here and nothing else.

use std::sync::Arc;

use burn::tensor::Tensor;

use crate::attack::{AttackerView, Knowledge, LabelKnowledge, one_hot};
use crate::backend::{Compute, Plain};
use crate::checkpoint::{Checkpoint, CheckpointError, Misfit, Trained};
use crate::config::{BatchNormMode, KnowledgeConfig, Labels, RunConfig};
use crate::data::{self, Batch, DataError, Normalisation};
use crate::model::{self, Model, Net, Parameters, TensorSpec};
use crate::seed::Seed;

use super::{Update, fed_sgd};

/// Why a victim cannot be set up from a config.
#[derive(Debug, thiserror::Error)]
pub enum VictimError {
    /// The data cannot be used.
    #[error(transparent)]
    Data(#[from] DataError),
    /// No architecture has this name.
    #[error("victim.model = \"{name}\" is not known; {suggestion}")]
    UnknownModel {
        /// As given.
        name: String,
        /// The nearest, or all.
        suggestion: String,
    },
    /// The architecture does not fit the data.
    #[error(
        "the model {model} does not fit {} of {channels}x{height}x{width}: {reason}; {}",
        if *height == 1 { "rows of a table" } else { "images" },
        if *height == 1 { "use mlp" } else { "try another victim.size" }
    )]
    Misfit {
        /// Architecture.
        model: String,
        /// Of the images.
        channels: usize,
        /// Of the images.
        height: usize,
        /// Of the images.
        width: usize,
        /// The layer that does not fit.
        reason: String,
    },
    /// The file of weights cannot be read.
    #[error("victim.weights: {0}")]
    Weights(#[from] CheckpointError),
    /// The file of weights is of another model.
    #[error(
        "victim.weights: {path} does not fit {model} for {classes} classes: {differences}{}; gialab inspect {path}",
        likely.as_ref().map(|name| format!("; it looks like {name}")).unwrap_or_default()
    )]
    OtherWeights {
        /// The file.
        path: String,
        /// Architecture of the victim.
        model: String,
        /// Its outputs.
        classes: usize,
        /// What is missing, unexpected or of another shape.
        differences: String,
        /// The built-in model that the file fits best, if it is another one.
        likely: Option<String>,
    },
    /// No network can compute with these weights.
    #[error(
        "victim.weights: {path} cannot be attacked, {name} has {what}: the training diverged, use an earlier checkpoint"
    )]
    NotFinite {
        /// The file.
        path: String,
        /// The tensor.
        name: String,
        /// How many values of which kind.
        what: String,
    },
    /// The architecture has no such option.
    #[error("victim.options.{option} does not fit the model {model}; it takes {takes}")]
    Option {
        /// Architecture.
        model: &'static str,
        /// Given in vain.
        option: &'static str,
        /// What it takes.
        takes: String,
    },
    /// The model has too few outputs.
    #[error("victim.classes = {classes}, but the batch holds label {label}; use {} or more", label + 1)]
    TooFewClasses {
        /// Outputs of the model.
        classes: usize,
        /// A label of the batch.
        label: usize,
    },
}

/// The private side of a run, before any tensor is made.
#[derive(Debug, Clone)]
pub struct Setup {
    /// The private batch.
    pub batch: Batch,
    /// Public map between pixels and model input.
    pub normalisation: Normalisation,
    /// The architecture, fitted to the data.
    pub net: Net,
    /// Values of the architecture's tensors, if they do not come from the seed.
    pub weights: Option<Trained>,
}

impl Setup {
    /// Reads data and weights and fits the architecture.
    ///
    /// # Errors
    /// [`VictimError`] with what does not fit, in one sentence.
    pub fn new(config: &RunConfig) -> Result<Setup, VictimError> {
        let victim = &config.victim;
        let architecture = model::architecture(&victim.model).ok_or_else(|| {
            let names = || model::ARCHITECTURES.iter().map(|architecture| architecture.name);
            let suggestion = match crate::config::nearest(&victim.model, names()) {
                Some(near) => format!("did you mean \"{near}\"?"),
                None => format!("use one of {}", names().collect::<Vec<_>>().join(", ")),
            };
            VictimError::UnknownModel { name: victim.model.clone(), suggestion }
        })?;
        let dataset = data::open(&victim.data)?;
        let batch = match &victim.sample {
            Some(sampling) => dataset.batch(&dataset.draw(sampling, Seed(config.run.seed))?, victim.size)?,
            None => dataset.batch(victim.positions(), victim.size)?,
        };
        let classes = victim.classes.unwrap_or(dataset.classes.len());
        if let Some(&label) = batch.labels.iter().find(|&&label| label >= classes) {
            return Err(VictimError::TooFewClasses { classes, label });
        }
        let [_, channels, height, width] = batch.images.shape();
        if let Some(option) = architecture.unfitting(&victim.options) {
            let takes = architecture.switches.join(", ");
            return Err(VictimError::Option { model: architecture.name, option, takes });
        }
        let net =
            architecture.net(&victim.options, [channels, height, width], classes).map_err(|reason| {
                VictimError::Misfit { model: victim.model.clone(), channels, height, width, reason }
            })?;
        let normalisation = dataset.normalised_by(&victim.normalise)?;
        let weights = victim.weights.as_ref().map(|path| weights(path, &victim.model, &net)).transpose()?;
        Ok(Setup { batch, normalisation, net, weights })
    }
}

fn weights(path: &str, model: &str, net: &Net) -> Result<Trained, VictimError> {
    let checkpoint = Checkpoint::read(path.as_ref())?;
    checkpoint.trained(net).map_err(|misfit| match misfit {
        Misfit::NotFinite { name, what } => VictimError::NotFinite { path: path.to_owned(), name, what },
        Misfit::Shapes(table) => {
            let own =
                |fit: &crate::checkpoint::Fit| fit.architecture == model && fit.classes == net.classes();
            let likely = checkpoint.fit().filter(|fit| !own(fit)).map(|fit| fit.name());
            let (path, model, differences) = (path.to_owned(), model.to_owned(), table.summary());
            VictimError::OtherWeights { path, model, classes: net.classes(), differences, likely }
        }
    })
}

/// The private side of a run on a device.
#[derive(Debug, Clone)]
pub struct Victim {
    setup: Setup,
    model: Model,
    mode: BatchNormMode,
    compute: Compute,
}

impl Victim {
    /// Takes the weights of the file, or draws an untrained model from the run's seed.
    pub fn new(setup: Setup, mode: BatchNormMode, compute: Compute, seed: Seed) -> Victim {
        let net = setup.net.clone();
        let filled = |specs: &Arc<[TensorSpec]>, values: &[Vec<f64>]| {
            let mut values = values.iter().cloned();
            Parameters::from_values(&compute, specs.clone(), |_| values.next().unwrap_or_default())
        };
        let (parameters, buffers) = match &setup.weights {
            Some(weights) => (
                filled(net.parameter_specs(), &weights.parameters),
                filled(net.buffer_specs(), &weights.buffers),
            ),
            None => (net.initial_parameters(&compute, seed), net.initial_buffers(&compute)),
        };
        Victim { setup, model: Model { net, parameters, buffers }, mode, compute }
    }

    /// What the client sends in a round, and its task loss.
    pub fn update(&self) -> (Update, f64) {
        let classes = self.model.net.classes();
        let labels = one_hot(&self.compute, &self.setup.batch.labels, classes);
        fed_sgd(&self.model, self.mode, &self.input(), &labels)
    }

    /// The private batch as the model sees it, `[batch, channels, height, width]`.
    fn input(&self) -> Tensor<Plain, 4> {
        let images = &self.setup.batch.images;
        self.compute.tensor(&self.setup.normalisation.apply(images), images.shape())
    }

    /// The attacker's world: public facts, the update, and what the config grants.
    pub fn view(&self, update: Update, granted: &KnowledgeConfig) -> AttackerView {
        let labels = match granted.labels {
            Labels::Known => LabelKnowledge::Known(self.setup.batch.labels.clone()),
            Labels::Infer => LabelKnowledge::Inferred,
            Labels::Optimise => LabelKnowledge::Optimised,
        };
        let Normalisation { mean, std } = &self.setup.normalisation;
        let range = mean.iter().zip(std).map(|(mean, std)| (-mean / std, (1.0 - mean) / std)).collect();
        AttackerView {
            compute: self.compute.clone(),
            model: self.model.clone(),
            update,
            range,
            knowledge: Knowledge { labels, batch_norm: self.mode },
        }
    }
}
