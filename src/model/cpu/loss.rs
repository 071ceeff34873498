//! The task loss of a batch with its derivatives, over rows of scores and targets.

use super::map::Map;
use super::real::Real;
use crate::config::Loss as Kind;

/// The loss at one batch, with what its derivatives need. Rows of `[batch, classes]`.
#[derive(Debug, Clone)]
pub struct Loss<T> {
    /// Its value.
    pub value: T,
    kind: Kind,
    /// What is compared with the targets: softmax, sigmoid or the scores themselves.
    outputs: Vec<T>,
    targets: Vec<T>,
    classes: usize,
    /// What sums over all entries are multiplied by.
    share: T,
}

impl<T: Real> Loss<T> {
    /// Of scores (features by samples) and targets `[batch, classes]`.
    pub fn new(kind: Kind, scores: &Map<T>, targets: Vec<T>) -> Self {
        let classes = scores.channels;
        let outputs = scores.to_rows();
        let share = T::of(kind.share(outputs.len() / classes, classes));
        let mut loss = Loss { value: T::zero(), kind, outputs, targets, classes, share };
        let smooth = loss.smoothing();
        let mut value = T::zero();
        for (row, targets) in loss.outputs.chunks_mut(classes).zip(loss.targets.chunks(classes)) {
            let t = targets.iter().map(|&t| smooth(t));
            match kind {
                Kind::Ce | Kind::CeSum | Kind::LabelSmoothing(_) => {
                    log_softmax(row);
                    for (z, t) in row.iter_mut().zip(t) {
                        value += -t * *z;
                        *z = z.exp();
                    }
                }
                Kind::Bce => {
                    for (z, t) in row.iter_mut().zip(t) {
                        // log(1 + e^z), without overflow.
                        let softplus = z.max(T::zero()) + (-z.abs()).exp().ln_1p();
                        value += softplus - t * *z;
                        *z = T::one() / (T::one() + (-*z).exp());
                    }
                }
                Kind::Mse | Kind::MseSoftmax => {
                    if kind == Kind::MseSoftmax {
                        log_softmax(row);
                        row.iter_mut().for_each(|z| *z = z.exp());
                    }
                    value += row.iter().zip(t).map(|(&q, t)| (q - t) * (q - t)).sum();
                }
            }
        }
        loss.value = value * share;
        loss
    }

    /// A target as the loss takes it.
    fn smoothing(&self) -> impl Fn(T) -> T + use<T> {
        let (keep, floor) = self.kind.smoothing(self.classes);
        let (keep, floor) = (T::of(keep), T::of(floor));
        move |t| t * keep + floor
    }

    /// Outputs and targets of each sample.
    fn rows(&self) -> impl Iterator<Item = (&[T], &[T])> {
        self.outputs.chunks(self.classes).zip(self.targets.chunks(self.classes))
    }

    fn map(&self, rows: &[T]) -> Map<T> {
        Map::from_rows(rows, [rows.len() / self.classes, self.classes, 1, 1])
    }

    /// The gradient p to the scores. Cross-entropy: S s - t, with S the sum of the targets; binary: s - t; squared
    /// error: 2 (z - t), and r = 2 (s - t) through the softmax, s (r - <s, r>); times the share.
    pub fn to_scores(&self) -> Map<T> {
        let (share, smooth, two) = (self.share, self.smoothing(), T::of(2.0));
        let mut p = Vec::with_capacity(self.outputs.len());
        for (s, t) in self.rows() {
            let pairs = s.iter().zip(t.iter().map(|&t| smooth(t)));
            match self.kind {
                Kind::Ce | Kind::CeSum | Kind::LabelSmoothing(_) => {
                    let mass: T = t.iter().map(|&t| smooth(t)).sum();
                    p.extend(pairs.map(|(&s, t)| (mass * s - t) * share));
                }
                Kind::Bce => p.extend(pairs.map(|(&s, t)| (s - t) * share)),
                Kind::Mse => p.extend(pairs.map(|(&z, t)| two * (z - t) * share)),
                Kind::MseSoftmax => {
                    let r: Vec<T> = pairs.map(|(&s, t)| two * (s - t) * share).collect();
                    p.extend(through_softmax(s, &r));
                }
            }
        }
        self.map(&p)
    }

    /// The derivative of the loss along z'.
    pub fn tangent(&self, dz: &Map<T>) -> T {
        self.to_scores().data.iter().zip(dz.data.iter()).map(|(&p, &dz)| p * dz).sum()
    }

    /// p', the derivative of [`Loss::to_scores`] along z'. Cross-entropy: S s (z' - <s, z'>).
    pub fn to_scores_moved(&self, dz: &Map<T>) -> Map<T> {
        let (share, smooth, two) = (self.share, self.smoothing(), T::of(2.0));
        let dz = dz.to_rows();
        let mut dp = Vec::with_capacity(dz.len());
        for ((s, t), dz) in self.rows().zip(dz.chunks(self.classes)) {
            match self.kind {
                Kind::Ce | Kind::CeSum | Kind::LabelSmoothing(_) => {
                    let mass: T = t.iter().map(|&t| smooth(t)).sum();
                    let mean = dot(s, dz);
                    dp.extend(s.iter().zip(dz).map(|(&s, &dz)| mass * s * (dz - mean) * share));
                }
                Kind::Bce => {
                    dp.extend(s.iter().zip(dz).map(|(&s, &dz)| s * (T::one() - s) * dz * share));
                }
                Kind::Mse => dp.extend(dz.iter().map(|&dz| two * dz * share)),
                Kind::MseSoftmax => {
                    let ds = through_softmax(s, dz);
                    let r: Vec<T> = s.iter().zip(t).map(|(&s, &t)| two * (s - smooth(t)) * share).collect();
                    let dr: Vec<T> = ds.iter().map(|&ds| two * ds * share).collect();
                    let (mean, moved) = (dot(s, &r), dot(&ds, &r) + dot(s, &dr));
                    let entries = s.iter().zip(&ds).zip(r.iter().zip(&dr));
                    dp.extend(entries.map(|((&s, &ds), (&r, &dr))| ds * (r - mean) + s * (dr - moved)));
                }
            }
        }
        self.map(&dp)
    }

    /// Gradient of [`Loss::tangent`] to the label logits u, where t = softmax(u), or sigmoid(u) for one output:
    /// `[batch, classes]`.
    pub fn tangent_to_labels(&self, dz: &Map<T>) -> Vec<T> {
        let (keep, _) = self.kind.smoothing(self.classes);
        let (share, keep) = (self.share, T::of(keep));
        let dz = dz.to_rows();
        let mut gradient = Vec::with_capacity(dz.len());
        for ((s, t), dz) in self.rows().zip(dz.chunks(self.classes)) {
            let to_targets: Vec<T> = match self.kind {
                Kind::Ce | Kind::CeSum | Kind::LabelSmoothing(_) => {
                    let mean = dot(s, dz);
                    dz.iter().map(|&dz| (mean - dz) * share * keep).collect()
                }
                Kind::Bce => dz.iter().map(|&dz| -dz * share).collect(),
                Kind::Mse => dz.iter().map(|&dz| T::of(-2.0) * dz * share).collect(),
                Kind::MseSoftmax => {
                    through_softmax(s, dz).into_iter().map(|ds| T::of(-2.0) * ds * share).collect()
                }
            };
            if let ([t], [w]) = (t, to_targets.as_slice()) {
                gradient.push(*t * (T::one() - *t) * *w);
            } else {
                gradient.extend(through_softmax(t, &to_targets));
            }
        }
        gradient
    }
}

/// Scores to the logarithms of their softmax.
fn log_softmax<T: Real>(row: &mut [T]) {
    let top = row.iter().copied().fold(T::neg_infinity(), T::max);
    let log_sum = row.iter().map(|&z| (z - top).exp()).sum::<T>().ln() + top;
    row.iter_mut().for_each(|z| *z = *z - log_sum);
}

/// s (w - <s, w>): the softmax's derivative, which is its own transpose.
fn through_softmax<T: Real>(s: &[T], w: &[T]) -> Vec<T> {
    let mean = dot(s, w);
    s.iter().zip(w).map(|(&s, &w)| s * (w - mean)).collect()
}

fn dot<T: Real>(a: &[T], b: &[T]) -> T {
    a.iter().zip(b).map(|(&a, &b)| a * b).sum()
}
