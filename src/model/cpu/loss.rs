//! Softmax cross-entropy, the mean over the batch of `-sum_c t_c log softmax(z)_c`.

use super::map::Map;
use super::real::Real;

/// The loss at one batch, with what its derivatives need. Rows of `[batch, classes]`.
#[derive(Debug, Clone)]
pub struct Loss<T> {
    /// Its value.
    pub value: T,
    /// s = softmax(z).
    softmax: Vec<T>,
    targets: Vec<T>,
    classes: usize,
}

impl<T: Real> Loss<T> {
    /// Of scores (features by samples) and targets `[batch, classes]`.
    pub fn new(scores: &Map<T>, targets: Vec<T>) -> Self {
        let classes = scores.channels;
        let mut softmax = scores.to_rows();
        let mut value = T::zero();
        for (row, targets) in softmax.chunks_mut(classes).zip(targets.chunks(classes)) {
            let top = row.iter().copied().fold(T::neg_infinity(), T::max);
            let log_sum = row.iter().map(|&z| (z - top).exp()).sum::<T>().ln() + top;
            for (z, &t) in row.iter_mut().zip(targets) {
                let log_probability = *z - log_sum;
                value += -t * log_probability;
                *z = log_probability.exp();
            }
        }
        let mut loss = Loss { value, softmax, targets, classes };
        loss.value = loss.value * loss.share();
        loss
    }

    fn share(&self) -> T {
        T::of(self.classes as f64 / self.softmax.len() as f64)
    }

    fn rows(&self) -> impl Iterator<Item = (&[T], &[T])> {
        self.softmax.chunks(self.classes).zip(self.targets.chunks(self.classes))
    }

    fn map(&self, rows: &[T]) -> Map<T> {
        Map::from_rows(rows, [rows.len() / self.classes, self.classes, 1, 1])
    }

    /// p: (S s - t) / batch, with S the sum of the targets.
    pub fn to_scores(&self) -> Map<T> {
        let share = self.share();
        let mut p = Vec::with_capacity(self.softmax.len());
        for (s, t) in self.rows() {
            let mass: T = t.iter().copied().sum();
            p.extend(s.iter().zip(t).map(|(&s, &t)| (mass * s - t) * share));
        }
        self.map(&p)
    }

    /// The derivative of the loss along z'.
    pub fn tangent(&self, dz: &Map<T>) -> T {
        self.to_scores().data.iter().zip(dz.data.iter()).map(|(&p, &dz)| p * dz).sum()
    }

    /// p': S (s z' - s <s, z'>) / batch.
    pub fn to_scores_moved(&self, dz: &Map<T>) -> Map<T> {
        let share = self.share();
        let dz = dz.to_rows();
        let mut dp = Vec::with_capacity(dz.len());
        for ((s, t), dz) in self.rows().zip(dz.chunks(self.classes)) {
            let mass: T = t.iter().copied().sum();
            let mean: T = s.iter().zip(dz).map(|(&s, &dz)| s * dz).sum();
            dp.extend(s.iter().zip(dz).map(|(&s, &dz)| mass * s * (dz - mean) * share));
        }
        self.map(&dp)
    }

    /// Gradient of [`Loss::tangent`] to the label logits u, where t = softmax(u): `[batch, classes]`.
    pub fn tangent_to_labels(&self, dz: &Map<T>) -> Vec<T> {
        let share = self.share();
        let dz = dz.to_rows();
        let mut gradient = Vec::with_capacity(dz.len());
        for ((s, t), dz) in self.rows().zip(dz.chunks(self.classes)) {
            let mean: T = s.iter().zip(dz).map(|(&s, &dz)| s * dz).sum();
            let to_targets: Vec<T> = dz.iter().map(|&dz| (mean - dz) * share).collect();
            let middle: T = t.iter().zip(&to_targets).map(|(&t, &w)| t * w).sum();
            gradient.extend(t.iter().zip(&to_targets).map(|(&t, &w)| t * (w - middle)));
        }
        gradient
    }
}
