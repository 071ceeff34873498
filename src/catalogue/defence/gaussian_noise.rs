//! Gaussian noise. Nothing about privacy follows from it alone.

use super::{Defence, Parameter, Stage, Takes};
use crate::range::above;

/// g + N(0, sigma^2) per entry.
pub static GAUSSIAN_NOISE: Defence = Defence {
    name: "gaussian-noise",
    also: &["noise", "gaussian", "gauss"],
    title: "Gaussian noise",
    source: "Zhu, Liu, Han, NeurIPS 2019, arXiv 1906.08935",
    year: 2019,
    stage: Stage::Update,
    about: "adds Gaussian noise to every number",
    parameters: &[Parameter {
        name: "sigma",
        about: "the deviation of the noise",
        unit: "",
        takes: Takes::Number(above(0.0)),
        default: None,
    }],
    adaptive: "cannot simulate it in one update; they have priors, and the mean over rounds, in which it fades; its \
               deviation is shown by the classifier, whose gradient sums to zero over the classes without it",
};
