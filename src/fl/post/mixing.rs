//! Mixtures of a client's samples, of which MixUp and InstaHide take gradients.

use std::sync::Arc;

use burn::tensor::Tensor;
use rand::Rng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use super::{OnSamples, Post, Received, Sending, Transform};
use crate::backend::{self, Plain};
use crate::config::{RunConfig, Settings};
use crate::data::Normalisation;
use crate::fl::At;
use crate::model::{Net, Parameters, Targets};
use crate::seed;

/// x'_i = sum_j lambda_ij x_(pi_j(i)) with pi_1 the identity and the others permutations of the client's samples; the labels
/// alike. Coefficients are |N(0, 1)|^k over their sum, drawn again while one is larger than `most` (Huang et al. 2020 and their
/// code). Partners are of the client's own batch.
#[derive(Debug)]
pub(super) struct Mixing {
    /// k.
    samples: usize,
    most: f64,
    /// InstaHide: the sign of every value drawn.
    signs: bool,
}

/// What is drawn for a batch.
#[derive(Debug)]
pub(super) struct Draws {
    /// pi_j, each of all samples.
    pub partners: Vec<Vec<usize>>,
    /// lambda_i of every mixture.
    pub shares: Vec<Vec<f64>>,
    /// Values whose sign changes, row-major; none without signs.
    pub flipped: Vec<bool>,
}

impl Mixing {
    /// As a preset sets it.
    pub fn of(settings: &Settings, signs: bool) -> Mixing {
        Mixing { samples: settings.number("samples") as usize, most: settings.number("most"), signs }
    }

    /// Everything that is drawn for a batch of samples of so many values.
    fn draws(&self, batch: usize, width: usize, generator: &mut ChaCha8Rng) -> Draws {
        let mut partners: Vec<Vec<usize>> = Vec::with_capacity(self.samples);
        for place in 0..self.samples {
            let mut order: Vec<usize> = (0..batch).collect();
            if place > 0 {
                order.shuffle(generator);
            }
            partners.push(order);
        }
        let shares = (0..batch).map(|_| self.coefficients(generator)).collect();
        let flipped = if self.signs { batch * width } else { 0 };
        Draws { partners, shares, flipped: (0..flipped).map(|_| generator.random::<bool>()).collect() }
    }

    /// lambda of a mixture.
    fn coefficients(&self, generator: &mut ChaCha8Rng) -> Vec<f64> {
        loop {
            let drawn = seed::normal(generator, self.samples);
            let drawn: Vec<f64> = drawn.iter().map(|value| value.abs().powi(self.samples as i32)).collect();
            let sum: f64 = drawn.iter().sum();
            let coefficients: Vec<f64> = drawn.iter().map(|value| value / sum).collect();
            if coefficients.iter().all(|value| *value <= self.most) {
                return coefficients;
            }
        }
    }
}

impl OnSamples for Mixing {
    fn change(
        &self,
        own: At<'_>,
        _: &Normalisation,
        generator: &mut ChaCha8Rng,
    ) -> (Tensor<Plain, 4>, Targets) {
        let [batch, sample @ ..] = own.x.dims();
        self.draws(batch, sample.iter().product(), generator).mixed(own)
    }
}

impl Draws {
    /// The mixtures and their labels.
    pub fn mixed(&self, own: At<'_>) -> (Tensor<Plain, 4>, Targets) {
        let (x, t) = (backend::values(own.x), backend::values(&own.targets.probabilities()));
        let batch = own.x.dims()[0];
        let (width, classes) = (x.len() / batch, t.len() / batch);
        let (mut mixed, mut labels) = (vec![0.0; x.len()], vec![0.0; t.len()]);
        for (sample, shares) in self.shares.iter().enumerate() {
            for (lambda, order) in shares.iter().zip(&self.partners) {
                let of = order[sample];
                let add = |to: &mut [f64], from: &[f64], width: usize| {
                    let from = &from[of * width..(of + 1) * width];
                    to[sample * width..(sample + 1) * width]
                        .iter_mut()
                        .zip(from)
                        .for_each(|(to, from)| *to += lambda * from);
                };
                add(&mut mixed, &x, width);
                add(&mut labels, &t, classes);
            }
        }
        let flipped = mixed.iter_mut().zip(&self.flipped).filter(|(_, flipped)| **flipped);
        flipped.for_each(|(value, _)| *value = -*value);
        let device = own.x.device();
        let on_device = |values: Vec<f64>, shape: Vec<usize>| {
            burn::tensor::TensorData::new(values, shape).convert_dtype(own.x.dtype())
        };
        let place = (&device, own.x.dtype());
        let targets = Tensor::from_data(on_device(labels, vec![batch, classes]), place);
        (Tensor::from_data(on_device(mixed, own.x.dims().to_vec()), place), Targets::Hard(targets))
    }
}

impl Post for Mixing {
    fn fits(&self, _: &Net, config: &RunConfig) -> Result<(), String> {
        let each = config.batch() / config.federation.secure_aggregation.max(1) as usize;
        match each {
            1 => Err("mixes the samples of a batch, and this one has one; use several, as victim.indices = [0, 1, 2, 3]".to_owned()),
            _ if self.samples > each => Err(format!(
                "mixes {} samples, and a batch has {each}; set samples = {each}, or take more",
                self.samples
            )),
            _ => Ok(()),
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
