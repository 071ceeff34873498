//! Dimitrov et al.: the samples of every local epoch by themselves.

use super::{Facts, Family, LabelUse, Need};

/// min over the samples of every epoch of `l2`(update, h) with layers weighted e^-l, + `tv` + `clip-box` + w `order-inv`: which samples
/// share a batch is not known, so that an epoch has samples of its own, tied by what does not hang on their order. The epochs'
/// answers are brought into one order and averaged.
pub static DIMITROV: Facts = Facts {
    name: "dimitrov",
    title: "Data Leakage in Federated Averaging",
    source: "Dimitrov et al., TMLR 2022, arXiv 2206.12395",
    year: 2022,
    family: Family::Search,
    labels: LabelUse::Needs,
    needs: &[Need::LocalSteps, Need::LocalKnowledge, Need::Pictures],
    threat_model: 'C',
    bounds: "many local steps, large batches, labels that cannot be told by step",
    recipe: r#"
labels = "given"
distance = "cosine"
variable = "epochs"
prior = { tv = 1e-3, clip-box = 1.0, order-inv = 0.1 }
box = true
optimiser = { kind = "adam", signed = true, lr = 0.1, decay = "step" }
iterations = 1000
"#,
};
