//! Improved DLG: the label is read off the gradient, then the image alone is optimised.

use super::matching::LabelVariable;
use super::{Attack, AttackError, label, restarts};
use crate::config::Labels;

/// Zhao, Mopuri, Bilen 2020: for batches of one with hard labels.
pub const IDLG: Attack = Attack {
    name: "idlg",
    title: "Improved Deep Leakage from Gradients",
    source: "Zhao, Mopuri, Bilen 2020, arXiv 2001.02610",
    check: |config| {
        if config.knowledge.labels != Labels::Infer {
            return Err(format!(
                "idlg infers the label, but knowledge.labels = \"{}\"; set it to \"infer\"",
                config.knowledge.labels.key()
            ));
        }
        label::check_inference(config)
    },
    run: |task, sink| {
        let label = label::idlg(task.view).ok_or(AttackError::Labels)?;
        restarts::run(task, LabelVariable::Fixed(vec![label]), sink)
    },
};
