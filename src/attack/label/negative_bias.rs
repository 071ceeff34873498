//! The classes that pull their score up: which are there, not how often.

use super::{Answer, Need, Rule};

/// Every class with a negative gradient to its bias. Misses those that are there less often than the model expects.
pub const NEGATIVE_BIAS: Rule = Rule {
    name: "negative-bias",
    source: "the first half of Wainakh et al., PoPETs 2022, on the gradient to the bias",
    needs: &[Need::ScorePerClass, Need::LabelAlonePulls, Need::Bias],
    read: |evidence| {
        let pull = evidence.to_bias.iter().flatten().enumerate();
        Ok(Answer::of(pull.filter(|(_, pull)| **pull < 0.0).map(|(class, _)| class).collect()))
    },
};
