//! Gradient matching: the objective that most attacks minimise, D(g(x, y), h) + R(x), with its gradient to
//! the candidate.

use std::sync::Arc;

use rand_chacha::ChaCha8Rng;
use rayon::iter::{IntoParallelRefIterator, ParallelIterator};

use super::objective::Distance;
use super::optimiser::Evaluation;
use super::surrogate::Surrogate;
use super::variable::{self, Variable};
use super::{AttackError, Guess, Guessed, align, prior};
use crate::config::{Priors, Search, Stage, Start, VariableKind};
use crate::fl::{At, AttackerView, Protocol, Simulated};
use crate::model::{Parameters, Targets};
use crate::seed::{self, Seed};

/// What the candidate says of the labels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LabelVariable {
    /// Nothing: they are fixed.
    Fixed(Vec<usize>),
    /// Label logits u follow the pixels in the candidate, `[batch, classes]`.
    Logits,
}

/// The objective over candidates z: for each member what decodes to its samples, then label logits if they are optimised, then
/// the place of a surrogate. Of several members it is the mean.
#[derive(Debug, Clone)]
pub struct GradientMatching<'a> {
    view: &'a AttackerView,
    /// The update of this round, then those of earlier rounds with the same samples: the distance is their mean.
    observed: Vec<Observed<'a>>,
    priors: Priors,
    labels: LabelVariable,
    variable: Arc<dyn Variable>,
    members: usize,
    /// How often every sample is there: once, or once an epoch.
    epochs: usize,
    /// Weights between those sent and those returned, at which one gradient stands for all steps.
    surrogate: Option<Surrogate>,
    /// What priors hold what the model shows of the candidate against.
    known: prior::Known,
}

/// An update that a candidate is held against.
#[derive(Debug, Clone)]
struct Observed<'a> {
    view: &'a AttackerView,
    distance: Distance,
    /// What the clients are taken to do with the samples.
    protocol: Protocol,
}

impl<'a> Observed<'a> {
    fn new(view: &'a AttackerView, distance: Distance) -> Self {
        Observed { view, distance, protocol: view.knowledge.protocol.clone() }
    }
}

impl<'a> GradientMatching<'a> {
    /// Matches the update of `view` alone by the input itself.
    pub fn new(view: &'a AttackerView, distance: Distance, priors: Priors, labels: LabelVariable) -> Self {
        let of = variable::Of { view, shape: view.shape(), labels: &[], seed: Seed(0) };
        let variable = variable::variable(VariableKind::Pixels, &of)
            .unwrap_or_else(|why| unreachable!("the input itself can always be moved: {why}"));
        let known = match (&labels, prior::reads_model(&priors)) {
            (_, false) => prior::Known::default(),
            (LabelVariable::Logits, true) => {
                prior::Known { moments: view.known_moments(), features: Vec::new() }
            }
            (LabelVariable::Fixed(labels), true) => {
                prior::Known { moments: view.known_moments(), features: view.known_features(labels) }
            }
        };
        let observed = vec![Observed::new(view, distance)];
        let (members, epochs, surrogate) = (1, 1, None);
        GradientMatching { view, observed, priors, labels, variable, members, epochs, surrogate, known }
    }

    /// The objective that an attack's settings ask for. What stays the same in all trials is drawn from `seed`.
    ///
    /// # Errors
    /// Why what is to be moved cannot be made.
    pub fn of(
        view: &'a AttackerView,
        config: &Search,
        labels: LabelVariable,
        seed: Seed,
    ) -> Result<Self, AttackError> {
        let mut matching = Self::at(view, config, labels);
        if config.variable == VariableKind::Epochs {
            for observed in &mut matching.observed {
                (observed.protocol, matching.epochs) = observed.protocol.by_epochs(view.update.samples);
            }
        }
        if let Some(share) = config.surrogate {
            matching.surrogate = Some(Surrogate::new(view, share)?);
            for observed in &mut matching.observed {
                observed.protocol = Surrogate::protocol(observed.view);
            }
        }
        let labels = matching.labels_of_all();
        let of = variable::Of { view, shape: matching.shape(), labels: &labels, seed };
        matching.variable = variable::variable(config.variable, &of)?;
        Ok(GradientMatching { members: config.members, ..matching })
    }

    /// The objective of the next stage and where it begins, as this one stands at z.
    pub fn then(&self, z: &[f64], stage: &Stage) -> Option<(Self, Vec<f64>)> {
        let own = self.variable.count();
        let (variable, mut begin) = self.variable.then(&z[..own], stage)?;
        begin.extend_from_slice(&z[own..]);
        Some((GradientMatching { variable, ..self.clone() }, begin))
    }

    /// The same objective of one member that is the input itself, whatever is searched.
    pub fn at(view: &'a AttackerView, config: &Search, labels: LabelVariable) -> Self {
        let make = if view.knowledge.scale { Distance::new } else { Distance::up_to_scale };
        let distance = |view: &AttackerView| make(config.distance, view.observed());
        let mut matching = GradientMatching::new(view, distance(view), config.prior.clone(), labels);
        let earlier = view.earlier.iter().map(|earlier| Observed::new(earlier, distance(earlier)));
        matching.observed.extend(earlier);
        matching
    }

    /// The matching loss of a zero gradient, which explains nothing of the update.
    pub fn of_nothing(&self) -> f64 {
        self.mean(self.observed.iter().map(|observed| observed.distance.scale()))
    }

    /// Of a figure of every observed update.
    fn mean(&self, figures: impl Iterator<Item = f64>) -> f64 {
        figures.sum::<f64>() / self.observed.len() as f64
    }

    /// What a matching loss is small against: the distance of a zero gradient, but no more than 1. Of a small update
    /// every loss is small.
    pub fn unit(&self) -> f64 {
        self.of_nothing().min(1.0)
    }

    /// Labels of the samples; none while they are optimised.
    pub fn labels(&self) -> &[usize] {
        match &self.labels {
            LabelVariable::Fixed(labels) => labels,
            LabelVariable::Logits => &[],
        }
    }

    /// What making the variable found, step by step.
    pub fn words(&self) -> &[String] {
        self.variable.words()
    }

    /// Entries of the candidate.
    pub fn count(&self) -> usize {
        self.members * self.each()
    }

    /// Entries of one member.
    fn each(&self) -> usize {
        self.variable.count() + self.logits() + usize::from(self.surrogate.is_some())
    }

    /// Shape of the samples, all epochs below each other.
    fn shape(&self) -> [usize; 4] {
        let [samples, sample @ ..] = self.view.shape();
        let [channels, height, width] = sample;
        [self.epochs * samples, channels, height, width]
    }

    /// Labels of all samples, epoch by epoch; none while they are optimised.
    fn labels_of_all(&self) -> Vec<usize> {
        match &self.labels {
            LabelVariable::Fixed(labels) => labels.repeat(self.epochs),
            LabelVariable::Logits => Vec::new(),
        }
    }

    fn logits(&self) -> usize {
        match self.labels {
            LabelVariable::Fixed(_) => 0,
            LabelVariable::Logits => self.view.update.samples * self.view.model.net.classes(),
        }
    }

    /// Where a search begins: each member by itself.
    pub fn first(&self, start: Start, generator: &mut ChaCha8Rng) -> Vec<f64> {
        let mut z = Vec::with_capacity(self.count());
        for _ in 0..self.members {
            z.extend(self.variable.first(start, generator));
            z.extend(seed::normal(generator, self.logits()));
            z.extend(self.surrogate.iter().map(|_| 0.0));
        }
        z
    }

    /// Norm of the simulated update of a candidate's first member, in units of a gradient.
    pub fn norm(&self, z: &[f64]) -> f64 {
        let (own, rest) = z[..self.each()].split_at(self.variable.count());
        let targets = self.targets(&rest[..self.logits()]);
        let here = &self.observed[0];
        self.simulated(here, &self.variable.decode(own), &targets, rest.last(), |simulated, _| {
            simulated.gradient.norm()
        })
    }

    /// What the clients are taken to have sent for samples, handed on with the candidate that they are.
    fn simulated<T>(
        &self,
        observed: &Observed<'_>,
        samples: &[f64],
        targets: &Targets,
        place: Option<&f64>,
        then: impl FnOnce(Simulated, At<'_>) -> T,
    ) -> T {
        let AttackerView { model, knowledge, compute, .. } = observed.view;
        let x = compute.tensor(samples, self.shape());
        let between =
            self.surrogate.as_ref().zip(place).map(|(surrogate, place)| surrogate.model(model, *place));
        let model = between.as_ref().unwrap_or(model);
        let candidate = At { model, mode: knowledge.batch_norm, x: &x, targets };
        then(observed.protocol.simulate(candidate), candidate)
    }

    /// The losses at each of several candidates: side by side on the processors, in turn on a device.
    pub fn values(&self, population: &[Vec<f64>]) -> Vec<Evaluation> {
        match self.view.compute.name() {
            "cuda" => population.iter().map(|z| self.value(z)).collect(),
            _ => population.par_iter().map(|z| self.value(z)).collect(),
        }
    }

    /// The losses at a candidate, without the way back.
    pub fn value(&self, z: &[f64]) -> Evaluation {
        let share = 1.0 / self.members as f64;
        let decoded = self.decoded(z);
        let mut none: Vec<Vec<f64>> = decoded.iter().map(|x| vec![0.0; x.len()]).collect();
        let prior =
            if self.members > 1 { prior::add_of_members(&self.priors, &decoded, &mut none) } else { 0.0 };
        let mut all = Evaluation { matching: 0.0, prior, gradient: Vec::new() };
        for (z, samples) in z.chunks(self.each()).zip(&decoded) {
            let (own, rest) = z.split_at(self.variable.count());
            let targets = self.targets(&rest[..self.logits()]);
            let (mut distances, mut of_model) = (Vec::new(), 0.0);
            for (at, observed) in self.observed.iter().enumerate() {
                let place = rest.last();
                distances.push(self.simulated(observed, samples, &targets, place, |simulated, candidate| {
                    let Simulated { gradient, trail } = simulated;
                    if at == 0 && prior::reads_model(&self.priors) {
                        let shown = observed.protocol.shown(candidate, &trail);
                        of_model = prior::of_shown(&self.priors, &shown.values, &self.known).0;
                    }
                    observed.distance.compare(gradient).distance()
                }));
            }
            let matching = self.mean(distances.into_iter());
            let (mut to_x, mut to_z) = (vec![0.0; samples.len()], vec![0.0; own.len()]);
            all.matching += share * matching;
            all.prior += share * (of_model + self.own_priors(own, samples, &mut to_x, &mut to_z));
        }
        all
    }

    /// Priors on the samples, whose gradient is added to `to_x`, and on the codes that made them.
    fn own_priors(&self, own: &[f64], samples: &[f64], to_x: &mut [f64], to_z: &mut [f64]) -> f64 {
        let range = &self.view.range;
        let candidate = prior::Candidate { x: samples, shape: self.shape(), range, epochs: self.epochs };
        let of_codes =
            self.variable.latent().map(|latent| prior::add_of_codes(&self.priors, own, latent, to_z));
        prior::add(&self.priors, candidate, to_x) + of_codes.unwrap_or_default()
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
        let (own, rest) = z.split_at(self.variable.count());
        let targets = self.targets(&rest[..self.logits()]);
        let (mut back, mut matching, of_model, to_place) =
            self.simulated(&self.observed[0], samples, &targets, rest.last(), |simulated, candidate| {
                let Observed { distance, protocol, .. } = &self.observed[0];
                let Simulated { gradient, trail } = simulated;
                let mut matched = distance.compare(gradient);
                matched.cotangent = self.share_of_one(matched.cotangent);
                let v = &matched.cotangent;
                if let Some(surrogate) = &self.surrogate {
                    let (back, along) = protocol.back_along(candidate, &trail, v, surrogate.direction());
                    return (back, matched.distance(), 0.0, Some(surrogate.pull(along)));
                }
                if !prior::reads_model(&self.priors) {
                    return (protocol.back(candidate, &trail, v), matched.distance(), 0.0, None);
                }
                let shown = protocol.shown(candidate, &trail);
                let (value, pulled) = prior::of_shown(&self.priors, &shown.values, &self.known);
                let back = protocol.back_with(candidate, &trail, v, (&shown, &pulled));
                (back, matched.distance(), value, None)
            });
        for observed in &self.observed[1..] {
            self.simulated(observed, samples, &targets, None, |Simulated { gradient, trail }, candidate| {
                let mut matched = observed.distance.compare(gradient);
                matched.cotangent = self.share_of_one(matched.cotangent);
                let more = observed.protocol.back(candidate, &trail, &matched.cotangent);
                back.add(&more.to_input, more.to_labels.as_deref());
                matching += matched.distance();
            });
        }
        matching /= self.observed.len() as f64;

        let (mut to_x, mut to_codes) = (back.to_input, vec![0.0; own.len()]);
        let prior = of_model + self.own_priors(own, samples, &mut to_x, &mut to_codes);
        let mut gradient = self.variable.pull(own, to_x);
        gradient.iter_mut().zip(to_codes).for_each(|(to, more)| *to += more);
        gradient.extend(back.to_labels.map(|to| self.of_all_epochs(&to)).unwrap_or_default());
        gradient.extend(to_place);
        Evaluation { matching, prior, gradient }
    }

    /// The cotangent of one update's distance in the mean over all; as it is where there is one.
    fn share_of_one(&self, cotangent: Parameters) -> Parameters {
        match self.observed.len() {
            1 => cotangent,
            several => cotangent.scaled(1.0 / several as f64),
        }
    }

    /// The gradient to logits that all epochs share.
    fn of_all_epochs(&self, to_labels: &[f64]) -> Vec<f64> {
        let mut sum = vec![0.0; self.logits()];
        for epoch in to_labels.chunks(sum.len().max(1)) {
            sum.iter_mut().zip(epoch).for_each(|(sum, value)| *sum += value);
        }
        sum
    }

    /// Keeps a candidate where its samples are possible.
    pub fn project(&self, z: &mut [f64]) {
        let (each, own) = (self.each(), self.variable.count());
        z.chunks_mut(each).for_each(|member| self.variable.project(&mut member[..own]));
    }

    /// Keeps a surrogate between the weights before and after.
    pub fn keep_between(&self, z: &mut [f64]) {
        let Some(surrogate) = &self.surrogate else { return };
        for place in z.chunks_mut(self.each()).filter_map(<[f64]>::last_mut) {
            *place = surrogate.kept(*place);
        }
    }

    /// A candidate as samples and labels: what its members come to, and the epochs of each.
    pub fn guess(&self, z: &[f64]) -> Guess {
        let whole = self.decoded(z);
        let epoch = self.view.shape().iter().product::<usize>().max(1);
        let mut decoded: Vec<Vec<f64>> =
            whole.iter().flat_map(|x| x.chunks(epoch)).map(<[f64]>::to_vec).collect();
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
        let values = match decoded.as_slice() {
            [one] => one.clone(),
            several => self.variable.pool(several),
        };
        Guess { samples: Guessed::of(self.view, values, confidence), labels }
    }

    fn decoded(&self, z: &[f64]) -> Vec<Vec<f64>> {
        let own = self.variable.count();
        z.chunks(self.each()).map(|member| self.variable.decode(&member[..own])).collect()
    }

    fn targets(&self, logits: &[f64]) -> Targets {
        let (compute, classes) = (&self.view.compute, self.view.model.net.classes());
        match &self.labels {
            LabelVariable::Fixed(labels) => Targets::hard(compute, &labels.repeat(self.epochs), classes),
            LabelVariable::Logits => {
                let all = logits.repeat(self.epochs);
                Targets::Soft(compute.tensor(&all, [self.epochs * self.view.update.samples, classes]))
            }
        }
    }
}

#[cfg(test)]
mod tests;
