//! ROG: a small picture, enlarged inside the loss.

use super::{Facts, Family, LabelUse, Need};

/// min over a picture of a fraction of the side of `l2`(update(up(z), y), h), enlarged by cubic curves inside the loss. The enhancing
/// network of the paper is whatever `knowledge.enhancer` names: it needs data of its own.
pub static ROG: Facts = Facts {
    name: "rog",
    title: "ROG, reconstruction from obfuscated gradients",
    source: "Yue et al., USENIX Security 2023, arXiv 2206.04055",
    year: 2023,
    family: Family::Search,
    labels: LabelUse::Needs,
    needs: &[Need::Pictures],
    threat_model: 'B',
    bounds: "details finer than the code; what an enhancing network adds is its own",
    recipe: r#"
labels = "given"
distance = "cosine"
variable = { low-resolution = 2 }
box = true
optimiser = { kind = "adam", signed = true, lr = 0.05, decay = "cosine" }
iterations = 300
"#,
};
