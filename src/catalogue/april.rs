//! APRIL: the tokens of a vision transformer from the gradients of its first attention and of its positions.

use super::{Facts, Family, LabelUse, Need};

/// A^T z = W_q^T dW_q + W_k^T dW_k + W_v^T dW_v with A the gradient to the positions.
pub static APRIL: Facts = Facts {
    name: "april",
    title: "APRIL, closed form",
    source: "Lu, Lyu, Zhang, Jia, CVPR 2022, arXiv 2112.14087",
    year: 2022,
    family: Family::Analytic,
    labels: LabelUse::Without,
    needs: &[Need::OneGradient, Need::OneSample, Need::Pictures],
    threat_model: 'A',
    bounds: "attention on the embedded patches themselves, no LayerNorm before it and no skip around it; no more tokens than features",
    recipe: "",
};
