//! What a search moves: a vector z that decodes to the model's input.
//!
//! A new variable is a file with a [`Variable`], a word in `config::VariableKind` and a line in [`variable`].

mod fields;
mod generated;
mod low_resolution;
mod null_space;
mod pixels;

use std::fmt::Debug;
use std::sync::Arc;

use rand_chacha::ChaCha8Rng;

use super::{AttackError, direct};
use crate::config::{Labels, RunConfig, Search, Stage, Start, VariableKind};
use crate::fl::AttackerView;
use crate::model::Net;
use crate::model::generator::GeneratorNet;
use crate::seed::Seed;

pub use generated::UNTRAINED_LATENT;

/// A vector z that stands for samples x, `[batch, channels, height, width]`.
pub trait Variable: Debug + Send + Sync {
    /// Entries of z.
    fn count(&self) -> usize;

    /// x.
    fn decode(&self, z: &[f64]) -> Vec<f64>;

    /// The gradient to z of what has this gradient to x.
    fn pull(&self, z: &[f64], to_x: Vec<f64>) -> Vec<f64>;

    /// Keeps z where x is possible.
    fn project(&self, z: &mut [f64]);

    /// One answer from several decoded ones.
    fn pool(&self, members: &[Vec<f64>]) -> Vec<f64>;

    /// Where a search begins.
    fn first(&self, start: Start, generator: &mut ChaCha8Rng) -> Vec<f64>;

    /// Numbers of a code where z holds the codes of a generator, sample by sample.
    fn latent(&self) -> Option<usize> {
        None
    }

    /// How sure each field of each sample is, 0 to 1, row by row, as members agree; nothing where that is not told.
    fn confidence(&self, _members: &[Vec<f64>]) -> Vec<f64> {
        Vec::new()
    }

    /// What making it found, step by step.
    fn words(&self) -> &[String] {
        &[]
    }

    /// The variable of the next stage and where it begins, as this one stands at z; nothing where it does not go on so.
    fn then(&self, _z: &[f64], _stage: &Stage) -> Option<(Arc<dyn Variable>, Vec<f64>)> {
        None
    }
}

/// Whether a search moves what a run has, as far as that can be told before it.
///
/// # Errors
/// One sentence that says what is missing, and what to do.
pub fn check(
    search: &Search,
    config: &RunConfig,
    victim: &Net,
    rows: bool,
    generator: Option<&GeneratorNet>,
) -> Result<(), String> {
    let refused = |key: &str, kind: VariableKind, why: &str| Err(format!("{key} = {}: {why}", kind.title()));
    for kind in search.variables() {
        if rows && !matches!(kind, VariableKind::Pixels | VariableKind::Fields) {
            return refused("attack.variable", kind, "it is for pictures, but the data are rows of a table");
        }
        if kind.needs_generator() && config.knowledge.generator.is_none() {
            let why = "no generator is granted; set knowledge.generator to a built-in one (fashion28-vae) or a file";
            return refused("attack.variable", kind, why);
        }
        if kind.is_generated() && config.attack.labels == Labels::Optimise {
            let why = "labels cannot be optimised beside it; set attack.labels to \"given\" or to a rule";
            return refused("attack.variable", kind, why);
        }
        if kind == VariableKind::NullSpace {
            if config.batch() != 1 || config.takes_steps() {
                let why = "it is for one gradient of one sample; choose one (--set 'victim.indices=[0]'), or move pixels";
                return refused("attack.variable", kind, why);
            }
            direct::goes_down(victim)?;
        }
        if kind == VariableKind::Epochs && config.supposed().is_empty() {
            let why = "the update is taken for one gradient, which has no epochs; attack local steps that are known or assumed";
            return refused("attack.variable", kind, why);
        }
    }
    if let Some(net) = generator.filter(|_| search.variable.needs_generator()) {
        let shape = victim.input();
        if net.shape() != shape {
            let [[c, h, w], [channels, height, width]] = [net.shape(), shape];
            return Err(format!(
                "knowledge.generator makes pictures of {c}x{h}x{w}, the victim's are {channels}x{height}x{width}; choose \
                 another generator, or another victim.size"
            ));
        }
        if net.classes() > 0 && net.classes() < victim.labels() {
            return Err(format!(
                "knowledge.generator makes pictures of {} classes, the victim tells {}; choose another generator",
                net.classes(),
                victim.labels()
            ));
        }
        let last = net.cuts().len();
        for kind in search.variables() {
            if let VariableKind::Features(number) = kind
                && number > last
            {
                return Err(format!(
                    "attack.then = {{ features = {number} }}: the generator has features 1 to {last}"
                ));
            }
        }
    }
    if search.surrogate.is_some() {
        let why = if !config.takes_steps() {
            "stands between the weights before and after local steps, and the client sends one gradient; set \
             federation.algorithm = \"fedavg\", or remove it"
        } else if search.variable == VariableKind::Epochs {
            "takes one gradient for all epochs, which attack.variable = \"epochs\" tells apart; choose one of them"
        } else if super::prior::reads_model(&search.prior) {
            "goes with priors on pictures alone; remove bn, feat and loss from attack.prior"
        } else {
            return Ok(());
        };
        return Err(format!("attack.surrogate {why}"));
    }
    Ok(())
}

/// What a variable is made for.
#[derive(Debug, Clone)]
pub struct Of<'a> {
    /// The attacker's world.
    pub view: &'a AttackerView,
    /// Shape of x, which may hold the samples several times.
    pub shape: [usize; 4],
    /// Labels of x, where they are known.
    pub labels: &'a [usize],
    /// For what stays the same in all trials.
    pub seed: Seed,
}

/// The variable of a search on this view.
///
/// # Errors
/// Why it cannot be made.
pub fn variable(kind: VariableKind, of: &Of<'_>) -> Result<Arc<dyn Variable>, AttackError> {
    Ok(match kind {
        VariableKind::Pixels | VariableKind::Epochs => Arc::new(pixels::Pixels::new(of)),
        VariableKind::Fields => Arc::new(fields::Fields::new(of.view)),
        VariableKind::LowResolution(factor) => Arc::new(low_resolution::LowResolution::new(of, factor)?),
        VariableKind::NullSpace => Arc::new(null_space::NullSpace::new(of)?),
        VariableKind::Latent => Arc::new(generated::Generated::codes(of)?),
        VariableKind::Untrained => Arc::new(generated::Generated::untrained(of)?),
        VariableKind::Weights | VariableKind::Features(_) => {
            let why = format!("{} begin where codes stand; go on to them under attack.then", kind.title());
            return Err(AttackError::Variable { why });
        }
    })
}

#[cfg(test)]
mod tests;
