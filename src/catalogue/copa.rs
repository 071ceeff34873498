//! COPA: R-GAP's equations, and a search of what they leave open.

use super::{Facts, Family, LabelUse, Need};

/// min over z of `l2`(g(x, y), h) + a `tv`, where x is the shortest solution of the equations and what they leave open of z. Ours in
/// detail: the paper's own settings were not available.
pub static COPA: Facts = Facts {
    name: "copa",
    title: "COPA, equations completed by a search",
    source: "Chen, Campbell, arXiv 2111.10178",
    year: 2021,
    family: Family::Search,
    labels: LabelUse::Needs,
    needs: &[Need::OneGradient, Need::OneSample],
    threat_model: 'B',
    bounds: "one sample; what a prior can tell of the directions that no equation does; layers in between that are short of rank",
    recipe: r#"
labels = "given"
distance = "l2"
prior = { tv = 1e-3 }
box = true
variable = "null-space"
start = "zeros"
optimiser = { kind = "adam", lr = 0.05, decay = "step" }
iterations = 500
"#,
};
