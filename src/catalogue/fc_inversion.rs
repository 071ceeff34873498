//! FC inversion: the input of a fully connected layer from one row of its gradient.

use super::{Facts, Family, LabelUse, Need};

/// a = (dL/dW)_i / (dL/db)_i, exact where one sample alone has a say in row i.
pub static FC_INVERSION: Facts = Facts {
    name: "fc-inversion",
    title: "Analytic inversion of a fully connected layer",
    source: "Phong, Aono, Hayashi, Wang, Moriai, ATIS 2017, ePrint 2017/715; Geiping et al., NeurIPS 2020",
    year: 2017,
    family: Family::Analytic,
    labels: LabelUse::Without,
    needs: &[Need::OneGradient, Need::FullyConnected],
    threat_model: 'A',
    bounds: "exact only where one sample alone activates a row; the layer must be the first, and have a bias",
    recipe: "",
};
