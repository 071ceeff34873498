//! LOKI: a layer that sorts samples into bins, for every client in channels of its own, so that a sum hides nobody.

use super::{Facts, Family, LabelUse, Need};

/// Every client's convolution copies its input to channels of its own; in the sum the gradients of clients lie beside each other.
pub static LOKI: Facts = Facts {
    name: "loki",
    title: "LOKI, under secure aggregation",
    source: "Zhao, Sharma, Elkordy, Ezzeldin, Avestimehr, Bagchi, IEEE S&P 2024, arXiv 2303.12233",
    year: 2024,
    family: Family::Malicious,
    labels: LabelUse::Without,
    needs: &[Need::Manipulate, Need::Choose, Need::OneGradient, Need::Pictures],
    threat_model: 'H',
    bounds: "bins against the batch of a client; clients that compare their models see that they differ",
    recipe: r#"
bins = 128
mean = 0.45
deviation = 0.15
"#,
};
