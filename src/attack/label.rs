//! Labels read off the gradient of the last layer.

use crate::config::{Loss, RunConfig};
use crate::fl::AttackerView;

/// iDLG's rule (Zhao et al. 2020): the class whose row of the last weight gradient has the smallest sum; of a single
/// output label 1, if its only row's sum is negative. Exact for one sample, hard labels and non-negative last features.
pub fn idlg(view: &AttackerView) -> Option<usize> {
    let observed = view.observed();
    let specs = observed.specs();
    // The last matrix is the classifier: [classes, features].
    let classifier = specs.iter().rposition(|spec| spec.shape.len() == 2)?;
    if view.model.net.frozen().contains(&classifier) {
        return None;
    }
    let gradient = crate::backend::values(&observed.tensors()[classifier]);
    let features = specs[classifier].shape[1];
    if gradient.len() == features {
        return Some(usize::from(gradient.iter().sum::<f64>() < 0.0));
    }
    gradient
        .chunks(features)
        .map(|row| row.iter().sum::<f64>())
        .enumerate()
        .min_by(|a, b| a.1.total_cmp(&b.1))
        .map(|(class, _)| class)
}

/// Whether [`idlg`]'s rule applies to a run: it reads one label.
pub fn check_inference(config: &RunConfig) -> Result<(), String> {
    match config.batch() {
        _ if matches!(config.victim.loss, Loss::Mse | Loss::MseSoftmax) => Err(format!(
            "knowledge.labels = \"infer\" reads the label where it alone pulls its score up, which the {} does not do; grant the labels with \"known\" or optimise them",
            config.victim.loss.name()
        )),
        1 => Ok(()),
        batch => Err(format!(
            "knowledge.labels = \"infer\" reads the label of a single sample, but the batch has {batch}; grant the labels with \"known\" or attack one sample"
        )),
    }
}
