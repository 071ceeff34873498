//! Improved DLG: the label is read off the gradient, then the image alone is optimised.

use super::{Attack, label, restarts};
use crate::config::Labels;

/// Zhao, Mopuri, Bilen 2020: for batches of one with hard labels.
pub const IDLG: Attack = Attack {
    name: "idlg",
    title: "Improved Deep Leakage from Gradients",
    source: "Zhao, Mopuri, Bilen 2020, arXiv 2001.02610",
    check: |config| match &config.attack.labels {
        Labels::Rule(rule) if rule == "idlg" => label::check(config),
        other => Err(format!(
            "idlg reads the label by its own rule, but attack.labels = {}; set it to {{ rule = \"idlg\" }}, or use inverting-gradients",
            other.key()
        )),
    },
    run: |task, sink| {
        let labels = label::variable(&task, sink)?;
        restarts::run(task, labels, sink)
    },
};
