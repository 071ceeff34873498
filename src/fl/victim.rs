//! The victim: the attacked clients with their private batch. Knows the ground truth; the attacker gets an
//! [`AttackerView`] made here and nothing else.

use burn::tensor::Tensor;
use rand_chacha::ChaCha8Rng;

use super::client::descent;
use super::grants::Grants;
use super::post::{Posts, Residues};
use super::received::{self, Finding, Named};
use super::sent::Mean;
use super::{At, AttackerView, Client, Protocol, Sent};
use crate::backend::{Compute, Plain};
use crate::config::{BatchNormMode, LocalKnowledge, LocalTraining, RunConfig, StatisticsKnowledge};
use crate::data::{Batch, Normalisation};
use crate::figure::Effect;
use crate::model::{Model, Moments, Targets};
use crate::seed::Seed;

/// Samples of a client that a received model is tried on: a gradient is taken for each.
const LOOKED_AT: usize = 32;

/// The attacked clients: one, or under secure aggregation those whose mean the server sees.
#[derive(Debug, Clone)]
pub struct Victim {
    batch: Batch,
    normalisation: Normalisation,
    grants: Grants,
    /// What each client is sent, where they are not sent the same.
    own: Vec<Model>,
}

impl Victim {
    /// The clients that hold this batch.
    pub fn new(
        batch: Batch,
        normalisation: Normalisation,
        posts: Posts,
        config: &RunConfig,
        compute: Compute,
    ) -> Victim {
        let grants = Grants::new(config, compute, normalisation.clone(), posts);
        Victim::before(batch, normalisation, grants)
    }

    /// The clients that hold this batch, before an attacker who is granted so much.
    pub(super) fn before(batch: Batch, normalisation: Normalisation, grants: Grants) -> Victim {
        Victim { batch, normalisation, grants, own: Vec::new() }
    }

    /// The same clients, each of whom is sent another model in place of the one for all; none if all are sent that.
    #[must_use]
    pub fn with_models(self, own: Vec<Model>) -> Victim {
        Victim { own, ..self }
    }

    /// The same clients with other post-processing.
    #[must_use]
    pub fn with_posts(self, posts: Posts) -> Victim {
        Victim { grants: Grants { posts, ..self.grants }, ..self }
    }

    /// What the clients do to an update before they send it.
    pub fn posts(&self) -> &Posts {
        &self.grants.posts
    }

    /// The same clients, with gradients of at most so many samples at once: for eval mode, to save memory.
    #[must_use]
    pub fn in_parts(self, most: usize) -> Victim {
        Victim { grants: Grants { most, ..self.grants }, ..self }
    }

    /// What the attacked clients do in a round.
    fn protocol(&self, round: u32) -> Protocol {
        let federation = &self.grants.config.federation;
        let local = federation.local();
        let order =
            |client, epoch| federation.shuffle.then(|| [u64::from(round), client as u64, u64::from(epoch)]);
        self.clients(local, order)
    }

    /// The batch in equal parts over the clients. Where `order` gives counters, an epoch is taken in the order that
    /// the run's seed draws for them.
    fn clients(
        &self,
        local: Option<LocalTraining>,
        order: impl Fn(usize, u32) -> Option<[u64; 3]>,
    ) -> Protocol {
        let each = self.batch.labels.len() / self.grants.config.federation.secure_aggregation as usize;
        let seed = Seed(self.grants.config.run.seed);
        let clients = (0..self.grants.config.federation.secure_aggregation as usize).map(|client| {
            let samples: Vec<usize> = (client * each..(client + 1) * each).collect();
            let descent = local.map(|local| {
                descent(local, &samples, |epoch| order(client, epoch).map(|at| seed.stream("order", &at)))
            });
            Client::new(samples, descent)
        });
        Protocol::of(clients.collect()).in_parts(self.grants.most)
    }

    /// What the attacked clients send when they are sent this model, who kept nothing back before.
    pub fn send(&self, model: &Model, round: u32) -> Sent {
        self.send_after(&mut Residues::default(), model, round)
    }

    /// What they send who kept this back in earlier rounds, which becomes what they have kept back then.
    pub fn send_after(&self, residues: &mut Residues, model: &Model, round: u32) -> Sent {
        let classes = model.net.classes();
        let targets = Targets::hard(&self.grants.compute, &self.batch.labels, classes);
        let (input, protocol) = (self.input(), self.protocol(round));
        let mode = self.grants.config.victim.mode;
        let work = Work { mode, x: &input, targets: &targets, protocol: &protocol, round, own: &self.own };
        let seed = Seed(self.grants.config.run.seed);
        send(model, work, &self.grants.posts, residues, |client| (client, post_stream(seed, round, client)))
    }

    /// What speaks against a model that these clients were sent, beside the one that was agreed on: by its tensors, by those of
    /// another client, and by what it does with their samples, the first [`LOOKED_AT`] of them.
    pub fn findings(&self, sent: &Model, agreed: &Model) -> Vec<Finding> {
        let sent = self.own.first().unwrap_or(sent);
        let mut findings = received::of_tensors(&Named::of(sent), &Named::of(agreed));
        if let Some(other) = self.own.get(1) {
            findings.extend(received::between(&Named::of(sent), &Named::of(other)));
        }
        let count = self.batch.labels.len().min(LOOKED_AT);
        let x = self.input().narrow(0, 0, count);
        findings.extend(received::of_samples(sent, &x, &self.batch.labels[..count], &self.grants.compute));
        findings
    }

    /// Moments of BatchNorm's inputs over the private batch, in the mode of the clients' passes.
    fn moments(&self, model: &Model) -> Vec<Moments> {
        let (x, mode) = (self.input(), self.grants.config.victim.mode);
        let targets = Targets::hard(&self.grants.compute, &self.batch.labels, model.net.classes());
        let first = model.first_pass(mode, &x, &targets);
        model.moments(&first.kept, mode, &x)
    }

    /// The private batch as the model sees it, `[batch, channels, height, width]`.
    fn input(&self) -> Tensor<Plain, 4> {
        let images = &self.batch.images;
        self.grants.compute.tensor(&self.normalisation.apply(images), images.shape())
    }

    /// The attacker's world in a round: public facts, what was sent, and what the config grants.
    pub fn view(&self, model: &Model, sent: Sent, round: u32) -> AttackerView {
        let (victim, granted) = (&self.grants.config.victim, &self.grants.config.knowledge);
        let federation = &self.grants.config.federation;
        let protocol = match granted.local {
            LocalKnowledge::Known if granted.order => self.protocol(round),
            LocalKnowledge::Known => self.clients(federation.local(), |_, _| None),
            LocalKnowledge::None => self.clients(None, |_, _| None),
            LocalKnowledge::Assumed(local) => self.clients(federation.local().map(|_| local), |_, _| None),
        };
        let buffers = match victim.mode {
            BatchNormMode::EvalClient if victim.share_buffers => sent.buffers,
            _ => model.buffers.clone(),
        };
        let (labels, model_sent) = (self.batch.labels.clone(), Model { buffers, ..model.clone() });
        let mut view = self.grants.view(model_sent, sent.update, Some(labels), protocol);
        if granted.statistics == StatisticsKnowledge::Exact {
            view.knowledge.moments = Some(self.moments(model));
        }
        view
    }
}

/// What clients compute on; `x` is normalised.
pub(super) struct Work<'a> {
    pub mode: BatchNormMode,
    pub x: &'a Tensor<Plain, 4>,
    pub targets: &'a Targets,
    pub protocol: &'a Protocol,
    pub round: u32,
    /// Models of clients that are not sent the same as all.
    pub own: &'a [Model],
}

/// What clients send when they are sent this model, with the number of each, and the generator that its post-processing draws
/// from.
pub(super) fn send(
    model: &Model,
    work: Work<'_>,
    posts: &Posts,
    residues: &mut Residues,
    who: impl Fn(usize) -> (usize, ChaCha8Rng),
) -> Sent {
    let Work { mode, x, targets, protocol, round, own } = work;
    let received = |model: &Model| {
        let mut model = model.clone();
        if mode == BatchNormMode::EvalClient {
            model.buffers = model.statistics(x);
        }
        model
    };
    let model = received(model);
    let own: Vec<Model> = own.iter().map(received).collect();
    let (mut mean, mut effects) = (Mean::default(), Vec::new());
    for (at, client) in protocol.clients.iter().enumerate() {
        let (number, mut generator) = who(at);
        let candidate = At { model: own.get(at).unwrap_or(&model), mode, x, targets };
        let sent = posts.send(client, candidate, round, residues.of(number), &mut generator);
        effects.extend(sent.effect);
        mean.add(sent);
    }
    Sent { effect: Effect::mean(&effects), ..mean.of(&model) }
}

/// The victim's own randomness for post-processing, by round and client.
pub(super) fn post_stream(seed: Seed, round: u32, client: usize) -> ChaCha8Rng {
    seed.stream("post-processing", &[u64::from(round), client as u64])
}
