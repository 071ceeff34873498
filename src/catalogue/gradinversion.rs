//! GradInversion: BatchNorm statistics and the agreement of several candidates guide the search.

use super::{Facts, Family, LabelUse, Need};

/// a_G sum over tensors of |g - h| + a_tv `tv` + a_l2 `l2norm` + a_bn `bn` + a_grp `group`, over several candidates at
/// once. The weights are ours, as are the signs of the gradient in Adam: published ones are for sums over the pixels of
/// ImageNet and for trained networks. Larger weights of `bn` find textures of the right spectrum in the wrong places.
pub static GRADINVERSION: Facts = Facts {
    name: "gradinversion",
    title: "GradInversion, See Through Gradients",
    source: "Yin, Mallya, Vahdat, Alvarez, Kautz, Molchanov, CVPR 2021, arXiv 2104.07586",
    year: 2021,
    family: Family::Search,
    labels: LabelUse::Needs,
    needs: &[Need::BatchNorm],
    threat_model: 'E',
    bounds: "quality as published needs the batch's own BatchNorm statistics; no repeated labels",
    recipe: r#"
labels = { rule = "yin" }
distance = "layer-l2"
prior = { tv = 0.01, l2norm = 1e-4, bn = 1e-4, group = 1e-5 }
box = true
optimiser = { kind = "adam", signed = true, lr = 0.1, decay = "cosine" }
members = 4
iterations = 2000
"#,
};
