//! What rules read: the classifier with its gradient, and what random inputs make of the model.

use crate::backend;
use crate::config::Loss;
use crate::fl::{AttackerView, UpdateKind};
use crate::model::{Classifier, Descent, Model, Optimiser};
use crate::seed::{self, Seed};

use super::need::{Need, Standing};

/// Random inputs that show what features and scores look like.
pub const DUMMIES: usize = 64;

/// Those that go through the model at once.
const AT_ONCE: usize = 8;

/// The features in front of the classifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sign {
    /// None is negative.
    NonNegative,
    /// Some are, but those of every input have a positive sum.
    PositiveSums,
    /// The sums are of either sign.
    Mixed,
}

/// What the model makes of random inputs.
#[derive(Debug, Clone, PartialEq)]
pub struct Dummies {
    /// Mean softmax, by class.
    pub probabilities: Vec<f64>,
    /// Mean sum of the features.
    pub sum: f64,
    /// Their sign.
    pub sign: Sign,
}

/// The classifier of an attacked model with what was sent of it.
pub struct Evidence<'a> {
    view: &'a AttackerView,
    /// B.
    pub samples: usize,
    /// Rows, C.
    pub classes: usize,
    /// Columns.
    pub features: usize,
    /// W, row by row.
    pub weight: Vec<f64>,
    /// b.
    pub bias: Option<Vec<f64>>,
    /// Gradient of the mean loss to W, the mean over local steps.
    pub to_weight: Vec<f64>,
    /// The same to b, if it was sent.
    pub to_bias: Option<Vec<f64>>,
    /// Gradients of the mean loss that the update adds up; nothing if that is not known.
    pub steps: Option<f64>,
    /// Normalised random inputs.
    pub dummies: Vec<f64>,
}

impl<'a> Evidence<'a> {
    /// What the view shows; random inputs are drawn with the attacker's seed.
    pub fn of(view: &'a AttackerView, seed: Seed) -> Result<Evidence<'a>, String> {
        let net = &view.model.net;
        let sent = |at: &usize| !net.frozen().contains(at);
        let classifier = net.classifier().filter(|classifier| sent(&classifier.weight));
        let Classifier { weight, bias, classes, features } = classifier.ok_or(
            "the model has no fully connected last layer, or its gradient was not sent; grant the labels, or optimise \
             them",
        )?;
        let steps = gradients(view);
        // A loss that is summed over the batch has as many times the gradient of its mean.
        let batch = if net.loss() == Loss::CeSum { view.update.samples as f64 } else { 1.0 };
        let unit = 1.0 / (steps.unwrap_or(1.0) * batch);
        let observed = view.observed();
        let gradient = |at: usize| -> Vec<f64> {
            let pairs = backend::values(&observed.tensors()[at]).into_iter().zip(added(view, at));
            pairs.map(|(value, added)| (value - added) * unit).collect()
        };
        let parameter = |at: usize| backend::values(&view.model.parameters.tensors()[at]);
        Ok(Evidence {
            view,
            samples: view.update.samples,
            classes,
            features,
            weight: parameter(weight),
            bias: bias.map(parameter),
            to_weight: gradient(weight),
            to_bias: bias.filter(sent).map(gradient),
            steps,
            dummies: seed::normal(&mut seed.stream("label dummies", &[]), DUMMIES * net.input_count()),
        })
    }

    /// How it stands towards these needs: random inputs go through the model only where features matter.
    pub fn standing(&self, needs: &[Need]) -> Standing {
        let of_features = |need: &Need| matches!(need, Need::NonNegativeFeatures | Need::PositiveSums);
        let looked_at = needs.iter().any(of_features).then(|| self.dummies(&self.view.model)).flatten();
        Standing {
            samples: self.samples,
            loss: self.view.model.net.loss(),
            scale: self.view.knowledge.scale && self.steps.is_some(),
            classes: Some(self.classes),
            bias: Some(self.to_bias.is_some()),
            features: looked_at.map(|dummies| dummies.sign),
        }
    }

    /// Sum of each row of the gradient to W.
    pub fn row_sums(&self) -> Vec<f64> {
        self.to_weight.chunks(self.features).map(|row| row.iter().sum()).collect()
    }

    /// What the models of the local steps make of random inputs, from the one that was sent to the one that came back
    /// on a straight line.
    pub fn along_the_way(&self) -> Option<Dummies> {
        let first = self.dummies(&self.view.model)?;
        let steps = self.steps.unwrap_or(1.0);
        if self.view.update.kind == UpdateKind::Gradient || steps <= 1.0 {
            return Some(first);
        }
        let model = &self.view.model;
        let end = model.parameters.clone().combine(1.0, &self.view.update.values, 1.0);
        let last = self.dummies(&Model { parameters: end, ..model.clone() })?;
        // Steps begin at 0, 1/K, .. (K-1)/K of the way.
        let share = (steps - 1.0) / (2.0 * steps);
        let between = |a: f64, b: f64| a + share * (b - a);
        let pairs = first.probabilities.iter().zip(&last.probabilities);
        Some(Dummies {
            probabilities: pairs.map(|(&a, &b)| between(a, b)).collect(),
            sum: between(first.sum, last.sum),
            sign: first.sign,
        })
    }

    /// What this model makes of random inputs.
    fn dummies(&self, model: &Model) -> Option<Dummies> {
        let [channels, height, width] = model.net.input();
        let size = channels * height * width;
        let mut all = Vec::new();
        for inputs in self.dummies.chunks(AT_ONCE * size) {
            let x = self.view.compute.tensor(inputs, [inputs.len() / size, channels, height, width]);
            all.extend(backend::values(&model.last_features(self.view.knowledge.batch_norm, &x)?));
        }
        let rows = || all.chunks(self.features);
        let count = rows().len() as f64;
        let mut probabilities = vec![0.0; self.classes];
        for row in rows() {
            let p = self.softmax_of(model, row);
            probabilities.iter_mut().zip(p).for_each(|(mean, p)| *mean += p / count);
        }
        let sums: Vec<f64> = rows().map(|row| row.iter().sum()).collect();
        let sign = match () {
            () if all.iter().all(|&value| value >= 0.0) => Sign::NonNegative,
            () if sums.iter().all(|&sum| sum > 0.0) => Sign::PositiveSums,
            () => Sign::Mixed,
        };
        Some(Dummies { probabilities, sum: sums.iter().sum::<f64>() / count, sign })
    }

    fn softmax_of(&self, model: &Model, features: &[f64]) -> Vec<f64> {
        let Some(classifier) = model.net.classifier() else { return Vec::new() };
        let parameter = |at: usize| backend::values(&model.parameters.tensors()[at]);
        softmax(&parameter(classifier.weight), classifier.bias.map(parameter).as_deref(), features)
    }
}

/// Softmax of W h + b.
pub fn softmax(weight: &[f64], bias: Option<&[f64]>, features: &[f64]) -> Vec<f64> {
    let rows = weight.chunks(features.len()).enumerate();
    let scores: Vec<f64> = rows
        .map(|(class, row)| {
            let product: f64 = row.iter().zip(features).map(|(w, h)| w * h).sum();
            product + bias.map_or(0.0, |bias| bias[class])
        })
        .collect();
    let largest = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let powers: Vec<f64> = scores.iter().map(|score| (score - largest).exp()).collect();
    let sum: f64 = powers.iter().sum();
    powers.iter().map(|power| power / sum).collect()
}

/// What weight decay and FedProx added to a tensor of an update in units of a gradient: exact for one plain step, and for
/// several with their models on a straight line to the last. Zero where momentum or Adam made something else of it.
fn added(view: &AttackerView, at: usize) -> Vec<f64> {
    let theta = backend::values(&view.model.parameters.tensors()[at]);
    let mut added = vec![0.0; theta.len()];
    let protocol = &view.knowledge.protocol;
    if view.update.kind == UpdateKind::Gradient {
        return added;
    }
    let moved = backend::values(&view.update.values.tensors()[at]);
    for client in &protocol.clients {
        let Some(descent) =
            client.descent.as_ref().filter(|descent| descent.optimiser == Optimiser::sgd(0.0))
        else {
            continue;
        };
        let share = client.samples.len() as f64 / protocol.samples() as f64;
        let steps = descent.steps.len() as f64;
        // Steps begin at 0, 1/K, .. (K-1)/K of the way.
        let way = 0.5 * (steps - 1.0);
        let of_theta = share * descent.weight_decay * steps;
        let of_moved = share * (descent.weight_decay + descent.proximal) * way;
        let pairs = theta.iter().zip(&moved);
        added
            .iter_mut()
            .zip(pairs)
            .for_each(|(sum, (theta, moved))| *sum += of_theta * theta + of_moved * moved);
    }
    added
}

/// Gradients of the mean loss that an update in units of a gradient adds up, a mean over its clients; nothing where
/// local steps are not known to add up gradients.
fn gradients(view: &AttackerView) -> Option<f64> {
    let protocol = &view.knowledge.protocol;
    if view.update.kind == UpdateKind::Gradient {
        return Some(1.0);
    }
    let all = protocol.samples() as f64;
    let of_client = |descent: &Descent| {
        let plain =
            matches!(descent.optimiser, Optimiser::Sgd { momentum: 0.0, .. }) && descent.clip.is_none();
        let sum = descent.steps.iter().map(|step| step.weight * step.micro_batches.len() as f64).sum::<f64>();
        plain.then_some(sum)
    };
    protocol
        .clients
        .iter()
        .map(|client| Some(of_client(client.descent.as_ref()?)? * client.samples.len() as f64 / all))
        .sum()
}
