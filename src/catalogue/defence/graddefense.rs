//! GradDefense: noise on slices of an update that are equally sensitive to the samples.

use super::{Defence, Parameter, Stage, Takes, Value};
use crate::range::above;

/// All numbers of an update in a row, cut into slices of equal sensitivity; N(0, sigma^2) on those that are drawn.
pub static GRADDEFENSE: Defence = Defence {
    name: "graddefense",
    also: &["grad-defense"],
    title: "GradDefense",
    source: "Wang et al., INFOCOM 2022",
    year: 2022,
    stage: Stage::Batch,
    about: "cuts the update into slices of equal sensitivity to the samples and adds Gaussian noise to some of them, drawn anew",
    parameters: &[
        Parameter {
            name: "sigma",
            about: "the deviation of the noise",
            unit: "",
            takes: Takes::Number(above(0.0)),
            default: Some(Value::Number(0.01)),
        },
        Parameter {
            name: "slices",
            about: "how many slices",
            unit: "",
            takes: Takes::Whole(1, 1000),
            default: Some(Value::Whole(10)),
        },
        Parameter {
            name: "noised",
            about: "how many of them get noise",
            unit: "",
            takes: Takes::Whole(1, 1000),
            default: Some(Value::Whole(5)),
        },
        Parameter {
            name: "denoise",
            about: "whether the server takes out of the mean over the clients what varies as noise of this size would",
            unit: "",
            takes: Takes::Flag,
            default: Some(Value::Flag(false)),
        },
    ],
    adaptive: "none is published: which slices were drawn is not known, and their noise cannot be simulated",
};
