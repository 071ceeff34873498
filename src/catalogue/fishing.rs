//! Fishing for user data: a classifier under which the samples of one class alone have a gradient, and a search for them.

use super::{Facts, Family, LabelUse, Need};

/// min over x of `cosine`(g(x, y), h) + a `tv`, where h is of the samples of one class alone, or of one sample after another.
pub static FISHING: Facts = Facts {
    name: "fishing",
    title: "Fishing for user data",
    source: "Wen, Geiping, Fowl, Goldblum, Goldstein, ICML 2022, arXiv 2202.00580",
    year: 2022,
    family: Family::Isolating,
    labels: LabelUse::Needs,
    needs: &[Need::Manipulate, Need::OneGradient],
    threat_model: 'F',
    bounds: "samples that share the class; what a search makes of one sample's gradient; a client that looks at the model sees it",
    recipe: r#"
labels = "given"
target = "rarest"
queries = 100
distance = "cosine"
box = true
optimiser = { kind = "adam", signed = true, lr = 0.1, decay = "step" }
iterations = 4800
"#,
};
