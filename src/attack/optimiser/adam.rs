//! Adam (Kingma & Ba 2015), plain or on the sign of the gradient (Geiping et al. 2020).

use super::{Objective, Optimiser, Step, Turn};
use crate::attack::state::{State, StateError};
use crate::config::{OptimiserConfig, Sign};
use crate::seed;

const BETA_1: f64 = 0.9;
const BETA_2: f64 = 0.999;
const EPSILON: f64 = 1e-8;

/// How far up the slope the second gradient is taken, where one is; ours, as Zhao, Zhang, Hu 2022 have it for networks.
const REACH: f64 = 0.05;

/// Adam(0.9, 0.999, 1e-8).
#[derive(Debug, Clone, Default)]
pub struct Adam {
    signed: Sign,
    /// Deviation of what is added to every gradient, in step sizes.
    langevin: f64,
    /// Share of the gradient that is taken at a point further up.
    ahead: f64,
    /// Steps taken.
    t: u64,
    /// First moment.
    m: Vec<f64>,
    /// Second moment.
    v: Vec<f64>,
}

impl Adam {
    /// With fresh moments. Of the gradient a share is taken further up its slope, noise is added, and then its sign may be taken,
    /// as the settings say.
    pub fn new(config: &OptimiserConfig) -> Self {
        let OptimiserConfig { signed, langevin, ahead, .. } = *config;
        Adam { signed, langevin, ahead, ..Adam::default() }
    }
}

impl Optimiser for Adam {
    fn step(&mut self, z: &mut Vec<f64>, turn: &mut Turn, objective: &mut dyn Objective) -> Step {
        let mut gradient = objective.evaluate(z).gradient;
        if self.ahead > 0.0 {
            let norm = gradient.iter().map(|g| g * g).sum::<f64>().sqrt().max(f64::MIN_POSITIVE);
            let up: Vec<f64> = z.iter().zip(&gradient).map(|(z, g)| z + REACH * g / norm).collect();
            let further = objective.evaluate(&up).gradient;
            gradient.iter_mut().zip(further).for_each(|(g, up)| *g += self.ahead * (up - *g));
        }
        if self.langevin > 0.0 {
            let noise = seed::normal(&mut turn.draw, gradient.len());
            gradient.iter_mut().zip(noise).for_each(|(g, noise)| *g += self.langevin * turn.lr * noise);
        }
        self.m.resize(z.len(), 0.0);
        self.v.resize(z.len(), 0.0);
        self.t += 1;
        let correction_1 = 1.0 - BETA_1.powi(self.t as i32);
        let correction_2 = (1.0 - BETA_2.powi(self.t as i32)).sqrt();
        for (i, &gradient) in gradient.iter().enumerate() {
            let g = self.signed.of(gradient, turn.left);
            self.m[i] = BETA_1 * self.m[i] + (1.0 - BETA_1) * g;
            self.v[i] = BETA_2 * self.v[i] + (1.0 - BETA_2) * g * g;
            z[i] -= turn.lr / correction_1 * self.m[i] / (self.v[i].sqrt() / correction_2 + EPSILON);
        }
        Step::Moved
    }

    fn save(&self, state: &mut State) {
        state.put_number("adam.t", self.t as f64);
        state.put("adam.m", &self.m);
        state.put("adam.v", &self.v);
    }

    fn load(&mut self, state: &State, count: usize) -> Result<(), StateError> {
        self.t = state.number("adam.t")? as u64;
        // Before the first step there are no moments yet.
        let count = if self.t == 0 { 0 } else { count };
        self.m = state.vector("adam.m", count)?;
        self.v = state.vector("adam.v", count)?;
        Ok(())
    }
}
