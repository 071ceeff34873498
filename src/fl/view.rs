//! Everything an attack may look at. Ground truth is not part of it, by type.

use std::sync::Arc;

use crate::backend::{self, Compute};
use crate::config::{BatchNormMode, LocalTraining};
use crate::model::enhancer::Enhancer;
use crate::model::generator::Generator;
use crate::model::{Model, Moments, Parameters};

use super::{Protocol, Update, UpdateKind};

/// What the attacker is granted besides the update and the model: one field for each kind of knowledge.
#[derive(Debug, Clone)]
pub struct Knowledge {
    /// The labels, in the client's order, if they are granted.
    pub labels: Option<Vec<usize>>,
    /// The running BatchNorm statistics are public, and which statistics the client used is known.
    pub batch_norm: BatchNormMode,
    /// What the clients are known, or taken, to have done.
    pub protocol: Protocol,
    /// Moments of the inputs of BatchNorm layers over the private batch, under the model that was sent, if they are granted.
    pub moments: Option<Vec<Moments>>,
    /// Values of each field of a table's row: 1 of a number, one for each word. Absent for pictures.
    pub fields: Option<Arc<[usize]>>,
    /// A generator of pictures like the client's, if it is granted.
    pub generator: Option<Arc<Generator>>,
    /// A network that makes better pictures of poor ones, if it has one.
    pub enhancer: Option<Arc<Enhancer>>,
    /// The factor on all numbers of the update is known, and taken out of it; else it is some positive number.
    pub scale: bool,
}

impl Knowledge {
    /// What the clients did, and nothing else that is not public.
    pub fn of(batch_norm: BatchNormMode, protocol: Protocol) -> Knowledge {
        Knowledge {
            labels: None,
            batch_norm,
            protocol,
            moments: None,
            fields: None,
            generator: None,
            enhancer: None,
            scale: true,
        }
    }
}

/// The attacker's whole world.
#[derive(Debug, Clone)]
pub struct AttackerView {
    /// Where to compute.
    pub compute: Compute,
    /// Architecture, parameters and public buffers that the server sent.
    pub model: Model,
    /// What the client sent back.
    pub update: Update,
    /// Smallest and largest normalised value of each channel: 8-bit pixels are public knowledge.
    pub range: Vec<(f64, f64)>,
    /// What else it is granted.
    pub knowledge: Knowledge,
    /// The same of earlier rounds in which the clients are known to have held the same samples.
    pub earlier: Vec<AttackerView>,
}

impl AttackerView {
    /// Of one gradient of this model, of samples with these labels, and nothing else; inputs may have any value.
    pub fn of_gradient(
        compute: &Compute,
        model: Model,
        values: Parameters,
        labels: Vec<usize>,
        batch_norm: BatchNormMode,
    ) -> AttackerView {
        let samples = labels.len();
        let knowledge = Knowledge::of(batch_norm, Protocol::fed_sgd(samples));
        AttackerView {
            compute: compute.clone(),
            update: Update { kind: UpdateKind::Gradient, values, samples },
            range: vec![(f64::NEG_INFINITY, f64::INFINITY); model.net.input()[0]],
            knowledge: Knowledge { labels: Some(labels), ..knowledge },
            earlier: Vec::new(),
            model,
        }
    }

    /// The same world to an attacker who takes the clients to have trained so.
    #[must_use]
    pub fn supposing(&self, local: LocalTraining) -> AttackerView {
        let mut view = self.clone();
        view.knowledge.protocol = view.knowledge.protocol.supposing(local);
        view.earlier = view.earlier.iter().map(|earlier| earlier.supposing(local)).collect();
        view
    }

    /// The update in units of a gradient, as the attacker takes it: of a weight difference the direction of descent
    /// over the learning rate that it knows, or over 1 if it takes the update for one gradient.
    pub fn observed(&self) -> Parameters {
        match self.update.kind {
            UpdateKind::Gradient => self.update.values.clone(),
            UpdateKind::Delta => {
                let takes_steps =
                    self.knowledge.protocol.clients.iter().any(|client| client.descent.is_some());
                let unit = if takes_steps { self.knowledge.protocol.unit() } else { -1.0 };
                self.update.values.clone().scaled(unit)
            }
        }
    }

    /// What the attacker takes for the moments of BatchNorm's inputs: those it is granted, else the running ones.
    pub fn known_moments(&self) -> Vec<Moments> {
        self.knowledge.moments.clone().unwrap_or_else(|| {
            let host: Vec<Vec<f64>> = self.model.buffers.tensors().iter().map(backend::values).collect();
            let pairs = host.chunks_exact(2);
            pairs.map(|pair| Moments { mean: pair[0].clone(), variance: pair[1].clone() }).collect()
        })
    }

    /// What the attacker takes for the last features of samples with these labels: (dL/dW)_c / (dL/db)_c of the last layer,
    /// exact where no other sample has the label c. Row-major `[batch, features]`, NaN where nothing is divided by; none if
    /// no fully connected layer with a bias ends the network.
    pub fn known_features(&self, labels: &[usize]) -> Vec<f64> {
        let classifier = self.model.net.classifier();
        let Some((classifier, bias)) = classifier.and_then(|last| last.bias.map(|bias| (last, bias))) else {
            return Vec::new();
        };
        let update = self.observed();
        let values = |at: usize| backend::values(&update.tensors()[at]);
        let (weight, bias) = (values(classifier.weight), values(bias));
        let of_label = |&label: &usize| {
            // A network of one output has one row for both labels.
            let row = label.min(classifier.classes - 1);
            let share = if bias[row] == 0.0 { f64::NAN } else { 1.0 / bias[row] };
            weight[row * classifier.features..(row + 1) * classifier.features].iter().map(move |w| w * share)
        };
        labels.iter().flat_map(of_label).collect()
    }

    /// Shape of a reconstruction, `[batch, channels, height, width]`.
    pub fn shape(&self) -> [usize; 4] {
        let [channels, height, width] = self.model.net.input();
        [self.update.samples, channels, height, width]
    }
}
