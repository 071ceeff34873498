//! What the equations of the layers leave open of the input (COPA, Chen and Campbell 2021; ours in detail, as no settings were
//! available): the shortest input that solves them stays as it is, and a search moves what they do not tell.

use faer::{Mat, MatRef};
use rand_chacha::ChaCha8Rng;

use super::pixels::{Pixels, mean};
use super::{Of, Variable};
use crate::attack::AttackError;
use crate::attack::direct;
use crate::config::Start;

/// x = s + z - T T^T z, with s the shortest solution and T an orthonormal basis of what is told.
#[derive(Debug)]
pub(super) struct NullSpace {
    solution: Vec<f64>,
    told: Option<Mat<f64>>,
    pixels: Pixels,
    words: Vec<String>,
}

impl NullSpace {
    pub(super) fn new(of: &Of<'_>) -> Result<NullSpace, AttackError> {
        let mut words = Vec::new();
        let answer = direct::answer(of.view, of.labels.first().copied(), &mut |said| words.push(said))?;
        Ok(NullSpace { solution: answer.x, told: answer.told, pixels: Pixels::new(of), words })
    }

    /// What is open of a vector; nothing if all is told.
    fn open(&self, of: &[f64]) -> Vec<f64> {
        let Some(told) = &self.told else { return vec![0.0; of.len()] };
        let known = told * (told.transpose() * MatRef::from_column_major_slice(of, of.len(), 1));
        of.iter().enumerate().map(|(i, value)| value - known[(i, 0)]).collect()
    }
}

impl Variable for NullSpace {
    fn count(&self) -> usize {
        self.solution.len()
    }

    fn decode(&self, z: &[f64]) -> Vec<f64> {
        self.solution.iter().zip(self.open(z)).map(|(solved, open)| solved + open).collect()
    }

    fn pull(&self, _z: &[f64], to_x: Vec<f64>) -> Vec<f64> {
        self.open(&to_x)
    }

    /// Towards possible values, as far as what is told allows: to the nearest picture with possible values, and from there back.
    fn project(&self, z: &mut [f64]) {
        let mut x = self.decode(z);
        self.pixels.project(&mut x);
        z.iter_mut().zip(x.iter().zip(&self.solution)).for_each(|(z, (x, solved))| *z = x - solved);
    }

    /// The mean.
    fn pool(&self, members: &[Vec<f64>]) -> Vec<f64> {
        mean(members)
    }

    fn first(&self, start: Start, generator: &mut ChaCha8Rng) -> Vec<f64> {
        self.pixels.first(start, generator)
    }

    fn words(&self) -> &[String] {
        &self.words
    }
}
