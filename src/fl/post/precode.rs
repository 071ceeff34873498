//! PRECODE: a variational bottleneck in front of the classifier.

use std::sync::Arc;

use rand_chacha::ChaCha8Rng;

use super::mask::LeftOut;
use super::{OnPass, Post, Received, Sending, Transform, single_samples};
use crate::config::{RunConfig, Settings};
use crate::model::{BOTTLENECK, Net, Parameters, TensorSpec};
use crate::seed;

/// The bottleneck is a part of the network, of the server's as well (Scheliga et al. 2022, in the form of their code); its
/// noise is drawn by the client, as a factor 1 + N(0, 1) on a tensor of ones that is never trained. Where nothing draws it,
/// as when a model is evaluated, there is none, where that code draws some then too.
///
/// Who knows of it leaves the tensors of the bottleneck and of the classifier out of the match, and passes without noise.
#[derive(Debug)]
struct Precode {
    /// Tensors of the bottleneck, and those behind it.
    tensors: LeftOut,
}

/// The network with its bottleneck.
///
/// # Errors
/// If no fully connected layer ends it.
pub fn network(settings: &Settings, net: &Net) -> Result<Net, String> {
    net.with_bottleneck(settings.number("width") as usize, settings.number("beta"))
}

/// The step with these settings.
pub fn build(_: &Settings, tensors: &[TensorSpec]) -> Result<Arc<dyn Post>, String> {
    let first = tensors.iter().position(|tensor| tensor.name.starts_with(BOTTLENECK));
    Ok(Arc::new(Precode { tensors: LeftOut((first.unwrap_or(tensors.len())..tensors.len()).collect()) }))
}

impl OnPass for Precode {
    fn factors(&self, _: &Net, like: &Parameters, generator: &mut ChaCha8Rng) -> Parameters {
        like.mapped(|spec, values| match spec.name.strip_prefix(BOTTLENECK) {
            Some(".noise") => {
                let noise = seed::normal(generator, values.len());
                values.iter_mut().zip(noise).for_each(|(value, noise)| *value = 1.0 + noise);
            }
            _ => values.fill(1.0),
        })
    }

    /// Nothing in an update tells it from another mean.
    fn read(&self, _: &Net, _: &Parameters) -> Option<Parameters> {
        None
    }
}

impl Post for Precode {
    fn fits(&self, net: &Net, config: &RunConfig) -> Result<(), String> {
        match self.tensors.0.is_empty() {
            true => Err("is a part of the network, and that of a captured update has none".to_owned()),
            false => single_samples(net, config),
        }
    }

    fn on_pass(&self) -> Option<&dyn OnPass> {
        Some(self)
    }

    fn apply(&self, update: Parameters, _: &Sending<'_>, _: &mut ChaCha8Rng) -> Parameters {
        update
    }

    fn transform(&self, _: &Received<'_>) -> Option<Arc<dyn Transform>> {
        Some(Arc::new(self.tensors.clone()))
    }
}
