//! iDLG's rule: of one sample, the only class whose gradient points against the features.

use super::counts::by_pull;
use super::{Answer, Need, Rule};

/// The class whose row has the smallest sum; of a single output label 1, if the sum is negative.
pub const IDLG: Rule = Rule {
    name: "idlg",
    source: "Zhao, Mopuri, Bilen 2020, arXiv 2001.02610",
    needs: &[Need::OneSample, Need::LabelAlonePulls, Need::PositiveSums],
    read: |evidence| {
        let sums = evidence.row_sums();
        Ok(Answer::of(match sums.as_slice() {
            [single] => vec![usize::from(*single < 0.0)],
            sums => by_pull(sums).into_iter().take(1).collect(),
        }))
    },
};
