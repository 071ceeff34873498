//! Inverting Gradients: cosine distance, total variation, signed Adam, a box.

use super::{Facts, Family, LabelUse};

/// min over x of `cosine`(g(x, y), h) + a `tv`.
pub static INVERTING_GRADIENTS: Facts = Facts {
    name: "inverting-gradients",
    title: "Inverting Gradients",
    source: "Geiping, Bauermeister, Dröge, Moeller, NeurIPS 2020, arXiv 2003.14053",
    year: 2020,
    family: Family::Search,
    labels: LabelUse::Needs,
    needs: &[],
    threat_model: 'B',
    bounds: "batch size, resolution, trained weights, deep nets, repeated labels, several local steps",
    recipe: r#"
labels = "given"
distance = "cosine"
box = true
optimiser = { kind = "adam", signed = true, lr = 0.1, decay = "step" }
iterations = 4800
"#,
};
