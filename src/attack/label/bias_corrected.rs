//! Labels counted on the gradient to the bias.

use super::counts::{negative_sum, taken};
use super::{Answer, Need, Rule};

/// What all labels pull together is shared among the samples: each takes its share off its class.
pub const BIAS_CORRECTED: Rule = Rule {
    name: "bias-corrected",
    source: "the rule of Wainakh et al., PoPETs 2022, on the gradient to the bias",
    needs: &[Need::ScorePerClass, Need::SoftmaxCrossEntropy, Need::Bias],
    read: |evidence| {
        let pull = evidence.to_bias.clone().unwrap_or_default();
        let step = negative_sum(&pull) / evidence.samples as f64;
        taken(pull, step, evidence.samples).map(Answer::of)
    },
};
