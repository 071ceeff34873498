//! Cocktail party attack: the samples as independent components of a fully connected layer's gradient.

use super::{Facts, Family, LabelUse, Need};

/// The rows of the gradient are mixtures of as many samples as the batch has; independent components part them.
pub static CPA: Facts = Facts {
    name: "cpa",
    title: "Cocktail party attack",
    source: "Kariyappa et al., ICML 2023, arXiv 2209.05578",
    year: 2023,
    family: Family::Analytic,
    labels: LabelUse::Without,
    needs: &[Need::OneGradient, Need::FullyConnected],
    threat_model: 'A',
    bounds: "how independent the samples are of each other; the layer must be the first, and have a bias",
    recipe: "",
};
