//! Victim models: layers and architectures on duals, parameters by PyTorch's names, and the two passes of
//! gradient matching.
//!
//! A new architecture is one file with a function that lists its layers, and one line in [`ARCHITECTURES`].

mod convnet;
mod gradient;
pub mod layer;
mod lenet;
mod mlp;
mod net;
mod parameters;
mod resnet;

pub use gradient::{Model, Targets, Through};
pub use layer::Layer;
pub use net::{Initialisation, Net, Weights};
pub use parameters::{Parameters, TensorSpec};

/// An architecture by name.
pub struct Architecture {
    /// Name in presets.
    pub name: &'static str,
    /// One line: what it is and where it comes from.
    pub about: &'static str,
    /// Builds it for an input `[channels, height, width]` and a number of classes, or says what does not fit.
    pub build: fn(input: [usize; 3], classes: usize) -> Result<Net, String>,
}

/// All architectures.
pub const ARCHITECTURES: [Architecture; 5] =
    [mlp::MLP, lenet::LENET, convnet::CONVNET64, resnet::RESNET20, resnet::RESNET18];

/// The architecture of this name.
pub fn architecture(name: &str) -> Option<&'static Architecture> {
    ARCHITECTURES.iter().find(|architecture| architecture.name == name)
}
