//! Local training: K steps of a client's optimiser, and the exact gradient through them.

use burn::tensor::{Int, Tensor, TensorData};

use crate::backend::{self, Plain, Vector};
use crate::config::{BatchNormMode, LocalOptimiser, LocalTraining};

use super::gradient::{Model, Targets};
use super::optimiser::{Adjoint, Clip, Memory, Optimiser, State};
use super::parameters::Parameters;

/// Parameters and moments of all steps may take so many bytes; beyond that only some are kept and the others are
/// computed again.
const KEPT_BYTES: u64 = 1 << 30;

/// K steps of local training as PyTorch takes them: a step accumulates gradients of micro-batches, adds FedProx's pull,
/// clips, and leaves the rest to the optimiser, weight decay first.
#[derive(Debug, Clone, PartialEq)]
pub struct Descent {
    /// eta, above 0.
    pub learning_rate: f64,
    /// What makes a step of a gradient.
    pub optimiser: Optimiser,
    /// lambda, 0 or more.
    pub weight_decay: f64,
    /// FedProx's mu, 0 or more: mu (theta - theta_0) joins the gradient (Li et al. 2020).
    pub proximal: f64,
    /// Bound on the norm of the gradient.
    pub clip: Option<Clip>,
    /// The steps in their order.
    pub steps: Vec<Step>,
}

/// What one step computes on.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// Samples of each micro-batch, by their position in the batch; BatchNorm sees one of them at a time.
    pub micro_batches: Vec<Vec<usize>>,
    /// Factor on the sum of their mean gradients.
    pub weight: f64,
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

impl Step {
    /// One gradient of these samples.
    pub fn of(samples: Vec<usize>) -> Step {
        Step { micro_batches: vec![samples], weight: 1.0 }
    }

    /// The mean of the micro-batches' mean gradients.
    pub fn mean(micro_batches: Vec<Vec<usize>>) -> Step {
        let weight = 1.0 / micro_batches.len() as f64;
        Step { micro_batches, weight }
    }

    /// Their sum: of a client who does not divide the loss by the number of micro-batches.
    pub fn sum(micro_batches: Vec<Vec<usize>>) -> Step {
        Step { micro_batches, weight: 1.0 }
    }

    /// The gradient of the step at theta, given that of each micro-batch.
    fn gradient(&self, theta: &Parameters, of: impl FnMut(&Vec<usize>) -> Parameters) -> Parameters {
        let sum = self.micro_batches.iter().map(of).reduce(|sum, g| sum.combine(1.0, &g, 1.0));
        let sum = sum.unwrap_or_else(|| theta.clone().scaled(0.0));
        if self.weight == 1.0 { sum } else { sum.scaled(self.weight) }
    }
}

impl Descent {
    /// Plain SGD.
    pub fn sgd(learning_rate: f64, steps: Vec<Step>) -> Descent {
        let optimiser = Optimiser::sgd(0.0);
        Descent { learning_rate, optimiser, weight_decay: 0.0, proximal: 0.0, clip: None, steps }
    }

    /// These steps, taken as local training says.
    pub fn of(local: &LocalTraining, steps: Vec<Step>) -> Descent {
        let adam = |decoupled| Optimiser::Adam { betas: local.betas(), epsilon: local.eps(), decoupled };
        let LocalTraining { momentum, dampening, nesterov, .. } = *local;
        Descent {
            learning_rate: local.learning_rate,
            optimiser: match local.optimiser {
                LocalOptimiser::Sgd => Optimiser::Sgd { momentum, dampening, nesterov },
                LocalOptimiser::Adam => adam(false),
                LocalOptimiser::AdamW => adam(true),
            },
            weight_decay: local.decay(),
            proximal: local.proximal,
            clip: local.clip.map(Clip::pytorch),
            steps,
        }
    }

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
        self.optimiser.copies() * parameters
    }
}

/// A gradient, with loss and running statistics: [`Model::gradient_and_statistics`] or [`Model::gradient_of_client`].
type Gradient = fn(&Model, BatchNormMode, &Tensor<Plain, 4>, &Targets) -> (Vector, Parameters, Parameters);

impl Model {
    /// theta_K as a client finds it ([`Model::gradient_of_client`]), with the running statistics that the steps leave behind in
    /// train mode.
    ///
    /// `x` is normalised, `[batch, channels, height, width]`.
    pub fn descend(
        &self,
        mode: BatchNormMode,
        x: &Tensor<Plain, 4>,
        targets: &Targets,
        descent: &Descent,
    ) -> Model {
        self.steps(Memory::default(), mode, x, targets, descent, Model::gradient_of_client).0
    }

    /// The same for training, in the width of the tensors, going on with what the optimiser remembers of steps before; also
    /// returns what it remembers after the steps.
    pub fn descend_from(
        &self,
        memory: Memory,
        mode: BatchNormMode,
        x: &Tensor<Plain, 4>,
        targets: &Targets,
        descent: &Descent,
    ) -> (Model, Memory) {
        self.steps(memory, mode, x, targets, descent, Model::gradient_and_statistics)
    }

    fn steps(
        &self,
        memory: Memory,
        mode: BatchNormMode,
        x: &Tensor<Plain, 4>,
        targets: &Targets,
        descent: &Descent,
        gradient: Gradient,
    ) -> (Model, Memory) {
        let mut state = State { theta: self.parameters.clone(), memory };
        let mut buffers = self.buffers.clone();
        for step in &descent.steps {
            let g = step.gradient(&state.theta, |samples| {
                let model = Model { buffers: buffers.clone(), ..self.at(state.theta.clone()) };
                let (_, g, observed) = gradient(&model, mode, &rows(x, samples), &targets.rows(samples));
                buffers = observed;
                g
            });
            state = self.frozen(descent.next(&state, g, &self.parameters));
        }
        (Model { net: self.net.clone(), parameters: state.theta, buffers }, state.memory)
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
        let mut state = State::at(self.parameters.clone());
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
        let model = self.at(state.theta.clone());
        let g = descent.steps[k].gradient(&state.theta, |samples| {
            model.gradient(mode, &rows(x, samples), &targets.rows(samples)).1
        });
        self.frozen(descent.next(state, g, &self.parameters))
    }

    /// Weight decay must not move what is frozen.
    fn frozen(&self, state: State) -> State {
        State { theta: state.theta.with(self.net.frozen(), &self.parameters), ..state }
    }

    /// The gradient of `<theta_K - theta_0, v>` to the input (and to soft labels) by the reverse recursion, for SGD
    ///
    /// ```text
    /// lambda = v, mu = 0;  for k = K-1 .. 0:  mu <- mu - eta lambda
    ///     grad_x += d<g_k, mu>/dx;  lambda <- lambda + H_k mu + wd mu;  mu <- beta mu
    /// ```
    ///
    /// in which each `d<g_k, mu>/dx` and `H_k mu` come from one dual pass for each micro-batch. What else a step does to
    /// its gradient is differentiated in [`super::optimiser`]. States that the trace did not keep are computed again.
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
        let part = |samples: &Vec<usize>| (rows(x, samples), targets.rows(samples));
        let mut adjoint = Adjoint::of(v.clone());
        'steps: for (segment, first) in trace.kept.iter().enumerate().rev() {
            let begin = segment * trace.keep_every;
            let end = (begin + trace.keep_every).min(descent.len());
            let mut states = vec![first.clone()];
            for k in begin..end - 1 {
                states.push(self.step(mode, x, targets, descent, &states[k - begin], k));
            }
            for k in (begin..end).rev() {
                let (step, state) = (&descent.steps[k], &states[k - begin]);
                let model = self.at(state.theta.clone());
                let mut kept = Vec::new();
                let g = descent.reads_gradient().then(|| {
                    step.gradient(&state.theta, |samples| {
                        let (x, targets) = part(samples);
                        let first = model.first_pass(mode, &x, &targets);
                        kept.push(first.kept);
                        first.gradient
                    })
                });
                let back = descent.back(state, g, &self.parameters, adjoint);
                let direction = match step.weight {
                    1.0 => back.to_gradient.clone(),
                    weight => back.to_gradient.clone().scaled(weight),
                };
                let mut hessian: Option<Parameters> = None;
                for (i, samples) in step.micro_batches.iter().enumerate() {
                    let (x, targets) = part(samples);
                    let through = match kept.get(i) {
                        Some(kept) => model.directional_after(kept, mode, &x, &targets, &direction, k > 0),
                        None => model.directional(mode, &x, &targets, &direction, k > 0),
                    };
                    add_rows(&mut to_input, samples, pixels, &backend::values(&through.to_input));
                    if let (Some(sum), Some(part)) = (&mut to_labels, through.to_labels) {
                        add_rows(sum, samples, classes, &backend::values(&part));
                    }
                    hessian = match (hessian, through.to_parameters) {
                        (Some(sum), Some(own)) => Some(sum.combine(1.0, &own, 1.0)),
                        (sum, own) => sum.or(own),
                    };
                }
                if k == 0 {
                    break 'steps;
                }
                drop(direction);
                adjoint = descent.before(back, hessian);
            }
        }
        ThroughSteps { to_input, to_labels }
    }

    /// This model with other parameters.
    pub fn at(&self, parameters: Parameters) -> Model {
        Model { net: self.net.clone(), parameters, buffers: self.buffers.clone() }
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
