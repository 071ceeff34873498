//! Gradient matching: the objective that most attacks minimise, D(g(x, y), h) + R(x), with its gradient to
//! the candidate.

use crate::config::{AttackConfig, Priors};
use crate::fl::{Candidate, Simulated};
use crate::model::{Parameters, Targets};

use super::Guess;
use super::objective::Distance;
use super::optimiser::Evaluation;
use super::prior;
use crate::fl::AttackerView;

/// What the candidate says of the labels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LabelVariable {
    /// Nothing: they are fixed.
    Fixed(Vec<usize>),
    /// Label logits u follow the pixels in the candidate, `[batch, classes]`.
    Logits,
}

/// The objective over candidates z = (x, u): normalised pixels, then label logits if they are optimised.
#[derive(Debug, Clone)]
pub struct GradientMatching<'a> {
    view: &'a AttackerView,
    distance: Distance,
    priors: Priors,
    labels: LabelVariable,
}

impl<'a> GradientMatching<'a> {
    /// Matches the update of `view`.
    pub fn new(view: &'a AttackerView, distance: Distance, priors: Priors, labels: LabelVariable) -> Self {
        GradientMatching { view, distance, priors, labels }
    }

    /// The objective that an attack's settings ask for.
    pub fn of(view: &'a AttackerView, config: &AttackConfig, labels: LabelVariable) -> Self {
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
        self.pixels() + self.logits()
    }

    /// Entries that are pixels; they come first.
    pub fn pixels(&self) -> usize {
        self.view.shape().iter().product()
    }

    fn logits(&self) -> usize {
        match self.labels {
            LabelVariable::Fixed(_) => 0,
            LabelVariable::Logits => self.view.update.samples * self.view.model.net.classes(),
        }
    }

    /// The simulated update of a candidate, in units of a gradient.
    pub fn gradient(&self, z: &[f64]) -> Parameters {
        let (pixels, logits) = z.split_at(self.pixels());
        let AttackerView { model, knowledge, .. } = self.view;
        let x = self.view.compute.tensor(pixels, self.view.shape());
        let (mode, targets) = (knowledge.batch_norm, self.targets(logits));
        knowledge.protocol.simulate(Candidate { model, mode, x: &x, targets: &targets }).gradient
    }

    /// Objective and gradient at a candidate: two passes through the model.
    pub fn evaluate(&self, z: &[f64]) -> Evaluation {
        let (pixels, logits) = z.split_at(self.pixels());
        let model = &self.view.model;
        let mode = self.view.knowledge.batch_norm;
        let x = self.view.compute.tensor(pixels, self.view.shape());
        let targets = self.targets(logits);

        let protocol = &self.view.knowledge.protocol;
        let candidate = Candidate { model, mode, x: &x, targets: &targets };
        let Simulated { gradient, trail } = protocol.simulate(candidate);
        let matched = self.distance.compare(gradient);
        let back = protocol.back(candidate, &trail, &matched.cotangent);

        let mut gradient = back.to_input;
        let of_pixels = prior::Candidate { x: pixels, shape: self.view.shape(), range: &self.view.range };
        let prior = prior::add(&self.priors, of_pixels, &mut gradient);
        gradient.extend(back.to_labels.unwrap_or_default());
        Evaluation { matching: matched.distance(), prior, gradient }
    }

    /// Clamps the pixels of a candidate to the range of real images.
    pub fn clamp(&self, z: &mut [f64]) {
        let [_, channels, height, width] = self.view.shape();
        let pixels = self.pixels();
        for (i, plane) in z[..pixels].chunks_mut(height * width).enumerate() {
            let (low, high) = self.view.range[i % channels];
            plane.iter_mut().for_each(|value| *value = value.clamp(low, high));
        }
    }

    /// A candidate as pixels and labels.
    pub fn guess(&self, z: &[f64]) -> Guess {
        let (pixels, logits) = z.split_at(self.pixels());
        let labels = match &self.labels {
            LabelVariable::Fixed(labels) => labels.clone(),
            LabelVariable::Logits => {
                let net = &self.view.model.net;
                logits.chunks(net.classes()).map(|row| net.label_of(row)).collect()
            }
        };
        Guess { pixels: pixels.to_vec(), labels }
    }

    fn targets(&self, logits: &[f64]) -> Targets {
        let (samples, classes) = (self.view.update.samples, self.view.model.net.classes());
        match &self.labels {
            LabelVariable::Fixed(labels) => Targets::hard(&self.view.compute, labels, classes),
            LabelVariable::Logits => Targets::Soft(self.view.compute.tensor(logits, [samples, classes])),
        }
    }
}
