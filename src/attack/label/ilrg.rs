//! iLRG: counts from the linear system that features and scores of each class would have to fulfil.

use faer::Mat;
use faer::linalg::solvers::SolveLstsq;

use super::counts::rounded;
use super::evidence::softmax;
use super::{Answer, Evidence, Need, Rule};

/// From this condition on the rounding of an update in 32 bit may move a count. Ours.
const ILL_CONDITIONED: f64 = 1e5;

/// e_c = dW_c / db_c stands for the features of class c and p_c for its softmax; then sum_c k_c = B, and
/// sum_c k_c p_c\[i\] - k_i = B db_i for every class i, in the least squares.
pub const ILRG: Rule = Rule {
    name: "ilrg",
    source: "Ma et al., ICLR 2023",
    needs: &[Need::ScorePerClass, Need::SoftmaxCrossEntropy, Need::Bias, Need::Scale],
    read: |evidence| {
        let Solution { raw, condition } = solve(evidence)?;
        let labels = rounded(&raw, evidence.samples)?;
        let doubt = (condition > ILL_CONDITIONED)
            .then(|| format!("the system of equations has condition {condition:.0e}: counts may be off"));
        Ok(Answer { labels, doubt })
    },
};

/// The counts as real numbers, and how much of an error they make of one of the update.
pub(super) struct Solution {
    pub raw: Vec<f64>,
    pub condition: f64,
}

pub(super) fn solve(evidence: &Evidence<'_>) -> Result<Solution, String> {
    let (classes, samples) = (evidence.classes, evidence.samples as f64);
    let pull = evidence.to_bias.as_deref().unwrap_or_default();
    let mut system = Mat::from_fn(classes + 1, classes, |row, _| if row == 0 { 1.0 } else { 0.0 });
    for (class, (row, db)) in evidence.to_weight.chunks(evidence.features).zip(pull).enumerate() {
        // A class without any gradient says nothing of its features.
        let features: Vec<f64> = row.iter().map(|dw| if *db == 0.0 { 0.0 } else { dw / db }).collect();
        let p = softmax(&evidence.weight, evidence.bias.as_deref(), &features);
        for (i, p) in p.iter().enumerate() {
            system[(i + 1, class)] = p - f64::from(u8::from(i == class));
        }
    }
    let known = Mat::from_fn(classes + 1, 1, |row, _| samples * if row == 0 { 1.0 } else { pull[row - 1] });
    let values = system.singular_values().ok().filter(|_| known.is_all_finite());
    let values = values.ok_or("its equations are not finite; use another rule")?;
    let (largest, smallest) = (values[0], values[classes - 1]);
    if smallest == 0.0 {
        return Err("its equations have more than one solution; use another rule".into());
    }
    let raw = system.qr().solve_lstsq(&known);
    let raw = (0..classes).map(|class| raw[(class, 0)]).collect();
    Ok(Solution { raw, condition: largest / smallest })
}
