//! What is left out of the match: numbers that are known to be sent as zero, and tensors.

use super::Transform;
use crate::model::Parameters;

/// 1 where a number is sent, 0 where it is not.
#[derive(Debug)]
pub(super) struct Mask(pub Parameters);

/// 1 where a number of this update is not zero.
pub(super) fn sent(update: &Parameters) -> Parameters {
    update.mapped(|_, values| values.iter_mut().for_each(|value| *value = f64::from(u8::from(*value != 0.0))))
}

impl Transform for Mask {
    fn forward(&self, g: &Parameters) -> Parameters {
        g.times(&self.0)
    }

    fn pull(&self, _: &Parameters, w: Parameters) -> Parameters {
        w.times(&self.0)
    }
}

/// Tensors that are not matched, by their positions: they are not sent, or what was sent of them cannot be simulated.
#[derive(Debug, Clone)]
pub(super) struct LeftOut(pub Vec<usize>);

impl Transform for LeftOut {
    fn forward(&self, g: &Parameters) -> Parameters {
        g.clone().without(&self.0)
    }

    fn pull(&self, _: &Parameters, w: Parameters) -> Parameters {
        w.without(&self.0)
    }
}
