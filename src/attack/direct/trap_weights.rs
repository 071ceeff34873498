//! Trap weights (Boenisch et al. 2023): a first layer most of whose neurons are switched on by one sample at most. A row's random
//! half is negative, the other half the same sizes times a little less, so that what is alike in all places sums to less than zero.

use rand::seq::SliceRandom;

use super::rows::{self, first_layer};
use super::{Craft, Honest, Of};
use crate::backend;
use crate::config::Direct;
use crate::model::{Model, Parameters};
use crate::seed;

/// Deviation of the sizes, as published.
const DEVIATION: f64 = 0.5;

pub(super) fn check(of: &Of<'_>) -> Result<(), String> {
    rows::begins_with_layer("trap-weights", of.net)
}

/// The honest model with another first layer.
pub(super) fn craft(settings: &Direct, honest: &Honest<'_>) -> Result<Craft, String> {
    let Honest { model, range, seed, compute, .. } = honest;
    let factor = settings.factor.unwrap_or(0.97);
    let (layer, bias) = first_layer(&model.net).ok_or("no fully connected layer sees the input")?;
    let specs = model.net.parameter_specs();
    let (rows, inputs) = (specs[bias].shape[0], layer.input);
    let mut generator = seed.stream("trap weights", &[]);
    let mut weight = vec![0.0; rows * inputs];
    for row in weight.chunks_mut(inputs) {
        let mut places: Vec<usize> = (0..inputs).collect();
        places.shuffle(&mut generator);
        let mut sizes: Vec<f64> =
            seed::normal(&mut generator, inputs / 2).into_iter().map(|size| DEVIATION * size.abs()).collect();
        places[..inputs / 2].iter().zip(&sizes).for_each(|(place, size)| row[*place] = -size);
        sizes.shuffle(&mut generator);
        places[inputs / 2..].iter().zip(&sizes).for_each(|(place, size)| row[*place] = factor * size);
    }
    // Darkest is zero, as the rows take it: in normalised values the bias makes it so.
    let plane = inputs / range.len().max(1);
    let darkest = |at: usize| range[(at / plane).min(range.len() - 1)].0;
    let offset: Vec<f64> = weight
        .chunks(inputs)
        .map(|row| -row.iter().enumerate().map(|(at, w)| w * darkest(at)).sum::<f64>())
        .collect();
    let mut made = [(layer.weight, weight), (bias, offset)];
    let mut values = (0..specs.len()).map(|at| match made.iter_mut().find(|(own, _)| *own == at) {
        Some((_, values)) => std::mem::take(values),
        None => backend::values(&model.parameters.tensors()[at]),
    });
    let parameters = Parameters::from_values(compute, specs.clone(), |_| values.next().unwrap_or_default());
    let changed = parameters.clone().combine(1.0, &model.parameters, -1.0).norm() / model.parameters.norm();
    let words = vec![format!(
        "sent instead of the honest model: {0}.weight [{rows}, {inputs}] and {0}.bias are others, the rest is as it was; the \
             parameters moved by {changed:.1} times their norm",
        layer.name
    )];
    let model = Model { net: model.net.clone(), parameters, buffers: model.buffers.clone() };
    Ok(Craft { model, own: Vec::new(), words })
}
