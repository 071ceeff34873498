//! SPEAR: exact batches, from the low rank of a layer's gradient and the zeros that ReLU leaves.

use super::{Facts, Family, LabelUse, Need};

/// dL/dW = (dL/dZ) X^T has rank B, and dL/dZ is zero wherever a ReLU is off: directions with many zeros are its columns.
pub static SPEAR: Facts = Facts {
    name: "spear",
    title: "SPEAR, exact batches",
    source: "Dimitrov, Baader, Müller, Vechev, NeurIPS 2024, arXiv 2403.03945",
    year: 2024,
    family: Family::Analytic,
    labels: LabelUse::Without,
    needs: &[Need::OneGradient, Need::FullyConnected],
    threat_model: 'A',
    bounds: "a ReLU behind the first layer, which has a bias; about 25 samples: draws double with each",
    recipe: "\ndraws = 400000\n",
};
