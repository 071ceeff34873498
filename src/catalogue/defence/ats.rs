//! ATS: pictures are augmented by a policy that was searched for hiding them.

use super::{Defence, Parameter, Stage, Takes};

/// For every sample one of the policies, drawn: its operations in their order, on 8-bit pictures. Fifty operations by number.
pub static ATS: Defence = Defence {
    name: "ats",
    also: &["augmentation", "ats-privacy", "automatic-transformation-search"],
    title: "ATS",
    source: "Gao et al., CVPR 2021, arXiv 2011.12505",
    year: 2020,
    stage: Stage::Data,
    about: "augments every picture by a policy drawn of those listed, labels unchanged: shifts, contrast, brightness, ...",
    parameters: &[Parameter {
        name: "policy",
        about: "policies of operations by the paper's numbers, 0 to 49: 3-1-7 shifts to the side, changes contrast, shifts up or down",
        unit: "",
        takes: Takes::Policies,
        default: None,
    }],
    adaptive: "reconstruct the augmented picture, whose content is in sight; a shift found beside it (two replications, ReScience \
               2022) moves it back",
};
