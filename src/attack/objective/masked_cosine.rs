//! `masked-cosine`: one cosine over some of the entries, as an update that was sparsified asks for.

use super::cosine::Cosine;
use super::{Match, Measure};
use crate::config::{Distance, Mask};
use crate::model::Parameters;

/// `cosine` of m g and m h, with a mask m that h tells.
#[derive(Debug)]
pub(super) struct MaskedCosine {
    mask: Parameters,
    of: Cosine,
}

impl MaskedCosine {
    pub(super) fn new(config: Distance, observed: &Parameters) -> Self {
        let mask = mask(config, observed);
        let of = Cosine::new(observed.times(&mask));
        MaskedCosine { mask, of }
    }
}

impl Measure for MaskedCosine {
    fn compare(&self, g: Parameters) -> Match {
        self.of.compare(g.times(&self.mask))
    }

    fn of_nothing(&self) -> f64 {
        self.of.of_nothing()
    }
}

/// 1 where an entry counts, 0 elsewhere.
fn mask(config: Distance, observed: &Parameters) -> Parameters {
    match config.mask.unwrap_or_default() {
        Mask::NonZero => observed.mapped(|_, values| {
            values.iter_mut().for_each(|value| *value = f64::from(u8::from(*value != 0.0)));
        }),
        Mask::TopK => observed.mapped(|_, values| {
            let mask = largest(values, config.keep());
            values.copy_from_slice(&mask);
        }),
        Mask::TopKWhole => {
            let whole: Vec<f64> = observed.host().iter().flat_map(|data| data.iter::<f64>()).collect();
            let mut rest = largest(&whole, config.keep()).into_iter();
            observed.mapped(|_, values| {
                values.iter_mut().zip(&mut rest).for_each(|(value, mask)| *value = mask);
            })
        }
    }
}

/// 1 at this share of the entries, rounded up, the largest by size; of equal ones the first.
fn largest(values: &[f64], share: f64) -> Vec<f64> {
    // A share such as 0.07 of 100 is 7, not 7.000000000000001.
    let count = ((share * values.len() as f64 - 1e-9).ceil() as usize).clamp(1, values.len());
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[b].abs().total_cmp(&values[a].abs()));
    let mut mask = vec![0.0; values.len()];
    order[..count].iter().for_each(|&i| mask[i] = 1.0);
    mask
}
