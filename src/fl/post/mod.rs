//! Post-processing: what a client does to its update before it sends it, and what an attacker who knows of it makes of
//! that.
//!
//! A new one is a file with a [`Kind`] and a line in [`KINDS`].

mod clip;
mod effect;
mod noise;
mod sparsify;

use std::fmt::Debug;
use std::sync::Arc;

use rand_chacha::ChaCha8Rng;

pub use effect::Effect;

use crate::config;
use crate::model::Parameters;
use crate::text::nearest;

/// One step of post-processing with its parameters.
pub trait Post: Debug + Send + Sync {
    /// What becomes of one client's update, gradient or weight difference.
    fn apply(&self, update: Parameters, generator: &mut ChaCha8Rng) -> Parameters;

    /// What an attacker simulates who knows this step, or takes it from the update that it received; nothing if the step
    /// cannot be simulated.
    fn transform(&self, known: Known<'_>) -> Option<Arc<dyn Transform>>;

    /// Bits in which a client sends a number of what had `before` bits, given the share of numbers that are zero.
    fn bits(&self, before: f64, _zeros: f64) -> f64 {
        before
    }
}

/// What the attacker has of a step.
#[derive(Debug, Clone, Copy)]
pub enum Known<'a> {
    /// Its parameters, and the update of the one client it was applied to, if there is one alone.
    Parameters(Option<&'a Parameters>),
    /// That the step is there, and the received update.
    Update(&'a Parameters),
}

/// A step as the attacker simulates it: a function T of an update g, with its derivative.
pub trait Transform: Debug + Send + Sync {
    /// T(g).
    fn forward(&self, g: &Parameters) -> Parameters;

    /// `T'(g)^T w`: the cotangent of g for the cotangent w of T(g).
    fn pull(&self, g: &Parameters, w: Parameters) -> Parameters;
}

/// A post-processing by name.
#[derive(Debug)]
pub struct Kind {
    /// Name in presets.
    pub name: &'static str,
    /// What it does, in a line.
    pub about: &'static str,
    /// Where it comes from.
    pub source: &'static str,
    /// Its one parameter: how strong it is.
    pub parameter: Parameter,
    /// The step of this strength.
    pub build: fn(f64) -> Arc<dyn Post>,
}

/// How strong a step is.
#[derive(Debug)]
pub struct Parameter {
    /// Key in presets.
    pub name: &'static str,
    /// What values are allowed, in words.
    pub range: &'static str,
    /// Whether a value is.
    pub allows: fn(f64) -> bool,
}

/// All of them, in the order in which they are best applied.
pub static KINDS: [Kind; 3] = [clip::CLIP, sparsify::SPARSIFY, noise::NOISE];

/// The steps of a client, in their order.
#[derive(Debug, Clone, Default)]
pub struct Posts(Vec<Arc<dyn Post>>);

impl Posts {
    /// The steps that a preset lists.
    ///
    /// # Errors
    /// A sentence on the first that cannot be used, with its key.
    pub fn new(steps: &[config::Post]) -> Result<Posts, String> {
        steps.iter().enumerate().map(|(at, step)| read(at, step)).collect::<Result<_, _>>().map(Posts)
    }

    /// What is sent of a client's update, and what that did to it.
    pub fn apply(&self, clean: Parameters, generator: &mut ChaCha8Rng) -> (Parameters, Option<Effect>) {
        if self.0.is_empty() {
            return (clean, None);
        }
        let sent = self.0.iter().fold(clean.clone(), |update, step| step.apply(update, generator));
        let zeros = effect::zeros(&sent);
        let bits = self.0.iter().fold(FULL_WIDTH, |bits, step| step.bits(bits, zeros));
        let effect = Effect::of(&clean, &sent, bits);
        (sent, Some(effect))
    }

    /// The steps as an attacker simulates them.
    pub fn transforms(&self, known: Known<'_>) -> Transforms {
        Transforms(self.0.iter().filter_map(|step| step.transform(known)).collect())
    }
}

/// Bits of a number that is sent as it is.
const FULL_WIDTH: f64 = 32.0;

/// Steps as the attacker simulates them, in their order.
#[derive(Debug, Clone, Default)]
pub struct Transforms(Vec<Arc<dyn Transform>>);

/// What the way back through [`Transforms`] needs: what went into each.
pub type Passed = Vec<Parameters>;

impl Transforms {
    /// What is received of an update.
    pub fn forward(&self, g: Parameters) -> (Parameters, Passed) {
        let mut passed = Vec::with_capacity(self.0.len());
        let out = self.0.iter().fold(g, |g, step| {
            let out = step.forward(&g);
            passed.push(g);
            out
        });
        (out, passed)
    }

    /// The cotangent of the update for that of what is received.
    pub fn pull(&self, passed: &Passed, w: Parameters) -> Parameters {
        self.0.iter().zip(passed).rev().fold(w, |w, (step, g)| step.pull(g, w))
    }
}

fn read(at: usize, step: &config::Post) -> Result<Arc<dyn Post>, String> {
    let kind = KINDS.iter().find(|kind| kind.name == step.kind).ok_or_else(|| {
        let names = KINDS.iter().map(|kind| kind.name);
        let near = nearest(&step.kind, names.clone()).map(|near| format!("did you mean \"{near}\"?"));
        let near = near.unwrap_or_else(|| format!("use {}", names.collect::<Vec<_>>().join(", ")));
        format!("post[{at}].kind = \"{}\" is not known; {near}", step.kind)
    })?;
    let Parameter { name, range, allows } = &kind.parameter;
    if let Some(other) = step.settings.keys().find(|key| key != name) {
        return Err(format!("post[{at}].{other} is no setting of {}, which has {name}", kind.name));
    }
    let given = step
        .settings
        .get(*name)
        .ok_or_else(|| format!("post[{at}].{name} is missing: how strong {} is; it is {range}", kind.name))?;
    let value = given.as_float().or_else(|| given.as_integer().map(|whole| whole as f64));
    match value.filter(|&value| value.is_finite() && allows(value)) {
        Some(value) => Ok((kind.build)(value)),
        None => Err(format!("post[{at}].{name} = {given}, must be {range}")),
    }
}

#[cfg(test)]
mod tests;
