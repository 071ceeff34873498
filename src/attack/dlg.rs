//! Deep Leakage from Gradients: image and soft label are optimised together.

use super::{Attack, label, restarts};
use crate::config::Labels;

/// Zhu, Liu, Han 2019: min over x, u of `l2`(g(x, softmax(u)), h).
pub const DLG: Attack = Attack {
    name: "dlg",
    title: "Deep Leakage from Gradients",
    source: "Zhu, Liu, Han, NeurIPS 2019, arXiv 1906.08935",
    check: |config| match &config.attack.labels {
        Labels::Optimise => Ok(()),
        other => Err(format!(
            "dlg optimises the labels with the image, but attack.labels = {}; set it to \"optimise\", or use idlg or inverting-gradients",
            other.key()
        )),
    },
    run: |task, sink| {
        let labels = label::variable(&task, sink)?;
        restarts::run(task, labels, sink)
    },
};
