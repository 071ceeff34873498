//! R-GAP: from the logit down to the input, a linear system for every layer.

use super::{Facts, Family, LabelUse, Need};

/// The logit gives the gradient to the last layer's output; each layer's input then solves its own gradient and its own output.
pub static R_GAP: Facts = Facts {
    name: "r-gap",
    title: "R-GAP, layer by layer",
    source: "Zhu, Blaschko, ICLR 2021, arXiv 2010.07733",
    year: 2021,
    family: Family::Analytic,
    labels: LabelUse::Without,
    needs: &[Need::OneGradient, Need::OneSample],
    threat_model: 'A',
    bounds: "rank of every layer's equations; activations that can be inverted; neither pooling nor BatchNorm nor skips; errors grow downwards",
    recipe: "",
};
