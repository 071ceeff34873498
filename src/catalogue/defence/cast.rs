//! Numbers in a format of fewer bits.

use super::{Defence, Parameter, Stage, Takes};

/// The nearest number of the format, of two the even one.
pub static CAST: Defence = Defence {
    name: "cast",
    also: &["fp16", "bf16", "int8", "half", "half-precision"],
    title: "Fewer bits",
    source: "Zhu, Liu, Han, NeurIPS 2019, arXiv 1906.08935 (fp16 and int8)",
    year: 2019,
    stage: Stage::Update,
    about: "rounds every number to a format of 16 or 8 bits",
    parameters: &[Parameter {
        name: "format",
        about: "IEEE half, which overflows above 65504; bfloat16; or 127 levels of each sign, of every tensor by itself",
        unit: "",
        takes: Takes::Word(&["fp16", "bf16", "int8"]),
        default: None,
    }],
    adaptive: "round what they simulate as well, with the derivative of the unrounded; 16 bits hardly defend; shown by the \
               bits of the numbers",
};
