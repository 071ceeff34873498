//! Laplace noise. Nothing about privacy follows from it alone.

use super::{Defence, Parameter, Stage, Takes};
use crate::range::above;

/// g + Lap(0, b) per entry.
pub static LAPLACE_NOISE: Defence = Defence {
    name: "laplace-noise",
    also: &["laplace", "laplacian", "laplacian-noise"],
    title: "Laplace noise",
    source: "Zhu, Liu, Han, NeurIPS 2019, arXiv 1906.08935",
    year: 2019,
    stage: Stage::Update,
    about: "adds Laplace noise to every number",
    parameters: &[Parameter {
        name: "scale",
        about: "the mean magnitude of the noise, b; its deviation is sqrt(2) b",
        unit: "",
        takes: Takes::Number(above(0.0)),
        default: None,
    }],
    adaptive: "cannot simulate it in one update; they have priors, and the mean over rounds, in which it fades; its \
               deviation is shown by the classifier, whose gradient sums to zero over the classes without it",
};
