//! PRECODE: a variational bottleneck in front of the classifier.

use super::{Defence, Parameter, Stage, Takes, Value};
use crate::range::from;

/// z = m + softplus(s) e with (m, s) = encoder(h), e of N(0, 1) for every sample; the classifier reads decoder(z). The loss
/// is greater by beta KL(N(m, softplus(s)^2) | N(0, 1)) in bits.
pub static PRECODE: Defence = Defence {
    name: "precode",
    also: &["variational-bottleneck"],
    title: "PRECODE",
    source: "Scheliga et al., WACV 2022, arXiv 2108.04725",
    year: 2021,
    stage: Stage::Pass,
    about: "puts a variational bottleneck in front of the classifier, whose noise is drawn anew for every sample",
    parameters: &[
        Parameter {
            name: "width",
            about: "K, the numbers of the bottleneck",
            unit: "",
            takes: Takes::Whole(1, 65_536),
            default: Some(Value::Whole(256)),
        },
        Parameter {
            name: "beta",
            about: "the weight of the divergence from N(0, 1) in the loss",
            unit: "a bit",
            takes: Takes::Number(from(0.0)),
            default: Some(Value::Number(1e-3)),
        },
    ],
    adaptive: "leave the layers from the bottleneck on out of the match, which see its noise first (Scheliga et al., arXiv \
               2208.04767 and 2309.04515); pass without noise",
};
