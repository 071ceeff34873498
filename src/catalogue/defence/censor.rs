//! CENSOR: a direction across the gradient that lowers the loss as well.

use super::{Defence, Parameter, Stage, Takes, Value};
use crate::range::above;

/// Of some directions orthogonal to g in every tensor, and as long, the one whose step lowers the client's loss most.
pub static CENSOR: Defence = Defence {
    name: "censor",
    also: &[],
    title: "CENSOR",
    source: "Zhang et al., NDSS 2025, arXiv 2501.15718",
    year: 2025,
    stage: Stage::Batch,
    about: "sends a random direction across the gradient of every tensor, of some the one that lowers its loss most; the true \
            gradient if none does",
    parameters: &[
        Parameter {
            name: "trials",
            about: "directions that are tried",
            unit: "",
            takes: Takes::Whole(1, 1000),
            default: Some(Value::Whole(20)),
        },
        Parameter {
            name: "step",
            about: "the step size at which the loss of each is taken",
            unit: "",
            takes: Takes::Number(above(0.0)),
            default: Some(Value::Number(1e-4)),
        },
    ],
    adaptive: "none is published; the norm of every tensor is sent as it was",
};
