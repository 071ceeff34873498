//! What the last layer of a classifier tells of its own gradient.
//!
//! The gradient to the bias of the layer z = W phi + b is the mean of p = dL/dz over the samples, and that to W the mean
//! of p phi^T. Of one sample both give phi, hence z, hence what p would be under every loss: sign, scale, label and
//! loss are read off without any ground truth. Of several samples sums and counts remain.

use crate::config::Loss;
use crate::model::{Classifier, Net};

/// Labels that are tried for one sample; of more classes those whose scores are to rise.
const LABELS: usize = 128;

/// The last layer with what was sent of it, in units of a gradient.
pub struct Head<'a> {
    /// Rows, C.
    pub classes: usize,
    /// Columns.
    pub(super) features: usize,
    pub(super) weight: &'a [f64],
    pub(super) bias: Option<&'a [f64]>,
    pub(super) to_weight: &'a [f64],
    pub(super) to_bias: Option<&'a [f64]>,
}

/// What the gradient of one sample is the gradient of.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Likeness {
    /// The loss.
    pub loss: Loss,
    /// The label.
    pub label: usize,
    /// What it is times that gradient; negative with the opposite sign.
    pub scale: f64,
    /// What is left over, relative to its size.
    pub residual: f64,
}

/// The features of one sample, and what of the gradient does not come from one.
pub struct Single {
    scores: Vec<f64>,
    /// Share of the gradient to W that is not of rank one.
    pub rest: f64,
    /// By how much rounding may move a score.
    pub uncertain: f64,
}

impl<'a> Head<'a> {
    /// The layer that ends a network with parameters theta, if it is fully connected and its weights were sent.
    pub fn of(net: &Net, theta: &'a [Vec<f64>], h: &'a [Vec<f64>]) -> Option<Head<'a>> {
        let Classifier { weight, bias, classes, features } = net.classifier()?;
        let sent = |at: &usize| !net.frozen().contains(at);
        sent(&weight).then(|| Head {
            classes,
            features,
            weight: &theta[weight],
            bias: bias.map(|at| theta[at].as_slice()),
            to_weight: &h[weight],
            to_bias: bias.filter(sent).map(|at| h[at].as_slice()),
        })
    }

    /// The gradient to the bias, the mean of p over the samples.
    pub fn to_scores(&self) -> Option<&'a [f64]> {
        self.to_bias
    }

    /// How far the rows are from adding up to zero, as they do under every softmax cross-entropy; 0 to 1.
    pub fn imbalance(&self) -> f64 {
        let share = |sum: f64, all: f64| if all > 0.0 { sum / all } else { 0.0 };
        let of_bias = self.to_bias.map_or(0.0, |g| share(g.iter().sum::<f64>().abs(), l1(g)));
        let rows = self.to_weight.chunks(self.features).map(norm).sum();
        share(norm(&column_sums(self.to_weight, self.features)), rows).max(of_bias)
    }

    /// The weight decay that explains what the rows add up to: lambda times what those of theta do.
    pub fn decay(&self) -> Option<f64> {
        let mut own = column_sums(self.weight, self.features);
        let mut found = column_sums(self.to_weight, self.features);
        if let (Some(bias), Some(to_bias)) = (self.bias, self.to_bias) {
            own.push(bias.iter().sum());
            found.push(to_bias.iter().sum());
        }
        let lambda = dot(&own, &found) / dot(&own, &own);
        let rest: Vec<f64> = own.iter().zip(&found).map(|(own, found)| found - lambda * own).collect();
        (lambda > 0.0 && norm(&rest) < 0.02 * norm(&found)).then_some(lambda)
    }

    /// The gradient as one of a single sample; `noise` is the relative error of what was sent. Needs the bias.
    pub fn single(&self, noise: f64) -> Option<Single> {
        let p = self.to_bias?;
        let square = dot(p, p);
        if square == 0.0 {
            return None;
        }
        let mut phi = vec![0.0; self.features];
        for (row, p) in self.to_weight.chunks(self.features).zip(p) {
            phi.iter_mut().zip(row).for_each(|(phi, g)| *phi += p * g / square);
        }
        let rest: f64 = self
            .to_weight
            .chunks(self.features)
            .zip(p)
            .flat_map(|(row, p)| row.iter().zip(&phi).map(move |(g, phi)| (g - p * phi).powi(2)))
            .sum();
        let rows = self.weight.chunks(self.features);
        let largest = rows.clone().map(norm).fold(0.0, f64::max);
        let scores = rows.enumerate().map(|(c, row)| dot(row, &phi) + self.bias.map_or(0.0, |bias| bias[c]));
        Some(Single {
            scores: scores.collect(),
            rest: rest.sqrt() / norm(self.to_weight).max(f64::MIN_POSITIVE),
            uncertain: noise * largest * norm(&phi),
        })
    }

    /// The share of the gradient to W that no `samples` samples can give: what is left of its rows when that many
    /// directions are taken out, the largest first.
    pub fn beyond_rank(&self, samples: usize) -> f64 {
        let mut rows: Vec<Vec<f64>> = self.to_weight.chunks(self.features).map(<[f64]>::to_vec).collect();
        let all = norm(self.to_weight);
        for _ in 0..samples {
            let Some(pivot) = rows.iter().max_by(|a, b| norm(a).total_cmp(&norm(b))).cloned() else { break };
            let square = dot(&pivot, &pivot);
            if square == 0.0 {
                break;
            }
            for row in &mut rows {
                let share = dot(row, &pivot) / square;
                row.iter_mut().zip(&pivot).for_each(|(row, pivot)| *row -= share * pivot);
            }
        }
        rows.iter().map(|row| dot(row, row)).sum::<f64>().sqrt() / all.max(f64::MIN_POSITIVE)
    }

    /// Operations of [`Head::beyond_rank`].
    pub fn cost(&self, samples: usize) -> usize {
        self.to_weight.len().saturating_mul(samples)
    }
}

impl Single {
    /// The loss, label and scale that explain p best, `preferred` if it does as well as any.
    pub fn likeness(&self, p: &[f64], preferred: Loss) -> Likeness {
        if let [p] = p {
            return self.of_one_output(*p, preferred);
        }
        let mut labels: Vec<usize> = (0..p.len()).collect();
        if labels.len() > LABELS {
            // With the opposite sign it is the largest.
            labels.sort_by(|&a, &b| p[a].total_cmp(&p[b]));
            labels.drain(LABELS / 2..p.len() - LABELS / 2);
        }
        let losses = [Loss::Ce, Loss::Bce, Loss::Mse, Loss::MseSoftmax];
        let all = labels.iter().flat_map(|&label| losses.map(|loss| self.under(p, loss, label)));
        let mut all: Vec<Likeness> = all.chain(labels.iter().map(|&label| self.smoothed(p, label))).collect();
        all.sort_by(|a, b| a.residual.total_cmp(&b.residual));
        let best = all[0];
        let same = |it: &&Likeness| match (it.loss, preferred) {
            (Loss::Ce, Loss::CeSum) | (Loss::LabelSmoothing(_), Loss::LabelSmoothing(_)) => true,
            (a, b) => a == b,
        };
        // Of a family that contains another, the simpler one, unless it explains less.
        let simpler = all.iter().find(|it| !matches!(it.loss, Loss::LabelSmoothing(_)));
        let near = |it: &&Likeness| it.residual <= 1.5 * best.residual + 1e-3;
        *all.iter().find(same).filter(near).or(simpler.filter(near)).unwrap_or(&best)
    }

    /// One number is some multiple of any other: whether it is as it should be, or would be under the other loss or with
    /// the other sign; else times what it is that of the label of its sign.
    fn of_one_output(&self, p: f64, preferred: Loss) -> Likeness {
        const CLOSE: f64 = 5e-3;
        let other = if preferred == Loss::Bce { Loss::Mse } else { Loss::Bce };
        let ways = [(preferred, 1.0), (other, 1.0), (preferred, -1.0), (other, -1.0)];
        let exact = ways.iter().find_map(|&(loss, scale)| {
            let with = |label| {
                let residual = (p / to_scores(loss, &self.scores, label)[0] / scale - 1.0).abs();
                Likeness { loss, label, scale, residual }
            };
            let best = if with(1).residual < with(0).residual { with(1) } else { with(0) };
            (best.residual < CLOSE + 4.0 * self.uncertain).then_some(best)
        });
        exact.unwrap_or_else(|| {
            let scale = |label| p / to_scores(preferred, &self.scores, label)[0];
            let label = usize::from(scale(1) > scale(0));
            Likeness { loss: preferred, label, scale: scale(label), residual: 0.0 }
        })
    }

    fn under(&self, p: &[f64], loss: Loss, label: usize) -> Likeness {
        let own = to_scores(loss, &self.scores, label);
        let scale = dot(p, &own) / dot(&own, &own);
        let rest: Vec<f64> = p.iter().zip(&own).map(|(p, own)| p - scale * own).collect();
        let residual = norm(&rest) / norm(p);
        // Where the loss has no gradient there is nothing to be like.
        Likeness { loss, label, scale, residual: if residual.is_finite() { residual } else { f64::INFINITY } }
    }

    /// Cross-entropy with a share e of every target spread over all classes: p = k (s - t) + k e (t - 1/C).
    fn smoothed(&self, p: &[f64], label: usize) -> Likeness {
        let count = p.len() as f64;
        let plain = to_scores(Loss::Ce, &self.scores, label);
        let spread: Vec<f64> = (0..p.len()).map(|c| f64::from(u8::from(c == label)) - 1.0 / count).collect();
        let (aa, ab, bb) = (dot(&plain, &plain), dot(&plain, &spread), dot(&spread, &spread));
        let (pa, pb) = (dot(p, &plain), dot(p, &spread));
        let determinant = aa * bb - ab * ab;
        let scale = (pa * bb - pb * ab) / determinant;
        let share = (pb * aa - pa * ab) / determinant / scale;
        let rest = p.iter().zip(plain.iter().zip(&spread)).map(|(p, (a, b))| p - scale * (a + share * b));
        let rest = norm(&rest.collect::<Vec<f64>>()) / norm(p);
        let sensible = determinant > 1e-12 * aa * bb && (1e-3..1.0).contains(&share) && rest.is_finite();
        let residual = if sensible { rest } else { f64::INFINITY };
        // As people set it.
        let share = (share * 1e3).round() / 1e3;
        Likeness { loss: Loss::LabelSmoothing(share), label, scale, residual }
    }
}

/// p of one sample.
fn to_scores(loss: Loss, z: &[f64], label: usize) -> Vec<f64> {
    let count = z.len() as f64;
    let hit = |c: usize| if z.len() == 1 { label as f64 } else { f64::from(u8::from(c == label)) };
    let softmax = softmax(z);
    match loss {
        Loss::Ce | Loss::CeSum | Loss::LabelSmoothing(_) => {
            softmax.iter().enumerate().map(|(c, s)| s - hit(c)).collect()
        }
        Loss::Bce => z.iter().enumerate().map(|(c, z)| (sigmoid(*z) - hit(c)) / count).collect(),
        Loss::Mse => z.iter().enumerate().map(|(c, z)| 2.0 * (z - hit(c)) / count).collect(),
        Loss::MseSoftmax => {
            let r: Vec<f64> = softmax.iter().enumerate().map(|(c, s)| 2.0 * (s - hit(c)) / count).collect();
            let mean = dot(&softmax, &r);
            softmax.iter().zip(r).map(|(s, r)| s * (r - mean)).collect()
        }
    }
}

/// Of one row of scores.
pub fn softmax(z: &[f64]) -> Vec<f64> {
    let top = z.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let sum: f64 = z.iter().map(|z| (z - top).exp()).sum();
    z.iter().map(|z| (z - top).exp() / sum).collect()
}

/// Of one score.
pub fn sigmoid(z: f64) -> f64 {
    1.0 / (1.0 + (-z).exp())
}

fn column_sums(matrix: &[f64], columns: usize) -> Vec<f64> {
    let mut sums = vec![0.0; columns];
    for row in matrix.chunks(columns) {
        sums.iter_mut().zip(row).for_each(|(sum, value)| *sum += value);
    }
    sums
}

pub(super) fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

pub(super) fn norm(a: &[f64]) -> f64 {
    dot(a, a).sqrt()
}

fn l1(a: &[f64]) -> f64 {
    a.iter().map(|a| a.abs()).sum()
}
