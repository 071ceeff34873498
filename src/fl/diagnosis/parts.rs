//! Samples whose scores differ: where they are few beside the classes, the last layer's gradient can be taken apart.
//!
//! The gradient G to weights and bias of z = W phi + b is k / B times the sum of p_i (phi_i, 1)^T. Of rank r it is
//! G = U S V^T, so every p_i lies in the columns of U and every (phi_i, 1) in those of V: (phi_i, 1) = V a with r unknowns
//! a, of which the one entry takes one, and p(W phi_i + b, label) has to lie in U, which is classes - r equations. Where
//! these are more, a sample is found by itself whatever k is, and then k = B / (a^T S^-1 U^T p). That several samples
//! give one k leaves no doubt. Exact gradients in 32 bit leave 1e-6 of p outside of U, what is no sample 1e-5 and more.
//! The rule is ours; the equations are those of every attack that solves for the last layer's inputs.

use faer::Mat;
use faer::linalg::solvers::Solve;

use super::head::{Head, dot, norm, sigmoid, softmax};
use crate::config::Loss;

/// Most samples that are looked for.
const MOST: usize = 8;
/// Equations beyond the unknowns.
const SPARE: usize = 2;
/// What is beside the samples, as a share of the smallest of them.
const GAP: f64 = 1e-3;
/// Labels, and as many beginnings, that are tried.
const TRIED: usize = 32;
/// Steps of a search.
const STEPS: usize = 40;
/// Share of p that may be outside of the columns of U.
const OUTSIDE: f64 = 1e-3;
/// Samples that agree on a scale are as near to each other.
const NEAR: f64 = 0.01;

/// What some of the samples agree on.
#[derive(Debug, Clone, Copy)]
pub struct Agreed {
    /// The loss.
    pub loss: Loss,
    /// What the gradient is times that of the mean over the batch.
    pub scale: f64,
    /// Samples that were found.
    pub samples: usize,
    /// The least that any of them leaves unexplained.
    residual: f64,
}

/// The last layer's gradient in its directions.
pub struct Parts {
    classes: usize,
    rank: usize,
    /// Samples that the gradient is a mean over.
    batch: f64,
    /// Directions of the classes, one row of `rank` for each.
    u: Vec<f64>,
    s: Vec<f64>,
    /// What every direction of the features makes of the scores, one row of `rank` for each class.
    to_scores: Vec<f64>,
    /// The last entry of every direction of the features, which is one in a sample.
    one: Vec<f64>,
    /// Directions in which a can move so that it stays one.
    free: Vec<Vec<f64>>,
    /// What they make of the scores.
    moves: Vec<Vec<f64>>,
    tolerance: f64,
}

/// A point of a search: what p leaves outside of U, its slopes, a, p.
struct Point {
    outside: Vec<f64>,
    slopes: Mat<f64>,
    a: Vec<f64>,
    p: Vec<f64>,
}

/// A sample.
struct Found {
    label: usize,
    share: f64,
    scale: f64,
    residual: f64,
}

/// Most samples of so many classes that can be taken apart.
pub fn most(classes: usize) -> usize {
    (classes.saturating_sub(SPARE) / 2).min(MOST)
}

impl Parts {
    /// Of so many samples; `noise` is the relative error of what was sent. Nothing where they are too many, or do not
    /// stand out of the rounding.
    pub fn of(head: &Head, batch: usize, noise: f64) -> Option<Parts> {
        let to_bias = head.to_scores()?;
        let (classes, columns) = (head.classes, head.features + 1);
        let mut rows: Vec<Vec<f64>> =
            head.to_weight.chunks(head.features).zip(to_bias).map(|(row, g)| [row, &[*g]].concat()).collect();
        let whole = rows.clone();
        let size = |rows: &[Vec<f64>]| rows.iter().map(|row| dot(row, row)).sum::<f64>().sqrt();
        let floor = noise.max(2f64.powi(-24)) * size(&rows);
        let mut basis: Vec<Vec<f64>> = Vec::new();
        let mut found = None;
        for _ in 0..batch.min(most(classes)).min(head.features) {
            let pivot = rows.iter().max_by(|a, b| norm(a).total_cmp(&norm(b)))?.clone();
            let length = norm(&pivot);
            if length <= floor {
                break;
            }
            let pivot: Vec<f64> = pivot.iter().map(|value| value / length).collect();
            for row in &mut rows {
                let share = dot(row, &pivot);
                row.iter_mut().zip(&pivot).for_each(|(row, pivot)| *row -= share * pivot);
            }
            basis.push(pivot);
            let rank = basis.len();
            let along = Mat::from_fn(classes, rank, |c, i| dot(&whole[c], &basis[i]));
            let svd = along.thin_svd().ok()?;
            let least = svd.S().column_vector()[rank - 1];
            let beside = size(&rows).max(floor) / least;
            if beside < GAP {
                found = Some((svd, beside, basis.clone()));
            }
        }
        let (svd, beside, basis) = found?;
        let rank = basis.len();
        // Directions of the features.
        let v: Vec<Vec<f64>> = (0..rank)
            .map(|j| {
                let mut direction = vec![0.0; columns];
                for (i, row) in basis.iter().enumerate() {
                    direction.iter_mut().zip(row).for_each(|(to, value)| *to += svd.V()[(i, j)] * value);
                }
                direction
            })
            .collect();
        let scores = |c: usize, v: &Vec<f64>| {
            let row = &head.weight[c * head.features..][..head.features];
            dot(row, v) + head.bias.map_or(0.0, |bias| bias[c]) * v[head.features]
        };
        let one: Vec<f64> = v.iter().map(|v| v[head.features]).collect();
        let to_scores: Vec<f64> = (0..classes).flat_map(|c| v.iter().map(move |v| scores(c, v))).collect();
        let free = across(&one);
        let moves = free.iter().map(|d| to_scores.chunks(rank).map(|row| dot(row, d)).collect()).collect();
        Some(Parts {
            classes,
            rank,
            batch: batch as f64,
            u: (0..classes * rank).map(|at| svd.U()[(at / rank, at % rank)]).collect(),
            s: svd.S().column_vector().iter().copied().collect(),
            to_scores,
            one,
            free,
            moves,
            tolerance: (10.0 * beside).clamp(1e-5, OUTSIDE),
        })
    }

    /// What the samples agree on under a loss; of label smoothing the share is found.
    pub fn under(&self, loss: Loss) -> Option<Agreed> {
        let all = self.samples(loss);
        let best = all.iter().map(|found| found.residual).fold(f64::INFINITY, f64::min);
        let good: Vec<&Found> = all.iter().filter(|found| found.residual <= 30.0 * best + 1e-7).collect();
        let near =
            |a: &Found, b: &Found| (a.scale / b.scale - 1.0).abs() < NEAR && (a.share - b.share).abs() < NEAR;
        let others = |a: &Found| good.iter().filter(|b| near(a, b)).count();
        let first =
            good.iter().max_by(|a, b| others(a).cmp(&others(b)).then(b.residual.total_cmp(&a.residual)))?;
        let samples = others(first);
        // One alone is enough where there is no other, or where nothing but rounding is left.
        let is_plain = self.rank == 1 || good.len() == 1 && first.residual < 1e-6;
        let loss = match loss {
            Loss::LabelSmoothing(_) => Loss::LabelSmoothing((first.share * 1e3).round() / 1e3),
            loss => loss,
        };
        (samples > 1 || is_plain).then_some(Agreed {
            loss,
            scale: first.scale,
            samples,
            residual: first.residual,
        })
    }

    fn samples(&self, loss: Loss) -> Vec<Found> {
        let rank = self.rank;
        let row = |c: usize| &self.u[c * rank..][..rank];
        let mut labels: Vec<usize> = (0..self.classes).collect();
        labels.sort_by(|&a, &b| norm(row(b)).total_cmp(&norm(row(a))));
        let spread = (0..self.classes).step_by(self.classes.div_ceil(TRIED / 2));
        let from: Vec<usize> = labels.iter().copied().take(TRIED / 2).chain(spread).collect();
        let starts: Vec<Vec<f64>> = from
            .into_iter()
            .filter_map(|c| {
                let a: Vec<f64> = row(c).iter().zip(&self.s).map(|(u, s)| u * s).collect();
                let one = dot(&a, &self.one);
                (one.abs() > 1e-9 * norm(&a)).then(|| a.iter().map(|a| a / one).collect())
            })
            .collect();
        let mut all: Vec<Found> = Vec::new();
        for &label in labels.iter().take(TRIED) {
            for start in &starts {
                let Some(found) = self.search(loss, label, start) else { continue };
                let is_same = |it: &Found| it.label == label && (it.scale / found.scale - 1.0).abs() < 1e-3;
                match all.iter_mut().find(|it| is_same(it)) {
                    Some(it) if found.residual < it.residual => *it = found,
                    Some(_) => {}
                    None => all.push(found),
                }
            }
        }
        all
    }

    /// Levenberg and Marquardt's method, on what p leaves outside of U as a share of p.
    fn search(&self, loss: Loss, label: usize, start: &[f64]) -> Option<Found> {
        let mut a = start.to_vec();
        // Of a share that may be any, not one in which the label counts for nothing.
        let mut share = if matches!(loss, Loss::LabelSmoothing(_)) { 0.1 } else { 0.0 };
        let mut point = self.at(loss, label, &a, share)?;
        let mut damping = 1e-2;
        for _ in 0..STEPS {
            let unknowns = point.slopes.ncols();
            if unknowns == 0 {
                break;
            }
            let square = point.slopes.transpose() * &point.slopes;
            let outside = Mat::from_fn(self.classes, 1, |c, _| point.outside[c]);
            let down = point.slopes.transpose() * outside;
            let before = norm(&point.outside);
            let mut next = None;
            for _ in 0..8 {
                let mut damped = square.clone();
                (0..unknowns).for_each(|i| damped[(i, i)] += damping * (square[(i, i)] + 1e-12));
                let step = damped.partial_piv_lu().solve(&down);
                let moved = self.moved(&a, &step);
                let own = if unknowns == self.rank { share - step[(unknowns - 1, 0)] } else { share };
                let there = self.at(loss, label, &moved, own);
                if let Some(there) = there.filter(|there| norm(&there.outside) < before) {
                    next = Some((there, moved, own));
                    break;
                }
                damping *= 4.0;
            }
            let Some((there, moved, own)) = next else { break };
            let is_done = norm(&there.outside) > (1.0 - 1e-6) * before;
            (point, a, share) = (there, moved, own);
            damping = (damping / 6.0).max(1e-9);
            if is_done {
                break;
            }
        }
        let residual = norm(&point.outside);
        let along = |i: usize| (0..self.classes).map(|c| self.u[c * self.rank + i] * point.p[c]).sum::<f64>();
        let all: f64 = (0..self.rank).map(|i| point.a[i] * along(i) / self.s[i]).sum();
        let found = Found { label, share, scale: self.batch / all, residual };
        (residual < self.tolerance && found.scale.is_finite() && (-1e-3..0.9).contains(&share))
            .then_some(found)
    }

    fn moved(&self, a: &[f64], step: &Mat<f64>) -> Vec<f64> {
        let mut a = a.to_vec();
        for (j, direction) in self.free.iter().enumerate() {
            a.iter_mut().zip(direction).for_each(|(a, d)| *a -= step[(j, 0)] * d);
        }
        a
    }

    fn at(&self, loss: Loss, label: usize, a: &[f64], share: f64) -> Option<Point> {
        let (classes, rank) = (self.classes, self.rank);
        let count = classes as f64;
        let z: Vec<f64> = self.to_scores.chunks(rank).map(|row| dot(row, a)).collect();
        let hit = |c: usize| f64::from(u8::from(c == label)) * (1.0 - share) + share / count;
        let (p, mut slopes): (Vec<f64>, Vec<Vec<f64>>) = match loss {
            Loss::Ce | Loss::CeSum | Loss::LabelSmoothing(_) => {
                let q = softmax(&z);
                let slope = |z: &Vec<f64>| {
                    let mean = dot(&q, z);
                    z.iter().zip(&q).map(|(z, q)| q * (z - mean)).collect()
                };
                (
                    q.iter().enumerate().map(|(c, q)| q - hit(c)).collect(),
                    self.moves.iter().map(slope).collect(),
                )
            }
            Loss::Bce => {
                let q: Vec<f64> = z.iter().map(|z| sigmoid(*z)).collect();
                let slope = |z: &Vec<f64>| z.iter().zip(&q).map(|(z, q)| q * (1.0 - q) * z / count).collect();
                let p = q.iter().enumerate().map(|(c, q)| (q - hit(c)) / count).collect();
                (p, self.moves.iter().map(slope).collect())
            }
            Loss::Mse => {
                let slope = |z: &Vec<f64>| z.iter().map(|z| 2.0 * z / count).collect();
                let p = z.iter().enumerate().map(|(c, z)| 2.0 * (z - hit(c)) / count).collect();
                (p, self.moves.iter().map(slope).collect())
            }
            Loss::MseSoftmax => return None,
        };
        if matches!(loss, Loss::LabelSmoothing(_)) {
            let own = |c: usize| f64::from(u8::from(c == label));
            slopes.push((0..classes).map(|c| own(c) - 1.0 / count).collect());
        }
        let size = norm(&p);
        if !(size > 0.0 && size.is_finite()) {
            return None;
        }
        let unit: Vec<f64> = p.iter().map(|p| p / size).collect();
        let outside = self.outside(&unit);
        for slope in &mut slopes {
            let along = dot(slope, &unit);
            slope.iter_mut().zip(&unit).for_each(|(slope, unit)| *slope = (*slope - along * unit) / size);
            *slope = self.outside(slope);
        }
        let slopes = Mat::from_fn(classes, slopes.len(), |c, j| slopes[j][c]);
        Some(Point { outside, slopes, a: a.to_vec(), p })
    }

    /// What of a vector over the classes is outside of the columns of U.
    fn outside(&self, of: &[f64]) -> Vec<f64> {
        let mut along = vec![0.0; self.rank];
        for (row, value) in self.u.chunks(self.rank).zip(of) {
            along.iter_mut().zip(row).for_each(|(along, u)| *along += u * value);
        }
        self.u.chunks(self.rank).zip(of).map(|(row, value)| value - dot(row, &along)).collect()
    }
}

impl Agreed {
    /// Whether nothing but rounding is left of the samples.
    pub fn is_exact(&self) -> bool {
        self.residual < 1e-5
    }

    /// Whether it explains the gradient much better than another.
    pub fn is_likelier(&self, other: &Agreed) -> bool {
        self.samples > other.samples || self.samples == other.samples && 10.0 * self.residual < other.residual
    }
}

/// Directions across a vector, as rows; Householder's reflection has them.
fn across(one: &[f64]) -> Vec<Vec<f64>> {
    let length = norm(one);
    let mut mirror: Vec<f64> = one.iter().map(|one| one / length).collect();
    mirror[0] += if mirror[0] >= 0.0 { 1.0 } else { -1.0 };
    let square = dot(&mirror, &mirror);
    let row = |j: usize| {
        let own = |i: usize| f64::from(u8::from(i == j));
        (0..one.len()).map(|i| own(i) - 2.0 * mirror[i] * mirror[j] / square).collect()
    };
    (1..one.len()).map(row).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::tally::tests::{CLASSES, FEATURES, layer};
    use super::*;

    fn parted<T>(layer: &[Vec<f64>; 4], samples: usize, of: impl Fn(&Parts) -> T) -> Option<T> {
        // As 32 bit leaves them.
        let layer =
            layer.clone().map(|tensor| tensor.iter().map(|v| f64::from(*v as f32)).collect::<Vec<_>>());
        let [weight, bias, to_weight, to_bias] = &layer;
        let (bias, to_bias) = (Some(bias.as_slice()), Some(to_bias.as_slice()));
        let head = Head { classes: CLASSES, features: FEATURES, weight, bias, to_weight, to_bias };
        Parts::of(&head, samples, 1e-7).map(|parts| of(&parts))
    }

    #[test]
    fn samples_with_other_scores_agree_on_the_scale_and_on_the_loss() {
        for labels in [&[3, 7][..], &[1, 5, 1], &[3, 7, 7, 1]] {
            for apart in [0.3, 1.0, 3.0] {
                for times in [1.0, 0.5, labels.len() as f64, 1024.0, -1.0] {
                    let layer = layer(labels, apart, Loss::Ce, times);
                    let found = parted(&layer, labels.len(), |parts| parts.under(Loss::Ce)).flatten();
                    let found = found.unwrap_or_else(|| panic!("{labels:?} {apart} {times}"));
                    assert!(
                        (found.scale / times - 1.0).abs() < 5e-3,
                        "{labels:?} {apart} {times}: {found:?}"
                    );
                    assert!(found.samples > 1, "{labels:?} {apart} {times}: {found:?}");
                }
                for loss in [Loss::LabelSmoothing(0.1), Loss::Bce] {
                    let layer = layer(labels, apart, loss, 2.0);
                    let under = |loss| parted(&layer, labels.len(), |parts| parts.under(loss)).flatten();
                    assert!(under(Loss::Ce).is_none_or(|it| it.samples < 2), "{labels:?} {apart} {loss:?}");
                    let found = under(loss).unwrap_or_else(|| panic!("{labels:?} {apart} {loss:?}"));
                    assert_eq!(found.loss, loss);
                    assert!((found.scale / 2.0 - 1.0).abs() < 5e-3, "{labels:?} {apart} {loss:?}: {found:?}");
                }
            }
        }
    }

    /// Of more samples than equations, and of samples that are one, nothing is told.
    #[test]
    fn too_many_samples_are_not_taken_apart() {
        let many = layer(&[0, 1, 2, 3, 4, 5], 1.0, Loss::Ce, 1.0);
        assert!(parted(&many, 6, |_| ()).is_none());
        let same = layer(&[3, 7, 7, 1], 0.0, Loss::Ce, 1.0);
        assert!(parted(&same, 4, |parts| parts.under(Loss::Ce)).flatten().is_none_or(|it| it.samples < 2));
        assert_eq!([1, 2, 4, 6, 10, 100].map(most), [0, 0, 1, 2, 4, MOST]);
    }
}
