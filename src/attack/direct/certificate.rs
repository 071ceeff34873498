//! A certificate that needs no truth: whether what was found has the whole gradient that was sent.

use crate::fl::{At, AttackerView};
use crate::model::Targets;

/// A gradient that differs by less than this share of its norm is the same, but for rounding. Ours.
const SAME: f64 = 1e-3;

/// Norm of the difference between the update of these samples and the one that was sent, as a share of the latter's norm.
pub(super) fn difference(view: &AttackerView, samples: &[f64], labels: &[usize]) -> f64 {
    let x = view.compute.tensor(samples, view.shape());
    let targets = Targets::hard(&view.compute, labels, view.model.net.classes());
    let at = At { model: &view.model, mode: view.knowledge.batch_norm, x: &x, targets: &targets };
    let sent = view.observed();
    let norm = sent.norm();
    view.knowledge.protocol.simulate(at).gradient.combine(1.0, &sent, -1.0).norm() / norm
}

/// What that says.
pub(super) fn in_words(difference: f64) -> String {
    if difference < SAME {
        // Smaller than rounding is rounding.
        let off = difference.max(f64::EPSILON);
        format!(
            "certificate: what was found has the whole gradient that was sent, to {off:.0e} of its norm; that needs no truth"
        )
    } else {
        format!(
            "no certificate: the gradient of what was found is off by {:.0} % of the norm that was sent",
            100.0 * difference.min(99.0)
        )
    }
}

/// Whether it is the gradient that was sent.
pub(super) fn holds(difference: f64) -> bool {
    difference < SAME
}
