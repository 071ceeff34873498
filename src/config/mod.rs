//! What a run is: victim, federation, post-processing, knowledge, attack, run settings.
//!
//! A [`RunConfig`] is read from a preset (`preset`), changed by `key=value` overrides, and checked once
//! (`validate`). After that every later error is about the world, not about the config.

mod answer;
mod attack;
mod budget;
mod captured;
pub mod difference;
mod distance;
mod enhancer;
mod error;
mod federation;
mod guess;
mod headers;
mod keys;
mod labels;
mod local_training;
mod loss;
mod model_options;
mod normalise;
mod older;
mod optimiser;
mod partition;
mod post;
mod precision;
pub mod preset;
mod prior;
mod privacy;
mod sampling;
mod search;
pub mod setting;
mod spoken;
mod target;
pub mod tour;
mod validate;
mod variable;

pub use answer::Answer;
pub use attack::{AttackConfig, Direct, Method, Variant, keys_of};
pub use budget::Budget;
pub use captured::{Captured, CapturedKind, Scale};
pub use distance::{DISTANCES, Distance, DistanceFacts, DistanceKind, LayerWeights, Mask, Over};
pub use enhancer::{Enhancer, Residual};
pub use error::{ConfigError, described, line_of};
pub use federation::{Algorithm, Federation, LocalKnowledge};
pub use guess::GuessedTraining;
pub use labels::Labels;
pub use local_training::{Accumulate, LocalOptimiser, LocalTraining};
pub use loss::Loss;
pub use model_options::{ActivationKind, InitialisationKind, ModelOptions, NormKind};
pub use normalise::Normalise;
pub use optimiser::{Decay, LineSearch, OptimiserConfig, OptimiserKind, Sign};
pub use partition::Partition;
pub use post::{Post, Settings, inline};
pub use precision::Precision;
pub use prior::{Candidates, PRIORS, PriorFacts, PriorKind, Priors};
pub use privacy::Privacy;
pub use sampling::{Classes, Sampling};
pub use search::{Search, Start};
pub use spoken::{not_known, plain};
pub use target::Target;
pub use variable::{Stage, VariableKind};

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::figure::{FIGURES, Figure};

/// Smallest side of an image in pixels; below that no model here has a feature map left.
pub const MIN_SIDE: usize = 8;
/// Largest side of an image in a batch in pixels: far above what any attack recovers.
pub const MAX_SIDE: usize = 1024;

/// Version of the preset format; written as `schema = 2`.
pub const SCHEMA: u32 = 2;

/// One preset, fully resolved: everything that decides a run besides the backend.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunConfig {
    /// Format version, [`SCHEMA`].
    pub schema: u32,
    /// One line for lists.
    pub title: String,
    /// A paragraph: what it shows, with its source.
    pub about: String,
    /// Where the list shows it: `quick`, `training setup`, `model`, `post-processing`, ...
    #[serde(default = "default_group")]
    pub group: String,
    /// Whose data and model are attacked.
    pub victim: VictimConfig,
    /// How the client trains; one client and one gradient unless said otherwise.
    #[serde(default)]
    pub federation: Federation,
    /// What the client does to its update before sending it, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub post: Vec<Post>,
    /// What the attacker is granted besides the update and the model.
    pub knowledge: KnowledgeConfig,
    /// The attack and its settings.
    pub attack: AttackConfig,
    /// Seed and cadence.
    #[serde(default)]
    pub run: RunSettings,
    /// What to expect on a CPU: shown before starting, never used by the run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expect: Option<Expect>,
}

fn default_group() -> String {
    "yours".into()
}

/// The client's batch and model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VictimConfig {
    /// A built-in set (`photos`, `digits28`, `wine`, ...) or a path: an image, a folder, IDX, CIFAR binary, a
    /// CSV table. Empty only beside a captured update without ground truth.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub data: String,
    /// Which samples form the batch, by position in the set; empty where the preset does not say. Read it
    /// through [`VictimConfig::positions`].
    #[serde(default, deserialize_with = "not_empty", skip_serializing_if = "Vec::is_empty")]
    pub indices: Vec<usize>,
    /// How the batch is drawn, instead of `indices`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sample: Option<Sampling>,
    /// Side in pixels that images are resized to; the set's own size if absent. Tables have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<usize>,
    /// By what the client normalises pixels.
    #[serde(default)]
    pub normalise: Normalise,
    /// Architecture by name (`lenet`, `convnet64`, ...).
    pub model: String,
    /// How the model differs from its architecture as published.
    #[serde(default, skip_serializing_if = "ModelOptions::is_empty")]
    pub options: ModelOptions,
    /// Outputs of the model; the set's number of classes if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub classes: Option<usize>,
    /// File of trained weights: safetensors, PyTorch or npz; a fresh model if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weights: Option<String>,
    /// The state dict of the file of weights that is meant, as `state_dict` or `checkpoint.student`, if it has several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weights_key: Option<String>,
    /// Tensors of weights and captured updates are taken by their order, where their names are not the model's.
    #[serde(default)]
    pub by_order: bool,
    /// An update that came from a real system, instead of a simulated client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub captured: Option<Captured>,
    /// The task loss whose gradient clients take.
    #[serde(default, skip_serializing_if = "is_default")]
    pub loss: Loss,
    /// How far the model is trained before it is attacked.
    #[serde(default)]
    pub state: TrainingState,
    /// BatchNorm mode of the client's pass.
    #[serde(default)]
    pub mode: BatchNormMode,
    /// Whether the client sends its BatchNorm statistics along with its update.
    #[serde(default)]
    pub share_buffers: bool,
}

impl VictimConfig {
    /// Positions of the batch in the set as the config names them: the first sample if it says nothing, none
    /// if `sample` draws them.
    pub fn positions(&self) -> &[usize] {
        match (&self.sample, self.indices.as_slice()) {
            (Some(_), _) => &[],
            (None, []) => &[0],
            (None, indices) => indices,
        }
    }

    /// Which samples are attacked, for people: `[0, 1]`, `2 drawn of one class`, or `(gradient)`
    /// of a captured update.
    pub fn which(&self) -> String {
        match (&self.captured, &self.sample) {
            (Some(captured), _) => format!("({})", captured.kind.name()),
            (None, Some(sampling)) => format!("{} {sampling}", sampling.count),
            (None, None) => format!("{:?}", self.positions()),
        }
    }
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// An empty list is a mistake; the default is to leave it out.
fn not_empty<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<usize>, D::Error> {
    let indices = Vec::deserialize(deserializer)?;
    if indices.is_empty() {
        return Err(serde::de::Error::custom("victim.indices is empty; name at least one sample"));
    }
    Ok(indices)
}

/// How far the attacked model is trained.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TrainingState {
    /// Freshly initialised from the run's seed.
    #[default]
    Untrained,
    /// After this many federated rounds, from which `federation.attack_rounds` counts.
    TrainRounds(u32),
}

/// Statistics that BatchNorm layers use while the client computes its update.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BatchNormMode {
    /// Running buffers, public with the model.
    #[default]
    Eval,
    /// Running buffers of the client's own: the statistics of its data under the model it was sent.
    EvalClient,
    /// The private batch's own statistics.
    Train,
}

/// What the attacker is granted, as a preset states it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KnowledgeConfig {
    /// Whether it is granted the labels. What it does about them is `attack.labels`.
    #[serde(deserialize_with = "labels::granted")]
    pub labels: bool,
    /// What it knows of the local training behind a FedAvg update.
    #[serde(default, skip_serializing_if = "is_default")]
    pub local: LocalKnowledge,
    /// Whether it is granted the order in which a client that shuffles takes its samples.
    #[serde(default)]
    pub order: bool,
    /// What it knows of the post-processing of an update.
    #[serde(default, skip_serializing_if = "is_default")]
    pub post: PostKnowledge,
    /// Whether it is told that the clients hold the same samples in all attacked rounds: it then matches the updates of
    /// the earlier ones as well.
    #[serde(default, skip_serializing_if = "is_default")]
    pub same_batch: bool,
    /// Whether it is granted the mean and deviation by which a client normalises that takes those of its own samples
    /// (`victim.normalise = "client"`).
    #[serde(default, skip_serializing_if = "is_default")]
    pub normalisation: bool,
    /// Which BatchNorm statistics it is granted.
    #[serde(default, skip_serializing_if = "is_default")]
    pub statistics: StatisticsKnowledge,
    /// Whether the server may change the model that it sends.
    #[serde(default, skip_serializing_if = "is_default")]
    pub manipulate: bool,
    /// Whether it may send different models to different clients.
    #[serde(default, skip_serializing_if = "is_default")]
    pub choose: bool,
    /// A generator of pictures like the client's, trained on others: a built-in name or a file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generator: Option<String>,
    /// A network that the attacker passes its answer through, trained on pictures like the client's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enhancer: Option<Enhancer>,
}

/// Which BatchNorm statistics the attacker knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StatisticsKnowledge {
    /// The running ones, public with the model.
    #[default]
    Running,
    /// Those of the private batch itself.
    Exact,
}

/// What the attacker knows of post-processing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PostKnowledge {
    /// Each step with its parameters: it is simulated.
    #[default]
    Known,
    /// Nothing: which steps there are, and how strong, is told from the update.
    Estimated,
    /// Nothing, and the update is taken for a clean one.
    None,
}

/// Seed and cadence of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RunSettings {
    /// Seed of everything random: weights, initial guesses.
    pub seed: u64,
    /// Floating-point width in which clients and attacker compute.
    #[serde(skip_serializing_if = "is_default")]
    pub precision: Precision,
    /// Iterations between stored pictures.
    pub snapshot_every: usize,
    /// Seconds between checkpoints.
    pub checkpoint_seconds: f64,
    /// A sample with this PSNR or a better one counts as recovered, in dB (BRR, WSRR).
    pub recovered_psnr: f64,
    /// File of torchvision's AlexNet, SqueezeNet 1.1 or VGG-16: LPIPS is measured with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lpips: Option<String>,
    /// Whether IGSA of the true samples is measured at the end of each attacked round.
    pub probe: bool,
}

impl Default for RunSettings {
    fn default() -> Self {
        RunSettings {
            seed: 0,
            precision: Precision::F32,
            snapshot_every: 50,
            checkpoint_seconds: 5.0,
            recovered_psnr: 20.0,
            lpips: None,
            probe: false,
        }
    }
}

/// What a preset leads one to expect: measured figures with the machine they were measured on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Expect {
    /// Seconds on the machine named in `note`.
    pub seconds: f64,
    /// Figures by their keys, as `psnr = 24.1`; that of the table of figures which comes first is shown.
    #[serde(flatten)]
    pub figures: BTreeMap<String, f64>,
    /// Conditions of these figures.
    pub note: String,
}

impl Expect {
    /// The figure that is looked at first, with its unit; nothing if none was measured.
    pub fn first(&self) -> Option<(&'static Figure, f64)> {
        FIGURES.iter().find_map(|figure| Some((figure, *self.figures.get(figure.word.key)?)))
    }

    /// The same as lists show it, with so many decimals; empty if there is none.
    pub fn in_words(&self, decimals: usize) -> String {
        match self.first() {
            Some((figure, value)) if figure.unit.is_empty() => figure.text(value),
            Some((figure, value)) => format!("{value:.decimals$} {}", figure.unit),
            None => String::new(),
        }
    }

    /// A figure that is none.
    fn unknown(&self) -> Option<&str> {
        let is_known = |key: &str| FIGURES.iter().any(|figure| figure.word.key == key);
        self.figures.keys().map(String::as_str).find(|key| !is_known(key))
    }
}

impl RunConfig {
    /// Checks the values, each by itself and against each other.
    ///
    /// # Errors
    /// One sentence on the first that cannot be used.
    pub fn check(&self) -> Result<(), String> {
        validate::check(self).map_err(|fault| fault.message)
    }

    /// Number of private samples, B.
    pub fn batch(&self) -> usize {
        match (&self.victim.captured, &self.victim.sample) {
            (Some(captured), _) => captured.batch,
            (None, Some(sampling)) => sampling.count,
            (None, None) => self.victim.positions().len(),
        }
    }

    /// Whether there is a ground truth to measure by; a captured update may come without.
    pub fn has_truth(&self) -> bool {
        let captured = self.victim.captured.as_ref();
        !self.victim.data.is_empty() || captured.is_some_and(|captured| captured.truth.is_some())
    }

    /// Whether the attacked clients take local steps and send a weight difference.
    pub fn takes_steps(&self) -> bool {
        match &self.victim.captured {
            Some(captured) => captured.kind.takes_steps(),
            None => self.federation.algorithm == Algorithm::Fedavg,
        }
    }

    /// Local training of the attacked clients; nothing without local steps, or where nobody knows it.
    pub fn local(&self) -> Option<LocalTraining> {
        match &self.victim.captured {
            Some(captured) => captured.local,
            None => self.federation.local(),
        }
    }

    /// How the attacker takes the clients to have trained: nothing where it takes the update for one gradient, several ways where
    /// it guesses.
    pub fn supposed(&self) -> Vec<LocalTraining> {
        let guess = || self.attack.search().and_then(|search| search.guess.as_ref());
        match self.knowledge.local {
            _ if !self.takes_steps() => Vec::new(),
            LocalKnowledge::Known => self.local().into_iter().collect(),
            LocalKnowledge::Assumed(local) => vec![local],
            LocalKnowledge::None => guess().map(GuessedTraining::ways).unwrap_or_default(),
        }
    }

    /// Rounds that are attacked, ascending, counted from the initial model.
    pub fn attacked_rounds(&self) -> Vec<u32> {
        let before = match self.victim.state {
            TrainingState::Untrained => 0,
            TrainingState::TrainRounds(rounds) => rounds,
        };
        self.federation.attack_rounds.iter().map(|round| round.saturating_add(before)).collect()
    }

    /// Rounds to train. An attacked round is attacked before the global model takes its update.
    pub fn rounds(&self) -> u32 {
        let last = self.attacked_rounds().into_iter().max().unwrap_or(0);
        self.federation.rounds.unwrap_or(0).max(last)
    }

    /// Whether it shows an attack or a defence of this name at work.
    pub fn shows(&self, name: &str) -> bool {
        let is_summed = name == "secure-aggregation" && self.federation.secure_aggregation > 1;
        self.attack.kind.name() == name || self.post.iter().any(|step| step.kind == name) || is_summed
    }

    /// Whether the global model trains, so that there is an accuracy to speak of.
    pub fn trains(&self) -> bool {
        self.rounds() > 0
    }
}
