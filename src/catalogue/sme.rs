//! SME: one gradient between the weights before and after local training.

use super::{Facts, Family, LabelUse, Need};

/// min over x and alpha of `cosine`(g(x; theta_s), theta_0 - theta_K) + a `tv`, theta_s = (1 - alpha) theta_0 + alpha theta_K: one
/// gradient at one surrogate model stands for all local steps.
pub static SME: Facts = Facts {
    name: "sme",
    title: "SME, surrogate model extension",
    source: "Zhu, Yao, Blaschko, ICML 2023, PMLR 202",
    year: 2023,
    family: Family::Search,
    labels: LabelUse::Needs,
    needs: &[Need::LocalSteps, Need::Pictures],
    threat_model: 'B',
    bounds: "local training that bends away from a straight line",
    recipe: r#"
labels = "given"
distance = "cosine"
surrogate = 0.5
prior = { tv = 5e-3 }
box = true
optimiser = { kind = "adam", signed = true, lr = 0.1, decay = "step" }
iterations = 1000
"#,
};
