//! GIFD: codes of a generator, then its features layer by layer.

use super::{Facts, Family, LabelUse, Need};

/// min over codes z, then over the features behind each of the generator's layers in a ball of the l1 norm, of
/// `cosine`(g(x, y), h) + a `tv` + b `l2norm`; the answer is the stage with the smallest objective.
pub static GIFD: Facts = Facts {
    name: "gifd",
    title: "GIFD, feature domain optimisation",
    source: "Fang et al., ICCV 2023, arXiv 2308.04699",
    year: 2023,
    family: Family::Latent,
    labels: LabelUse::Needs,
    needs: &[Need::Generator],
    threat_model: 'D',
    bounds: "what the generator was trained on; what it makes without any gradient",
    recipe: r#"
labels = "given"
distance = "cosine"
variable = "latent"
prior = { tv = 1e-4, l2norm = 1e-6 }
optimiser = { kind = "adam", lr = 0.1, decay = "cosine" }
iterations = 300
then = [
    { variable = { features = 1 }, iterations = 200, lr = 0.1, radius = 1000.0 },
    { variable = { features = 2 }, iterations = 200, lr = 0.1, radius = 2000.0 },
    { variable = { features = 3 }, iterations = 200, lr = 0.1, radius = 4000.0 },
]
answer = "best"
"#,
};
