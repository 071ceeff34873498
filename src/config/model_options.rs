//! The switches of a model that studies turn: `[victim] options = { activation = "sigmoid", width = 2 }`.

use serde::{Deserialize, Serialize};

/// What of a model differs from its architecture as published. Absent: as published.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelOptions {
    /// Hidden non-linearity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub activation: Option<ActivationKind>,
    /// Normalisation of feature maps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub norm: Option<NormKind>,
    /// Factor on the number of channels, above 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub width: Option<f64>,
    /// Number of repeated layers or blocks; what repeats is the architecture's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub depth: Option<usize>,
    /// Whether skip connections are there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skip: Option<bool>,
    /// Whether convolutions and fully connected layers have biases.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bias: Option<bool>,
    /// How fresh weights are drawn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub initialisation: Option<InitialisationKind>,
}

/// A non-linearity by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ActivationKind {
    /// max(z, 0).
    Relu,
    /// max(z, z / 100).
    LeakyRelu,
    /// Logistic function.
    Sigmoid,
    /// Hyperbolic tangent.
    Tanh,
    /// z Phi(z).
    Gelu,
}

/// A normalisation of feature maps by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NormKind {
    /// Over the batch, per channel.
    Batch,
    /// Over groups of channels of a sample: 8 groups, or the largest smaller number that divides.
    Group,
    /// Over all channels of a sample.
    Layer,
    /// No normalisation.
    None,
}

/// How fresh weights are drawn, by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum InitialisationKind {
    /// PyTorch's defaults: uniform in +-1/sqrt(fan-in).
    Pytorch,
    /// Everything uniform in +-0.5, as DLG.
    Uniform,
    /// Normal with variance 2/fan-in, biases 0.
    He,
}

impl ModelOptions {
    /// Whether no switch is turned.
    pub fn is_empty(&self) -> bool {
        *self == ModelOptions::default()
    }

    /// Names of the switches that are turned.
    pub fn given(&self) -> impl Iterator<Item = &'static str> {
        [
            ("activation", self.activation.is_some()),
            ("norm", self.norm.is_some()),
            ("width", self.width.is_some()),
            ("depth", self.depth.is_some()),
            ("skip", self.skip.is_some()),
            ("bias", self.bias.is_some()),
            ("initialisation", self.initialisation.is_some()),
        ]
        .into_iter()
        .filter_map(|(name, given)| given.then_some(name))
    }
}
