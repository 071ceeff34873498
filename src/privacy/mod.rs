//! Differential privacy of repeated releases of the Poisson-subsampled Gaussian mechanism: sensitivity 1, noise
//! of standard deviation z (the noise multiplier), each record taken with probability q, neighbours differ by
//! one record added or removed.
//!
//! With x ~ N(0, z^2) the privacy loss of one release is ln(1 + w) where 1 + w = 1 - q + q e^((2x - 1) / (2
//! z^2)) is the ratio of the densities with and without the record: Mironov, Talwar, Zhang, "Renyi differential
//! privacy of the sampled Gaussian mechanism", arXiv 1908.10530, section 3.

mod loss_distribution;
#[cfg(test)]
mod tests;

use std::fmt;

/// Below this noise multiplier the two components of the mixture do not overlap in double precision.
pub(crate) const SEPARATE: f64 = 0.03;
/// How far noise is followed, in standard deviations beyond the last place where the integrand can peak: e^-50
/// is left.
const REACH: f64 = 10.0;
/// Ratio of noise multipliers at which the search for one ends.
const SEARCH_RATIO: f64 = 1.0 + 1e-6;
const LARGEST_NOISE: f64 = 1e15;
const SMALLEST_NOISE: f64 = 1e-6;

/// A way of finding epsilon. All are upper bounds on the true one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Account {
    /// Renyi divergences at `default_orders`, converted: what most publications report.
    Renyi,
    /// Exact, for the mechanism without subsampling alone.
    ClosedForm,
    /// Convolution of discretised privacy losses: close to the true epsilon.
    LossDistribution,
}

/// What cannot be accounted for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Refusal {
    /// Negative, infinite or not a number.
    NoiseMultiplier(f64),
    /// Outside [0, 1].
    Sampling(f64),
    /// Outside (0, 1).
    Delta(f64),
    /// Negative, infinite or not a number.
    Epsilon(f64),
    /// A closed form was asked for with this sampling rate.
    NoClosedForm(f64),
    /// No noise multiplier of a size that can be computed with gives this epsilon.
    OutOfReach(f64),
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::NoiseMultiplier(z) => {
                write!(f, "the noise multiplier is {z}: it must be a finite number, 0 or more")
            }
            Refusal::Sampling(q) => write!(f, "the sampling rate is {q}: it must lie between 0 and 1"),
            Refusal::Delta(delta) => {
                write!(
                    f,
                    "delta is {delta}: it must lie strictly between 0 and 1, well below 1 / number of records"
                )
            }
            Refusal::Epsilon(epsilon) => {
                write!(f, "epsilon is {epsilon}: it must be a finite number, 0 or more")
            }
            Refusal::NoClosedForm(q) => {
                write!(
                    f,
                    "the closed form holds for sampling rate 1 only, not for {q}: use the loss distribution"
                )
            }
            Refusal::OutOfReach(epsilon) => {
                write!(
                    f,
                    "no noise multiplier up to {LARGEST_NOISE:e} gives epsilon {epsilon}: ask for a larger one"
                )
            }
        }
    }
}

impl std::error::Error for Refusal {}

/// The Poisson-subsampled Gaussian mechanism.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Mechanism {
    noise_multiplier: f64,
    sampling: f64,
}

impl Mechanism {
    /// `noise_multiplier`: standard deviation of the noise over the sensitivity. `sampling`: probability with
    /// which each record takes part in a step.
    pub fn new(noise_multiplier: f64, sampling: f64) -> Result<Self, Refusal> {
        if !(noise_multiplier >= 0.0 && noise_multiplier.is_finite()) {
            return Err(Refusal::NoiseMultiplier(noise_multiplier));
        }
        if !(0.0..=1.0).contains(&sampling) {
            return Err(Refusal::Sampling(sampling));
        }
        Ok(Mechanism { noise_multiplier, sampling })
    }

    /// The epsilon of `steps` releases for this `delta`; infinite without noise.
    pub fn epsilon(&self, account: Account, steps: u64, delta: f64) -> Result<f64, Refusal> {
        if !(delta > 0.0 && delta < 1.0) {
            return Err(Refusal::Delta(delta));
        }
        if account == Account::ClosedForm && self.sampling != 1.0 {
            return Err(Refusal::NoClosedForm(self.sampling));
        }
        if steps == 0 || self.sampling == 0.0 {
            return Ok(0.0);
        }
        if self.noise_multiplier == 0.0 {
            return Ok(f64::INFINITY);
        }
        Ok(match account {
            Account::Renyi => self.renyi_epsilon(default_orders(), steps, delta),
            Account::ClosedForm => gaussian_epsilon((steps as f64).sqrt() / self.noise_multiplier, delta),
            // Both bound the true epsilon from above; only for extreme settings is the first the smaller one.
            Account::LossDistribution => (self.renyi_epsilon(default_orders(), steps, delta))
                .min(loss_distribution::epsilon(self, steps, delta)),
        })
    }

    /// min over the ascending `orders` a > 1 of T D_a + ln(1 - 1/a) - ln(delta a) / (a - 1): Canonne, Kamath,
    /// Steinke, "The discrete Gaussian for differential privacy", arXiv 2004.00010. And 0 where
    /// delta^2 > 1 - e^(-T D_a), because the total variation distance is at most sqrt(1 - e^-KL) (Bretagnolle,
    /// Huber).
    pub(crate) fn renyi_epsilon(&self, orders: impl Iterator<Item = f64>, steps: u64, delta: f64) -> f64 {
        let mut least = f64::INFINITY;
        for order in orders {
            let divergence = steps as f64 * self.divergence(order);
            if delta * delta + (-divergence).exp_m1() > 0.0 {
                return 0.0;
            }
            // Grows with the order, as the divergence does: once their sum is too large no later order is
            // better.
            let offset = (-1.0 / order).ln_1p() - order.ln() / (order - 1.0);
            if divergence + offset >= least {
                break;
            }
            least = least.min(divergence + offset - delta.ln() / (order - 1.0));
        }
        least.max(0.0)
    }

    /// Renyi divergence of one release at `order` > 1: ln E[(1 + w)^order] / (order - 1), arXiv 1908.10530.
    /// It is the divergence with the record from without it, the larger of the two directions.
    pub(crate) fn divergence(&self, order: f64) -> f64 {
        self.log_moment(order) / (order - 1.0)
    }

    /// ln E[(1 + w)^power] over x ~ N(0, z^2), for q > 0 and z > 0; a relative error of about 1e-12, more for
    /// powers below 0. As E[w] = 0 it is the logarithm of 1 + E[(1 + w)^power - 1 - power w]: the new integrand
    /// has one sign, so nothing cancels when q is small.
    pub(crate) fn log_moment(&self, power: f64) -> f64 {
        let (z, q) = (self.noise_multiplier, self.sampling);
        let plain = power * (power - 1.0) / 2.0 / z / z;
        if q == 1.0 || power == 0.0 || power == 1.0 {
            return plain;
        }
        let log_excess = if z >= SEPARATE {
            self.log_excess_moment(power)
        } else if power > 1.0 {
            // Either there was no record and w = -q, or only the record counts.
            log_add(log_excess(power, (-q).ln_1p()), power * q.ln() + plain)
        } else {
            log_excess(power, (-q).ln_1p())
        };
        if (0.0..1.0).contains(&power) { (-log_excess.exp()).ln_1p() } else { log_add(0.0, log_excess) }
    }

    /// ln E|(1 + w)^power - 1 - power w| by the trapezoidal rule in u = x / z. Its error falls as e^(-2 pi d /
    /// step) where d = pi z is the distance of the integrand's singularities (1 + w = 0) from the real axis, or
    /// as e^(-2 (pi / step)^2).
    fn log_excess_moment(&self, power: f64) -> f64 {
        let (z, q) = (self.noise_multiplier, self.sampling);
        let step = (z / 2.0).clamp(0.05, 0.5);
        // The integrand grows at most as w^2 for small w and as w^power for large ones, so its last peak is
        // here; with a negative power it grows for negative w too, until its slope |power| w / z is less than
        // that of the density.
        let last = power.max(2.0) / z + REACH;
        let slope = -power.min(0.0) / z;
        let first = -slope.min(z * (slope * q / (1.0 - q)).ln_1p() + 1.0) - REACH;
        let points = ((last - first) / step).ceil() as u64;
        let logarithms = (0..=points).map(|i| {
            let u = first + i as f64 * step;
            log_excess(power, self.log_ratio(u * z)) - u * u / 2.0
        });
        log_sum(logarithms) + (step / std::f64::consts::TAU.sqrt()).ln()
    }

    /// ln(1 + w) at x.
    pub(crate) fn log_ratio(&self, x: f64) -> f64 {
        let (z, q) = (self.noise_multiplier, self.sampling);
        let exponent = (x - 0.5) / z / z;
        if q == 1.0 {
            exponent
        } else if exponent < 700.0 {
            (q * exponent.exp_m1()).ln_1p()
        } else {
            // The exponential would overflow, and 1 - q beside it is nothing.
            exponent + q.ln()
        }
    }

    /// The x at which ln(1 + w) is `log_ratio`; minus infinity where it is so small nowhere.
    pub(crate) fn position(&self, log_ratio: f64) -> f64 {
        let (z, q) = (self.noise_multiplier, self.sampling);
        let exponent = if q == 1.0 {
            log_ratio
        } else if log_ratio < 40.0 {
            (log_ratio.exp_m1() / q).max(-1.0).ln_1p()
        } else {
            log_ratio - q.ln()
        };
        exponent * z * z + 0.5
    }

    pub(crate) fn noise_multiplier(&self) -> f64 {
        self.noise_multiplier
    }

    pub(crate) fn sampling(&self) -> f64 {
        self.sampling
    }
}

/// The smallest noise multiplier, to a ratio of 1 + 1e-6, whose `epsilon` is at most this one.
pub fn noise_multiplier_for(
    account: Account,
    epsilon: f64,
    delta: f64,
    sampling: f64,
    steps: u64,
) -> Result<f64, Refusal> {
    if !(epsilon >= 0.0 && epsilon.is_finite()) {
        return Err(Refusal::Epsilon(epsilon));
    }
    let enough = |noise: f64| Ok(Mechanism::new(noise, sampling)?.epsilon(account, steps, delta)? <= epsilon);
    if enough(0.0)? {
        return Ok(0.0);
    }
    let mut high = match account {
        // A cheap bound from above on the answer.
        Account::LossDistribution => noise_multiplier_for(Account::Renyi, epsilon, delta, sampling, steps)?,
        Account::Renyi | Account::ClosedForm => 1.0,
    };
    while !enough(high)? {
        high *= 2.0;
        if high > LARGEST_NOISE {
            return Err(Refusal::OutOfReach(epsilon));
        }
    }
    let mut low = high / 2.0;
    while enough(low)? {
        (low, high) = (low / 2.0, low);
        if high < SMALLEST_NOISE {
            return Ok(high);
        }
    }
    while high / low > SEARCH_RATIO {
        let middle = (low * high).sqrt();
        if enough(middle)? {
            high = middle;
        } else {
            low = middle;
        }
    }
    Ok(high)
}

/// The orders of Google's dp-accounting: 1.1 to 11 by tenths, 12 to 63, 128, 256, 512, 1024.
pub fn default_orders() -> impl Iterator<Item = f64> {
    let tenths = (11..=110).map(|tenths| f64::from(tenths) / 10.0);
    tenths.chain((12..=63).map(f64::from)).chain([128.0, 256.0, 512.0, 1024.0])
}

/// The root of delta = Phi(-epsilon / mu + mu / 2) - e^epsilon Phi(-epsilon / mu - mu / 2) where the mechanism
/// is as private as telling N(0, 1) from N(mu, 1): Balle, Wang, arXiv 1805.06530; Dong, Roth, Su,
/// arXiv 1905.02383.
fn gaussian_epsilon(mu: f64, delta: f64) -> f64 {
    // Epsilon is mu (a + mu / 2), and delta <= Phi(-a) <= e^(-a^2 / 2).
    let (mut low, mut high) = (-mu / 2.0, (-2.0 * delta.ln()).sqrt());
    if log_gaussian_delta(mu, low) <= delta.ln() {
        return 0.0;
    }
    loop {
        let middle = low + (high - low) / 2.0;
        if middle <= low || middle >= high {
            return mu * (high + mu / 2.0);
        }
        if log_gaussian_delta(mu, middle) <= delta.ln() {
            high = middle;
        } else {
            low = middle;
        }
    }
}

/// ln(Phi(-a) - e^epsilon Phi(-a - mu)) with epsilon = mu (a + mu / 2), a >= -mu / 2. Both terms have the
/// factor phi(a).
fn log_gaussian_delta(mu: f64, a: f64) -> f64 {
    let log_density = -a * a / 2.0 - std::f64::consts::TAU.ln() / 2.0;
    if a >= 0.0 {
        log_density + (mills_ratio(a) - mills_ratio(a + mu)).ln()
    } else {
        (-log_density.exp() * (mills_ratio(-a) + mills_ratio(a + mu))).ln_1p()
    }
}

/// Phi(-x) / phi(x) for x >= 0: Abramowitz, Stegun, "Handbook of mathematical functions", section 26.2.
pub(crate) fn mills_ratio(x: f64) -> f64 {
    if x >= 2.0 {
        let depth = 16 + (500.0 / (x * x)) as u32;
        return 1.0 / (1..=depth).rev().fold(x, |tail, k| x + f64::from(k) / tail);
    }
    let (mut sum, mut term) = (0.0, x);
    for k in 1..=40 {
        sum += term;
        term *= x * x / f64::from(2 * k + 1);
    }
    (x * x / 2.0).exp() * (std::f64::consts::PI / 2.0).sqrt() - sum
}

/// ln|(1 + w)^power - 1 - power w| of `log_ratio` = ln(1 + w).
fn log_excess(power: f64, log_ratio: f64) -> f64 {
    let w = log_ratio.exp_m1();
    if (power * w).abs() < 0.1 && w.abs() < 0.1 {
        // The binomial series from its third term on.
        let (mut sum, mut term, mut k) = (0.0, power * w, 1.0);
        while k < 20.0 {
            term *= (power - k) / (k + 1.0) * w;
            sum += term;
            k += 1.0;
        }
        return f64::abs(sum).ln();
    }
    // 1 + power w = power (1 + w) + 1 - power, and the largest of the three terms is taken out.
    let largest = (power * log_ratio).max(log_ratio).max(0.0);
    let scaled = (power * log_ratio - largest).exp()
        - power * (log_ratio - largest).exp()
        - (1.0 - power) * (-largest).exp();
    largest + scaled.abs().ln()
}

/// ln(e^a + e^b).
fn log_add(a: f64, b: f64) -> f64 {
    a.max(b) + (-(a - b).abs()).exp().ln_1p()
}

/// ln of the sum of the exponentials.
fn log_sum(logarithms: impl Iterator<Item = f64>) -> f64 {
    let (mut largest, mut sum) = (f64::NEG_INFINITY, 0.0);
    for logarithm in logarithms {
        if logarithm > largest {
            sum = sum * f64::exp(largest - logarithm) + 1.0;
            largest = logarithm;
        } else if logarithm > f64::NEG_INFINITY {
            sum += (logarithm - largest).exp();
        }
    }
    largest + f64::ln(sum)
}
