//! Sending a share of the numbers alone.

use super::{Defence, Parameter, Stage, Takes, Value};
use crate::range::inside;

/// Of every tensor of n numbers n - floor(s n) are kept, at least one: the largest by magnitude, of equal ones the first,
/// or any.
pub static SPARSIFY: Defence = Defence {
    name: "sparsify",
    also: &["prune", "pruning", "sparsification", "top-k"],
    title: "Sparsification",
    source: "Lin et al., ICLR 2018, arXiv 1712.01887; feedback Seide et al., Interspeech 2014",
    year: 2017,
    stage: Stage::Update,
    about: "sends zeros instead of a share of every tensor",
    parameters: &[
        Parameter {
            name: "share",
            about: "the share of every tensor that is zeroed",
            unit: "",
            takes: Takes::Number(inside(0.0, 1.0)),
            default: None,
        },
        Parameter {
            name: "choice",
            about: "which numbers are kept: the largest by magnitude, or some drawn anew for every update",
            unit: "",
            takes: Takes::Word(&["largest", "random"]),
            default: Some(Value::Word("largest")),
        },
        Parameter {
            name: "feedback",
            about: "whether a client adds what it left out to its next update",
            unit: "",
            takes: Takes::Flag,
            default: Some(Value::Flag(false)),
        },
    ],
    adaptive: "leave out what is zero in the update; where it is a sum of several clients, cut what they simulate as well; shown by \
               zeros that are the same share of every tensor; what feedback adds of earlier rounds they do not know",
};
