//! Signs alone.

use super::{Defence, Parameter, Stage, Takes, Value};

/// sign(g), times the mean magnitude of its tensor unless raw; sign(0) is 0.
pub static SIGN: Defence = Defence {
    name: "sign",
    also: &["signs", "signsgd", "sign-sgd", "one-bit"],
    title: "Signs",
    source: "Bernstein et al., ICML 2018, arXiv 1802.04434; scaled: Karimireddy et al., ICML 2019, arXiv 1901.09847",
    year: 2018,
    stage: Stage::Update,
    about: "sends the sign of every number alone",
    parameters: &[Parameter {
        name: "scaled",
        about: "signs are sent times the mean magnitude of their tensor",
        unit: "",
        takes: Takes::Flag,
        default: Some(Value::Flag(true)),
    }],
    adaptive: "take the signs of what they simulate, with the derivative of the unrounded; shown by numbers \
               that differ by their signs alone",
};
