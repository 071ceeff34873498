//! The input itself.

use rand_chacha::ChaCha8Rng;

use super::{Of, Variable};
use crate::attack::start;
use crate::config::Start;

/// z = x.
#[derive(Debug)]
pub(super) struct Pixels {
    shape: [usize; 4],
    range: Vec<(f64, f64)>,
}

impl Pixels {
    pub(super) fn new(of: &Of<'_>) -> Pixels {
        Pixels { shape: of.shape, range: of.view.range.clone() }
    }
}

impl Variable for Pixels {
    fn count(&self) -> usize {
        self.shape.iter().product()
    }

    fn decode(&self, z: &[f64]) -> Vec<f64> {
        z.to_vec()
    }

    fn pull(&self, _z: &[f64], to_x: Vec<f64>) -> Vec<f64> {
        to_x
    }

    /// Clamps to the range of real values.
    fn project(&self, z: &mut [f64]) {
        let [_, channels, height, width] = self.shape;
        for (i, plane) in z.chunks_mut(height * width).enumerate() {
            let (low, high) = self.range[i % channels];
            plane.iter_mut().for_each(|value| *value = value.clamp(low, high));
        }
    }

    /// The mean.
    fn pool(&self, members: &[Vec<f64>]) -> Vec<f64> {
        mean(members)
    }

    fn first(&self, start: Start, generator: &mut ChaCha8Rng) -> Vec<f64> {
        start::first(start, generator, self.shape)
    }
}

/// Of each value.
pub(super) fn mean(members: &[Vec<f64>]) -> Vec<f64> {
    let share = 1.0 / members.len().max(1) as f64;
    let count = members.first().map_or(0, Vec::len);
    (0..count).map(|entry| members.iter().map(|member| member[entry]).sum::<f64>() * share).collect()
}
