//! Inverting Gradients: cosine distance, total variation, signed Adam, a box.

use super::{Attack, label, restarts};
use crate::config::Labels;

/// Geiping, Bauermeister, Dröge, Moeller 2020. Needs labels: given, or read by a rule.
pub const INVERTING_GRADIENTS: Attack = Attack {
    name: "inverting-gradients",
    title: "Inverting Gradients",
    source: "Geiping, Bauermeister, Dröge, Moeller, NeurIPS 2020, arXiv 2003.14053",
    check: |config| {
        match config.attack.labels {
        Labels::Optimise => Err(
            "inverting-gradients needs labels, but attack.labels = \"optimise\"; set it to \"given\" or { rule = \"ilrg\" }, or use dlg"
                .to_owned(),
        ),
        Labels::Given | Labels::Rule(_) => label::check(config),
    }
    },
    run: |task, sink| {
        let labels = label::variable(&task, sink)?;
        restarts::run(task, labels, sink)
    },
};
