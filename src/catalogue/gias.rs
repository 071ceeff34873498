//! GIAS: codes of a generator, then its weights.

use super::{Facts, Family, LabelUse, Need};

/// min over codes z, then over the generator's weights w, of `masked-cosine`(g(G(z; w), y), h) + a `tv`.
pub static GIAS: Facts = Facts {
    name: "gias",
    title: "GIAS, gradient inversion with generative image prior",
    source: "Jeon et al., NeurIPS 2021, arXiv 2110.14962",
    year: 2021,
    family: Family::Latent,
    labels: LabelUse::Needs,
    needs: &[Need::Generator],
    threat_model: 'D',
    bounds: "what the generator was trained on; what it makes without any gradient",
    recipe: r#"
labels = "given"
distance = "masked-cosine"
variable = "latent"
prior = { tv = 1e-6 }
optimiser = { kind = "adam", lr = 0.03, decay = "step" }
iterations = 300
then = [{ variable = "weights", iterations = 500, lr = 1e-3 }]
answer = "best"
"#,
};
