//! Fishing for user data (Wen et al. 2022): a classifier under which few samples of a batch have a gradient below it, however large
//! the batch. Any search recovers these as if they had been the batch.
//!
//! The class attack ([`class`]) asks once, for the samples of one class; the feature attack ([`each`]) asks a client several times
//! and tells all its samples apart.

mod class;
mod each;

pub(super) use class::{craft, isolated};
pub(super) use each::each;

use crate::config::{BatchNormMode, Labels, Loss, RunConfig, Target};
use crate::fl::AttackerView;
use crate::model::{Classifier, Net, Parameters};

/// Biases of all other classes, as published: next to them no score of the one class counts.
const BIAS: f64 = 1000.0;

/// What fishing is told of a model that has no such layer.
const NO_CLASSIFIER: &str = "no fully connected layer with a bias ends the model that was sent";

/// The classifier with its bias.
fn classifier(net: &Net) -> Option<(Classifier, usize)> {
    let last = net.classifier().filter(|last| last.classes > 1)?;
    Some((last, last.bias?))
}

/// Whether a class can be singled out by the classifier of a network.
///
/// # Errors
/// One sentence that says why not.
pub(super) fn check(config: &RunConfig, net: &Net) -> Result<(), String> {
    let each = config.attack.search().is_some_and(|search| search.target == Some(Target::Each));
    let why = if classifier(net).is_none() {
        "changes the rows of a fully connected layer with a bias that ends a network, one for each of several classes, which this \
         model has not; choose a model that has (lenet, convnet64), or attack with imprint"
    } else if !matches!(config.victim.loss, Loss::Ce | Loss::CeSum) {
        "silences samples by the softmax of cross-entropy with hard labels, which is not the loss here; set victim.loss = \
         \"ce\", or attack with imprint"
    } else if config.victim.mode == BatchNormMode::Train && !net.buffer_specs().is_empty() {
        "parts the samples of one class from the others, which BatchNorm in train mode joins; set victim.mode = \"eval\", or \
         choose a model without it"
    } else if config.attack.labels != Labels::Given {
        "chooses a class by the labels of the batch; set attack.labels = \"given\" and knowledge.labels = true"
    } else if config.knowledge.same_batch {
        "matches the update of one round, whose model was made for it; set knowledge.same_batch = false"
    } else if each && !config.post.is_empty() {
        "tells samples apart by differences of updates, which are taken without post-processing here; remove post, or set \
         attack.target = \"rarest\""
    } else {
        return Ok(());
    };
    Err(format!("fishing {why}"))
}

/// 1 where an update holds something of the samples that were singled out alone: everywhere but in the rows of the classifier that are
/// of other classes.
fn own_row(update: &Parameters, net: &Net, (last, bias): (Classifier, usize), class: usize) -> Parameters {
    let specs = net.parameter_specs();
    update.mapped(|spec, values| {
        let is_classifier = [last.weight, bias].iter().any(|at| specs[*at].name == spec.name);
        let row = values.len() / last.classes;
        for (at, values) in values.chunks_mut(row.max(1)).enumerate() {
            values.fill(f64::from(u8::from(!is_classifier || at == class)));
        }
    })
}

/// What one sample counts in an update.
fn counted(view: &AttackerView) -> f64 {
    let loss = view.model.net.loss();
    let own = view.knowledge.protocol.clients.first().map_or(1, |client| client.samples.len());
    loss.share(own, 1) * own as f64 / view.update.samples as f64
}

#[cfg(test)]
mod tests;
