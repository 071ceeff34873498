//! Deep Leakage from Gradients: image and soft label are optimised together.

use super::{Facts, Family, LabelUse};

/// min over x, u of `l2`(g(x, softmax(u)), h).
pub static DLG: Facts = Facts {
    name: "dlg",
    title: "Deep Leakage from Gradients",
    source: "Zhu, Liu, Han, NeurIPS 2019, arXiv 1906.08935",
    year: 2019,
    family: Family::Search,
    labels: LabelUse::Optimises,
    needs: &[],
    threat_model: 'A',
    bounds: "batch size, resolution, non-smooth activations, trained weights; strongly seed dependent",
    recipe: r#"
labels = "optimise"
distance = "l2"
optimiser = { kind = "lbfgs", lr = 1.0 }
iterations = 300
"#,
};
