//! A few levels instead of numbers.

use super::{Defence, Parameter, Stage, Takes, Value};

/// sign(g) m c/q with c the rounded q |g|/m, for each tensor with its own scale m.
pub static QUANTISE: Defence = Defence {
    name: "quantise",
    also: &["quantize", "quantisation", "quantization", "qsgd", "uniform"],
    title: "Quantisation",
    source: "Alistarh et al., NeurIPS 2017, arXiv 1610.02132 (QSGD: scale l2, rounding stochastic)",
    year: 2016,
    stage: Stage::Update,
    about: "rounds every number to one of a few levels of its tensor",
    parameters: &[
        Parameter {
            name: "levels",
            about: "steps from 0 to the scale, q: 2q + 1 values with both signs",
            unit: "",
            takes: Takes::Whole(1, 65_535),
            default: None,
        },
        Parameter {
            name: "scale",
            about: "the outermost level: a tensor's largest magnitude, or its l2 norm",
            unit: "",
            takes: Takes::Word(&["max", "l2"]),
            default: Some(Value::Word("max")),
        },
        Parameter {
            name: "rounding",
            about: "to the nearest level, of two the even one, or up or down at random so that the mean is the number",
            unit: "",
            takes: Takes::Word(&["nearest", "stochastic"]),
            default: Some(Value::Word("nearest")),
        },
    ],
    adaptive: "round what they simulate to the same levels, with the derivative of the unrounded; the mean of stochastic \
               rounding is the update; shown by numbers that are multiples of one",
};
