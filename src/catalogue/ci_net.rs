//! CI-Net: the weights of an untrained generator.

use super::{Facts, Family, LabelUse, Need};

/// min over the weights w of a generator that nobody trained, at codes that stay, of `cosine`(g(G(w), y), h) + a `tv`. The network is
/// ours: three convolutions from a map of a quarter of the side, with more weights than the picture has pixels.
pub static CI_NET: Facts = Facts {
    name: "ci-net",
    title: "CI-Net, over-parameterised networks",
    source: "ICCV 2023, pp. 5126-5135",
    year: 2023,
    family: Family::Latent,
    labels: LabelUse::Needs,
    needs: &[Need::Pictures],
    threat_model: 'B',
    bounds: "victims without Sigmoid, large batches, repeated labels",
    recipe: r#"
labels = "given"
distance = "cosine"
variable = "untrained"
prior = { tv = 1e-4 }
optimiser = { kind = "adam", lr = 1e-3, decay = "cosine" }
iterations = 1000
"#,
};
