//! Whether what an attacker would simulate makes the update that was sent, tried on the private samples: the first thing to
//! know of an update from outside. Where it does not, other settings are tried, one by one and in twos, and other orders of
//! the samples, until one does. Uses the ground truth; nothing of it goes to an attack.

mod fit;
mod order;
mod suppositions;

use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use super::post::{self, Inferred};
use super::{AttackerView, Server, Setup, Source, VictimError};
use crate::backend::{Compute, Plain};
use crate::config::{LocalKnowledge, PostKnowledge, RunConfig, preset};
use crate::model::Targets;
use fit::Fit;
use suppositions::Supposition;

/// Share of the update's norm that a right simulation may leave over. Ours: half-precision transport leaves 0.001, another
/// order of the batches, another mode or a wrong weight decay mostly more than 0.02.
pub const REPRODUCED: f64 = 0.01;

/// A supposition that leaves less than this share of what the settings as they are leave is worth a second one beside it. Ours.
const PROMISING: f64 = 0.9;

/// Kinds of post-processing that add what no simulation can.
const NOISE: [&str; 1] = ["gaussian-noise"];

/// How many times the noise that is told may be left over: it is told within a few percent. Ours.
const AS_MUCH: f64 = 1.15;

/// Promising ones that are tried in twos.
const BEST: usize = 8;

/// What came of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SelfTest {
    /// Share of the update's norm that the settings as they are leave over; absent if they cannot be used at all.
    pub left: Option<f64>,
    /// Why they cannot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
    /// What makes the update, or comes nearest: the settings as they are, or others.
    pub nearest: Option<Nearest>,
    /// Simulations that were made.
    pub simulations: usize,
    /// What was told of post-processing from the update, and simulated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub told: Option<String>,
    /// Norm of the noise that was told, as a share of the update's; what it is cannot be simulated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub noise: Option<f64>,
}

/// The settings that come nearest to the update.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Nearest {
    /// What differs from the settings as they are, in words; none if nothing does.
    pub words: Vec<String>,
    /// The same as `key=value`; a difference that no setting says is in the words alone.
    pub changes: Vec<String>,
    /// Share of the update's norm that is left over.
    pub left: f64,
    /// It makes the update: no more is left over than [`REPRODUCED`], or than the noise that was told.
    pub makes_it: bool,
}

impl SelfTest {
    /// Whether the settings as they are make the update.
    pub fn holds(&self) -> bool {
        self.nearest.as_ref().is_some_and(|nearest| nearest.makes_it && nearest.words.is_empty())
    }

    /// The settings that make the update where those as they are do not.
    pub fn remedy(&self) -> Option<&Nearest> {
        self.nearest.as_ref().filter(|nearest| nearest.makes_it && !nearest.words.is_empty())
    }
}

/// One reading of the files.
struct Simulation {
    view: AttackerView,
    x: Tensor<Plain, 4>,
    targets: Targets,
    fit: Fit,
}

/// Tries the settings of a config, and others if they do not make the update. Nothing without the private samples.
///
/// # Errors
/// What keeps any settings from being tried: files that cannot be read, or do not fit.
pub fn self_test(config: &RunConfig, compute: &Compute) -> Result<Option<SelfTest>, VictimError> {
    let config = &granted(config);
    let refused = Setup::new(config).err();
    let mut tried = Tried { compute, config, simulations: 0, best: None, goal: REPRODUCED };
    let Some(first) = tried.simulate(config)? else { return Ok(None) };
    let (told, noise) = (first.told(), first.noise());
    tried.goal = REPRODUCED.max(noise.map_or(0.0, |noise| AS_MUCH * noise));
    let left = first.fit.as_is;
    let base = tried.keep(config, Vec::new(), &first);
    if config.victim.captured.is_some() && !tried.is_found() {
        let suppositions = suppositions::of(config, &first.view.model.net);
        let supposed = suppositions.iter().filter_map(|one| Some((one, tried.suppose(config, &[one])?)));
        let mut promising: Vec<(&Supposition, f64)> =
            supposed.filter(|(_, left)| *left < PROMISING * base).collect();
        promising.sort_by(|a, b| a.1.total_cmp(&b.1));
        tried.orders(config, &first, &[]);
        for (one, _) in promising.into_iter().take(BEST) {
            let also = suppositions.iter().filter(|other| other.about != one.about);
            for other in also {
                tried.suppose(config, &[one, other]);
            }
            let supposed = one.on(config);
            if !tried.is_found()
                && let Ok(Some(simulation)) = tried.simulate(&supposed)
            {
                tried.orders(&supposed, &simulation, std::slice::from_ref(&one.words));
            }
        }
    }
    let left = refused.is_none().then_some(left);
    let refused = refused.map(|why| why.to_string());
    Ok(Some(SelfTest { left, refused, nearest: tried.best, simulations: tried.simulations, told, noise }))
}

/// The config of an attacker who knows what the client did, as far as its settings say it.
fn granted(config: &RunConfig) -> RunConfig {
    let mut config = config.clone();
    if config.local().is_some() {
        config.knowledge.local = LocalKnowledge::Known;
        config.knowledge.order = config.victim.captured.is_none();
    }
    if config.victim.captured.is_some() && config.post.is_empty() {
        config.knowledge.post = PostKnowledge::Estimated;
    }
    config
}

struct Tried<'a> {
    compute: &'a Compute,
    config: &'a RunConfig,
    simulations: usize,
    best: Option<Nearest>,
    /// What may be left over where a simulation counts as right.
    goal: f64,
}

impl Tried<'_> {
    fn is_found(&self) -> bool {
        self.best.as_ref().is_some_and(|best| best.makes_it)
    }

    /// What these settings make of the private samples, beside the update that they read from the files.
    fn simulate(&mut self, config: &RunConfig) -> Result<Option<Simulation>, VictimError> {
        self.simulations += 1;
        let setup = Setup::unquestioned(config)?;
        let Some(batch) = setup.batch.clone() else { return Ok(None) };
        let input = setup.normalisation.apply(&batch.images);
        let x = self.compute.tensor(&input, batch.images.shape());
        let targets = Targets::hard(self.compute, &batch.labels, setup.net.classes());
        let model = Server::new(&setup, config, self.compute.clone()).model;
        let (view, _) = Source::new(setup, config, self.compute.clone()).view(&model, 0);
        let fit = fit::of(&view, &x, &targets);
        Ok(Some(Simulation { view, x, targets, fit }))
    }

    /// What other settings leave over; nothing if they cannot be used, or others make the update already.
    fn suppose(&mut self, config: &RunConfig, suppositions: &[&Supposition]) -> Option<f64> {
        if self.is_found() {
            return None;
        }
        let supposed = suppositions.iter().fold(config.clone(), |config, one| one.on(&config));
        supposed.check().ok()?;
        let simulation = self.simulate(&supposed).ok()??;
        let words = suppositions.iter().map(|one| one.words.clone()).collect();
        Some(self.keep(&supposed, words, &simulation))
    }

    /// Other orders of the samples over the batches, where the client takes several.
    fn orders(&mut self, config: &RunConfig, simulation: &Simulation, words: &[String]) {
        if self.is_found() {
            return;
        }
        let Some(order) = order::search(simulation, self.goal) else { return };
        self.simulations += order.simulations;
        let mut words = words.to_vec();
        words.push(order.words());
        let Simulation { view, x, targets, .. } = simulation;
        let view = order.view(view);
        let fit = fit::of(&view, x, targets);
        let simulation = Simulation { view, x: x.clone(), targets: targets.clone(), fit };
        self.keep(config, words, &simulation);
    }

    /// Notes how near settings come, with the factor and the weight decay that bring them nearest.
    fn keep(&mut self, config: &RunConfig, mut words: Vec<String>, simulation: &Simulation) -> f64 {
        let mut config = config.clone();
        let left = simulation.fit.adjust(&mut config, &mut words, self.goal);
        let (before, after) = (preset::flat(self.config), preset::flat(&config));
        let is_new = |(key, value): &(&String, &String)| before.get(*key) != Some(value);
        let set = after.iter().filter(is_new).map(|(key, value)| format!("{key}={value}"));
        // What is as it is where nothing is said.
        let unset = before.keys().filter(|key| !after.contains_key(*key)).map(|key| format!("{key}="));
        let changes = set.chain(unset).collect();
        if self.best.as_ref().is_none_or(|best| left < best.left) {
            self.best = Some(Nearest { words, changes, left, makes_it: left <= self.goal });
        }
        left
    }
}

impl Simulation {
    /// What the attacker told of post-processing from the update; nothing if it looks clean.
    fn told(&self) -> Option<String> {
        let told: &Vec<Inferred> = self.view.knowledge.protocol.post.inferred.as_ref()?;
        (!told.is_empty()).then(|| post::in_words(told))
    }

    /// Norm of the noise that was told, as a share of the update's.
    fn noise(&self) -> Option<f64> {
        let told = self.view.knowledge.protocol.post.inferred.as_ref()?;
        let values = &self.view.update.values;
        let sigma = told.iter().find_map(|told| {
            let (_, settings) = told.step.read(0).ok()?;
            NOISE.contains(&told.step.kind.as_str()).then(|| settings.number("sigma"))
        })?;
        Some(sigma * (values.count() as f64).sqrt() / values.norm())
    }
}
