//! One step of local training as PyTorch takes it, and the way back through it.

use super::adam;
use super::descent::Descent;
use super::parameters::Parameters;

/// How a step is made of a gradient.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Optimiser {
    /// m <- beta m + (1 - dampening) g, in the first step m <- g; theta <- theta - eta m, or, with Nesterov's momentum,
    /// theta - eta (g + beta m).
    Sgd {
        /// beta, 0 or more.
        momentum: f64,
        /// Of the gradient that joins m.
        dampening: f64,
        /// Nesterov's momentum.
        nesterov: bool,
    },
    /// Adam with bias correction (Kingma and Ba 2015).
    Adam {
        /// Decay of the two moments, in [0, 1).
        betas: [f64; 2],
        /// Added to the root of the second moment, above 0.
        epsilon: f64,
        /// Weight decay shrinks theta instead of joining the gradient: AdamW (Loshchilov and Hutter 2019).
        decoupled: bool,
    },
}

/// A bound on the norm of the gradient of all parameters: g min(1, S / (|g| + epsilon)).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Clip {
    /// S, above 0.
    pub norm: f64,
    /// Keeps the factor finite.
    pub epsilon: f64,
}

/// What an optimiser remembers between steps.
#[derive(Debug, Clone, Default)]
pub struct Memory {
    /// m; absent while it is 0.
    first: Option<Parameters>,
    /// Adam's second moment; absent while it is 0.
    second: Option<Parameters>,
    /// Steps taken.
    steps: usize,
}

/// Where a descent stands in front of a step.
#[derive(Debug, Clone)]
pub(super) struct State {
    pub theta: Parameters,
    pub memory: Memory,
}

/// The gradient of what follows a step to the state after it.
#[derive(Debug, Clone)]
pub(super) struct Adjoint {
    theta: Parameters,
    first: Option<Parameters>,
    second: Option<Parameters>,
}

/// The way back through one step as far as its gradient; the Hessian is still to come.
#[derive(Debug)]
pub(super) struct StepBack {
    /// To the gradient that the step was made of: the direction of the Hessian product.
    pub to_gradient: Parameters,
    /// To the same once clipped and decayed.
    to_decayed: Parameters,
    /// To the state after the step.
    theta: Parameters,
    /// To m and Adam's second moment after the step.
    first: Option<Parameters>,
    second: Option<Parameters>,
}

impl Optimiser {
    /// SGD.
    pub fn sgd(momentum: f64) -> Optimiser {
        Optimiser::Sgd { momentum, dampening: 0.0, nesterov: false }
    }

    /// Copies of the parameters that stand in a state, theta among them.
    pub(super) fn copies(self) -> u64 {
        match self {
            Optimiser::Sgd { momentum: 0.0, .. } => 1,
            Optimiser::Sgd { .. } => 2,
            Optimiser::Adam { .. } => 3,
        }
    }

    fn is_decoupled(self) -> bool {
        matches!(self, Optimiser::Adam { decoupled: true, .. })
    }
}

impl Clip {
    /// As `torch.nn.utils.clip_grad_norm_`.
    pub fn pytorch(norm: f64) -> Clip {
        Clip { norm, epsilon: 1e-6 }
    }

    /// What a gradient of this norm is multiplied by.
    fn factor(self, norm: f64) -> f64 {
        (self.norm / (norm + self.epsilon)).min(1.0)
    }
}

impl State {
    /// In front of the first step.
    pub(super) fn at(theta: Parameters) -> State {
        State { theta, memory: Memory::default() }
    }
}

impl Adjoint {
    /// Of a function of the parameters alone.
    pub(super) fn of(theta: Parameters) -> Adjoint {
        Adjoint { theta, first: None, second: None }
    }
}

impl Descent {
    /// Whether the way back through a step asks for its gradient: it does where the step is not linear in it.
    pub fn reads_gradient(&self) -> bool {
        self.clip.is_some() || matches!(self.optimiser, Optimiser::Adam { .. })
    }

    /// Weight decay that joins the gradient.
    fn coupled_decay(&self) -> f64 {
        if self.optimiser.is_decoupled() { 0.0 } else { self.weight_decay }
    }

    /// What decoupled weight decay leaves of theta in a step.
    fn shrinking(&self) -> f64 {
        if self.optimiser.is_decoupled() { 1.0 - self.learning_rate * self.weight_decay } else { 1.0 }
    }

    /// FedProx: g + mu (theta - theta_0).
    fn pulled(&self, g: Parameters, theta: &Parameters, origin: &Parameters) -> Parameters {
        if self.proximal > 0.0 {
            g.combine(1.0, &theta.clone().combine(1.0, origin, -1.0), self.proximal)
        } else {
            g
        }
    }

    fn clipped(&self, g: Parameters) -> Parameters {
        match self.clip.map(|clip| clip.factor(g.norm())) {
            Some(factor) if factor < 1.0 => g.scaled(factor),
            _ => g,
        }
    }

    fn decayed(&self, g: Parameters, theta: &Parameters) -> Parameters {
        let decay = self.coupled_decay();
        if decay > 0.0 { g.combine(1.0, theta, decay) } else { g }
    }

    /// The state after a step with the gradient g, of a descent that began at `origin`.
    pub(super) fn next(&self, state: &State, g: Parameters, origin: &Parameters) -> State {
        let g = self.pulled(g, &state.theta, origin);
        let g = self.decayed(self.clipped(g), &state.theta);
        let steps = state.memory.steps + 1;
        match self.optimiser {
            Optimiser::Sgd { momentum, dampening, nesterov } => {
                let own = nesterov.then(|| g.clone());
                let m = match &state.memory.first {
                    Some(m) => g.combine(1.0 - dampening, m, momentum),
                    None => g,
                };
                let direction = own.map_or_else(|| m.clone(), |own| own.combine(1.0, &m, momentum));
                let theta = state.theta.clone().combine(1.0, &direction, -self.learning_rate);
                drop(direction);
                State { theta, memory: Memory { first: (momentum > 0.0).then_some(m), second: None, steps } }
            }
            Optimiser::Adam { .. } => {
                let [theta, first, second] = self.adam(steps).step(&state.theta, moments(state), &g);
                State { theta, memory: Memory { first: Some(first), second: Some(second), steps } }
            }
        }
    }

    /// From the state after a step to its gradient, given the state before it and, where [`Descent::reads_gradient`],
    /// that gradient.
    pub(super) fn back(
        &self,
        state: &State,
        g: Option<Parameters>,
        origin: &Parameters,
        after: Adjoint,
    ) -> StepBack {
        let g = g.map(|g| self.pulled(g, &state.theta, origin));
        let Adjoint { theta, first, second } = after;
        let (to_decayed, first, second) = match (self.optimiser, &g) {
            (Optimiser::Adam { .. }, Some(g)) => {
                let g = self.decayed(self.clipped(g.clone()), &state.theta);
                let adam = self.adam(state.memory.steps + 1);
                let [to_decayed, first, second] =
                    adam.back(moments(state), &g, &theta, [first.as_ref(), second.as_ref()]);
                (to_decayed, Some(first), Some(second))
            }
            (Optimiser::Sgd { momentum, dampening, nesterov }, _) => {
                let through_m = self.learning_rate * if nesterov { momentum } else { 1.0 };
                let to_m = match first {
                    Some(first) => first.combine(1.0, &theta, -through_m),
                    None => theta.clone().scaled(-through_m),
                };
                let joins = if state.memory.first.is_some() { 1.0 - dampening } else { 1.0 };
                let to_decayed = match (nesterov, joins) {
                    (true, joins) => to_m.clone().combine(joins, &theta, -self.learning_rate),
                    (false, 1.0) => to_m.clone(),
                    (false, joins) => to_m.clone().scaled(joins),
                };
                (to_decayed, (momentum > 0.0).then_some(to_m), None)
            }
            (Optimiser::Adam { .. }, None) => unreachable!("Adam's way back is given the gradient"),
        };
        let to_gradient = match (self.clip, &g) {
            (Some(clip), Some(g)) => clip.back(g, to_decayed.clone()),
            _ => to_decayed.clone(),
        };
        StepBack { to_gradient, to_decayed, theta, first, second }
    }

    /// The adjoint of the state before a step, given the Hessian's product with [`StepBack::to_gradient`], if it is not 0.
    pub(super) fn before(&self, back: StepBack, hessian: Option<Parameters>) -> Adjoint {
        let StepBack { to_gradient, to_decayed, theta, first, second } = back;
        let mut theta = match hessian {
            Some(hessian) => theta.combine(self.shrinking(), &hessian, 1.0),
            None => theta.scaled(self.shrinking()),
        };
        let decay = self.coupled_decay();
        if decay > 0.0 {
            theta = theta.combine(1.0, &to_decayed, decay);
        }
        if self.proximal > 0.0 {
            theta = theta.combine(1.0, &to_gradient, self.proximal);
        }
        // The moments take their memory.
        drop((to_gradient, to_decayed));
        let [of_first, of_second] = match self.optimiser {
            Optimiser::Sgd { momentum, .. } => [momentum, 0.0],
            Optimiser::Adam { betas, .. } => betas,
        };
        let [first, second] =
            [(first, of_first), (second, of_second)].map(|(to, beta)| to.map(|to| to.scaled(beta)));
        Adjoint { theta, first, second }
    }

    fn adam(&self, step: usize) -> adam::Step {
        let Optimiser::Adam { betas, epsilon, .. } = self.optimiser else {
            unreachable!("asked of Adam alone")
        };
        adam::Step::new(betas, epsilon, self.learning_rate, self.shrinking(), step)
    }
}

impl Clip {
    /// The adjoint of a gradient, given that of the clipped one.
    fn back(self, g: &Parameters, to_clipped: Parameters) -> Parameters {
        let norm = g.norm();
        let factor = self.factor(norm);
        if factor < 1.0 {
            // d factor / d norm = -factor / (norm + epsilon), d norm / dg = g / norm.
            let along = to_clipped.dot(g) / norm;
            to_clipped.combine(factor, g, -factor / (norm + self.epsilon) * along)
        } else {
            to_clipped
        }
    }
}

/// Adam's moments before a step.
fn moments(state: &State) -> [Option<&Parameters>; 2] {
    [state.memory.first.as_ref(), state.memory.second.as_ref()]
}
