//! MixUp and InstaHide: gradients of mixtures of samples.

use super::{Defence, Parameter, Stage, Takes, Value};
use crate::range::within;

/// How many samples go into a mixture.
const SAMPLES: Parameter = Parameter {
    name: "samples",
    about: "k, how many samples of the batch are mixed",
    unit: "",
    takes: Takes::Whole(2, 64),
    default: Some(Value::Whole(4)),
};

/// The largest coefficient.
const MOST: Parameter = Parameter {
    name: "most",
    about: "the largest share that one sample has; coefficients are drawn until none is larger",
    unit: "",
    takes: Takes::Number(within(0.55, 1.0)),
    default: Some(Value::Number(0.65)),
};

/// Sum of lambda_j x_j, with the labels mixed alike.
pub static MIXUP: Defence = Defence {
    name: "mixup",
    also: &["mix-up"],
    title: "MixUp",
    source: "Zhang et al., ICLR 2018, arXiv 1710.09412; as a defence Huang et al., NeurIPS 2021, arXiv 2112.00059",
    year: 2018,
    stage: Stage::Data,
    about: "takes the gradient of mixtures of the batch's samples, labels mixed alike",
    parameters: &[SAMPLES, MOST],
    adaptive: "reconstruct the mixtures, and take them apart by several of them",
};

/// MixUp with the sign of every value drawn.
pub static INSTAHIDE: Defence = Defence {
    name: "instahide",
    also: &["insta-hide"],
    title: "InstaHide",
    source: "Huang et al., ICML 2020, arXiv 2010.02772",
    year: 2020,
    stage: Stage::Data,
    about: "takes the gradient of mixtures of the batch's samples, with the sign of every normalised value drawn anew",
    parameters: &[SAMPLES, MOST],
    adaptive: "reconstruct the encodings, whose magnitudes tell the mixtures, and take those apart by several (Carlini et al., \
               S&P 2021)",
};
