//! `masked-cosine`: one cosine over some of the entries, as an update that was sparsified asks for; with the absolute differences
//! there, as FedLeak (arXiv 2506.08435) has them.

use super::cosine::Cosine;
use super::{Match, Measure};
use crate::config::{Distance, Mask};
use crate::model::Parameters;

/// `cosine` of m g and m h, with a mask m that h tells, and `a |m (g - h)|_1 / |m h|_1`. That the second term is a share of what a zero
/// gradient has is ours.
#[derive(Debug)]
pub(super) struct MaskedCosine {
    mask: Parameters,
    of: Cosine,
    absolute: Option<Absolute>,
}

/// The second term.
#[derive(Debug)]
struct Absolute {
    /// m h.
    observed: Parameters,
    /// a / |m h|_1.
    factor: f64,
    /// a.
    alpha: f64,
}

impl MaskedCosine {
    pub(super) fn new(config: Distance, observed: &Parameters) -> Self {
        let mask = mask(config, observed);
        let observed = observed.times(&mask);
        let alpha = config.alpha();
        let absolute = (alpha > 0.0).then(|| {
            let size = observed.dot(&observed.signs());
            Absolute { observed: observed.clone(), factor: alpha / size, alpha }
        });
        MaskedCosine { mask, of: Cosine::new(observed), absolute }
    }
}

impl Measure for MaskedCosine {
    fn compare(&self, g: Parameters) -> Match {
        let g = g.times(&self.mask);
        let Some(Absolute { observed, factor, .. }) = &self.absolute else { return self.of.compare(g) };
        let difference = g.clone().combine(1.0, observed, -1.0);
        let signs = difference.signs();
        let (_, absolute) = difference.products(&signs);
        let Match { distance, cotangent } = self.of.compare(g);
        // Scalars know no sum.
        Match { distance: distance - absolute * -factor, cotangent: cotangent.combine(1.0, &signs, *factor) }
    }

    fn of_nothing(&self) -> f64 {
        self.of.of_nothing() + self.absolute.as_ref().map_or(0.0, |absolute| absolute.alpha)
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
