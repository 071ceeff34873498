//! The class attack: a classifier that takes no sample for one class, and whose other rows are zero. The loss of a sample of that class
//! alone depends on what lies below the classifier.

use super::{BIAS, NO_CLASSIFIER, classifier, counted, own_row};
use crate::attack::AttackError;
use crate::attack::craft::{Craft, Honest};
use crate::backend;
use crate::fl::{AttackerView, Client, Knowledge, Protocol, Update};
use crate::model::Model;

/// What the row of the class is times, as published.
const ROW: f64 = 0.5;

/// The honest model with another classifier.
pub fn craft(class: usize, honest: &Honest<'_>) -> Result<Craft, String> {
    let Honest { model, .. } = honest;
    let (last, bias) =
        classifier(&model.net).ok_or("no fully connected layer with a bias ends this model")?;
    let specs = model.net.parameter_specs();
    let (weight, bias) = (&specs[last.weight].name, &specs[bias].name);
    let parameters = model.parameters.mapped(|spec, values| {
        let row = values.len() / last.classes;
        for (at, values) in values.chunks_mut(row.max(1)).enumerate() {
            if spec.name == *weight {
                values.iter_mut().for_each(|value| *value *= if at == class { ROW } else { 0.0 });
            } else if spec.name == *bias && at != class {
                values.fill(BIAS);
            }
        }
    });
    let changed = parameters.clone().combine(1.0, &model.parameters, -1.0).norm() / model.parameters.norm();
    let words = vec![format!(
        "sent instead of the honest model: of {weight} [{}, {}] the row of class {class} is half of what it was and all others are \
         zero, {bias} is {BIAS} for all others; the parameters moved by {changed:.1} times their norm",
        last.classes, last.features
    )];
    let model = Model { net: model.net.clone(), parameters, buffers: model.buffers.clone() };
    Ok(Craft { model, own: Vec::new(), words })
}

/// What is seen of the samples of this class, as if they alone were the batch, and what to say of it. Of the classifier their own row
/// is left: those of other classes hold something of every sample.
///
/// # Errors
/// If nothing is seen of them.
pub fn isolated(view: &AttackerView, class: usize) -> Result<(AttackerView, String), AttackError> {
    let model = &view.model;
    let (last, bias) =
        classifier(&model.net).ok_or_else(|| AttackError::Unsolved { why: NO_CLASSIFIER.to_owned() })?;
    let labels = view.knowledge.labels.as_ref().ok_or(AttackError::NoLabels)?;
    let (batch, protocol) = (view.update.samples, &view.knowledge.protocol);
    let samples = labels.iter().filter(|label| **label == class).count();
    let Some(client) = protocol.clients.first().filter(|_| samples > 0) else {
        return Err(AttackError::Silent { class });
    };

    let own_row = own_row(&view.update.values, &model.net, (last, bias), class);
    // What one sample counts among all, and among these alone.
    let loss = model.net.loss();
    let counted = counted(view);
    let values = view.update.values.times(&own_row).scaled(loss.share(samples, 1) / counted);
    let below = values.clone().without(&[last.weight, bias]).norm();
    if below == 0.0 {
        return Err(AttackError::Silent { class });
    }
    let seen = -backend::values(&view.update.values.tensors()[bias])[class] / counted;
    let words = format!(
        "of {batch} samples {samples} {} class {class}, and by the gradient of its bias {seen:.2} sent one to the layers below: the \
         search is for {} alone, from {:.1} times that gradient",
        if samples == 1 { "has" } else { "have" },
        if samples == 1 { "it" } else { "these" },
        loss.share(samples, 1) / counted
    );

    let alone = Client { samples: (0..samples).collect(), descent: None, ..client.clone() };
    let protocol = Protocol { clients: vec![alone], post: protocol.post.clone().then_masked(own_row) };
    // Moments that are granted are of the whole batch.
    let knowledge =
        Knowledge { labels: Some(vec![class; samples]), protocol, moments: None, ..view.knowledge.clone() };
    let update = Update { values, samples, ..view.update };
    Ok((AttackerView { update, knowledge, earlier: Vec::new(), ..view.clone() }, words))
}
