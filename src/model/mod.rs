//! Victim models: layers and architectures on duals, parameters by PyTorch's names, and the two passes of
//! gradient matching.
//!
//! A new architecture is one file with a function that lists its layers, and one line in [`ARCHITECTURES`].

mod adam;
mod convnet;
mod cpu;
mod densenet;
mod descent;
mod direct;
pub mod enhancer;
mod forward;
pub mod generator;
mod gradient;
pub mod layer;
mod lenet;
mod mlp;
mod mobilenet;
mod net;
mod optimiser;
mod options;
mod parameters;
mod resnet;
mod scalar;
mod sensitivity;
mod shown;
mod vector;
mod vgg;
mod vit;
mod wide_resnet;
mod xception;

/// Whether a network's passes on the CPU need no tape.
pub fn needs_no_tape(net: &Net) -> bool {
    cpu::supports(net)
}

pub use descent::{Descent, Step, ThroughSteps, Trace, rows};
pub use gradient::{FirstPass, Kept, Model, Targets, Through};
pub use layer::Layer;
pub use net::{BOTTLENECK, Classifier, FullLayer, Initialisation, Net, Weights};
pub use optimiser::{Clip, Memory, Optimiser};
pub use parameters::{Parameters, TensorSpec};
pub use scalar::Scalar;
pub use sensitivity::Sensitivity;
pub use shown::{Moments, Pull, Shown};

use crate::config::ModelOptions;

/// An architecture by name.
pub struct Architecture {
    /// Name in presets.
    pub name: &'static str,
    /// One line: what it is and where it comes from.
    pub about: &'static str,
    /// Fields of [`ModelOptions`] that it takes.
    pub switches: &'static [&'static str],
    build: fn(options: &ModelOptions, input: [usize; 3], classes: usize) -> Result<Net, String>,
}

impl Architecture {
    /// The network for an input `[channels, height, width]` and a number of classes.
    ///
    /// # Errors
    /// What does not fit, in words: an option or a layer.
    pub fn net(&self, options: &ModelOptions, input: [usize; 3], classes: usize) -> Result<Net, String> {
        if let Some(switch) = self.unfitting(options) {
            return Err(format!("it has no option {switch}"));
        }
        (self.build)(options, input, classes)
    }

    /// An option that is given and that this architecture does not take.
    pub fn unfitting(&self, options: &ModelOptions) -> Option<&'static str> {
        options.given().find(|switch| !self.switches.contains(switch))
    }
}

/// All architectures, family by family.
pub static ARCHITECTURES: &[Architecture] = &[
    mlp::MLP,
    lenet::LENET,
    lenet::LENET5,
    convnet::DIGIT_CNN,
    convnet::CONVNET64,
    vgg::ALEXNET,
    vgg::VGG11,
    vgg::VGG11_BN,
    vgg::VGG16,
    vgg::VGG16_BN,
    resnet::RESNET20,
    resnet::RESNET32,
    resnet::RESNET56,
    resnet::RESNET20_A,
    resnet::RESNET32_A,
    resnet::RESNET44_A,
    resnet::RESNET56_A,
    resnet::RESNET18,
    resnet::RESNET34,
    resnet::RESNET50,
    resnet::RESNET18_IMAGENET,
    resnet::RESNET34_IMAGENET,
    resnet::RESNET50_IMAGENET,
    wide_resnet::WRN16_4,
    wide_resnet::WRN28_10,
    densenet::DENSENET_SMALL,
    densenet::DENSENET121,
    mobilenet::MOBILENET_V2,
    mobilenet::EFFICIENTNET_LITE0,
    xception::MINI_XCEPTION,
    vit::VIT,
    vit::VIT_APRIL,
];

/// The architecture of this name.
pub fn architecture(name: &str) -> Option<&'static Architecture> {
    ARCHITECTURES.iter().find(|architecture| architecture.name == name)
}

/// Names of all architectures.
pub fn names() -> impl Iterator<Item = &'static str> + Clone {
    ARCHITECTURES.iter().map(|architecture| architecture.name)
}

#[cfg(test)]
mod tests;
#[cfg(test)]
pub(crate) use tests::small_input;
