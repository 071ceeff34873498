//! Adam's arithmetic, element by element: in 64 bit in the computer's memory, in the width of the tensors on a device.
//!
//! ```text
//! m' = b1 m + (1 - b1) g,  v' = b2 v + (1 - b2) g^2,  theta' = s theta - eta m' / (c1 r),  r = sqrt(v') / c2 + eps
//! ```
//!
//! with c1 = 1 - b1^k, c2 = sqrt(1 - b2^k) in the k-th step, and s = 1 but for decoupled weight decay.

use crate::backend::Vector;

use super::parameters::Parameters;

/// The k-th step.
#[derive(Debug, Clone, Copy)]
pub struct Step {
    b1: f64,
    b2: f64,
    epsilon: f64,
    eta: f64,
    shrinking: f64,
    c1: f64,
    c2: f64,
}

impl Step {
    /// The k-th step, k = 1, 2, ...
    pub fn new(betas: [f64; 2], epsilon: f64, learning_rate: f64, shrinking: f64, k: usize) -> Step {
        let [b1, b2] = betas;
        let power = |beta: f64| beta.powi(i32::try_from(k).unwrap_or(i32::MAX));
        let (c1, c2) = (1.0 - power(b1), (1.0 - power(b2)).sqrt());
        Step { b1, b2, epsilon, eta: learning_rate, shrinking, c1, c2 }
    }

    /// theta and the moments after the step; moments that are absent are 0.
    pub fn step(
        self,
        theta: &Parameters,
        moments: [Option<&Parameters>; 2],
        g: &Parameters,
    ) -> [Parameters; 3] {
        let Step { b1, b2, epsilon, eta, shrinking, c1, c2 } = self;
        let zeros = zeros_beside(theta, &moments);
        let [m, v] = moments.map(|moment| moment.unwrap_or(&zeros));
        Parameters::map(
            [theta, m, v, g],
            |[theta, m, v, g]| {
                let (m, v) = (b1 * m + (1.0 - b1) * g, b2 * v + (1.0 - b2) * g * g);
                let step = m / (c1 * (v.sqrt() / c2 + epsilon));
                [shrinking * theta - eta * step, m, v]
            },
            |[theta, m, v, g]| {
                let (m, v) = self.moments_there(m, v, g);
                let step = m.clone() / self.root_there(&v).mul_scalar(c1);
                [theta.clone().mul_scalar(shrinking) - step.mul_scalar(eta), m, v]
            },
        )
    }

    /// From the adjoints of theta and the moments after the step to those of g and of the moments after the step with
    /// all that they do; adjoints that are absent are 0. The derivative of the root of v is taken as 0 where v is 0.
    pub fn back(
        self,
        moments: [Option<&Parameters>; 2],
        g: &Parameters,
        to_theta: &Parameters,
        to_moments: [Option<&Parameters>; 2],
    ) -> [Parameters; 3] {
        let Step { b1, b2, epsilon, eta, c1, c2, .. } = self;
        let [m, v] = moments;
        let [to_m, to_v] = to_moments;
        let zeros = zeros_beside(g, &[m, v, to_m, to_v]);
        let [m, v, to_m, to_v] = [m, v, to_m, to_v].map(|values| values.unwrap_or(&zeros));
        Parameters::map(
            [to_theta, to_m, to_v, m, v, g],
            |[to_theta, to_m, to_v, m, v, g]| {
                let (m, v) = (b1 * m + (1.0 - b1) * g, b2 * v + (1.0 - b2) * g * g);
                let (root, to_step) = (v.sqrt(), -eta * to_theta);
                let r = root / c2 + epsilon;
                let to_m = to_m + to_step / (c1 * r);
                let through_root =
                    if v > 0.0 { -to_step * m / (c1 * r * r) / (2.0 * c2 * root) } else { 0.0 };
                let to_v = to_v + through_root;
                [(1.0 - b1) * to_m + 2.0 * (1.0 - b2) * g * to_v, to_m, to_v]
            },
            |[to_theta, to_m, to_v, m, v, g]| {
                let (m, v) = self.moments_there(m, v, g);
                let r = self.root_there(&v);
                let to_step = to_theta.clone().mul_scalar(-eta);
                let to_m = to_m.clone() + to_step.clone() / r.clone().mul_scalar(c1);
                let through_root =
                    to_step * m / (r.clone() * r).mul_scalar(-c1) / v.clone().sqrt().mul_scalar(2.0 * c2);
                let to_v = to_v.clone() + through_root.mask_fill(v.equal_elem(0.0), 0.0);
                let through_v = g.clone() * to_v.clone().mul_scalar(2.0 * (1.0 - b2));
                [to_m.clone().mul_scalar(1.0 - b1) + through_v, to_m, to_v]
            },
        )
    }

    fn moments_there(self, m: &Vector, v: &Vector, g: &Vector) -> (Vector, Vector) {
        let Step { b1, b2, .. } = self;
        let m = m.clone().mul_scalar(b1) + g.clone().mul_scalar(1.0 - b1);
        let v = v.clone().mul_scalar(b2) + (g.clone() * g.clone()).mul_scalar(1.0 - b2);
        (m, v)
    }

    /// r.
    fn root_there(self, v: &Vector) -> Vector {
        v.clone().sqrt().mul_scalar(1.0 / self.c2).add_scalar(self.epsilon)
    }
}

/// Zeros like the parameters if some of these are absent.
fn zeros_beside(like: &Parameters, given: &[Option<&Parameters>]) -> Parameters {
    if given.iter().all(Option::is_some) { like.clone() } else { like.clone().scaled(0.0) }
}
