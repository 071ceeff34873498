//! What a federation is set up from: data, weights and architecture, read and held against each other before any
//! tensor is made.

use std::sync::Arc;

use crate::config::{self, BatchNormMode, RunConfig, VictimConfig};
use crate::data::{self, Batch, DataError, Dataset, Normalisation};
use crate::model::enhancer::Enhancer;
use crate::model::{self, Net};
use crate::reading::Reading;
use crate::seed::Seed;
use crate::weights::{self, Choice, Misfit, Table, Trained, TrainedGenerator, WeightFile, WeightFileError};

use super::Population;
use super::captured::{self, CapturedError, CapturedUpdate};
use super::post::{self, Posts};
use super::{enhancer, generator};

/// Why a victim cannot be set up from a config.
#[derive(Debug, thiserror::Error)]
pub enum VictimError {
    /// The data cannot be used.
    #[error(transparent)]
    Data(#[from] DataError),
    /// No architecture has this name.
    #[error("{}", config::not_known("the model", name, model::names()))]
    UnknownModel {
        /// As given.
        name: String,
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
    /// One sample in train mode, where a BatchNorm sees one value of it.
    #[error(
        "victim.mode = \"train\" with a batch of one: a BatchNorm of {model} gets one value a channel here, which has no \
         variance (PyTorch refuses it too); take more samples, a larger victim.size, or victim.mode = \"eval\""
    )]
    NoVariance {
        /// Architecture.
        model: String,
    },
    /// Post-processing cannot be used as the preset has it.
    #[error("{0}")]
    Post(String),
    /// The files of a captured update cannot be used.
    #[error(transparent)]
    Captured(#[from] CapturedError),
    /// A file of tensors cannot be read.
    #[error("{key}: {error}")]
    File {
        /// Where the config names it.
        key: &'static str,
        /// Why.
        error: WeightFileError,
    },
    /// A file of tensors is of another model.
    #[error(
        "{key}: {path} does not fit {model} for {classes} classes: {differences}{}; gialab inspect {path}",
        likely.as_ref().map(|name| format!("; it looks like {name}")).unwrap_or_default()
    )]
    OtherModel {
        /// Where the config names it.
        key: &'static str,
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
    /// A file of tensors does not give those of the model.
    #[error("{key}: {path} {what}")]
    Unusable {
        /// Where the config names it.
        key: &'static str,
        /// The file.
        path: String,
        /// What is wrong, and the way out.
        what: String,
    },
    /// No network can compute with these weights.
    #[error(
        "{key}: {path} cannot be attacked, {name} has {what}: {}",
        if key.ends_with("update") {
            "mixed precision overflowed, and its loss scaler skips such a step; capture the next one, or compute it in \
             float32"
        } else {
            "the training diverged, use an earlier checkpoint"
        }
    )]
    NotFinite {
        /// Where the config names it.
        key: &'static str,
        /// The file.
        path: String,
        /// The tensor.
        name: String,
        /// How many values of which kind.
        what: String,
    },
    /// Too little data for so many clients.
    #[error(
        "federation.clients = {clients}, but {left} samples of {set} are left for {others} of them; use fewer clients or more data"
    )]
    TooManyClients {
        /// As configured.
        clients: u32,
        /// Those that are not attacked.
        others: usize,
        /// Samples that are neither attacked nor held out.
        left: usize,
        /// Data set.
        set: String,
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
    #[error("victim.classes = {classes}, but the data holds label {label}; use {} or more", label + 1)]
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
    /// Positions of the private batch in the data set; empty if it comes from elsewhere.
    pub attacked: Vec<usize>,
    /// The private batch; absent if an update came from outside without it.
    pub batch: Option<Batch>,
    /// Map between pixels and the clients' model input.
    pub normalisation: Normalisation,
    /// What the attacker takes that map for: another one only where it is not granted a client's own.
    pub taken: Normalisation,
    /// The architecture, fitted to the data.
    pub net: Net,
    /// The same without the steps of post-processing that are a part of it; absent where none is.
    pub bare: Option<Net>,
    /// Values of the architecture's tensors, if they do not come from the seed.
    pub weights: Option<Trained>,
    /// The samples of the other clients and those held out, if the global model trains.
    pub population: Option<Population>,
    /// The update, if it came from outside.
    pub captured: Option<CapturedUpdate>,
    /// What clients do to their updates before they send them.
    pub posts: Posts,
    /// Values of each field of a table's row; absent for pictures.
    pub fields: Option<Arc<[usize]>>,
    /// The generator that the attacker is granted.
    pub generator: Option<Arc<TrainedGenerator>>,
    /// The network that it passes its answer through.
    pub enhancer: Option<Arc<Enhancer>>,
    /// SHA-256 of the file of that network.
    pub enhancer_sha256: Option<String>,
    /// How the files were read.
    pub reading: Reading,
}

impl Setup {
    /// Reads data, weights and a captured update, and fits the architecture.
    ///
    /// # Errors
    /// [`VictimError`] with what does not fit, in one sentence.
    pub fn new(config: &RunConfig) -> Result<Setup, VictimError> {
        Setup::read(config, true)
    }

    /// The same, but of an update that is not what it is taken for: what speaks against it is noted, not refused.
    ///
    /// # Errors
    /// As [`Setup::new`].
    pub(super) fn unquestioned(config: &RunConfig) -> Result<Setup, VictimError> {
        Setup::read(config, false)
    }

    fn read(config: &RunConfig, questioned: bool) -> Result<Setup, VictimError> {
        let setup = match &config.victim.captured {
            Some(captured) => captured::setup(config, captured, questioned)?,
            None => Setup::simulated(config)?,
        };
        setup.has_variance(config)?;
        Ok(setup)
    }

    /// A BatchNorm in train mode needs more than one value a channel, as in PyTorch.
    fn has_variance(&self, config: &RunConfig) -> Result<(), VictimError> {
        let local = match &config.victim.captured {
            Some(captured) => captured.local,
            None => config.federation.local(),
        };
        let each = config.batch() / config.federation.secure_aggregation.max(1) as usize;
        let least = local.map_or(each, |local| local.smallest_batch(each));
        if config.victim.mode == BatchNormMode::Train && least == 1 && self.net.normalises_single_values() {
            return Err(VictimError::NoVariance { model: config.victim.model.clone() });
        }
        Ok(())
    }

    /// The same side, whose clients send their updates as they are, of a network without any part of post-processing.
    #[must_use]
    pub fn without_posts(&self) -> Setup {
        let bare = self.bare.as_ref();
        Setup {
            net: bare.unwrap_or(&self.net).clone(),
            weights: self.weights.as_ref().map(|weights| match bare {
                Some(bare) => weights.among(self.net.parameter_specs(), bare.parameter_specs()),
                None => weights.clone(),
            }),
            bare: None,
            posts: Posts::default(),
            ..self.clone()
        }
    }

    fn simulated(config: &RunConfig) -> Result<Setup, VictimError> {
        let victim = &config.victim;
        let (dataset, attacked) = opened(config)?;
        let batch = dataset.batch(&attacked, victim.size)?;
        let classes = victim.classes.unwrap_or(dataset.classes.len());
        let [_, channels, height, width] = batch.images.shape();
        let net = fitted(victim, [channels, height, width], classes)?;
        let plain = net.clone();
        let net = post::network(&config.post, net).map_err(VictimError::Post)?;
        let bare = (plain.parameter_specs() != net.parameter_specs()).then_some(plain);
        if let Some(&label) = batch.labels.iter().find(|&&label| label >= net.labels()) {
            return Err(VictimError::TooFewClasses { classes, label });
        }
        let public = dataset.normalised_by(&victim.normalise, &attacked)?;
        let own = victim.normalise.is_clients().then(|| dataset.normalisation_of(&attacked));
        let normalisation = own.unwrap_or_else(|| public.clone());
        let assumed = if config.knowledge.normalisation { normalisation.clone() } else { public };
        let weights = victim.weights.as_ref().map(|path| {
            let file = File::read("victim.weights", path, choice(victim))?;
            file.of(&victim.model, &net, |content| content.trained(&net))
        });
        let weights = weights.transpose()?;
        let batch = Some(batch);
        let posts = Posts::new(config, &net, &normalisation).map_err(VictimError::Post)?;
        let mut reading = dataset.reading.clone();
        reading.extend(dataset.normalisation_reading(&victim.normalise, &attacked));
        if let (Some(path), Some(weights)) = (&victim.weights, &weights) {
            reading.extend(taken(path, weights));
        }
        let enhancer = enhancer::granted(config.knowledge.enhancer.as_ref(), net.input()[0], &mut reading)?;
        let (enhancer, enhancer_sha256) = enhancer.unzip();
        let mut setup = Setup {
            enhancer,
            enhancer_sha256,
            fields: dataset.fields(),
            attacked,
            batch,
            normalisation,
            taken: assumed,
            net,
            bare,
            weights,
            population: None,
            captured: None,
            posts,
            generator: generator::granted(config.knowledge.generator.as_deref())?,
            reading,
        };
        if config.trains() {
            setup.population = Some(setup.population(dataset, config)?);
        } else if config.knowledge.manipulate && setup.weights.is_some() {
            // How good a model is that is sent instead of a trained one; where that cannot be had, nobody needs it.
            setup.population = setup.population(dataset, config).ok();
        }
        Ok(setup)
    }

    /// The rest of the data set, dealt to the clients that are not attacked.
    ///
    /// # Errors
    /// [`VictimError`] if there is too little for so many clients.
    fn population(&self, dataset: Dataset, config: &RunConfig) -> Result<Population, VictimError> {
        let [_, height, width] = self.net.input();
        let size = (height == width).then_some(height);
        let population = Population::new(dataset, &self.attacked, size, config, Seed(config.run.seed))?;
        let beyond = population.labels().find(|&&label| label >= self.net.labels()).copied();
        match beyond {
            Some(label) => Err(VictimError::TooFewClasses { classes: self.net.classes(), label }),
            None => Ok(population),
        }
    }
}

/// The data set of simulated clients, as far as it is public, and which of its samples are attacked.
///
/// # Errors
/// If it cannot be opened, or has too few samples.
pub fn opened(config: &RunConfig) -> Result<(Dataset, Vec<usize>), DataError> {
    let dataset = data::open(&config.victim.data)?;
    let attacked = attacked(config, &dataset)?;
    Ok((dataset.without_telling(&attacked), attacked))
}

/// Which samples of a data set are the private batch: those that are named, or drawn ones.
pub(super) fn attacked(config: &RunConfig, dataset: &Dataset) -> Result<Vec<usize>, DataError> {
    match &config.victim.sample {
        Some(sampling) => dataset.draw(sampling, Seed(config.run.seed)),
        None => Ok(config.victim.positions().to_vec()),
    }
}

/// The victim's architecture for an input `[channels, height, width]`, with the loss it is trained on.
pub(super) fn fitted(victim: &VictimConfig, input: [usize; 3], classes: usize) -> Result<Net, VictimError> {
    let architecture = model::architecture(&victim.model)
        .ok_or_else(|| VictimError::UnknownModel { name: victim.model.clone() })?;
    if let Some(option) = architecture.unfitting(&victim.options) {
        let takes = architecture.switches.join(", ");
        return Err(VictimError::Option { model: architecture.name, option, takes });
    }
    let [channels, height, width] = input;
    let net = architecture.net(&victim.options, input, classes).map_err(|reason| VictimError::Misfit {
        model: victim.model.clone(),
        channels,
        height,
        width,
        reason,
    })?;
    Ok(net.with_loss(victim.loss))
}

/// Which tensors of a file of weights are meant.
pub(super) fn choice(victim: &VictimConfig) -> Choice {
    Choice { key: victim.weights_key.clone(), by_order: victim.by_order }
}

/// What a file of weights leaves open and how it was taken.
pub(super) fn taken(path: &str, weights: &Trained) -> Reading {
    let mut reading = Reading::default();
    match &weights.key {
        Some(key) if weights::is_averaged(key) => {
            reading.note(format!("the averaged copy under {key} was taken, the model itself is not there"));
        }
        Some(key) => {
            reading.note(format!("the state dict under {key} was taken, averaged copies beside it were not"));
        }
        None => {}
    }
    reading.of(&file_name(path))
}

/// Last part of a path.
pub(super) fn file_name(path: &str) -> String {
    std::path::Path::new(path).file_name().map_or(path.into(), |name| name.to_string_lossy().into_owned())
}

/// A file of tensors that the config names under a key.
pub(super) struct File<'a> {
    key: &'static str,
    path: &'a str,
    content: WeightFile,
}

impl<'a> File<'a> {
    pub(super) fn read(key: &'static str, path: &'a str, choice: Choice) -> Result<File<'a>, VictimError> {
        let content = WeightFile::open(path).map_err(|error| VictimError::File { key, error })?;
        Ok(File { key, path, content: content.choosing(choice) })
    }

    /// Whether it has the tensors of a model.
    pub(super) fn fits(&self, net: &Net) -> bool {
        !matches!(self.content.trained(net), Err(Misfit::Shapes(_) | Misfit::Count { .. }))
    }

    /// The input for which it has the tensors of a model, where they depend on it.
    pub(super) fn input(&self, net: impl Fn([usize; 3]) -> Option<Net>) -> Option<[usize; 3]> {
        self.content.inputs().find(|input| net(*input).is_some_and(|net| self.fits(&net)))
    }

    /// What a model takes of it.
    pub(super) fn of<T>(
        self,
        model: &str,
        net: &Net,
        take: impl FnOnce(&WeightFile) -> Result<T, Misfit>,
    ) -> Result<T, VictimError> {
        take(&self.content).map_err(|misfit| self.refused(model, net, misfit))
    }

    fn refused(self, model: &str, net: &Net, misfit: Misfit) -> VictimError {
        let File { key, path, content } = self;
        let path = path.to_owned();
        let (differences, in_order) = match misfit {
            Misfit::NotFinite { name, what } => return VictimError::NotFinite { key, path, name, what },
            Misfit::Shapes(table) => (differences(&path, &table), table.in_order),
            Misfit::Count { found, parameters, state } => {
                let length = format!(
                    "it is a list of {found} arrays where the model has {parameters} parameters and a state dict of {state}"
                );
                (length, false)
            }
            other => return unusable(key, path, other),
        };
        let own = |fit: &weights::Fit| fit.architecture == model && fit.classes == net.classes();
        let likely =
            content.fit().filter(|fit| !in_order && !fit.table.in_order && !own(fit)).map(|fit| fit.name());
        let (model, classes) = (model.to_owned(), net.classes());
        VictimError::OtherModel { key, path, model, classes, differences, likely }
    }
}

/// What differs, and what to do about it where that is known.
fn differences(path: &str, table: &Table) -> String {
    if table.in_order {
        return "its names are others, but its shapes are the model's in this order: victim.by_order = true (--by-order) \
                takes them so"
            .to_owned();
    }
    let mut differences = table.summary();
    if let Some((number, count)) = weights::shard(path.as_ref()).filter(|_| !table.missing.is_empty()) {
        differences +=
            &format!("; it is file {number} of {count}: name their index instead, which ends in .index.json");
    }
    differences
}

/// What is no matter of names and shapes.
fn unusable(key: &'static str, path: String, misfit: Misfit) -> VictimError {
    let (key, what) = match misfit {
        Misfit::Integers { name, dtype } => (
            key,
            format!(
                "cannot be used, {name} holds integers ({dtype}): multiply quantised values by their scale and save \
                 them as float32"
            ),
        ),
        Misfit::Unread { name, unread } => (
            key,
            format!("holds {name} as {}, which gialab does not read: save {}", unread.what, unread.instead),
        ),
        Misfit::Hidden(hidden) => {
            let under =
                if hidden.name.is_empty() { "the file".into() } else { format!("under {:?}", hidden.name) };
            let what = format!(
                "has a whole pickled model ({}, {under}), which takes its own code to open; nothing was run: save its \
                 state dict, torch.save(model.state_dict(), \"weights.pth\")",
                hidden.class
            );
            (key, what)
        }
        Misfit::Several { keys } => {
            let all: Vec<String> = keys.iter().map(|key| format!("{key:?}")).collect();
            let all = all.join(" and ");
            let instead = match (key, keys.first()) {
                ("victim.captured.update", _) | (_, None) => {
                    "save the one that the client sent by itself".to_owned()
                }
                (_, Some(first)) => {
                    format!("say which one is meant, as victim.weights_key = {first:?}")
                }
            };
            (key, format!("holds several state dicts that fit ({all}): {instead}"))
        }
        Misfit::NoKey { key, keys } => {
            let keys = if keys.is_empty() { "none".into() } else { keys.join(", ") };
            ("victim.weights_key", format!("has no tensors under {key:?}; its keys are {keys}"))
        }
        // These are told by what differs.
        Misfit::Shapes(_) | Misfit::Count { .. } | Misfit::NotFinite { .. } => {
            (key, "does not fit".to_owned())
        }
    };
    VictimError::Unusable { key, path, what }
}
