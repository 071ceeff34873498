//! CMA-ES (Hansen 2016, "The CMA Evolution Strategy: A Tutorial", arXiv 1604.00772): a population that needs values alone, for
//! latents whose loss is no slope to follow (Li et al. 2022).

use super::{Objective, Optimiser, Step, Turn};
use crate::attack::state::{State, StateError};
use crate::seed;
use faer::{Col, Mat, Scale, Side};

/// Largest candidate: each step takes the covariance of all its entries apart.
pub const MOST: usize = 1_000;

/// The weighted (mu/mu_w, lambda) strategy with rank-one and rank-mu updates and cumulative step-size adaptation, with the
/// tutorial's constants. z is the mean m of the population.
#[derive(Debug, Clone)]
pub struct CmaEs {
    /// lambda; 4 + floor(3 ln n) unless given.
    population: Option<usize>,
    /// Steps taken.
    t: u64,
    sigma: f64,
    /// Evolution path of the step size.
    path_of_sigma: Col<f64>,
    /// Evolution path of the covariance.
    path: Col<f64>,
    covariance: Mat<f64>,
}

/// The tutorial's constants for n entries and lambda members.
struct Constants {
    weights: Vec<f64>,
    mu_eff: f64,
    c_sigma: f64,
    damping: f64,
    c_path: f64,
    c_1: f64,
    c_mu: f64,
    /// E|N(0, I)|.
    expected: f64,
}

impl Constants {
    fn of(count: usize, population: usize) -> Constants {
        let (n, parents) = (count as f64, population / 2);
        let half = (population as f64 + 1.0) / 2.0;
        let raw: Vec<f64> = (1..=parents).map(|rank| half.ln() - (rank as f64).ln()).collect();
        let sum: f64 = raw.iter().sum();
        let weights: Vec<f64> = raw.iter().map(|weight| weight / sum).collect();
        let mu_eff = 1.0 / weights.iter().map(|weight| weight * weight).sum::<f64>();
        let c_sigma = (mu_eff + 2.0) / (n + mu_eff + 5.0);
        let c_1 = 2.0 / ((n + 1.3).powi(2) + mu_eff);
        Constants {
            damping: 1.0 + 2.0 * (((mu_eff - 1.0) / (n + 1.0)).sqrt() - 1.0).max(0.0) + c_sigma,
            c_path: (4.0 + mu_eff / n) / (n + 4.0 + 2.0 * mu_eff / n),
            c_mu: (1.0 - c_1).min(2.0 * (mu_eff - 2.0 + 1.0 / mu_eff) / ((n + 2.0).powi(2) + mu_eff)),
            expected: n.sqrt() * (1.0 - 1.0 / (4.0 * n) + 1.0 / (21.0 * n * n)),
            weights,
            mu_eff,
            c_sigma,
            c_1,
        }
    }
}

impl CmaEs {
    /// With this deviation of the first population.
    pub fn new(sigma: f64, population: Option<usize>) -> CmaEs {
        let none = Col::zeros(0);
        CmaEs {
            population,
            t: 0,
            sigma,
            path_of_sigma: none.clone(),
            path: none,
            covariance: Mat::zeros(0, 0),
        }
    }

    /// Members of a population of candidates with so many entries.
    pub fn members(population: Option<usize>, count: usize) -> usize {
        population.unwrap_or_else(|| 4 + (3.0 * (count as f64).ln()).floor() as usize)
    }

    fn begin(&mut self, count: usize) {
        if self.covariance.nrows() != count {
            self.path_of_sigma = Col::zeros(count);
            self.path = Col::zeros(count);
            self.covariance = Mat::identity(count, count);
        }
    }
}

impl Optimiser for CmaEs {
    fn step(&mut self, z: &mut Vec<f64>, turn: &mut Turn, objective: &mut dyn Objective) -> Step {
        let count = z.len();
        self.begin(count);
        let members = CmaEs::members(self.population, count);
        let Constants { weights, mu_eff, c_sigma, damping, c_path, c_1, c_mu, expected } =
            Constants::of(count, members);
        // C = B D^2 B^T; y = B D N(0, I).
        let Ok(eigen) = self.covariance.self_adjoint_eigen(Side::Lower) else { return Step::Stalled };
        let (axes, squares) = (eigen.U(), eigen.S().column_vector());
        let lengths = Col::from_fn(count, |i| squares[i].max(0.0).sqrt());
        let mut drawn = || {
            let normal = seed::normal(&mut turn.draw, count);
            axes * Col::from_fn(count, |i| normal[i] * lengths[i])
        };
        let ys: Vec<Col<f64>> = (0..members).map(|_| drawn()).collect();
        let at = |y: &Col<f64>| z.iter().zip(y.iter()).map(|(m, y)| m + self.sigma * y).collect();
        let population: Vec<Vec<f64>> = ys.iter().map(at).collect();
        let losses = objective.values(&population).into_iter().map(|evaluation| evaluation.total());
        let mut tried: Vec<(f64, Col<f64>)> = losses.zip(ys).collect();
        // A loss that is not finite is worse than any other.
        tried.sort_by(|(a, _), (b, _)| a.is_nan().cmp(&b.is_nan()).then(a.total_cmp(b)));

        let mut mean = Col::<f64>::zeros(count);
        weights.iter().zip(&tried).for_each(|(weight, (_, y))| mean += Scale(*weight) * y);
        z.iter_mut().zip(mean.iter()).for_each(|(z, y)| *z += self.sigma * y);

        self.t += 1;
        // C^-1/2 <y>_w, where an axis of length 0 has no part.
        let mut along = axes.transpose() * &mean;
        along.iter_mut().zip(lengths.iter()).for_each(|(part, length)| {
            *part = if *length > 0.0 { *part / length } else { 0.0 };
        });
        self.path_of_sigma *= Scale(1.0 - c_sigma);
        self.path_of_sigma += Scale((c_sigma * (2.0 - c_sigma) * mu_eff).sqrt()) * (axes * along);
        let norm = self.path_of_sigma.norm_l2();
        let settled = (1.0 - (1.0 - c_sigma).powf(2.0 * self.t as f64)).sqrt();
        let moves = norm / settled < (1.4 + 2.0 / (count as f64 + 1.0)) * expected;
        let held = if moves { 1.0 } else { 0.0 };
        self.path *= Scale(1.0 - c_path);
        self.path += Scale(held * (c_path * (2.0 - c_path) * mu_eff).sqrt()) * mean;
        let kept = 1.0 - c_1 - c_mu + (1.0 - held) * c_1 * c_path * (2.0 - c_path);
        self.covariance *= Scale(kept);
        self.covariance += Scale(c_1) * &self.path * self.path.transpose();
        for (weight, (_, y)) in weights.iter().zip(&tried) {
            self.covariance += Scale(c_mu * weight) * y * y.transpose();
        }
        self.sigma *= ((c_sigma / damping) * (norm / expected - 1.0)).exp();
        let widest = lengths.iter().fold(0.0f64, |most, length| most.max(*length)) * self.sigma;
        if widest < 1e-12 || !widest.is_finite() { Step::Stalled } else { Step::Moved }
    }

    fn save(&self, state: &mut State) {
        state.put_number("cma.t", self.t as f64);
        state.put_number("cma.sigma", self.sigma);
        let put = |values: &Col<f64>| values.iter().copied().collect::<Vec<f64>>();
        state.put("cma.path-of-sigma", &put(&self.path_of_sigma));
        state.put("cma.path", &put(&self.path));
        let columns = self.covariance.col_iter().flat_map(|column| column.iter());
        state.put("cma.covariance", &columns.copied().collect::<Vec<f64>>());
    }

    fn load(&mut self, state: &State, count: usize) -> Result<(), StateError> {
        self.t = state.number("cma.t")? as u64;
        self.sigma = state.number("cma.sigma")?;
        // Before the first step there is no population yet.
        let count = if self.t == 0 { 0 } else { count };
        let column = |values: Vec<f64>| Col::from_fn(count, |i| values[i]);
        self.path_of_sigma = column(state.vector("cma.path-of-sigma", count)?);
        self.path = column(state.vector("cma.path", count)?);
        let values = state.vector("cma.covariance", count * count)?;
        self.covariance = Mat::from_fn(count, count, |row, column| values[column * count + row]);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::attack::optimiser::Evaluation;
    use crate::seed::Seed;

    fn turn(step: u64) -> Turn {
        Turn { lr: 1.0, left: 1.0, draw: Seed(3).stream("steps", &[step]) }
    }

    /// An ellipse whose axes differ by 1,000, turned: its gradient is never told.
    fn ellipse(z: &[f64]) -> Evaluation {
        let n = z.len();
        let matching = (0..n)
            .map(|i| {
                let along = (z[i] + z[(i + 1) % n]) - 2.0;
                1000f64.powf(i as f64 / (n as f64 - 1.0)) * along * along
            })
            .sum();
        Evaluation { matching, prior: 0.0, gradient: Vec::new() }
    }

    fn walk(optimiser: &mut CmaEs, z: &mut Vec<f64>, steps: std::ops::Range<u64>) {
        for step in steps {
            optimiser.step(z, &mut turn(step), &mut ellipse);
        }
    }

    #[test]
    fn it_finds_the_bottom_of_an_ellipse_from_values_alone() {
        let mut optimiser = CmaEs::new(0.5, None);
        let mut z = vec![3.0; 5];
        walk(&mut optimiser, &mut z, 0..400);
        assert!(ellipse(&z).matching < 1e-10, "{z:?}");
        assert_eq!(CmaEs::members(None, 5), 8);
    }

    #[test]
    fn it_goes_on_from_a_checkpoint_bit_for_bit() {
        let (mut straight, mut z) = (CmaEs::new(0.5, Some(12)), vec![3.0; 5]);
        walk(&mut straight, &mut z, 0..20);
        let (mut before, mut z_resumed) = (CmaEs::new(0.5, Some(12)), vec![3.0; 5]);
        walk(&mut before, &mut z_resumed, 0..9);
        let mut state = State::default();
        before.save(&mut state);
        let mut resumed = CmaEs::new(0.5, Some(12));
        resumed.load(&state, 5).unwrap();
        walk(&mut resumed, &mut z_resumed, 9..20);
        assert_eq!(z, z_resumed);
    }

    #[test]
    fn a_loss_that_is_not_finite_loses() {
        let mut optimiser = CmaEs::new(1.0, None);
        let mut z = vec![0.0; 4];
        let mut half = |z: &[f64]| Evaluation {
            matching: if z[0] < 0.0 { f64::NAN } else { z[0] },
            prior: 0.0,
            gradient: Vec::new(),
        };
        for step in 0..5 {
            optimiser.step(&mut z, &mut turn(step), &mut half);
        }
        assert!(z.iter().all(|z| z.is_finite()) && z[0] > -0.5, "{z:?}");
    }
}
