//! Layers that are not sent.

use std::sync::Arc;

use rand_chacha::ChaCha8Rng;

use super::mask::LeftOut;
use super::{Code, Post, Received, Sending, Transform};
use crate::config::Settings;
use crate::model::{Parameters, TensorSpec};
use crate::text::nearest;

/// Zeros in the place of some tensors.
#[derive(Debug)]
struct Dropped {
    tensors: LeftOut,
    /// Share of all numbers that they hold.
    share: f64,
}

/// The step with these settings.
///
/// # Errors
/// A sentence on a name that the model does not have, or if nothing is left to send.
pub fn build(settings: &Settings, tensors: &[TensorSpec]) -> Result<Arc<dyn Post>, String> {
    let mut dropped = vec![false; tensors.len()];
    for name in settings.layers("layers") {
        let at = positions(name, tensors);
        if at.is_empty() {
            return Err(unknown(name, tensors));
        }
        at.into_iter().for_each(|at| dropped[at] = true);
    }
    if dropped.iter().all(|dropped| *dropped) {
        return Err("layers holds every layer of the model; nothing would be sent".to_owned());
    }
    let tensors_dropped: Vec<usize> = (0..tensors.len()).filter(|&at| dropped[at]).collect();
    let numbers: usize = tensors_dropped.iter().map(|&at| tensors[at].count()).sum();
    let all: usize = tensors.iter().map(TensorSpec::count).sum();
    Ok(Arc::new(Dropped { tensors: LeftOut(tensors_dropped), share: numbers as f64 / all.max(1) as f64 }))
}

/// The tensor of this name, or those of the layer.
fn positions(name: &str, tensors: &[TensorSpec]) -> Vec<usize> {
    let layer = match name {
        "first" => tensors.first().map_or("", |tensor| layer_of(&tensor.name)),
        "last" => tensors.last().map_or("", |tensor| layer_of(&tensor.name)),
        name => name,
    };
    let is_in = |tensor: &TensorSpec| {
        tensor.name.strip_prefix(layer).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    (0..tensors.len()).filter(|&at| is_in(&tensors[at])).collect()
}

/// `fc` of `fc.weight`.
fn layer_of(tensor: &str) -> &str {
    tensor.rsplit_once('.').map_or(tensor, |(layer, _)| layer)
}

fn unknown(name: &str, tensors: &[TensorSpec]) -> String {
    let names = tensors.iter().flat_map(|tensor| {
        let dots = tensor.name.match_indices('.').map(|(at, _)| &tensor.name[..at]);
        dots.chain([tensor.name.as_str()])
    });
    let near = match nearest(name, names) {
        Some(near) => format!("did you mean \"{near}\"?"),
        None => {
            let mut layers: Vec<&str> = tensors.iter().map(|tensor| layer_of(&tensor.name)).collect();
            layers.dedup();
            let shown = layers.iter().take(SHOWN).copied().collect::<Vec<_>>().join(", ");
            format!("it has {shown}{}", if layers.len() > SHOWN { ", ..." } else { "" })
        }
    };
    format!("layers: the model has no layer or tensor \"{name}\"; {near}")
}

/// Layers that are named at most.
const SHOWN: usize = 8;

impl Post for Dropped {
    fn apply(&self, update: Parameters, _: &Sending<'_>, _: &mut ChaCha8Rng) -> Parameters {
        update.without(&self.tensors.0)
    }

    fn transform(&self, _: &Received<'_>) -> Option<Arc<dyn Transform>> {
        Some(Arc::new(self.tensors.clone()))
    }

    fn code(&self, before: Code) -> Code {
        Code { left_out: before.left_out.max(self.share), ..before }
    }
}
