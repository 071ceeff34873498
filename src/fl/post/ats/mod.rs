//! ATS: pictures are augmented by a searched policy before any gradient.

mod operation;
mod picture;
mod transform;

use std::sync::Arc;

use burn::tensor::Tensor;
use rand::Rng;
use rand_chacha::ChaCha8Rng;

use super::{OnSamples, Post, Received, Sending, Transform};
use crate::backend::{self, Plain};
use crate::config::{RunConfig, Settings};
use crate::data::Normalisation;
use crate::fl::At;
use crate::model::{Net, Parameters, Targets, TensorSpec};
use operation::LIBRARY;
use picture::Picture;

/// For every sample a policy is drawn, and its operations of [`LIBRARY`] are done in their order, on 8-bit pictures (Gao et al.
/// 2021 and their code). Labels stay. The random crop and flip of that code are the training's, not the defence's, and left out.
#[derive(Debug)]
struct Ats {
    policies: Vec<Vec<usize>>,
}

/// The step with these settings.
pub fn build(settings: &Settings, _: &[TensorSpec]) -> Result<Arc<dyn Post>, String> {
    let policies = settings.policies("policy").to_vec();
    let unknown = policies.iter().flatten().find(|operation| **operation >= LIBRARY.len());
    match unknown {
        Some(unknown) => {
            Err(format!("policy: there is no operation {unknown}; they are 0 to {}", LIBRARY.len() - 1))
        }
        None => Ok(Arc::new(Ats { policies })),
    }
}

impl OnSamples for Ats {
    fn change(
        &self,
        own: At<'_>,
        normalisation: &Normalisation,
        generator: &mut ChaCha8Rng,
    ) -> (Tensor<Plain, 4>, Targets) {
        let shape = own.x.dims();
        let mut images = normalisation.undo(&backend::values(own.x), shape);
        let [_, channels, height, width] = shape;
        for pixels in images.pixels.chunks_mut(channels * height * width) {
            let mut picture = Picture::of(pixels, width, height);
            let policy = &self.policies[generator.random_range(0..self.policies.len())];
            for &operation in policy {
                picture = LIBRARY[operation].of(&picture, generator);
            }
            picture.write(pixels);
        }
        let values =
            burn::tensor::TensorData::new(normalisation.apply(&images), shape).convert_dtype(own.x.dtype());
        (Tensor::from_data(values, (&own.x.device(), own.x.dtype())), own.targets.clone())
    }
}

impl Post for Ats {
    fn fits(&self, net: &Net, _: &RunConfig) -> Result<(), String> {
        match net.input() {
            [1 | 3, height, width] if height > 1 && width > 1 => Ok(()),
            _ => Err("augments pictures of one or three channels, and this model sees none".to_owned()),
        }
    }

    fn on_samples(&self) -> Option<&dyn OnSamples> {
        Some(self)
    }

    fn apply(&self, update: Parameters, _: &Sending<'_>, _: &mut ChaCha8Rng) -> Parameters {
        update
    }

    fn transform(&self, _: &Received<'_>) -> Option<Arc<dyn Transform>> {
        None
    }
}

#[cfg(test)]
mod tests;
