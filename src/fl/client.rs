//! What one client does with its samples: one gradient, or local steps.

use std::borrow::Cow;

use burn::tensor::Tensor;
use rand::seq::SliceRandom;

use super::post::Transforms;
use super::protocol::{At, Back};
use super::sent::{Mean, Sent};
use super::{Update, UpdateKind};
use crate::backend::{self, Plain};
use crate::config::{Accumulate, LocalTraining};
use crate::model::{Descent, FirstPass, Model, Parameters, Step, Targets, Trace, rows};

/// The local steps on these samples, epoch by epoch, in their own order or in one drawn from a generator.
pub(super) fn descent<R: rand::Rng>(
    local: LocalTraining,
    samples: &[usize],
    order: impl Fn(u32) -> Option<R>,
) -> Descent {
    let batch = local.batch.map_or(samples.len(), |batch| batch as usize).max(1);
    let accumulated = local.accumulate.batches().max(1) as usize;
    let mut steps = Vec::with_capacity(local.steps(samples.len()));
    for epoch in 0..local.epochs {
        let mut samples = samples.to_vec();
        if let Some(mut generator) = order(epoch) {
            samples.shuffle(&mut generator);
        }
        let batches: Vec<Vec<usize>> = samples.chunks(batch).map(<[usize]>::to_vec).collect();
        steps.extend(batches.chunks(accumulated).map(|batches| match local.accumulate {
            Accumulate::Mean(_) => Step::mean(batches.to_vec()),
            Accumulate::Sum { .. } => Step::sum(batches.to_vec()),
        }));
    }
    Descent::of(&local, steps)
}

/// What one client does.
#[derive(Debug, Clone)]
pub struct Client {
    /// Its samples, by their positions in the batch; their number is its weight in the average.
    pub samples: Vec<usize>,
    /// Samples whose gradient is taken at once, to save memory: the gradient of all is the mean of those of the parts,
    /// unless they share batch statistics. Local steps stay whole.
    pub at_once: usize,
    /// Its local steps; one gradient of all its samples if absent.
    pub descent: Option<Descent>,
    /// What becomes of the gradient of every sample before their mean is taken. It takes samples one by one.
    pub each: Transforms,
    /// What the parameters are times in its passes, where the same for all its samples.
    pub factors: Option<Parameters>,
}

impl Client {
    /// A client that takes all its samples at once.
    pub fn new(samples: Vec<usize>, descent: Option<Descent>) -> Client {
        Client { samples, at_once: usize::MAX, descent, each: Transforms::default(), factors: None }
    }

    /// The same client on a batch that holds its samples alone, in their order, with something done to the gradient of each.
    pub(super) fn alone(&self, each: Transforms) -> Client {
        let place = |sample: &usize| self.samples.iter().position(|own| own == sample);
        let descent = self.descent.clone().map(|mut descent| {
            let batches = descent.steps.iter_mut().flat_map(|step| &mut step.micro_batches);
            batches.for_each(|batch| *batch = batch.iter().filter_map(place).collect());
            descent
        });
        Client { samples: (0..self.samples.len()).collect(), descent, each, ..self.clone() }
    }

    /// What it sends whose samples are each passed through a model with parameters times factors of its own.
    pub(super) fn send_through(&self, candidate: At<'_>, mut factors: impl FnMut() -> Parameters) -> Sent {
        let one_by_one = Client { at_once: 1, ..self.clone() };
        one_by_one.gradient(candidate, |x, targets| {
            let factors = factors();
            let model = times(candidate.model, &factors);
            let (_, g, buffers) = model.gradient_of_client(candidate.mode, x, targets);
            (g.times(&factors), buffers)
        })
    }

    /// What it sends when it is sent the candidate's model.
    pub fn send(&self, candidate: At<'_>) -> Sent {
        let At { model, mode, x, targets } = candidate;
        match &self.descent {
            Some(descent) => {
                let end = model.descend(mode, x, targets, descent);
                let delta = end.parameters.combine(1.0, &model.parameters, -1.0);
                self.sent(UpdateKind::Delta, delta, end.buffers)
            }
            None => self.gradient(candidate, |x, targets| {
                let (_, g, buffers) = model.gradient_of_client(mode, x, targets);
                (g, buffers)
            }),
        }
    }

    /// The same update as an attacker simulates it, with what the way back needs.
    pub fn simulate(&self, candidate: At<'_>) -> (Sent, Option<Trace>) {
        let At { model, mode, x, targets } = candidate;
        match &self.descent {
            Some(descent) => {
                let keep_every = descent.keep_every(model.parameters.bytes());
                let trace = model.trace(mode, x, targets, descent, keep_every);
                let delta = trace.end.clone().combine(1.0, &model.parameters, -1.0);
                (self.sent(UpdateKind::Delta, delta, model.buffers.clone()), Some(trace))
            }
            None => {
                let own = self.own(model);
                let gradient = |x: &Tensor<Plain, 4>, targets: &Targets| {
                    (self.through(own.gradient(mode, x, targets).1), model.buffers.clone())
                };
                (self.gradient(candidate, gradient), None)
            }
        }
    }

    /// Gradient of `<update, v>` with `v` held fixed, added to `back`.
    pub fn back(&self, candidate: At<'_>, trace: Option<&Trace>, v: Parameters, back: &mut Back) {
        let At { model, mode, x, targets } = candidate;
        if let (Some(descent), Some(trace)) = (&self.descent, trace) {
            let through = model.descend_through(mode, x, targets, descent, trace, &v);
            back.add(&through.to_input, through.to_labels.as_deref());
            return;
        }
        let model = &*self.own(model);
        for part in self.parts() {
            let v = v.clone().scaled(self.share(model, part));
            let (own, targets) = (rows(x, part), targets.rows(part));
            let through = match self.each.is_empty() {
                true => model.directional(mode, &own, &targets, &self.through(v), false),
                // Made again: the gradients of all samples side by side could be more than memory holds.
                false => {
                    let FirstPass { gradient, kept, .. } = model.first_pass(mode, &own, &targets);
                    let (_, passed) = self.each.forward(self.through(gradient));
                    let v = self.through(self.each.pull(&passed, v));
                    model.second_pass(&kept, mode, &own, &targets, &v)
                }
            };
            let spread = |values: &Tensor<Plain, 4>| scatter(&backend::values(values), part, x.dims()[0]);
            let labels =
                through.to_labels.map(|labels| scatter(&backend::values(&labels), part, x.dims()[0]));
            back.add(&spread(&through.to_input), labels.as_deref());
        }
    }

    /// Whether its update is one gradient of the whole batch.
    pub fn is_one_gradient(&self, batch: usize) -> bool {
        self.descent.is_none()
            && self.each.is_empty()
            && self.factors.is_none()
            && self.at_once >= batch
            && self.samples.iter().copied().eq(0..batch)
    }

    fn gradient(
        &self,
        candidate: At<'_>,
        mut of: impl FnMut(&Tensor<Plain, 4>, &Targets) -> (Parameters, Parameters),
    ) -> Sent {
        let mut mean = Mean::default();
        for part in self.parts() {
            let (gradient, buffers) = of(&rows(candidate.x, part), &candidate.targets.rows(part));
            let (values, _) = self.each.forward(gradient);
            // The mean below counts a part by its samples, as a mean loss does.
            let counted = part.len() as f64 / self.samples.len() as f64;
            let values = match self.share(candidate.model, part) / counted {
                1.0 => values,
                factor => values.scaled(factor),
            };
            let update = Update { kind: UpdateKind::Gradient, values, samples: part.len() };
            mean.add(Sent { update, buffers, effect: None });
        }
        mean.of(candidate.model)
    }

    fn sent(&self, kind: UpdateKind, values: Parameters, buffers: Parameters) -> Sent {
        Sent { update: Update { kind, values, samples: self.samples.len() }, buffers, effect: None }
    }

    /// What the gradient of a part counts in that of all samples: its samples, or as it is under a summed loss.
    fn share(&self, model: &Model, part: &[usize]) -> f64 {
        let loss = model.net.loss();
        loss.share(self.samples.len(), 1) / loss.share(part.len(), 1)
    }

    /// The model that its passes go through.
    fn own<'a>(&self, model: &'a Model) -> Cow<'a, Model> {
        self.factors.as_ref().map_or(Cow::Borrowed(model), |factors| Cow::Owned(times(model, factors)))
    }

    /// The gradient to the parameters of that to those of its own model; or its cotangent, as the map is symmetric.
    fn through(&self, gradient: Parameters) -> Parameters {
        match &self.factors {
            Some(factors) => gradient.times(factors),
            None => gradient,
        }
    }

    fn parts(&self) -> impl Iterator<Item = &[usize]> {
        let at_once = if self.each.is_empty() { self.at_once.max(1) } else { 1 };
        self.samples.chunks(at_once)
    }
}

/// The model with other parameters.
fn times(model: &Model, factors: &Parameters) -> Model {
    Model { parameters: model.parameters.times(factors), ..model.clone() }
}

/// Rows of some samples in a batch of zeros.
fn scatter(part: &[f64], samples: &[usize], batch: usize) -> Vec<f64> {
    let width = part.len() / samples.len().max(1);
    let mut all = vec![0.0; batch * width];
    for (&sample, row) in samples.iter().zip(part.chunks(width)) {
        all[sample * width..(sample + 1) * width].copy_from_slice(row);
    }
    all
}
