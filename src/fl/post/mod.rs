//! Post-processing: what a client does to its update before it sends it, and what an attacker who knows of it makes of
//! that.
//!
//! The facts are in `catalogue::defence`; a new one is a file here besides, and a line in `builder`.

mod ats;
mod cast;
mod censor;
mod clip;
mod dcs;
mod denoise;
mod dp_sgd;
mod drop_layers;
mod dropout;
mod effect;
mod estimate;
mod gaussian_noise;
mod graddefense;
mod instahide;
mod laplace_noise;
mod mask;
mod mixing;
mod mixup;
mod noise_only;
mod outpost;
mod precode;
mod quantise;
mod residue;
mod sign;
mod soteria;
mod sparsify;

use std::fmt::Debug;
use std::sync::Arc;

use burn::tensor::Tensor;
use rand_chacha::ChaCha8Rng;

pub use estimate::{Inferred, Sureness, estimate, in_words};
pub use noise_only::noise_like;
pub use residue::{Residue, Residues};

use super::{At, Client, Sent, Update};
use crate::backend::Plain;
use crate::config::{self, BatchNormMode, RunConfig, Settings};
use crate::data::Normalisation;
use crate::figure::Effect;
use crate::model::{Net, Parameters, Targets, TensorSpec, rows};

/// One step of post-processing with its parameters.
pub trait Post: Debug + Send + Sync {
    /// Whether it has a meaning for these clients, whose network this is.
    ///
    /// # Errors
    /// Why not, beginning with the key that is in the way.
    fn fits(&self, _: &Net, _: &RunConfig) -> Result<(), String> {
        Ok(())
    }

    /// What becomes of the samples before any gradient is taken; nothing if it leaves them as they are.
    fn on_samples(&self) -> Option<&dyn OnSamples> {
        None
    }

    /// What becomes of the passes of the samples; nothing if it leaves them as they are.
    fn on_pass(&self) -> Option<&dyn OnPass> {
        None
    }

    /// What becomes of the gradient of every sample before their mean is taken; nothing if it acts on updates alone.
    fn each(&self) -> Option<Arc<dyn Transform>> {
        None
    }

    /// What becomes of one client's update, gradient or weight difference.
    fn apply(&self, update: Parameters, at: &Sending<'_>, generator: &mut ChaCha8Rng) -> Parameters;

    /// What the server makes of the mean over clients who took this step, given the sum of the squares of their shares in it.
    fn on_mean(&self, mean: Parameters, _squares: f64) -> Parameters {
        mean
    }

    /// Whether what it leaves out of an update is added to the next one.
    fn feeds_back(&self) -> bool {
        false
    }

    /// What an attacker simulates who knows this step, or told it from the update; nothing if the step cannot be
    /// simulated.
    fn transform(&self, received: &Received<'_>) -> Option<Arc<dyn Transform>>;

    /// How a client writes down what it makes of an update that it would have written as `before`.
    fn code(&self, before: Code) -> Code {
        before
    }
}

/// What a step makes of a client's samples.
pub trait OnSamples {
    /// The pixels, `[batch, channels, height, width]` and normalised, and the targets that the client computes on in the place
    /// of its own.
    fn change(
        &self,
        own: At<'_>,
        normalisation: &Normalisation,
        generator: &mut ChaCha8Rng,
    ) -> (Tensor<Plain, 4>, Targets);
}

/// What a step makes of the passes of a client's samples: each goes through a model whose parameters are times factors of its
/// own, and so is the gradient to them.
pub trait OnPass {
    /// The factors of one sample for a model of this network, with parameters like these.
    fn factors(&self, net: &Net, like: &Parameters, generator: &mut ChaCha8Rng) -> Parameters;

    /// The same as an attacker reads them off what was sent of one sample; nothing if they cannot be.
    fn read(&self, net: &Net, sent: &Parameters) -> Option<Parameters>;
}

/// What a client has at hand when it sends.
#[derive(Debug, Clone, Copy)]
pub struct Sending<'a> {
    /// What it computed the update from: the model that it was sent, and its own samples.
    pub own: At<'a>,
    /// Rounds before this one.
    pub round: u32,
}

/// Steps act on the samples, their passes, the gradients of each, or the update, in this order.
fn acts_on(step: &dyn Post) -> usize {
    match (step.on_samples(), step.on_pass(), step.each()) {
        (Some(_), ..) => 0,
        (None, Some(_), _) => 1,
        (None, None, Some(_)) => 2,
        (None, None, None) => UPDATES,
    }
}

/// What the last of them act on.
const UPDATES: usize = 3;

/// What an attacker has at hand who adapts.
#[derive(Debug, Clone, Copy)]
pub struct Received<'a> {
    /// The network of the clients.
    pub net: &'a Net,
    /// What one client sent; nothing where only a mean over several is seen.
    pub alone: Option<&'a Parameters>,
    /// Samples of each client.
    pub samples: usize,
}

/// How a client writes down its update.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Code {
    /// Bits of a number other than zero. A scale for each tensor is not counted.
    pub width: f64,
    /// Bits of a number that may be zero.
    pub or_zero: f64,
    /// Numbers other than zero may be sent alone, with what says where they belong.
    pub places: bool,
    /// Share of the numbers that are not sent and need no place: whole tensors.
    pub left_out: f64,
}

impl Default for Code {
    /// Every number as it is, in 32 bits.
    fn default() -> Self {
        Code { width: 32.0, or_zero: 32.0, places: false, left_out: 0.0 }
    }
}

impl Code {
    /// Bits of a number's place.
    const PLACE: f64 = 32.0;

    /// Bits for each number of the clean update, given the share of numbers that are zero: the least of all numbers as
    /// they are, a bit for each that says whether it is zero and those that are not, and each of those with its place.
    fn bits(self, zeros: f64) -> f64 {
        let (sent, kept) = (1.0 - self.left_out, 1.0 - zeros);
        let has_zeros = sent - kept > 1e-9;
        let dense = sent * if has_zeros { self.or_zero } else { self.width };
        if !self.places {
            return dense;
        }
        dense.min(sent + kept * self.width).min(kept * (self.width + Code::PLACE))
    }
}

/// A step as the attacker simulates it: a function T of an update g, with its derivative.
pub trait Transform: Debug + Send + Sync {
    /// T(g).
    fn forward(&self, g: &Parameters) -> Parameters;

    /// `T'(g)^T w`: the cotangent of g for the cotangent w of T(g).
    fn pull(&self, g: &Parameters, w: Parameters) -> Parameters;
}

/// Makes a step of its settings, for a model with these tensors. What it refuses begins with the setting's name.
type Build = fn(&Settings, &[TensorSpec]) -> Result<Arc<dyn Post>, String>;

/// Why the gradients of single samples cannot be had of these clients, if they cannot.
fn single_samples(net: &Net, config: &RunConfig) -> Result<(), String> {
    if config.local().is_some() {
        let what = "acts on the gradient of every sample, and local steps send a weight difference; use";
        return Err(format!("{what} federation.algorithm = \"fedsgd\""));
    }
    if config.victim.mode != BatchNormMode::Eval && !net.buffer_specs().is_empty() {
        let what = "acts on the gradient of every sample, which has none of its own where BatchNorm takes the statistics of the batch";
        return Err(format!("{what}; use victim.mode = \"eval\""));
    }
    Ok(())
}

/// What makes a step of the defence of this name.
fn builder(defence: &str) -> Option<Build> {
    Some(match defence {
        "dp-sgd" => dp_sgd::build,
        "ats" => ats::build,
        "mixup" => mixup::build,
        "instahide" => instahide::build,
        "precode" => precode::build,
        "dropout" => dropout::build,
        "soteria" => soteria::build,
        "censor" => censor::build,
        "dcs-2" => dcs::build,
        "outpost" => outpost::build,
        "graddefense" => graddefense::build,
        "noise-only" => noise_only::build,
        "clip" => clip::build,
        "sparsify" => sparsify::build,
        "drop-layers" => drop_layers::build,
        "gaussian-noise" => gaussian_noise::build,
        "laplace-noise" => laplace_noise::build,
        "quantise" => quantise::build,
        "cast" => cast::build,
        "sign" => sign::build,
        _ => return None,
    })
}

/// The network of clients some of whose steps are a part of it.
///
/// # Errors
/// A sentence on the first that does not fit it, with its key.
pub fn network(steps: &[config::Post], net: Net) -> Result<Net, String> {
    steps.iter().enumerate().try_fold(net, |net, (at, step)| match step.read(at)? {
        (defence, settings) if defence.name == PRECODE => precode::network(&settings, &net)
            .map_err(|refused| format!("post[{at}].kind = \"{}\": {refused}", step.kind)),
        _ => Ok(net),
    })
}

/// The one step so far that is a part of the network.
const PRECODE: &str = "precode";

/// The steps of a client, in their order.
#[derive(Debug, Clone, Default)]
pub struct Posts {
    steps: Vec<Arc<dyn Post>>,
    /// Of the samples.
    normalisation: Normalisation,
}

impl Posts {
    /// The steps of these clients, whose network this is.
    ///
    /// # Errors
    /// A sentence on the first that cannot be used, with its key.
    pub fn new(config: &RunConfig, net: &Net, normalisation: &Normalisation) -> Result<Posts, String> {
        let posts = Posts::of(&config.post, net.parameter_specs())?;
        for (at, step) in posts.steps.iter().enumerate() {
            step.fits(net, config)
                .map_err(|refused| format!("post[{at}].kind = \"{}\": {refused}", config.post[at].kind))?;
        }
        Ok(Posts { normalisation: normalisation.clone(), ..posts })
    }

    /// Steps as a preset lists them, for a model with these tensors.
    fn of(steps: &[config::Post], tensors: &[TensorSpec]) -> Result<Posts, String> {
        let step = |(at, step): (usize, &config::Post)| {
            let (defence, settings) = step.read(at)?;
            let build = builder(defence.name)
                .ok_or_else(|| format!("post[{at}].kind = \"{}\" acts on no update", defence.name))?;
            build(&settings, tensors).map_err(|refused| format!("post[{at}].{refused}"))
        };
        let posts: Vec<Arc<dyn Post>> = steps.iter().enumerate().map(step).collect::<Result<_, _>>()?;
        match (1..posts.len()).find(|&at| acts_on(&*posts[at]) < acts_on(&*posts[at - 1])) {
            Some(at) => Err(format!(
                "post[{at}].kind = \"{}\" acts on {}, so it comes before post[{}], \"{}\", which acts on what is made of them",
                steps[at].kind,
                ["the samples", "the passes of samples", "the gradients of samples", "updates"]
                    [acts_on(&*posts[at])],
                at - 1,
                steps[at - 1].kind
            )),
            None => Ok(Posts { steps: posts, ..Posts::default() }),
        }
    }

    /// What a client sends when it is sent the candidate's model, and what post-processing did to it. `residue` is what it kept
    /// back in earlier rounds, and becomes what it has kept back then.
    pub fn send(
        &self,
        client: &Client,
        candidate: At<'_>,
        round: u32,
        residue: &mut Residue,
        generator: &mut ChaCha8Rng,
    ) -> Sent {
        let clean = client.send(candidate);
        if self.steps.is_empty() {
            return clean;
        }
        let each = self.each();
        let (mut x, mut targets) =
            (rows(candidate.x, &client.samples), candidate.targets.rows(&client.samples));
        let changes: Vec<_> = self.steps.iter().filter_map(|step| step.on_samples()).collect();
        for step in &changes {
            let own = At { x: &x, targets: &targets, ..candidate };
            (x, targets) = step.change(own, &self.normalisation, generator);
        }
        let own = At { x: &x, targets: &targets, ..candidate };
        let passes: Vec<_> = self.steps.iter().filter_map(|step| step.on_pass()).collect();
        let update = if !passes.is_empty() {
            let draw = || {
                let (net, like) = (&own.model.net, &own.model.parameters);
                let drawn = passes.iter().map(|step| step.factors(net, like, generator));
                drawn.reduce(|all, more| all.times(&more)).unwrap_or_else(|| like.clone())
            };
            client.alone(each).send_through(own, draw).update.values
        } else if each.is_empty() && changes.is_empty() {
            clean.update.values.clone()
        } else {
            client.alone(each).send(own).update.values
        };
        let at = Sending { own, round };
        let values = self.steps.iter().enumerate().fold(update, |update, (place, step)| {
            residue.through(place, &**step, update, |update| step.apply(update, &at, generator))
        });
        let code = self.steps.iter().fold(Code::default(), |code, step| step.code(code));
        let bits = code.bits(effect::zeros(&values));
        let effect = Some(Effect::of(&clean.update.values, &values, bits));
        Sent { update: Update { values, ..clean.update }, effect, ..clean }
    }

    /// Whether every step acts on updates alone, and on nothing that they are computed from.
    pub fn acts_on_updates(&self) -> bool {
        self.steps.iter().all(|step| acts_on(&**step) == UPDATES)
    }

    /// What becomes of an update that a client has computed already, and the bits of a number in which it is sent; nothing if a
    /// step acts on what updates are computed from.
    pub fn on_update(
        &self,
        update: Parameters,
        at: &Sending<'_>,
        generator: &mut ChaCha8Rng,
    ) -> Option<(Parameters, f64)> {
        if !self.acts_on_updates() {
            return None;
        }
        let values = self.steps.iter().fold(update, |update, step| step.apply(update, at, generator));
        let code = self.steps.iter().fold(Code::default(), |code, step| step.code(code));
        let bits = code.bits(effect::zeros(&values));
        Some((values, bits))
    }

    /// What the server makes of the mean over clients, given the sum of the squares of their shares in it: the last step first,
    /// as it was taken last.
    pub fn on_mean(&self, mean: Parameters, squares: f64) -> Parameters {
        self.steps.iter().rev().fold(mean, |mean, step| step.on_mean(mean, squares))
    }

    /// Whether what clients send depends on what they sent before.
    pub fn feed_back(&self) -> bool {
        self.steps.iter().any(|step| step.feeds_back())
    }

    /// What becomes of the gradient of every sample, which is the same for whoever simulates it.
    pub fn each(&self) -> Transforms {
        Transforms { steps: self.steps.iter().filter_map(|step| step.each()).collect(), inferred: None }
    }

    /// The factors of the passes as an attacker reads them off what was sent; nothing if it was not sent of one sample.
    pub fn factors(&self, received: &Received<'_>) -> Option<Parameters> {
        let sent = received.alone.filter(|_| received.samples == 1)?;
        let read = self.steps.iter().filter_map(|step| step.on_pass()?.read(received.net, sent));
        read.reduce(|all, more| all.times(&more))
    }

    /// The first step alone, then the first two, and so on up to all of them. Each draws as it does among all.
    pub fn prefixes(&self) -> impl Iterator<Item = Posts> {
        (1..=self.steps.len()).map(|count| Posts {
            steps: self.steps[..count].to_vec(),
            normalisation: self.normalisation.clone(),
        })
    }

    /// Steps that an attacker told from an update of these tensors. One that cannot be simulated as it was told is not.
    pub fn told(inferred: &[Inferred], tensors: &[TensorSpec]) -> Posts {
        let built = inferred.iter().filter_map(|it| Posts::of(std::slice::from_ref(&it.step), tensors).ok());
        Posts { steps: built.flat_map(|posts| posts.steps).collect(), ..Posts::default() }
    }

    /// The steps as an attacker simulates them.
    pub fn transforms(&self, received: &Received<'_>) -> Transforms {
        let steps = self.steps.iter().filter_map(|step| step.transform(received)).collect();
        Transforms { steps, inferred: None }
    }
}

/// Steps as the attacker simulates them, in their order.
#[derive(Debug, Clone, Default)]
pub struct Transforms {
    steps: Vec<Arc<dyn Transform>>,
    /// What the attacker told from the update, if it had to.
    pub inferred: Option<Vec<Inferred>>,
}

/// What the way back through [`Transforms`] needs: what went into each.
pub type Passed = Vec<Parameters>;

impl Transforms {
    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// The same, of which the attacker looks at the numbers alone where this is 1, and at none where it is 0.
    #[must_use]
    pub fn then_masked(mut self, looked_at: Parameters) -> Transforms {
        self.steps.push(Arc::new(mask::Mask(looked_at)));
        self
    }

    /// What is received of an update.
    pub fn forward(&self, g: Parameters) -> (Parameters, Passed) {
        let mut passed = Vec::with_capacity(self.steps.len());
        let out = self.steps.iter().fold(g, |g, step| {
            let out = step.forward(&g);
            passed.push(g);
            out
        });
        (out, passed)
    }

    /// The cotangent of the update for that of what is received.
    pub fn pull(&self, passed: &Passed, w: Parameters) -> Parameters {
        self.steps.iter().zip(passed).rev().fold(w, |w, (step, g)| step.pull(g, w))
    }
}

#[cfg(test)]
mod tests;
