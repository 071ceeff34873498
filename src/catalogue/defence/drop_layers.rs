//! Layers that are not sent.

use super::{Defence, Parameter, Stage, Takes};

/// Zeros in the place of some tensors.
pub static DROP_LAYERS: Defence = Defence {
    name: "drop-layers",
    also: &["drop", "partial-update"],
    title: "Layers kept back",
    source: "Arivazhagan et al. 2019, arXiv 1912.00818 (there of the last layers, which stay personal)",
    year: 2019,
    stage: Stage::Update,
    about: "does not send some layers or tensors",
    parameters: &[Parameter {
        name: "layers",
        about: "the layers and tensors that are kept back",
        unit: "",
        takes: Takes::Layers,
        default: None,
    }],
    adaptive: "leave the same tensors out of the match; shown by tensors of zeros",
};
