//! DCS-2: samples that are searched to stand beside the private ones, and hide them.

use std::sync::Arc;

use burn::tensor::{Tensor, TensorData};
use rand::Rng;
use rand_chacha::ChaCha8Rng;

use super::{At, Post, Received, Sending, Transform};
use crate::backend::{self, Plain};
use crate::config::{RunConfig, Settings};
use crate::model::{Net, Parameters, Targets, TensorSpec};
use crate::seed;

/// Step size of the search, Adam's.
const STEP: f64 = 0.1;
/// After these shares of the search it is a tenth.
const MILESTONES: [f64; 3] = [1.0 / 2.667, 1.0 / 1.6, 1.0 / 1.142];
/// Weight of the distance between samples in exp(-weight distance).
const APART: f64 = 0.01;
/// Weight of the distance between scores, as a share of the private ones'.
const ALIKE: f64 = 0.01;
/// Least factor of the private update where the sum would point away from it.
const MARGIN: f64 = 0.5;
/// What is added to its square.
const RIDGE: f64 = 1e-3;

/// Wu et al. 2024, in the form of their code: x' minimises 1 - cos(g', g) + exp(-0.01 |x' - x|) + 0.01 |F(x') - F(x)| / |F(x)| for
/// a label of its own, and (g + weight g'(y') + (1 - weight) g'(y)) / 3 is sent, turned towards g where it points away.
///
/// Differing from the published code: all samples of the batch are sensitive, and a search begins at noise mixed with the
/// private sample, where the code has other pictures at hand and noise as an option; its label is any other one.
#[derive(Debug)]
pub(super) struct Dcs {
    pub(super) iterations: usize,
    pub(super) far: f64,
    pub(super) weight: f64,
}

/// The step with these settings.
pub fn build(settings: &Settings, _: &[TensorSpec]) -> Result<Arc<dyn Post>, String> {
    Ok(Arc::new(Dcs {
        iterations: settings.number("iterations") as usize,
        far: settings.number("far"),
        weight: settings.number("weight"),
    }))
}

impl Post for Dcs {
    fn fits(&self, net: &Net, config: &RunConfig) -> Result<(), String> {
        if config.local().is_some() {
            let what =
                "adds gradients at the model that was sent, and local steps send a weight difference; use";
            return Err(format!("{what} federation.algorithm = \"fedsgd\""));
        }
        match net.classes() {
            1 => Err("gives concealed samples another class, and this model has one score; use victim.loss = \"ce\"".to_owned()),
            _ => Ok(()),
        }
    }

    fn apply(&self, update: Parameters, at: &Sending<'_>, generator: &mut ChaCha8Rng) -> Parameters {
        let own = at.own;
        let probabilities = backend::values(&own.targets.probabilities());
        let classes = own.model.net.classes();
        let mut others = vec![0.0; probabilities.len()];
        for (row, other) in probabilities.chunks(classes).zip(others.chunks_mut(classes)) {
            let label = own.model.net.label_of(row);
            other[(label + generator.random_range(1..classes)) % classes] = 1.0;
        }
        let noise = seed::normal(generator, own.x.shape().num_elements());
        let others = Targets::Hard(like(own.x, others, [own.x.dims()[0], classes]));
        self.concealed(update, own, &others, &noise)
    }

    fn transform(&self, _: &Received<'_>) -> Option<Arc<dyn Transform>> {
        None
    }
}

impl Dcs {
    /// What is sent in the place of g, with these labels of the concealed samples and this noise to begin at.
    pub(super) fn concealed(
        &self,
        g: Parameters,
        own: At<'_>,
        others: &Targets,
        noise: &[f64],
    ) -> Parameters {
        let x = like(own.x, self.search(&g, own, others, noise), own.x.dims());
        let gradient = |targets: &Targets| own.model.gradient(own.mode, &x, targets).1;
        let beside = gradient(others).combine(self.weight, &gradient(own.targets), 1.0 - self.weight);
        turned(beside.combine(1.0 / 3.0, &g, 1.0 / 3.0), &g)
    }

    /// The concealed samples.
    fn search(&self, g: &Parameters, own: At<'_>, others: &Targets, noise: &[f64]) -> Vec<f64> {
        let At { model, mode, x, .. } = own;
        let (batch, classes) = (x.dims()[0], model.net.classes());
        let private = backend::values(x);
        let width = private.len() / batch.max(1);
        let scores = backend::values(&model.scores(mode, x));
        let length = g.norm();
        let mut z: Vec<f64> = noise
            .iter()
            .zip(&private)
            .map(|(noise, own)| self.weight * noise + (1.0 - self.weight) * own)
            .collect();
        let (mut first, mut second) = (vec![0.0; z.len()], vec![0.0; z.len()]);
        for iteration in 0..self.iterations {
            let at = like(x, z.clone(), x.dims());
            let pass = model.first_pass(mode, &at, others);
            let (along, there) = (pass.gradient.dot(g), pass.gradient.norm());
            let both = (there * length).max(f64::MIN_POSITIVE);
            let v = pass.gradient.combine(along / (both * there * there), g, -1.0 / both);
            let mut slope = backend::values(&model.second_pass(&pass.kept, mode, &at, others, &v).to_input);

            let apart = distances(&z, &private, width);
            let mean = apart.iter().sum::<f64>() / batch as f64;
            let pull = -APART * (-APART * mean).exp() / batch as f64;
            for (entry, slope) in slope.iter_mut().enumerate() {
                *slope += pull * (z[entry] - private[entry]) / apart[entry / width].max(f64::MIN_POSITIVE);
            }
            let here = backend::values(&model.scores(mode, &at));
            let off = distances(&here, &scores, classes);
            let zeros = vec![0.0; scores.len()];
            let sizes = distances(&scores, &zeros, classes);
            let cotangent = (here.iter().zip(&scores).enumerate()).map(|(entry, (here, own))| {
                let (off, size) = (off[entry / classes], sizes[entry / classes]);
                ALIKE * (here - own) / (batch as f64 * off * size).max(f64::MIN_POSITIVE)
            });
            let more = model.pull_scores(mode, &at, like(x, cotangent.collect(), [batch, classes]));
            slope.iter_mut().zip(more).for_each(|(slope, more)| *slope += more);

            let passed = MILESTONES
                .iter()
                .filter(|share| iteration as f64 >= (self.iterations as f64 * **share).floor());
            let step = STEP * 0.1_f64.powi(passed.count() as i32);
            let (less, least) =
                (1.0 - 0.9_f64.powi(iteration as i32 + 1), 1.0 - 0.999_f64.powi(iteration as i32 + 1));
            for (entry, slope) in slope.into_iter().enumerate() {
                first[entry] = 0.9 * first[entry] + 0.1 * slope;
                second[entry] = 0.999 * second[entry] + 0.001 * slope * slope;
                z[entry] -= step * (first[entry] / less) / ((second[entry] / least).sqrt() + 1e-8);
            }
            if mean > self.far {
                break;
            }
        }
        z
    }
}

/// An update as it is, or, where it points away from g, with so much of g that it does not: at least half of it.
fn turned(sent: Parameters, g: &Parameters) -> Parameters {
    let (along, square) = (sent.dot(g), g.dot(g));
    match along < 0.0 {
        true => sent.combine(1.0, g, (-along / (square + RIDGE)).max(MARGIN)),
        false => sent,
    }
}

/// |a - b| of every row.
fn distances(a: &[f64], b: &[f64], width: usize) -> Vec<f64> {
    let square = |(a, b): (&f64, &f64)| (a - b).powi(2);
    let rows = a.chunks(width).zip(b.chunks(width));
    rows.map(|(a, b)| a.iter().zip(b).map(square).sum::<f64>().sqrt()).collect()
}

/// Values where a tensor lies, and as precise.
fn like<const D: usize>(x: &Tensor<Plain, 4>, values: Vec<f64>, shape: [usize; D]) -> Tensor<Plain, D> {
    let data = TensorData::new(values, shape).convert_dtype(x.dtype());
    Tensor::from_data(data, (&x.device(), x.dtype()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::backend::{Compute, Precision};

    #[test]
    fn what_points_away_from_the_update_is_turned_to_it() {
        let compute = Compute::select("flex", Precision::F64).unwrap();
        let of = |values: [f64; 2]| {
            let spec = TensorSpec { name: "t".to_owned(), shape: vec![2] };
            Parameters::from_values(&compute, [spec].into(), |_| values.to_vec())
        };
        let turned = |sent| backend::values(&turned(of(sent), &of([2.0, 0.0])).tensors()[0]);
        assert_eq!(turned([0.1, 5.0]), [0.1, 5.0]);
        assert_eq!(turned([-0.1, 5.0]), [0.9, 5.0]);
        // -along / (|g|^2 + 1e-3) = 6 / 4.001.
        let far = turned([-3.0, 5.0]);
        assert!((far[0] - (-3.0 + 12.0 / 4.001)).abs() < 1e-12 && far[1] == 5.0, "{far:?}");
    }
}
