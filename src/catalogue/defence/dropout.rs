//! Dropout: the client's passes leave out inputs of fully connected layers, drawn for every sample.

use super::{Defence, Parameter, Stage, Takes, Value};
use crate::range::inside;

/// h -> m h / (1 - p), m of Bernoulli(1 - p) for every sample and feature h of a layer's input.
pub static DROPOUT: Defence = Defence {
    name: "dropout",
    also: &["drop-out", "dia"],
    title: "Dropout",
    source: "Srivastava et al., JMLR 2014; against gradient inversion, and broken, Scheliga et al., AAAI 2023, arXiv 2208.06163",
    year: 2014,
    stage: Stage::Pass,
    about: "takes the gradient of every sample through a network whose fully connected layers miss some of their inputs, drawn anew",
    parameters: &[
        Parameter {
            name: "rate",
            about: "p, the probability of an input to be left out; the others count 1/(1 - p)",
            unit: "",
            takes: Takes::Number(inside(0.0, 1.0)),
            default: Some(Value::Number(0.25)),
        },
        Parameter {
            name: "layers",
            about: "the last of the fully connected layers that stand in the network itself, or all of them that do not see the pixels",
            unit: "",
            takes: Takes::Word(&["last", "all"]),
            default: Some(Value::Word("last")),
        },
    ],
    adaptive: "of one sample read the mask off the columns that are zero, or leave the layers out where they do not show; of several \
               match the network without dropout, their mean; masks can be optimised beside the pictures (DIA), which no attack here does",
};
