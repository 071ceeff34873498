//! Secure aggregation: the server sees sums alone.

use super::{Defence, Stage};

/// The sum over n clients and nothing else.
pub static SECURE_AGGREGATION: Defence = Defence {
    name: "secure-aggregation",
    also: &["secagg", "secure-sum"],
    title: "Secure aggregation",
    source: "Bonawitz et al., CCS 2017",
    year: 2017,
    stage: Stage::Sum,
    about: "the server receives the sum of several clients' updates, and none by itself",
    parameters: &[],
    adaptive: "take the sum for one batch of all clients' samples; a malicious server keeps their parts apart",
};
