//! ZLG: counts from the rows of the gradient to W, with features and scores taken from random inputs.

use super::counts::rounded;
use super::{Answer, Evidence, Need, Rule};

/// k_c = B (p_c - g_c / O), with the mean softmax p and the mean sum of features O of random inputs.
pub const ZLG: Rule = Rule {
    name: "zlg",
    source: "Geng et al., arXiv 2110.09074",
    needs: &[Need::ScorePerClass, Need::SoftmaxCrossEntropy, Need::PositiveSums, Need::Scale],
    read: |evidence| rounded(&raw(evidence)?, evidence.samples).map(Answer::of),
};

/// The counts as real numbers.
pub(super) fn raw(evidence: &Evidence<'_>) -> Result<Vec<f64>, String> {
    let seen = evidence.along_the_way().filter(|seen| seen.sum > 0.0);
    let seen = seen.ok_or("random inputs have no features in front of the last layer; use ilrg")?;
    let samples = evidence.samples as f64;
    let rows = evidence.row_sums().into_iter().zip(&seen.probabilities);
    Ok(rows.map(|(g, p)| samples * (p - g / seen.sum)).collect())
}
