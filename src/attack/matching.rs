//! Gradient matching: the objective that most attacks minimise, D(g(x, y), h) + R(x), with its gradient to
//! the candidate.

use std::sync::Arc;

use rand_chacha::ChaCha8Rng;

use super::objective::Distance;
use super::optimiser::Evaluation;
use super::variable::{self, Variable};
use super::{Guess, align, prior, start};
use crate::config::{Priors, Search, Start, VariableKind};
use crate::fl::{AttackerView, Candidate, Simulated};
use crate::model::{Moments, Targets};

/// What the candidate says of the labels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LabelVariable {
    /// Nothing: they are fixed.
    Fixed(Vec<usize>),
    /// Label logits u follow the pixels in the candidate, `[batch, classes]`.
    Logits,
}

/// The objective over candidates z: for each member what decodes to its samples, then label logits if they are optimised.
/// Of several members it is the mean.
#[derive(Debug, Clone)]
pub struct GradientMatching<'a> {
    view: &'a AttackerView,
    distance: Distance,
    priors: Priors,
    labels: LabelVariable,
    variable: Arc<dyn Variable>,
    members: usize,
    /// Moments of BatchNorm's inputs that priors hold the candidate's against.
    known: Vec<Moments>,
}

impl<'a> GradientMatching<'a> {
    /// Matches the update of `view` by the input itself.
    pub fn new(view: &'a AttackerView, distance: Distance, priors: Priors, labels: LabelVariable) -> Self {
        let variable = variable::variable(VariableKind::Pixels, view);
        let known = if prior::reads_model(&priors) { view.known_moments() } else { Vec::new() };
        GradientMatching { view, distance, priors, labels, variable, members: 1, known }
    }

    /// The objective that an attack's settings ask for.
    pub fn of(view: &'a AttackerView, config: &Search, labels: LabelVariable) -> Self {
        let matching = Self::at(view, config, labels);
        let variable = variable::variable(config.variable, view);
        GradientMatching { variable, members: config.members, ..matching }
    }

    /// The same objective of one member that is the input itself, whatever is searched.
    pub fn at(view: &'a AttackerView, config: &Search, labels: LabelVariable) -> Self {
        let distance = if view.knowledge.scale { Distance::new } else { Distance::up_to_scale };
        GradientMatching::new(view, distance(config.distance, view.observed()), config.prior.clone(), labels)
    }

    /// The matching loss of a zero gradient, which explains nothing of the update.
    pub fn of_nothing(&self) -> f64 {
        self.distance.scale()
    }

    /// What a matching loss is small against: the distance of a zero gradient, but no more than 1. Of a small update
    /// every loss is small.
    pub fn unit(&self) -> f64 {
        self.distance.scale().min(1.0)
    }

    /// Entries of the candidate.
    pub fn count(&self) -> usize {
        self.members * self.each()
    }

    /// Entries of one member.
    fn each(&self) -> usize {
        self.variable.count() + self.logits()
    }

    fn logits(&self) -> usize {
        match self.labels {
            LabelVariable::Fixed(_) => 0,
            LabelVariable::Logits => self.view.update.samples * self.view.model.net.classes(),
        }
    }

    /// Where a search begins: each member by itself.
    pub fn first(&self, start: Start, generator: &mut ChaCha8Rng) -> Vec<f64> {
        let inputs = (self.variable.count(), self.view.shape());
        let mut z = Vec::with_capacity(self.count());
        for _ in 0..self.members {
            z.extend(start::first(start, generator, self.each(), inputs));
        }
        z
    }

    /// Norm of the simulated update of a candidate's first member, in units of a gradient.
    pub fn norm(&self, z: &[f64]) -> f64 {
        let (own, logits) = z[..self.each()].split_at(self.variable.count());
        let AttackerView { model, knowledge, compute, .. } = self.view;
        let x = compute.tensor(&self.variable.decode(own), self.view.shape());
        let (mode, targets) = (knowledge.batch_norm, self.targets(logits));
        knowledge.protocol.simulate(Candidate { model, mode, x: &x, targets: &targets }).gradient.norm()
    }

    /// Objective and gradient at a candidate: two passes through the model for each member.
    pub fn evaluate(&self, z: &[f64]) -> Evaluation {
        if self.members == 1 {
            return self.evaluate_member(z, &self.variable.decode(&z[..self.variable.count()]));
        }
        let decoded = self.decoded(z);
        let share = 1.0 / self.members as f64;
        let mut agreement: Vec<Vec<f64>> = decoded.iter().map(|x| vec![0.0; x.len()]).collect();
        let mut all = Evaluation { matching: 0.0, prior: 0.0, gradient: Vec::with_capacity(z.len()) };
        all.prior += prior::add_of_members(&self.priors, &decoded, &mut agreement);
        for ((z, x), of_agreement) in z.chunks(self.each()).zip(&decoded).zip(agreement) {
            let mut own = self.evaluate_member(z, x);
            all.matching += share * own.matching;
            all.prior += share * own.prior;
            own.gradient.iter_mut().for_each(|value| *value *= share);
            let more = self.variable.pull(&z[..self.variable.count()], of_agreement);
            own.gradient.iter_mut().zip(more).for_each(|(value, more)| *value += more);
            all.gradient.append(&mut own.gradient);
        }
        all
    }

    fn evaluate_member(&self, z: &[f64], samples: &[f64]) -> Evaluation {
        let (own, logits) = z.split_at(self.variable.count());
        let AttackerView { model, knowledge, compute, .. } = self.view;
        let x = compute.tensor(samples, self.view.shape());
        let targets = self.targets(logits);
        let protocol = &knowledge.protocol;
        let candidate = Candidate { model, mode: knowledge.batch_norm, x: &x, targets: &targets };
        let Simulated { gradient, trail } = protocol.simulate(candidate);
        let matched = self.distance.compare(gradient);
        let (back, of_model) = if prior::reads_model(&self.priors) {
            let shown = protocol.shown(candidate, &trail);
            let pulled = prior::of_shown(&self.priors, shown.loss, &shown.moments, &self.known);
            let pull = (&shown, pulled.loss, pulled.moments.as_slice());
            (protocol.back_with(candidate, &trail, &matched.cotangent, pull), pulled.value)
        } else {
            (protocol.back(candidate, &trail, &matched.cotangent), 0.0)
        };

        let mut to_x = back.to_input;
        let of_samples = prior::Candidate { x: samples, shape: self.view.shape(), range: &self.view.range };
        let prior = of_model + prior::add(&self.priors, of_samples, &mut to_x);
        let mut gradient = self.variable.pull(own, to_x);
        gradient.extend(back.to_labels.unwrap_or_default());
        Evaluation { matching: matched.distance(), prior, gradient }
    }

    /// Keeps a candidate where its samples are possible.
    pub fn project(&self, z: &mut [f64]) {
        let (each, own) = (self.each(), self.variable.count());
        z.chunks_mut(each).for_each(|member| self.variable.project(&mut member[..own]));
    }

    /// A candidate as samples and labels: what its members come to.
    pub fn guess(&self, z: &[f64]) -> Guess {
        let mut decoded = self.decoded(z);
        if let [first, others @ ..] = decoded.as_mut_slice() {
            let labels = match &self.labels {
                LabelVariable::Fixed(labels) => labels.as_slice(),
                LabelVariable::Logits => &[],
            };
            let samples = self.view.update.samples;
            others.iter_mut().for_each(|other| align::to(first, other, samples, labels));
        }
        let labels = match &self.labels {
            LabelVariable::Fixed(labels) => labels.clone(),
            LabelVariable::Logits => {
                let net = &self.view.model.net;
                let mut logits = vec![0.0; self.logits()];
                for member in z.chunks(self.each()) {
                    let own = &member[self.variable.count()..];
                    logits.iter_mut().zip(own).for_each(|(sum, value)| *sum += value);
                }
                logits.chunks(net.classes()).map(|row| net.label_of(row)).collect()
            }
        };
        let confidence = self.variable.confidence(&decoded);
        let pixels = match decoded.as_slice() {
            [one] => one.clone(),
            several => self.variable.pool(several),
        };
        Guess { pixels, labels, confidence }
    }

    fn decoded(&self, z: &[f64]) -> Vec<Vec<f64>> {
        let own = self.variable.count();
        z.chunks(self.each()).map(|member| self.variable.decode(&member[..own])).collect()
    }

    fn targets(&self, logits: &[f64]) -> Targets {
        let (samples, classes) = (self.view.update.samples, self.view.model.net.classes());
        match &self.labels {
            LabelVariable::Fixed(labels) => Targets::hard(&self.view.compute, labels, classes),
            LabelVariable::Logits => Targets::Soft(self.view.compute.tensor(logits, [samples, classes])),
        }
    }
}
