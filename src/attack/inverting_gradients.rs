//! Inverting Gradients: cosine distance, total variation, signed Adam, a box.

use super::matching::LabelVariable;
use super::{Attack, AttackError, label, restarts};
use crate::config::Labels;
use crate::fl::LabelKnowledge;

/// Geiping, Bauermeister, Dröge, Moeller 2020. Needs labels: granted, or inferred for batches of one.
pub const INVERTING_GRADIENTS: Attack = Attack {
    name: "inverting-gradients",
    title: "Inverting Gradients",
    source: "Geiping, Bauermeister, Dröge, Moeller, NeurIPS 2020, arXiv 2003.14053",
    check: |config| {
        match config.knowledge.labels {
        Labels::Known => Ok(()),
        Labels::Infer => label::check_inference(config),
        Labels::Optimise => Err(
            "inverting-gradients needs labels, but knowledge.labels = \"optimise\" grants none; set it to \"known\" or \"infer\", or use dlg".to_owned(),
        ),
    }
    },
    run: |task, sink| {
        let labels = match &task.view.knowledge.labels {
            LabelKnowledge::Known(labels) => labels.clone(),
            _ => vec![label::idlg(task.view).ok_or(AttackError::Labels)?],
        };
        restarts::run(task, LabelVariable::Fixed(labels), sink)
    },
};
