//! How networks are trained here: Adam on shuffled batches of pictures, told by their numbers.

use std::sync::Arc;

use burn::tensor::Tensor;
use rand::seq::SliceRandom;

use crate::backend::{Compute, Tape};
use crate::config::BatchNormMode;
use crate::model::layer::{Layer, Start};
use crate::model::net::{Initialisation, Weights, drawn};
use crate::model::optimiser::State;
use crate::model::{Descent, Optimiser, Parameters, TensorSpec};
use crate::seed::Seed;

/// A tensor of weights that is trained, flat.
pub(super) type Leaf = Tensor<Tape, 1>;

/// Adam(0.9, 0.999), the step size falling as half a cosine over all steps.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Schedule {
    /// Passes over the pictures.
    pub epochs: u32,
    /// Pictures of a step.
    pub batch: usize,
    /// Step size at the beginning.
    pub learning_rate: f64,
}

/// Why training ended without a network.
#[derive(Debug, thiserror::Error, PartialEq)]
pub enum TrainingFailure<E> {
    /// A picture cannot be read.
    #[error(transparent)]
    Data(E),
    /// The weights are not finite any more.
    #[error("training diverged in epoch {epoch}: the weights are not finite any more; lower --learning-rate")]
    Diverged {
        /// 1-based.
        epoch: u32,
    },
}

/// What the weights cost on pictures of these numbers, in this step, and what to report of them, means over the pictures.
pub(super) type Pass<'a, const N: usize, E> =
    dyn FnMut(&[Leaf], &[usize], usize) -> Result<(Leaf, [f64; N]), E> + 'a;

/// Weights that cost less, on pictures from 0 to `count`. `report` is told the means of every epoch, 1-based.
pub(super) fn descend<const N: usize, E>(
    begin: Parameters,
    count: usize,
    schedule: Schedule,
    seed: Seed,
    pass: &mut Pass<'_, N, E>,
    report: &mut dyn FnMut(u32, [f64; N]),
) -> Result<Parameters, TrainingFailure<E>> {
    let mut state = State::at(begin.clone());
    let mut order: Vec<usize> = (0..count).collect();
    let steps = schedule.epochs as usize * count.div_ceil(schedule.batch);
    let mut step = 0;
    for epoch in 1..=schedule.epochs {
        order.sort_unstable();
        order.shuffle(&mut seed.stream("training", &[u64::from(epoch)]));
        let mut sums = [0.0; N];
        for chosen in order.chunks(schedule.batch) {
            let leaf = |tensor: &Tensor<_, 1>| Leaf::from_inner(tensor.clone()).require_grad();
            let leaves: Vec<Leaf> = state.theta.tensors().iter().map(leaf).collect();
            let (loss, figures) = pass(&leaves, chosen, step).map_err(TrainingFailure::Data)?;
            sums.iter_mut().zip(figures).for_each(|(sum, figure)| *sum += figure * chosen.len() as f64);
            let gradients = loss.backward();
            let of = |leaf: &Leaf| leaf.grad(&gradients).unwrap_or_else(|| leaf.clone().inner().zeros_like());
            let g = Parameters::new(begin.specs().clone(), leaves.iter().map(of).collect());
            let fallen = 0.5 * (1.0 + (std::f64::consts::PI * step as f64 / steps as f64).cos());
            let adam = Optimiser::Adam { betas: [0.9, 0.999], epsilon: 1e-8, decoupled: false };
            let descent =
                Descent { optimiser: adam, ..Descent::sgd(schedule.learning_rate * fallen, Vec::new()) };
            state = descent.next(&state, g, &begin);
            step += 1;
        }
        if !state.theta.norm().is_finite() {
            return Err(TrainingFailure::Diverged { epoch });
        }
        report(epoch, sums.map(|sum| sum / count as f64));
    }
    Ok(state.theta)
}

/// The weights of these layers in order, and how each begins.
pub(super) fn weights_of(layers: &[Layer]) -> (Vec<TensorSpec>, Vec<Start>) {
    let mut all = Vec::new();
    layers.iter().for_each(|layer| layer.parameters(&mut all));
    all.into_iter().unzip()
}

/// Fresh weights, drawn one after the other.
pub(super) fn fresh(
    compute: &Compute,
    specs: &Arc<[TensorSpec]>,
    starts: &[Start],
    seed: Seed,
) -> Parameters {
    let mut values = drawn(specs, starts, Initialisation::PyTorch, seed).into_iter();
    Parameters::from_values(compute, specs.clone(), |_| values.next().unwrap_or_default())
}

/// These weights, for layers without buffers.
pub(super) fn weights<'a>(specs: &'a [TensorSpec], values: &'a [Leaf], none: &'a Parameters) -> Weights<'a> {
    Weights {
        specs,
        values,
        tangents: None,
        buffers: none,
        mode: BatchNormMode::Eval,
        observed: None,
        inputs: None,
        features: None,
        penalties: None,
    }
}
