//! SAPAG: a Gaussian kernel on each tensor.

use super::{Facts, Family, LabelUse};

/// min over x and label logits of `gauss`(g(x, y), h). The kernel's widths, s^2 = sum (h - mean h)^2 of each tensor, are ours: the
/// paper adapts them to the gradient's variance.
pub static SAPAG: Facts = Facts {
    name: "sapag",
    title: "SAPAG, self-adaptive privacy attack from gradients",
    source: "Wang et al., arXiv 2009.06228",
    year: 2020,
    family: Family::Search,
    labels: LabelUse::Optimises,
    needs: &[],
    threat_model: 'A',
    bounds: "as DLG; the kernel is flat far from the solution",
    recipe: r#"
labels = "optimise"
distance = "gauss"
optimiser = { kind = "adam", lr = 0.1 }
iterations = 1000
"#,
};
