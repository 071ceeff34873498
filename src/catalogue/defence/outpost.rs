//! OUTPOST: pruning, and noise where the update tells most about the weights.

use super::{Defence, Parameter, Stage, Takes, Value};
use crate::range::{from, inside};

/// With probability 1/(1 + beta i): every tensor pruned, then N(0, (scale min(var(theta_l), 1))^2) on the numbers of the
/// highest empirical Fisher information.
pub static OUTPOST: Defence = Defence {
    name: "outpost",
    also: &[],
    title: "OUTPOST",
    source: "Wang, Hugh, Li, INFOCOM 2023",
    year: 2023,
    stage: Stage::Update,
    about: "prunes, and adds noise by the spread of a layer's weights where the Fisher information is highest; less and less \
            often",
    parameters: &[
        Parameter {
            name: "beta",
            about: "how fast it becomes rare: round i is perturbed with probability 1/(1 + beta i)",
            unit: "",
            takes: Takes::Number(from(0.0)),
            default: Some(Value::Number(0.125)),
        },
        Parameter {
            name: "noised",
            about: "the share of the Fisher information's values, the highest, that get noise",
            unit: "",
            takes: Takes::Number(inside(0.0, 1.0)),
            default: Some(Value::Number(0.4)),
        },
        Parameter {
            name: "pruned",
            about: "the share of every tensor that is zeroed before, the smallest",
            unit: "",
            takes: Takes::Number(inside(0.0, 1.0)),
            default: Some(Value::Number(0.8)),
        },
        Parameter {
            name: "scale",
            about: "the noise's deviation over min(variance of a tensor's weights, 1)",
            unit: "",
            takes: Takes::Number(from(0.0)),
            default: Some(Value::Number(0.8)),
        },
    ],
    adaptive: "leave the zeros out of the match; none is published",
};
