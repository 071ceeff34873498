//! Batch normalisation, `y = gamma c r + beta` with `c = x - m` and `r = (var + eps)^(-1/2)`.

use super::map::{Map, dot, sum, total};
use super::real::Real;

/// What a layer normalises with.
#[derive(Debug, Clone)]
pub struct Scale<T> {
    /// m, per channel.
    pub mean: Vec<T>,
    /// r, per channel.
    pub r: Vec<T>,
    /// Whether m and r are the batch's own and move with x (train mode), or constants (eval mode).
    pub of_batch: bool,
}

impl<T: Real> Scale<T> {
    /// Running statistics: constants.
    pub fn running(mean: &[T], variance: &[T], eps: f64) -> Self {
        let r = variance.iter().map(|&v| (v + T::of(eps)).sqrt().recip()).collect();
        Scale { mean: mean.to_vec(), r, of_batch: false }
    }

    /// No statistics at all: factors and offsets alone.
    pub fn plain(channels: usize) -> Self {
        Scale { mean: vec![T::zero(); channels], r: vec![T::one(); channels], of_batch: false }
    }

    /// The batch's own, with its biased variance.
    pub fn batch(x: &Map<T>, eps: f64) -> (Self, Vec<T>) {
        let share = T::of(1.0 / x.columns() as f64);
        let mean = x.per_channel(|channel| total(x.row(channel)) * share);
        let variance = x.per_channel(|channel| {
            let m = mean[channel];
            sum(x.row(channel).iter().map(|&x| (x - m) * (x - m))) * share
        });
        let r = variance.iter().map(|&v| (v + T::of(eps)).sqrt().recip()).collect();
        (Scale { mean, r, of_batch: true }, variance)
    }

    /// y.
    pub fn forward(&self, x: &Map<T>, gamma: &[T], beta: &[T]) -> Map<T> {
        x.like(|channel, out| {
            let k = gamma[channel] * self.r[channel];
            let offset = beta[channel] - self.mean[channel] * k;
            out.iter_mut().zip(x.row(channel)).for_each(|(out, &x)| *out = x * k + offset);
        })
    }

    /// Gradients to gamma and beta for the gradient p to y.
    pub fn to_parameters(&self, x: &Map<T>, p: &Map<T>) -> (Vec<T>, Vec<T>) {
        let beta = p.per_channel(|channel| total(p.row(channel)));
        let gamma = p.per_channel(|channel| {
            let m = self.mean[channel];
            let pairs = p.row(channel).iter().zip(x.row(channel));
            sum(pairs.map(|(&p, &x)| p * (x - m))) * self.r[channel]
        });
        (gamma, beta)
    }

    /// Gradient to x: gamma r u, with u = p in eval mode, u = p - mean(p) - n mean(p n) and n = c r in train mode.
    pub fn to_input(&self, x: &Map<T>, gamma: &[T], p: &Map<T>) -> Map<T> {
        let share = T::of(1.0 / x.columns() as f64);
        p.like(|channel, out| {
            let (m, r, p, x) = (self.mean[channel], self.r[channel], p.row(channel), x.row(channel));
            let k = gamma[channel] * r;
            if self.of_batch {
                let mean_p = total(p) * share;
                let mean_pn = sum(p.iter().zip(x).map(|(&p, &x)| p * (x - m))) * r * share;
                for (out, (&p, &x)) in out.iter_mut().zip(p.iter().zip(x)) {
                    *out = k * (p - mean_p - (x - m) * r * mean_pn);
                }
            } else {
                out.iter_mut().zip(p).for_each(|(out, &p)| *out = k * p);
            }
        })
    }

    /// y' for x' (absent where it is zero), gamma' and beta'.
    pub fn tangent(
        &self,
        x: &Map<T>,
        dx: Option<&Map<T>>,
        gamma: &[T],
        (dgamma, dbeta): (&[T], &[T]),
    ) -> Map<T> {
        x.like(|channel, out| {
            let (m, r, x) = (self.mean[channel], self.r[channel], x.row(channel));
            let dk = dgamma[channel] * r;
            let offset = dbeta[channel] - m * dk;
            out.iter_mut().zip(x).for_each(|(out, &x)| *out = x * dk + offset);
            let Some(dx) = dx.map(|dx| dx.row(channel)) else { return };
            let moved = self.moved(channel, x, dx);
            let (k, dr) = (gamma[channel] * r, gamma[channel] * moved.dr);
            if self.of_batch {
                for (out, (&dx, &x)) in out.iter_mut().zip(dx.iter().zip(x)) {
                    *out += (dx - moved.mean) * k + (x - m) * dr;
                }
            } else {
                out.iter_mut().zip(dx).for_each(|(out, &dx)| *out += dx * k);
            }
        })
    }

    /// The derivative of [`Scale::to_input`].
    pub fn to_input_moved(
        &self,
        (x, dx): (&Map<T>, Option<&Map<T>>),
        (gamma, dgamma): (&[T], &[T]),
        (p, dp): (&Map<T>, &Map<T>),
    ) -> Map<T> {
        let share = T::of(1.0 / x.columns() as f64);
        p.like(|channel, out| {
            let (m, r, p, dp, x) =
                (self.mean[channel], self.r[channel], p.row(channel), dp.row(channel), x.row(channel));
            let (gamma, dgamma) = (gamma[channel], dgamma[channel]);
            let (k, dk) = (gamma * r, dgamma * r);
            if !self.of_batch {
                out.iter_mut().zip(p.iter().zip(dp)).for_each(|(out, (&p, &dp))| *out = k * dp + dk * p);
                return;
            }
            let still = vec![T::zero(); if dx.is_some() { 0 } else { x.len() }];
            let dx = dx.map_or(still.as_slice(), |dx| dx.row(channel));
            let moved = self.moved(channel, x, dx);
            let n = |i: usize| (x[i] - m) * r;
            let dn = |i: usize| (dx[i] - moved.mean) * r + (x[i] - m) * moved.dr;
            let (mean_p, mean_dp) = (total(p) * share, total(dp) * share);
            let mean_pn = sum((0..x.len()).map(|i| p[i] * n(i))) * share;
            let dmean_pn = sum((0..x.len()).map(|i| dp[i] * n(i) + p[i] * dn(i))) * share;
            let slope = dk + gamma * moved.dr;
            for (i, out) in out.iter_mut().enumerate() {
                let u = p[i] - mean_p - n(i) * mean_pn;
                let du = dp[i] - mean_dp - dn(i) * mean_pn - n(i) * dmean_pn;
                *out = slope * u + k * du;
            }
        })
    }

    /// The derivative of [`Scale::to_parameters`].
    pub fn to_parameters_moved(
        &self,
        (x, dx): (&Map<T>, Option<&Map<T>>),
        (p, dp): (&Map<T>, &Map<T>),
    ) -> (Vec<T>, Vec<T>) {
        let (mut gamma, beta) = self.to_parameters(x, dp);
        if let Some(dx) = dx {
            let more = p.per_channel(|channel| {
                let (m, r, p, x, dx) =
                    (self.mean[channel], self.r[channel], p.row(channel), x.row(channel), dx.row(channel));
                if !self.of_batch {
                    return dot(p, dx) * r;
                }
                let moved = self.moved(channel, x, dx);
                sum((0..x.len()).map(|i| p[i] * ((dx[i] - moved.mean) * r + (x[i] - m) * moved.dr)))
            });
            gamma.iter_mut().zip(more).for_each(|(gamma, more)| *gamma += more);
        }
        (gamma, beta)
    }

    /// How a batch's own statistics move with x: m' = mean(x'), r' = -r^3 mean(c x').
    fn moved(&self, channel: usize, x: &[T], dx: &[T]) -> Moved<T> {
        if !self.of_batch {
            return Moved { mean: T::zero(), dr: T::zero() };
        }
        let share = T::of(1.0 / x.len() as f64);
        let (m, r) = (self.mean[channel], self.r[channel]);
        let product = sum(x.iter().zip(dx).map(|(&x, &dx)| (x - m) * dx)) * share;
        Moved { mean: total(dx) * share, dr: -r * r * r * product }
    }
}

struct Moved<T> {
    mean: T,
    dr: T,
}
