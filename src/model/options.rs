//! What the options of a study make of an architecture as published.

use crate::config::{ActivationKind, InitialisationKind, ModelOptions, NormKind};
use crate::dual::Activation;

use super::layer::{BATCH_NORM_EPS, Layer};
use super::net::Initialisation;

/// Slope of leaky ReLU below zero, PyTorch's default.
const LEAK: f64 = 0.01;
/// Groups of GroupNorm, fewer where they do not divide the channels.
const GROUPS: usize = 8;

impl ModelOptions {
    /// The hidden non-linearity.
    pub(super) fn activation(&self, published: Activation) -> Activation {
        match self.activation {
            None => published,
            Some(ActivationKind::Relu) => Activation::Relu,
            Some(ActivationKind::LeakyRelu) => Activation::LeakyRelu(LEAK),
            Some(ActivationKind::Sigmoid) => Activation::Sigmoid,
            Some(ActivationKind::Tanh) => Activation::Tanh,
            Some(ActivationKind::Gelu) => Activation::Gelu,
        }
    }

    /// A number of channels or features, scaled.
    pub(super) fn channels(&self, published: usize) -> usize {
        self.width.map_or(published, |factor| ((published as f64 * factor).round() as usize).max(1))
    }

    /// The normalisation of feature maps, if there is one.
    pub(super) fn norm(&self, published: NormKind, name: &str, channels: usize) -> Option<Layer> {
        self.norm_with(published, name, channels, BATCH_NORM_EPS)
    }

    /// The same with another epsilon of BatchNorm.
    pub(super) fn norm_with(
        &self,
        published: NormKind,
        name: &str,
        channels: usize,
        eps: f64,
    ) -> Option<Layer> {
        let grouped = |groups| Layer::GroupNorm { name: name.to_owned(), channels, groups };
        match self.norm.unwrap_or(published) {
            NormKind::Batch => Some(Layer::BatchNorm { name: name.to_owned(), channels, eps }),
            NormKind::Group => {
                Some(grouped((1..=GROUPS).rev().find(|groups| channels % groups == 0).unwrap_or(1)))
            }
            NormKind::Layer => Some(grouped(1)),
            NormKind::None => None,
        }
    }

    /// How often something repeats.
    pub(super) fn depth(&self, published: usize) -> usize {
        self.depth.unwrap_or(published)
    }

    /// A residual block, or its body alone where skip connections are off.
    pub(super) fn residual(
        &self,
        body: Vec<Layer>,
        shortcut: Vec<Layer>,
        activation: Option<Activation>,
    ) -> Vec<Layer> {
        if self.skip.unwrap_or(true) {
            vec![Layer::Residual { body, shortcut, activation }]
        } else {
            body.into_iter().chain(activation.map(Layer::Activation)).collect()
        }
    }

    /// Whether a layer has a bias.
    pub(super) fn bias(&self, published: bool) -> bool {
        self.bias.unwrap_or(published)
    }

    /// How fresh weights are drawn.
    pub(super) fn initialisation(&self, published: Initialisation) -> Initialisation {
        match self.initialisation {
            None => published,
            Some(InitialisationKind::Pytorch) => Initialisation::PyTorch,
            Some(InitialisationKind::Uniform) => Initialisation::Uniform(0.5),
            Some(InitialisationKind::He) => Initialisation::He,
        }
    }
}
