//! Soteria: the features of one fully connected layer that tell most of the input are not sent.

use super::{Defence, Parameter, Stage, Takes, Value};
use crate::range::inside;

/// Columns f of dW with the largest |r_f| / |dr_f/dx| are zero, r the input of the layer.
pub static SOTERIA: Defence = Defence {
    name: "soteria",
    also: &["representation"],
    title: "Soteria",
    source: "Sun et al., CVPR 2021, arXiv 2012.06043",
    year: 2021,
    stage: Stage::Batch,
    about: "zeroes the columns of a fully connected layer's gradient for the features that tell most of the input",
    parameters: &[
        Parameter {
            name: "share",
            about: "the share of the layer's features whose columns are zeroed",
            unit: "",
            takes: Takes::Number(inside(0.0, 1.0)),
            default: None,
        },
        Parameter {
            name: "layer",
            about: "which of the fully connected layers that stand in the network itself",
            unit: "",
            takes: Takes::Word(&["last", "first"]),
            default: Some(Value::Word("last")),
        },
    ],
    adaptive: "leave the zero columns out of the match, or the whole layer where a later step or a sum hides them",
};
