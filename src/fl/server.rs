//! The server: the global model and its rounds.

use std::sync::Arc;

use rand::seq::{IndexedRandom, SliceRandom};
use rayon::iter::{IndexedParallelIterator, IntoParallelRefIterator, ParallelIterator};

use super::client::descent;
use super::post::{Posts, Residues};
use super::sent::Mean;
use super::victim::{Work, post_stream, send};
use super::{Client, Population, Protocol, Sent, Setup, UpdateKind, Victim};
use crate::backend::{self, Compute};
use crate::config::{Algorithm, BatchNormMode, RunConfig};
use crate::data::{DataError, Normalisation};
use crate::figure::Effect;
use crate::model::{Model, Parameters, Targets, TensorSpec};
use crate::seed::Seed;

/// Samples that go through the model at once where more need not.
const AT_ONCE: usize = 128;

/// Parameters of a model that does not keep several threads busy.
const SMALL_PARAMETERS: usize = 1 << 20;
/// Values of a sample of such a model.
const SMALL_INPUT: usize = 3 * 32 * 32;

/// The global model, and who trains it.
#[derive(Debug, Clone)]
pub struct Server {
    /// theta_r and the public BatchNorm statistics.
    pub model: Model,
    population: Option<Population>,
    normalisation: Normalisation,
    posts: Posts,
    /// What clients have kept back of their updates so far.
    residues: Residues,
    config: RunConfig,
    compute: Compute,
}

/// How good the global model is on the held-out samples.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Standing {
    /// Mean task loss.
    pub loss: f64,
    /// Share that it classifies rightly.
    pub accuracy: f64,
}

impl Server {
    /// Takes the weights of the file, or draws an untrained model from the run's seed.
    pub fn new(setup: &Setup, config: &RunConfig, compute: Compute) -> Server {
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
            None => (net.initial_parameters(&compute, Seed(config.run.seed)), net.initial_buffers(&compute)),
        };
        Server {
            model: Model { net, parameters, buffers },
            population: setup.population.clone(),
            normalisation: setup.taken.clone(),
            posts: setup.posts.clone(),
            residues: Residues::default(),
            config: config.clone(),
            compute,
        }
    }

    /// What clients have kept back of their updates so far.
    pub fn residues(&self) -> &Residues {
        &self.residues
    }

    /// Loss and accuracy on the held-out samples; nothing without such samples.
    ///
    /// Public statistics are used where clients share theirs; else the held-out samples' own, since the public ones
    /// were never trained.
    ///
    /// # Errors
    /// If a picture cannot be read.
    pub fn standing(&self) -> Result<Option<Standing>, DataError> {
        self.standing_of(&self.model)
    }

    /// The same of another model, as one that is sent in the place of the global one.
    ///
    /// # Errors
    /// If a picture cannot be read.
    pub fn standing_of(&self, model: &Model) -> Result<Option<Standing>, DataError> {
        let Some(population) = self.population.as_ref().filter(|all| !all.held_out().is_empty()) else {
            return Ok(None);
        };
        let shares = self.config.victim.mode == BatchNormMode::Eval || self.config.victim.share_buffers;
        let mode = if shares { BatchNormMode::Eval } else { BatchNormMode::Train };
        let (mut loss, mut right) = (0.0, 0);
        for samples in population.held_out().chunks(AT_ONCE) {
            let batch = population.batch(samples)?;
            let x = self.compute.tensor(&self.normalisation.apply(&batch.images), batch.images.shape());
            let (scores, net) = (model.scores(mode, &x), &model.net);
            let targets = Targets::hard(&self.compute, &batch.labels, net.classes());
            loss += net.mean_loss(&scores, &targets) * samples.len() as f64;
            let scores = backend::values(&scores);
            let named = scores.chunks(net.classes()).map(|row| net.label_of(row));
            right += named.zip(&batch.labels).filter(|(named, label)| named == *label).count();
        }
        let count = population.held_out().len() as f64;
        Ok(Some(Standing { loss: loss / count, accuracy: right as f64 / count }))
    }

    /// Runs one round: draws clients, lets them work, applies the mean of what they send. Returns what post-processing
    /// did to the updates of those that have any.
    ///
    /// # Errors
    /// If a picture cannot be read.
    pub fn train(&mut self, round: u32, victim: &Victim) -> Result<Vec<Effect>, DataError> {
        let mut mean = Mean::default();
        let mut effects = Vec::new();
        let mut samples = Vec::new();
        let mut take = |sent: Sent, clients: usize| {
            effects.extend(sent.effect);
            samples.extend(vec![sent.update.samples as f64 / clients as f64; clients]);
            mean.add(sent);
        };
        let attacked = self.config.federation.secure_aggregation as usize;
        let (own, others): (Vec<usize>, Vec<usize>) =
            self.drawn(round).into_iter().partition(|client| *client < attacked);
        // The attacked clients come as one.
        if own.contains(&0) {
            take(victim.send_after(&mut self.residues, &self.model, round), attacked);
        }
        for some in others.chunks(self.side_by_side()) {
            let lent: Vec<Residues> = some.iter().map(|client| self.residues.lent(*client)).collect();
            let work = some.par_iter().zip(lent).map(|(client, mut lent)| {
                let sent = self.other(round, *client, client - attacked, &mut lent)?;
                Ok((sent, lent))
            });
            for done in work.collect::<Vec<Result<(Sent, Residues), DataError>>>() {
                let (sent, lent) = done?;
                self.residues.take_back(lent);
                take(sent, 1);
            }
        }
        if let Some(mut mean) = mean.get() {
            let (all, squares) =
                samples.iter().fold((0.0, 0.0), |(sum, squares), n| (sum + n, squares + n * n));
            mean.update.values = self.posts.on_mean(mean.update.values, squares / (all * all));
            self.apply(&mean);
        }
        Ok(effects)
    }

    /// The clients of a round. Attacked ones are drawn together, and are in every round that is attacked.
    fn drawn(&self, round: u32) -> Vec<usize> {
        let federation = &self.config.federation;
        let clients: Vec<usize> = (0..federation.clients as usize).collect();
        let Some(count) = federation.clients_per_round else { return clients };
        let mut generator = Seed(self.config.run.seed).stream("clients of a round", &[u64::from(round)]);
        let mut drawn: Vec<usize> =
            clients.choose_multiple(&mut generator, count as usize).copied().collect();
        if self.config.attacked_rounds().contains(&round) && !drawn.contains(&0) {
            drawn[0] = 0;
        }
        drawn.sort_unstable();
        drawn
    }

    /// Clients that work at the same time: as many as there are threads where each is so small that it cannot use them, else one.
    fn side_by_side(&self) -> usize {
        let net = &self.model.net;
        let small = net.parameter_count() <= SMALL_PARAMETERS && net.input_count() <= SMALL_INPUT;
        if small && self.compute.name() != "cuda" { rayon::current_num_threads() } else { 1 }
    }

    /// What a client that is not attacked sends.
    fn other(
        &self,
        round: u32,
        client_number: usize,
        other: usize,
        residues: &mut Residues,
    ) -> Result<Sent, DataError> {
        let Some(population) = &self.population else {
            unreachable!("a set-up that trains has a population")
        };
        let federation = &self.config.federation;
        let seed = Seed(self.config.run.seed);
        let counters = [u64::from(round), client_number as u64];
        let mut samples = population.clients()[other].clone();
        if let (Algorithm::Fedsgd, Some(batch)) = (federation.algorithm, federation.local_batch) {
            samples.shuffle(&mut seed.stream("batch of a client", &counters));
            samples.truncate(batch as usize);
        }
        let batch = population.batch(&samples)?;
        let x = self.compute.tensor(&self.normalisation.apply(&batch.images), batch.images.shape());
        let targets = Targets::hard(&self.compute, &batch.labels, self.model.net.classes());
        let all: Vec<usize> = (0..samples.len()).collect();
        let order = |epoch: u32| {
            let at = [u64::from(round), client_number as u64, u64::from(epoch)];
            federation.shuffle.then(|| seed.stream("order", &at))
        };
        let descent = federation.local().map(|local| descent(local, &all, order));
        let mode = self.config.victim.mode;
        let mut client = Client::new(all, descent);
        if mode != BatchNormMode::Train {
            client.at_once = AT_ONCE;
        }
        let protocol = Protocol::of(vec![client]);
        let work = Work { mode, x: &x, targets: &targets, protocol: &protocol, round, own: &[] };
        let who = |_| (client_number, post_stream(seed, round, client_number));
        Ok(send(&self.model, work, &self.posts, residues, who))
    }

    fn apply(&mut self, mean: &Sent) {
        let federation = &self.config.federation;
        let factor = match mean.update.kind {
            UpdateKind::Gradient => {
                -federation.learning_rate.unwrap_or_default() * federation.server_learning_rate
            }
            UpdateKind::Delta => federation.server_learning_rate,
        };
        self.model.parameters = self.model.parameters.clone().combine(1.0, &mean.update.values, factor);
        if self.config.victim.share_buffers && self.config.victim.mode != BatchNormMode::Eval {
            self.model.buffers = mean.buffers.clone();
        }
    }
}
