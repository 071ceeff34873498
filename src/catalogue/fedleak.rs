//! FedLeak: an untrained generator, half of the gradient, a flatter path.

use super::{Facts, Family, LabelUse, Need};

/// As CI-Net, on the larger half of the gradient's entries (`masked-cosine`, the l1 term of the paper left out) and with a step that
/// mixes the gradient with the one a little further up its slope, which penalises the gradient's norm.
pub static FEDLEAK: Facts = Facts {
    name: "fedleak",
    title: "FedLeak, boosting gradient leakage attacks",
    source: "USENIX Security 2025, arXiv 2506.08435",
    year: 2025,
    family: Family::Latent,
    labels: LabelUse::Needs,
    needs: &[Need::Pictures],
    threat_model: 'B',
    bounds: "the published demonstration has Sigmoid for ReLU, given labels, and chooses by the truth",
    recipe: r#"
labels = "given"
distance = { kind = "masked-cosine", mask = "top-k-whole", keep = 0.5 }
variable = "untrained"
prior = { tv = 1e-5 }
optimiser = { kind = "adam", signed = true, lr = 1e-3, decay = "cosine", ahead = 0.3 }
iterations = 500
"#,
};
