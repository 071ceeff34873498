//! GGL: codes of a generator by a search that needs no slope.

use super::{Facts, Family, LabelUse, Need};

/// min over codes z of `l2`(T(g(G(z, y))), h) + a `kl-z` by CMA-ES, with the label read off the update and the post-processing T that
/// is known or estimated.
pub static GGL: Facts = Facts {
    name: "ggl",
    title: "GGL, generative gradient leakage",
    source: "Li et al., CVPR 2022, arXiv 2203.15696",
    year: 2022,
    family: Family::Latent,
    labels: LabelUse::Needs,
    needs: &[Need::Generator],
    threat_model: 'D',
    bounds: "what the generator was trained on; what it makes without any gradient",
    recipe: r#"
labels = { rule = "idlg" }
distance = "l2"
variable = "latent"
prior = { kl-z = 1e-3 }
optimiser = { kind = "cma-es", lr = 0.5 }
iterations = 200
"#,
};
