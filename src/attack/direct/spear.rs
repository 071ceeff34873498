//! SPEAR (Dimitrov et al. 2024): exact batches behind a ReLU. `dL/dW = (dL/dZ) X^T` has rank B, so that `dL/dW = L R`, and every
//! column of dL/dZ is `L q` for some q. Where a ReLU is off that column is zero: B - 1 rows of L in which one sample is off in all
//! have its q as their kernel. Rows are drawn until each sample's was met; q with too few zeros are none.

use faer::Mat;
use rand::Rng;
use rand::seq::index;
use rayon::prelude::*;

use super::super::{AttackError, Task};
use super::rows::{self, Rows};
use super::span::Span;
use super::{Desk, Found, Of, least_squares};
use crate::config::{Direct, Precision};
use crate::dual::Activation;
use crate::model::Layer;

/// Draws between two looks at what was found.
const AT_ONCE: usize = 4_096;

/// Of the rows of a sample's column so many are zero at least: a ReLU is off about as often as on. Ours.
const ZEROS: f64 = 0.15;

/// So many directions are kept for each sample, those with the most zeros.
const KEPT: usize = 32;

/// Two directions with a larger cosine are one.
const SAME: f64 = 0.9999;

/// From this share of rows on that are on where the answer says so a sample is certain. Ours; those that rounding moves are few.
const CERTAIN: f64 = 0.99;

pub(super) fn check(of: &Of<'_>) -> Result<(), String> {
    rows::begins_with_layer("spear", of.net)?;
    let behind = rows::first_layer(of.net).and_then(|(layer, _)| of.net.layers().get(layer.at + 1));
    if behind != Some(&Layer::Activation(Activation::Relu)) {
        return Err("spear reads the zeros that a ReLU leaves, and none stands behind the first layer; choose options = { \
                    activation = \"relu\" }, or attack with cpa"
            .to_owned());
    }
    let inputs = of.net.input_count();
    if of.samples > inputs {
        return Err(format!(
            "spear tells at most as many samples apart as they have values, {inputs}, but the batch has {}; attack a smaller one",
            of.samples
        ));
    }
    Ok(())
}

pub(super) fn solve(task: &Task<'_>, settings: &Direct, desk: &mut Desk<'_>) -> Result<Found, AttackError> {
    let unsolved = |why: String| AttackError::Unsolved { why };
    let (rows, layer) = Rows::of_first(task)?;
    let batch = task.view.update.samples;
    let (tolerance, zero) = match task.view.compute.precision() {
        Precision::F32 => (1e-6, 3e-5),
        Precision::F64 => (1e-11, 1e-9),
    };
    let span = Span::of(&rows, batch, tolerance, task.seed).map_err(unsolved)?;
    let rank = span.rank();
    desk.say(format!(
        "layer {}: rank {rank} of a batch of {batch}; the next singular value is {:.0e} of the first",
        layer.name, span.rest
    ));
    let most = settings.draws.unwrap_or(400_000);
    let searched = search(task, (&rows, &layer.name), &span, (zero, most), desk).map_err(unsolved)?;
    let (found, draws) = searched.ok_or(AttackError::Stopped)?;
    desk.say(format!(
        "{} of {rank} directions with zeros as ReLUs leave them, in {draws} draws of {} rows",
        found.directions,
        rank.saturating_sub(1)
    ));
    if found.directions < rank {
        desk.say(format!(
            "{} directions were not met: what is shown is mixed with them; more attack.draws find them, about twice as many for \
             each further sample",
            rank - found.directions
        ));
    }
    let certain = found.certain();
    desk.say(format!(
        "{certain} of {batch} samples are certain: their ReLUs are on just where the gradient says so, in {:.0} % of the rows or \
         more; that needs no truth",
        100.0 * CERTAIN
    ));
    let samples: Vec<Vec<f64>> = found.samples.into_iter().map(|(_, x)| x).collect();
    let unexplained = rows.unexplained(&samples);
    desk.say(format!("they leave {unexplained:.1e} of the layer's gradient unexplained"));
    Ok(Found::unlabelled(samples, unexplained))
}

/// What a choice of directions comes to.
struct Parted {
    /// Those that were met; the others are made up.
    directions: usize,
    /// Samples, each with the share of rows in which its ReLU is on just where the gradient says so, the largest first.
    samples: Vec<(f64, Vec<f64>)>,
}

impl Parted {
    fn certain(&self) -> usize {
        self.samples.iter().filter(|(on, _)| *on >= CERTAIN).count()
    }
}

/// Draws rows until every sample is certain, or there have been enough; with the draws that were made. Nothing if it was stopped.
fn search(
    task: &Task<'_>,
    (rows, layer): (&Rows, &str),
    span: &Span,
    (zero, most): (f64, usize),
    desk: &mut Desk<'_>,
) -> Result<Option<(Parted, usize)>, String> {
    let (left, rank) = (active(&span.left), span.rank());
    let mut met: Vec<(usize, Vec<f64>)> = if rank == 1 { vec![(0, vec![1.0])] } else { Vec::new() };
    let most = if rank > 1 && left.nrows() >= rank { most } else { 0 };
    let (mut draws, mut look) = (0, AT_ONCE);
    loop {
        // Looking costs more than drawing: at twice as many each time.
        while draws < most.min(look) {
            if desk.halted() {
                return Ok(None);
            }
            let next = most.min(draws + AT_ONCE);
            gather(&mut met, &left, zero, draws..next, task);
            draws = next;
        }
        look *= 2;
        let (chosen, ended) = (chosen(&met, rank), draws >= most);
        if chosen.len() == rank || ended {
            let parted = part(task, (rows, layer), span, chosen, zero)?;
            if ended || parted.certain() == rank {
                return Ok(Some((parted, draws)));
            }
        }
    }
}

/// Adds the directions that these draws meet, each once, with the number of rows that it leaves zero.
fn gather(
    met: &mut Vec<(usize, Vec<f64>)>,
    left: &Mat<f64>,
    zero: f64,
    draws: std::ops::Range<usize>,
    task: &Task<'_>,
) {
    let rank = left.ncols();
    let found: Vec<Vec<f64>> = draws
        .into_par_iter()
        .filter_map(|draw| {
            let mut generator = task.seed.stream("rows", &[u64::from(task.round), draw as u64]);
            direction(left, zero, &mut generator)
        })
        .collect();
    for q in found {
        let q = refined(left, zero, q);
        let cosine = |other: &[f64]| other.iter().zip(&q).map(|(a, b)| a * b).sum::<f64>().abs();
        if met.iter().all(|(_, other)| cosine(other) < SAME) {
            let zeros = (0..left.nrows()).filter(|&row| along(left, row, &q) < zero).count();
            met.push((zeros, q));
        }
    }
    met.sort_by_key(|(zeros, _)| std::cmp::Reverse(*zeros));
    met.truncate(KEPT * rank);
}

/// The directions with the most zeros, none of which is a combination of others: what mixes two samples is zero only where both
/// are off.
fn chosen(met: &[(usize, Vec<f64>)], rank: usize) -> Vec<Vec<f64>> {
    let mut chosen: Vec<Vec<f64>> = Vec::new();
    for (_, q) in met {
        if chosen.len() < rank && adds(&chosen, q) {
            chosen.push(q.clone());
        }
    }
    chosen
}

/// The samples of these directions.
fn part(
    task: &Task<'_>,
    (rows, layer): (&Rows, &str),
    span: &Span,
    mut found: Vec<Vec<f64>>,
    zero: f64,
) -> Result<Parted, String> {
    let (rank, directions) = (span.rank(), found.len());
    // Without all of them the others are mixed up with what is missing.
    complete(&mut found, rank);
    let columns = Mat::from_fn(rank, rank, |i, j| found[j][i]);
    let bias = Mat::from_fn(rows.bias.len(), 1, |i, _| rows.bias[i]);
    let all = &span.left * &columns;
    // dL/db is the sum of all columns: it tells how large each is.
    let sizes = least_squares::solve(all.as_ref(), bias.as_ref(), 1e-12)?.x;
    let scaled = Mat::from_fn(rank, rank, |i, j| columns[(i, j)] * sizes[(j, 0)]);
    let x = least_squares::solve(scaled.as_ref(), span.right.as_ref(), 1e-14)?.x;
    let is_on = |n: usize, row: usize| {
        all[(row, n)].abs() > zero * span.left.row(row).norm_l2() * columns.col(n).norm_l2()
    };
    let samples = (0..rank).map(|n| {
        let x: Vec<f64> = (0..rows.width).map(|j| x[(n, j)]).collect();
        (agreement(task, layer, &x, |row| is_on(n, row)), x)
    });
    let mut samples: Vec<(f64, Vec<f64>)> = samples.collect();
    samples.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    Ok(Parted { directions, samples })
}

/// Rows that are not rounding, each of length 1.
fn active(left: &Mat<f64>) -> Mat<f64> {
    let norms: Vec<f64> = (0..left.nrows()).map(|i| left.row(i).norm_l2()).collect();
    let largest = norms.iter().fold(0.0f64, |most, norm| most.max(*norm));
    let kept: Vec<usize> = (0..left.nrows()).filter(|&i| norms[i] > 1e-6 * largest).collect();
    Mat::from_fn(kept.len(), left.ncols(), |i, j| left[(kept[i], j)] / norms[kept[i]])
}

/// The kernel of rows that are drawn, if it leaves many rows zero.
fn direction(left: &Mat<f64>, zero: f64, generator: &mut impl Rng) -> Option<Vec<f64>> {
    let rank = left.ncols();
    let rows = index::sample(generator, left.nrows(), rank - 1);
    // Transposed: what is orthogonal to all of them is the last column of Q.
    let drawn = Mat::from_fn(rank, rank - 1, |i, j| left[(rows.index(j), i)]);
    let q = drawn.qr().compute_Q();
    let q: Vec<f64> = (0..rank).map(|i| q[(i, rank - 1)]).collect();
    // A few rows tell most that are nothing.
    let few = 64.min(left.nrows());
    let step = left.nrows() / few;
    let some: Vec<f64> = (0..few).map(|i| along(left, i * step, &q)).collect();
    (share_of_zeros(&some, zero) >= 0.5 * ZEROS).then_some(())?;
    let all: Vec<f64> = (0..left.nrows()).map(|i| along(left, i, &q)).collect();
    let enough =
        share_of_zeros(&all, zero) >= ZEROS && share_of_zeros(&all, zero) * all.len() as f64 > rank as f64;
    enough.then_some(q)
}

/// |L q| in a row of length 1: zero but for rounding where the sample's ReLU is off.
fn along(left: &Mat<f64>, row: usize, q: &[f64]) -> f64 {
    q.iter().enumerate().map(|(j, q)| left[(row, j)] * q).sum::<f64>().abs()
}

fn share_of_zeros(values: &[f64], zero: f64) -> f64 {
    values.iter().filter(|value| **value < zero).count() as f64 / values.len().max(1) as f64
}

/// The same direction from all rows that it leaves zero: what rounding did to the few evens out.
fn refined(left: &Mat<f64>, zero: f64, q: Vec<f64>) -> Vec<f64> {
    let all: Vec<f64> = (0..left.nrows()).map(|i| along(left, i, &q)).collect();
    let rows: Vec<usize> = (0..all.len()).filter(|&i| all[i] < zero).collect();
    let silent = Mat::from_fn(rows.len(), left.ncols(), |i, j| left[(rows[i], j)]);
    match silent.thin_svd() {
        Ok(svd) if rows.len() >= left.ncols() => {
            let last = left.ncols() - 1;
            (0..left.ncols()).map(|i| svd.V()[(i, last)]).collect()
        }
        _ => q,
    }
}

/// Whether a direction is no combination of others.
fn adds(found: &[Vec<f64>], q: &[f64]) -> bool {
    if found.is_empty() {
        return true;
    }
    let others = Mat::from_fn(q.len(), found.len(), |i, j| found[j][i]);
    let basis = others.qr().compute_thin_Q();
    let q = Mat::from_fn(q.len(), 1, |i, _| q[i]);
    let rest = &q - &basis * (basis.transpose() * &q);
    rest.norm_l2() > 1e-6
}

/// Other directions to so many, orthogonal to those that were found.
fn complete(found: &mut Vec<Vec<f64>>, rank: usize) {
    for axis in 0..rank {
        if found.len() == rank {
            return;
        }
        let mut q = vec![0.0; rank];
        q[axis] = 1.0;
        if adds(found, &q) {
            found.push(q);
        }
    }
}

/// Share of rows in which the first layer's ReLU is on for x where the gradient says that it was, and off where it was not.
fn agreement(task: &Task<'_>, layer: &str, x: &[f64], is_on: impl Fn(usize) -> bool) -> f64 {
    let value =
        |suffix: &str| task.view.model.parameters.values(&format!("{layer}.{suffix}")).unwrap_or_default();
    let (weight, bias) = (value("weight"), value("bias"));
    let agree = weight.chunks(x.len()).zip(&bias).enumerate().filter(|(at, (row, bias))| {
        let z = row.iter().zip(x).map(|(w, x)| w * x).sum::<f64>() + **bias;
        (z > 0.0) == is_on(*at)
    });
    agree.count() as f64 / bias.len().max(1) as f64
}
