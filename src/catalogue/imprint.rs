//! Robbing the Fed: a layer in front of the network that sorts samples into bins.

use super::{Facts, Family, LabelUse, Need};

/// Rows that all measure the mean of the input, with biases at increasing quantiles; what lies between two of them is
/// the difference of their gradients.
pub static IMPRINT: Facts = Facts {
    name: "imprint",
    title: "Robbing the Fed, imprint layer",
    source: "Fowl, Geiping, Czaja, Goldblum, Goldstein, ICLR 2022, arXiv 2110.13057",
    year: 2022,
    family: Family::Malicious,
    labels: LabelUse::Without,
    needs: &[Need::Manipulate, Need::OneGradient],
    threat_model: 'F',
    bounds: "bins against batch size; a client that looks at the model sees the layer",
    recipe: r#"
bins = 128
variant = "linear"
mean = 0.45
deviation = 0.15
"#,
};
