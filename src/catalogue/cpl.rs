//! CPL: gradient matching from a patterned start, with the label as a regulariser.

use super::{Facts, Family, LabelUse};

/// min over x of `l2`(g(x, y), h) + a L(f(x), y): the loss is pulled on beside the gradient.
///
/// The paper's a |f(x) - y|^2 is cross entropy here, as in public re-implementations.
pub static CPL: Facts = Facts {
    name: "cpl",
    title: "CPL, client privacy leakage",
    source: "Wei, Liu, Loper et al., ESORICS 2020, arXiv 2004.10397",
    year: 2020,
    family: Family::Search,
    labels: LabelUse::Needs,
    needs: &[],
    threat_model: 'B',
    bounds: "as DLG; the label term pulls towards class prototypes once the model is trained",
    recipe: r#"
labels = "given"
distance = "l2"
prior = { loss = 1e-4 }
start = { patterned = 4 }
optimiser = { kind = "lbfgs", lr = 1.0 }
iterations = 300
"#,
};
