//! Improved DLG: the label is read off the gradient, then the image alone is optimised.

use super::{Facts, Family, LabelUse};

/// For batches of one with hard labels.
pub static IDLG: Facts = Facts {
    name: "idlg",
    title: "Improved Deep Leakage from Gradients",
    source: "Zhao, Mopuri, Bilen 2020, arXiv 2001.02610",
    year: 2020,
    family: Family::Search,
    labels: LabelUse::Reads("idlg"),
    needs: &[],
    threat_model: 'A',
    bounds: "one sample, hard label, non-negative last features",
    recipe: r#"
labels = { rule = "idlg" }
distance = "l2"
optimiser = { kind = "lbfgs", lr = 1.0 }
iterations = 300
"#,
};
