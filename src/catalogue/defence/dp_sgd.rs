//! DP-SGD: the one step here that may be called differentially private.

use super::{Defence, Parameter, Stage, Takes, Value};
use crate::range::{above, inside};

/// (1/B) (sum_i g_i min(1, C/|g_i|) + N(0, (z C)^2)).
pub static DP_SGD: Defence = Defence {
    name: "dp-sgd",
    also: &["dp", "dpsgd", "differential-privacy"],
    title: "DP-SGD",
    source: "Abadi et al., CCS 2016, arXiv 1607.00133",
    year: 2016,
    stage: Stage::Sample,
    about: "clips the gradient of every sample and adds Gaussian noise to their sum",
    parameters: &[
        Parameter {
            name: "norm",
            about: "C, the largest norm of a sample's gradient",
            unit: "",
            takes: Takes::Number(above(0.0)),
            default: None,
        },
        Parameter {
            name: "noise_multiplier",
            about: "z, the deviation of the noise on the sum over C",
            unit: "",
            takes: Takes::Number(above(0.0)),
            default: None,
        },
        Parameter {
            name: "delta",
            about: "the delta that epsilon is told for, well below 1 / number of samples",
            unit: "",
            takes: Takes::Number(inside(0.0, 1.0)),
            default: Some(Value::Number(1e-5)),
        },
    ],
    adaptive: "clip the gradient of every sample that they simulate; the noise they cannot",
};
