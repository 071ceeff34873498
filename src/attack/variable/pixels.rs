//! The input itself.

use super::Variable;
use crate::fl::AttackerView;

/// z = x.
#[derive(Debug)]
pub(super) struct Pixels {
    shape: [usize; 4],
    range: Vec<(f64, f64)>,
}

impl Pixels {
    pub(super) fn new(view: &AttackerView) -> Pixels {
        Pixels { shape: view.shape(), range: view.range.clone() }
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
        let share = 1.0 / members.len().max(1) as f64;
        let at = |entry: usize| members.iter().map(|member| member[entry]).sum::<f64>() * share;
        (0..self.count()).map(at).collect()
    }
}
