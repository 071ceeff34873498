//! Networks that make a better picture of a poor one: convolutions that keep its size, with ReLUs between them (SRCNN, VDSR,
//! DnCNN). On the host in 64 bit, as it is done once for an answer.

use rayon::iter::{IndexedParallelIterator, ParallelIterator};
use rayon::slice::ParallelSliceMut;

use crate::config::Residual;

/// One convolution at stride 1, with as much padding as keeps the size.
#[derive(Debug, Clone, PartialEq)]
pub struct Convolution {
    /// `[out, in, side, side]`, the side odd.
    pub shape: [usize; 4],
    /// Row-major.
    pub weight: Vec<f64>,
    /// One for each channel that comes out; empty if there is none.
    pub bias: Vec<f64>,
}

/// Convolutions from a picture to a picture.
#[derive(Debug, Clone, PartialEq)]
pub struct Enhancer {
    convolutions: Vec<Convolution>,
    residual: Residual,
}

impl Enhancer {
    /// Checks that each convolution takes what the one before it gives, and that the last gives what the first takes.
    ///
    /// # Errors
    /// What does not fit, in words that follow the name of the file.
    pub fn new(convolutions: Vec<Convolution>, residual: Residual) -> Result<Enhancer, String> {
        let (Some(first), Some(last)) = (convolutions.first(), convolutions.last()) else {
            return Err("holds no convolutions".to_owned());
        };
        let breaks = convolutions.windows(2).find(|pair| pair[0].shape[0] != pair[1].shape[1]);
        if let Some([before, after]) = breaks {
            return Err(format!(
                "is no chain of convolutions: one gives {} channels, the next takes {}",
                before.shape[0], after.shape[1]
            ));
        }
        let (takes, gives) = (first.shape[1], last.shape[0]);
        if takes != gives || !matches!(takes, 1 | 3) {
            return Err(format!(
                "makes {gives} channels of {takes}; an enhancer makes pictures of 1 or 3 channels of such"
            ));
        }
        Ok(Enhancer { convolutions, residual })
    }

    /// Number of convolutions.
    pub fn depth(&self) -> usize {
        self.convolutions.len()
    }

    /// Channels of a picture; of one that takes a single one, each is passed through by itself.
    pub fn channels(&self) -> usize {
        self.convolutions[0].shape[1]
    }

    /// Better pictures of these, `[batch, channels, height, width]` in [0, 1], cut off there.
    pub fn enhanced(&self, pixels: &[f64], shape: [usize; 4]) -> Vec<f64> {
        let [_, _, height, width] = shape;
        let sample = self.channels() * height * width;
        let mut all = pixels.to_vec();
        for picture in all.chunks_mut(sample.max(1)) {
            let mut values = picture.to_vec();
            for (at, convolution) in self.convolutions.iter().enumerate() {
                values = convolution.of(&values, height, width);
                if at + 1 < self.convolutions.len() {
                    values.iter_mut().for_each(|value| *value = value.max(0.0));
                }
            }
            for (pixel, value) in picture.iter_mut().zip(values) {
                let better = match self.residual {
                    Residual::None => value,
                    Residual::Add => *pixel + value,
                    Residual::Subtract => *pixel - value,
                };
                *pixel = better.clamp(0.0, 1.0);
            }
        }
        all
    }
}

impl Convolution {
    /// Of one sample, `[in, height, width]`, what comes out, `[out, height, width]`.
    fn of(&self, x: &[f64], height: usize, width: usize) -> Vec<f64> {
        let [out, channels, side, _] = self.shape;
        let (plane, reach) = (height * width, side / 2);
        let mut y = vec![0.0; out * plane];
        y.par_chunks_mut(plane.max(1)).enumerate().for_each(|(o, y)| {
            y.fill(self.bias.get(o).copied().unwrap_or(0.0));
            for c in 0..channels {
                let (x, kernel) =
                    (&x[c * plane..][..plane], &self.weight[(o * channels + c) * side * side..]);
                for (down, right) in (0..side).flat_map(|down| (0..side).map(move |right| (down, right))) {
                    let weight = kernel[down * side + right];
                    // Rows and columns whose neighbour at this tap is inside the picture.
                    for row in reach.saturating_sub(down)..height.min((height + reach).saturating_sub(down)) {
                        let from = (row + down - reach) * width;
                        for column in
                            reach.saturating_sub(right)..width.min((width + reach).saturating_sub(right))
                        {
                            y[row * width + column] += weight * x[from + column + right - reach];
                        }
                    }
                }
            }
        });
        y
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn chain(shapes: &[[usize; 4]]) -> Result<Enhancer, String> {
        let layer = |&shape: &[usize; 4]| Convolution {
            shape,
            weight: vec![0.1; shape.iter().product()],
            bias: Vec::new(),
        };
        Enhancer::new(shapes.iter().map(layer).collect(), Residual::None)
    }

    #[test]
    fn a_convolution_is_the_sum_over_the_neighbours_that_there_are() {
        let weight = (1..=9).map(f64::from).collect();
        let convolution = Convolution { shape: [1, 1, 3, 3], weight, bias: vec![0.5] };
        // By hand: the corner of a picture of ones sees four taps, the middle all nine.
        let y = convolution.of(&[1.0; 9], 3, 3);
        assert_eq!(y[0], 5.0 + 6.0 + 8.0 + 9.0 + 0.5);
        assert_eq!(y[4], 45.0 + 0.5);
        assert_eq!(y[8], 1.0 + 2.0 + 4.0 + 5.0 + 0.5);
        // The tap up left comes from up left.
        let one = convolution.of(&[1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0], 3, 3);
        assert_eq!((one[4], one[0]), (1.0 + 0.5, 5.0 + 0.5));
    }

    #[test]
    fn what_comes_out_is_the_picture_or_what_is_added_or_taken_off() {
        let half = Convolution { shape: [1, 1, 1, 1], weight: vec![0.5], bias: Vec::new() };
        for (residual, expected) in
            [(Residual::None, [0.1, 0.4]), (Residual::Add, [0.3, 1.0]), (Residual::Subtract, [0.1, 0.4])]
        {
            let enhancer = Enhancer::new(vec![half.clone()], residual).unwrap();
            // Three channels through a network of one: each by itself.
            let better = enhancer.enhanced(&[0.2, 0.8, 0.2, 0.8, 0.2, 0.8], [1, 3, 1, 2]);
            let near =
                better.chunks(2).all(|two| two.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-12));
            assert!(near, "{residual:?} {better:?}");
        }
    }

    #[test]
    fn what_is_no_chain_from_a_picture_to_a_picture_is_refused() {
        assert!(chain(&[[8, 3, 3, 3], [3, 8, 5, 5]]).is_ok());
        assert!(chain(&[]).unwrap_err().contains("holds no convolutions"));
        assert!(
            chain(&[[8, 3, 3, 3], [3, 4, 3, 3]]).unwrap_err().contains("gives 8 channels, the next takes 4")
        );
        assert!(chain(&[[8, 3, 3, 3]]).unwrap_err().contains("makes 8 channels of 3"));
    }
}
