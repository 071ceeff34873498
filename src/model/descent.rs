//! Local training: K steps of SGD, and the exact gradient through them.

use burn::tensor::{Int, Tensor, TensorData};

use crate::backend::{self, Plain};
use crate::config::BatchNormMode;

use super::gradient::{Model, Targets};
use super::parameters::Parameters;

/// Parameters and momenta of all steps may take so many bytes; beyond that only some are kept and the others are
/// computed again.
const KEPT_BYTES: u64 = 1 << 30;

/// K steps of SGD as PyTorch takes them: m <- beta m + g + lambda theta, theta <- theta - eta m, with m = 0 before.
#[derive(Debug, Clone, PartialEq)]
pub struct Descent {
    /// eta, above 0.
    pub learning_rate: f64,
    /// beta, 0 or more.
    pub momentum: f64,
    /// lambda, 0 or more.
    pub weight_decay: f64,
    /// Samples of each step, by their position in the batch.
    pub steps: Vec<Vec<usize>>,
}

/// Gradient of `<theta_K - theta_0, v>` with `v` held fixed.
#[derive(Debug, Clone)]
pub struct ThroughSteps {
    /// To the pixels, row-major `[batch, channels, height, width]`.
    pub to_input: Vec<f64>,
    /// To the label logits, row-major `[batch, classes]`, for soft targets.
    pub to_labels: Option<Vec<f64>>,
}

/// The states of a descent that were kept for the way back.
#[derive(Debug, Clone)]
pub struct Trace {
    kept: Vec<State>,
    keep_every: usize,
    /// theta_K.
    pub end: Parameters,
}

/// Where a descent stands in front of a step.
#[derive(Debug, Clone)]
struct State {
    theta: Parameters,
    /// m; absent while it is 0 or beta is.
    momentum: Option<Parameters>,
}

impl Descent {
    /// K.
    pub fn len(&self) -> usize {
        self.steps.len()
    }

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// Steps between two states that are kept, for parameters of so many bytes: 1 while all states fit, else about the
    /// square root of K.
    pub fn keep_every(&self, parameters: u64) -> usize {
        let all = self.len() as u64 * self.state_bytes(parameters);
        if all <= KEPT_BYTES { 1 } else { self.len().isqrt().max(1) }
    }

    /// Bytes of the states that live at once on the way back: those kept, and those computed again between two.
    pub fn bytes(&self, parameters: u64) -> u64 {
        let every = self.keep_every(parameters);
        (self.len().div_ceil(every) + every - 1) as u64 * self.state_bytes(parameters)
    }

    fn state_bytes(&self, parameters: u64) -> u64 {
        if self.momentum > 0.0 { 2 * parameters } else { parameters }
    }
}

impl Model {
    /// theta_K, with the running statistics that the steps leave behind in train mode.
    ///
    /// `x` is normalised, `[batch, channels, height, width]`.
    pub fn descend(
        &self,
        mode: BatchNormMode,
        x: &Tensor<Plain, 4>,
        targets: &Targets,
        descent: &Descent,
    ) -> Model {
        self.descend_from(None, mode, x, targets, descent).0
    }

    /// As [`Model::descend`], going on with the momentum of steps before; also returns that after the steps.
    pub fn descend_from(
        &self,
        momentum: Option<Parameters>,
        mode: BatchNormMode,
        x: &Tensor<Plain, 4>,
        targets: &Targets,
        descent: &Descent,
    ) -> (Model, Option<Parameters>) {
        let mut state = State { theta: self.parameters.clone(), momentum };
        let mut buffers = self.buffers.clone();
        for samples in &descent.steps {
            let model = Model { net: self.net.clone(), parameters: state.theta.clone(), buffers };
            let (x, targets) = (rows(x, samples), targets.rows(samples));
            let (_, g, observed) = model.gradient_and_statistics(mode, &x, &targets);
            buffers = observed;
            state = state.step(g, descent);
        }
        (Model { net: self.net.clone(), parameters: state.theta, buffers }, state.momentum)
    }

    /// theta_K, and the states of every `keep_every`-th step for [`Model::descend_through`].
    pub fn trace(
        &self,
        mode: BatchNormMode,
        x: &Tensor<Plain, 4>,
        targets: &Targets,
        descent: &Descent,
        keep_every: usize,
    ) -> Trace {
        let keep_every = keep_every.max(1);
        let mut state = State { theta: self.parameters.clone(), momentum: None };
        let mut kept = Vec::with_capacity(descent.len().div_ceil(keep_every));
        for k in 0..descent.len() {
            if k.is_multiple_of(keep_every) {
                kept.push(state.clone());
            }
            state = self.step(mode, x, targets, descent, &state, k);
        }
        Trace { kept, keep_every, end: state.theta }
    }

    fn step(
        &self,
        mode: BatchNormMode,
        x: &Tensor<Plain, 4>,
        targets: &Targets,
        descent: &Descent,
        state: &State,
        k: usize,
    ) -> State {
        let samples = &descent.steps[k];
        let (_, g) = self.at(state.theta.clone()).gradient(mode, &rows(x, samples), &targets.rows(samples));
        state.step(g, descent)
    }

    /// The gradient of `<theta_K - theta_0, v>` to the input (and to soft labels) by the reverse recursion
    ///
    /// ```text
    /// lambda = v, mu = 0;  for k = K-1 .. 0:  mu <- mu - eta lambda
    ///     grad_x += d<g_k, mu>/dx;  lambda <- lambda + H_k mu + wd mu;  mu <- beta mu
    /// ```
    ///
    /// in which each `d<g_k, mu>/dx` and `H_k mu` come from one dual pass. States that the trace did not keep are
    /// computed again.
    pub fn descend_through(
        &self,
        mode: BatchNormMode,
        x: &Tensor<Plain, 4>,
        targets: &Targets,
        descent: &Descent,
        trace: &Trace,
        v: &Parameters,
    ) -> ThroughSteps {
        let [_, channels, height, width] = x.dims();
        let (pixels, classes) = (channels * height * width, self.net.classes());
        let mut to_input = vec![0.0; x.dims()[0] * pixels];
        let mut to_labels = matches!(targets, Targets::Soft(_)).then(|| vec![0.0; x.dims()[0] * classes]);
        let mut lambda = v.clone();
        let mut mu: Option<Parameters> = None;
        for (segment, first) in trace.kept.iter().enumerate().rev() {
            let begin = segment * trace.keep_every;
            let end = (begin + trace.keep_every).min(descent.len());
            let mut states = vec![first.clone()];
            for k in begin..end - 1 {
                states.push(self.step(mode, x, targets, descent, &states[k - begin], k));
            }
            for k in (begin..end).rev() {
                let samples = &descent.steps[k];
                let eta = descent.learning_rate;
                let direction = match mu {
                    Some(mu) => mu.combine(1.0, &lambda, -eta),
                    None => lambda.clone().scaled(-eta),
                };
                let model = self.at(states[k - begin].theta.clone());
                let (x, targets) = (rows(x, samples), targets.rows(samples));
                let through = model.directional(mode, &x, &targets, &direction, k > 0);
                add_rows(&mut to_input, samples, pixels, &backend::values(&through.to_input));
                if let (Some(sum), Some(part)) = (&mut to_labels, through.to_labels) {
                    add_rows(sum, samples, classes, &backend::values(&part));
                }
                if let Some(hessian) = through.to_parameters {
                    lambda = lambda.combine(1.0, &hessian, 1.0);
                    if descent.weight_decay > 0.0 {
                        lambda = lambda.combine(1.0, &direction, descent.weight_decay);
                    }
                }
                mu = (descent.momentum > 0.0).then(|| direction.scaled(descent.momentum));
            }
        }
        ThroughSteps { to_input, to_labels }
    }

    /// This model with other parameters.
    pub fn at(&self, parameters: Parameters) -> Model {
        Model { net: self.net.clone(), parameters, buffers: self.buffers.clone() }
    }
}

impl State {
    fn step(&self, g: Parameters, descent: &Descent) -> State {
        let mut direction = g;
        if descent.weight_decay > 0.0 {
            direction = direction.combine(1.0, &self.theta, descent.weight_decay);
        }
        if let Some(momentum) = &self.momentum {
            direction = direction.combine(1.0, momentum, descent.momentum);
        }
        let theta = self.theta.clone().combine(1.0, &direction, -descent.learning_rate);
        State { theta, momentum: (descent.momentum > 0.0).then_some(direction) }
    }
}

impl Targets {
    /// Those of some samples.
    pub fn rows(&self, samples: &[usize]) -> Targets {
        match self {
            Targets::Hard(t) => Targets::Hard(rows(t, samples)),
            Targets::Soft(u) => Targets::Soft(rows(u, samples)),
        }
    }
}

/// Some rows of a batch, in this order; the batch itself where they are all of it.
pub fn rows<const D: usize>(batch: &Tensor<Plain, D>, samples: &[usize]) -> Tensor<Plain, D> {
    if samples.iter().copied().eq(0..batch.dims()[0]) {
        return batch.clone();
    }
    let indices: Vec<i64> = samples.iter().map(|&sample| sample as i64).collect();
    let indices = TensorData::new(indices, [samples.len()]);
    let indices: Tensor<Plain, 1, Int> = Tensor::from_data(indices, &batch.device());
    batch.clone().select(0, indices)
}

fn add_rows(sum: &mut [f64], samples: &[usize], width: usize, part: &[f64]) {
    for (&sample, row) in samples.iter().zip(part.chunks(width)) {
        let target = &mut sum[sample * width..(sample + 1) * width];
        target.iter_mut().zip(row).for_each(|(sum, value)| *sum += value);
    }
}

#[cfg(test)]
#[path = "descent_tests.rs"]
mod tests;
