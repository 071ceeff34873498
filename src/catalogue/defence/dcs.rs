//! DCS-2: samples that are searched to stand beside the private ones, and hide them.

use super::{Defence, Parameter, Stage, Takes, Value};
use crate::range::{above, inside};

/// Gradients like the private ones' of samples that look unlike them, added to what is sent.
pub static DCS: Defence = Defence {
    name: "dcs-2",
    also: &["dcs", "dcs2"],
    title: "Concealing sensitive samples",
    source: "Wu et al., AAAI 2024, arXiv 2209.05724",
    year: 2022,
    stage: Stage::Batch,
    about: "searches a sample beside each that looks unlike it with a gradient like its own, and adds what that tells to the update",
    parameters: &[
        Parameter {
            name: "iterations",
            about: "the most steps of the search",
            unit: "",
            takes: Takes::Whole(1, 100_000),
            default: Some(Value::Whole(500)),
        },
        Parameter {
            name: "far",
            about: "how far from the private samples it ends, the mean l2 distance of normalised values",
            unit: "",
            takes: Takes::Number(above(0.0)),
            default: Some(Value::Number(150.0)),
        },
        Parameter {
            name: "weight",
            about: "the share of another label in the loss of a concealed sample, and of noise where its search begins",
            unit: "",
            takes: Takes::Number(inside(0.0, 1.0)),
            default: Some(Value::Number(0.7)),
        },
    ],
    adaptive: "cannot simulate it: concealed samples are drawn and searched by the client, and never sent",
};
