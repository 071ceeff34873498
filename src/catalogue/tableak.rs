//! TabLeak: fields of tables through softmax and sigmoid, an ensemble, its agreement as confidence.

use super::{Facts, Family, LabelUse, Need};

/// min over z of `cosine`(g(x(z), y), h), where x(z) is a softmax for each field of words and a sigmoid for each number.
pub static TABLEAK: Facts = Facts {
    name: "tableak",
    title: "TabLeak",
    source: "Vero, Balunović, Dimitrov, Vechev, ICML 2023, arXiv 2210.01785",
    year: 2023,
    family: Family::Search,
    labels: LabelUse::Needs,
    needs: &[Need::Rows],
    threat_model: 'B',
    bounds: "numbers more than words; batch size",
    recipe: r#"
labels = "given"
distance = "cosine"
variable = "fields"
start = "uniform"
optimiser = { kind = "adam", signed = true, lr = 0.06 }
members = 30
iterations = 1500
"#,
};
