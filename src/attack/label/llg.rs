//! LLG: labels counted on the rows of the gradient to W.

use super::counts::{negative_sum, taken};
use super::{Answer, Need, Rule};

/// As published, with the impact of a label from the update itself and without offsets.
pub const LLG: Rule = Rule {
    name: "llg",
    source: "Wainakh et al., PoPETs 2022",
    needs: &[Need::ScorePerClass, Need::SoftmaxCrossEntropy, Need::PositiveSums],
    read: |evidence| {
        let pull = evidence.row_sums();
        let classes = evidence.classes as f64;
        let step = (1.0 + 1.0 / classes) * negative_sum(&pull) / evidence.samples as f64;
        taken(pull, step, evidence.samples).map(Answer::of)
    },
};
