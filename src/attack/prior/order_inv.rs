//! `order-inv` (Dimitrov et al. 2022): what an epoch holds does not hang on its order.

use super::Candidate;
use crate::seed::{Seed, normal};

/// What is compared of the samples of an epoch, entry by entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Psi {
    Mean,
    Max,
}

/// Filters of the convolution, as published.
const FILTERS: usize = 96;
/// Their side.
const SIDE: usize = 3;

/// Mean over the pairs of epochs of the mean square of psi_e - psi_e', where psi is the mean over an epoch's samples.
pub(super) fn order_inv(candidate: Candidate<'_>, weight: f64, to: &mut [f64]) -> f64 {
    agreement(candidate.x, candidate.epochs, candidate.shape[0], Psi::Mean, weight, to)
}

/// The same where psi is the largest of an epoch's values.
pub(super) fn order_inv_max(candidate: Candidate<'_>, weight: f64, to: &mut [f64]) -> f64 {
    agreement(candidate.x, candidate.epochs, candidate.shape[0], Psi::Max, weight, to)
}

/// The same where psi is the largest of an epoch's features behind a convolution with [`FILTERS`] random filters, the same in
/// every run.
pub(super) fn order_inv_conv(candidate: Candidate<'_>, weight: f64, to: &mut [f64]) -> f64 {
    let count = FILTERS * candidate.shape[1] * SIDE * SIDE;
    let filters = normal(&mut Seed(0).stream("filters", &[]), count);
    of_features(candidate, &filters, Psi::Max, weight, to)
}

/// As [`order_inv`], of features: windows of [`SIDE`] without padding times `filters`, `[filters, channels, SIDE, SIDE]`.
pub(crate) fn of_features(
    candidate: Candidate<'_>,
    filters: &[f64],
    psi: Psi,
    weight: f64,
    to: &mut [f64],
) -> f64 {
    let Candidate { x, shape: [batch, channels, height, width], epochs, .. } = candidate;
    if epochs < 2 || height < SIDE || width < SIDE {
        return 0.0;
    }
    let (rows, columns) = (height - SIDE + 1, width - SIDE + 1);
    let patch = channels * SIDE * SIDE;
    let count = filters.len() / patch;
    // Where the windows of a feature begin, and their values from there.
    let offsets: Vec<usize> = (0..patch)
        .map(|at| {
            let (channel, row, column) = (at / (SIDE * SIDE), at / SIDE % SIDE, at % SIDE);
            (channel * height + row) * width + column
        })
        .collect();
    let windows = || {
        (0..batch * count * rows * columns).map(|at| {
            let (row, column) = (at / columns % rows, at % columns);
            let (sample, filter) = (at / (columns * rows * count), at / (columns * rows) % count);
            let begin = sample * channels * height * width + row * width + column;
            (begin, &filters[filter * patch..(filter + 1) * patch])
        })
    };
    let feature = |(begin, filter): (usize, &[f64])| -> f64 {
        filter.iter().zip(&offsets).map(|(weight, offset)| weight * x[begin + offset]).sum()
    };
    let features: Vec<f64> = windows().map(feature).collect();
    let mut to_features = vec![0.0; features.len()];
    let value = agreement(&features, epochs, batch, psi, weight, &mut to_features);
    for ((begin, filter), slope) in windows().zip(to_features).filter(|(_, slope)| *slope != 0.0) {
        for (weight, offset) in filter.iter().zip(&offsets) {
            to[begin + offset] += slope * weight;
        }
    }
    value
}

/// Mean over the pairs of epochs of the mean square of psi_e - psi_e'.
fn agreement(x: &[f64], epochs: usize, batch: usize, psi: Psi, weight: f64, to: &mut [f64]) -> f64 {
    if epochs < 2 {
        return 0.0;
    }
    let (samples, size) = (batch / epochs, x.len() / batch);
    let entry = |epoch: usize, sample: usize, at: usize| (epoch * samples + sample) * size + at;
    let share = 2.0 / (epochs * (epochs - 1)) as f64 / size as f64;
    let mut value = 0.0;
    for at in 0..size {
        let largest = |epoch: usize| {
            let entries = (0..samples).map(|sample| entry(epoch, sample, at));
            entries.reduce(|most, other| if x[other] > x[most] { other } else { most }).unwrap_or_default()
        };
        let of = |epoch: usize| match psi {
            Psi::Mean => (0..samples).map(|sample| x[entry(epoch, sample, at)]).sum::<f64>() / samples as f64,
            Psi::Max => x[largest(epoch)],
        };
        let all: Vec<f64> = (0..epochs).map(of).collect();
        let sum: f64 = all.iter().sum();
        let squares: f64 = all.iter().map(|psi| psi * psi).sum();
        // Over the pairs, sum (a - b)^2 = E sum a^2 - (sum a)^2.
        value += share * (epochs as f64 * squares - sum * sum);
        for (epoch, own) in all.iter().enumerate() {
            let slope = weight * 2.0 * share * (epochs as f64 * own - sum);
            match psi {
                Psi::Mean => {
                    for sample in 0..samples {
                        to[entry(epoch, sample, at)] += slope / samples as f64;
                    }
                }
                Psi::Max => to[largest(epoch)] += slope,
            }
        }
    }
    value
}
