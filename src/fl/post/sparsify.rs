//! Sending the largest numbers alone.

use std::sync::Arc;

use rand_chacha::ChaCha8Rng;

use super::{Kind, Known, Parameter, Post, Transform};
use crate::model::Parameters;

/// Of every tensor of n numbers the n - floor(s n) largest by magnitude are kept, at least one; of equal ones the first
/// (Lin et al. 2018).
pub const SPARSIFY: Kind = Kind {
    name: "sparsify",
    about: "sends zeros instead of this share of every tensor, the smallest by magnitude",
    source: "Lin et al., ICLR 2018, arXiv 1712.01887",
    parameter: Parameter {
        name: "share",
        range: "above 0 and below 1",
        allows: |share| share > 0.0 && share < 1.0,
    },
    build: |share| Arc::new(Sparsify { share }),
};

#[derive(Debug)]
struct Sparsify {
    /// s.
    share: f64,
}

impl Post for Sparsify {
    fn apply(&self, update: Parameters, _: &mut ChaCha8Rng) -> Parameters {
        let mask = self.mask(&update);
        update.times(&mask)
    }

    /// The zeros of one client's update show what was kept; of a sum of several every simulated one is cut by itself.
    fn transform(&self, known: Known<'_>) -> Option<Arc<dyn Transform>> {
        Some(match known {
            Known::Parameters(None) => Arc::new(Sparsify { share: self.share }),
            Known::Parameters(Some(seen)) | Known::Update(seen) => {
                Arc::new(Mask(seen.clone().mapped(|_, values| {
                    values.iter_mut().for_each(|value| *value = f64::from(u8::from(*value != 0.0)));
                })))
            }
        })
    }

    /// A number that is sent names its place.
    fn bits(&self, before: f64, zeros: f64) -> f64 {
        (1.0 - zeros) * (before + PLACE)
    }
}

/// Bits of a number's place.
const PLACE: f64 = 32.0;

impl Sparsify {
    /// 1 where a number is kept.
    fn mask(&self, g: &Parameters) -> Parameters {
        g.clone().mapped(|_, values| {
            let kept = kept(values.len(), self.share);
            let mut order: Vec<usize> = (0..values.len()).collect();
            order.sort_by(|&a, &b| values[b].abs().total_cmp(&values[a].abs()).then(a.cmp(&b)));
            let mut mask = vec![0.0; values.len()];
            order[..kept.min(values.len())].iter().for_each(|&at| mask[at] = 1.0);
            values.copy_from_slice(&mask);
        })
    }
}

/// n - floor(s n), at least 1. The share is taken as the decimal that it is written as: 0.7 of 10 leaves 3, not 4.
pub(super) fn kept(n: usize, share: f64) -> usize {
    let exact = share * n as f64;
    let nearest = exact.round();
    let dropped = if (exact - nearest).abs() < 1e-9 * nearest.max(1.0) { nearest } else { exact.floor() };
    n.saturating_sub(dropped as usize).max(1)
}

impl Transform for Sparsify {
    fn forward(&self, g: &Parameters) -> Parameters {
        g.times(&self.mask(g))
    }

    fn pull(&self, g: &Parameters, w: Parameters) -> Parameters {
        w.times(&self.mask(g))
    }
}

/// What was kept is known.
#[derive(Debug)]
struct Mask(Parameters);

impl Transform for Mask {
    fn forward(&self, g: &Parameters) -> Parameters {
        g.times(&self.0)
    }

    fn pull(&self, _: &Parameters, w: Parameters) -> Parameters {
        w.times(&self.0)
    }
}
