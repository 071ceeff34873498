//! GradInversion's rule: as many different classes as there are samples.

use super::counts::by_pull;
use super::{Answer, Need, Rule};

/// The B classes with the smallest entries of the gradient to W.
pub const YIN: Rule = Rule {
    name: "yin",
    source: "Yin et al., CVPR 2021 (GradInversion)",
    needs: &[Need::ScorePerClass, Need::SoftmaxCrossEntropy, Need::UniqueLabels, Need::NonNegativeFeatures],
    read: |evidence| {
        let rows = evidence.to_weight.chunks(evidence.features);
        let least: Vec<f64> = rows.map(|row| row.iter().copied().fold(f64::INFINITY, f64::min)).collect();
        Ok(Answer::of(by_pull(&least).into_iter().take(evidence.samples).collect()))
    },
};
