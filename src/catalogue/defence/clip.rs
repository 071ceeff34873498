//! Clipping: of the whole update, of tensors, of numbers, of every sample's gradient.

use super::{Defence, Parameter, Stage, Takes, Value};
use crate::range::above;

/// g min(1, S/|g|), or every tensor by itself, or every number clamped to +-S.
pub static CLIP: Defence = Defence {
    name: "clip",
    also: &["clipping", "gradient-clipping"],
    title: "Clipping",
    source: "Abadi et al., CCS 2016, arXiv 1607.00133 (of sample)",
    year: 2016,
    stage: Stage::Update,
    about: "scales what is longer than a norm down to it",
    parameters: &[
        Parameter {
            name: "norm",
            about: "the largest norm that is sent",
            unit: "",
            takes: Takes::Number(above(0.0)),
            default: None,
        },
        Parameter {
            name: "of",
            about: "the l2 norm of the whole update, of every tensor by itself, or of every sample's gradient before the mean; \
                    or the magnitude of every number",
            unit: "",
            takes: Takes::Word(&["update", "layer", "entry", "sample"]),
            default: Some(Value::Word("update")),
        },
    ],
    adaptive: "clip what they simulate; a cosine does not see it where the whole update is scaled; shown by a round norm, \
               by equal norms of tensors, by equal largest numbers, unless a later step hides them",
};
