//! Pictures at a fraction of their side (ROG, Yue et al. 2023): fewer numbers to find, enlarged by cubic convolution.

use rand_chacha::ChaCha8Rng;

use super::{Of, Variable};
use crate::attack::{AttackError, start};
use crate::config::Start;

/// z holds smaller pictures in normalised space.
#[derive(Debug)]
pub(super) struct LowResolution {
    /// `[batch, channels, height, width]` of z.
    small: [usize; 4],
    /// Weights of the rows of z in each row of x, `[height, small height]`.
    rows: Vec<f64>,
    /// The same of columns.
    columns: Vec<f64>,
    range: Vec<(f64, f64)>,
    factor: usize,
}

impl LowResolution {
    pub(super) fn new(of: &Of<'_>, factor: usize) -> Result<LowResolution, AttackError> {
        let [batch, channels, height, width] = of.shape;
        if !height.is_multiple_of(factor) || !width.is_multiple_of(factor) || height < 2 * factor {
            let why = format!(
                "attack.variable makes pictures {factor} times smaller, which {height}x{width} cannot be; choose a factor \
                 that divides the side"
            );
            return Err(AttackError::Variable { why });
        }
        let small = [batch, channels, height / factor, width / factor];
        let (rows, columns) = (cubic(small[2], factor), cubic(small[3], factor));
        Ok(LowResolution { small, rows, columns, range: of.view.range.clone(), factor })
    }

    fn sides(&self) -> [usize; 4] {
        let [_, _, height, width] = self.small;
        [height, width, height * self.factor, width * self.factor]
    }
}

/// Weights `[side * factor, side]` of the old values in each new one: Keys' cubic convolution with a = -0.75 between the middles
/// of pixels, the border repeated, as PyTorch's bicubic interpolation.
fn cubic(side: usize, factor: usize) -> Vec<f64> {
    const A: f64 = -0.75;
    let kernel = |distance: f64| match distance.abs() {
        d if d <= 1.0 => ((A + 2.0) * d - (A + 3.0)) * d * d + 1.0,
        d if d < 2.0 => ((A * d - 5.0 * A) * d + 8.0 * A) * d - 4.0 * A,
        _ => 0.0,
    };
    let mut weights = vec![0.0; side * factor * side];
    for (to, row) in weights.chunks_mut(side).enumerate() {
        let at = (to as f64 + 0.5) / factor as f64 - 0.5;
        let first = at.floor();
        for tap in -1..=2 {
            let place = first + f64::from(tap);
            row[place.clamp(0.0, side as f64 - 1.0) as usize] += kernel(at - place);
        }
    }
    weights
}

impl Variable for LowResolution {
    fn count(&self) -> usize {
        self.small.iter().product()
    }

    fn decode(&self, z: &[f64]) -> Vec<f64> {
        let [height, width, tall, wide] = self.sides();
        let mut x = Vec::with_capacity(z.len() * self.factor * self.factor);
        for plane in z.chunks(height * width) {
            let mut stretched = vec![0.0; height * wide];
            for (from, to) in plane.chunks(width).zip(stretched.chunks_mut(wide)) {
                for (value, weights) in to.iter_mut().zip(self.columns.chunks(width)) {
                    *value = from.iter().zip(weights).map(|(z, w)| z * w).sum();
                }
            }
            for weights in self.rows.chunks(height).take(tall) {
                x.extend((0..wide).map(|column| {
                    (0..height).map(|row| weights[row] * stretched[row * wide + column]).sum::<f64>()
                }));
            }
        }
        x
    }

    fn pull(&self, _z: &[f64], to_x: Vec<f64>) -> Vec<f64> {
        let [height, width, tall, wide] = self.sides();
        let mut to_z = Vec::with_capacity(self.count());
        for plane in to_x.chunks(tall * wide) {
            let mut stretched = vec![0.0; height * wide];
            for (from, weights) in plane.chunks(wide).zip(self.rows.chunks(height)) {
                for (row, weight) in weights.iter().enumerate().filter(|(_, weight)| **weight != 0.0) {
                    let to = &mut stretched[row * wide..(row + 1) * wide];
                    to.iter_mut().zip(from).for_each(|(to, from)| *to += weight * from);
                }
            }
            for row in stretched.chunks(wide) {
                to_z.extend((0..width).map(|column| {
                    let weights = self.columns.iter().skip(column).step_by(width);
                    row.iter().zip(weights).map(|(value, weight)| value * weight).sum::<f64>()
                }));
            }
        }
        to_z
    }

    /// Clamps to the range of real values: what lies between may overshoot a little, as cubic curves do.
    fn project(&self, z: &mut [f64]) {
        let [_, channels, height, width] = self.small;
        for (i, plane) in z.chunks_mut(height * width).enumerate() {
            let (low, high) = self.range[i % channels];
            plane.iter_mut().for_each(|value| *value = value.clamp(low, high));
        }
    }

    /// The mean.
    fn pool(&self, members: &[Vec<f64>]) -> Vec<f64> {
        super::pixels::mean(members)
    }

    fn first(&self, start: Start, generator: &mut ChaCha8Rng) -> Vec<f64> {
        start::first(start, generator, self.small)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::{Seed, normal};

    fn variable() -> LowResolution {
        let small = [2, 1, 3, 2];
        LowResolution { small, rows: cubic(3, 2), columns: cubic(2, 2), range: vec![(-1.0, 1.0)], factor: 2 }
    }

    #[test]
    fn the_way_back_is_the_transpose_of_the_way_there() {
        let variable = variable();
        let mut draw = Seed(1).stream("z", &[]);
        let (z, w) = (normal(&mut draw, variable.count()), normal(&mut draw, 48));
        let forth: f64 = variable.decode(&z).iter().zip(&w).map(|(x, w)| x * w).sum();
        let back: f64 = variable.pull(&z, w).iter().zip(&z).map(|(g, z)| g * z).sum();
        assert!((forth - back).abs() < 1e-12, "{forth} {back}");
    }

    /// 0, 1, 2, 3 with the kernel's values at 0.25, 0.75, 1.25 and 1.75: 0.87890625, 0.26171875, -0.10546875 and -0.03515625.
    #[test]
    fn a_line_is_enlarged_by_the_kernel() {
        let weights = cubic(4, 2);
        let line: Vec<f64> = weights.chunks(4).map(|row| row[1] + 2.0 * row[2] + 3.0 * row[3]).collect();
        let expected =
            [-0.10546875, 0.19140625, 0.66796875, 1.296875, 1.703125, 2.33203125, 2.80859375, 3.10546875];
        for (found, expected) in line.iter().zip(expected) {
            assert!((found - expected).abs() < 1e-12, "{line:?}");
        }
        assert!(cubic(5, 3).chunks(5).all(|row| (row.iter().sum::<f64>() - 1.0).abs() < 1e-12));
    }
}
