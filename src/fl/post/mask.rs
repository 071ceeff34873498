//! Numbers that are known to be sent as zero.

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
