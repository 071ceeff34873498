//! Noise, where the clean update is known to be zero: under softmax and cross-entropy the gradients to the classifier sum
//! to zero over the classes, for every feature and for the bias, and so do weight differences of SGD.

use super::{Inferred, Sureness, levels, rounded};
use crate::backend;
use crate::config::Loss;
use crate::fl::{Client, Update, UpdateKind};
use crate::model::{Classifier, Model, Optimiser};

/// Sums of rounded gradients are less than this share of their numbers.
const ROUNDING: f64 = 1e-4;
/// Probabilities in 32 bits sum to one up to this, which is much beside the gradient of a sure victim.
const PROBABILITIES: f64 = 1e-6;
/// Sums from which on their deviation is sure.
const ENOUGH: usize = 16;
/// How many times the square of a sum may be larger where the numbers are.
const GROWTH: f64 = 3.5;
/// Share of zeros beside which noise is not on every number.
const EMPTY: f64 = 0.01;
/// Standard errors that no chance is taken for.
const APART: f64 = 4.0;
/// Share of the sums that features and weights may explain: noise knows nothing of either.
const EXPLAINED: f64 = 0.4;

/// Noise on every number, as the sums over the classes show it; `cast` is the format that it was sent in.
pub(super) fn noise(
    update: &Update,
    model: &Model,
    clients: &[Client],
    cast: Option<&Inferred>,
) -> Option<Inferred> {
    let net = &model.net;
    let Classifier { weight, bias, classes, features } = net.classifier()?;
    if !net.loss().is_cross_entropy() || classes < 2 || net.frozen().contains(&weight) {
        return None;
    }
    let rows = backend::values(&update.values.tensors()[weight]);
    let bias = bias.filter(|at| !net.frozen().contains(at));
    let bias = bias.map(|at| backend::values(&update.values.tensors()[at]));
    let square: f64 = rows.iter().map(|value| value * value).sum();
    let (mut sums, mut sizes) = (vec![0.0; features], vec![0.0; features]);
    for row in rows.chunks(features) {
        for ((sum, size), value) in sums.iter_mut().zip(&mut sizes).zip(row) {
            *sum += value;
            *size += value * value;
        }
    }
    // Beside the sums, so that noise says nothing of one by the other.
    sizes.iter_mut().zip(&sums).for_each(|(size, sum)| *size -= sum * sum / classes as f64);
    let growth = growth(&sums, &sizes);
    let by_chance = (APART * (8.0 / features as f64).sqrt()).exp();
    if !(1.0 / by_chance..=by_chance.max(GROWTH)).contains(&growth) {
        return None;
    }
    sums.extend(bias.iter().map(|bias| bias.iter().sum::<f64>()));
    let theta = &model.parameters.tensors()[weight];
    if explained(&sums, &backend::values(theta), &rows, bias.as_deref()) > EXPLAINED {
        return None;
    }
    let (count, summed) = (sums.len() as f64, classes as f64);
    let squares = sums.iter().map(|sum| sum * sum).sum::<f64>();
    let sigma = (squares / count / summed).sqrt();

    let size = (square / rows.len() as f64).sqrt();
    let of_bias: f64 = bias.iter().flatten().map(|value| value * value).sum();
    let feature = if of_bias > 0.0 { (square / of_bias / features as f64).sqrt() } else { 1.0 };
    let (unit, coarse) = unit(update, model, clients, weight)?;
    let cast = cast.map_or(0.0, |cast| 4.0 * levels::precision(cast) * size + 2f64.powi(-23));
    if !(sigma > ROUNDING * size && sigma > PROBABILITIES * feature * unit && sigma > coarse && sigma > cast)
    {
        return None;
    }

    let among = clients.len() as f64;
    let told = rounded(sigma, 2);
    let mut evidence = format!(
        "{count} sums over the classes, zero in a clean update, show noise of a deviation of {told:?}, give or take {:.0} %",
        100.0 / (2.0 * count).sqrt()
    );
    if among > 1.0 {
        evidence += &format!(
            ", in the mean of {among} clients: of each {:?} if they are alike, unless each was rounded or cut",
            rounded(sigma * among.sqrt(), 2)
        );
    }
    // The excess of a sum of Laplace numbers, beside that of Gaussian ones, 0.
    let excess = count * sums.iter().map(|sum| sum.powi(4)).sum::<f64>() / (squares * squares) - 3.0;
    let (laplace, error) = (3.0 / (summed * among), (24.0 / count).sqrt());
    let is_told = laplace > APART * error;
    let is_laplace = is_told && excess > 0.5 * laplace;
    let is_uneven = growth > by_chance;
    let empty = empty(&rows, features);
    evidence += &if empty > EMPTY {
        format!(
            "; but {:.0} % of these numbers are zero, which noise on each leaves none of: noise on a part of them and numbers \
             left out, as OUTPOST has both, look like this, and then the deviation is wrong",
            100.0 * empty
        )
    } else if is_uneven {
        "; they are larger where the numbers are, as under Laplace noise, after sparsification, or where each layer has noise \
         of its own, as OUTPOST's has"
            .to_owned()
    } else if is_told {
        format!(
            "; their excess kurtosis is {excess:.2}, which a sum of Laplace noise has at {laplace:.2}, a Gaussian one at 0"
        )
    } else {
        "; whether it is Gaussian or Laplace they do not tell".to_owned()
    };
    let sureness = if sums.len() >= ENOUGH && !is_uneven && empty <= EMPTY && clients.len() == 1 {
        Sureness::Sure
    } else {
        Sureness::Likely
    };
    let each = sigma * among.sqrt();
    Some(if is_laplace {
        let scale = rounded(each / std::f64::consts::SQRT_2, 2);
        Inferred::new("laplace-noise", [("scale", scale.into())], sureness, evidence)
    } else {
        Inferred::new("gaussian-noise", [("sigma", rounded(each, 2).into())], sureness, evidence)
    })
}

/// The share of zeros among the numbers of features that are not zero altogether.
fn empty(rows: &[f64], features: usize) -> f64 {
    let is_alive = |j: usize| rows.iter().skip(j).step_by(features).any(|value| *value != 0.0);
    let alive: Vec<bool> = (0..features).map(is_alive).collect();
    let (all, zeros) = rows
        .iter()
        .enumerate()
        .filter(|(at, _)| alive[at % features])
        .fold((0usize, 0usize), |(all, zeros), (_, value)| (all + 1, zeros + usize::from(*value == 0.0)));
    zeros as f64 / all.max(1) as f64
}

/// The share of the sums that comes from the features, as under a loss that is no softmax cross-entropy, and from sums over
/// the weights, as with weight decay.
fn explained(sums: &[f64], theta: &[f64], rows: &[f64], bias: Option<&[f64]>) -> f64 {
    let with_bias = bias.is_some();
    let features = sums.len() - usize::from(with_bias);
    let classes = rows.len() / features;
    let mean = bias.map_or(0.0, |bias| bias.iter().sum::<f64>() / classes as f64);
    let (mut phi, mut own) = (vec![0.0; features], vec![0.0; features]);
    for (c, (row, theta)) in rows.chunks(features).zip(theta.chunks(features)).enumerate() {
        // Without the sum over the classes, which noise has as well.
        let share = bias.map_or(0.0, |bias| bias[c] - mean);
        phi.iter_mut().zip(row).for_each(|(phi, g)| *phi += share * g);
        own.iter_mut().zip(theta).for_each(|(own, theta)| *own += theta);
    }
    let sums = &sums[..features];
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let share = |a: &[f64]| {
        let both = dot(a, a) * dot(sums, sums);
        if both > 0.0 { dot(a, sums).powi(2) / both } else { 0.0 }
    };
    // Beside the features, so that what both explain counts once.
    let along = if dot(&phi, &phi) > 0.0 { dot(&own, &phi) / dot(&phi, &phi) } else { 0.0 };
    own.iter_mut().zip(&phi).for_each(|(own, phi)| *own -= along * phi);
    share(&phi) + share(&own)
}

/// How many times the square of a sum is larger where the numbers are: once for Gaussian noise; for Laplace noise up to
/// three times, since a column of large noise has a large sum; more if numbers were left out before.
fn growth(sums: &[f64], sizes: &[f64]) -> f64 {
    let mut order: Vec<usize> = (0..sums.len()).collect();
    order.sort_by(|&a, &b| sizes[a].total_cmp(&sizes[b]));
    let mean =
        |part: &[usize]| part.iter().map(|&at| sums[at] * sums[at]).sum::<f64>() / part.len().max(1) as f64;
    let (small, large) = order.split_at(order.len() / 2);
    mean(large) / mean(small)
}

/// How large the update is in units of one mean gradient at most, and what rounded weights leave in it; nothing where
/// sums of a clean update need not be zero.
fn unit(update: &Update, model: &Model, clients: &[Client], weight: usize) -> Option<(f64, f64)> {
    let samples = if model.net.loss() == Loss::CeSum { update.samples as f64 } else { 1.0 };
    if update.kind == UpdateKind::Gradient {
        return Some((samples, 0.0));
    }
    let theta = backend::values(&model.parameters.tensors()[weight]);
    let largest = theta.iter().fold(0.0_f64, |most, value| most.max(value.abs()));
    let mut most = (0.0_f64, 0.0_f64);
    for client in clients {
        let descent = client.descent.as_ref()?;
        let Optimiser::Sgd { momentum, .. } = descent.optimiser else { return None };
        if descent.weight_decay != 0.0 {
            return None;
        }
        let steps = descent.steps.len() as f64;
        let weights: f64 =
            descent.steps.iter().map(|step| step.weight * step.micro_batches.len() as f64).sum();
        let unit = descent.learning_rate * weights * samples / (1.0 - momentum);
        most = (most.0.max(unit), most.1.max(2.0 * 2f64.powi(-23) * largest * steps.sqrt()));
    }
    Some(most)
}
