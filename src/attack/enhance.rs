//! The last step of an attacker who has a network that enhances pictures (ROG, Yue et al. 2023): the answer passed through it,
//! and noise, which shows what the network makes by itself.

use super::{Guess, Guessed, Task};
use crate::fl::AttackerView;
use crate::seed;

/// What an enhancer makes.
#[derive(Debug, Clone, PartialEq)]
pub struct Enhanced {
    /// Of the answer.
    pub answer: Guess,
    /// Of pictures that are N(0, 1) in normalised space, as a search begins.
    pub of_noise: Guess,
}

/// The answer and noise passed through the enhancer that is granted; nothing without one.
pub(super) fn enhanced(task: &Task<'_>, guess: &Guess) -> Option<Enhanced> {
    let enhancer = task.view.knowledge.enhancer.as_ref()?;
    let of = |values: &[f64]| {
        let pixels =
            moved(task.view, values, |value, low, high| ((value - low) / (high - low)).clamp(0.0, 1.0));
        let better = enhancer.enhanced(&pixels, task.view.shape());
        let values = moved(task.view, &better, |pixel, low, high| low + pixel * (high - low));
        Guess { samples: Guessed::Images(values), labels: guess.labels.clone() }
    };
    let mut draw = task.seed.child("enhancer").stream("noise", &[u64::from(task.round)]);
    let noise = seed::normal(&mut draw, guess.samples.values().len());
    Some(Enhanced { answer: of(guess.samples.values()), of_noise: of(&noise) })
}

/// Every value by itself, with the smallest and the largest of its channel.
fn moved(view: &AttackerView, values: &[f64], to: impl Fn(f64, f64, f64) -> f64) -> Vec<f64> {
    let [_, _, height, width] = view.shape();
    let planes = values.chunks((height * width).max(1)).zip(view.range.iter().cycle());
    planes
        .flat_map(|(plane, &(low, high))| plane.iter().map(|value| to(*value, low, high)).collect::<Vec<_>>())
        .collect()
}
