//! Post-processing: what a client does to its update before it sends it, and what an attacker who knows of it makes of
//! that.
//!
//! The facts are in `catalogue::defence`; a new one is a file here besides, and a line in `builder`.

mod cast;
mod clip;
mod drop_layers;
mod effect;
mod estimate;
mod gaussian_noise;
mod laplace_noise;
mod quantise;
mod sign;
mod sparsify;

use std::fmt::Debug;
use std::sync::Arc;

use rand_chacha::ChaCha8Rng;

pub use effect::Effect;
pub use estimate::{Inferred, Sureness, estimate, in_words};

use crate::config::{self, Settings};
use crate::model::{Parameters, TensorSpec};

/// One step of post-processing with its parameters.
pub trait Post: Debug + Send + Sync {
    /// What becomes of one client's update, gradient or weight difference.
    fn apply(&self, update: Parameters, generator: &mut ChaCha8Rng) -> Parameters;

    /// What an attacker simulates who knows this step, or told it from the update; nothing if the step cannot be
    /// simulated. `alone` is the received update of the one client it was applied to, if there is one alone.
    fn transform(&self, alone: Option<&Parameters>) -> Option<Arc<dyn Transform>>;

    /// How a client writes down what it makes of an update that it would have written as `before`.
    fn code(&self, before: Code) -> Code {
        before
    }
}

/// How a client writes down its update.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Code {
    /// Bits of a number. A scale for each tensor is not counted.
    pub width: f64,
    /// Numbers other than zero alone are sent, each with its place.
    pub places: bool,
    /// Share of the numbers that are not sent and need no place: whole tensors.
    pub left_out: f64,
}

impl Default for Code {
    /// Every number as it is, in 32 bits.
    fn default() -> Self {
        Code { width: 32.0, places: false, left_out: 0.0 }
    }
}

impl Code {
    /// Bits of a number's place.
    const PLACE: f64 = 32.0;

    /// Bits for each number of the clean update, given the share of numbers that are zero.
    fn bits(self, zeros: f64) -> f64 {
        match self.places {
            true => (1.0 - zeros) * (self.width + Code::PLACE),
            false => (1.0 - self.left_out) * self.width,
        }
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

/// What makes a step of the defence of this name.
fn builder(defence: &str) -> Option<Build> {
    Some(match defence {
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

/// The steps of a client, in their order.
#[derive(Debug, Clone, Default)]
pub struct Posts(Vec<Arc<dyn Post>>);

impl Posts {
    /// The steps that a preset lists, for a model with these tensors.
    ///
    /// # Errors
    /// A sentence on the first that cannot be used, with its key.
    pub fn new(steps: &[config::Post], tensors: &[TensorSpec]) -> Result<Posts, String> {
        let step = |(at, step): (usize, &config::Post)| {
            let (defence, settings) = step.read(at)?;
            let build = builder(defence.name)
                .ok_or_else(|| format!("post[{at}].kind = \"{}\" acts on no update", defence.name))?;
            build(&settings, tensors).map_err(|refused| format!("post[{at}].{refused}"))
        };
        steps.iter().enumerate().map(step).collect::<Result<_, _>>().map(Posts)
    }

    /// What is sent of a client's update, and what that did to it.
    pub fn apply(&self, clean: Parameters, generator: &mut ChaCha8Rng) -> (Parameters, Option<Effect>) {
        if self.0.is_empty() {
            return (clean, None);
        }
        let sent = self.0.iter().fold(clean.clone(), |update, step| step.apply(update, generator));
        let zeros = effect::zeros(&sent);
        let code = self.0.iter().fold(Code::default(), |code, step| step.code(code));
        let effect = Effect::of(&clean, &sent, code.bits(zeros));
        (sent, Some(effect))
    }

    /// The steps as an attacker simulates them.
    pub fn transforms(&self, alone: Option<&Parameters>) -> Transforms {
        let steps = self.0.iter().filter_map(|step| step.transform(alone)).collect();
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
    /// Steps that an attacker told from an update of these tensors. One that cannot be simulated as it was told is not.
    pub fn told(inferred: Vec<Inferred>, tensors: &[TensorSpec], alone: Option<&Parameters>) -> Transforms {
        let built = inferred.iter().filter_map(|it| Posts::new(std::slice::from_ref(&it.step), tensors).ok());
        let steps = built.flat_map(|posts| posts.transforms(alone).steps).collect();
        Transforms { steps, inferred: Some(inferred) }
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
